"""What does a flow see of PostgreSQL? One shop, inside one transaction that somebody else opens and ends.

``PostgresStore`` waits for its answers, ``AsyncPostgresStore`` awaits them; what they send is written once, elsewhere.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import psycopg

from omnicore.adapters.columns import Row
from omnicore.adapters.postgres import asking, document_rows, journal_rows, ledger_rows, writing
from omnicore.adapters.postgres.journey import AsyncJourneys, Journeys
from omnicore.adapters.postgres.quick_holds import Hurry
from omnicore.adapters.postgres.verifying import verify
from omnicore.adapters.postgres.wire import AsyncWire, Steps, Wire, counted, hosts_own
from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Document, Found, Kind, Span
from omnicore.kernel.store import Batch, Command, Verified
from omnicore.kernel.time import Instant
from omnicore.kernel.together import PortCall

R = TypeVar("R")


class PostgresStore:
    """A ``Store`` over one connection that is inside a transaction."""

    def __init__(self, connection: psycopg.Connection[Any] | Wire, shop: str, *, writable: bool) -> None:
        """See a shop; ``writable`` says whether ``write`` and ``number`` are allowed."""
        self._wire = Journeys(connection) if isinstance(connection, psycopg.Connection) else connection
        self._shop = shop
        self._writable = writable
        self.statements: int = 0
        """How many statements were sent; many rows of one statement count once, transaction control does not."""

    def _run(self, steps: Steps[R]) -> R:
        try:
            queries = next(steps)
            while True:
                self.statements += counted(queries)
                try:
                    results = self._wire.send(queries)
                except Exception as error:  # noqa: BLE001 - the steps undo what they began, and raise it again
                    queries = steps.throw(error)
                else:
                    queries = steps.send(results)
        except StopIteration as stop:
            result: R = stop.value
            return result

    def sql(self, statement: str, /, **values: str | int | bytes | None) -> list[Row]:
        """Run a statement of the host's own in this transaction, and give its rows; values are named ``:value``.

        Raises: Conflict when a unique key is taken or a lock is not had; most else that PostgreSQL says, as it is.
        """
        self.statements += 1
        (result,) = self._wire.send((hosts_own(statement, {"shop": self._shop, **values}),))
        return list(result.rows)

    def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Give the documents that exist among ``keys``."""
        return self._run(document_rows.load(self._shop, kind, keys))

    def find(self, where: Span) -> Found:
        """Give documents in index order."""
        return self._run(document_rows.find(self._shop, where))

    def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Give a balance for every account asked."""
        return self._run(ledger_rows.balances(self._shop, accounts, at))

    def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Give the holds that exist among ``ids``."""
        return self._run(ledger_rows.holds(self._shop, ids))

    def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Give each account's open holds in promise order."""
        return self._run(ledger_rows.open_holds(self._shop, accounts))

    def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Give the numbered entries that touch an account."""
        return self._run(ledger_rows.entries(self._shop, account, after=after, limit=limit))

    def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Give numbered envelopes by position, from behind ``after``."""
        return self._run(journal_rows.read(self._shop, after=after, limit=limit))

    def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Give the command rows that exist among ``keys``."""
        return self._run(journal_rows.commands(self._shop, keys))

    def together(self, calls: Sequence[PortCall]) -> Sequence[object]:
        """Answer several port calls in one journey."""
        return self._run(asking.together(self._shop, calls))

    def write(self, batch: Batch) -> None:
        """Apply a batch whole or not at all.

        Raises: Conflict, Malformed.
        """
        _may_write(self._writable)
        self._run(writing.write(self._shop, batch))

    def number(self, limit: int) -> int:
        """Give positions and chain links to journal rows and entries that have none."""
        _may_write(self._writable)
        return self._run(journal_rows.number(self._shop, limit))

    def forget(self, before: Instant, limit: int) -> int:
        """Remove command rows older than ``before``, at most ``limit``; how many."""
        _may_write(self._writable)
        return self._run(journal_rows.forget(self._shop, before, limit))

    def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Recompute balances, index rows and the chain; name the differences."""
        return self._run(verify(self._shop, kinds))


class LastingStore(PostgresStore):
    """The store of a transaction of our own, which it may end."""

    def __init__(self, wire: Wire, shop: str, hurry: Hurry) -> None:
        """See a shop, to write to it."""
        super().__init__(wire, shop, writable=True)
        self._hurry = hurry

    def conclude(self, batch: Batch) -> None:
        """Apply a batch and commit; nothing may follow.

        Raises: Conflict, Malformed.
        """
        self._run(writing.conclude(self._shop, batch, self._hurry))


class AsyncPostgresStore:
    """An ``AsyncStore`` over one connection that is inside a transaction."""

    def __init__(self, connection: psycopg.AsyncConnection[Any] | AsyncWire, shop: str, *, writable: bool) -> None:
        """See a shop; ``writable`` says whether ``write`` and ``number`` are allowed."""
        self._wire = AsyncJourneys(connection) if isinstance(connection, psycopg.AsyncConnection) else connection
        self._shop = shop
        self._writable = writable
        self.statements: int = 0
        """As for ``PostgresStore``."""

    async def _run(self, steps: Steps[R]) -> R:
        try:
            queries = next(steps)
            while True:
                self.statements += counted(queries)
                try:
                    results = await self._wire.send(queries)
                except Exception as error:  # noqa: BLE001 - the steps undo what they began, and raise it again
                    queries = steps.throw(error)
                else:
                    queries = steps.send(results)
        except StopIteration as stop:
            result: R = stop.value
            return result

    async def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Give the documents that exist among ``keys``."""
        return await self._run(document_rows.load(self._shop, kind, keys))

    async def find(self, where: Span) -> Found:
        """Give documents in index order."""
        return await self._run(document_rows.find(self._shop, where))

    async def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Give a balance for every account asked."""
        return await self._run(ledger_rows.balances(self._shop, accounts, at))

    async def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Give the holds that exist among ``ids``."""
        return await self._run(ledger_rows.holds(self._shop, ids))

    async def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Give each account's open holds in promise order."""
        return await self._run(ledger_rows.open_holds(self._shop, accounts))

    async def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Give the numbered entries that touch an account."""
        return await self._run(ledger_rows.entries(self._shop, account, after=after, limit=limit))

    async def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Give numbered envelopes by position, from behind ``after``."""
        return await self._run(journal_rows.read(self._shop, after=after, limit=limit))

    async def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Give the command rows that exist among ``keys``."""
        return await self._run(journal_rows.commands(self._shop, keys))

    async def together(self, calls: Sequence[PortCall]) -> Sequence[object]:
        """Answer several port calls in one journey."""
        return await self._run(asking.together(self._shop, calls))

    async def write(self, batch: Batch) -> None:
        """Apply a batch whole or not at all.

        Raises: Conflict, Malformed.
        """
        _may_write(self._writable)
        await self._run(writing.write(self._shop, batch))

    async def number(self, limit: int) -> int:
        """Give positions and chain links to journal rows and entries that have none."""
        _may_write(self._writable)
        return await self._run(journal_rows.number(self._shop, limit))

    async def forget(self, before: Instant, limit: int) -> int:
        """Remove command rows older than ``before``, at most ``limit``; how many."""
        _may_write(self._writable)
        return await self._run(journal_rows.forget(self._shop, before, limit))

    async def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Recompute balances, index rows and the chain; name the differences."""
        return await self._run(verify(self._shop, kinds))


class AsyncLastingStore(AsyncPostgresStore):
    """As ``LastingStore``, awaited."""

    def __init__(self, wire: AsyncWire, shop: str, hurry: Hurry) -> None:
        """See a shop, to write to it."""
        super().__init__(wire, shop, writable=True)
        self._hurry = hurry

    async def conclude(self, batch: Batch) -> None:
        """Apply a batch and commit; nothing may follow.

        Raises: Conflict, Malformed.
        """
        await self._run(writing.conclude(self._shop, batch, self._hurry))


def _may_write(writable: bool) -> None:  # noqa: FBT001 - the one thing asked
    if not writable:
        raise AssertionError("a question may not write")
