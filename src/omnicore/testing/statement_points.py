"""How is every statement that a process sends to its database made a point at which the process may be killed?

Called once in a process that is about to die: nothing is put back.
"""

import sqlite3
from collections.abc import Callable

Point = Callable[[], None]


_SAME_CHARS = 60


def sqlite_statements(point: Point) -> None:
    """Pass a point before every statement that any SQLite connection made from now on runs.

    A statement run for many rows is one: SQLite tells of each row, and only their values differ.
    """
    connect = sqlite3.connect
    last = ""

    def told(statement: str) -> None:
        nonlocal last
        if (begins := statement[:_SAME_CHARS]) != last:
            last = begins
            point()

    def connecting(*args: object, **settings: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **settings)  # type: ignore[call-overload] # passed on
        connection.set_trace_callback(told)
        return connection

    sqlite3.connect = connecting  # type: ignore[assignment] # in a process that is about to die


def psycopg_statements(point: Point) -> None:
    """Pass a point before anything is sent to PostgreSQL: what was sent before it has its answer."""
    from psycopg import Connection  # noqa: PLC0415 - optional: whoever measures another database has none

    wait = Connection.wait

    def waiting(self: object, *args: object, **settings: object) -> object:
        point()
        return wait(self, *args, **settings)  # type: ignore[arg-type] # passed on

    Connection.wait = waiting  # type: ignore[method-assign,assignment] # in a process that is about to die
