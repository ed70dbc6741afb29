"""How do statements reach PostgreSQL: one at a time or many in one journey, waited for or awaited?

What a store does is written once, as generators (``Steps``) that yield the statements to send together and are given
their results. A *wire* sends them: over a psycopg connection in one pipeline, over an asynchronous one, or one by one
over whatever DBAPI connection a host's framework lends. So there is one source of SQL for all of them.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, NoReturn, Protocol, TypeVar

import psycopg
from attrs import frozen
from psycopg.rows import tuple_row

from omnicore.adapters.columns import Row
from omnicore.adapters.postgres.errors import refuse
from omnicore.kernel.errors import Malformed

R = TypeVar("R")
Value = str | int | bytes | bool | None


@frozen
class Query:
    """One statement and its values by name."""

    sql: str
    values: Mapping[str, Value] | None = None


@frozen
class Result:
    """What a statement gave: its rows, and how many rows it returned or changed."""

    rows: Sequence[Row]
    count: int


Steps = Generator[tuple[Query, ...], Sequence[Result], R]
"""Work that yields statements to send together, is sent their results, and returns what was asked."""

SAVEPOINT = Query("SAVEPOINT omni_write")
UNDO = (Query("ROLLBACK TO SAVEPOINT omni_write"), Query("RELEASE SAVEPOINT omni_write"))
_CONTROL = frozenset({SAVEPOINT.sql, *(query.sql for query in UNDO)})


class Wire(Protocol):
    """Sends statements, all of them before the first answer is waited for where it can."""

    def send(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Send statements in order and give their results.

        Raises: Conflict, Malformed.
        """
        ...


def counted(queries: Sequence[Query]) -> int:
    """Count statements as the rows of a benchmark do: savepoints are not among them."""
    return sum(query.sql not in _CONTROL for query in queries)


def unsendable(error: psycopg.DataError | UnicodeEncodeError) -> NoReturn:
    """Refuse a text that cannot be sent at all: half a character, or one of no width that ends texts elsewhere."""
    raise Malformed("$", "must be text that UTF-8 can write, without NUL") from error


class Pipeline:
    """A psycopg connection; several statements are one journey."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Speak over a connection, whatever rows its owner has it give."""
        self._connection = connection

    def send(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Send statements in order and give their results."""
        try:
            if len(queries) == 1:
                return (_result(self._one(queries[0])),)
            with self._connection.pipeline():
                cursors = [self._one(query) for query in queries]
            return [_result(cursor) for cursor in cursors]
        except (psycopg.DataError, UnicodeEncodeError) as error:
            if isinstance(error, UnicodeEncodeError) or error.sqlstate is None:
                unsendable(error)
            refuse(error)
        except psycopg.Error as error:
            refuse(error)

    def _one(self, query: Query) -> psycopg.Cursor[Row]:
        return self._connection.cursor(row_factory=tuple_row).execute(query.sql, query.values)


class AsyncPipeline:
    """An asynchronous psycopg connection; several statements are one journey."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Speak over a connection, whatever rows its owner has it give."""
        self._connection = connection

    async def send(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Send statements in order and give their results."""
        try:
            if len(queries) == 1:
                return (await _awaited(await self._one(queries[0])),)
            async with self._connection.pipeline():
                cursors = [await self._one(query) for query in queries]
            return [await _awaited(cursor) for cursor in cursors]
        except (psycopg.DataError, UnicodeEncodeError) as error:
            if isinstance(error, UnicodeEncodeError) or error.sqlstate is None:
                unsendable(error)
            refuse(error)
        except psycopg.Error as error:
            refuse(error)

    async def _one(self, query: Query) -> psycopg.AsyncCursor[Row]:
        return await self._connection.cursor(row_factory=tuple_row).execute(query.sql, query.values)


def _result(cursor: psycopg.Cursor[Row]) -> Result:
    return Result(cursor.fetchall() if cursor.description else (), cursor.rowcount)


async def _awaited(cursor: psycopg.AsyncCursor[Row]) -> Result:
    return Result(await cursor.fetchall() if cursor.description else (), cursor.rowcount)
