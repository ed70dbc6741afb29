"""How is a SQLAlchemy session, synchronous or not, seen as a database whose transactions are the session's own?

The driver's own connection is taken out of the session and spoken to directly, inside the session's transaction: the
session commits and rolls back for both. From an ``AsyncSession`` the same code runs inside ``run_sync``, and waits for
the asynchronous driver there.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session

from omnicore.adapters import sqlite
from omnicore.adapters.sqlalchemy.awaited_sqlite import AwaitedSqlite
from omnicore.host import Host
from omnicore.host.within import CannotJoin, Joined
from omnicore.kernel.flow import Flow
from omnicore.kernel.process import Process
from omnicore.kernel.store import Store
from omnicore.kernel.time import Instant

R = TypeVar("R")


def joined(host: Session | Connection) -> Joined:
    """Give a ``Database`` inside the transaction of a session or connection, for ``Host.within``.

    It may be kept as long as the session: each flow works in the transaction that is then open, or begins one as any
    statement of the session would. What waits in an autoflushing session is flushed before a flow reads. Inside
    ``run_sync`` the synchronous side of an ``AsyncSession`` or ``AsyncConnection`` is taken like any other.
    """
    return _JoinedSession(host)


async def run_within(
    session: AsyncSession | AsyncConnection, host: Host, flow: Flow[R], *, command: str | None = None
) -> R:
    """Run a question or a command inside the transaction of an asynchronous session or connection.

    Raises: as ``Within.run``.
    """
    return await session.run_sync(lambda sync: host.within(joined(sync)).run(flow, command=command))


async def start_within(
    session: AsyncSession | AsyncConnection,
    host: Host,
    process: Process[R],
    *,
    command: str | None = None,
    due: Instant | None = None,
) -> str:
    """Start a process with the transaction of an asynchronous session or connection; gives the id of its run."""
    return await session.run_sync(lambda sync: host.within(joined(sync)).start(process, command=command, due=due))


class _JoinedSession:
    """A ``Database`` inside whatever transaction a session or connection has open at the time."""

    def __init__(self, host: Session | Connection) -> None:
        self._host = host
        self._last: tuple[object, Joined] | None = None

    def _connection(self) -> Connection:
        if isinstance(self._host, Session):
            return self._host.connection()
        if not self._host.in_transaction():
            self._host.begin()  # as any statement would: we go round what begins it, and the host must end it
        return self._host

    def _database(self) -> Joined:
        if isinstance(self._host, Session) and self._host.autoflush:
            self._host.flush()
        connection = self._connection()
        lent = connection.connection.dbapi_connection
        if self._last is None or self._last[0] is not lent:
            self._last = lent, _joined(connection, lent)
        return self._last[1]

    @property
    def sees_newer(self) -> bool:
        """Whether a fresh read sees what others have committed since."""
        return self._last is not None and self._last[1].sees_newer

    def reading(self, shop: str) -> AbstractContextManager[Store]:
        """Read what the session's transaction sees."""
        return self._database().reading(shop)

    def writing(self, shop: str, *, serializable: bool = False) -> AbstractContextManager[Store]:
        """Open a savepoint in the session's transaction."""
        return self._database().writing(shop, serializable=serializable)

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        return self._database().shops()

    def close(self) -> None:
        """Do nothing: the session is the host's."""


def _joined(connection: Connection, lent: Any) -> Joined:  # noqa: ANN401 - of whichever driver
    match connection.dialect.name, connection.dialect.driver:
        case "sqlite", "pysqlite":
            return sqlite.joined(lent)
        case "sqlite", "aiosqlite":
            return sqlite.joined(AwaitedSqlite(lent))
        case "postgresql", "psycopg":
            from omnicore.adapters.sqlalchemy.psycopg_connection import joined_psycopg  # noqa: PLC0415 - where it is

            return joined_psycopg(lent)
        case name, driver:
            raise CannotJoin(driver=f"{name}+{driver}")
