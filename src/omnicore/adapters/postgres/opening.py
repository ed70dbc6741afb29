"""How is a connection made, judged and brought to the wanted schema?

``open`` never changes a schema; ``migrate`` does, forward only and in one transaction.
"""

from typing import Any, Final

import psycopg

from omnicore.adapters.postgres.errors import CannotOpen, SchemaDiffers
from omnicore.adapters.postgres.journey import AsyncJourneys, Journeys
from omnicore.adapters.postgres.schema import FIRST_OF_ALL, WANTED, steps
from omnicore.adapters.postgres.wire import Query, Wire
from omnicore.kernel.errors import Conflict

_VERSION: Final = Query("SELECT version FROM omni_schema WHERE one = 1")
_VERSION_LOCKED: Final = Query(f"{_VERSION.sql} FOR UPDATE")
_PLACE: Final = Query("SELECT to_regclass('omni_schema')::text")
# Every statement of ours looks rows up by their whole key, so one plan is right for all values and all sizes. Without
# this, statements are planned anew each time, or keep a plan made while tables were empty, which reads them whole.
# CockroachDB plans in its own way and refuses to be told; it is known by a parameter that PostgreSQL lacks.
_SETTINGS: Final = (
    "SELECT set_config(n.name, n.value, {local})"
    " FROM (VALUES ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off')) AS n (name, value)"
    " WHERE current_setting('crdb_version', TRUE) IS NULL"
)
FOR_THE_SESSION: Final = _SETTINGS.format(local="false")
FOR_THE_TRANSACTION: Final = Query(_SETTINGS.format(local="true"))
"""Settings on a connection that belongs to a host: they end with our transaction."""
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
        connection = psycopg.connect(conninfo, autocommit=True, client_encoding="UTF8")
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
        connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True, client_encoding="UTF8")
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
    check_encoding(connection)
    connection.execute(FOR_THE_SESSION)


async def prepare_async(connection: psycopg.AsyncConnection[Any]) -> None:
    """Make the settings of a session.

    Raises: CannotOpen when the database does not keep UTF-8.
    """
    check_encoding(connection)
    await connection.execute(FOR_THE_SESSION)


def check_encoding(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """Refuse a database whose texts are not UTF-8, or a host's connection on which they travel as something else.

    Raises: CannotOpen.
    """
    for name, must in (
        ("server_encoding", "the database must be made with the encoding UTF8"),
        ("client_encoding", "the connection must be made with client_encoding=UTF8"),
    ):
        if (encoding := connection.info.parameter_status(name)) not in {"UTF8", "UNICODE"}:
            raise CannotOpen(must, encoding=encoding)


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
    wire = AsyncJourneys(connection)
    (place,) = await wire.send((_PLACE,))
    rows = [] if place.rows[0][0] is None else (await wire.send((_VERSION,)))[0].rows
    if (found := rows[0][0] if rows else 0) != WANTED:
        raise differs(found)


def schema_of(connection: psycopg.Connection[Any]) -> int:
    """Give the schema number of the tables in sight: 0 where there are none."""
    return schema_on(Journeys(connection))


def schema_on(wire: Wire) -> int:
    """Give the schema number of the tables in sight of a wire."""
    (place,) = wire.send((_PLACE,))
    if place.rows[0][0] is None:
        return 0
    (version,) = wire.send((_VERSION,))
    return int(version.rows[0][0]) if version.rows else 0


def upgrade(connection: psycopg.Connection[Any]) -> int:
    """Apply the migrations that tables lack, in one transaction; how many.

    Raises: SchemaDiffers when they are newer than we know, Conflict when others migrate all the time.
    """
    for _ in range(_MIGRATION_TRIES):
        try:
            with connection.transaction():
                if (found := schema_of(connection)) > WANTED:
                    raise differs(found)
                if 0 < found < WANTED:  # of two who migrate at once, the second finds it done
                    (version,) = Journeys(connection).send((_VERSION_LOCKED,))
                    found = int(version.rows[0][0])
                if found == WANTED:
                    return 0
                connection.execute(FIRST_OF_ALL)
                for statement in steps(found):
                    connection.execute(statement)
            return WANTED - found
        except _TWO_AT_ONCE:  # another process has migrated in the meantime: what it did is judged afresh
            continue
    raise Conflict("migration")
