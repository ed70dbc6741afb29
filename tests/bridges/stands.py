"""In which transactions of a host's are the laws of this folder run? A stand for each way a host has of opening one."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import django  # type: ignore[import-untyped] # Django has no types of its own
import psycopg
from attrs import define, evolve, field, frozen
from django.conf import settings  # type: ignore[import-untyped] # as above
from django.db import connections, transaction  # type: ignore[import-untyped] # as above
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from omnicore.adapters import django as django_bridge
from omnicore.adapters import postgres, sqlite
from omnicore.adapters import sqlalchemy as sqlalchemy_bridge
from omnicore.host import Host
from omnicore.host.within import Joined, Within
from omnicore.kernel.store import Database
from omnicore.testing.clock import Clock
from omnicore.testing.kit_shop import FakeTill

SECRET = b"sixteen bytes or more"
Sql = Callable[[str], list[str]]
"""The host's own statement; the first column of what it gives."""


@frozen
class Inside:
    """A host's transaction while it is open: its own statements, and ours."""

    sql: Sql
    joined: Joined
    commit: Callable[[], object]
    nested: Callable[[], Any]
    """A block within the transaction that is taken back alone when it raises."""

    def put(self, parcel: str) -> None:
        """Write a row of the host's."""
        self.sql(f"INSERT INTO parcels VALUES ('{parcel}')")


Story = Callable[[Inside], None]
Run = Callable[[str, Story], None]
"""Opens a transaction of a host's at a place, tells the story in it, and commits unless the story raises."""


@define
class Stand:
    """A host application with a table of its own, and a shop in the same database."""

    name: str
    place: str
    shop: str
    database: Database
    run: Run
    clock: Clock = field(factory=Clock)
    till: FakeTill = field(factory=FakeTill)
    spoiled: Callable[[Inside], Joined] | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return isinstance(self.database, sqlite.Sqlite)

    def host(self) -> Host:
        """Give the shop as everybody else sees it: on a connection of its own."""
        return Host(self.database, shop=self.shop, providers=[self.till], clock=self.clock, secret=SECRET)

    def transaction(self, story: Callable[[Inside, Within], object]) -> None:
        """Tell a story inside a transaction of the host's."""

        def told(inside: Inside) -> None:
            if self.spoiled is not None:
                inside = evolve(inside, joined=self.spoiled(inside))
            story(inside, self.host().within(inside.joined))

        self.run(self.place, told)

    def parcels(self) -> list[str]:
        """Read the host's table on another connection."""
        asked = "SELECT id FROM parcels ORDER BY id"
        if self.is_sqlite:
            with closing(sqlite3.connect(self.place)) as theirs:
                return [name for (name,) in theirs.execute(asked)]
        with psycopg.connect(self.place) as theirs_too:
            return [name for (name,) in theirs_too.execute(asked)]


def _dicts(cursor: sqlite3.Cursor, row: tuple[object, ...]) -> dict[str, object]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _firsts(rows: list[Any]) -> list[str]:
    found = [next(iter(row.values() if isinstance(row, dict) else row)) for row in rows]
    return [each.decode() if isinstance(each, bytes) else str(each) for each in found]


@contextmanager
def _nothing_nested() -> Iterator[None]:
    raise AssertionError("this stand has no nested blocks")
    yield


# ------------------------------------------------------------------------------------------------------------- drivers


@contextmanager
def _savepoint(execute: Callable[[str], object]) -> Iterator[None]:
    execute("SAVEPOINT theirs")
    try:
        yield
    except BaseException:
        execute("ROLLBACK TO SAVEPOINT theirs")
        raise
    execute("RELEASE SAVEPOINT theirs")


def _sqlite3(place: str, story: Story) -> None:
    """Python's own transactions, on a connection that gives dicts of bytes and checks no foreign keys."""
    with closing(sqlite3.connect(place)) as connection:
        connection.row_factory, connection.text_factory = _dicts, bytes

        def sql(statement: str) -> list[str]:
            return _firsts(connection.execute(statement).fetchall())

        with connection:
            nested = lambda: _savepoint(connection.execute)  # noqa: E731 - as short as a def is not
            story(Inside(sql, sqlite.joined(connection), connection.commit, nested))
        assert connection.execute("SELECT 'x' AS x").fetchall() == [{"x": b"x"}]


def _sqlite3_explicit(place: str, story: Story) -> None:
    """Transactions begun by hand, on a connection that begins none."""
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        nested = lambda: _savepoint(connection.execute)  # noqa: E731 - as above
        try:
            story(
                Inside(
                    lambda statement: _firsts(connection.execute(statement).fetchall()),
                    sqlite.joined(connection),
                    lambda: connection.execute("COMMIT"),
                    nested,
                )
            )
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if connection.in_transaction:
            connection.execute("COMMIT")


def _psycopg_sql(connection: psycopg.Connection[Any]) -> Sql:
    def sql(statement: str) -> list[str]:
        cursor = connection.execute(statement)
        return _firsts(cursor.fetchall() if cursor.description else [])

    return sql


def _psycopg(place: str, story: Story) -> None:
    """Psycopg's own transactions, on a connection that gives dicts."""
    with psycopg.connect(place, row_factory=dict_row) as connection:
        story(Inside(_psycopg_sql(connection), postgres.joined(connection), connection.commit, connection.transaction))


def _psycopg_explicit(place: str, story: Story) -> None:
    """A transaction block on a connection in autocommit, with cursors that bind at the client."""
    with psycopg.connect(place, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        sql = _psycopg_sql(connection)
        with connection.transaction():
            story(Inside(sql, postgres.joined(connection), lambda: sql("COMMIT"), connection.transaction))


# ---------------------------------------------------------------------------------------------------------- SQLAlchemy


def url_of(place: str, *, awaited: bool = False) -> tuple[str, dict[str, Any]]:
    """Give SQLAlchemy's address of a place, and what else it needs."""
    if place.endswith(".db"):
        return f"sqlite+{'aiosqlite' if awaited else 'pysqlite'}:///{place}", {}
    return "postgresql+psycopg://", {"connect_args": conninfo_to_dict(place)}


def engine_at(place: str) -> Engine:
    """Give an engine that makes a connection for each use."""
    url, arguments = url_of(place)
    return create_engine(url, poolclass=NullPool, **arguments)


def _executed(execute: Callable[..., Any]) -> Sql:
    def sql(statement: str) -> list[str]:
        result = execute(text(statement))
        return _firsts(list(result)) if result.returns_rows else []

    return sql


def _session(place: str, story: Story) -> None:
    """The ORM's session."""
    engine = engine_at(place)
    with Session(engine) as session, session.begin():
        story(
            Inside(
                _executed(session.execute),
                sqlalchemy_bridge.joined(session),
                session.connection().connection.commit,
                session.begin_nested,
            )
        )


def _core(place: str, story: Story) -> None:
    """A connection of SQLAlchemy's core, committed as one goes."""
    engine = engine_at(place)
    with engine.connect() as connection:
        story(_core_inside(connection))
        connection.commit()


def _core_inside(connection: Connection) -> Inside:
    return Inside(
        _executed(connection.execute),
        sqlalchemy_bridge.joined(connection),
        connection.connection.commit,
        connection.begin_nested,
    )


def _async_session(place: str, story: Story) -> None:
    """The asynchronous session, whose driver awaits."""
    url, arguments = url_of(place, awaited=True)

    async def main() -> None:
        engine = create_async_engine(url, poolclass=NullPool, **arguments)
        async with AsyncSession(engine) as session, session.begin():

            def told(sync: Session) -> None:
                story(
                    Inside(
                        _executed(sync.execute),
                        sqlalchemy_bridge.joined(sync),
                        sync.connection().connection.commit,
                        sync.begin_nested,
                    )
                )

            await session.run_sync(told)
        await engine.dispose()

    asyncio.run(main())


# -------------------------------------------------------------------------------------------------------------- Django


DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "pg": {"ENGINE": "django.db.backends.postgresql", "NAME": "none"},
}


def configured() -> None:
    """Make the Django of this process, which a page of the docs may have configured, the one these tests need."""
    if not settings.configured:
        settings.configure(DATABASES=DATABASES)
        django.setup()
    if "pg" not in connections.databases:
        connections.databases["pg"] = connections.configure_settings(DATABASES)["pg"]
    settings.ROOT_URLCONF = "tests.bridges.django_urls"
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECRET_KEY = "for tests only"
    connections["default"].settings_dict["ATOMIC_REQUESTS"] = True


def django_at(place: str) -> str:
    """Point Django at a place; gives the alias."""
    configured()
    alias = "default" if place.endswith(".db") else "pg"
    connections[alias].close()
    known = {"host": "HOST", "port": "PORT", "user": "USER", "dbname": "NAME", "password": "PASSWORD"}
    found = {"NAME": place} if alias == "default" else conninfo_to_dict(place)
    connections[alias].settings_dict.update({known.get(name, name): value for name, value in found.items()})
    return alias


def django_sql(alias: str) -> Sql:
    """Give Django's own cursor as a function."""

    def sql(statement: str) -> list[str]:
        with connections[alias].cursor() as cursor:
            cursor.execute(statement)
            return _firsts(cursor.fetchall() if cursor.description else [])

    return sql


def _django(place: str, story: Story) -> None:
    """An atomic block."""
    alias = django_at(place)
    try:
        with transaction.atomic(using=alias):
            story(
                Inside(
                    django_sql(alias),
                    django_bridge.joined(alias),
                    connections[alias].connection.commit,
                    lambda: transaction.atomic(using=alias),
                )
            )
    finally:
        connections[alias].close()


SQLITE: dict[str, Run] = {
    "sqlite3": _sqlite3,
    "sqlite3 begun by hand": _sqlite3_explicit,
    "SQLAlchemy session": _session,
    "SQLAlchemy connection": _core,
    "SQLAlchemy async session": _async_session,
    "Django": _django,
}
POSTGRES: dict[str, Run] = {
    "psycopg": _psycopg,
    "psycopg in autocommit": _psycopg_explicit,
    "SQLAlchemy session": _session,
    "SQLAlchemy connection": _core,
    "SQLAlchemy async session": _async_session,
    "Django": _django,
}


@contextmanager
def sqlite_stand(name: str, folder: Path) -> Iterator[Stand]:
    """Stand on a host's own SQLite file, with our tables beside its own."""
    place = str(folder / "host.db")
    with closing(sqlite3.connect(place)) as theirs:
        theirs.execute("PRAGMA journal_mode = WAL")
        theirs.execute("PRAGMA synchronous = NORMAL")
        theirs.execute("CREATE TABLE parcels (id TEXT PRIMARY KEY)")
    sqlite.migrate(place, beside=True)
    database = sqlite.open(place, synchronous="NORMAL", busy_timeout_ms=200)
    yield Stand(name=name, place=place, shop="main", database=database, run=SQLITE[name])
    database.close()


@contextmanager
def postgres_stand(name: str, place: str, shop: str) -> Iterator[Stand]:
    """Stand on a host's own PostgreSQL database, in a shop of its own."""
    database = postgres.open(place, migrate=True)
    with psycopg.connect(place) as theirs:
        theirs.execute("CREATE TABLE IF NOT EXISTS parcels (id TEXT PRIMARY KEY)")
        theirs.execute("TRUNCATE parcels")
    yield Stand(name=name, place=place, shop=shop, database=database, run=POSTGRES[name])
    database.close()
