"""How does a flow become part of a transaction that a SQLAlchemy session or connection has open?

    with Session(engine) as session, session.begin():
        session.add(Parcel(...))
        shop.within(joined(session)).run(inventory.receive(...), command="po-1")

The driver's own connection is taken out of the session and spoken to directly, inside the session's transaction: the
session commits and rolls back for both. ``run_within`` and ``start_within`` do the same from an ``AsyncSession``.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.engine import AdaptedConnection, Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session

from omnicore.adapters import sqlite
from omnicore.adapters.sqlite.statements import Row, Value
from omnicore.host import Host
from omnicore.host.within import CannotJoin, Joined
from omnicore.kernel.flow import Flow
from omnicore.kernel.process import Process
from omnicore.kernel.store import Store
from omnicore.kernel.time import Instant

if TYPE_CHECKING:
    import aiosqlite  # its own hosts have it, others need it not

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
            return sqlite.joined(_Awaited(lent))
        case name, driver:
            raise CannotJoin(driver=f"{name}+{driver}")


class _Awaited:
    """An aiosqlite connection seen from inside ``run_sync``, where waiting for it lets other tasks go on."""

    def __init__(self, adapted: AdaptedConnection) -> None:
        self._adapted = adapted

    @property
    def _driver(self) -> "aiosqlite.Connection":
        driver: aiosqlite.Connection = self._adapted.driver_connection
        return driver

    def _wait(self, work: Callable[["aiosqlite.Connection"], Coroutine[Any, Any, R]]) -> R:
        result: R = self._adapted.run_async(work)
        return result

    @property
    def row_factory(self) -> Any:  # noqa: ANN401 - as the driver has it
        return self._driver.row_factory

    @row_factory.setter
    def row_factory(self, factory: Any) -> None:  # noqa: ANN401 - as the driver has it
        self._driver.row_factory = factory

    @property
    def text_factory(self) -> Any:  # noqa: ANN401 - as the driver has it
        return self._driver.text_factory

    @text_factory.setter
    def text_factory(self, factory: Any) -> None:  # noqa: ANN401 - as the driver has it
        self._driver.text_factory = factory

    @property
    def isolation_level(self) -> str | None:
        return self._driver.isolation_level

    @property
    def in_transaction(self) -> bool:
        return self._driver.in_transaction

    def execute(self, sql: str, parameters: Sequence[Value] | Mapping[str, Value] = (), /) -> "_Given":
        return _Given(self._wait(lambda driver: _rows(driver, sql, parameters)))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Value]], /) -> "_Given":
        return _Given([], self._wait(lambda driver: _changed(driver, sql, parameters)))


async def _rows(
    driver: "aiosqlite.Connection", sql: str, parameters: Sequence[Value] | Mapping[str, Value]
) -> list[Row]:
    rows: Iterable[Any] = await driver.execute_fetchall(sql, parameters)
    return list(rows)


async def _changed(driver: "aiosqlite.Connection", sql: str, parameters: Iterable[Sequence[Value]]) -> int:
    cursor = await driver.executemany(sql, parameters)
    changed = cursor.rowcount
    await cursor.close()
    return changed


class _Given:
    """What a statement gave, all of it fetched."""

    def __init__(self, rows: list[Row], rowcount: int = -1) -> None:
        self.rowcount = rowcount
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def fetchall(self) -> list[Row]:
        return self._rows
