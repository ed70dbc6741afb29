"""What travels between a store and PostgreSQL, and over what?

What a store does is written once, as generators (``Steps``) that yield the statements to send together and are given
their results. A *wire* sends them: over psycopg's connections, waited for or awaited, in one journey (``journey``), or
one by one over whatever a host's framework lends. So there is one source of SQL for all of them.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from functools import cache
from typing import Protocol, TypeVar

from attrs import frozen

from omnicore.adapters.columns import Row
from omnicore.kernel.errors import Conflict, Malformed

R = TypeVar("R")
Value = str | bytes | bool | None


@frozen
class Query:
    """One statement and its values by name.

    ``expects``: how many rows it must change; it changes fewer where somebody was faster. ``about`` names what then.
    ``once``: its text may never come again, so it is not prepared.
    """

    sql: str
    values: Mapping[str, Value] | None = None
    expects: int | None = None
    about: str = ""
    once: bool = False


_NAMED = re.compile(r"(?<![:\w]):([a-z_]\w*)")


def hosts_own(statement: str, values: Mapping[str, str | int | bytes | None]) -> Query:
    """Make a query of a statement of the host's own, which names its values as ``:value``."""
    told: dict[str, Value] = {name: str(value) if isinstance(value, int) else value for name, value in values.items()}
    return Query(_NAMED.sub(r"%(\1)s", statement.replace("%", "%%")), told, once=True)


@frozen
class Result:
    """What a statement gave: its rows, and how many rows it returned or changed."""

    rows: Sequence[Row]
    count: int


Steps = Generator[tuple[Query, ...], Sequence[Result], R]
"""Work that yields statements to send together, is sent their results, and returns what was asked."""

READING = Query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
WRITING = Query("BEGIN ISOLATION LEVEL READ COMMITTED")
ALONE = Query("BEGIN ISOLATION LEVEL SERIALIZABLE")
COMMIT = Query("COMMIT")
ROLLBACK = Query("ROLLBACK")
SAVEPOINT = Query("SAVEPOINT omni_write")
UNDO = (Query("ROLLBACK TO SAVEPOINT omni_write"), Query("RELEASE SAVEPOINT omni_write"))
_CONTROL = frozenset({SAVEPOINT.sql, COMMIT.sql, *(query.sql for query in UNDO)})


class Wire(Protocol):
    """Sends statements, all of them before the first answer is waited for where it can."""

    def send(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Send statements in order and give their results.

        Raises: Conflict, Malformed.
        """
        ...


class AsyncWire(Protocol):
    """``Wire``, awaited."""

    async def send(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Send statements in order and give their results.

        Raises: Conflict, Malformed.
        """
        ...


def judge(queries: Sequence[Query], results: Sequence[Result]) -> None:
    """Judge what statements did by how many rows they changed.

    Raises: Conflict where a guard did not hold.
    """
    for query, result in zip(queries, results, strict=True):
        if query.expects is not None and result.count != query.expects:
            raise Conflict(query.about)


@cache
def _asserting(sql: str) -> str:
    return f"WITH done AS ({sql} RETURNING 1) SELECT 1 / (count(*) = %(expects)s::bigint)::integer FROM done"  # noqa: S608 - our own statements


def asserted(query: Query) -> Query:
    """Give a statement that fails by itself where it changes fewer rows than expected, so that COMMIT may follow it.

    It divides by zero then; every dialect can.
    """
    if query.expects is None:
        return query
    return Query(_asserting(query.sql), {**(query.values or {}), "expects": str(query.expects)}, about=query.about)


def counted(queries: Sequence[Query]) -> int:
    """Count statements as the rows of a benchmark do: savepoints are not among them."""
    return sum(query.sql not in _CONTROL for query in queries)


class Unsendable(Malformed):
    """A text that cannot be sent, half a character or the one that ends texts elsewhere; so nothing was."""

    def __init__(self) -> None:
        """Say what it must be."""
        super().__init__("$", "must be text that UTF-8 can write, without NUL")
