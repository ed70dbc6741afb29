"""What if a task is cancelled, or the answer is lost, at exactly this point of an asynchronous database?

The wrappers of ``omnicore.testing.lossy``, for any ``AsyncDatabase``.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from omnicore.kernel.errors import Conflict, InDoubt
from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Document, Found, Kind, Span
from omnicore.kernel.store import AsyncDatabase, AsyncStore, Batch, Command, Verified
from omnicore.kernel.time import Instant
from omnicore.testing.lossy import Points


class AsyncLossy:
    """An ``AsyncDatabase`` that commits, and then for the first so many writes says that it does not know."""

    def __init__(self, database: AsyncDatabase, *, answers_lost: int = 0, commits_lost: int = 0) -> None:
        """Wrap a database; ``commits_lost`` come first and roll back, ``answers_lost`` follow and commit."""
        self._database = database
        self._answers_lost = answers_lost
        self._commits_lost = commits_lost

    def reading(self, shop: str) -> AbstractAsyncContextManager[AsyncStore]:
        """Open one snapshot."""
        return self._database.reading(shop)

    @asynccontextmanager
    async def writing(self, shop: str, *, serializable: bool = False) -> AsyncIterator[AsyncStore]:
        """Open one transaction.

        Raises: Conflict where the commit is lost, InDoubt where only its answer is.
        """
        async with self._database.writing(shop, serializable=serializable) as store:
            yield AsyncWatched(store, Points())  # which cannot commit by itself, or no commit could be lost here
            if self._commits_lost:
                self._commits_lost -= 1
                raise Conflict("a commit that was lost")
        if self._answers_lost:
            self._answers_lost -= 1
            raise InDoubt("an answer that was lost")

    async def shops(self) -> tuple[str, ...]:
        """Name the shops that have rows here."""
        return await self._database.shops()

    async def close(self) -> None:
        """Close the wrapped database."""
        await self._database.close()


class AsyncStopping:
    """An ``AsyncDatabase`` that passes a point before each begin, port call and commit, and after each commit."""

    def __init__(self, database: AsyncDatabase, points: Points) -> None:
        """Wrap a database."""
        self._database = database
        self._points = points

    @asynccontextmanager
    async def reading(self, shop: str) -> AsyncIterator[AsyncStore]:
        """Open one snapshot."""
        self._points.point()
        async with self._database.reading(shop) as store:
            yield AsyncWatched(store, self._points)

    @asynccontextmanager
    async def writing(self, shop: str, *, serializable: bool = False) -> AsyncIterator[AsyncStore]:
        """Open one transaction."""
        self._points.point()
        async with self._database.writing(shop, serializable=serializable) as store:
            yield AsyncWatched(store, self._points)
            self._points.point()
        self._points.point()

    async def shops(self) -> tuple[str, ...]:
        """Name the shops that have rows here."""
        return await self._database.shops()

    async def close(self) -> None:
        """Close the wrapped database."""
        await self._database.close()


class AsyncWatched:
    """An ``AsyncStore`` that passes a point before every call is passed on."""

    def __init__(self, store: AsyncStore, points: Points) -> None:
        """Wrap a store."""
        self._store = store
        self._points = points

    def _passed(self) -> AsyncStore:
        self._points.point()
        return self._store

    async def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Pass on."""
        return await self._passed().load(kind, keys)

    async def find(self, where: Span) -> Found:
        """Pass on."""
        return await self._passed().find(where)

    async def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Pass on."""
        return await self._passed().balances(accounts, at)

    async def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Pass on."""
        return await self._passed().holds(ids)

    async def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Pass on."""
        return await self._passed().open_holds(accounts)

    async def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Pass on."""
        return await self._passed().entries(account, after=after, limit=limit)

    async def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Pass on."""
        return await self._passed().read(after=after, limit=limit)

    async def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Pass on."""
        return await self._passed().commands(keys)

    async def write(self, batch: Batch) -> None:
        """Pass on."""
        await self._passed().write(batch)

    async def number(self, limit: int) -> int:
        """Pass on."""
        return await self._passed().number(limit)

    async def forget(self, before: Instant, limit: int) -> int:
        """Pass on."""
        return await self._passed().forget(before, limit)

    async def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Pass on."""
        return await self._passed().verify(kinds)
