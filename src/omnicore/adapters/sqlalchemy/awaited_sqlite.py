"""How does synchronous code speak over an aiosqlite connection, inside SQLAlchemy's ``run_sync``?"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.engine import AdaptedConnection

from omnicore.adapters.sqlite.statements import Row, Value

if TYPE_CHECKING:
    import aiosqlite  # who has such a connection has it; nobody else needs it

R = TypeVar("R")


class AwaitedSqlite:
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
        """What the driver makes of rows."""
        return self._driver.row_factory

    @row_factory.setter
    def row_factory(self, factory: Any) -> None:  # noqa: ANN401 - as the driver has it
        self._driver.row_factory = factory

    @property
    def text_factory(self) -> Any:  # noqa: ANN401 - as the driver has it
        """What the driver makes of texts."""
        return self._driver.text_factory

    @text_factory.setter
    def text_factory(self, factory: Any) -> None:  # noqa: ANN401 - as the driver has it
        self._driver.text_factory = factory

    @property
    def isolation_level(self) -> str | None:
        """None where the driver begins no transaction by itself."""
        return self._driver.isolation_level

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._driver.in_transaction

    def execute(self, sql: str, parameters: Sequence[Value] | Mapping[str, Value] = (), /) -> "Given":
        """Run a statement and fetch its rows."""
        return Given(self._wait(lambda driver: _rows(driver, sql, parameters)))

    def executemany(self, sql: str, parameters: Iterable[Sequence[Value]], /) -> "Given":
        """Run a statement for each of many parameters."""
        return Given([], self._wait(lambda driver: _changed(driver, sql, parameters)))


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


class Given:
    """What a statement gave, all of it fetched."""

    def __init__(self, rows: list[Row], rowcount: int = -1) -> None:
        self.rowcount = rowcount
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def fetchall(self) -> list[Row]:
        """Give the rows."""
        return self._rows
