"""Who may use which connection when?

One connection writes, guarded by a lock, because SQLite has one writer anyway and a lock in the process is fairer than
its busy handler. Readers have connections of their own, so in WAL mode nobody waits for them. A process that has forked
opens anew: a connection carried over a fork corrupts the file, so it is neither used nor closed.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from omnicore.adapters.sqlite.files import IN_MEMORY, check, connect, keep_log, told, upgrade
from omnicore.adapters.sqlite.statements import refuse
from omnicore.adapters.sqlite.store import SqliteStore
from omnicore.kernel.errors import Conflict

MAX_IDLE_READERS = 8
READING = "BEGIN DEFERRED"

SHOPS = " UNION ".join(
    f"""SELECT shop FROM (
  WITH RECURSIVE seen (shop) AS (
    SELECT min(shop) FROM {table}
    UNION ALL SELECT (SELECT min(shop) FROM {table} WHERE shop > seen.shop) FROM seen WHERE seen.shop IS NOT NULL
  ) SELECT shop FROM seen WHERE shop IS NOT NULL
)"""  # noqa: S608 - the names are below
    for table in ("omni_balances", "omni_commands", "omni_documents", "omni_entries", "omni_journal")
)

_CARRIED_OVER: list[object] = []
"""Connections of a parent process; kept, because even closing one here would release the parent's locks."""


class _Connections:
    """The connections of one process: a writer and idle readers, made when first asked for."""

    def __init__(self, make: Callable[[], sqlite3.Connection]) -> None:
        self.process = os.getpid()
        self.writing = threading.Lock()
        self.writer: sqlite3.Connection | None = None
        self._make = make
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._closed = False

    def take_reader(self) -> sqlite3.Connection:
        with self._guard:
            if self._closed:
                raise AssertionError("the database is closed")
            if self._idle:
                return self._idle.pop()
        connection = self._make()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def give_reader(self, connection: sqlite3.Connection) -> None:
        with self._guard:
            if not self._closed and len(self._idle) < MAX_IDLE_READERS:
                self._idle.append(connection)
                return
        connection.close()

    def take_writer(self) -> sqlite3.Connection:
        if self._closed:
            raise AssertionError("the database is closed")
        if self.writer is None:
            self.writer = self._make()
        return self.writer

    def close(self) -> None:
        with self.writing, self._guard:
            self._closed = True
            for connection in (*self._idle, *([] if self.writer is None else [self.writer])):
                connection.close()
            self._idle.clear()
            self.writer = None


class Sqlite:
    """A ``Database`` in one SQLite file, or in memory; any number of shops, threads and processes."""

    def __init__(self, path: str, *, writer: sqlite3.Connection, synchronous: str, busy_timeout_ms: int) -> None:
        """Take the connection on which ``open`` has judged the file, and remember how to make more."""
        self._path = path
        self._patience_s = busy_timeout_ms / 1000
        self._make = partial(connect, path, create=False, synchronous=synchronous, busy_timeout_ms=busy_timeout_ms)
        self._connections = _Connections(self._make)
        self._connections.writer = writer
        self.durable: bool = path != IN_MEMORY

    def _own(self) -> _Connections:
        """Give this process's connections: new ones after a fork, but for a database in memory, which was copied."""
        if self._connections.process != os.getpid():
            _CARRIED_OVER.append(self._connections)
            carried, self._connections = self._connections, _Connections(self._make)
            if self._path == IN_MEMORY:
                self._connections.writer = carried.writer
        return self._connections

    @contextmanager
    def _writer(self) -> Iterator[sqlite3.Connection]:
        own = self._own()
        if not own.writing.acquire(timeout=self._patience_s):
            raise Conflict("database")
        try:
            yield own.take_writer()
        finally:
            own.writing.release()

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        if self._path == IN_MEMORY:  # it exists in its one connection only, so readers wait for the writer
            with self._writer() as connection:
                yield connection
            return
        own = self._own()
        connection = own.take_reader()
        try:
            yield connection
        finally:
            own.give_reader(connection)

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection, begin: str) -> Iterator[None]:
        process = os.getpid()
        try:
            connection.execute(begin)
            if begin is READING:  # the snapshot of a deferred transaction is taken by its first read
                connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        except sqlite3.Error as error:
            self._roll_back(connection)
            refuse(error)
        try:
            yield
            if process != os.getpid():
                raise AssertionError("a transaction was carried over a fork")
            try:
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                refuse(error)
        except BaseException:
            if process == os.getpid():
                self._roll_back(connection)
            raise

    @staticmethod
    def _roll_back(connection: sqlite3.Connection) -> None:
        # SQLite has rolled back by itself where a disk is full or the commit failed.
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    @contextmanager
    def reading(self, shop: str) -> Iterator[SqliteStore]:
        """Open one snapshot: nothing committed after it began is seen in it, and nobody waits for it."""
        with self._reader() as connection, self._transaction(connection, READING):
            yield SqliteStore(connection, shop, writable=False)

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[SqliteStore]:
        """Open one transaction, always the only writer; any exception rolls it back.

        Raises: Conflict when another writer keeps the database for longer than the busy timeout.
        """
        with self._writer() as connection, self._transaction(connection, "BEGIN IMMEDIATE"):
            yield SqliteStore(connection, shop, writable=True)

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        with self._reader() as connection, self._transaction(connection, READING):
            names = [name for (name,) in connection.execute(SHOPS)]
        return iter(sorted(names))

    def compact(self) -> None:
        """Rewrite the file and empty the log beside it, so that erased values leave no byte in either.

        ``secure_delete`` alone is not enough: when rows move between pages, SQLite leaves copies in the gaps. Time and
        disk are in proportion to the file, and writers wait: run it at night, after the day's erasures.

        Raises: Conflict when another writer is at work or a reader still needs the log.
        """
        with self._writer() as connection:
            try:
                connection.execute("PRAGMA temp_store = FILE")  # holds what is kept only, and may be larger than memory
                connection.execute("VACUUM")
                busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                refuse(error)
            finally:
                connection.execute("PRAGMA temp_store = MEMORY")
            if busy:
                raise Conflict("database")

    def close(self) -> None:
        """Close all connections of this process, after the transaction that is being written."""
        self._own().close()


def open_database(
    path: str | os.PathLike[str], *, migrate: bool = False, synchronous: str = "FULL", busy_timeout_ms: int = 5000
) -> Sqlite:
    """Open a database file, or ``:memory:``; ``migrate`` creates it or brings it to the wanted schema first.

    ``synchronous="FULL"`` means that what was committed survives a power cut; with ``NORMAL`` the last commits may be
    lost then, never consistency.

    Raises:
        CannotOpen: no such file, or no right to write it.
        NotADatabase, ForeignDatabase, SchemaDiffers: it is not ours to open as it is; nothing was changed.
        Conflict: it stayed locked for longer than the busy timeout.
    """
    place = os.fspath(path)
    wants_tables = migrate or place == IN_MEMORY
    connection = connect(place, create=wants_tables, synchronous=synchronous, busy_timeout_ms=busy_timeout_ms)
    try:
        if wants_tables:
            upgrade(connection, place)
        standing = check(connection, place)
        with told(place):
            keep_log(connection, place, standing)
    except BaseException:
        connection.close()
        raise
    return Sqlite(place, writer=connection, synchronous=synchronous, busy_timeout_ms=busy_timeout_ms)
