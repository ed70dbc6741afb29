"""How is a connection made, judged and brought to the wanted schema?

``open`` never changes a schema; ``migrate`` does, forward only and in one transaction.
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from omnicore.adapters.postgres.errors import CannotOpen, SchemaDiffers
from omnicore.adapters.postgres.schema import FIRST_OF_ALL, WANTED, steps
from omnicore.kernel.errors import Conflict

VERSION: Final = "SELECT version FROM omni_schema WHERE one = 1"
SETTINGS: Final = (
    # Every statement of ours finds its rows by an index. Without this a plan made while tables were empty reads them
    # whole, and is kept for prepared statements long after they have grown.
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


def schema_of(connection: psycopg.Connection[Any]) -> int:
    """Give the schema number of the tables in sight: 0 where there are none."""
    (place,) = _row(connection, "SELECT to_regclass('omni_schema')::text")
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
