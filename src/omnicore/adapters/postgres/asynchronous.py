"""How does an event loop use PostgreSQL without a thread?

As ``database``, over psycopg's asynchronous connections. A task that is cancelled rolls back; COMMIT, once sent, is
waited for whatever happens to the task, so nobody is left guessing.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import psycopg

from omnicore.adapters.postgres.database import BEGUN_AFRESH, MAX_IDLE, SHOPS, idle
from omnicore.adapters.postgres.errors import LOST
from omnicore.adapters.postgres.journey import AsyncJourneys
from omnicore.adapters.postgres.opening import FOR_THE_TRANSACTION, check_async, check_encoding, connect_async
from omnicore.adapters.postgres.quick_holds import Hurry
from omnicore.adapters.postgres.store import AsyncLastingStore, AsyncPostgresStore
from omnicore.adapters.postgres.wire import ALONE, COMMIT, READING, ROLLBACK, WRITING, Query, Result
from omnicore.kernel.errors import Conflict, InDoubt, OmnicoreError

R = TypeVar("R")


class AsyncPool(Protocol):
    """What is used of a host's own pool; ``psycopg_pool.AsyncConnectionPool`` is one."""

    async def getconn(self) -> psycopg.AsyncConnection[Any]:
        """Lend a connection."""
        ...

    async def putconn(self, conn: psycopg.AsyncConnection[Any]) -> None:
        """Take a connection back; one that is closed is replaced."""
        ...


class AsyncIdle:
    """A pool of our own: connections made when none is idle, a few of them kept; of one event loop at a time."""

    def __init__(self, conninfo: str) -> None:
        """Make none yet."""
        self._conninfo = conninfo
        self._owner: tuple[int, asyncio.AbstractEventLoop | None] = (0, None)
        self._idle: list[psycopg.AsyncConnection[Any]] = []
        self._carried_over: list[psycopg.AsyncConnection[Any]] = []

    async def getconn(self) -> psycopg.AsyncConnection[Any]:
        """Lend a connection, the last one given back if any."""
        owner = (os.getpid(), asyncio.get_running_loop())
        if owner != self._owner:
            # They belong to another loop, or to the process we were forked from: neither may be touched from here.
            if self._owner[0] == os.getpid():
                for connection in self._idle:
                    connection.pgconn.finish()
            else:
                self._carried_over += self._idle
            self._idle, self._owner = [], owner
        if self._idle:
            return self._idle.pop()
        return await connect_async(self._conninfo)

    async def putconn(self, conn: psycopg.AsyncConnection[Any]) -> None:
        """Take a connection back; one that was interrupted amid a transaction is of no use to the next."""
        if idle(conn) and len(self._idle) < MAX_IDLE:
            self._idle.append(conn)
        else:
            await conn.close()

    async def close(self) -> None:
        """Close what is idle."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()


class AsyncSession:
    """As ``Session``, awaited."""

    def __init__(self, database: "AsyncPostgres", begin: Query) -> None:
        """Borrow nothing yet."""
        self._database = database
        self._pool = database.pool
        self._begin = (begin,) if isinstance(database.pool, AsyncIdle) else (begin, FOR_THE_TRANSACTION)
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._wire: AsyncJourneys | None = None

    async def send(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Send statements in order and give their results."""
        ends = queries[-1] is COMMIT
        if self._wire is None or idle(self._connection):
            if not ends:
                return (await self._first((*self._begin, *queries)))[len(self._begin) :]
            await self._first(self._begin)
        assert self._wire is not None
        if not ends:
            return await self._wire.send(queries)
        try:
            return await _shielded(self._wire.send(queries))
        except Conflict as conflict:
            if conflict.about == LOST:
                raise InDoubt("commit") from conflict
            raise

    async def _first(self, queries: Sequence[Query]) -> Sequence[Result]:
        wire = await self._borrow()
        try:
            return await wire.send(queries)
        except Conflict as conflict:
            if conflict.about not in BEGUN_AFRESH:
                raise
        await self.roll_back()
        if isinstance(self._pool, AsyncIdle) and self._connection is None:
            await self._pool.close()
        return await (await self._borrow()).send(queries)

    async def _borrow(self) -> AsyncJourneys:
        if self._connection is None:
            try:
                self._connection = await self._pool.getconn()
            except (OmnicoreError, psycopg.OperationalError) as error:
                if not self._database.judged:
                    raise
                raise Conflict(LOST) from error
            await self._database.judge(self._connection)
        self._wire = AsyncJourneys(self._connection, prepares=True)
        return self._wire

    async def commit(self) -> None:
        """Commit what was sent, if anything was; the answer is waited for even by a task that is cancelled.

        Raises: Conflict, InDoubt when the connection was lost meanwhile.
        """
        if self._wire is None or idle(self._connection):
            return
        assert self._connection is not None
        if self._connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
            raise Conflict("transaction")
        await self.send((COMMIT,))

    async def roll_back(self) -> None:
        """Undo what was sent; a connection that cannot is thrown away."""
        if self._connection is None or self._wire is None:
            return
        if idle(self._connection):
            return
        try:
            await self._wire.send((ROLLBACK,))
        except Exception:  # noqa: BLE001 - whatever it is, this connection is used no more
            await self._connection.close()
            await self.give_back()

    async def give_back(self) -> None:
        """Give the connection back."""
        connection, self._connection, self._wire = self._connection, None, None
        if connection is not None:
            await self._pool.putconn(connection)


class AsyncPostgres:
    """An ``AsyncDatabase`` in PostgreSQL."""

    durable = True
    """As for ``Postgres``."""
    writers_meet = True
    """Transactions of several connections run at once, so whoever lost a race waits a moment before the next try."""

    def __init__(self, pool: AsyncPool) -> None:
        """Take a pool; the schema is judged with the first transaction."""
        self.pool = pool
        self.judged: bool = False
        self._hurry = Hurry()

    async def judge(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Refuse tables that are not exactly at the wanted schema, once.

        Raises: SchemaDiffers.
        """
        if not self.judged:
            check_encoding(connection)
            await check_async(connection)
            self.judged = True

    @asynccontextmanager
    async def _transaction(self, begin: Query) -> AsyncIterator[AsyncSession]:
        session = AsyncSession(self, begin)
        try:
            yield session
            await session.commit()
        except BaseException:
            await _shielded(session.roll_back())
            raise
        finally:
            await _shielded(session.give_back())

    @asynccontextmanager
    async def reading(self, shop: str) -> AsyncIterator[AsyncPostgresStore]:
        """Open one snapshot, which its first read takes."""
        async with self._transaction(READING) as session:
            yield AsyncPostgresStore(session, shop, writable=False)

    @asynccontextmanager
    async def writing(self, shop: str, *, serializable: bool = False) -> AsyncIterator[AsyncLastingStore]:
        """Open one transaction; any exception, and cancelling, rolls it back.

        Raises: as ``Postgres.writing``.
        """
        async with self._transaction(ALONE if serializable else WRITING) as session:
            yield AsyncLastingStore(session, shop, self._hurry)

    async def shops(self) -> tuple[str, ...]:
        """Name the shops that have rows here."""
        async with self._transaction(READING) as session:
            (result,) = await session.send((Query(SHOPS),))
        return tuple(sorted(row[0] for row in result.rows))

    async def close(self) -> None:
        """Close the connections kept here; a host's own pool is the host's to close."""
        if isinstance(self.pool, AsyncIdle):
            await self.pool.close()


async def _shielded(work: Awaitable[R]) -> R:
    """Do work to its end even if the task is cancelled meanwhile; the cancelling is raised afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()
        raise cancelled
    return await task


def open_async(where: str | AsyncPool) -> AsyncPostgres:
    """Open a database for an event loop, by its conninfo or over a host's own pool.

    Nothing is connected yet: the first transaction raises CannotOpen or SchemaDiffers. Migrate with ``migrate``.
    """
    return AsyncPostgres(AsyncIdle(where) if isinstance(where, str) else where)
