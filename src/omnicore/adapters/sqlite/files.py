"""How is a database file opened, judged and brought to the wanted schema?

``open`` never changes a schema; ``migrate`` does, forward only and in one transaction.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from omnicore.adapters.sqlite.errors import CannotOpen, ForeignDatabase, NotADatabase, SchemaDiffers
from omnicore.adapters.sqlite.schema import APPLICATION_ID, WANTED, steps
from omnicore.adapters.sqlite.statements import is_locked
from omnicore.kernel.errors import Conflict, Malformed

IN_MEMORY: Final = ":memory:"
_OLDEST_SQLITE: Final = (3, 40, 1)
_SYNCHRONOUS: Final = ("NORMAL", "FULL", "EXTRA")
_CACHE_KIB: Final = 16 * 1024


@contextmanager
def told(path: str) -> Iterator[None]:
    """Turn what SQLite says about a file into one clear refusal."""
    name = Path(path).name
    try:
        yield
    except sqlite3.Error as error:
        if is_locked(error):
            raise Conflict("database") from error
        match getattr(error, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
                raise NotADatabase(f"{name} is no SQLite database, or is damaged", file=name) from error
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
                raise CannotOpen(f"{name} is not there, or may not be read and written", file=name) from error
            case _:
                raise


def connect(path: str, *, create: bool, synchronous: str, busy_timeout_ms: int) -> sqlite3.Connection:
    """Open a connection, usable from any thread, with every setting the schema counts on.

    Raises: CannotOpen, NotADatabase, Conflict when locked beyond the timeout, Malformed for a setting.
    """
    if synchronous not in _SYNCHRONOUS:
        raise Malformed("$.synchronous", f"must be one of {', '.join(_SYNCHRONOUS)}")
    if type(busy_timeout_ms) is not int or busy_timeout_ms < 0:
        raise Malformed("$.busy_timeout_ms", "must be a whole number from 0")
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise CannotOpen(f"SQLite 3.40.1 or newer is needed, not {sqlite3.sqlite_version}")
    mode = "rwc" if create else "rw"
    place = path if path == IN_MEMORY else f"{Path(path).absolute().as_uri()}?mode={mode}"
    with told(path):
        connection = sqlite3.connect(
            place,
            timeout=busy_timeout_ms / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            uri=path != IN_MEMORY,
        )
        try:
            for pragma in (
                f"synchronous = {synchronous}",
                "foreign_keys = ON",
                "secure_delete = ON",
                "trusted_schema = OFF",
                "temp_store = MEMORY",
                f"cache_size = -{_CACHE_KIB}",
            ):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
    return connection


def judge(connection: sqlite3.Connection, path: str) -> int:
    """Give the schema number of a database: 0 where it is empty.

    Raises: NotADatabase, ForeignDatabase, SchemaDiffers when it is newer than we know, Conflict when locked.
    """
    name = Path(path).name
    with told(path):
        (mark,) = connection.execute("PRAGMA application_id").fetchone()
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if mark != APPLICATION_ID and (mark or found or tables):
        raise ForeignDatabase(f"{name} is the database of another application", file=name)
    if found > WANTED:
        raise SchemaDiffers(
            f"{name} has schema {found}, this omnicore knows up to {WANTED}: install a newer omnicore",
            file=name,
            found=found,
            wanted=WANTED,
        )
    return int(found)


def check(connection: sqlite3.Connection, path: str) -> None:
    """Refuse a database that is not exactly at the wanted schema.

    Raises: NotADatabase, ForeignDatabase, SchemaDiffers, Conflict.
    """
    if (found := judge(connection, path)) < WANTED:
        name = Path(path).name
        raise SchemaDiffers(
            f"{name} has schema {found}, this omnicore needs {WANTED}: run `omnicore migrate`",
            file=name,
            found=found,
            wanted=WANTED,
        )


def upgrade(connection: sqlite3.Connection, path: str) -> int:
    """Apply the migrations a database lacks, in one transaction; how many.

    Raises: NotADatabase, ForeignDatabase, SchemaDiffers when it is newer than we know, Conflict.
    """
    judge(connection, path)
    with told(path):
        if path != IN_MEMORY:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = judge(connection, path)
            for statement in steps(found) if found < WANTED else ():
                connection.execute(statement)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    return WANTED - found


def migrate(path: str | os.PathLike[str], *, busy_timeout_ms: int = 5000) -> int:
    """Create a database, or bring an older one to the wanted schema; how many migrations were applied.

    Raises: CannotOpen, NotADatabase, ForeignDatabase, SchemaDiffers when it is newer than we know, Conflict.
    """
    place = os.fspath(path)
    connection = connect(place, create=True, synchronous="FULL", busy_timeout_ms=busy_timeout_ms)
    try:
        return upgrade(connection, place)
    finally:
        connection.close()
