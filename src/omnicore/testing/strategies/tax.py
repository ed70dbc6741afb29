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


_CHANGES: Final = st.tuples(
    *[st.tuples(st.none() | days(first_year=2000, last_year=2030), tax_rates(), tax_rates())] * len(CATEGORIES)
)


def rate_tables() -> st.SearchStrategy[RateTable]:
    """Give tables that know every category in Japan at every day, some with a change of rate."""

    def table(changes: tuple[tuple[date | None, TaxRate, TaxRate], ...]) -> RateTable:
        rows: list[DatedRate] = []
        for category, (change, before, after) in zip(CATEGORIES, changes, strict=True):
            rows.append(DatedRate(place="JP", category=category, rate=before, until=change))
            if change is not None:
                rows.append(DatedRate(place="JP", category=category, rate=after, first=change))
        return RateTable(tuple(rows))

    return _CHANGES.map(table)


def tax_policies(*, round_at: RoundAt | None = None) -> st.SearchStrategy[TaxPolicy]:
    """Give every policy, or those that round at one place."""
    places = st.sampled_from(RoundAt) if round_at is None else st.just(round_at)
    return st.builds(TaxPolicy, round_at=places, rounding=roundings())


_LINE: Final = st.tuples(
    st.sampled_from(CATEGORIES), st.integers(-100_000, 100_000) | st.integers(-20, 20), st.integers(1, 12)
)
_SALE: Final = st.tuples(
    tax_bases(),
    st.sampled_from(("JP", "JP-13")),
    days(first_year=1995, last_year=2035) | st.just(date(2026, 11, 21)),
    st.lists(_LINE, max_size=8),
)


def sales(*, basis: TaxBasis | None = None, least: int = -100_000) -> st.SearchStrategy[Sale]:
    """Give sales of a few lines in Japan, some of which take back, unless ``least`` is zero."""

    def sale(parts: tuple[TaxBasis, str, date, list[tuple[TaxCategory, int, int]]]) -> Sale:
        drawn, place, on, lines = parts
        return Sale(
            currency="JPY",
            basis=drawn if basis is None else basis,
            place=place,
            on=on,
            lines=tuple(
                SaleLine(id=f"L{at}", category=category, amount=max(amount, least), units=units)
                for at, (category, amount, units) in enumerate(lines)
            ),
        )

    return _SALE.map(sale)


def tax_summaries() -> st.SearchStrategy[TaxSummary]:
    """Give summaries as ``assess`` makes them."""
    return st.builds(
        lambda sale, rates, policy: assess(sale, rates=rates, policy=policy), sales(), rate_tables(), tax_policies()
    )
