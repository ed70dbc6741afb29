"""Is text kept as typed, told in the reader's language, and matched whatever its spelling?"""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.text import (
    MAX_KEYED,
    Localized,
    clean_text,
    display_locale,
    match_key,
)
from omnicore.testing.strategies import kernel as some


@given(some.texts())
def test_text_is_let_in_as_typed(text: str) -> None:
    """A name is stored exactly as the customer wrote it."""
    assert clean_text(text) == text


@pytest.mark.parametrize("text", ["a\x00", "a\nb", "\t", "\x7f", "\ud800", "a" * 11, None, 1, b"a"])
def test_text_that_is_no_text_is_refused(text: str) -> None:
    """Control characters, halves of characters and whole novels stay outside."""
    with pytest.raises(Malformed) as bad:
        clean_text(text, path="$.name", limit=10)
    assert bad.value.path == "$.name"


def test_layout_is_for_long_texts() -> None:
    """A description may have lines; a name may not."""
    assert clean_text("a\r\n\tb", layout=True) == "a\r\n\tb"
    with pytest.raises(Malformed):
        clean_text("a\x0bb", layout=True)


@given(some.localized(), st.sampled_from(["ja", "ja-JP", "ja_JP", "en", "en-GB", "en-AU", "xx", "", "zh-Hant-HK"]))
def test_a_reader_always_gets_a_text(texts: Localized, language: str) -> None:
    """Whoever asks, in whatever language, gets one of the texts, and the exact one if there is one."""
    wording = texts.wording(language)
    assert wording in texts.by_language.values()
    assert wording == texts.by_language.get(language.replace("_", "-"), wording)
    assert Localized.of(texts.by_language) == texts


def test_fallback_order() -> None:
    """A Briton gets British English, else English, else American; a Frenchman gets what comes first."""
    texts = Localized.of({"ja": "靴", "en-US": "sneakers", "zh-Hant": "鞋"})
    assert [texts.wording(tag) for tag in ("en-GB", "en", "zh-Hant-TW", "zh-Hans", "fr", "ja_JP")] == [
        "sneakers",
        "sneakers",
        "鞋",
        "鞋",
        "靴",
        "靴",
    ]
    assert Localized.of({"en-US": "a", "en": "b"}).wording("en-GB") == "b"
    assert repr(texts) == "Localized(ja, en-US, zh-Hant)"


@pytest.mark.parametrize(
    "texts",
    [
        (),
        [("ja", "a")],
        (("ja", "a"), ("ja", "b")),
        (("JA", "a"),),
        (("ja-jp", "a"),),
        (("ja_JP", "a"),),
        (("", "a"),),
        ((1, "a"),),
        (("ja", 1),),
        (("ja", "\x00"),),
        ("ja",),
        (["ja", "a"],),
        (("ja", "a", "b"),),
        (("ja" * 50, "a"),),
        (("ja", "a"),) * 65,
    ],
)
def test_texts_without_a_language_are_refused(texts: tuple[tuple[str, str], ...]) -> None:
    """Each text says in which language it is, once."""
    with pytest.raises(Malformed) as bad:
        Localized(texts)
    assert bad.value.path.startswith("$.texts")


@given(some.texts() | st.text(st.characters(exclude_categories=("Cs", "Cc"))))
def test_a_match_key_is_its_own_key(text: str) -> None:
    """Two spellings that meet once meet for good."""
    key = match_key(text)
    assert match_key(key) == key
    assert match_key(f"  {text}\u3000") == key
    assert match_key(unicodedata.normalize("NFD", text)) == match_key(unicodedata.normalize("NFC", text))


def test_every_character_has_a_match_key() -> None:
    """There is no character on which matching hangs or never settles."""
    unlikely = {*range(0x3400, 0xF900), *range(0x20000, sys.maxunicode + 1)}  # ideographs, Hangul, private use
    for character in map(chr, sorted({*range(0x20, sys.maxunicode + 1)} - unlikely)):
        if unicodedata.category(character) not in ("Cc", "Cs", "Cn", "Co"):
            key = match_key(character)
            assert match_key(key) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ヤマダ　タロウ", "ﾔﾏﾀﾞ ﾀﾛｳ"),
        ("やまだ たろう", "ヤマダ  タロウ"),
        ("が", "か\u3099"),
        ("コーヒー", "コ－ヒ‐"),
        ("１−２−３", "1-2-3"),
        ("ABC", "ａｂｃ"),
        ("葛\U000e0100城", "葛城"),
        ("straße", "STRASSE"),
        ("ゞ", "ヾ"),
        ("わ\u3099", "ヷ"),
    ],
)
def test_spellings_of_one_name_meet(one: str, other: str) -> None:
    """A customer is found whether the name was typed in kana of either kind, full or half width, in either case."""
    assert match_key(one) == match_key(other)


@pytest.mark.parametrize(("one", "other"), [("高田", "髙田"), ("mıke", "mike"), ("раypal", "paypal"), ("ハハ", "パパ")])
def test_names_that_only_look_alike_stay_apart(one: str, other: str) -> None:
    """A name that merely looks like another is another name."""
    assert match_key(one) != match_key(other)


def test_a_match_key_has_a_limit() -> None:
    """Nobody searches for a novel."""
    with pytest.raises(Malformed) as bad:
        match_key("a" * (MAX_KEYED + 1), path="$.q")
    assert bad.value.path == "$.q"


def test_locales_of_readers() -> None:
    """A reader's language is known by either of its spellings."""
    assert str(display_locale("ja-JP")) == str(display_locale("ja_JP")) == "ja_JP"
