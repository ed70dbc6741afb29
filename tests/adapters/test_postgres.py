"""Does PostgreSQL keep the books right where writers meet, and rules where sets of rows do?"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from omnicore import Given, Host, Writes, flow, question
from omnicore.adapters import postgres
from omnicore.adapters.postgres import ledger_lock
from omnicore.adapters.postgres.wire import Query
from omnicore.kernel.errors import Conflict, Malformed, Refused
from omnicore.kernel.flow import balances, find, get, write
from omnicore.kernel.ledger import MAX_AMOUNT, Account, Floor, Hold, Move, Settle
from omnicore.kernel.records import Index, Kind
from omnicore.kernel.time import Instant
from omnicore.testing.postgres_server import Server
from tests.adapters.postgres_writers import NOW, SECRET, UNIT, at_once, batch, hold, receipt, receive, writing


@pytest.fixture
def database(fresh_postgres: str) -> Iterator[postgres.Postgres]:
    """Give an empty database."""
    opened = postgres.open(fresh_postgres, migrate=True)
    yield opened
    opened.close()


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


def deadlocks(database: postgres.Postgres) -> int:
    """Let two writers promise goods at the same places, each in another order; how often they deadlocked."""
    places = [f"node/{number}/on-hand" for number in range(12)]
    writing(database, batch("in", *(receipt(f"in{place}", place, 10**6) for place in places)))()
    works, met = [], list[BaseException | None]()
    for writer in range(4):
        order = places if writer % 2 else places[::-1]
        batches = [
            batch(f"{writer}.{turn}", *(hold(f"{writer}.{turn}.{place}", place) for place in order))
            for turn in range(15)
        ]
        works.append(writing(database, *batches, met=met))
    assert at_once(*works) == []
    return sum(isinstance(cause, psycopg.errors.DeadlockDetected) for cause in met)


def test_promises_in_any_order_never_deadlock(database: postgres.Postgres) -> None:
    """Writers that name the same places in opposite orders wait for each other, but never in a circle."""
    assert deadlocks(database) == 0
    assert database_verified(database)


def test_unsorted_locks_are_seen(
    database: postgres.Postgres, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks taken in the order in which a batch names its places deadlock, and the same test sees it."""
    unsorted = ledger_lock._LOCK_GIVEN.replace("ORDER BY a.unit, a.path", "ORDER BY md5(a.path || %(at)s)")
    monkeypatch.setattr(ledger_lock, "_LOCK_GIVEN", unsorted)
    monkeypatch.setattr(ledger_lock, "_LOCKS", frozenset({unsorted}))
    ticks = iter(range(10**9))
    kept = ledger_lock.locking

    def shaken(shop: str, moves: Sequence[Move], at: Instant) -> tuple[Query, ...]:
        return kept(shop, moves, at.plus(micros=next(ticks) % 7))

    monkeypatch.setattr(ledger_lock, "locking", shaken)
    impatient = psycopg.conninfo.make_conninfo(fresh_postgres, options="-c deadlock_timeout=5ms")
    assert deadlocks(postgres.open(impatient)) > 0


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


def test_a_promise_made_meanwhile_loses_no_goods(database: postgres.Postgres, fresh_postgres: str) -> None:
    """Goods sent on a promise made at that moment never wipe out what already lies at their goal."""
    here, there = "node/here/on-hand", "node/there/on-hand"
    writing(database, batch("in", receipt("in1", here, 10), receipt("in2", there, 100)))()
    sent = batch("send", receipt("in3", here), Settle(id="sent", hold="h", amount=1))
    with psycopg.connect(fresh_postgres) as first, psycopg.connect(fresh_postgres, autocommit=True) as watching:
        first.execute("SELECT FROM omni_balances WHERE path = %s FOR UPDATE", (here,))
        second = threading.Thread(target=writing(database, sent))
        second.start()
        while not watching.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount:
            pass  # until the second waits where the first has the lock
        promise = Hold(id="h", unit=UNIT, source=here, target=there, amount=1)
        postgres.PostgresStore(first, "main", writable=True).write(batch("promise", promise))
        first.commit()
        second.join()
    assert database_verified(database)
    with database.reading("main") as store:
        balance = store.balances([Account(UNIT, there)], NOW)[Account(UNIT, there)]
    assert balance.posted == 101


def test_the_quick_way_keeps_the_bounds(database: postgres.Postgres) -> None:
    """More is never promised at one place than an account can count, whichever way the promise is written."""
    place = Account(UNIT, "node/a/on-hand")
    floor = Floor(unit=UNIT, path=place.path, floor=-MAX_AMOUNT)
    writing(database, batch("in", receipt("in", place.path), floor))()
    raised: list[object] = []
    for name, amount in (("most", MAX_AMOUNT), ("one more", 1), ("one more", 1)):
        promise = Hold(id=name, unit=UNIT, source=place.path, target="world/customer", amount=amount)
        try:
            with database.writing("main") as store:
                store.conclude(batch(name, promise))
        except (Conflict, Malformed) as error:
            raised.append(type(error))
    assert raised == [Conflict, Malformed]


def test_a_repeat_gets_through_a_crowd(database: postgres.Postgres) -> None:
    """A promise that is made again is found to be made, however many others are promised goods there meanwhile."""
    place = Account(UNIT, "node/a/on-hand")
    writing(database, batch("in", receipt("in", place.path, 100), hold("again", place.path)))()
    met = 0
    for other in range(3):  # after each failure somebody else is the next at that place
        try:
            with database.writing("main") as store:
                store.conclude(batch("again", hold("again", place.path)))
        except Conflict:
            met += 1
            with database.writing("main") as store:
                store.conclude(batch(f"other {other}", hold(f"other {other}", place.path)))
    assert met == 2
    assert database_verified(database)


_first, _second = threading.Event(), threading.Event()


class SoldOut(Refused):
    """Nothing is left."""

    code = "test_postgres.sold_out"


@flow("test_postgres.take_the_last")
async def take_the_last(given: Given) -> str:
    """Promise one unit, if one is left."""
    place = Account(UNIT, "node/a/on-hand")
    await get(DUTY, "a")
    if threading.current_thread() is not threading.main_thread():
        _first.set()
        _second.wait(5)
    if (await balances([place]))[place].available < 1:
        raise SoldOut("nothing is left")
    await write(Writes(moves=(hold("last", place.path),)))
    return "taken"


@pytest.mark.parametrize("grouped", [False, True])
def test_two_clicks_on_the_last_one_get_one_answer(database: postgres.Postgres, *, grouped: bool) -> None:
    """Of two clicks on the last unit under one key, the slower is told that it was taken, never that it is sold out."""
    shop = Host(database, secret=SECRET)
    shop.run(receive(name="in"))
    _first.clear()
    _second.clear()
    answers: list[object] = []

    def click() -> None:
        if grouped:
            answers.extend(shop.run_many([(take_the_last(), "click")]))
        else:
            answers.append(shop.run(take_the_last(), command="click"))

    slower = threading.Thread(target=click)
    slower.start()
    _first.wait(5)
    click()
    _second.set()
    slower.join()
    assert answers == ["taken", "taken"]
    with pytest.raises(SoldOut):
        shop.run(take_the_last(), command="another")


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
