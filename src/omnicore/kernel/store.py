"""What does a flow end in, and what must a database offer?

A flow reads, decides purely and ends in one ``Writes`` value, applied whole or not at all. Contexts return ``Writes``,
``a + b`` merges them and the scenario writes the sum. ``Store`` is what a flow sees inside one transaction;
``Database`` opens such transactions. Both are small, so a host can bring its own and let ``omnicore.testing`` judge it.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from itertools import pairwise
from typing import Protocol

from attrs import field, frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.journal import Envelope, Event, Journal
from omnicore.kernel.ledger import Account, Balance, Entry, Held, Ledger, Move
from omnicore.kernel.records import Change, Document, Found, Kind, Records, Span
from omnicore.kernel.time import Instant


@frozen(kw_only=True)
class Writes:
    """Everything one flow changes: documents, moves on the ledger, events. A value; ``a + b`` merges two."""

    changes: tuple[Change, ...] = ()
    moves: tuple[Move, ...] = ()
    events: tuple[Event, ...] = ()

    def __add__(self, other: "Writes") -> "Writes":
        """Merge; one document may be changed once in the sum, which the write itself checks."""
        return Writes(
            changes=self.changes + other.changes, moves=self.moves + other.moves, events=self.events + other.events
        )

    def __bool__(self) -> bool:
        """Whether anything changes."""
        return bool(self.changes or self.moves or self.events)


def merged(many: Iterable[Writes]) -> Writes:
    """Merge any number of writes, in time linear in their parts."""
    parts = list(many)
    return Writes(
        changes=tuple(change for part in parts for change in part.changes),
        moves=tuple(move for part in parts for move in part.moves),
        events=tuple(event for part in parts for event in part.events),
    )


@frozen(kw_only=True)
class Command:
    """The row that makes a command idempotent: its key, a keyed hash of what was asked, and the answer given."""

    key: str
    request: str
    answer: str
    at: Instant


@frozen(kw_only=True)
class Batch:
    """``Writes`` as an adapter gets them: stamped with the instant, with events in envelopes and command rows beside.

    ``id`` is unique to the attempt; ``by`` and ``command`` go into events the write itself makes (``Overcommitted``).
    The order in which an adapter applies a batch is the one lock order of the library: command rows by key, ledger
    rows by (unit, path), documents by (kind, key), then the journal.
    """

    id: str
    at: Instant
    by: str
    command: str | None = None
    changes: tuple[Change, ...] = ()
    moves: tuple[Move, ...] = ()
    envelopes: tuple[Envelope, ...] = ()
    commands: tuple[Command, ...] = ()


def ordered_changes(changes: Iterable[Change]) -> list[Change]:
    """Give a batch's changes in the order in which documents are locked and written: (kind, key).

    Raises: Malformed when one document is changed twice.
    """
    ordered = sorted(changes, key=lambda row: (row.kind, row.key))
    for earlier, later in pairwise(ordered):
        if (earlier.kind, earlier.key) == (later.kind, later.key):
            raise Malformed("$.changes", "one document is changed twice")
    return ordered


@frozen(kw_only=True)
class Difference:
    """What ``verify`` found: where, what the rows say and what they should say. Never personal data."""

    where: str
    found: str
    expected: str


@frozen(kw_only=True)
class Verified:
    """How much ``verify`` looked at, documents by kind too, and the differences it found (the first hundred)."""

    documents: int
    entries: int
    holds: int
    events: int
    differences: tuple[Difference, ...] = field(default=())
    by_kind: Mapping[str, int] = field(factory=dict, repr=False, hash=False)


class Store(Records, Ledger, Journal, Protocol):
    """What a flow sees: reads of one snapshot, and one write. An object of one transaction, of one shop.

    Laws, checked by ``omnicore.testing.check_store``: a write is applied whole or not at all; a version, unique row,
    guard or command key that fails raises ``Conflict`` and changes nothing; reads after it in the transaction see it.
    A store of a transaction it may end itself can offer ``conclude(batch)``: ``write`` and COMMIT in one. A store that
    can answer several questions in one journey can offer ``together(calls)``: methods by name with their arguments.
    """

    def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Give the command rows that exist among ``keys``."""
        ...

    def write(self, batch: Batch) -> None:
        """Apply a batch.

        Raises: Conflict, Malformed.
        """
        ...

    def number(self, limit: int) -> int:
        """Give positions and chain links to up to ``limit`` journal rows and entries that have none; how many got one.

        Called by the shop's worker alone, in a transaction of its own.
        """
        ...

    def forget(self, before: Instant, limit: int) -> int:
        """Remove command rows of before an instant, the oldest first and at most ``limit``; how many.

        Called by the shop's worker, in a transaction of its own. A key that is forgotten may be used again.
        """
        ...

    def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Recompute every balance from entries and holds, every index row from documents, and every chain link."""
        ...


class Database(Protocol):
    """Opens transactions. Leaving the block without an exception commits; any exception rolls back.

    Two attributes tell a host more, and are False where they are missing. ``durable``: what is committed outlives the
    process, so that the host's secret must too. ``writers_meet``: several transactions may write at once, so that those
    who met wait for a random moment before they try afresh.
    """

    def reading(self, shop: str) -> AbstractContextManager[Store]:
        """Open one snapshot; ``write`` is refused in it."""
        ...

    def writing(self, shop: str, *, serializable: bool = False) -> AbstractContextManager[Store]:
        """Open one transaction that may write.

        Guarded rows are safe at any level. ``serializable`` asks for more: that the transaction stands as if it had
        run alone, because its rule spans a set of rows that no row guards.
        """
        ...

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        ...

    def close(self) -> None:
        """Give up connections; the database is not used afterwards."""
        ...


class AsyncStore(Protocol):
    """``Store`` over a driver that awaits: the same methods, laws and errors."""

    async def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Give the documents that exist among ``keys``."""
        ...

    async def find(self, where: Span) -> Found:
        """Give documents in index order."""
        ...

    async def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Give a balance for every account asked."""
        ...

    async def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Give the holds that exist among ``ids``."""
        ...

    async def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Give each account's open holds in promise order."""
        ...

    async def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Give the numbered entries that touch an account."""
        ...

    async def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Give numbered envelopes by position, from behind ``after``."""
        ...

    async def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Give the command rows that exist among ``keys``."""
        ...

    async def write(self, batch: Batch) -> None:
        """Apply a batch whole or not at all.

        Raises: Conflict, Malformed.
        """
        ...

    async def number(self, limit: int) -> int:
        """Give positions and chain links to journal rows and entries that have none; how many got one."""
        ...

    async def forget(self, before: Instant, limit: int) -> int:
        """Remove command rows of before an instant, the oldest first and at most ``limit``; how many."""
        ...

    async def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Recompute balances, index rows and the chain; name the differences."""
        ...


class AsyncDatabase(Protocol):
    """``Database`` over a driver that awaits. A cancelled block rolls back; COMMIT, once sent, is waited for."""

    def reading(self, shop: str) -> AbstractAsyncContextManager[AsyncStore]:
        """Open one snapshot; ``write`` is refused in it."""
        ...

    def writing(self, shop: str, *, serializable: bool = False) -> AbstractAsyncContextManager[AsyncStore]:
        """Open one transaction that may write; ``serializable`` as for ``Database``."""
        ...

    async def shops(self) -> tuple[str, ...]:
        """Name the shops that have rows here."""
        ...

    async def close(self) -> None:
        """Give up connections; the database is not used afterwards."""
        ...
