"""Where does something go, written so that it gets there?

A Japanese address keeps every part in a field of its own, because a part that was glued into a line cannot be told
apart again, and one that has no field gets lost. The same fields carry an address of any other country.
"""

import re
import unicodedata
from typing import Final

from attrs import fields_dict, frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.text import clean_text, display_locale

MAX_FIELD: Final = 200
"""Characters of one part of an address."""
_COUNTRY = re.compile("[A-Z]{2}")
_JP_POSTAL_CODE = re.compile("[0-9]{7}")
_JP_POSTAL_CODE_AS_WRITTEN = re.compile("〒? ?([0-9]{3})-?([0-9]{4})")
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff0d", "-"))
_LONGEST_POSTAL_CODE: Final = 16


@frozen(kw_only=True, repr=False)
class PostalAddress:
    """Somebody's address, each part as typed; parts that do not apply are empty. Personal: its ``repr`` shows nothing.

    A Japanese postal code is stored bare, as 7 ASCII digits; ``parse_postal_code`` reads ``〒100-0001``.

    Raises:
        Malformed: a country that is no two-letter code, a part with control characters or longer than 200 characters,
            or a Japanese postal code that is not 7 digits.
    """

    country: str
    """ISO 3166-1 alpha-2, such as ``JP``."""
    postal_code: str = ""
    region: str = ""
    """Prefecture (都道府県), state, province."""
    city: str = ""
    """City, ward, town or village (市区町村)."""
    district: str = ""
    """Town area and chome (町名・丁目)."""
    street: str = ""
    """Block and lot (番地・号), or street and number."""
    building: str = ""
    """Building and room (建物名・部屋番号)."""
    organisation: str = ""
    recipient: str = ""
    recipient_kana: str = ""
    """The recipient's name as it is read (フリガナ)."""
    phone: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what no carrier could read."""
        for name in fields_dict(PostalAddress):
            clean_text(getattr(self, name), path=f"$.{name}", limit=MAX_FIELD)
        if not _COUNTRY.fullmatch(self.country):
            raise Malformed("$.country", "must be a two-letter country code such as JP")
        if self.country == "JP" and self.postal_code and not _JP_POSTAL_CODE.fullmatch(self.postal_code):
            raise Malformed("$.postal_code", "must be 7 digits without hyphen")
        if len(self.postal_code) > _LONGEST_POSTAL_CODE:
            raise Malformed("$.postal_code", f"must have at most {_LONGEST_POSTAL_CODE} characters")

    def __repr__(self) -> str:
        """Show nothing of anybody."""
        return "PostalAddress(***)"


def parse_postal_code(text: str, *, path: str = "$") -> str:
    """Read a Japanese postal code as people write it (``〒100-0001``, full-width too) to its 7 bare digits.

    Law: ``parse_postal_code(format_postal_code(code)) == code``.

    Raises:
        Malformed: anything else.
    """
    plain = unicodedata.normalize("NFKC", clean_text(text, path=path, limit=32)).translate(_HYPHENS).strip()
    written = _JP_POSTAL_CODE_AS_WRITTEN.fullmatch(plain)
    if written is None:
        raise Malformed(path, "must be a postal code of 7 digits")
    return written[1] + written[2]


def format_postal_code(code: str) -> str:
    """Write 7 bare digits as on a Japanese envelope: ``〒100-0001``.

    Raises:
        Malformed: not 7 digits.
    """
    if type(code) is not str or not _JP_POSTAL_CODE.fullmatch(code):
        raise Malformed("$", "must be 7 digits without hyphen")
    return f"〒{code[:3]}-{code[3:]}"


def format_address(address: PostalAddress, *, locale: str = "ja_JP") -> tuple[str, ...]:
    """Write an address as lines for a reader's locale: from the country down in Japanese, from the person up elsewhere.

    Foreign addresses name their country, in the reader's language.

    Law: every part that is filled in stands in one of the lines; the phone and the kana are not part of the label.

    Raises:
        Malformed: the locale is unknown.
    """
    reader = display_locale(locale)
    at_home = address.country == reader.territory or (reader.language == "ja" and address.country == "JP")
    country = "" if at_home else reader.territories.get(address.country, address.country)
    in_japan = address.country == "JP"
    code = format_postal_code(address.postal_code) if in_japan and address.postal_code else address.postal_code
    if reader.language == "ja":
        parts = (address.region, address.city, address.district, address.street)
        place = ("" if in_japan else " ").join(filter(None, parts))
        lines = (country, code, place, address.building, address.organisation, address.recipient)
    else:
        town = " ".join(filter(None, (address.city, address.region, code.removeprefix("〒"))))
        street = ", ".join(filter(None, (address.street, address.district)))
        lines = (address.recipient, address.organisation, address.building, street, town, country)
    return tuple(filter(None, lines))
