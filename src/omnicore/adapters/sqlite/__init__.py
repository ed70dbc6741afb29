"""omnicore on SQLite: one file, any number of shops, full durability, nothing to install.

    database = sqlite.open("shop.db", migrate=True)

``open`` never changes a schema unless asked to; ``migrate`` brings a file forward and ``migration_sql`` prints how.
``joined(connection)`` is a database inside a transaction that the host has opened on a connection of its own, for
``Host.within``; ``SqliteStore`` is the store in it.
"""

from omnicore.adapters.sqlite.database import Sqlite
from omnicore.adapters.sqlite.database import open_database as open  # noqa: A004 - reads `sqlite.open(path)`
from omnicore.adapters.sqlite.errors import CannotOpen, ForeignDatabase, NotADatabase, SchemaDiffers
from omnicore.adapters.sqlite.files import migrate
from omnicore.adapters.sqlite.joined import JoinedSqlite, Lent, joined
from omnicore.adapters.sqlite.schema import migration_sql, migration_steps
from omnicore.adapters.sqlite.statements import Connection, Cursor
from omnicore.adapters.sqlite.store import SqliteStore

__all__ = [
    "CannotOpen",
    "Connection",
    "Cursor",
    "ForeignDatabase",
    "JoinedSqlite",
    "Lent",
    "NotADatabase",
    "SchemaDiffers",
    "Sqlite",
    "SqliteStore",
    "joined",
    "migrate",
    "migration_sql",
    "migration_steps",
    "open",
]
