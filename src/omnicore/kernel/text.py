"""How is text let in, told to people in their language, and matched?

Text is stored as it was typed. Two things are derived from it and never stored in its place: the wording for a reader's
language, and the key under which spellings of one name meet.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from attrs import frozen

from omnicore.kernel.errors import Malformed

if TYPE_CHECKING:
    from babel import Locale

MAX_TEXT: Final = 20_000
"""Characters of a long text, such as a product description in one language."""
MAX_KEYED: Final = 1_000
"""Characters of a text that a match key is made of."""
MAX_LANGUAGES: Final = 64

_CONTROLS = re.compile("[\x00-\x1f\x7f]")
_CONTROLS_BUT_LAYOUT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_TAG = re.compile("[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_LONGEST_TAG = 16


def clean_text(text: str, *, path: str = "$", limit: int = MAX_TEXT, layout: bool = False) -> str:
    """Let a text in unchanged, or not at all: the gate for names, notes and descriptions.

    ``limit`` is in characters; ``layout`` lets line breaks and tabs through.

    Raises:
        Malformed: no text, too long, control characters, or half a character (lone surrogate).
    """
    if type(text) is not str:
        raise Malformed(path, "must be a text")
    if len(text) > limit:
        raise Malformed(path, f"must have at most {limit} characters")
    if (_CONTROLS_BUT_LAYOUT if layout else _CONTROLS).search(text):
        raise Malformed(path, "must not contain control characters")
    if _SURROGATES.search(text):
        raise Malformed(path, "must be valid Unicode")
    return text


@frozen(repr=False)
class Localized:
    """One text in several languages, in the order in which they stand in for each other.

    Tags are BCP 47 in canonical case: ``ja``, ``en-GB``, ``zh-Hant-TW``. Asked for a language, it answers with the
    first of: the very tag; the tag shortened from the right (``en-GB``, ``en``); the first text of the same language
    (``en-US`` for ``en-GB``); the first text of all.

    Raises:
        Malformed: no text, a language twice, a bad tag, or a text that ``clean_text`` refuses.
    """

    texts: tuple[tuple[str, str], ...]

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be told to anybody."""
        if type(self.texts) is not tuple or not 0 < len(self.texts) <= MAX_LANGUAGES:
            raise Malformed("$.texts", f"must be 1 to {MAX_LANGUAGES} pairs of language and text")
        for place, pair in enumerate(self.texts):
            if type(pair) is not tuple or len(pair) != 2:  # noqa: PLR2004 - a pair
                raise Malformed(f"$.texts[{place}]", "must be a pair of language and text")
            if type(pair[0]) is not str or len(pair[0]) > _LONGEST_TAG or not _TAG.fullmatch(pair[0]):
                raise Malformed(f"$.texts[{place}][0]", "must be a language tag such as ja or en-GB")
            clean_text(pair[1], path=f"$.texts[{place}][1]", layout=True)
        if len(dict(self.texts)) < len(self.texts):
            raise Malformed("$.texts", "must name each language once")

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "Localized":
        """Take language -> text; the mapping's order is the order of fallback."""
        return cls(tuple(texts.items()))

    @property
    def by_language(self) -> dict[str, str]:
        """Language -> text, in the order of fallback."""
        return dict(self.texts)

    def wording(self, language: str) -> str:
        """Give the text for a reader; ``ja``, ``ja-JP`` and ``ja_JP`` are all understood.

        Law: it always answers, and never with a text it does not hold.
        """
        texts = self.by_language
        tag = language.replace("_", "-")
        while True:
            if tag in texts:
                return texts[tag]
            shorter = tag.rpartition("-")[0]
            if not shorter:
                break
            tag = shorter
        same_language = (text for known, text in self.texts if known.partition("-")[0] == tag)
        return next(same_language, self.texts[0][1])

    def __repr__(self) -> str:
        """Give the languages; the texts may be long."""
        return f"Localized({', '.join(language for language, _ in self.texts)})"


_HIRAGANA_TO_KATAKANA = {code: code + 0x60 for code in (*range(0x3041, 0x3097), 0x309D, 0x309E)}
_HYPHENS = dict.fromkeys(
    map(ord, "\u00ad\u02d7\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\u2501\u30fc\uff0d"), "-"
)
_INVISIBLE = dict.fromkeys((*range(0x200B, 0x2010), 0x2060, 0xFEFF, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
_FOLD: Final[dict[int, int | str | None]] = {**_HIRAGANA_TO_KATAKANA, **_HYPHENS, **_INVISIBLE}


def match_key(text: str, *, path: str = "$") -> str:
    """Derive the key under which spellings of one text meet; for matching only, never shown and never stored instead.

    Width and compatibility forms (NFKC), case, hiragana and katakana, every kind of hyphen, dash and the long-vowel
    mark, runs of spaces, and characters one cannot see (variation selectors, zero width) make no difference. Letters of
    different alphabets that merely look alike stay different, and so do kanji variants with a code of their own (高 and
    its ladder form).

    Law: ``match_key(match_key(t)) == match_key(t)``.

    Raises:
        Malformed: longer than 1,000 characters, or refused by ``clean_text``.
    """
    key = clean_text(text, path=path, limit=MAX_KEYED, layout=True)
    # One step can make room for another (a folded letter that now composes with its accent), so step until it rests.
    while (folded := _folded(key)) != key:
        key = folded
    return key


def _folded(text: str) -> str:
    wide = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(wide.translate(_FOLD).split())


def display_locale(tag: str, *, path: str = "$.locale") -> "Locale":
    """Give Babel's locale for ``ja_JP``, ``ja-JP`` or ``ja``; Babel is loaded on first use.

    Raises:
        Malformed: no such locale.
    """
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 - babel takes 30 ms to import

    if type(tag) is not str or len(tag) > 2 * _LONGEST_TAG:
        raise Malformed(path, "must be a locale such as ja_JP")
    try:
        return Locale.parse(tag.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        raise Malformed(path, "must be a known locale such as ja_JP") from None
