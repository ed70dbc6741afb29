"""When is somebody open, and which day is the n-th business day?

Opening hours are clock times of a zone; a calendar is a week of them with the days that differ. On the day the clocks
change, a shop that opens from 1:00 to 4:00 is open two, three or four hours: whenever its clock shows such a time.
"""

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Final

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import FIRST_DAY, LAST_DAY, Instant, Period, checked_zone, day_bounds, turning_point

MAX_SPECIAL_DAYS: Final = 5_000
MAX_HOURS_A_DAY: Final = 16
MAX_BUSINESS_DAYS: Final = 1_000
SEARCH_DAYS: Final = 400
"""How many days ahead (or back) a calendar is searched; one that is shut for longer has no next opening."""
_DAY_MINUTES: Final = 24 * 60
_MINUTE_MICROS: Final = 60_000_000
_WEEK_DAYS: Final = 7


@frozen
class Hours:
    """Open from a minute of the local day until before another: ``Hours(600, 1200)`` is 10:00 to 20:00.

    Past midnight belongs to the next day: 18:00 to 2:00 is ``Hours(1080, 1440)`` and tomorrow's ``Hours(0, 120)``.

    Raises:
        Malformed: not whole minutes with ``0 <= opens < closes <= 1440``.
    """

    opens_minute: int = 0
    closes_minute: int = _DAY_MINUTES

    def __attrs_post_init__(self) -> None:
        """Refuse hours that never are."""
        if type(self.opens_minute) is not int or type(self.closes_minute) is not int:
            raise Malformed("$", "must be whole minutes of the day")
        if not 0 <= self.opens_minute < self.closes_minute <= _DAY_MINUTES:
            raise Malformed("$", "must open before closing, within minutes 0 to 1440 of the day")


@frozen
class SpecialDay:
    """A date with hours of its own, in place of the weekday's; without hours it is closed."""

    day: dt.date
    hours: tuple[Hours, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse what is no date, and hours that overlap."""
        if type(self.day) is not dt.date:
            raise Malformed("$.day", "must be a date")
        _check_hours(self.hours, "$.hours")


@frozen(repr=False)
class BusinessCalendar:
    """The opening hours of a store, a carrier or an office: seven weekdays from Monday, and the days that differ.

    Raises:
        Malformed: no such zone, not seven weekdays, hours that overlap, or special days out of order or given twice.
    """

    zone: str
    week: tuple[tuple[Hours, ...], ...]
    special: tuple[SpecialDay, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse a calendar that answers twice or not at all."""
        checked_zone(self.zone)
        if type(self.week) is not tuple or len(self.week) != _WEEK_DAYS:
            raise Malformed("$.week", "must have seven days, Monday first")
        for weekday, hours in enumerate(self.week):
            _check_hours(hours, f"$.week[{weekday}]")
        if type(self.special) is not tuple or len(self.special) > MAX_SPECIAL_DAYS:
            raise Malformed("$.special", f"must be at most {MAX_SPECIAL_DAYS} days")
        for place, special in enumerate(self.special):
            if type(special) is not SpecialDay:
                raise Malformed(f"$.special[{place}]", "must be a special day")
            if place and special.day <= self.special[place - 1].day:
                raise Malformed(f"$.special[{place}]", "must come after the day before it")

    @classmethod
    def of(
        cls,
        zone: str,
        *,
        week: Mapping[int, Sequence[Hours]],
        closed: Iterable[dt.date] = (),
        extra: Mapping[dt.date, Sequence[Hours]] | None = None,
    ) -> "BusinessCalendar":
        """Take hours by weekday (0 is Monday; a missing one is closed), closed dates, and dates with their own hours.

        Raises:
            Malformed: a weekday outside 0..6, or a date both closed and open.
        """
        if not set(week) <= set(range(_WEEK_DAYS)):
            raise Malformed("$.week", "must name weekdays from 0, Monday, to 6")
        days = [SpecialDay(day) for day in set(closed)]
        days += [SpecialDay(day, tuple(hours)) for day, hours in (extra or {}).items()]
        return cls(zone, tuple(tuple(week.get(day, ())) for day in range(_WEEK_DAYS)), tuple(sorted(days, key=_DAY_OF)))

    def hours_on(self, day: dt.date) -> tuple[Hours, ...]:
        """Give the hours of a local date; none if it is closed."""
        place = bisect_left(self.special, day, key=_DAY_OF)
        if place < len(self.special) and self.special[place].day == day:
            return self.special[place].hours
        return self.week[day.weekday()]

    def is_open(self, instant: Instant) -> bool:
        """Say whether it is open at an instant."""
        local = instant.local(self.zone)
        minute = local.hour * 60 + local.minute
        return any(hours.opens_minute <= minute < hours.closes_minute for hours in self.hours_on(local.date()))

    def open_periods(self, day: dt.date) -> tuple[Period, ...]:
        """Give the instants of a local date at which it is open, as periods in order that do not touch.

        Law: an instant of that date is in one of them if and only if ``is_open``.
        """
        return tuple(Period(Instant(opens), Instant(closes)) for opens, closes in self._openings(day))

    def next_open(self, instant: Instant) -> Instant | None:
        """Give the first instant from this one on at which it is open; ``None`` if there is none within 400 days.

        Law: ``is_open`` holds at the answer, and nowhere between.
        """
        if self.is_open(instant):
            return instant
        today = instant.local_date(self.zone).toordinal()
        found: list[int] = []
        # From yesterday, and one day past the first find, because a clock may be set back over midnight.
        for ordinal in range(max(today - 1, _FIRST), min(today + SEARCH_DAYS, _LAST)):
            seen = bool(found)
            found += [opens for opens, _ in self._openings(dt.date.fromordinal(ordinal)) if opens > instant.micros]
            if seen:
                break
        return Instant(min(found)) if found else None

    def add_business_days(self, day: dt.date, days: int) -> dt.date | None:
        """Give the n-th day after a date on which it opens; before it, if n is negative.

        With ``days=0`` it is the date itself or, if that is closed, the next one that is not: how a deadline that ends
        on a holiday moves on. ``None`` if it stays closed for 400 days on end.

        Raises:
            Malformed: no plain date, or more than 1,000 business days.
        """
        if type(day) is not dt.date:
            raise Malformed("$.day", "must be a date")
        if type(days) is not int or abs(days) > MAX_BUSINESS_DAYS:
            raise Malformed("$.days", f"must be a whole number of at most {MAX_BUSINESS_DAYS}")
        step = -1 if days < 0 else 1
        left, ordinal = (abs(days), day.toordinal()) if days else (1, day.toordinal() - 1)
        shut = 0
        while left:
            ordinal += step
            if shut == SEARCH_DAYS or not _FIRST <= ordinal < _LAST:
                return None
            if self.hours_on(dt.date.fromordinal(ordinal)):
                left, shut = left - 1, 0
            else:
                shut += 1
        return dt.date.fromordinal(ordinal)

    def __repr__(self) -> str:
        """Give the zone and how many days differ; a full calendar fills a page."""
        return f"BusinessCalendar({self.zone}, {len(self.special)} special days)"

    def _openings(self, day: dt.date) -> list[tuple[int, int]]:
        """Give the open stretches of a local date in microseconds, in order, joined where they touch."""
        found: list[tuple[int, int]] = []
        for since, until, offset in self._even_stretches(day):
            midnight = (day.toordinal() - _EPOCH) * _DAY_MINUTES * _MINUTE_MICROS - offset
            for hours in self.hours_on(day):
                opens = max(since, midnight + hours.opens_minute * _MINUTE_MICROS)
                closes = min(until, midnight + hours.closes_minute * _MINUTE_MICROS)
                if opens < closes and found and found[-1][1] == opens:
                    found[-1] = (found[-1][0], closes)
                elif opens < closes:
                    found.append((opens, closes))
        return found

    def _even_stretches(self, day: dt.date) -> list[tuple[int, int, int]]:
        """Cut a local date where the clocks change: since, until and the zone's offset between, in microseconds."""
        since, until = day_bounds(day, self.zone)
        if since == until:
            return []  # the day was skipped
        last = until.plus(micros=-1)
        offset, offset_at_end = self._offset(since), self._offset(last)
        if offset == offset_at_end:
            return [(since.micros, until.micros, offset)]
        turn = turning_point(since, last, lambda instant: self._offset(instant) != offset)
        return [(since.micros, turn.micros, offset), (turn.micros, until.micros, offset_at_end)]

    def _offset(self, instant: Instant) -> int:
        """Give the zone's offset from UTC in microseconds."""
        local = instant.local(self.zone)
        return (local.replace(tzinfo=dt.UTC) - instant.datetime) // dt.timedelta(microseconds=1)


_DAY_OF = attrgetter("day")
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_FIRST: Final = FIRST_DAY.toordinal()
_LAST: Final = LAST_DAY.toordinal()


def _check_hours(hours: tuple[Hours, ...], path: str) -> None:
    """Refuse hours that overlap or are out of order."""
    if type(hours) is not tuple or len(hours) > MAX_HOURS_A_DAY or any(type(each) is not Hours for each in hours):
        raise Malformed(path, f"must be at most {MAX_HOURS_A_DAY} opening hours")
    for earlier, later in pairwise(hours):
        if later.opens_minute < earlier.closes_minute:
            raise Malformed(path, "must be in order and must not overlap")
