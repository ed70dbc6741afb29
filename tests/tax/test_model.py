from datetime import date

import pytest
from attrs import AttrsInstance, evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.rounding import Rate, Rounding
from omnicore.tax import (
    DatedRate,
    RateTable,
    RoundAt,
    Sale,
    SaleLine,
    Taxability,
    TaxCategory,
    TaxPolicy,
    TaxRate,
    TaxSummary,
)
from omnicore.testing.strategies import tax as some

BOOKS = TaxCategory("books")


@given(some.tax_summaries())
def test_a_summary_can_be_stored(summary: TaxSummary) -> None:
    """A tax summary is read back exactly as it was written."""
    assert codec.loads(codec.dumps(summary, as_=TaxSummary), as_=TaxSummary) == summary


@given(some.rate_tables(), some.sales(), some.tax_policies(), some.dated_rates())
def test_rates_and_sales_can_be_stored(table: RateTable, sale: Sale, policy: TaxPolicy, row: DatedRate) -> None:
    """Rate tables, sales and policies are data: they are read back exactly as they were written."""
    assert codec.loads(codec.dumps(table, as_=RateTable), as_=RateTable) == table
    assert codec.loads(codec.dumps(sale, as_=Sale), as_=Sale) == sale
    assert codec.loads(codec.dumps(policy, as_=TaxPolicy), as_=TaxPolicy) == policy
    assert codec.loads(codec.dumps(row, as_=DatedRate), as_=DatedRate) == row


def test_no_zero_without_a_reason() -> None:
    """Nothing is untaxed without a reason on record, and no reason not to tax goes with a rate."""
    with pytest.raises(Malformed):
        TaxRate(reason=Taxability.STANDARD, rate=Rate(0))
    with pytest.raises(Malformed):
        TaxRate(reason=Taxability.EXPORT, rate=Rate.of(1, 10))


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), some.tax_rates(), some.tax_rates())
def test_no_day_has_two_rates(day: date, one: TaxRate, other: TaxRate) -> None:
    """Two rates for one category may meet at a day but never share one."""
    before = DatedRate(place="JP", category=BOOKS, rate=one, until=day)
    after = DatedRate(place="JP", category=BOOKS, rate=other, first=day)
    RateTable((after, before))
    for overlapping in (
        DatedRate(place="JP", category=BOOKS, rate=other),
        DatedRate(place="JP", category=BOOKS, rate=one, first=day),
    ):
        with pytest.raises(Malformed):
            RateTable((before, after, overlapping))


@pytest.mark.parametrize("bad", ["", "jp", "JPN", "JP-", "JP-1-2-3-4", 5, None, "JP\n"])
def test_places_are_checked(bad: str) -> None:
    """A place is a country code and its parts, or it is refused with the path to it."""
    with pytest.raises(Malformed) as caught:
        DatedRate(place=bad, category=BOOKS, rate=TaxRate(reason=Taxability.ZERO, rate=Rate(0)))
    assert caught.value.path == "$.place"


def test_a_policy_has_a_name_for_the_document() -> None:
    """A document can say in one word which rounding it was made with."""
    assert TaxPolicy(round_at=RoundAt.RATE, rounding=Rounding.DOWN).name == "rate/down"


ROW = DatedRate(place="JP", category=BOOKS, rate=TaxRate(reason=Taxability.ZERO, rate=Rate(0)), first=date(2026, 1, 1))
LINE = SaleLine(id="L", category=BOOKS, amount=100)
SALE = Sale(currency="JPY", basis=TaxBasis.INCLUDED, place="JP", on=date(2026, 1, 1), lines=(LINE,))
POLICY = TaxPolicy(round_at=RoundAt.RATE, rounding=Rounding.DOWN)


@pytest.mark.parametrize(
    ("thing", "name", "bad"),
    [
        (ROW.rate, "reason", "zero"),
        (ROW.rate, "rate", Rate(-1)),
        (ROW, "first", "2026-01-01"),
        (ROW, "until", date(2026, 1, 1)),
        (RateTable(()), "rows", []),
        (POLICY, "round_at", "rate"),
        (POLICY, "rounding", "down"),
        (LINE, "amount", 1.5),
        (LINE, "units", 0),
        (SALE, "currency", "YEN"),
        (SALE, "basis", "included"),
        (SALE, "on", "2026-01-01"),
        (SALE, "lines", [LINE]),
        (SALE, "lines", (LINE, LINE)),
    ],
)
def test_bad_tax_data_is_refused_where_it_stands(thing: AttrsInstance, name: str, bad: object) -> None:
    """Bad data is refused with the name of the field, before any tax is worked out."""
    with pytest.raises(Malformed) as caught:
        evolve(thing, **{name: bad})  # type: ignore[misc]  # any attrs class at all
    assert caught.value.path == f"$.{name}"
