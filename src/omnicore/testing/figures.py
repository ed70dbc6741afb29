"""What does a figure of reliability say, and about which database?

A *figure* is measured, never promised: what was done, what was found, and how many databases broken on purpose the same
measurement caught. A ``Backend`` opens the database under test in every process that takes part; hosts give their own.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from attrs import evolve, field, frozen

from omnicore.kernel.store import Database


@frozen(kw_only=True)
class Figure:
    """What was measured: whether all held, the numbers, and how many of the broken ``controls`` were caught.

    A figure whose controls were not all caught proves nothing, so it is not ``ok``.
    """

    name: str
    ok: bool
    facts: Mapping[str, int | str] = field(hash=False)
    control_caught: int
    controls: int


def figure(name: str, *, holds: bool, facts: Mapping[str, int | str], caught: Iterable[bool] = ()) -> Figure:
    """Put a figure together; ``caught`` says of each control whether the measurement found it broken."""
    found = tuple(caught)
    return Figure(
        name=name,
        ok=holds and all(found),
        facts=facts,
        control_caught=sum(found),
        controls=len(found),
    )


def tried_until(caught: Callable[[int], bool], *, tries: int = 5) -> bool:
    """Try a control until it is caught: it breaks in a race, so that one try may be lucky. ``caught`` gets a number."""
    return any(caught(number) for number in range(tries))


class Spare(Protocol):
    """How a backend lends whoever kills processes a database of their own, which can be put back as it was."""

    def copied(self, name: str) -> "Backend":
        """Make another empty database beside this one."""
        ...

    def mark(self) -> None:
        """Remember what is in it; nobody has it open."""
        ...

    def restore(self) -> None:
        """Make it what it was when it was marked; nobody alive has it open."""
        ...

    def drop(self) -> None:
        """Remove it."""
        ...


@frozen(kw_only=True)
class Backend:
    """A database under test: empty, with its tables made. ``make`` opens it in every process, so it can be pickled.

    Figures keep apart by shop, so one database serves all of them.
    """

    name: str
    version: str
    make: Callable[[], Database]
    spare: Spare | None = None
    watch: Callable[[Callable[[], None]], None] | None = None
    """Makes every statement of this process a point, for kills; without it, every call of a ``Store`` is one."""
    deadlocks: Callable[[], int] | None = None
    """Counts the deadlocks the database has broken so far, where it can have any."""
    sabotage: Callable[[Database], Database] | None = None
    """Breaks it in one way, for a control."""

    def open(self, *, wrapped: Callable[[Database], Database] | None = None) -> Database:
        """Open it in this process, with whatever is broken about it outermost."""
        database = self.make()
        for around in (wrapped, self.sabotage):
            database = database if around is None else around(database)
        return database

    def by(self, sabotage: Callable[[Database], Database]) -> "Backend":
        """Give the same database broken in one way."""
        return evolve(self, sabotage=sabotage)
