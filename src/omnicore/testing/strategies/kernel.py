"""Which values may the kernel's types have? One strategy for each, also for the awkward corners."""

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from hypothesis import strategies as st

from omnicore.kernel.address import PostalAddress
from omnicore.kernel.calendar import BusinessCalendar, Hours, SpecialDay
from omnicore.kernel.currencies import DIGITS
from omnicore.kernel.ids import MAX_ID
from omnicore.kernel.money import Money, Price, TaxBasis
from omnicore.kernel.quantity import MAX_SCALE, Quantity
from omnicore.kernel.rounding import LIMIT, Rate, Rounding
from omnicore.kernel.text import Localized
from omnicore.kernel.time import NOT_A_PLACE, Instant, Period, Window

_LANGUAGES: Final = ("ja", "en", "en-GB", "en-US", "zh-Hant-TW", "zh-Hans", "fr", "es-419", "de")
_JAPANESE: Final = "あいがぱゃーアガヴｱｶﾞﾟ山田髙葛﨑東京都１２－ー‐− 　々ヶ㈱①"
# Clocks that changed at midnight, were set back over it, moved by half an hour, or skipped or repeated a whole day.
_AWKWARD_ZONES: Final = (
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Australia/Lord_Howe",
    "Europe/London",
    "America/Juneau",
)


@cache
def _zones() -> tuple[str, ...]:
    """Give every time zone this machine knows by a name that means the same on others."""
    return tuple(sorted(available_timezones() - NOT_A_PLACE))


def currencies() -> st.SearchStrategy[str]:
    """Give ISO 4217 codes; those with other than two digits often."""
    return st.sampled_from(("JPY", "GBP", "KWD", "CLF")) | st.sampled_from(sorted(DIGITS))


def minors(*, least: int = 1 - LIMIT, most: int = LIMIT - 1) -> st.SearchStrategy[int]:
    """Give amounts in minor units, mostly small, up to the limit."""
    return st.integers(max(least, -10_000), min(most, 1_000_000)) | st.integers(least, most)


def moneys(*, currency: str | None = None, least: int = 1 - LIMIT, most: int = LIMIT - 1) -> st.SearchStrategy[Money]:
    """Give amounts of one currency, or of any."""
    return st.builds(Money, minors(least=least, most=most), currencies() if currency is None else st.just(currency))


def tax_bases() -> st.SearchStrategy[TaxBasis]:
    """Give both tax bases."""
    return st.sampled_from(TaxBasis)


def prices(*, currency: str | None = None) -> st.SearchStrategy[Price]:
    """Give prices with and without tax."""
    return st.builds(Price, moneys(currency=currency), tax_bases())


def roundings() -> st.SearchStrategy[Rounding]:
    """Give every rounding rule."""
    return st.sampled_from(Rounding)


def rates() -> st.SearchStrategy[Rate]:
    """Give percentages, thirds and the like, and large ratios."""
    sides = st.tuples(st.integers(-1000, 1000), st.integers(1, 1000))
    large = st.tuples(st.integers(1 - LIMIT, LIMIT - 1), st.integers(1, LIMIT - 1))
    return (st.integers(0, 200).map(lambda percent: (percent, 100)) | sides | large).map(lambda sides: Rate.of(*sides))


def quantities(*, scale: int | None = None) -> st.SearchStrategy[Quantity]:
    """Give quantities of one scale, or of any."""
    return st.builds(Quantity, minors(), st.integers(0, MAX_SCALE) if scale is None else st.just(scale))


def days(*, first_year: int = 1900, last_year: int = 2100) -> st.SearchStrategy[dt.date]:
    """Give local dates."""
    return st.dates(dt.date(first_year, 1, 1), dt.date(last_year, 12, 31))


def zones() -> st.SearchStrategy[str]:
    """Give every time zone, those with awkward days often."""
    return st.sampled_from(_AWKWARD_ZONES) | st.deferred(lambda: st.sampled_from(_zones()))


def instants(*, first_year: int = 1900, last_year: int = 2100) -> st.SearchStrategy[Instant]:
    """Give instants to the microsecond."""
    return st.datetimes(
        dt.datetime(first_year, 1, 4),  # noqa: DTZ001 - Hypothesis takes naive bounds and adds the zone itself
        dt.datetime(last_year, 12, 27),  # noqa: DTZ001 - as above
        timezones=st.just(dt.UTC),
    ).map(Instant.at)


def periods() -> st.SearchStrategy[Period]:
    """Give periods, open-ended ones too."""

    def ordered(ends: tuple[Instant | None, Instant | None]) -> Period:
        since, until = ends
        return Period(until, since) if since is not None and until is not None and until < since else Period(*ends)

    return st.tuples(st.none() | instants(), st.none() | instants()).map(ordered)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Give windows of a few days, open-ended ones too."""
    first = draw(st.none() | days())
    length = draw(st.none() | st.integers(1, 40))
    last = None if length is None else (first or draw(days())) + dt.timedelta(days=length)
    return Window(first, last, draw(zones()))


@st.composite
def opening_hours(draw: st.DrawFn) -> tuple[Hours, ...]:
    """Give the hours of one day, in order: none, one stretch, or several, which may touch."""
    bounds = draw(st.lists(st.integers(0, 1440), max_size=6, unique=True).map(sorted))
    hours = [Hours(bounds[at], bounds[at + 1]) for at in range(0, len(bounds) - 1, 2)]
    return draw(st.sampled_from((tuple(hours), (Hours(),), (Hours(600, 1200),))))


def special_days() -> st.SearchStrategy[SpecialDay]:
    """Give closed days and days with hours of their own."""
    return st.builds(SpecialDay, days(), opening_hours())


@st.composite
def business_calendars(draw: st.DrawFn) -> BusinessCalendar:
    """Give opening calendars, also of somebody who never opens."""
    week = draw(st.tuples(*[opening_hours()] * 7) | st.just(((),) * 7))
    special = draw(st.lists(special_days(), max_size=4, unique_by=lambda special: special.day))
    return BusinessCalendar(draw(zones()), week, tuple(sorted(special, key=lambda special: special.day)))


def texts(*, limit: int = 40) -> st.SearchStrategy[str]:
    """Give texts that pass the gate, Japanese ones often."""
    anything = st.characters(exclude_categories=("Cs", "Cc"))
    return st.text(st.sampled_from(_JAPANESE) | anything, max_size=limit)


def ids() -> st.SearchStrategy[str]:
    """Give texts that are good ids, plain ones mostly."""
    plain = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)
    awkward = texts(limit=MAX_ID).map(str.strip).filter(lambda text: text != "" and text.isprintable())
    return plain | awkward


def localized(*, languages: Sequence[str] = _LANGUAGES) -> st.SearchStrategy[Localized]:
    """Give texts in one or several languages, in any order of fallback."""
    pairs = st.tuples(st.sampled_from(languages), texts())
    return st.lists(pairs, min_size=1, max_size=4, unique_by=lambda pair: pair[0]).map(
        lambda few: Localized(tuple(few))
    )


def postal_codes() -> st.SearchStrategy[str]:
    """Give Japanese postal codes as they are stored: 7 bare digits."""
    return st.from_regex(r"[0-9]{7}", fullmatch=True)


@st.composite
def postal_addresses(draw: st.DrawFn) -> PostalAddress:
    """Give addresses at home and abroad, with any part left out."""
    country = draw(st.sampled_from(("JP", "JP", "US", "GB", "DE", "ZZ")))
    code = st.just("") | (postal_codes() if country == "JP" else st.sampled_from(("10115", "SW1A 1AA")))
    part = texts(limit=12)
    return PostalAddress(
        country=country,
        postal_code=draw(code),
        region=draw(part),
        city=draw(part),
        district=draw(part),
        street=draw(part),
        building=draw(part),
        organisation=draw(part),
        recipient=draw(part),
        recipient_kana=draw(part),
        phone=draw(part),
    )
