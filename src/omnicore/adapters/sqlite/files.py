"""How is a database file opened, judged and brought to the wanted schema?

``open`` never changes a schema; ``migrate`` does, forward only and in one transaction. Our tables may stand in a file
of ours, or beside another application's in its own: then everything that concerns the whole file is left to it.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import frozen

from omnicore.adapters.sqlite.errors import CannotOpen, ForeignDatabase, NotADatabase, SchemaDiffers
from omnicore.adapters.sqlite.schema import APPLICATION_ID, WANTED, migration_steps
from omnicore.adapters.sqlite.statements import Connection, is_locked
from omnicore.kernel.errors import Conflict, Malformed

IN_MEMORY: Final = ":memory:"
_OLDEST_SQLITE: Final = (3, 40, 1)
_SYNCHRONOUS: Final = ("NORMAL", "FULL", "EXTRA")
_CACHE_KIB: Final = 16 * 1024
_SCHEMA: Final = "omni_schema"


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


def check_version() -> None:
    """Refuse a Python whose SQLite lacks what our statements use.

    Raises: CannotOpen.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise CannotOpen(f"SQLite 3.40.1 or newer is needed, not {sqlite3.sqlite_version}")


def connect(path: str, *, create: bool, synchronous: str, busy_timeout_ms: int) -> sqlite3.Connection:
    """Open a connection, usable from any thread, with every setting the schema counts on.

    Raises: CannotOpen, NotADatabase, Conflict when locked beyond the timeout, Malformed for a setting.
    """
    if synchronous not in _SYNCHRONOUS:
        raise Malformed("$.synchronous", f"must be one of {', '.join(_SYNCHRONOUS)}")
    if type(busy_timeout_ms) is not int or busy_timeout_ms < 0:
        raise Malformed("$.busy_timeout_ms", "must be a whole number from 0")
    check_version()
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


@frozen(kw_only=True)
class Standing:
    """How a database stands: the schema number of our tables, 0 where there are none, and whether the file is ours."""

    number: int
    ours: bool


def judge(connection: Connection, path: str, *, beside: bool = False) -> Standing:
    """Say how a database stands; with ``beside``, one that has only another application's tables is at schema 0.

    Raises: NotADatabase, ForeignDatabase, SchemaDiffers when it is newer than we know, Conflict when locked.
    """
    name = Path(path).name
    with told(path):
        ((mark,),) = connection.execute("PRAGMA application_id").fetchall()
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        tables = {table for (table,) in connection.execute("SELECT name FROM sqlite_schema").fetchall()}
        numbers = connection.execute("SELECT number FROM omni_schema").fetchall() if _SCHEMA in tables else []
    number = max((found for (found,) in numbers), default=0)
    if mark == APPLICATION_ID:
        standing = Standing(number=max(number, version), ours=True)  # schema 1 stood in the file's own mark only
    elif number or beside:
        standing = Standing(number=number, ours=False)
    elif mark or version or tables:
        raise ForeignDatabase(f"{name} is the database of another application", file=name)
    else:
        standing = Standing(number=0, ours=True)
    if standing.number > WANTED:
        raise SchemaDiffers(
            f"{name} has schema {standing.number}, this omnicore knows up to {WANTED}: install a newer omnicore",
            file=name,
            found=standing.number,
            wanted=WANTED,
        )
    return standing


def check(connection: Connection, path: str, *, beside: bool = False) -> Standing:
    """Refuse a database that is not exactly at the wanted schema.

    Raises: NotADatabase, ForeignDatabase, SchemaDiffers, Conflict.
    """
    standing = judge(connection, path, beside=beside)
    if standing.number < WANTED:
        name = Path(path).name
        command = "omnicore migrate" if standing.ours else "omnicore migrate --beside"
        raise SchemaDiffers(
            f"{name} has schema {standing.number}, this omnicore needs {WANTED}: run `{command}`",
            file=name,
            found=standing.number,
            wanted=WANTED,
        )
    return standing


def keep_log(connection: Connection, path: str, standing: Standing) -> None:
    """Set WAL, in which readers never wait, for a file of ours; how another application's file is kept is its own."""
    if standing.ours and path != IN_MEMORY:
        connection.execute("PRAGMA journal_mode = WAL")


def upgrade(connection: sqlite3.Connection, path: str, *, beside: bool = False) -> int:
    """Apply the migrations a database lacks, in one transaction; how many.

    Raises: NotADatabase, ForeignDatabase, SchemaDiffers when it is newer than we know, Conflict.
    """
    standing = judge(connection, path, beside=beside)
    with told(path):
        keep_log(connection, path, standing)
        connection.execute("BEGIN IMMEDIATE")
        try:
            standing = judge(connection, path, beside=beside)
            if standing.number < WANTED:
                for statement in migration_steps(found=standing.number, beside=not standing.ours):
                    connection.execute(statement)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    return WANTED - standing.number


def migrate(path: str | os.PathLike[str], *, beside: bool = False, busy_timeout_ms: int = 5000) -> int:
    """Create a database, or bring an older one to the wanted schema; how many migrations were applied.

    ``beside`` puts our tables into another application's database, beside its own; its marks and its journal mode stay.

    Raises: CannotOpen, NotADatabase, ForeignDatabase, SchemaDiffers when it is newer than we know, Conflict.
    """
    place = os.fspath(path)
    connection = connect(place, create=True, synchronous="FULL", busy_timeout_ms=busy_timeout_ms)
    try:
        return upgrade(connection, place, beside=beside)
    finally:
        connection.close()
