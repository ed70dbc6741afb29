"""On which of our own databases is a figure measured: a SQLite file or a PostgreSQL server?"""

import shutil
import sqlite3
from contextlib import closing, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from omnicore.adapters import sqlite
from omnicore.kernel.store import Database
from omnicore.testing.figures import Backend
from omnicore.testing.statement_points import psycopg_statements, sqlite_statements


@frozen(kw_only=True)
class _File:
    """A SQLite file."""

    path: str
    synchronous: str

    def __call__(self) -> Database:
        return sqlite.open(self.path, synchronous=self.synchronous, busy_timeout_ms=60_000)

    def copied(self, name: str) -> Backend:
        return sqlite_backend(Path(f"{self.path}-{name}"), synchronous=self.synchronous)

    def mark(self) -> None:
        shutil.copyfile(self.path, f"{self.path}.mark")  # whoever closed it last has emptied the log beside it

    def restore(self) -> None:
        for beside in ("-wal", "-shm"):
            Path(f"{self.path}{beside}").unlink(missing_ok=True)
        shutil.copyfile(f"{self.path}.mark", self.path)

    def drop(self) -> None:
        for beside in ("", "-wal", "-shm", ".mark"):
            Path(f"{self.path}{beside}").unlink(missing_ok=True)


def sqlite_backend(path: Path, *, synchronous: str = "FULL") -> Backend:
    """Give a new SQLite file: by default one whose commits survive a power cut, as a shop would run it."""
    sqlite.migrate(path)
    file = _File(path=str(path), synchronous=synchronous)
    return Backend(
        name="sqlite",
        version=f"{sqlite3.sqlite_version} synchronous {synchronous}",
        make=file,
        spare=file,
        watch=sqlite_statements,
    )


@frozen(kw_only=True)
class _Server:
    """A database of a PostgreSQL server."""

    conninfo: str

    def __call__(self) -> Database:
        from omnicore.adapters import postgres  # noqa: PLC0415 - optional: a SQLite shop has no psycopg

        return postgres.open(self.conninfo)

    def _ran(self, *statements: str) -> list[Any]:
        from psycopg import connect  # noqa: PLC0415 - as above

        with closing(connect(self.conninfo, autocommit=True)) as connection:
            cursor = connection.cursor()
            with connection.transaction() if len(statements) > 1 else nullcontext():  # databases are made in none
                for statement in statements:
                    cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _tables(self, schema: str) -> list[str]:
        names = self._ran(f"select tablename from pg_tables where schemaname = '{schema}' order by 1")  # noqa: S608 - ours
        return [name for (name,) in names]

    def copied(self, name: str) -> Backend:
        from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415 - as above

        database = f"{conninfo_to_dict(self.conninfo)['dbname']}_{name.replace('-', '_')}"
        self._ran(f"create database {database} template template0")
        return postgres_backend(make_conninfo(self.conninfo, dbname=database))

    def mark(self) -> None:
        copies = [f"create table marked.{name} as table public.{name}" for name in self._tables("public")]
        self._ran("create schema marked", *copies)

    def restore(self) -> None:
        # Rows go back one by one: to copy a whole database takes ten times as long.
        tables = self._tables("marked")
        self._ran(
            "set session_replication_role = replica",
            *(f"delete from public.{name}" for name in tables),  # noqa: S608 - our own tables
            *(f"insert into public.{name} select * from marked.{name}" for name in tables),  # noqa: S608 - as above
        )

    def deadlocks(self) -> int:
        ((found,),) = self._ran("select deadlocks from pg_stat_database where datname = current_database()")
        return int(found)

    def drop(self) -> None:
        from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415 - as above

        name = conninfo_to_dict(self.conninfo)["dbname"]
        beside = evolve(self, conninfo=make_conninfo(self.conninfo, dbname="postgres"))
        beside._ran(f"drop database {name} with (force)")  # noqa: SLF001 - one of us


def postgres_backend(conninfo: str) -> Backend:
    """Give an empty PostgreSQL database its tables; how durable it is, the server's own settings say."""
    from omnicore.adapters import postgres  # noqa: PLC0415 - as above

    postgres.migrate(conninfo)
    server = _Server(conninfo=conninfo)
    ((number, durable),) = server._ran("select current_setting('server_version'), current_setting('fsync')")  # noqa: SLF001 - one of us
    return Backend(
        name="postgres",
        version=f"{str(number).split()[0]} fsync {durable} psycopg {version('psycopg')}",
        make=server,
        spare=server,
        watch=psycopg_statements,
        deadlocks=server.deadlocks,
    )
