"""What does a joined database do where the host's transaction is not what a command needs?"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import transaction  # type: ignore[import-untyped] # Django has no types of its own

from omnicore.adapters import django as django_bridge
from omnicore.adapters import postgres, sqlite
from omnicore.adapters import sqlalchemy as sqlalchemy_bridge
from omnicore.host import Host
from omnicore.host.engine import MAX_TRIES
from omnicore.host.within import CannotJoin, IsolationTooWeak, Joined, NoTransaction, Within
from omnicore.kernel.errors import Conflict, Refused
from omnicore.kernel.flow import Given, balances, flow, write
from omnicore.kernel.ledger import Post
from omnicore.kernel.store import Batch, Store, Writes
from omnicore.testing import check_store
from omnicore.testing.bench import CUSTOMER, SHELF, SUPPLIER, UNIT
from omnicore.testing.clock import NOON
from omnicore.testing.kit_shop import free, receive, reserve, sell
from tests.bridges.stands import Inside, Stand, django_at, engine_at, postgres_stand, sqlite_stand

READ: list[int] = []
"""What the flow below has read, try by try."""
RIVALS: list[Callable[[], object]] = []
"""What somebody else does between its read and its write, once each."""


@flow("test.bridges.alone", serializable=True)
async def alone(given: Given, *, amount: int) -> int:
    """Receive goods, as if nobody else were there."""
    goods = Post(id=given.new_id(), unit=UNIT, source=SUPPLIER.path, target=SHELF.path, amount=amount, fact=True)
    await write(Writes(moves=(goods,)))
    return amount


@flow("test.bridges.raced")
async def raced(given: Given) -> None:
    """Take one from the shelf, while somebody else may do the same."""
    READ.append((await balances([SHELF]))[SHELF].available)
    if RIVALS:
        RIVALS.pop()()
    if READ[-1] < 1:
        raise Refused(free=READ[-1])
    out = Post(id=given.new_id(), unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=1)
    await write(Writes(moves=(out,)))


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Stand]:
    """Give a host's own SQLite file."""
    with sqlite_stand("sqlite3", tmp_path) as made:
        yield made


@pytest.fixture
def pg(host_database: str, request: pytest.FixtureRequest) -> Iterator[Stand]:
    """Give a host's own PostgreSQL database."""
    with postgres_stand("psycopg", host_database, request.node.name[:60]) as made:
        yield made


# --------------------------------------------------------------------------------------------- no transaction, or which


def test_without_a_transaction_a_command_is_refused(lite: Stand, pg: Stand) -> None:
    """Where the host has opened no transaction, a command is refused by code and a question still has its answer."""
    lite.host().run(receive(amount=3))
    pg.host().run(receive(amount=3))
    with closing(sqlite3.connect(lite.place, isolation_level=None)) as theirs:
        refused(lite.host(), sqlite.joined(theirs))
        assert not theirs.in_transaction
    with psycopg.connect(pg.place, autocommit=True) as theirs_too:
        refused(pg.host(), postgres.joined(theirs_too))
        assert theirs_too.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
    for each in (lite, pg):
        refused(each.host(), django_bridge.joined(django_at(each.place)), hint="atomic")


def refused(host: Host, joined: Any, *, hint: str = "begin one") -> None:  # noqa: ANN401 - any joined database
    """Check that commands and processes are refused, and questions answered."""
    with pytest.raises(NoTransaction, match=hint) as refusal:
        host.within(joined).run(receive(amount=1))
    assert refusal.value.code == "host.no_transaction"
    assert host.within(joined).run(free()) == host.run(free()) == 3


def test_a_transaction_begins_as_the_driver_would_begin_it(lite: Stand) -> None:
    """Python's SQLite begins a transaction at the first write, ours too; a refused one leaves no lock behind."""
    with closing(sqlite3.connect(lite.place)) as theirs:
        shop = lite.host().within(sqlite.joined(theirs))
        assert shop.run(free()) == 0
        assert not theirs.in_transaction
        with pytest.raises(Refused):
            shop.run(reserve(hold="h", amount=1))
        assert not theirs.in_transaction
        lite.host().run(receive(amount=1))  # nobody has to wait
        with pytest.raises(ZeroDivisionError):
            fails_late(sqlite.joined(theirs))
        assert not theirs.in_transaction
        shop.run(receive(amount=5))
        assert theirs.in_transaction
        theirs.rollback()
    assert lite.host().run(free()) == 1


def fails_late(joined: Joined) -> None:
    """Fail after having written."""
    goods = Post(id="late", unit=UNIT, source=SUPPLIER.path, target=SHELF.path, amount=7, fact=True)
    with joined.writing("main") as store:
        store.write(Batch(id="late", at=NOON, by="x", moves=(goods,)))
        raise ZeroDivisionError


def test_a_connection_of_sqlalchemy_begins_with_us(lite: Stand, pg: Stand) -> None:
    """A SQLAlchemy connection on which we speak first commits what we wrote, as it would a statement of the host's."""
    for each in (lite, pg):
        with engine_at(each.place).connect() as connection:
            each.host().within(sqlalchemy_bridge.joined(connection)).run(receive(amount=3))
            assert connection.in_transaction()
            connection.commit()
        assert each.host().run(free()) == 3


def test_a_block_that_django_has_given_up_is_given_up(lite: Stand) -> None:
    """Where Django says that a block can only be rolled back, a command is told so, like any query."""
    alias = django_at(lite.place)
    with transaction.atomic(using=alias):
        transaction.set_rollback(True, using=alias)
        with pytest.raises(transaction.TransactionManagementError):
            lite.host().within(django_bridge.joined(alias)).run(free())


def test_a_serializable_command_needs_a_serializable_transaction(lite: Stand, pg: Stand) -> None:
    """A rule over a set of rows is refused in a transaction that could miss a rival, and the host's rows stand."""
    lite.transaction(lambda inside, shop: shop.run(alone(amount=1)))
    assert lite.host().run(free()) == 1
    for level in ("READ COMMITTED", "REPEATABLE READ"):
        pg.transaction(partial(_too_weak, level))

    def story(inside: Inside, shop: Within) -> None:
        inside.sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        inside.put("c")
        shop.run(alone(amount=1))

    pg.transaction(story)
    assert (pg.host().run(free()), pg.parcels()) == (1, ["READ COMMITTED", "REPEATABLE READ", "c"])


def _too_weak(level: str, inside: Inside, shop: Within) -> None:
    inside.sql(f"SET TRANSACTION ISOLATION LEVEL {level}")
    with pytest.raises(IsolationTooWeak) as refusal:
        shop.run(alone(amount=1))
    assert refusal.value.facts == {"found": level.lower(), "needed": "serializable"}
    inside.put(level)


# ------------------------------------------------------------------------------------------------------------ conflicts


def rivalled(stand: Stand) -> None:
    """Put two on the shelf, for a rival to sell between a flow's read and its write."""
    stand.host().run(receive(amount=2))
    READ.clear()
    RIVALS[:] = [lambda: stand.host().run(sell(order="rival", amount=2))]


def test_a_conflict_is_tried_again_where_that_can_help(pg: Stand) -> None:
    """In a READ COMMITTED transaction a second look sees what the rival left, and that is what is refused."""
    rivalled(pg)

    def story(inside: Inside, shop: Within) -> None:
        inside.put("a")
        with pytest.raises(Refused):
            shop.run(raced())
        inside.put("b")

    pg.transaction(story)
    assert (READ, pg.host().run(free()), pg.parcels()) == ([2, 0], 0, ["a", "b"])


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_conflict_in_a_snapshot_is_told_at_once(pg: Stand, level: str) -> None:
    """In a transaction that keeps to one snapshot a second look would see the same: the conflict is the host's."""
    rivalled(pg)

    def story(inside: Inside, shop: Within) -> None:
        inside.sql(f"SET TRANSACTION ISOLATION LEVEL {level}")
        inside.put("a")
        shop.run(raced())

    with pytest.raises(Conflict):
        pg.transaction(story)
    assert (READ, pg.host().run(free()), pg.parcels()) == ([2], 0, [])


def test_a_stale_snapshot_of_sqlite_is_told_at_once(lite: Stand) -> None:
    """A host that has read before a rival wrote cannot write in that transaction: one try, one conflict."""
    rivalled(lite)

    def story(inside: Inside, shop: Within) -> None:
        inside.sql("BEGIN")
        inside.sql("SELECT id FROM parcels")
        shop.run(raced())

    with pytest.raises(Conflict):
        lite.transaction(story)
    assert (READ, lite.host().run(free()), lite.parcels()) == ([2], 0, [])


def test_a_conflict_that_stays_is_told_in_the_end(pg: Stand) -> None:
    """A conflict that no second look mends is told after a bounded number of tries, and the host's rows stand."""
    pg.host().run(receive(amount=5))
    READ.clear()

    def conflict() -> None:
        raise Conflict("always")

    RIVALS[:] = [conflict] * 20

    def story(inside: Inside, shop: Within) -> None:
        inside.put("a")
        with pytest.raises(Conflict):
            shop.run(raced())
        inside.put("b")

    pg.transaction(story)
    assert (len(READ), pg.parcels()) == (MAX_TRIES, ["a", "b"])


# --------------------------------------------------------------------------------------------------- tables and drivers


def test_tables_that_are_not_there_are_refused(tmp_path: Path, host_database: str) -> None:
    """A host that has not migrated is told so by schema number, and its own rows stand."""
    with closing(sqlite3.connect(tmp_path / "bare.db")) as theirs:
        theirs.execute("CREATE TABLE parcels (id)")
        theirs.execute("INSERT INTO parcels VALUES ('a')")
        with pytest.raises(sqlite.SchemaDiffers, match=r"has schema 0, .* run `omnicore migrate --beside`"):
            Host(sqlite.open(":memory:")).within(sqlite.joined(theirs)).run(free())
        theirs.commit()
        for step in sqlite.migration_steps(beside=True):
            theirs.execute(step)
        assert Host(sqlite.open(":memory:")).within(sqlite.joined(theirs)).run(free()) == 0
    with psycopg.connect(host_database) as theirs_too:
        theirs_too.execute("CREATE SCHEMA IF NOT EXISTS bare")
        theirs_too.execute("SET search_path = bare")
        theirs_too.execute("CREATE TABLE IF NOT EXISTS parcels (id TEXT)")
        with pytest.raises(postgres.SchemaDiffers, match="has schema 0"):
            Host(sqlite.open(":memory:")).within(postgres.joined(theirs_too)).run(free())
        theirs_too.execute("INSERT INTO parcels VALUES ('a')")


def test_a_driver_that_is_not_spoken_is_refused(lite: Stand) -> None:
    """A session on a driver that omnicore does not speak is refused by name."""
    engine = engine_at(lite.place)
    engine.dialect.driver = "pysqlcipher"
    with engine.connect() as connection, pytest.raises(CannotJoin, match=r"sqlite\+pysqlcipher"):
        lite.host().within(sqlalchemy_bridge.joined(connection)).run(free())
    for vendor in ("oracle", "postgresql"):
        with pytest.raises(CannotJoin, match=f"{vendor} by builtins"):
            django_bridge._joined(vendor, object())


# -------------------------------------------------------------------------------------------------------------- the kit


class _Lent:
    """A database each of whose transactions is one of a host's, joined: so the kit's laws can be asked of a bridge."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._idle: list[Any] = []
        self._all: list[Any] = []

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        if not self._idle:
            if self._stand.is_sqlite:
                self._idle.append(sqlite3.connect(self._stand.place, timeout=0.2, isolation_level=None))
            else:
                self._idle.append(psycopg.connect(self._stand.place, autocommit=True))
            self._all.append(self._idle[0])
        connection = self._idle.pop()
        yield connection
        self._idle.append(connection)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Joined]:
        with self._connection() as connection:
            connection.execute(begin)
            try:
                yield (sqlite if self._stand.is_sqlite else postgres).joined(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        with self._transaction("BEGIN") as joined, joined.writing(shop, serializable=serializable) as store:
            yield store

    @contextmanager
    def reading(self, shop: str) -> Iterator[Store]:
        begin = "BEGIN" if self._stand.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ"
        with self._transaction(begin) as joined, joined.reading(shop) as store:
            store.load("nothing", ["n"])  # a snapshot is taken by the first read
            yield store

    def shops(self) -> Iterator[str]:
        with self._transaction("BEGIN") as joined:
            return joined.shops()

    def close(self) -> None:
        for connection in self._all:
            connection.close()


@pytest.mark.parametrize("which", ["lite", "pg"])
def test_a_joined_store_keeps_every_law(which: str, request: pytest.FixtureRequest) -> None:
    """Inside a host's transaction, on its own connection that checks no foreign keys, every law of the ports holds."""
    stand: Stand = request.getfixturevalue(which)
    check_store(lambda: _Lent(stand), examples=2 if stand.is_sqlite else 1, unless=frozenset({"threads"}))
    orphans = """SELECT count(*) FROM omni_index AS i LEFT JOIN omni_documents AS d
        ON d.shop = i.shop AND d.kind = i.kind AND d.key = i.key WHERE d.key IS NULL"""
    with _Lent(stand)._connection() as connection, closing(connection):
        assert connection.execute(orphans).fetchone() == (0,)
