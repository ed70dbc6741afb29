"""What time is it, and what is the next id called, in a test that must run alike every time?"""

from itertools import count

from omnicore.kernel.time import Instant

NOON = Instant.parse("2026-01-05T03:00:00Z")
"""Noon of a Monday in Tokyo: where a clock starts that is told nothing."""


SECRET = b"a secret that tests share"
"""For ``Host(secret=SECRET)`` on a durable database; in production it comes from a secret store."""


class Clock:
    """A clock that stands still until told to move, back too: ``Host(clock=Clock())``."""

    def __init__(self, at: Instant = NOON) -> None:
        """Stand at an instant."""
        self._at = at

    def __call__(self) -> Instant:
        """Give the instant it stands at."""
        return self._at

    def advance(self, *, days: int = 0, hours: int = 0, minutes: int = 0, seconds: int = 0, micros: int = 0) -> Instant:
        """Go on by elapsed time, back when negative; gives where it stands then."""
        self._at = self._at.plus(days=days, hours=hours, minutes=minutes, seconds=seconds, micros=micros)
        return self._at

    def set(self, at: Instant) -> None:
        """Stand at another instant."""
        self._at = at


class Ids:
    """New ids that count up: ``id-000001``, ``id-000002``, ...; safe to ask from several threads."""

    def __init__(self, prefix: str = "id") -> None:
        """Begin at one."""
        self._prefix = prefix
        self._numbers = count(1)

    def __call__(self) -> str:
        """Give the next id."""
        return f"{self._prefix}-{next(self._numbers):06}"
