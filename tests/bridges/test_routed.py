"""Does a kind that a host keeps in a table of its own behave as every other?"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from omnicore.adapters import postgres, sqlite
from omnicore.adapters.memory import Memory
from omnicore.adapters.routed import Routed, Sql, _Spoken
from omnicore.host import Host
from omnicore.host.within import CannotJoin, Within
from omnicore.kernel.errors import Conflict, Refused
from omnicore.kernel.flow import Given, find, flow, get, question, write
from omnicore.kernel.store import Database, Writes
from omnicore.testing import check_store
from omnicore.testing.bench import NOTES, Bench, Note
from omnicore.testing.kit_shop import free, place, receive
from tests.bridges.stands import SECRET, Inside, Stand, postgres_stand, sqlite_stand

TABLE = "CREATE TABLE IF NOT EXISTS notes (shop TEXT, id TEXT, rank TEXT, said TEXT, PRIMARY KEY (shop, id))"


class HostNotes:
    """The host's own table of notes, with a column it reports on."""

    def load(self, sql: Sql, keys: list[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for key in keys:
            found.update(sql("SELECT id, said FROM notes WHERE shop = :shop AND id = :id", id=key))
        return found

    def save(self, sql: Sql, bodies: Mapping[str, str]) -> None:
        for key, body in bodies.items():
            sql(
                """INSERT INTO notes (shop, id, rank, said) VALUES (:shop, :id, :rank, :said)
                ON CONFLICT (shop, id) DO UPDATE SET rank = excluded.rank, said = excluded.said""",
                id=key,
                rank=str(json.loads(body).get("rank")),
                said=body,
            )

    def remove(self, sql: Sql, keys: list[str]) -> None:
        for key in keys:
            sql("DELETE FROM notes WHERE shop = :shop AND id = :id", id=key)


class FailsLate(HostNotes):
    """A table whose own rules refuse a row when it is already written."""

    def save(self, sql: Sql, bodies: Mapping[str, str]) -> None:
        super().save(sql, bodies)
        raise Conflict("the host's own rule")


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Stand]:
    """Give a host's own SQLite file."""
    with sqlite_stand("SQLAlchemy session", tmp_path) as made, closing(sqlite3.connect(made.place)) as theirs:
        theirs.execute(TABLE)
        yield made


@pytest.fixture
def pg(host_database: str, request: pytest.FixtureRequest) -> Iterator[Stand]:
    """Give a host's own PostgreSQL database."""
    with postgres_stand("SQLAlchemy session", host_database, request.node.name[:60]) as made:
        with psycopg.connect(made.place) as theirs:
            theirs.execute(TABLE)
        yield made


def routed(database: Database) -> Routed:
    """Route the kit's notes to the host's table."""
    return Routed(database, {NOTES: HostNotes()})


@question("test.bridges.ranked")
async def ranked(given: Given) -> tuple[str, ...]:
    """Find notes by a tag, in order of rank."""
    return tuple(stored.value.key for stored in (await find(NOTES, "tag", equal=("t",))).items)


@flow("test.bridges.noted")
async def noted(given: Given, *, id: str, rank: int) -> None:
    """Write a note, or change its rank."""
    stored = await get(NOTES, id)
    fresh = Note(key=id, tags=("t",), rank=rank)
    await write(Writes(changes=(NOTES.put(fresh) if stored is None else stored.put(fresh),)))


def test_a_routed_kind_keeps_every_law(lite: Stand) -> None:
    """Versions, unique tuples, look-ups, order and rollback hold for what stands in a host's own table."""
    kept: list[Database] = []

    def make() -> Database:
        kept.append(sqlite.open(lite.place, synchronous="NORMAL"))
        return routed(kept[-1])

    check_store(make, examples=2)
    with closing(sqlite3.connect(lite.place)) as theirs:
        assert theirs.execute("SELECT count(*) FROM notes").fetchone()[0] > 10
        bodies = theirs.execute("SELECT DISTINCT body FROM omni_documents WHERE kind = ?", [NOTES.name]).fetchall()
        assert bodies == [("",)]


def test_a_routed_kind_keeps_every_law_on_postgres(pg: Stand) -> None:
    """The laws of documents hold on PostgreSQL for what stands in a host's own table."""
    from omnicore.testing.store_document_laws import LAWS  # noqa: PLC0415 - one law at a time

    for law in LAWS:
        law(Bench(database=routed(pg.database), shop=f"{pg.shop[:30]} {law.__name__}"))


@pytest.mark.parametrize("which", ["lite", "pg"])
def test_a_mapper_that_fails_takes_all_back(which: str, request: pytest.FixtureRequest) -> None:
    """When the host's own table refuses, nothing of the write stays, neither there nor here, and others go on."""
    stand: Stand = request.getfixturevalue(which)
    fails_late(stand)


def fails_late(stand: Stand) -> None:
    """Write what the host's table refuses, then what it takes, in one transaction."""
    bench = Bench(database=Routed(stand.database, {NOTES: FailsLate()}), shop=stand.shop)
    with bench.database.writing(bench.shop) as store:
        with pytest.raises(Conflict):
            store.write(bench.batch(changes=[NOTES.put(Note(key="n0"))], commands=["c0"]))
        store.write(bench.batch(commands=["c1"]))
    with stand.database.reading(stand.shop) as store:
        assert (set(store.commands(["c0", "c1"])), store.load(NOTES.name, ["n0"])) == ({"c1"}, {})
        assert isinstance(store, sqlite.SqliteStore | postgres.PostgresStore)
        assert store.sql("SELECT id FROM notes WHERE shop = :shop") == []


def test_a_route_that_takes_nothing_back_is_caught(lite: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A route that forgets its savepoint is found out by the same law."""
    right = _Spoken.__call__

    def forgetful(self: _Spoken, statement: str, /, **values: str | int | bytes | None) -> list[tuple[Any, ...]]:
        return [] if "SAVEPOINT" in statement else right(self, statement, **values)

    monkeypatch.setattr(_Spoken, "__call__", forgetful)
    with pytest.raises(AssertionError, match="c0"):
        fails_late(lite)


@pytest.mark.parametrize("which", ["lite", "pg"])
def test_a_host_of_routed_kinds_inside_a_transaction(which: str, request: pytest.FixtureRequest) -> None:
    """A host that keeps notes in its own table keeps them there inside its own transactions, and rolls both back."""
    stand: Stand = request.getfixturevalue(which)
    host = Host(routed(stand.database), shop=stand.shop, clock=stand.clock, secret=SECRET)
    host.run(noted(id="n1", rank=7))

    def story(inside: Inside, shop: Within) -> None:
        shop = host.within(inside.joined)
        shop.run(noted(id="n2", rank=3))
        shop.run(noted(id="n1", rank=1))
        assert inside.sql(f"SELECT rank FROM notes WHERE shop = '{stand.shop}' ORDER BY id") == ["1", "3"]
        assert shop.run(ranked()) == ("n1", "n2")
        with pytest.raises(Refused):
            shop.run(place(order="n1", hold=None, paid="x"))
        shop.run(receive(amount=1))

    def abandoned(inside: Inside, shop: Within) -> None:
        story(inside, shop)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stand.transaction(abandoned)
    assert (host.run(ranked()), host.run(free())) == (("n1",), 0)
    stand.transaction(story)
    assert (host.run(ranked()), host.run(free())) == (("n1", "n2"), 1)
    assert host.verify().differences == ()


@pytest.mark.parametrize("which", ["lite", "pg"])
def test_verify_names_what_was_changed_behind_our_back(
    which: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that the host changed or removed without a flow is named when the books are verified, on any page."""
    monkeypatch.setattr("omnicore.adapters.routed._PAGE", 1)
    stand: Stand = request.getfixturevalue(which)
    host = Host(routed(stand.database), shop=stand.shop, clock=stand.clock, secret=SECRET)
    for number in range(4):
        host.run(noted(id=f"n{number}", rank=number))
    changed = NOTES.put(Note(key="n1", tags=("t",), rank=99)).body

    def story(inside: Inside, shop: Within) -> None:
        mine = f"WHERE shop = '{stand.shop}'"
        inside.sql(f"UPDATE notes SET said = '{changed}' {mine} AND id = 'n1'".replace(":", "\\:"))
        inside.sql(f"DELETE FROM notes {mine} AND id = 'n2'")

    stand.transaction(story)
    wrong = host.verify().differences
    assert {difference.where for difference in wrong} == {"testing.note n2", "index rows of testing.note n1"}
    with pytest.raises(AssertionError, match="n2 is gone"):
        host.run(noted(id="n2", rank=1))


def test_a_unique_row_of_the_hosts_own_is_a_conflict(lite: Stand, pg: Stand) -> None:
    """A key that is taken in a host's own table is a race, as a key of ours is; whatever else is wrong is told so."""
    for stand, error in ((lite, sqlite3.Error), (pg, psycopg.Error)):
        with stand.database.writing(stand.shop) as store:
            assert isinstance(store, sqlite.SqliteStore | postgres.PostgresStore)
            insert = "INSERT INTO notes (shop, id, rank) VALUES (:shop, :id, :rank)"
            store.sql(insert, id="a", rank=5)
            assert store.sql("SELECT rank FROM notes WHERE shop = :shop") == [("5",)]
            store.sql("SAVEPOINT here")
            with pytest.raises(Conflict):
                store.sql(insert, id="a", rank=5)
            store.sql("ROLLBACK TO SAVEPOINT here")
            with pytest.raises(error):
                store.sql("INSERT INTO nowhere VALUES (:id)", id="a")
            store.sql("ROLLBACK TO SAVEPOINT here")
    with pg.database.reading(pg.shop) as store:
        assert isinstance(store, postgres.PostgresStore)
        listed = "SELECT value, '5%' FROM json_array_elements_text(:keys::json) AS each (value)"
        assert store.sql(listed, keys='["a", "b"]') == [("a", "5%"), ("b", "5%")]
    with pytest.raises(CannotJoin):
        Host(routed(Memory())).run(ranked())
