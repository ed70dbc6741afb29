"""Does every event have its effect on a read model exactly once?"""

from collections.abc import Callable

import pytest
from attrs import frozen

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.flow import Flow, Given, get, load, question, write
from omnicore.kernel.flow import flow as declared
from omnicore.kernel.journal import Envelope
from omnicore.kernel.records import Kind
from omnicore.kernel.store import Database, Writes
from omnicore.testing import Clock, Ids, Points, Stopped, Stopping
from omnicore.testing.counting import Counted
from tests.outbox.telling import Overlapping, sell


@frozen(kw_only=True)
class Sales:
    """How often a counter was seen to count: a read model."""

    id: str
    times: int


SALES = Kind(name="test_following.sales", type=Sales, key=lambda sales: sales.id)
POISONED: set[str] = set()


class Odd(Refused):
    """The handler does not like what happened."""

    code = "test_following.odd"


@declared("test_following.add_up")
async def add_up(given: Given, *, events: tuple[Envelope, ...]) -> None:
    """Add up how often each counter has counted."""
    happened = [envelope.read() for envelope in events]
    names = [each.about for each in happened if isinstance(each, Counted)]
    if POISONED & set(names):
        raise Odd
    stood = await load(SALES, names)
    changes = []
    for name in sorted(set(names)):
        before = stood[name].value.times if name in stood else 0
        after = Sales(id=name, times=before + names.count(name))
        changes.append(stood[name].put(after) if name in stood else SALES.put(after))
    await write(Writes(changes=tuple(changes)))


@question("test_following.read_sales")
async def read_sales(given: Given, *, names: tuple[str, ...]) -> dict[str, int]:
    """Read how often each counter was seen to count."""
    return {name: stored.value.times for name, stored in (await load(SALES, names)).items()}


Handler = Callable[..., Flow[None]]


def follower(database: Database, *, handler: Handler = add_up, clock: Clock | None = None, ids: str = "a") -> Host:
    """Make a worker's host that keeps the read model, three events at a time."""
    shop = Host(database, clock=clock or Clock(), new_id=Ids(ids))
    shop.follow("sales", handler, types=("testing.",), batch=3)
    return shop


def test_a_read_model_is_kept_up() -> None:
    """A read model holds everything that happened, however often the worker goes round."""
    shop = follower(Memory())
    sell(shop, *"abacaba")
    assert shop.work().followed == {"sales": 7}
    assert shop.work().followed == {}
    sell(shop, "c")
    shop.work()
    assert shop.run(read_sales(names=("a", "b", "c"))) == {"a": 4, "b": 2, "c": 2}


NOTED: list[str] = []


@declared("test_following.add_up_twice")
async def forgets(given: Given, *, events: tuple[Envelope, ...]) -> None:
    """Add up in a place of its own, outside the transaction: the broken control."""
    NOTED.extend(envelope.about for envelope in events)
    await get(SALES, "a")
    await write(Writes())


def test_a_follower_killed_anywhere_counts_once() -> None:
    """A worker may be killed at any point: each event has had its effect once, when another has taken over."""
    caught, reached = 0, 0
    for stop_at in range(1, 200):
        database, clock, points = Memory(), Clock(), Points(stop_at=stop_at)
        NOTED.clear()
        shop = follower(Stopping(database, points), clock=clock)
        shop.follow("control", forgets, types=("testing.",), batch=3)
        sell(follower(database, clock=clock, ids="seller"), *"abacaba")
        try:
            shop.work()
        except Stopped:
            reached += 1
        stopped = points.passed >= stop_at
        clock.advance(minutes=2)
        successor = follower(database, clock=clock, ids="b")
        successor.follow("control", forgets, types=("testing.",), batch=3)
        successor.work()
        assert successor.run(read_sales(names=("a", "b", "c"))) == {"a": 4, "b": 2, "c": 1}
        caught += NOTED.count("a") != 4
        if not stopped:
            break
    assert reached > 30
    assert caught, "the control was not caught"


def test_two_workers_count_once() -> None:
    """Two workers that follow at the same time count every event once."""
    database = Overlapping()
    first, second = follower(database), follower(database, ids="b")
    sell(first, *"aabbab")
    first.number()

    @declared("test_following.meanwhile")
    async def meanwhile(given: Given, *, events: tuple[Envelope, ...]) -> None:
        second.work()
        await add_up(events=events)

    third = follower(database, handler=meanwhile, ids="c")
    third.work()
    assert third.run(read_sales(names=("a", "b"))) == {"a": 3, "b": 3}


def test_a_handler_that_fails_is_seen_and_tried_again() -> None:
    """A handler that says no stops its follower at that event, in sight; nothing is skipped when it goes on."""
    clock = Clock()
    shop = follower(Memory(), clock=clock)
    sell(shop, *"aabba")
    POISONED.add("b")
    for _ in range(3):
        shop.work()
        clock.advance(minutes=10)
    (standing,) = shop.relays()
    assert (standing.error, standing.waiting, standing.event) == ("Odd", 3, list(shop.journal())[2].id)
    assert shop.run(read_sales(names=("a", "b"))) == {"a": 2}
    POISONED.clear()
    shop.retry_relay("sales")
    shop.work()
    assert shop.run(read_sales(names=("a", "b"))) == {"a": 3, "b": 2}
    assert shop.relays()[0].error is None


@declared("test_following.writes_twice")
async def writes_twice(given: Given, *, events: tuple[Envelope, ...]) -> None:
    """Write twice, which no flow may."""
    await write(Writes())
    await write(Writes())


def test_a_handler_writes_once() -> None:
    """A handler that writes twice is a bug, and is told so at once."""
    shop = follower(Memory(), handler=writes_twice)
    sell(shop, "a")
    with pytest.raises(AssertionError, match="writes once"):
        shop.work()
    assert shop.relays()[0].error == "AssertionError"


def test_a_name_belongs_to_one_follower() -> None:
    """Two followers of one name would move one cursor, so the second is refused."""
    shop = follower(Memory())
    with pytest.raises(Malformed):
        shop.follow("sales", add_up)
