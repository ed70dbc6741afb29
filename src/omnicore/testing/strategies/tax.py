"""Which values may tax's types have? One strategy for each, also for the awkward corners."""

from datetime import date
from typing import Final

from hypothesis import strategies as st

from omnicore.kernel.money import TaxBasis
from omnicore.kernel.rounding import Rate
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
    assess,
)
from omnicore.testing.strategies.kernel import days, roundings, tax_bases

CATEGORIES: Final = (TaxCategory("standard"), TaxCategory("reduced"), TaxCategory("books"), TaxCategory("untaxed"))


def tax_categories() -> st.SearchStrategy[TaxCategory]:
    """Give the categories that the tables of this module know."""
    return st.sampled_from(CATEGORIES)


def tax_rates() -> st.SearchStrategy[TaxRate]:
    """Give rates with their reason: percentages, tenths and thirds of percentages, and zeros of every kind."""
    ratios = st.integers(1, 40).map(lambda percent: Rate.of(percent, 100)) | st.integers(1, 999).map(
        lambda step: Rate.of(step, 3000)
    )
    taxed = st.builds(TaxRate, reason=st.sampled_from((Taxability.STANDARD, Taxability.REDUCED)), rate=ratios)
    reasons = st.sampled_from([each for each in Taxability if each not in (Taxability.STANDARD, Taxability.REDUCED)])
    return taxed | taxed | st.builds(TaxRate, reason=reasons, rate=st.just(Rate(0)))


def dated_rates(*, place: str = "JP") -> st.SearchStrategy[DatedRate]:
    """Give rates in force for some days, or for ever."""
    starts = st.none() | days(first_year=1990, last_year=2010)
    ends = st.none() | days(first_year=2011, last_year=2030)
    return st.builds(
        DatedRate, place=st.just(place), category=tax_categories(), rate=tax_rates(), first=starts, until=ends
    )


@st.composite
def rate_tables(draw: st.DrawFn) -> RateTable:
    """Give tables that know every category in Japan at every day, some with a change of rate."""
    rows: list[DatedRate] = []
    for category in CATEGORIES:
        change = draw(st.none() | days(first_year=2000, last_year=2030))
        rows.append(DatedRate(place="JP", category=category, rate=draw(tax_rates()), until=change))
        if change is not None:
            rows.append(DatedRate(place="JP", category=category, rate=draw(tax_rates()), first=change))
    return RateTable(tuple(draw(st.permutations(rows))))


def tax_policies(*, round_at: RoundAt | None = None) -> st.SearchStrategy[TaxPolicy]:
    """Give every policy, or those that round at one place."""
    places = st.sampled_from(RoundAt) if round_at is None else st.just(round_at)
    return st.builds(TaxPolicy, round_at=places, rounding=roundings())


@st.composite
def sales(draw: st.DrawFn, *, basis: TaxBasis | None = None, least: int = -100_000) -> Sale:
    """Give sales of a few lines in Japan, some of which take back."""
    count = draw(st.integers(0, 8))
    lines = tuple(
        SaleLine(
            id=f"L{at}",
            category=draw(tax_categories()),
            amount=draw(st.integers(least, 100_000) | st.integers(max(least, -20), 20)),
            units=draw(st.integers(1, 12)),
        )
        for at in range(count)
    )
    return Sale(
        currency="JPY",
        basis=draw(tax_bases()) if basis is None else basis,
        place=draw(st.sampled_from(("JP", "JP-13"))),
        on=draw(days(first_year=1995, last_year=2035) | st.just(date(2026, 11, 21))),
        lines=lines,
    )


def tax_summaries() -> st.SearchStrategy[TaxSummary]:
    """Give summaries as ``assess`` makes them."""
    return st.builds(
        lambda sale, rates, policy: assess(sale, rates=rates, policy=policy), sales(), rate_tables(), tax_policies()
    )
