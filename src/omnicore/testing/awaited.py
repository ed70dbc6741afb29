"""How does a host on an asynchronous database behave, where there is none to try it on?

``Awaited`` makes an ``AsyncDatabase`` of any synchronous one, for tests: the event loop goes on at every port call, so
other tasks run in between, a task may be cancelled there, and a cancelled block rolls back.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Document, Found, Kind, Span
from omnicore.kernel.store import AsyncStore, Batch, Command, Database, Store, Verified
from omnicore.kernel.time import Instant


async def _others() -> None:
    await asyncio.sleep(0)


class Awaited:
    """A synchronous ``Database`` as an ``AsyncDatabase``; transactions of one loop come one after another."""

    def __init__(self, database: Database) -> None:
        """Wrap a database."""
        self._database = database
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    def _alone(self) -> asyncio.Lock:
        # The lock of ``Memory`` lets its own thread in twice, and that of ``Sqlite`` would hold the loop up.
        return self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    @asynccontextmanager
    async def reading(self, shop: str) -> AsyncIterator[AsyncStore]:
        """Open one snapshot."""
        await _others()
        async with self._alone():
            with self._database.reading(shop) as store:
                yield AwaitedStore(store)

    @asynccontextmanager
    async def writing(self, shop: str, *, serializable: bool = False) -> AsyncIterator[AsyncStore]:
        """Open one transaction; a task that is cancelled before COMMIT rolls back, after COMMIT it has committed."""
        await _others()
        async with self._alone():
            with self._database.writing(shop, serializable=serializable) as store:
                yield AwaitedStore(store)
                await _others()
        await _others()

    async def shops(self) -> tuple[str, ...]:
        """Name the shops that have rows here."""
        await _others()
        return tuple(self._database.shops())

    async def close(self) -> None:
        """Close the wrapped database."""
        await _others()
        self._database.close()


class AwaitedStore:
    """A synchronous ``Store`` as an ``AsyncStore``: the loop goes on between what is asked and its answer.

    The work is done first, so whoever is cancelled while waiting does not know what was done: only a rollback is safe.
    """

    def __init__(self, store: Store) -> None:
        """Wrap a store."""
        self._store = store

    @property
    def statements(self) -> int:
        """How many statements were sent, where the store counts them."""
        return getattr(self._store, "statements", 0)

    async def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Pass on, then let others run."""
        found = self._store.load(kind, keys)
        await _others()
        return found

    async def find(self, where: Span) -> Found:
        """Pass on, then let others run."""
        found = self._store.find(where)
        await _others()
        return found

    async def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Pass on, then let others run."""
        found = self._store.balances(accounts, at)
        await _others()
        return found

    async def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Pass on, then let others run."""
        found = self._store.holds(ids)
        await _others()
        return found

    async def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Pass on, then let others run."""
        found = self._store.open_holds(accounts)
        await _others()
        return found

    async def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Pass on, then let others run."""
        found = self._store.entries(account, after=after, limit=limit)
        await _others()
        return found

    async def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Pass on, then let others run."""
        found = self._store.read(after=after, limit=limit)
        await _others()
        return found

    async def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Pass on, then let others run."""
        found = self._store.commands(keys)
        await _others()
        return found

    async def write(self, batch: Batch) -> None:
        """Pass on, then let others run."""
        self._store.write(batch)
        await _others()

    async def number(self, limit: int) -> int:
        """Pass on, then let others run."""
        made = self._store.number(limit)
        await _others()
        return made

    async def forget(self, before: Instant, limit: int) -> int:
        """Pass on, then let others run."""
        made = self._store.forget(before, limit)
        await _others()
        return made

    async def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Pass on, then let others run."""
        found = self._store.verify(kinds)
        await _others()
        return found
