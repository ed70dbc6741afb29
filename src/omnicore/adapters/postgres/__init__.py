"""omnicore on PostgreSQL: any number of processes and machines, by psycopg 3 (``pip install omnicore[postgres]``).

    database = postgres.open("postgresql://localhost/shop", migrate=True)
    database = postgres.open_async(pool)  # for an event loop

``open`` never changes a schema unless asked to; ``migrate`` brings it forward, ``migration_sql`` prints how, and
``grants_sql`` prints the rights that normal running needs. ``joined(connection)`` is a database inside a transaction
that the host has opened on a connection of its own, for ``Host.within``; ``PostgresStore`` is the store in it.
"""

from omnicore.adapters.postgres.asynchronous import AsyncPool, AsyncPostgres, open_async
from omnicore.adapters.postgres.database import Pool, Postgres, migrate
from omnicore.adapters.postgres.database import open_database as open  # noqa: A004 - reads `postgres.open(conninfo)`
from omnicore.adapters.postgres.errors import CannotOpen, SchemaDiffers
from omnicore.adapters.postgres.joined import JoinedPostgres, joined
from omnicore.adapters.postgres.schema import grants_sql, migration_sql
from omnicore.adapters.postgres.store import AsyncPostgresStore, PostgresStore

__all__ = [
    "AsyncPool",
    "AsyncPostgres",
    "AsyncPostgresStore",
    "CannotOpen",
    "JoinedPostgres",
    "Pool",
    "Postgres",
    "PostgresStore",
    "SchemaDiffers",
    "grants_sql",
    "joined",
    "migrate",
    "migration_sql",
    "open",
    "open_async",
]
