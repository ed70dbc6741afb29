"""Who may use which connection when?

Each transaction has a connection of its own, from a pool of the host's (anything with ``getconn`` and ``putconn``, as
``psycopg_pool.ConnectionPool``) or from a few kept idle here. Writing is READ COMMITTED with guarded, ordered locks, or
SERIALIZABLE where a flow asks for it; reading is one REPEATABLE READ snapshot. A process that has forked opens anew.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol

import psycopg

from omnicore.adapters.postgres.errors import is_lost, refuse
from omnicore.adapters.postgres.opening import check, connect, prepare, upgrade
from omnicore.adapters.postgres.schema import TABLES
from omnicore.adapters.postgres.store import PostgresStore
from omnicore.kernel.errors import Conflict, InDoubt, OmnicoreError

MAX_IDLE: Final = 16

READING: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITING: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
ALONE: Final = "BEGIN ISOLATION LEVEL SERIALIZABLE"

# One look-up for each shop, however many rows it has.
SHOPS: Final = " UNION ".join(
    f"""(
  WITH RECURSIVE seen (shop) AS (
    (SELECT shop FROM omni_{table} ORDER BY shop LIMIT 1)
    UNION ALL
    SELECT (SELECT t.shop FROM omni_{table} AS t WHERE t.shop > seen.shop ORDER BY t.shop LIMIT 1)
    FROM seen WHERE seen.shop IS NOT NULL
  ) SELECT shop FROM seen WHERE shop IS NOT NULL
)"""  # noqa: S608 - the names are our own
    for table in TABLES
)


class Pool(Protocol):
    """What is used of a host's own pool; ``psycopg_pool.ConnectionPool`` is one."""

    def getconn(self) -> psycopg.Connection[Any]:
        """Lend a connection."""
        ...

    def putconn(self, conn: psycopg.Connection[Any]) -> None:
        """Take a connection back; one that is closed is replaced."""
        ...


class Idle:
    """A pool of our own: connections made when none is idle, a few of them kept."""

    def __init__(self, conninfo: str) -> None:
        """Make none yet."""
        self._conninfo = conninfo
        self._process = os.getpid()
        self._idle: list[psycopg.Connection[Any]] = []
        self._carried_over: list[psycopg.Connection[Any]] = []
        self._guard = threading.Lock()
        self._closed = False

    def getconn(self) -> psycopg.Connection[Any]:
        """Lend a connection, the last one given back if any."""
        with self._guard:
            if self._closed:
                raise AssertionError("the database is closed")
            if self._process != os.getpid():
                # They belong to the parent process: closing one here would end the parent's session.
                self._carried_over += self._idle
                self._idle, self._process = [], os.getpid()
            if self._idle:
                return self._idle.pop()
        return connect(self._conninfo)

    def putconn(self, conn: psycopg.Connection[Any]) -> None:
        """Take a connection back."""
        with self._guard:
            if not (conn.closed or self._closed or len(self._idle) >= MAX_IDLE):
                self._idle.append(conn)
                return
        conn.close()

    def drop_idle(self) -> None:
        """Close what is idle: after a restart of the server none of it is any good."""
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close what is idle, and what is given back from now on."""
        with self._guard:
            self._closed = True
        self.drop_idle()


class Postgres:
    """A ``Database`` in PostgreSQL; any number of shops, threads, processes and machines."""

    durable = True
    """What was committed survives a power cut, as far as the server is set so."""

    def __init__(self, pool: Pool) -> None:
        """Take a pool of connections to a database that has been judged."""
        self._pool = pool
        self._prepared: set[int] = set()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[psycopg.Connection[Any]]:
        process = os.getpid()
        connection = self._begun(begin)
        try:
            yield connection
            if process != os.getpid():
                raise AssertionError("a transaction was carried over a fork")
            self._commit(connection)
        except BaseException:
            if process == os.getpid():
                self._roll_back(connection)
            raise
        finally:
            if process == os.getpid():
                self._pool.putconn(connection)

    def _begun(self, begin: str) -> psycopg.Connection[Any]:
        """Give a connection with a transaction begun; one that was lost while idle is replaced once."""
        for last in (False, True):
            try:
                connection = self._pool.getconn()
            except OmnicoreError as error:
                raise Conflict("connection") from error
            try:
                self._ready(connection)
                connection.execute(begin)
            except psycopg.Error as error:
                lost = is_lost(error)
                connection.close()
                self._pool.putconn(connection)
                if last or not lost:
                    refuse(error)
                if isinstance(self._pool, Idle):
                    self._pool.drop_idle()
            else:
                return connection
        raise AssertionError("one of two tries ends")

    def _ready(self, connection: psycopg.Connection[Any]) -> None:
        """Make a host's connection ours for a while: the settings once, and no transaction begun behind our back."""
        if not isinstance(self._pool, Idle):
            if not connection.autocommit:
                connection.autocommit = True
            if id(connection) not in self._prepared:
                prepare(connection)
                self._prepared.add(id(connection))

    @staticmethod
    def _commit(connection: psycopg.Connection[Any]) -> None:
        try:
            connection.execute("COMMIT")
        except psycopg.Error as error:
            if is_lost(error):
                raise InDoubt("commit") from error
            refuse(error)

    @staticmethod
    def _roll_back(connection: psycopg.Connection[Any]) -> None:
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")
            return
        connection.close()

    @contextmanager
    def reading(self, shop: str) -> Iterator[PostgresStore]:
        """Open one snapshot: nothing committed after it began is seen in it, and nobody waits for it."""
        with self._transaction(READING) as connection:
            yield PostgresStore(connection, shop, writable=False)

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[PostgresStore]:
        """Open one transaction; any exception rolls it back.

        Raises: Conflict for a deadlock, a failed serialisation or a lost connection; InDoubt when it was lost during
            COMMIT.
        """
        with self._transaction(ALONE if serializable else WRITING) as connection:
            yield PostgresStore(connection, shop, writable=True)

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        with self._transaction(READING) as connection:
            names = [row[0] for row in connection.cursor(row_factory=psycopg.rows.tuple_row).execute(SHOPS)]
        return iter(sorted(names))

    def close(self) -> None:
        """Close the connections kept here; a host's own pool is the host's to close."""
        if isinstance(self._pool, Idle):
            self._pool.close()


def open_database(where: str | Pool, *, migrate: bool = False) -> Postgres:
    """Open a database by its conninfo (``postgresql://...`` or ``host=... dbname=...``), or over a host's own pool.

    ``migrate`` creates the tables, or brings them to the wanted schema, first; else that is only checked.

    Raises: CannotOpen, SchemaDiffers.
    """
    pool: Pool = Idle(where) if isinstance(where, str) else where
    connection = pool.getconn()
    try:
        if migrate:
            upgrade(connection)
        check(connection)
    finally:
        pool.putconn(connection)
    return Postgres(pool)


def migrate(conninfo: str) -> int:
    """Create the tables, or bring older ones to the wanted schema; how many migrations were applied.

    Raises: CannotOpen, SchemaDiffers when they are newer than we know, Conflict.
    """
    connection = connect(conninfo)
    try:
        return upgrade(connection)
    finally:
        connection.close()
