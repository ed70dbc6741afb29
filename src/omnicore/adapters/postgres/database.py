"""Who may use which connection when?

Each transaction has a connection of its own, from a pool of the host's (anything with ``getconn`` and ``putconn``, as
``psycopg_pool.ConnectionPool``) or from a few kept idle here. Writing is READ COMMITTED with guarded, ordered locks, or
SERIALIZABLE where a flow asks for it; reading is one REPEATABLE READ snapshot. A process that has forked opens anew.
"""

import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

import psycopg

from omnicore.adapters.postgres.errors import DISCARDED, LOST
from omnicore.adapters.postgres.journey import Journeys
from omnicore.adapters.postgres.opening import FOR_THE_TRANSACTION, check, check_encoding, connect, upgrade
from omnicore.adapters.postgres.quick_holds import Hurry
from omnicore.adapters.postgres.schema import TABLES
from omnicore.adapters.postgres.store import LastingStore, PostgresStore
from omnicore.adapters.postgres.wire import ALONE, COMMIT, READING, ROLLBACK, WRITING, Query, Result
from omnicore.kernel.errors import Conflict, InDoubt, OmnicoreError

MAX_IDLE: Final = 16
BEGUN_AFRESH: Final = frozenset({LOST, DISCARDED})
"""What a transaction of which nothing was sent yet survives, on another connection."""

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
        weakref.finalize(self, _end, self._idle, self._process)

    def getconn(self) -> psycopg.Connection[Any]:
        """Lend a connection, the last one given back if any."""
        with self._guard:
            if self._closed:
                raise AssertionError("the database is closed")
            if self._process != os.getpid():
                # They belong to the parent process: closing one here would end the parent's session.
                self._carried_over += self._idle
                self._idle, self._process = [], os.getpid()
                weakref.finalize(self, _end, self._idle, self._process)
            if self._idle:
                return self._idle.pop()
        return connect(self._conninfo)

    def putconn(self, conn: psycopg.Connection[Any]) -> None:
        """Take a connection back; one that was interrupted amid a transaction is of no use to the next."""
        with self._guard:
            if idle(conn) and not (self._closed or len(self._idle) >= MAX_IDLE):
                self._idle.append(conn)
                return
        conn.close()

    def drop_idle(self) -> None:
        """Close what is idle: after a restart of the server none of it is any good."""
        with self._guard:
            left = self._idle.copy()
            self._idle.clear()
        for connection in left:
            connection.close()

    def close(self) -> None:
        """Close what is idle, and what is given back from now on."""
        with self._guard:
            self._closed = True
        self.drop_idle()


def _end(idle: list[psycopg.Connection[Any]], process: int) -> None:
    """Close what a pool that nobody closed has left, unless it belongs to another process."""
    if process == os.getpid():
        for connection in idle:
            connection.close()


class Session:
    """The wire of one transaction: BEGIN travels with its first statement, on a connection lent for as long."""

    def __init__(self, pool: Pool, begin: Query) -> None:
        """Borrow nothing yet."""
        self._pool = pool
        self._begin = (begin,) if isinstance(pool, Idle) else (begin, FOR_THE_TRANSACTION)
        self._process = os.getpid()
        self._connection: psycopg.Connection[Any] | None = None
        self._wire: Journeys | None = None

    def send(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Send statements in order and give their results."""
        if self._process != os.getpid():
            raise AssertionError("a transaction was carried over a fork")
        ends = queries[-1] is COMMIT
        if self._wire is None or idle(self._connection):
            if not ends:
                return self._first((*self._begin, *queries))[len(self._begin) :]
            self._first(self._begin)  # what may have committed cannot be begun afresh
        assert self._wire is not None
        try:
            return self._wire.send(queries)
        except Conflict as conflict:
            if ends and conflict.about == LOST:
                raise InDoubt("commit") from conflict
            raise

    def _first(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Begin; nothing has happened yet, so a connection that was lost while idle is replaced once."""
        self._borrow()
        assert self._wire is not None
        try:
            return self._wire.send(queries)
        except Conflict as conflict:
            if conflict.about not in BEGUN_AFRESH:
                raise
        self.roll_back()
        if isinstance(self._pool, Idle) and self._connection is None:
            self._pool.drop_idle()
        self._borrow()
        return self._wire.send(queries)

    def _borrow(self) -> None:
        if self._connection is None:
            try:
                self._connection = self._pool.getconn()
            except (OmnicoreError, psycopg.OperationalError) as error:
                raise Conflict(LOST) from error
            self._wire = Journeys(self._connection, prepares=True)

    def commit(self) -> None:
        """Commit what was sent, if anything was.

        Raises: Conflict, InDoubt when the connection was lost meanwhile.
        """
        if self._wire is None or idle(self._connection):
            return
        if self._process != os.getpid():
            raise AssertionError("a transaction was carried over a fork")
        assert self._connection is not None
        if self._connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
            raise Conflict("transaction")  # COMMIT would roll back, and say so in passing only
        self.send((COMMIT,))

    def roll_back(self) -> None:
        """Undo what was sent; a connection that cannot is thrown away."""
        if self._connection is None or self._wire is None or self._process != os.getpid():
            return
        if idle(self._connection):
            return
        try:
            self._wire.send((ROLLBACK,))
        except Exception:  # noqa: BLE001 - whatever it is, this connection is used no more
            self._connection.close()
            self.give_back()

    def give_back(self) -> None:
        """Give the connection back, but for one of the process we were forked from."""
        connection, self._connection, self._wire = self._connection, None, None
        if connection is not None and self._process == os.getpid():
            self._pool.putconn(connection)


def idle(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any] | None) -> bool:
    """Whether no transaction has begun: what cannot be sent at all, begins none."""
    return connection is None or connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


class Postgres:
    """A ``Database`` in PostgreSQL; any number of shops, threads, processes and machines."""

    durable = True
    """What was committed survives a power cut, as far as the server is set so."""
    writers_meet = True
    """Transactions of several connections run at once, so whoever lost a race waits a moment before the next try."""

    def __init__(self, pool: Pool) -> None:
        """Take a pool of connections to a database that has been judged."""
        self._pool = pool
        self._hurry = Hurry()

    @contextmanager
    def _transaction(self, begin: Query) -> Iterator[Session]:
        session = Session(self._pool, begin)
        try:
            yield session
            session.commit()
        except BaseException:
            session.roll_back()
            raise
        finally:
            session.give_back()

    @contextmanager
    def reading(self, shop: str) -> Iterator[PostgresStore]:
        """Open one snapshot, which its first read takes: nothing committed later is seen, and nobody waits for it."""
        with self._transaction(READING) as session:
            yield PostgresStore(session, shop, writable=False)

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[LastingStore]:
        """Open one transaction; any exception rolls it back.

        Raises: Conflict for a deadlock, a failed serialisation or a lost connection; InDoubt when it was lost during
            COMMIT.
        """
        with self._transaction(ALONE if serializable else WRITING) as session:
            yield LastingStore(session, shop, self._hurry)

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        with self._transaction(READING) as session:
            (result,) = session.send((Query(SHOPS),))
        return iter(sorted(row[0] for row in result.rows))

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
        check_encoding(connection)
        if migrate:
            upgrade(connection)
        check(connection)
        if not connection.autocommit:
            connection.commit()
    except BaseException:
        pool.putconn(connection)
        if isinstance(pool, Idle):
            pool.close()
        raise
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
