"""When are two spellings the same identity?

The normal form is compared and never shown: mail and calls go to what was typed. It joins only what its kind says is
one (case and width of an e-mail address, separators of a phone number); anything doubtful, such as characters one
cannot see, is refused as an identity rather than merged with somebody else's.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final, assert_never

from omnicore.kernel.errors import Malformed
from omnicore.kernel.text import clean_text
from omnicore.parties.model import MAX_LINE
from omnicore.parties.states import IdentityKind

COUNTRY_CODES: Final = {"JP": "81", "GB": "44", "DE": "49", "FR": "33"}
"""Country -> calling code, where a number at home is written with one leading zero that the code replaces."""

_UNSEEN = re.compile(
    "[\u00ad\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
_HYPHENS = dict.fromkeys(map(ord, "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff0d().  \u3000"))
_PHONE = re.compile(r"\+?[0-9]{5,15}")
_SPACE = re.compile(r"\s")


def normal_form(kind: IdentityKind, text: str, *, realm: str = "", path: str = "$") -> str:
    """Give the form under which spellings of one identity meet.

    Law: ``normal_form(kind, normal_form(kind, text)) == normal_form(kind, text)``.

    Raises:
        Malformed: empty, too long, characters one cannot see, or not of the kind's shape.
    """
    typed = clean_text(text, path=path, limit=MAX_LINE).strip()
    if not typed:
        raise Malformed(path, "must not be empty")
    if _UNSEEN.search(typed):
        raise Malformed(path, "must not contain characters one cannot see")
    match kind:
        case IdentityKind.EMAIL:
            return _email(typed, path)
        case IdentityKind.PHONE:
            return _phone(typed, realm, path)
        case IdentityKind.MEMBER_CARD:
            return _card(typed, path)
        case IdentityKind.MARKETPLACE_BUYER | IdentityKind.OIDC | IdentityKind.LINE | IdentityKind.STORE_TOKEN:
            return typed  # somebody else's id: exact, or not the same
        case _:
            assert_never(kind)


def _card(typed: str, path: str) -> str:
    """Drop separators and fold case, because cards are read aloud and typed in."""
    normal = _settled(typed, lambda text: unicodedata.normalize("NFKC", text).translate(_HYPHENS).upper())
    if not normal:
        raise Malformed(path, "must be a card number")
    return normal


def _email(typed: str, path: str) -> str:
    """Fold width and case, and write the domain in ASCII (IDNA); dots and tags of the local part are its owner's."""
    plain = _settled(typed, lambda text: unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))
    local, at, domain = plain.rpartition("@")
    if not at or not local or _SPACE.search(plain) or "@" in local:
        raise Malformed(path, "must be an e-mail address")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = ""
    if "." not in ascii_domain.strip("."):
        raise Malformed(path, "must be an e-mail address with a domain")
    return f"{local}@{ascii_domain.casefold()}"


def _phone(typed: str, realm: str, path: str) -> str:
    """Give the international form where the country's code is known, else the digits: the realm is the country."""
    digits = unicodedata.normalize("NFKC", typed).translate(_HYPHENS)
    if not _PHONE.fullmatch(digits):
        raise Malformed(path, "must be a phone number")
    code = COUNTRY_CODES.get(realm)
    if code is None or digits.startswith("+"):
        return digits
    return f"+{code}{digits[1:]}" if digits.startswith("0") else digits


def _settled(text: str, step: Callable[[str], str]) -> str:
    """Step until it rests: one step may make room for another."""
    while (stepped := step(text)) != text:
        text = stepped
    return text
