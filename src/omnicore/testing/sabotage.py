"""Can the store kit fail? Databases with one thing broken each; a kit that passes one of them proves nothing.

Each is ``Memory`` with one mistake that adapters are known to make. ``sabotage_report`` runs the kit over all of them.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from attrs import evolve

from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.adapters.memory_rows import Shop
from omnicore.kernel.errors import Conflict
from omnicore.kernel.ledger import Account, Held
from omnicore.kernel.records import Change, Found, Kind, Put, Span, cursor
from omnicore.kernel.store import Batch, Command, Database, Verified
from omnicore.kernel.time import Instant
from omnicore.testing.clock import NOON
from omnicore.testing.sabotage_books import DECISIONS
from omnicore.testing.store_kit import check_store


class NoVersionCheck(MemoryStore):
    """Puts and drops documents whatever version stands there."""

    def write(self, batch: Batch) -> None:
        """Expect what stands."""
        changes = tuple(evolve(change, expected=self._stands(change)) for change in batch.changes)
        super().write(evolve(batch, changes=changes))

    def _stands(self, change: Change) -> int:
        document = self.load(change.kind, [change.key]).get(change.key)
        return document.version if document else 0


class UniqueForgotten(MemoryStore):
    """Lets two documents stand under one unique tuple."""

    def write(self, batch: Batch) -> None:
        """Make every row an ordinary one."""
        super().write(evolve(batch, changes=tuple(_ordinary(change) for change in batch.changes)))


def _ordinary(change: Change) -> Change:
    if isinstance(change, Put):
        return evolve(change, rows=tuple(evolve(row, unique=False) for row in change.rows))
    return change


class KeyOverwritten(MemoryStore):
    """Trusts the driver to have looked for a command key, and puts it over one that came in between."""

    def write(self, batch: Batch) -> None:
        """Forget the old rows first."""
        for command in batch.commands:
            self._unset(self._shop.commands, command.key)
        super().write(batch)


class RefusalKept(MemoryStore):
    """Keeps the key of a command that was refused, so that it can never succeed."""

    def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Remember what was asked for."""
        asked = list(keys)
        self._asked = asked
        return super().commands(asked)

    def rollback(self) -> None:
        """Undo all but the key."""
        super().rollback()
        at = max((row.at for row in self._shop.commands.values()), default=None)
        for key in getattr(self, "_asked", []):
            stored = Command(key=key, request="", answer="null", at=at or NOON)
            self._shop.commands.setdefault(key, stored)


class HalfWritten(MemoryStore):
    """Leaves the first half of a write that fails in its second, where the transaction goes on."""

    def write(self, batch: Batch) -> None:
        """Write in two parts."""
        super().write(evolve(batch, changes=()))
        super().write(evolve(batch, moves=(), envelopes=(), commands=()))


class RollbackLost(MemoryStore):
    """Commits what should be rolled back."""

    def rollback(self) -> None:
        """Do nothing."""


class NumberedEarly(MemoryStore):
    """Gives positions before the commit."""

    def write(self, batch: Batch) -> None:
        """Write and number."""
        super().write(batch)
        self.number(1000)


class YoungForgotten(MemoryStore):
    """Forgets the youngest of the old command keys first."""

    def forget(self, before: Instant, limit: int) -> int:
        """Take them from the wrong end."""
        old = sorted((row for row in self._shop.commands.values() if row.at < before), key=lambda row: row.at)[::-1]
        for row in old[:limit]:
            self._unset(self._shop.commands, row.key)
        return len(old[:limit])


class RowsUnsorted(MemoryStore):
    """Gives the rows of a page in the order of their keys."""

    def find(self, where: Span) -> Found:
        """Sort wrongly."""
        found = super().find(where)
        return evolve(found, documents=tuple(sorted(found.documents, key=lambda document: document.key)))


class TiesSkipped(MemoryStore):
    """Begins a page behind the last tuple instead of behind the last row."""

    def find(self, where: Span) -> Found:
        """Forget the key in the cursor."""
        if where.after is not None:
            where = evolve(where, after=(where.after[0], "" if where.newest_first else "\U0010ffff"))
        return super().find(where)


class PageEndless(MemoryStore):
    """Says that there is a next page when the last one was just full."""

    def find(self, where: Span) -> Found:
        """Give a cursor behind every full page."""
        found = super().find(where)
        if found.next is None and len(found.documents) == where.limit:
            return evolve(found, next=where.after and cursor(*where.after))
        return found


class PromisesUnsorted(MemoryStore):
    """Lists open holds by id, so that the wrong ones are told that they are at risk."""

    def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Sort wrongly."""
        found = super().open_holds(accounts)
        return {account: rows[::-1] for account, rows in found.items()}


class VerifyBlind(MemoryStore):
    """Finds no difference, ever."""

    def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Look away."""
        return evolve(super().verify(kinds), differences=())


class AnswerLost(Memory):
    """Stores the command's row after the commit, so that a lost answer loses the key with it."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
        """Commit, lose the connection once, after a command that only moves, and with it the key."""
        late: list[Command] = []
        only_moves = False

        class Late(MemoryStore):
            def write(self, batch: Batch) -> None:
                nonlocal only_moves
                only_moves = not batch.changes and bool(batch.moves)
                if any(row.key in self._shop.commands for row in batch.commands):
                    raise Conflict("command")
                super().write(evolve(batch, commands=()))
                late.extend(batch.commands)

        with super().writing(shop) as store:
            yield Late(store._shop, writable=True)  # noqa: SLF001 - one of us
        if late and only_moves and not getattr(self, "_has_lost", False):
            self._has_lost = True
            raise Conflict("connection")
        self._shops[shop].commands |= {row.key: row for row in late}


class SnapshotTorn(Memory):
    """Reads what is there at each read, committed or not."""

    @contextmanager
    def reading(self, shop: str) -> Iterator[MemoryStore]:
        """Take no lock."""
        yield self.store(self._shops.get(shop) or Shop(), writable=False)


class ShopsMixed(Memory):
    """Forgets the shop in its keys."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
        """Write to the one shop there is."""
        with super().writing("main") as store:
            self._shops[shop] = self._shops["main"]
            yield store


def _broken(kind: type[MemoryStore]) -> Callable[[], Database]:
    class Sabotaged(Memory):
        @staticmethod
        def store(shop: Shop, *, writable: bool) -> MemoryStore:
            return kind(shop, writable=writable)

    return Sabotaged


_STORES: tuple[type[MemoryStore], ...] = (
    *(
        NoVersionCheck,
        UniqueForgotten,
        KeyOverwritten,
        RefusalKept,
        HalfWritten,
        RollbackLost,
        NumberedEarly,
        YoungForgotten,
    ),
    *(RowsUnsorted, TiesSkipped, PageEndless, PromisesUnsorted, VerifyBlind),
    *DECISIONS,
)

SABOTAGED: dict[str, Callable[[], Database]] = {
    **{kind.__name__: _broken(kind) for kind in _STORES},
    "AnswerLost": AnswerLost,
    "SnapshotTorn": SnapshotTorn,
    "ShopsMixed": ShopsMixed,
}
"""Every sabotaged database, by the name of what is broken in it."""


def caught(make: Callable[[], Database]) -> str | None:
    """Give the first line of the kit's complaint about a database, None where it has none."""
    try:
        check_store(make)
    except AssertionError as complaint:
        return str(complaint).splitlines()[0]
    return None


def sabotage_report(out: TextIO | None = None) -> int:
    """Run the store kit over every sabotaged database and write what it said; gives how many were not caught."""
    told = sys.stdout if out is None else out
    complaints = {name: caught(make) for name, make in SABOTAGED.items()}
    for name, complaint in complaints.items():
        told.write(f"{'caught' if complaint else 'MISSED'}  {name}: {complaint or 'the kit found nothing'}\n")
    missed = [name for name, complaint in complaints.items() if complaint is None]
    told.write(f"sabotage: caught {len(complaints) - len(missed)} of {len(complaints)}\n")
    return len(missed)
