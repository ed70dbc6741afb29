"""When is it, and on whose calendar?

An instant is the same for everybody and is kept as microseconds, UTC. A day is not: it is a local date in a zone, and
may last 23, 24 or 25 hours, or not happen at all. ``until`` is excluded everywhere: windows that follow each other
neither overlap nor leave a gap.
"""

import datetime as dt
import re
from calendar import monthrange
from collections.abc import Callable
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from attrs import frozen

from omnicore.kernel.errors import Malformed

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_DAY: Final = dt.timedelta(days=1)
# Two days inside what a datetime can hold, so that no zone's offset leads out of it.
_FIRST: Final = (dt.datetime(1, 1, 3, tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND
_LAST: Final = (dt.datetime(9999, 12, 29, tzinfo=dt.UTC) - _EPOCH) // _MICROSECOND
FIRST_DAY: Final = dt.date(1, 1, 4)
LAST_DAY: Final = dt.date(9999, 12, 28)
_RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*")
_LONGEST_ZONE: Final = 64
NOT_A_PLACE: Final = frozenset(("localtime", "posixrules", "Factory"))
"""Names that mean another zone on another machine."""


@frozen(order=True, repr=False)
class Instant:
    """A point in time, in microseconds since 1970-01-01T00:00Z.

    Raises:
        Malformed: not whole, or outside the years 1 to 9999.
    """

    micros: int

    def __attrs_post_init__(self) -> None:
        """Refuse what no calendar can show."""
        if type(self.micros) is not int or not _FIRST <= self.micros <= _LAST:
            raise Malformed("$", "must be whole microseconds in the years 1 to 9999")

    @classmethod
    def parse(cls, text: str, *, path: str = "$") -> "Instant":
        """Read RFC 3339 with its offset: ``2026-11-21T22:05:03Z``, ``2026-11-22T07:05:03.25+09:00``.

        Of nine decimals of a second, six are kept; ``-00:00`` is read as UTC.

        Raises:
            Malformed: anything else; a time without offset is nobody's time.
        """
        match = _RFC_3339.fullmatch(text) if type(text) is str else None
        if match is None:
            raise Malformed(path, "must be an RFC 3339 time with its offset, such as 2026-11-21T22:05:03Z")
        day, clock, fraction, offset = match.groups(default="")
        micros = f"{fraction[1:7]:0<6}"
        try:
            moment = dt.datetime.fromisoformat(f"{day}T{clock}.{micros}{offset.upper().replace('Z', '+00:00')}")
            return cls.at(moment)
        except (ValueError, Malformed):
            raise Malformed(path, "must be a time that exists, in the years 1 to 9999") from None

    @classmethod
    def at(cls, moment: dt.datetime) -> "Instant":
        """Take an aware datetime.

        Raises:
            Malformed: it is naive.
        """
        if moment.utcoffset() is None:
            raise Malformed("$", "must be a datetime that knows its offset")
        return cls((moment - _EPOCH) // _MICROSECOND)

    @property
    def datetime(self) -> dt.datetime:
        """The instant as an aware datetime in UTC."""
        return _EPOCH + dt.timedelta(microseconds=self.micros)

    def iso(self) -> str:
        """Write it as RFC 3339 in UTC, to the microsecond where it has one; it parses back."""
        return self.datetime.isoformat().replace("+00:00", "Z")

    def local(self, zone: str) -> dt.datetime:
        """Give date and clock time in a zone such as ``Asia/Tokyo``."""
        return self.datetime.astimezone(checked_zone(zone))

    def local_date(self, zone: str) -> dt.date:
        """Give the date in a zone such as ``Asia/Tokyo``."""
        return self.local(zone).date()

    def plus(self, *, days: int = 0, hours: int = 0, minutes: int = 0, seconds: int = 0, micros: int = 0) -> "Instant":
        """Go on by elapsed time; a day is 24 hours here. For calendar days, go by local dates."""
        whole_minutes = (days * 24 + hours) * 60 + minutes
        return Instant(self.micros + (whole_minutes * 60 + seconds) * 1_000_000 + micros)

    def micros_since(self, earlier: "Instant") -> int:
        """Give the microseconds that passed since another instant; negative if it is yet to come."""
        return self.micros - earlier.micros

    def __str__(self) -> str:
        """Give it as RFC 3339."""
        return self.iso()

    def __repr__(self) -> str:
        """Give it shortly."""
        return f"Instant({self.iso()})"


@frozen
class Period:
    """From an instant until before another; ``None`` is open-ended. ``since == until`` holds nothing.

    Raises:
        Malformed: it ends before it begins.
    """

    since: Instant | None = None
    until: Instant | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a period that runs backwards."""
        for name, end in (("since", self.since), ("until", self.until)):
            if end is not None and type(end) is not Instant:
                raise Malformed(f"$.{name}", "must be an instant")
        if self.since is not None and self.until is not None and self.until < self.since:
            raise Malformed("$.until", "must not be before since")

    def contains(self, instant: Instant) -> bool:
        """Say whether the instant is in it; ``until`` itself is not."""
        return (self.since is None or self.since <= instant) and (self.until is None or instant < self.until)


@frozen
class Window:
    """Whole local days of a zone, from ``first`` until before ``until``; ``None`` is open-ended.

    "From 1 to 5 December in Tokyo" is ``Window.through(date(2026, 12, 1), date(2026, 12, 5), zone="Asia/Tokyo")``.

    Law: an instant is in it if and only if its local date is, in every zone, also where a day was skipped or repeated.

    Raises:
        Malformed: no such zone, no plain dates, or not a single day.
    """

    first: dt.date | None
    until: dt.date | None
    zone: str

    def __attrs_post_init__(self) -> None:
        """Refuse a window without a day."""
        checked_zone(self.zone)
        for name, day in (("first", self.first), ("until", self.until)):
            if day is not None:
                _check_day(day, f"$.{name}")
        if self.first is not None and self.until is not None and self.until <= self.first:
            raise Malformed("$.until", "must be after the first day")

    @classmethod
    def through(cls, first: dt.date | None, last: dt.date | None, *, zone: str) -> "Window":
        """Take the last day as people say it, included."""
        if last is not None:
            _check_day(last, "$.last")
        return cls(first, None if last is None else last + _DAY, zone)

    def contains(self, instant: Instant) -> bool:
        """Say whether the instant's local date is in the window."""
        day = instant.local_date(self.zone)
        return (self.first is None or self.first <= day) and (self.until is None or day < self.until)

    def period(self) -> Period:
        """Give the shortest period that holds every instant of the window, for searching by time.

        The two agree but where a clock that had passed midnight was set back over it (St John's until 2011, some
        changes of the date line): there the period also holds the instants in between.
        """
        return Period(
            None if self.first is None else _midnight(self.first, self.zone)[0],
            None if self.until is None else _midnight(self.until, self.zone)[1],
        )


def day_bounds(day: dt.date, zone: str) -> tuple[Instant, Instant]:
    """Give the first instant of a local date, and the one after its last: 24 hours, or 23 or 25, or none at all."""
    _check_day(day, "$.day")
    return _midnight(day, zone)[0], _midnight(day + _DAY, zone)[1]


def month_step(anchor: dt.date, months: int) -> dt.date:
    """Go months from the anchor to the same day of the month, or to the month's last where it has no such day.

    Count from the anchor each time, never from the last answer: 31 January + 1 is 28 February, + 2 is 31 March.

    Raises:
        Malformed: no plain date or whole number, or outside the years 1 to 9999.
    """
    _check_day(anchor, "$.anchor")
    if type(months) is not int:
        raise Malformed("$.months", "must be a whole number")
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise Malformed("$.months", "must stay in the years 1 to 9999")
    return dt.date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


@lru_cache(maxsize=1024)
def checked_zone(name: str, *, path: str = "$.zone") -> ZoneInfo:
    """Give the time zone of an IANA name such as ``Asia/Tokyo``.

    Raises:
        Malformed: no such zone, or a name that means another zone on another machine.
    """
    if type(name) is str and len(name) <= _LONGEST_ZONE and _ZONE_NAME.fullmatch(name) and name not in NOT_A_PLACE:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # not found; not a zone file; a directory
            pass
    raise Malformed(path, "must be a time zone such as Asia/Tokyo")


def turning_point(before: Instant, after: Instant, has_turned: Callable[[Instant], bool]) -> Instant:
    """Find the first instant after which something holds, that does not hold at ``before`` and does at ``after``."""
    low, high = before.micros, after.micros
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if has_turned(Instant(middle)) else (middle, high)
    return Instant(high)


def _midnight(day: dt.date, zone: str) -> tuple[Instant, Instant]:
    """Give the first instant at which it is ``day`` or later in the zone, and the one from which it stays so."""
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=checked_zone(zone))
    early, late = Instant.at(midnight), Instant.at(midnight.replace(fold=1))
    if early > late:  # PEP 495: midnight was skipped, and the two lie around the moment it was
        turn = turning_point(late, early, lambda instant: instant.local_date(zone) >= day)
        return turn, turn
    if early < late and late.plus(micros=-1).local_date(zone) < day:
        return early, late  # midnight came twice, and in between it was yesterday again
    return early, early


def _check_day(day: dt.date, path: str) -> None:
    if type(day) is not dt.date or not FIRST_DAY <= day <= LAST_DAY:
        raise Malformed(path, "must be a date in the years 1 to 9999")
