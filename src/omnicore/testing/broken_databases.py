"""Which mistakes must a figure catch? Databases made wrong on purpose, round any that is right.

``testing.sabotage`` breaks the database in memory for the conformance kit; these break one that many processes share,
in the ways that real shops were broken: read, then write without a guard; a question that reads as it goes; commits
that are promised before they are made.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from attrs import evolve

from omnicore.kernel.errors import Conflict
from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Floor, Held, Hold, Post
from omnicore.kernel.moves import MAX_AMOUNT
from omnicore.kernel.records import Document, Found, Kind, Span
from omnicore.kernel.store import Batch, Command, Database, Store, Verified
from omnicore.kernel.time import Instant
from omnicore.testing.lossy import Watched


class Passing:
    """A ``Database`` that passes everything on; a broken one changes a part of it."""

    def __init__(self, database: Database) -> None:
        """Wrap a database."""
        self._database = database

    def reading(self, shop: str) -> AbstractContextManager[Store]:
        """Open one snapshot."""
        return self._database.reading(shop)

    def writing(self, shop: str, *, serializable: bool = False) -> AbstractContextManager[Store]:
        """Open one transaction."""
        return self._database.writing(shop, serializable=serializable)

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        return self._database.shops()

    def close(self) -> None:
        """Close the wrapped database."""
        self._database.close()


class Torn:
    """A ``Store`` that reads in a transaction of its own at every call, and hands a write to who made it."""

    def __init__(self, database: Database, shop: str) -> None:
        """Read a shop of a database, call by call."""
        self._database = database
        self._shop = shop

    def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Read what is there now."""
        with self._database.reading(self._shop) as store:
            return store.load(kind, keys)

    def find(self, where: Span) -> Found:
        """Read what is there now."""
        with self._database.reading(self._shop) as store:
            return store.find(where)

    def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Read what is there now."""
        with self._database.reading(self._shop) as store:
            return store.balances(accounts, at)

    def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Read what is there now."""
        with self._database.reading(self._shop) as store:
            return store.holds(ids)

    def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Read what is there now."""
        with self._database.reading(self._shop) as store:
            return store.open_holds(accounts)

    def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Read what is there now."""
        with self._database.reading(self._shop) as store:
            return store.entries(account, after=after, limit=limit)

    def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Read what is there now."""
        with self._database.reading(self._shop) as store:
            return store.read(after=after, limit=limit)

    def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Read what is there now."""
        with self._database.reading(self._shop) as store:
            return store.commands(keys)

    def write(self, batch: Batch) -> None:
        """Write in a transaction of its own."""
        with self._database.writing(self._shop) as store:
            store.write(batch)

    def number(self, limit: int) -> int:
        """Number in a transaction of its own."""
        with self._database.writing(self._shop) as store:
            return store.number(limit)

    def forget(self, before: Instant, limit: int) -> int:
        """Forget in a transaction of its own."""
        with self._database.writing(self._shop) as store:
            return store.forget(before, limit)

    def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Verify what is there now."""
        with self._database.reading(self._shop) as store:
            return store.verify(kinds)


class ReadThenWrite(Passing):
    """Trusts what a flow has read a moment ago: no transaction round both, and no guard in the write."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        """Open nothing: each call is on its own."""
        yield _Unguarded(self._database, shop)


class _Unguarded(Torn):
    def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Read what is there now, but for the floor, which is the mistake's own."""
        return {account: evolve(row, floor=0) for account, row in super().balances(accounts, at).items()}

    def write(self, batch: Batch) -> None:
        """Write whatever is on the shelf by now."""
        sources = {Account(move.unit, move.source) for move in batch.moves if isinstance(move, Hold | Post)}
        floors = [Floor(unit=each.unit, path=each.path, floor=-MAX_AMOUNT) for each in sorted(sources) if each.guarded]
        super().write(evolve(batch, moves=(*floors, *batch.moves)))


class ReadAsYouGo(Passing):
    """Answers a question call by call, each from what is committed by then: READ COMMITTED."""

    @contextmanager
    def reading(self, shop: str) -> Iterator[Store]:
        """Take no snapshot."""
        yield Torn(self._database, shop)


class KeyKeptApart(Passing):
    """Keeps a command's key in a transaction of its own, after the command: looked for first, inserted last."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        """Open nothing: each call is on its own."""
        yield _KeyLast(self._database, shop)


class _KeyLast(Torn):
    def write(self, batch: Batch) -> None:
        """Write, then remember that it was asked for."""
        super().write(evolve(batch, commands=()))
        if batch.commands:
            try:
                super().write(Batch(id=f"{batch.id}-key", at=batch.at, by=batch.by, commands=batch.commands))
            except Conflict:  # somebody else was quicker, and nobody looks
                return


class MoveByMove(Passing):
    """Makes the moves of one write one by one, in the order in which they were asked for: rows are locked in any."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        """Open one transaction."""
        with self._database.writing(shop, serializable=serializable) as store:
            yield _OneByOne(store, lambda: None)


class _OneByOne(Watched):
    def write(self, batch: Batch) -> None:
        """Write a move at a time."""
        super().write(evolve(batch, moves=()))
        for number, move in enumerate(batch.moves):
            super().write(Batch(id=f"{batch.id}-{number}", at=batch.at, by=batch.by, moves=(move,)))


class HalfByHalf(Passing):
    """Commits a write's documents, events and key first, and its moves afterwards, in a transaction of their own."""

    between: Callable[[], None] | None = None
    """Called between the two, where a kill does harm."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        """Open nothing: each call is on its own."""
        yield _InHalves(self._database, shop, self.between)


class _InHalves(Torn):
    def __init__(self, database: Database, shop: str, between: Callable[[], None] | None) -> None:
        super().__init__(database, shop)
        self._between = between

    def write(self, batch: Batch) -> None:
        """Write twice."""
        super().write(evolve(batch, moves=()))
        if batch.moves:
            if self._between is not None:
                self._between()
            super().write(Batch(id=f"{batch.id}-moves", at=batch.at, by=batch.by, moves=batch.moves))


class LateCommit(Passing):
    """Answers before it has committed: writes are gathered, and made a few at a time."""

    gathered = 5

    def __init__(self, database: Database) -> None:
        """Wrap a database."""
        super().__init__(database)
        self._waiting: list[tuple[str, Batch]] = []

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        """Open nothing: what is written waits for others."""
        yield _Later(self._database, shop, self._waiting)
        if len(self._waiting) >= self.gathered:
            self.flush()

    def flush(self) -> None:
        """Make the writes that wait; one that conflicts by now is lost."""
        while self._waiting:
            shop, batch = self._waiting.pop(0)
            try:
                with self._database.writing(shop) as store:
                    store.write(batch)
            except Conflict:
                continue

    def close(self) -> None:
        """Make the writes that wait, and close."""
        self.flush()
        super().close()


class _Later(Torn):
    def __init__(self, database: Database, shop: str, waiting: list[tuple[str, Batch]]) -> None:
        super().__init__(database, shop)
        self._waiting = waiting

    def write(self, batch: Batch) -> None:
        """Say yes, and do it later."""
        self._waiting.append((self._shop, batch))
