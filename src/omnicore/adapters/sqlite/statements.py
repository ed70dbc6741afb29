"""How does a statement reach the database, and what does it mean when the database says no?

Everything below runs on any object with ``execute`` and ``executemany``, so that a host can lend its own connection and
its own transaction. A lock is a race and so is a unique key; a CHECK or a trigger that fires is a bug in omnicore.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from omnicore.kernel.errors import Conflict, Malformed
from omnicore.kernel.ledger import Account, Balance
from omnicore.kernel.time import Instant

Value = str | int | bytes | None
Row = tuple[Any, ...]
"""What a driver gives back is typed by the schema alone."""

_UNIQUE = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class Cursor(Protocol):
    """What a statement gives: rows, or how many rows it changed."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed, summed over all parameters."""
        ...

    def __iter__(self) -> Iterator[Row]:
        """Give the rows."""
        ...

    def fetchall(self) -> list[Row]:
        """Give the rows at once."""
        ...


class Connection(Protocol):
    """The little of a DBAPI connection that is used; ``sqlite3.Connection`` is one."""

    def execute(self, sql: str, parameters: Sequence[Value] | Mapping[str, Value] = ..., /) -> Cursor:
        """Run a statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Value]], /) -> Cursor:
        """Run a statement for each of many parameters."""
        ...


def is_locked(error: sqlite3.Error) -> bool:
    """Whether somebody else held the lock for longer than the busy timeout."""
    # The low byte is the primary code; the rest tells kinds of it apart.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _LOCKED


def refuse(error: sqlite3.Error) -> NoReturn:
    """Say what a failed statement means: a race, a bug, or trouble that is the host's (disk full): raised as it is."""
    if is_locked(error):
        raise Conflict("database") from error
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CONSTRAINT:
        raise AssertionError(f"the database refused what the kernel allowed: {error}") from error
    raise error


def listed(values: Iterable[object]) -> str:
    """Make one parameter of a list, to be read with ``json_each``."""
    return json.dumps(list(values))


class Statements:
    """One shop's statements on one connection, counted; ``BEGIN``, ``COMMIT`` and savepoints are not."""

    def __init__(self, connection: Connection, shop: str) -> None:
        """Speak to a connection about a shop; ``:shop`` is bound in every ``rows`` and ``stream``."""
        self.shop = shop
        self.count: int = 0
        self.known: dict[Account, tuple[Balance, Instant]] = {}
        """Balances this transaction has read, and as of when: nobody else writes, so they stand until it does."""
        self._connection = connection

    def stream(self, sql: str, **values: Value) -> Iterable[Row]:
        """Run a query whose rows are taken one at a time."""
        self.count += 1
        try:
            return self._connection.execute(sql, {"shop": self.shop, **values})
        except sqlite3.Error as error:
            refuse(error)
        except UnicodeEncodeError:
            raise Malformed("$", "must be text that UTF-8 can write") from None

    def rows(self, sql: str, **values: Value) -> list[Row]:
        """Run a query."""
        try:
            return list(self.stream(sql, **values))
        except sqlite3.Error as error:
            refuse(error)

    def many(self, sql: str, rows: Iterable[Sequence[Value]], *, about: str) -> int:
        """Run a change for each row and give the number of rows changed; without rows nothing is sent.

        Raises:
            Conflict: a unique key is taken; ``about`` is the text that names the row that met it, by column number.
        """
        waiting = list(rows)
        if not waiting:
            return 0
        self.count += 1
        sent: list[Sequence[Value]] = []

        def each() -> Iterator[Sequence[Value]]:
            for row in waiting:
                sent[:] = (row,)
                yield row

        try:
            return self._connection.executemany(sql, each()).rowcount
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "") in _UNIQUE:
                raise Conflict(about.format(*sent[0])) from error
            refuse(error)
        except UnicodeEncodeError:
            raise Malformed("$", "must be text that UTF-8 can write") from None

    def told(self, sql: str, **values: Value) -> list[Row]:
        """Run a statement of the host's own.

        Raises: Conflict when a unique key is taken or the database is locked; whatever else SQLite says, as it is.
        """
        self.count += 1
        try:
            return self._connection.execute(sql, {"shop": self.shop, **values}).fetchall()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "") in _UNIQUE or is_locked(error):
                raise Conflict("a row of the host's") from error
            raise

    def savepoint(self) -> None:
        """Remember this point of the transaction."""
        self._connection.execute("SAVEPOINT omni_write")

    def keep(self) -> None:
        """Forget the point remembered; what was written since stays in the transaction."""
        self._connection.execute("RELEASE omni_write")

    def undo(self) -> None:
        """Take back everything since the point remembered."""
        self._connection.execute("ROLLBACK TO omni_write")
        self._connection.execute("RELEASE omni_write")
