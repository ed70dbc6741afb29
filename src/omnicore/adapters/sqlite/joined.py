"""How does a flow work inside a transaction that the host has opened on its own SQLite connection?

``joined(connection)`` is a ``Database`` whose transactions are savepoints of the host's: what a flow writes commits
with the host's rows and is gone with them, and what a refused flow has begun is taken back alone. It never commits.
Whatever the host has set on its connection (row and text factories, no foreign keys, another journal mode) may stay.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from omnicore.adapters.sqlite.database import SHOPS
from omnicore.adapters.sqlite.files import check, check_version
from omnicore.adapters.sqlite.statements import Connection, refuse
from omnicore.adapters.sqlite.store import SqliteStore
from omnicore.host.within import NoTransaction

# SQLite means the innermost savepoint of a name, so one name will do for flows inside flows.
_SAVE = "SAVEPOINT omni_flow"
_KEEP = "RELEASE omni_flow"
_UNDO = ("ROLLBACK TO omni_flow", _KEEP)
_LEGACY = -1
"""``sqlite3.LEGACY_TRANSACTION_CONTROL``, which Python 3.11 has not yet."""


class Lent(Connection, Protocol):
    """A connection that the host lends; ``sqlite3.Connection`` is one."""

    row_factory: Any
    text_factory: Any

    @property
    def isolation_level(self) -> str | None:
        """None where the driver begins no transaction by itself before an INSERT."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        ...


class JoinedSqlite:
    """A ``Database`` inside the host's transaction on one SQLite connection; ``close`` leaves the connection open."""

    sees_newer: bool = False
    """A transaction of SQLite reads one snapshot and then is the only writer: a flow run again would read the same."""

    def __init__(self, connection: Lent) -> None:
        """Take a connection; nothing is read yet."""
        self._connection = connection
        self._judged = False

    @contextmanager
    def reading(self, shop: str) -> Iterator[SqliteStore]:
        """Read what the host's transaction sees, its own rows too; where none is open, one snapshot."""
        with self._lent() as connection:
            if connection.in_transaction:
                yield SqliteStore(connection, shop, writable=False)
                return
            self._do(_SAVE)  # the outermost savepoint is a transaction; it has nothing to commit
            try:
                yield SqliteStore(connection, shop, writable=False)
            finally:
                self._do(_KEEP)

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[SqliteStore]:
        """Open a savepoint; any exception takes back what was written since, and nothing else.

        Every transaction of SQLite stands as if it had run alone, so ``serializable`` asks for nothing more. Where no
        transaction is open, one begins as the driver would begin it; after an exception it is given up again.

        Raises:
            NoTransaction: none is open, and the driver is told to begin none.
            SchemaDiffers: our tables are not there, or older or newer than this version.
            Conflict: another writer keeps the database, or has written since the host's transaction first read.
        """
        with self._lent() as connection:
            ours = not connection.in_transaction
            if ours and not _begins(connection):
                raise NoTransaction
            self._do("BEGIN IMMEDIATE" if ours else _SAVE)
            try:
                yield SqliteStore(connection, shop, writable=True)
            except BaseException:
                # SQLite has rolled the host's whole transaction back by itself where a disk is full.
                if connection.in_transaction:
                    self._do(*(("ROLLBACK",) if ours else _UNDO))
                raise
            if not ours:
                self._do(_KEEP)

    @contextmanager
    def _lent(self) -> Iterator[Lent]:
        """Take the connection as we need it, and give it back as it was."""
        connection = self._connection
        row_factory, text_factory = connection.row_factory, connection.text_factory
        connection.row_factory, connection.text_factory = None, str
        try:
            if not self._judged:
                check_version()
                check(connection, "the host's database", beside=True)
                self._judged = True
            yield connection
        finally:
            connection.row_factory, connection.text_factory = row_factory, text_factory

    def _do(self, *statements: str) -> None:
        try:
            for statement in statements:
                self._connection.execute(statement)
        except sqlite3.Error as error:
            refuse(error)

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        with self._lent() as connection:
            names = [name for (name,) in connection.execute(SHOPS)]
        return iter(sorted(names))

    def close(self) -> None:
        """Do nothing: the connection is the host's."""


def _begins(connection: Lent) -> bool:
    legacy = getattr(connection, "autocommit", _LEGACY) == _LEGACY
    return legacy and connection.isolation_level is not None


def joined(connection: Lent) -> JoinedSqlite:
    """Give a ``Database`` inside the transaction that is open on the host's own connection, for ``Host.within``."""
    return JoinedSqlite(connection)
