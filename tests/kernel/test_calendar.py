"""Is a shop open when its clock and its calendar say so?"""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.calendar import SEARCH_DAYS, BusinessCalendar, Hours, SpecialDay
from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import FIRST_DAY, LAST_DAY, Instant
from omnicore.testing.strategies import kernel as some

TEN_TO_EIGHT = Hours(600, 1200)
NEW_YEAR = dt.date(2027, 1, 1)  # a Friday
SUNDAY_SALE = dt.date(2027, 1, 10)
SHOP = BusinessCalendar.of(
    "Asia/Tokyo",
    week={day: [TEN_TO_EIGHT] for day in range(5)},
    closed=[NEW_YEAR],
    extra={SUNDAY_SALE: [Hours(540, 720), Hours(780, 1440)]},
)
NEVER = BusinessCalendar("Asia/Tokyo", ((),) * 7)
ALWAYS = BusinessCalendar.of("America/Sao_Paulo", week=dict.fromkeys(range(7), (Hours(),)))


def test_a_shop_keeps_its_hours() -> None:
    """A shop that opens at ten is shut at 9:59 and open at 10:00, on its weekdays, but not on its holidays."""
    for text, is_open in (
        ("2027-01-04T09:59:59+09:00", False),
        ("2027-01-04T10:00:00+09:00", True),
        ("2027-01-04T19:59:59+09:00", True),
        ("2027-01-04T20:00:00+09:00", False),
        ("2027-01-03T12:00:00+09:00", False),
        ("2027-01-01T12:00:00+09:00", False),
        ("2027-01-10T12:30:00+09:00", False),
        ("2027-01-10T23:59:59+09:00", True),
    ):
        assert SHOP.is_open(Instant.parse(text)) == is_open
    assert SHOP.next_open(Instant.parse("2026-12-31T20:00:00+09:00")) == Instant.parse("2027-01-04T10:00:00+09:00")
    assert repr(SHOP) == "BusinessCalendar(Asia/Tokyo, 2 special days)"


@given(some.business_calendars(), some.instants(), st.lists(st.integers(0, 40 * 86_400), max_size=8))
def test_the_next_opening_is_the_next(calendar: BusinessCalendar, instant: Instant, seconds: list[int]) -> None:
    """A shop that says when it opens next is open then, and not a moment earlier."""
    opening = calendar.next_open(instant)
    if opening is not None:
        assert opening >= instant
        assert calendar.is_open(opening)
        assert opening == instant or not calendar.is_open(opening.plus(micros=-1))
    for after in seconds:
        probe = instant.plus(seconds=after)
        assert (opening is not None and opening <= probe) or not calendar.is_open(probe)


@given(some.business_calendars(), some.days(), st.integers(0, 30 * 3600))
def test_open_periods_are_when_it_is_open(calendar: BusinessCalendar, day: dt.date, seconds: int) -> None:
    """What a shop publishes as its hours of a day is when its door is open."""
    periods = calendar.open_periods(day)
    probe = Instant.at(dt.datetime.combine(day, dt.time(), dt.UTC)).plus(hours=-14, seconds=seconds * 2)
    if probe.local_date(calendar.zone) == day:
        assert any(period.contains(probe) for period in periods) == calendar.is_open(probe)
    else:
        assert not any(period.contains(probe) for period in periods)
    for period in periods:
        assert period.since is not None
        assert period.until is not None
        assert calendar.is_open(period.since)
        assert calendar.is_open(period.until.plus(micros=-1))


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/St_Johns", dt.date(2010, 11, 6)),
        ("America/St_Johns", dt.date(2010, 11, 7)),
        ("Pacific/Apia", dt.date(2011, 12, 30)),
        ("America/Sao_Paulo", dt.date(2018, 11, 4)),
        ("Europe/London", dt.date(2026, 3, 29)),
        ("Europe/London", dt.date(2026, 10, 25)),
        ("America/Juneau", dt.date(1867, 10, 18)),
    ],
)
def test_hours_are_right_where_clocks_are_odd(zone: str, day: dt.date) -> None:
    """On the day the clocks change, a shop is open whenever its clock shows an opening hour."""
    calendar = BusinessCalendar.of(zone, week=dict.fromkeys(range(7), (Hours(0, 30), Hours(45, 90), Hours(1400, 1440))))
    start = Instant.at(dt.datetime.combine(day, dt.time(), dt.UTC)).plus(hours=-24)
    instants = [start.plus(minutes=minutes) for minutes in range(0, 4 * 1440, 15)]
    periods = calendar.open_periods(day)
    for instant in instants:
        listed = any(period.contains(instant) for period in periods)
        assert listed == (instant.local_date(zone) == day and calendar.is_open(instant))
    openings = [instant for instant in instants if calendar.is_open(instant)]
    for instant in instants[: 2 * 1440 // 15]:
        opening = calendar.next_open(instant)
        on_grid = min(each for each in openings if each >= instant)
        assert opening is not None
        assert instant <= opening <= on_grid < opening.plus(minutes=15)  # the clocks of 1867 were off the grid


def test_a_day_with_a_missing_hour_is_one_opening() -> None:
    """A shop that never shuts is open all day also when the clocks change, in one piece."""
    (period,) = ALWAYS.open_periods(dt.date(2018, 11, 4))
    assert (str(period.since), str(period.until)) == ("2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z")
    (joined,) = BusinessCalendar.of("Europe/London", week={6: [Hours(0, 60), Hours(60, 1440)]}).open_periods(
        dt.date(2026, 10, 25)
    )
    assert (str(joined.since), str(joined.until)) == ("2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z")


@given(some.business_calendars(), some.days(), st.integers(-30, 30))
def test_business_days_count_open_days(calendar: BusinessCalendar, day: dt.date, days: int) -> None:
    """Three business days on is the third day on which the shop opens."""
    due = calendar.add_business_days(day, days)
    if due is None:
        ahead = range(400) if days == 0 else range(1, 401)
        steps = [dt.timedelta(days=-step if days < 0 else step) for step in ahead]
        assert sum(bool(calendar.hours_on(day + step)) for step in steps) < max(abs(days), 1)
        return
    assert calendar.hours_on(due)
    first, last = (day, due - dt.timedelta(days=1)) if days == 0 else (day + dt.timedelta(days=1), due)
    if days < 0:
        first, last = due, day - dt.timedelta(days=1)
    span = [first + dt.timedelta(days=at) for at in range((last - first).days + 1)]
    assert sum(bool(calendar.hours_on(each)) for each in span) == abs(days)


def test_business_days_skip_what_is_closed() -> None:
    """A deadline that ends on New Year's Day moves to Monday, and the Sunday sale counts as a business day."""
    assert SHOP.add_business_days(NEW_YEAR, 0) == dt.date(2027, 1, 4)
    assert SHOP.add_business_days(dt.date(2027, 1, 8), 1) == SUNDAY_SALE
    assert SHOP.add_business_days(dt.date(2027, 1, 4), -1) == dt.date(2026, 12, 31)


def test_a_search_for_an_opening_ends() -> None:
    """A shop that stays shut, or a calendar at the end of time, has no next opening."""
    assert NEVER.next_open(Instant(0)) is None
    assert NEVER.add_business_days(NEW_YEAR, 1) is None
    assert ALWAYS.add_business_days(LAST_DAY, 2) is None
    assert ALWAYS.add_business_days(FIRST_DAY, -1) is None
    late = BusinessCalendar("UTC", ((),) * 7, (SpecialDay(NEW_YEAR, (Hours(),)),))
    start = Instant.parse("2027-01-01T00:00:00Z")
    assert late.next_open(start.plus(days=1 - SEARCH_DAYS)) == start
    assert late.next_open(start.plus(days=-1 - SEARCH_DAYS)) is None
    assert NEVER.next_open(Instant.parse("9999-12-28T23:00:00Z")) is None


@pytest.mark.parametrize("minutes", [(600, 600), (700, 600), (-1, 10), (0, 1441), (True, 10), (0, 10.0)])
def test_hours_that_never_are_get_refused(minutes: tuple[int, int]) -> None:
    """A shop opens before it closes, on the same day."""
    with pytest.raises(Malformed):
        Hours(*minutes)


def test_calendars_that_contradict_themselves_are_refused() -> None:
    """A date has one set of hours, and they do not overlap."""
    week = ((),) * 7
    twice = (Hours(0, 10), Hours(5, 20))
    broken: list[tuple[object, ...]] = [
        ("Asia/Kyoto", week),
        ("UTC", week[1:]),
        ("UTC", list(week)),
        ("UTC", (twice, *week[1:])),
        ("UTC", ([], *week[1:])),
        ("UTC", ((600,), *week[1:])),
        ("UTC", ((Hours(),) * 17, *week[1:])),
        ("UTC", week, [SpecialDay(NEW_YEAR)]),
        ("UTC", week, (NEW_YEAR,)),
        ("UTC", week, (SpecialDay(NEW_YEAR), SpecialDay(NEW_YEAR))),
        ("UTC", week, (SpecialDay(NEW_YEAR),) * 5001),
    ]
    for fields in broken:
        with pytest.raises(Malformed):
            BusinessCalendar(*fields)  # type: ignore[arg-type] # the point
    with pytest.raises(Malformed):
        BusinessCalendar.of("UTC", week={7: [Hours()]})
    with pytest.raises(Malformed):
        BusinessCalendar.of("UTC", week={}, closed=[NEW_YEAR], extra={NEW_YEAR: [Hours()]})
    with pytest.raises(Malformed):
        SpecialDay("2027-01-01")  # type: ignore[arg-type] # the point
    with pytest.raises(Malformed):
        SpecialDay(NEW_YEAR, twice)


@pytest.mark.parametrize(("day", "days"), [("2027-01-01", 1), (NEW_YEAR, 1.0), (NEW_YEAR, True), (NEW_YEAR, 1001)])
def test_business_days_are_counted_in_whole_numbers(day: dt.date, days: int) -> None:
    """A deadline is a whole number of business days from a date, at most a thousand."""
    with pytest.raises(Malformed):
        SHOP.add_business_days(day, days)
