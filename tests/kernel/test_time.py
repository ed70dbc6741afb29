"""Is a moment the same for everybody, and a day the one on the wall?"""

import datetime as dt
from calendar import monthrange
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import (
    FIRST_DAY,
    LAST_DAY,
    Instant,
    Period,
    Window,
    checked_zone,
    day_bounds,
    month_step,
    turning_point,
)
from omnicore.testing.strategies import kernel as some

ST_JOHNS = dt.date(2010, 11, 7)  # at 0:01 the clocks went back to 23:01 of the day before
APIA = dt.date(2011, 12, 30)  # this day did not happen
SAO_PAULO = dt.date(2018, 11, 4)  # this day began at 1:00
TORONTO = dt.date(1919, 3, 31)  # the clocks went from 23:30 to 0:30
HAVANA = dt.date(2026, 11, 1)  # midnight came twice


@given(some.instants(first_year=1, last_year=9999))
def test_an_instant_reads_back_what_it_wrote(instant: Instant) -> None:
    """A moment that is written down and read again is the same moment, to the microsecond."""
    assert Instant.parse(instant.iso()) == Instant.parse(str(instant)) == Instant.at(instant.datetime) == instant
    assert repr(instant) == f"Instant({instant})"


@given(some.instants(), some.zones())
def test_an_instant_is_the_same_everywhere(instant: Instant, zone: str) -> None:
    """A moment told in Tokyo time is the moment told in London time."""
    assert Instant.at(instant.local(zone)) == instant
    assert instant.local_date(zone) == instant.datetime.astimezone(ZoneInfo(zone)).date()


def test_an_instant_is_read_as_rfc_3339_says() -> None:
    """The same moment may be written with any offset and with or without fractions of a second."""
    wanted = Instant.parse("2026-11-21T22:05:03Z")
    assert Instant.parse("2026-11-22T07:05:03.000+09:00") == wanted == Instant.parse("2026-11-21t22:05:03-00:00")
    assert Instant.parse("2026-11-21T22:05:03.123456789z") == wanted.plus(micros=123456)
    assert Instant(0).iso() == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T22:05:03",
        "2026-11-21 22:05:03Z",
        "2026-11-21",
        "2026-11-21T22:05Z",
        "2026-W47-6T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T22:05:60Z",
        "２０２６-11-21T22:05:03Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "2026-11-21T22:05:03+24:00",
        "2026-11-21T22:05:03.1234567890Z",
        "",
        None,
        1763762703,
        True,
    ],
)
def test_a_time_that_is_nobodys_is_refused(text: str) -> None:
    """A time without an offset, or one that no clock ever shows, is refused."""
    with pytest.raises(Malformed) as bad:
        Instant.parse(text, path="$.at")
    assert bad.value.path == "$.at"


def test_instants_stay_in_the_calendar() -> None:
    """A moment before the year 1 or after 9999, or one that is no whole number, is refused."""
    for micros in (10**18, -(10**18), True, 1.5, None):
        with pytest.raises(Malformed):
            Instant(micros)  # type: ignore[arg-type] # the point
    with pytest.raises(Malformed):
        Instant.at(dt.datetime(2026, 1, 1))  # noqa: DTZ001 - the point
    with pytest.raises(Malformed):
        Instant(0).plus(days=10**9)


@given(some.instants(), st.integers(-50, 50), st.integers(-50, 50), st.integers(-99, 99), st.integers(-99, 99))
def test_time_goes_on(instant: Instant, days: int, hours: int, minutes: int, seconds: int) -> None:
    """An hour is an hour and a day is 24 of them, whatever the clocks on the wall do."""
    later = instant.plus(days=days, hours=hours, minutes=minutes, seconds=seconds, micros=1)
    passed = dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=1)
    assert later.datetime - instant.datetime == passed
    assert later.micros_since(instant) == passed // dt.timedelta(microseconds=1)
    assert (later > instant, later >= instant) == (passed > dt.timedelta(0), passed >= dt.timedelta(0))


@given(some.periods(), some.instants())
def test_periods_that_follow_each_other_share_no_moment(period: Period, instant: Instant) -> None:
    """Every moment is before, in, or after a period, and in one only of two that follow each other."""
    before, after = Period(None, period.since), Period(period.until, None)
    parts = [
        period.since is not None and before.contains(instant),
        period.contains(instant),
        period.until is not None and after.contains(instant),
    ]
    assert sum(parts) == 1
    if period.until is not None:
        assert not period.contains(period.until)
    if period.since is not None:
        assert period.contains(period.since) == (period.since != period.until)


def test_a_period_that_runs_backwards_is_refused() -> None:
    """A period ends after it begins."""
    with pytest.raises(Malformed):
        Period(Instant(1), Instant(0))
    with pytest.raises(Malformed):
        Period(dt.date(2026, 1, 1), None)  # type: ignore[arg-type] # the point


@given(some.windows(), st.integers(-3, 43), st.integers(0, 86_399))
def test_a_window_holds_the_moments_of_its_local_dates(window: Window, days: int, seconds: int) -> None:
    """A sale until 5 December lasts as long as the calendar on the shop's wall shows 5 December, in every zone."""
    anchor = window.first or window.until or dt.date(2026, 1, 1)
    instant = Instant.at(dt.datetime.combine(anchor, dt.time(), dt.UTC)).plus(days=days, seconds=seconds)
    day = instant.datetime.astimezone(ZoneInfo(window.zone)).date()
    inside = (window.first is None or window.first <= day) and (window.until is None or day < window.until)
    assert window.contains(instant) == inside
    assert window.period().contains(instant) or not inside


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/St_Johns", ST_JOHNS),
        ("Pacific/Apia", APIA),
        ("America/Sao_Paulo", SAO_PAULO),
        ("America/Havana", HAVANA),
        ("America/Toronto", TORONTO),
        ("Asia/Beirut", dt.date(2026, 3, 29)),
        ("Asia/Beirut", dt.date(2026, 10, 25)),
        ("Pacific/Kwajalein", dt.date(1969, 9, 30)),
        ("Pacific/Kwajalein", dt.date(1993, 8, 21)),
        ("America/Juneau", dt.date(1867, 10, 18)),
        ("Australia/Lord_Howe", dt.date(2026, 4, 5)),
        ("Europe/London", dt.date(2026, 3, 29)),
        ("Europe/London", dt.date(2026, 10, 25)),
        ("Asia/Tokyo", dt.date(2026, 12, 5)),
    ],
)
def test_windows_are_right_where_clocks_are_odd(zone: str, day: dt.date) -> None:
    """A sale of one day lasts exactly that day, also where it began at one o'clock, came twice or never came."""
    for first in (day - dt.timedelta(days=1), day, day + dt.timedelta(days=1)):
        window = Window.through(first, first, zone=zone)
        period = window.period()
        start = Instant.at(dt.datetime.combine(first, dt.time(), dt.UTC)).plus(hours=-36)
        instants = [start.plus(minutes=minutes) for minutes in range(0, 5 * 1440, 15)]
        inside = [instant for instant in instants if window.contains(instant)]
        assert inside == [i for i in instants if i.local_date(zone) == first]
        around = [instant for instant in instants if period.contains(instant)]
        assert set(inside) <= set(around)
        if zone not in ("America/St_Johns", "America/Juneau"):
            assert inside == around


def test_a_day_lasts_as_long_as_it_lasts() -> None:
    """A day has 24 hours, but for those with 23 or 25 and the one that was skipped."""
    days = {
        "Asia/Tokyo": HAVANA,
        "America/Sao_Paulo": SAO_PAULO,
        "America/Havana": HAVANA,
        "America/Toronto": TORONTO,
        "Pacific/Apia": APIA,
    }
    lengths = [end.micros_since(start) / 3.6e9 for start, end in (day_bounds(day, zone) for zone, day in days.items())]
    assert lengths == [24, 23, 25, 23.5, 0]
    start, end = day_bounds(ST_JOHNS, "America/St_Johns")
    assert (start.iso(), end.iso()) == ("2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z")


def test_every_zone_has_days() -> None:
    """In every zone of the world the day begins when its date begins, this year."""
    day = dt.date(2026, 7, 1)
    for zone in sorted(available_timezones() - {"localtime", "posixrules", "Factory"}):
        start, end = day_bounds(day, zone)
        assert start.local_date(zone) == end.plus(micros=-1).local_date(zone) == day
        assert start.plus(micros=-1).local_date(zone) < day < end.local_date(zone)


def test_a_window_without_a_day_is_refused() -> None:
    """A sale lasts at least a day, by a calendar that exists."""
    day = dt.date(2026, 12, 5)
    assert Window.through(day, None, zone="Asia/Tokyo") == Window(day, None, "Asia/Tokyo")
    assert Window.through(None, day, zone="Asia/Tokyo").until == dt.date(2026, 12, 6)
    assert Window(None, None, "Asia/Tokyo").period() == Period()
    for first, until in ((day, day), (dt.datetime(2026, 1, 1), None), (None, "2026-01-01"), (dt.date.min, None)):  # noqa: DTZ001 - the point
        with pytest.raises(Malformed):
            Window(first, until, "Asia/Tokyo")  # type: ignore[arg-type] # the point
    with pytest.raises(Malformed):
        Window.through(None, dt.date.max, zone="Asia/Tokyo")


@pytest.mark.parametrize(
    "zone",
    [
        "Asia/Kyoto",
        "",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Europe",
        "a" * 99,
        "Ａsia/Tokyo",
        None,
        "zone.tab",
    ],
)
def test_an_unknown_zone_is_refused(zone: str) -> None:
    """A zone is a place on the map, the same on every machine."""
    with pytest.raises(Malformed) as bad:
        checked_zone(zone)
    assert bad.value.path == "$.zone"


@given(some.days(), st.integers(-600, 600))
@example(dt.date(2024, 2, 29), 12)
def test_month_steps_count_from_the_anchor(anchor: dt.date, months: int) -> None:
    """A subscription that began on the 31st is due on the 31st, and in short months on the last."""
    due = month_step(anchor, months)
    assert (due.year - anchor.year) * 12 + due.month - anchor.month == months
    assert due.day == min(anchor.day, monthrange(due.year, due.month)[1])


def test_month_steps_do_not_drift() -> None:
    """After a February the due day is the 31st again."""
    anchor = dt.date(2026, 1, 31)
    assert [month_step(anchor, n).day for n in range(5)] == [31, 28, 31, 30, 31]


def test_month_steps_stay_in_the_calendar() -> None:
    """A due date lies in the years 1 to 9999."""
    for anchor, months in ((FIRST_DAY, -1), (LAST_DAY, 1), (LAST_DAY, True), (LAST_DAY, 1.0), (None, 1)):
        with pytest.raises(Malformed):
            month_step(anchor, months)  # type: ignore[arg-type] # the point


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_a_turning_point_is_the_first_moment_after(before: int, further: int) -> None:
    """The moment at which something changed is found to the microsecond."""
    turn = before + further
    found = turning_point(Instant(before), Instant(turn + 7), lambda instant: instant.micros >= turn)
    assert found == Instant(turn)
