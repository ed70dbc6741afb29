"""How is a connection made, judged and brought to the wanted schema?

``open`` never changes a schema; ``migrate`` does, forward only and in one transaction.
"""

from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakSet

import psycopg

from omnicore.adapters.postgres.errors import CannotOpen, SchemaDiffers
from omnicore.adapters.postgres.schema import FIRST_OF_ALL, WANTED, steps
from omnicore.kernel.errors import Conflict

VERSION: Final = "SELECT version FROM omni_schema WHERE one = 1"
_PLACE: Final = "SELECT to_regclass('omni_schema')::text"
SETTINGS: Final = (
    # Every statement of ours finds its rows by an index, so one plan is right for all values and all sizes. Without
    # this, statements are planned anew each time, or keep a plan made while tables were empty, which reads them whole.
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
)
_MIGRATION_TRIES: Final = 5
_TWO_AT_ONCE: Final = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.DuplicateTable,
    psycopg.errors.SerializationFailure,
)


def differs(found: int) -> SchemaDiffers:
    """Say that tables are not at the wanted schema, and what to do."""
    known = f"this omnicore knows up to {WANTED}: install a newer omnicore"
    lacks = f"this omnicore needs {WANTED}: run `omnicore migrate`"
    advice = known if found > WANTED else lacks
    return SchemaDiffers(f"the database has schema {found}, {advice}", found=found, wanted=WANTED)


def told(error: psycopg.Error) -> CannotOpen:
    """Turn what PostgreSQL says about a connection into a refusal that holds no address and no password."""
    return CannotOpen("the database cannot be reached, or may not be used", sqlstate=error.sqlstate)


def connect(conninfo: str) -> psycopg.Connection[Any]:
    """Open a connection with every setting the statements count on.

    Raises: CannotOpen.
    """
    try:
        connection = psycopg.connect(conninfo, autocommit=True)
    except psycopg.Error as error:
        raise told(error) from error
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


async def connect_async(conninfo: str) -> psycopg.AsyncConnection[Any]:
    """Open an asynchronous connection with every setting the statements count on.

    Raises: CannotOpen.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
    except psycopg.Error as error:
        raise told(error) from error
    try:
        await prepare_async(connection)
    except BaseException:
        await connection.close()
        raise
    return connection


_READY: Final[WeakSet[Any]] = WeakSet()
"""Connections of a host's pool that have our settings."""


def ready(connection: psycopg.Connection[Any], *, own: bool) -> None:
    """Make a connection ours for a while: the settings once, and no transaction begun behind our back."""
    if own:
        return
    if not connection.autocommit:
        connection.autocommit = True
    if connection not in _READY:
        prepare(connection)
        _READY.add(connection)


async def ready_async(connection: psycopg.AsyncConnection[Any], *, own: bool) -> None:
    """Make an asynchronous connection ours for a while."""
    if own:
        return
    if not connection.autocommit:
        await connection.set_autocommit(True)
    if connection not in _READY:
        await prepare_async(connection)
        _READY.add(connection)


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Make the settings of a session.

    Raises: CannotOpen when the database does not keep UTF-8.
    """
    _check_encoding(connection.info.parameter_status("server_encoding"))
    for setting in SETTINGS:
        connection.execute(setting)


async def prepare_async(connection: psycopg.AsyncConnection[Any]) -> None:
    """Make the settings of a session.

    Raises: CannotOpen when the database does not keep UTF-8.
    """
    _check_encoding(connection.info.parameter_status("server_encoding"))
    for setting in SETTINGS:
        await connection.execute(setting)


def _check_encoding(encoding: str | None) -> None:
    if encoding not in {"UTF8", "UNICODE"}:
        raise CannotOpen("the database must be made with the encoding UTF8", encoding=encoding)


def check(connection: psycopg.Connection[Any]) -> None:
    """Refuse tables that are not exactly at the wanted schema.

    Raises: SchemaDiffers.
    """
    if (found := schema_of(connection)) != WANTED:
        raise differs(found)


async def check_async(connection: psycopg.AsyncConnection[Any]) -> None:
    """Refuse tables that are not exactly at the wanted schema.

    Raises: SchemaDiffers.
    """
    cursor = connection.cursor(row_factory=psycopg.rows.tuple_row)
    place = await (await cursor.execute(_PLACE)).fetchone()
    row = None if place is None or place[0] is None else await (await cursor.execute(VERSION)).fetchone()
    if (found := 0 if row is None else int(row[0])) != WANTED:
        raise differs(found)


def schema_of(connection: psycopg.Connection[Any]) -> int:
    """Give the schema number of the tables in sight: 0 where there are none."""
    (place,) = _row(connection, _PLACE)
    if place is None:
        return 0
    return int((_row(connection, VERSION) or (0,))[0])


def _row(connection: psycopg.Connection[Any], sql: str) -> Sequence[Any]:
    with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        return cursor.execute(sql).fetchone() or ()


def upgrade(connection: psycopg.Connection[Any]) -> int:
    """Apply the migrations that tables lack, in one transaction; how many.

    Raises: SchemaDiffers when they are newer than we know, Conflict when others migrate all the time.
    """
    for _ in range(_MIGRATION_TRIES):
        try:
            with connection.transaction():
                if (found := schema_of(connection)) > WANTED:
                    raise differs(found)
                if found == WANTED:
                    return 0
                connection.execute(FIRST_OF_ALL)
                for statement in steps(found):
                    connection.execute(statement)
            return WANTED - found
        except _TWO_AT_ONCE:  # another process has migrated in the meantime: what it did is judged afresh
            continue
    raise Conflict("migration")
