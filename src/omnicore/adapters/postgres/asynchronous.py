"""How does an event loop use PostgreSQL without a thread?

As ``database``, over psycopg's asynchronous connections. A task that is cancelled rolls back; COMMIT, once sent, is
waited for whatever happens to the task, so nobody is left guessing.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import psycopg

from omnicore.adapters.postgres.database import ALONE, MAX_IDLE, READING, SHOPS, WRITING
from omnicore.adapters.postgres.errors import is_lost, refuse
from omnicore.adapters.postgres.opening import connect_async, differs, prepare_async
from omnicore.adapters.postgres.schema import WANTED
from omnicore.adapters.postgres.store import AsyncPostgresStore
from omnicore.kernel.errors import Conflict, InDoubt, OmnicoreError


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
        """Take a connection back."""
        if not conn.closed and len(self._idle) < MAX_IDLE:
            self._idle.append(conn)
        else:
            await conn.close()

    async def close(self) -> None:
        """Close what is idle."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()


class AsyncPostgres:
    """An ``AsyncDatabase`` in PostgreSQL."""

    durable = True
    """As for ``Postgres``."""

    def __init__(self, pool: AsyncPool) -> None:
        """Take a pool; the schema is judged with the first transaction."""
        self._pool = pool
        self._judged = False
        self._prepared: set[int] = set()

    @asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        connection = await self._begun(begin)
        try:
            yield connection
            await self._commit(connection)
        except BaseException:
            await _shielded(self._roll_back(connection))
            raise
        finally:
            await _shielded(self._pool.putconn(connection))

    async def _begun(self, begin: str) -> psycopg.AsyncConnection[Any]:
        for last in (False, True):
            try:
                connection = await self._pool.getconn()
            except OmnicoreError as error:
                if not self._judged:
                    raise
                raise Conflict("connection") from error
            try:
                await self._ready(connection)
                await connection.execute(begin)
            except psycopg.Error as error:
                lost = is_lost(error)
                await connection.close()
                await self._pool.putconn(connection)
                if last or not lost:
                    refuse(error)
                if isinstance(self._pool, AsyncIdle):
                    await self._pool.close()
            except BaseException:
                await _shielded(connection.close())
                await _shielded(self._pool.putconn(connection))
                raise
            else:
                return connection
        raise AssertionError("one of two tries ends")

    async def _ready(self, connection: psycopg.AsyncConnection[Any]) -> None:
        if not isinstance(self._pool, AsyncIdle):
            if not connection.autocommit:
                await connection.set_autocommit(True)
            if id(connection) not in self._prepared:
                await prepare_async(connection)
                self._prepared.add(id(connection))
        if not self._judged:
            await _check(connection)
            self._judged = True

    @staticmethod
    async def _commit(connection: psycopg.AsyncConnection[Any]) -> None:
        try:
            await _shielded(connection.execute("COMMIT"))
        except psycopg.Error as error:
            if is_lost(error):
                raise InDoubt("commit") from error
            refuse(error)

    @staticmethod
    async def _roll_back(connection: psycopg.AsyncConnection[Any]) -> None:
        if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            return
        with suppress(psycopg.Error):
            await connection.execute("ROLLBACK")
            return
        await connection.close()

    @asynccontextmanager
    async def reading(self, shop: str) -> AsyncIterator[AsyncPostgresStore]:
        """Open one snapshot."""
        async with self._transaction(READING) as connection:
            yield AsyncPostgresStore(connection, shop, writable=False)

    @asynccontextmanager
    async def writing(self, shop: str, *, serializable: bool = False) -> AsyncIterator[AsyncPostgresStore]:
        """Open one transaction; any exception, and cancelling, rolls it back.

        Raises: as ``Postgres.writing``.
        """
        async with self._transaction(ALONE if serializable else WRITING) as connection:
            yield AsyncPostgresStore(connection, shop, writable=True)

    async def shops(self) -> tuple[str, ...]:
        """Name the shops that have rows here."""
        async with self._transaction(READING) as connection:
            cursor = await connection.cursor(row_factory=psycopg.rows.tuple_row).execute(SHOPS)
            return tuple(sorted(row[0] for row in await cursor.fetchall()))

    async def close(self) -> None:
        """Close the connections kept here; a host's own pool is the host's to close."""
        if isinstance(self._pool, AsyncIdle):
            await self._pool.close()


async def _shielded(work: Awaitable[object]) -> None:
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
    await task


async def _check(connection: psycopg.AsyncConnection[Any]) -> None:
    cursor = connection.cursor(row_factory=psycopg.rows.tuple_row)
    place = await (await cursor.execute("SELECT to_regclass('omni_schema')::text")).fetchone()
    found = None
    if place is not None and place[0] is not None:
        found = await (await cursor.execute("SELECT version FROM omni_schema WHERE one = 1")).fetchone()
    if (version := 0 if found is None else int(found[0])) != WANTED:
        raise differs(version)


def open_async(where: str | AsyncPool) -> AsyncPostgres:
    """Open a database for an event loop, by its conninfo or over a host's own pool.

    Nothing is connected yet: the first transaction raises CannotOpen or SchemaDiffers. Migrate with ``migrate``.
    """
    return AsyncPostgres(AsyncIdle(where) if isinstance(where, str) else where)
