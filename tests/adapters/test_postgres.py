"""Does PostgreSQL hold where connections, isolation levels, restarts and other roles meet?"""

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from omnicore import Given, Host, Writes, flow, question
from omnicore.adapters import postgres
from omnicore.adapters.postgres import database as database_module
from omnicore.adapters.postgres import ledger_lock
from omnicore.adapters.postgres.journey import Journeys
from omnicore.adapters.postgres.schema import FIRST_OF_ALL, MIGRATIONS, TABLES, WANTED
from omnicore.adapters.postgres.wire import Query, Result
from omnicore.kernel.errors import Conflict, InDoubt, Malformed
from omnicore.kernel.flow import balances, find, write
from omnicore.kernel.ledger import Account, Hold, Move, Post
from omnicore.kernel.records import Index, Kind, Put
from omnicore.kernel.store import Batch
from omnicore.kernel.time import Instant
from omnicore.testing.postgres_server import Server, server

NOW = Instant(1_000_000)
UNIT = "sku:TEE-M"
SECRET = b"a secret of the tests"


def receipt(name: str, path: str, amount: int = 1) -> Post:
    """Receive goods at a place."""
    return Post(id=name, unit=UNIT, source="world/supplier", target=path, amount=amount, fact=True)


def hold(name: str, path: str) -> Hold:
    """Promise one unit that lies at a place."""
    return Hold(id=name, unit=UNIT, source=path, target="world/customer", amount=1)


def batch(name: str, *moves: Move, changes: tuple[Put, ...] = ()) -> Batch:
    """Make a batch of moves."""
    return Batch(id=name, at=NOW, by="x", moves=moves, changes=changes)


@pytest.fixture
def database(fresh_postgres: str) -> Iterator[postgres.Postgres]:
    """Give an empty database."""
    opened = postgres.open(fresh_postgres, migrate=True)
    yield opened
    opened.close()


def at_once(*works: Callable[[], None]) -> list[BaseException]:
    """Do everything at the same time, each in a thread of its own; what was raised."""
    raised: list[BaseException] = []
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        ready.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def writing(database: postgres.Postgres, *batches: Batch) -> Callable[[], None]:
    """Give work that writes each batch in a transaction of its own, again where it meets a conflict."""

    def work() -> None:
        for each in batches:
            for _ in range(50):
                try:
                    with database.writing("main") as store:
                        store.write(each)
                    break
                except Conflict:
                    continue

    return work


# ---------------------------------------------------------------------------------------------------------- the ledger


def first_goods(database: postgres.Postgres) -> int:
    """Let eight writers bring the first goods to twenty new places at once; how many units are on the books."""
    places = [f"node/{number}/on-hand" for number in range(20)]
    for place in places:
        works = [
            writing(database, batch(f"{writer}/{place}", receipt(f"r{writer}/{place}", place))) for writer in range(8)
        ]
        assert at_once(*works) == []
    with database.reading("main") as store:
        found = store.balances([Account(UNIT, place) for place in places], NOW)
    return sum(balance.posted for balance in found.values())


def test_first_goods_of_many_writers_all_count(
    database: postgres.Postgres, monkeypatch: pytest.MonkeyPatch, postgres_server: Server
) -> None:
    """Goods that several writers bring at once to a place that never had any are all counted.

    A write that locks only rows that stand already loses some of them, and the same test sees it.
    """
    assert first_goods(database) == 160
    assert database_verified(database)
    lost = ledger_lock._MAKE_GIVEN.replace("ORDER BY", "WHERE FALSE ORDER BY")
    upsert = (
        "INSERT INTO omni_balances (shop, unit, path, posted, held, floor, overcommitted, at) SELECT %(shop)s, n.unit,"
        " n.path, n.posted, n.held, n.floor, n.overcommitted, %(at)s::bigint FROM unnest(%(units)s::text[],"
        " %(paths)s::text[], %(posted)s::bigint[], %(held)s::bigint[], %(floors)s::bigint[], %(over)s::boolean[])"
        " AS n (unit, path, posted, held, floor, overcommitted) ON CONFLICT (shop, unit, path) DO UPDATE SET"
        " posted = excluded.posted, held = excluded.held, at = excluded.at"
    )
    monkeypatch.setattr(ledger_lock, "_MAKE_GIVEN", lost)
    monkeypatch.setattr(ledger_lock, "_PUT_BALANCES", upsert)
    monkeypatch.setattr(ledger_lock, "_MAKES", frozenset({lost}))
    conninfo = postgres_server.fresh()
    broken = postgres.open(conninfo, migrate=True)
    assert first_goods(broken) < 160
    broken.close()


def database_verified(database: postgres.Postgres) -> bool:
    """Whether the books add up."""
    with database.reading("main") as store:
        return not store.verify([]).differences


def deadlocks(database: postgres.Postgres, conninfo: str) -> int:
    """Let two writers promise goods at the same places, each in another order; how often they deadlocked."""
    places = [f"node/{number}/on-hand" for number in range(12)]
    writing(database, batch("in", *(receipt(f"in{place}", place, 10**6) for place in places)))()
    works = []
    for writer in range(4):
        order = places if writer % 2 else places[::-1]
        batches = [
            batch(f"{writer}.{turn}", *(hold(f"{writer}.{turn}.{place}", place) for place in order))
            for turn in range(40)
        ]
        works.append(writing(database, *batches))
    assert at_once(*works) == []
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


def test_promises_in_any_order_never_deadlock(database: postgres.Postgres, fresh_postgres: str) -> None:
    """Writers that name the same places in opposite orders wait for each other, but never in a circle."""
    assert deadlocks(database, fresh_postgres) == 0
    assert database_verified(database)


def test_unsorted_locks_are_seen(
    database: postgres.Postgres, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks taken in the order in which a batch names its places deadlock, and the same test sees it."""
    unsorted = ledger_lock._LOCK_GIVEN.replace("ORDER BY b.unit, b.path", "ORDER BY md5(b.path || %(at)s)")
    monkeypatch.setattr(ledger_lock, "_LOCK_GIVEN", unsorted)
    monkeypatch.setattr(ledger_lock, "_LOCKS", frozenset({unsorted}))
    ticks = iter(range(10**9))
    kept = ledger_lock.locking

    def shaken(shop: str, moves: Sequence[Move], at: Instant) -> tuple[Query, ...]:
        return kept(shop, moves, at.plus(micros=next(ticks) % 7))

    monkeypatch.setattr(ledger_lock, "locking", shaken)
    assert deadlocks(database, fresh_postgres) > 0


def test_one_hold_id_stands_for_one_promise(database: postgres.Postgres) -> None:
    """Of two writers that use one hold's name at two places at once, one is told, and the books stay right."""
    for turn in range(20):
        name, places = f"h{turn}", (f"node/a{turn}/on-hand", f"node/b{turn}/on-hand")
        writing(database, batch(f"in{turn}", *(receipt(f"in{place}", place) for place in places)))()

        def promise(place: str, name: str = name) -> None:
            with database.writing("main") as store:
                store.write(batch(f"{name}{place}", hold(name, place)))

        raised = at_once(*(lambda place=place: promise(place) for place in places))
        assert [type(error) for error in raised] in ([Conflict], [Malformed])
    assert database_verified(database)


# ----------------------------------------------------------------------------------------------------------- isolation


DUTY = Kind[dict[str, str]](
    name="test_postgres.duty",
    type=dict[str, str],
    key=lambda duty: duty["id"],
    indexes=(Index("on", lambda duty: [("on",)] if duty["on"] == "yes" else []),),
)
_meet = threading.Barrier(2)


async def _leave(name: str) -> bool:
    on = await find(DUTY, "on", equal=("on",))
    if len(on.items) < 2:
        return False
    with suppress(threading.BrokenBarrierError):  # both have read before either writes; a second try is alone
        _meet.wait(timeout=0.5)
    mine = next(stored for stored in on.items if stored.value["id"] == name)
    await write(Writes(changes=(mine.put({"id": name, "on": "no"}),)))
    return True


@flow("test_postgres.leave", serializable=True)
async def leave(given: Given, *, name: str) -> bool:
    """Go off duty unless nobody else is on."""
    return await _leave(name)


@flow("test_postgres.leave_carelessly")
async def leave_carelessly(given: Given, *, name: str) -> bool:
    """Do the same without asking to stand alone."""
    return await _leave(name)


@flow("test_postgres.arrive")
async def arrive(given: Given, *, name: str) -> None:
    """Come on duty."""
    await write(Writes(changes=(DUTY.put({"id": name, "on": "yes"}),)))


@question("test_postgres.on_duty")
async def on_duty(given: Given) -> int:
    """Count who is on duty."""
    return len((await find(DUTY, "on", equal=("on",))).items)


@pytest.mark.parametrize(("leaving", "left"), [(leave, 1), (leave_carelessly, 0)])
def test_a_rule_over_a_set_of_rows_holds_when_declared(
    database: postgres.Postgres, leaving: Callable[..., Any], left: int
) -> None:
    """A flow declared serializable stands as if it ran alone; undeclared, two of them break a rule over a set."""
    shop = Host(database, secret=SECRET)
    for name in ("a", "b"):
        shop.run(arrive(name=name))
    _meet.reset()
    raised = at_once(lambda: shop.run(leaving(name="a")), lambda: shop.run(leaving(name="b")))
    assert raised == []
    assert shop.run(on_duty()) == left


# ------------------------------------------------------------------------------------------------- connections, crashes


@flow("test_postgres.receive")
async def receive(given: Given, *, name: str) -> None:
    """Bring one unit."""
    await write(Writes(moves=(receipt(name, "node/a/on-hand"),)))


@question("test_postgres.on_hand")
async def on_hand(given: Given) -> int:
    """Count the units there."""
    account = Account(UNIT, "node/a/on-hand")
    return (await balances([account]))[account].posted


def test_a_restarted_server_is_found_again() -> None:
    """After a crash of the server the next command succeeds, and everything that was answered is there."""
    with server(fsync=True) as own:
        shop = Host(postgres.open(own.fresh(), migrate=True), secret=SECRET)
        shop.run(receive(name="before"), command="before")
        own.crash()
        with pytest.raises(Conflict):
            shop.run(receive(name="meanwhile"), command="meanwhile")
        own.start()
        shop.run(receive(name="meanwhile"), command="meanwhile")
        assert shop.run(on_hand()) == 2
        assert not shop.verify().differences
        shop.close()


def test_a_commit_without_an_answer_is_in_doubt(
    database: postgres.Postgres, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection lost during COMMIT is told as such, and nothing is assumed."""
    commit = database_module.Session.commit

    def cut(self: database_module.Session) -> None:
        assert self._connection is not None
        with psycopg.connect(fresh_postgres, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (self._connection.info.backend_pid,))
        commit(self)

    monkeypatch.setattr(database_module.Session, "commit", cut)
    with pytest.raises(InDoubt), database.writing("main") as store:
        store.write(batch("b", receipt("r", "node/a/on-hand")))
    monkeypatch.undo()
    with database.reading("main") as store:
        assert store.balances([Account(UNIT, "node/a/on-hand")], NOW)[Account(UNIT, "node/a/on-hand")].posted == 0


class HostPool:
    """A host's own pool of one connection, with the host's own habits."""

    def __init__(self, conninfo: str) -> None:
        self.connection: psycopg.Connection[Any] = psycopg.connect(conninfo, row_factory=dict_row)
        self.lent = 0

    def getconn(self) -> psycopg.Connection[Any]:
        self.lent += 1
        return self.connection

    def putconn(self, conn: psycopg.Connection[Any]) -> None:
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        self.lent -= 1


def test_a_hosts_own_pool_keeps_its_habits(fresh_postgres: str) -> None:
    """A pool of the host's lends connections and gets them back as they were: its rows, its transactions, its plans."""
    postgres.migrate(fresh_postgres)
    pool = HostPool(fresh_postgres)
    shop = Host(postgres.open(pool), secret=SECRET)
    for turn in range(8):
        shop.run(receive(name=f"r{turn}"), command=f"r{turn}")
        # A host's ROLLBACK makes psycopg discard everything prepared on the connection, ours too.
        pool.connection.execute("SELECT 1 AS one")
        pool.connection.rollback()
    assert shop.run(on_hand()) == 8
    assert pool.lent == 0
    assert not pool.connection.autocommit
    shown = pool.connection.execute("SHOW enable_seqscan").fetchone()
    assert shown == {"enable_seqscan": "on"}
    pool.connection.close()


def test_a_fork_opens_connections_of_its_own(database: postgres.Postgres) -> None:
    """A process that forks shares no connection with its child, and both go on."""
    shop = Host(database, secret=SECRET)
    shop.run(receive(name="parent"))
    child = os.fork()
    if not child:
        try:
            shop.run(receive(name="child"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    shop.run(receive(name="parent again"))
    assert shop.run(on_hand()) == 3


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_no_database_takes_is_malformed(database: postgres.Postgres, text: str) -> None:
    """Text that UTF-8 cannot write, or that ends inside, is refused, and the transaction goes on."""
    put = Put(kind="k", key="n", expected=0, schema=1, body=text)
    with database.writing("main") as store:
        with pytest.raises(Malformed):
            store.write(batch("b", changes=(put,)))
        store.write(batch("c", receipt("r", "node/a/on-hand")))
    with database.reading("main") as store:
        assert store.load("k", ["n"]) == {}


# -------------------------------------------------------------------------------------------------------------- schema


def test_a_database_is_judged_before_it_is_used(fresh_postgres: str) -> None:
    """Missing tables, and tables of a newer version, are refused by name and left as they are."""
    with pytest.raises(postgres.SchemaDiffers) as missing:
        postgres.open(fresh_postgres)
    assert missing.value.facts == {"found": 0, "wanted": WANTED}
    assert postgres.migrate(fresh_postgres) == WANTED
    assert postgres.migrate(fresh_postgres) == 0
    postgres.open(fresh_postgres).close()
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute("UPDATE omni_schema SET version = 99")
    for attempt in (lambda: postgres.open(fresh_postgres, migrate=True), lambda: postgres.migrate(fresh_postgres)):
        with pytest.raises(postgres.SchemaDiffers, match="newer omnicore"):
            attempt()


def test_what_cannot_be_reached_is_refused_without_its_address() -> None:
    """A server that is not there is refused, and the refusal tells neither host nor password."""
    with pytest.raises(postgres.CannotOpen) as refused:
        postgres.open("host=/nowhere password=hush dbname=x")
    assert "hush" not in str(refused.value)
    assert "nowhere" not in str(refused.value)


def test_two_may_migrate_at_once(fresh_postgres: str) -> None:
    """Of several processes that migrate an empty database at once, one does it and none fails."""
    made: list[int] = []
    assert at_once(*[lambda: made.append(postgres.migrate(fresh_postgres))] * 4) == []
    assert sum(made) == WANTED


def test_the_printed_migration_is_the_migration(fresh_postgres: str) -> None:
    """A database administrator who runs the printed script gets a database that opens."""
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute(postgres.migration_sql().encode())
    postgres.open(fresh_postgres).close()


def test_normal_running_needs_few_rights(fresh_postgres: str, postgres_server: Server) -> None:
    """A role with the printed rights can do everything but change tables and rewrite what has happened."""
    postgres.migrate(fresh_postgres)
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS clerk")
        connection.execute("CREATE ROLE clerk LOGIN")
        connection.execute(postgres.grants_sql("clerk").encode())
    try:
        conninfo = psycopg.conninfo.make_conninfo(fresh_postgres, user="clerk")
        shop = Host(postgres.open(conninfo), secret=SECRET)
        shop.run(receive(name="r"), command="r")
        shop.work()
        assert not shop.verify().differences
        shop.close()
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for statement in (
                "UPDATE omni_journal SET data = ''",
                "DELETE FROM omni_entries",
                "DROP TABLE omni_heads",
                "ALTER TABLE omni_balances DROP CONSTRAINT omni_never_oversold",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
    finally:
        with psycopg.connect(fresh_postgres, autocommit=True) as connection:
            connection.execute("DROP OWNED BY clerk")
            connection.execute("DROP ROLE clerk")
    with pytest.raises(Malformed):
        postgres.grants_sql("clerk; DROP TABLE x")


# ------------------------------------------------------------------------------------------------------------- dialect

USED = {
    "BEGIN ISOLATION LEVEL",
    "BIGINT",
    "BOOLEAN",
    "BYTEA",
    "CHECK",
    "COLLATE",
    "CREATE INDEX",
    "CREATE TABLE",
    "CREATE UNIQUE INDEX",
    "CROSS JOIN LATERAL",
    "DELETE USING",
    "FOR UPDATE",
    "GENERATED BY DEFAULT AS IDENTITY",
    "ON CONFLICT DO NOTHING",
    "ON CONFLICT DO UPDATE",
    "PARTIAL INDEX",
    "RETURNING",
    "ROW COMPARISON",
    "SAVEPOINT",
    "UNNEST OF SEVERAL ARRAYS",
    "UPDATE FROM",
    "WITH RECURSIVE",
}
"""What of the dialect is used; each is in CockroachDB and YugabyteDB too."""

NOT_EVERYWHERE = re.compile(
    r"\b(TRIGGER|FUNCTION|PROCEDURE|LISTEN|NOTIFY|pg_advisory\w*|DEFERRABLE|EXCLUDE|DOMAIN|INHERITS|MERGE|LOCK TABLE|"
    r"TABLESAMPLE|CTID|XMIN|TXID\w*|pg_current_xact\w*|jsonb?_\w+|LANGUAGE|RULE|MATERIALIZED|TEMP|UNLOGGED|CURSOR)\b",
    re.IGNORECASE,
)


def texts_of_sql() -> str:
    """Give every text of the adapter that is SQL."""
    folder = Path(database_module.__file__).parent
    strings = re.findall(r'"""(.*?)"""|"([^"\n]*)"', "\n".join(f.read_text() for f in folder.glob("*.py")), re.DOTALL)
    words = re.compile(r"\s*\(?\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|BEGIN|SAVEPOINT|WITH RECURSIVE|unnest\()")
    found = [text for pair in strings for text in pair if words.match(text)]
    return "\n".join([*found, FIRST_OF_ALL, *(statement for steps in MIGRATIONS for statement in steps)])


def test_only_widely_spoken_sql_is_used() -> None:
    """Nothing is used that CockroachDB or YugabyteDB lack; the list of what is used is complete."""
    sql = texts_of_sql()
    assert len(sql) > 8000, "the texts were found"
    assert NOT_EVERYWHERE.findall(sql) == []
    patterns = {
        "BEGIN ISOLATION LEVEL": r"BEGIN ISOLATION LEVEL",
        "CROSS JOIN LATERAL": r"LATERAL",
        "DELETE USING": r"DELETE FROM [\w ]+ USING",
        "ON CONFLICT DO NOTHING": r"DO NOTHING",
        "ON CONFLICT DO UPDATE": r"DO UPDATE",
        "PARTIAL INDEX": r"CREATE (UNIQUE )?INDEX [^\n]* WHERE",
        "ROW COMPARISON": r"\([\w.]+, [\w.]+\) (>|<|<=) \(",
        "UNNEST OF SEVERAL ARRAYS": r"unnest\(%\(\w+\)s::\w+\[\],",
        "UPDATE FROM": r"UPDATE \w+ AS \w\s+SET .*?FROM",
    }
    for feature in USED:
        assert re.search(patterns.get(feature, feature), sql, re.DOTALL), f"{feature} is not used: take it off the list"
    every = set(re.findall(r"\b(BIGINT|INTEGER|TEXT|BYTEA|BOOLEAN|JSONB?|NUMERIC|UUID|TIMESTAMPTZ|SERIAL)\b", sql))
    assert every <= {"BIGINT", "INTEGER", "TEXT", "BYTEA", "BOOLEAN"}


def test_every_key_leads_with_the_shop() -> None:
    """Every primary key and every index begins with the shop, so that a shop's rows stay together when distributed."""
    statements = [statement for steps in MIGRATIONS for statement in steps]
    keys = re.findall(r"PRIMARY KEY \((\w+)", "\n".join(statements)) + [
        found[1] for statement in statements if (found := re.search(r"INDEX .* ON \w+ \((\w+)", statement))
    ]
    assert len(keys) > len(TABLES)
    assert set(keys) == {"shop"}


@contextmanager
def every_statement() -> Iterator[set[str]]:
    """Collect the text of every statement that is sent."""
    seen: set[str] = set()
    send = Journeys.send

    def listening(self: Journeys, queries: Sequence[Query]) -> Sequence[Result]:
        seen.update(query.sql for query in queries)
        return send(self, queries)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journeys, "send", listening)
        yield seen


def test_no_statement_reads_a_whole_table(database: postgres.Postgres, fresh_postgres: str) -> None:
    """Every statement of the store finds its rows by an index, as the server itself says of its plans."""
    from omnicore.testing import check_store  # noqa: PLC0415 - for its steps only

    class Kept(postgres.Postgres):
        def close(self) -> None:
            """Stay open."""

    with every_statement() as seen:
        check_store(lambda: Kept(database._pool), examples=3)
    assert len(seen) > 30
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_hashjoin = off")
        connection.execute("SET enable_mergejoin = off")
        for number, sql in enumerate(sorted(seen)):
            if not re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", sql) or "set_config" in sql:
                continue
            names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
            text = re.sub(r"%\((\w+)\)s", lambda found, names=names: f"${names.index(found[1]) + 1}", sql)  # type: ignore[misc] # bound early
            connection.execute(f"PREPARE each{number} AS {text}".encode())
            plan = connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}".encode(), prepare=False).fetchall()
            told = "\n".join(row[0] for row in plan)
            assert not re.search(r"Seq Scan on omni_", told), f"{sql}\n{told}"
