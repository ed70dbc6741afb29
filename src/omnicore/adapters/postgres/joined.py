"""How does a flow work inside a transaction that the host has opened on its own PostgreSQL connection?

``joined(connection)`` is a ``Database`` whose transactions are savepoints of the host's: what a flow writes commits
with the host's rows and is gone with them; what a refused or failed flow has begun is taken back alone, and the host's
transaction goes on. It never commits. The host's settings, rows, cursors and isolation stay as they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from weakref import WeakSet

import psycopg
from psycopg.pq import TransactionStatus

from omnicore.adapters.postgres.database import SHOPS
from omnicore.adapters.postgres.journey import Journeys
from omnicore.adapters.postgres.opening import check_encoding, differs, schema_on
from omnicore.adapters.postgres.schema import WANTED
from omnicore.adapters.postgres.store import PostgresStore
from omnicore.adapters.postgres.wire import READING, ROLLBACK, Query, Wire
from omnicore.host.within import IsolationTooWeak, NoTransaction
from omnicore.kernel.errors import OmnicoreError

# PostgreSQL means the innermost savepoint of a name, so one name will do for flows inside flows.
_SAVE: Final = Query("SAVEPOINT omni_flow")
_KEEP: Final = Query("RELEASE SAVEPOINT omni_flow")
_UNDO: Final = (Query("ROLLBACK TO SAVEPOINT omni_flow"), _KEEP)
_ISOLATION: Final = Query("SELECT current_setting('transaction_isolation')")

_ALONE: Final = "serializable"
_EACH_STATEMENT: Final = frozenset({"read committed", "read uncommitted"})

_JUDGED: Final[WeakSet[Any]] = WeakSet()
"""Connections on which our tables have been found at the wanted schema, as every other database does when opened."""


class JoinedPostgres:
    """A ``Database`` inside the host's transaction on one connection; ``close`` leaves the connection open."""

    def __init__(
        self,
        connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any],
        wire: Wire,
        begin: Callable[[], object],
    ) -> None:
        """Take a connection, the wire on which to speak over it, and what has its driver begin; nothing is sent yet."""
        self._connection = connection
        self._wire = wire
        self._begin = begin
        self._isolation = ""

    @property
    def sees_newer(self) -> bool:
        """Whether each statement sees what has committed before it, or the transaction keeps to one snapshot."""
        return self._isolation in _EACH_STATEMENT

    def _is_open(self) -> bool:
        return self._connection.info.transaction_status is not TransactionStatus.IDLE

    @contextmanager
    def reading(self, shop: str) -> Iterator[PostgresStore]:
        """Read what the host's transaction sees, its own rows too; where none is open, one snapshot."""
        if self._is_open() or not self._connection.autocommit:
            with self._savepoint():
                yield PostgresStore(self._wire, shop, writable=False)
            return
        self._wire.send((READING,))
        try:
            self._judge()
            yield PostgresStore(self._wire, shop, writable=False)
        finally:
            self._wire.send((ROLLBACK,))  # nothing was written, and nothing of the host's was open

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[PostgresStore]:
        """Open a savepoint; any exception takes back what was written since, and nothing else.

        Where no transaction is open, the driver begins one as it would before any statement of the host's.

        Raises:
            NoTransaction: none is open, and the driver is told to begin none.
            IsolationTooWeak: ``serializable`` is asked of a transaction that is less.
            SchemaDiffers: our tables are not there, or older or newer than this version.
            Conflict: a lock, a deadlock or a failed serialisation; a guard or version that has moved.
        """
        if self._connection.autocommit and not self._is_open():
            raise NoTransaction
        with self._savepoint():
            if serializable and self._isolation != _ALONE:
                raise IsolationTooWeak(found=self._isolation, needed=_ALONE)
            yield PostgresStore(self._wire, shop, writable=True)

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        if not self._is_open():
            self._begin()
        _, isolation = self._wire.send((_SAVE, _ISOLATION))
        try:
            ((self._isolation,),) = isolation.rows
            self._judge()
            yield
            self._wire.send((_KEEP,))
        except BaseException:
            # Where even that fails, the connection is lost or the transaction is: the host's commit will tell.
            with suppress(OmnicoreError, psycopg.Error):
                self._wire.send(_UNDO)
            raise

    def _judge(self) -> None:
        if self._connection in _JUDGED:
            return
        check_encoding(self._connection)
        if (found := schema_on(self._wire)) != WANTED:
            raise differs(found)
        _JUDGED.add(self._connection)

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        (found,) = self._wire.send((Query(SHOPS),))
        return iter(sorted(name for (name,) in found.rows))

    def close(self) -> None:
        """Do nothing: the connection is the host's."""


def joined(connection: psycopg.Connection[Any]) -> JoinedPostgres:
    """Give a ``Database`` inside the transaction that is open on the host's own connection, for ``Host.within``."""
    return JoinedPostgres(connection, Journeys(connection), lambda: connection.execute("SELECT 1"))
