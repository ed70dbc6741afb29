"""Does a parcel get there: is no part of an address lost, and none told to whom it does not concern?"""

import re
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.address import (
    PostalAddress,
    format_address,
    format_postal_code,
    parse_postal_code,
)
from omnicore.kernel.errors import Malformed
from omnicore.testing.strategies import kernel as some

OFFICE = PostalAddress(
    country="JP",
    postal_code="1000001",
    region="東京都",
    city="千代田区",
    district="千代田一丁目",
    street="1-1",
    building="皇居ビル２階",
    organisation="株式会社㈱髙",
    recipient="山田 太郎",
    recipient_kana="ヤマダ タロウ",
    phone="03-0000-0000",
)
LABEL = ("postal_code", "region", "city", "district", "street", "building", "organisation", "recipient")


def test_a_japanese_address_is_written_as_in_japan() -> None:
    """A label in Japan runs from the postal code down to the person; one for a foreign carrier from the person up."""
    assert format_address(OFFICE) == (
        "〒100-0001",
        "東京都千代田区千代田一丁目1-1",
        "皇居ビル２階",
        "株式会社㈱髙",
        "山田 太郎",
    )
    assert format_address(OFFICE, locale="en_GB") == (
        "山田 太郎",
        "株式会社㈱髙",
        "皇居ビル２階",
        "1-1, 千代田一丁目",
        "千代田区 東京都 100-0001",
        "Japan",
    )


def test_a_foreign_address_names_its_country() -> None:
    """An address abroad names the country in the reader's language, one at home does not."""
    london = PostalAddress(country="GB", postal_code="SW1A 1AA", city="London", street="The Mall", recipient="A. Guest")
    assert format_address(london)[0] == "イギリス"
    assert format_address(london, locale="en_GB") == ("A. Guest", "The Mall", "London SW1A 1AA")
    assert format_address(london, locale="en_US")[-1] == "United Kingdom"
    assert format_address(london, locale="ja")[2] == "London The Mall"


@given(some.postal_addresses(), st.sampled_from(["ja_JP", "en_US", "de"]))
def test_no_part_of_an_address_is_lost(address: PostalAddress, locale: str) -> None:
    """Whatever the customer filled in stands on the label."""
    label = "\n".join(format_address(address, locale=locale))
    for name in LABEL:
        part = getattr(address, name)
        assert part in label or (name == "postal_code" and part in label.replace("-", ""))
    assert PostalAddress(**attrs.asdict(address)) == address


@given(some.postal_addresses())
def test_an_address_in_a_log_shows_nothing(address: PostalAddress) -> None:
    """Where somebody lives never stands in a log."""
    assert repr(address) == str(address) == "PostalAddress(***)"


@given(some.postal_codes(), st.sampled_from(["{}{}", "{}-{}", "〒{}-{}", "〒 {}−{}", "〒{}ー{}", " {}－{} "]))
def test_a_postal_code_is_stored_bare(code: str, written: str) -> None:
    """A postal code typed with or without its mark and hyphen, in full or half width, is the same seven digits."""
    text = written.format(code[:3], code[3:])
    wide = text.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    assert parse_postal_code(text) == parse_postal_code(wide) == code
    assert parse_postal_code(format_postal_code(code)) == code
    assert PostalAddress(country="JP", postal_code=code).postal_code == code


@pytest.mark.parametrize(
    "text", ["", "100-001", "10-00001", "abc-defg", "1" * 99, "〒", None, 1000001, "100-0001\n", "①00-0001x"]
)
def test_what_is_no_postal_code_is_refused(text: str) -> None:
    """A postal code has seven digits."""
    with pytest.raises(Malformed) as bad:
        parse_postal_code(text, path="$.zip")
    assert bad.value.path == "$.zip"
    with pytest.raises(Malformed):
        format_postal_code(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("country", "jp"),
        ("country", "JPN"),
        ("country", ""),
        ("country", None),
        ("postal_code", "100-0001"),
        ("postal_code", "１０００００１"),
        ("city", "a\nb"),
        ("recipient", 7),
        ("street", "a" * 201),
    ],
)
def test_what_no_carrier_could_read_is_refused(name: str, value: str) -> None:
    """A part of an address with line breaks or without end is refused, and the complaint does not repeat it."""
    with pytest.raises(Malformed) as bad:
        attrs.evolve(OFFICE, **{name: value})
    assert bad.value.path == f"$.{name}"
    assert not value or str(value) not in bad.value.reason


def test_foreign_postal_codes_have_an_end() -> None:
    """A postal code of any country fits on the label."""
    with pytest.raises(Malformed):
        PostalAddress(country="GB", postal_code="1" * 17)


@pytest.mark.skipif(
    not (Path(__file__).parents[3] / "shared/data/jp-postal/tokyo-23ku.csv").exists(),
    reason="the list of Tokyo's postal codes lies beside the project, not in it",
)
def test_every_postal_code_of_tokyo_is_read() -> None:
    """Every postal code of Tokyo's 23 wards is read and written back."""
    path = Path(__file__).parents[3] / "shared/data/jp-postal/tokyo-23ku.csv"
    codes = set(re.findall(r"(?<![0-9])[0-9]{7}(?![0-9])", path.read_text(encoding="utf-8")))
    assert len(codes) > 3000
    assert all(parse_postal_code(format_postal_code(code)) == code for code in codes)
