"""Does every currency have the digits that ISO 4217 gives it?"""

import csv
from pathlib import Path

import pytest
from iso4217 import Currency, __published__

from omnicore.kernel.currencies import DIGITS, PUBLISHED, RETIRED

SHARED = Path(__file__).parents[3] / "shared/data/iso/iso4217-vs-cldr.csv"


def test_digits_are_those_of_iso_4217() -> None:
    """A yen has no decimals, a pound two and a Kuwaiti dinar three, as ISO 4217 says for every currency."""
    iso = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
    assert {code: DIGITS[code] for code in iso if code in DIGITS} == {c: d for c, d in iso.items() if c in DIGITS}
    if str(__published__) == PUBLISHED:  # a newer release of the package may list more
        assert DIGITS.keys() - RETIRED == iso.keys()


def test_what_is_not_money_is_left_out() -> None:
    """Nobody can be charged in gold, in a test code or in no currency."""
    assert not {"XAU", "XTS", "XXX", "XDR"} & DIGITS.keys()


def test_retired_currencies_still_read() -> None:
    """An order of the days before the euro can still be read."""
    assert DIGITS.keys() >= RETIRED
    assert {"HRK", "BGN"} <= RETIRED
    assert "EUR" not in RETIRED


@pytest.mark.skipif(not SHARED.exists(), reason="the comparison of ISO with CLDR lies beside the project, not in it")
def test_digits_are_not_those_of_cldr() -> None:
    """Where screens show fewer decimals than ISO has, for thirteen currencies, we still count with ISO's."""
    with SHARED.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["iso_exponent"]]
    assert {row["code"]: int(row["iso_exponent"]) for row in rows}.items() <= DIGITS.items()
    assert sum(row["iso_exponent"] != row["cldr_digits"] for row in rows) == 13
