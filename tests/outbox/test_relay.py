"""Is everybody told of what happened, in order, whatever fails on the way?"""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest

from omnicore.adapters import postgres, sqlite
from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.access import Access, Accessed
from omnicore.kernel.errors import Conflict, Malformed
from omnicore.kernel.flow import Given, flow, write
from omnicore.kernel.journal import Envelope
from omnicore.kernel.relay import PROGRESS, CloudEvent, Progress, Relay
from omnicore.kernel.store import Database, Writes
from omnicore.testing import Clock, Ids, Lossy, Points, Stopped, Stopping
from omnicore.testing.clock import SECRET
from omnicore.testing.counting import count, seen
from tests.outbox.telling import Broker, Overlapping, counted_in, host, sell, what


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give an empty database of each sort."""
    if request.param == "memory":
        yield Memory()
        return
    if request.param == "postgres":
        with closing(postgres.open(request.getfixturevalue("fresh_postgres"), migrate=True)) as opened_there:
            yield opened_there
        return
    opened = sqlite.open(tmp_path / "shop.db", migrate=True, synchronous="NORMAL")
    yield opened
    opened.close()


def test_everything_is_told_once_and_in_order(database: Database) -> None:
    """Everything that happened is published in the order of the journal, and nothing a second time."""
    broker = Broker()
    shop = host(database, broker, batch=3)
    sell(shop, *"abacab")
    assert shop.work().relayed == {"out": 6}
    assert broker.told() == [("a", 1), ("b", 1), ("a", 2), ("c", 1), ("a", 3), ("b", 2)]
    assert [event["id"] for event in broker.events] == [envelope.id for envelope in shop.journal()]
    assert {event["source"] for event in broker.events} == {"omnicore/main"}
    assert shop.work().relayed == {}
    assert len(broker.events) == 6


def test_what_was_rolled_back_is_not_told(database: Database) -> None:
    """What was undone never happened, and nobody hears of it."""
    broker = Broker()
    shop = host(database, broker)
    with suppress(ZeroDivisionError), database.writing("main") as store:
        counted_in(store, "a")
        raise ZeroDivisionError
    sell(shop, "b")
    shop.work()
    assert broker.told() == [("b", 1)]


def test_a_broker_that_is_down_is_tried_again_later_and_later(database: Database) -> None:
    """While the broker is down nothing is lost: tries become rarer, and the list of relays shows the trouble."""
    clock, broker = Clock(), Broker()
    shop = host(database, broker, clock=clock)
    sell(shop, "a", "b")

    def down(event: CloudEvent) -> None:
        raise ConnectionError

    broker.before = down
    for _ in range(10):
        shop.work()
        before = broker.calls
        (standing,) = shop.relays()
        assert standing.error == "ConnectionError"
        assert (standing.waiting, standing.oldest) == (2, next(shop.journal()).at)
        assert standing.due is not None
        clock.set(standing.due.plus(micros=-1))
        shop.work()
        assert broker.calls == before, "tried before the pause was over"
        clock.set(standing.due)
    broker.before = lambda event: None
    shop.work()
    assert broker.told() == [("a", 1), ("b", 1)]
    (standing,) = shop.relays()
    assert (standing.waiting, standing.error, standing.attempts, standing.oldest) == (0, None, 0, None)


def test_pauses_double_up_to_five_minutes() -> None:
    """A relay that keeps failing waits 1, 2, 4, ... seconds, and never longer than five minutes."""
    clock = Clock()
    page = (Envelope(id="e", type="t", about="a", at=clock(), by="", command=None, data="{}", position=1),)
    progress, pauses = Progress(name="out"), []
    for _ in range(40):
        progress = progress.failed(clock(), ConnectionError(), page)
        assert progress.due is not None
        pauses.append((progress.due.micros - clock().micros) // 1_000_000)
    assert pauses[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(pauses[9:]) == {300}


def test_an_event_nobody_takes_stops_its_relay_and_no_other(database: Database) -> None:
    """An event that the broker never takes stops its relay where everybody can see it; it is never skipped."""
    clock, broker, other = Clock(), Broker(), Broker()
    relays = [Relay(name="out", publisher=broker), Relay(name="other", publisher=other)]
    shop = Host(database, relays=relays, secret=SECRET, clock=clock, new_id=Ids())
    sell(shop, *"aabbc")

    def poisoned(event: CloudEvent) -> None:
        if what(event) == ("b", 1):
            raise ValueError

    broker.before = poisoned
    for _ in range(3):
        shop.work()
        clock.advance(minutes=10)
    out, fine = shop.relays()
    assert (out.error, out.waiting, out.event) == ("ValueError", 3, list(shop.journal())[2].id)
    assert (fine.error, fine.waiting) == (None, 0)
    told = seen(broker.told(), wanted={"a": 2})
    assert (told.lost, told.overtaken, {name for name, _ in broker.told()}) == (0, 0, {"a"})
    broker.before = lambda event: None
    shop.retry_relay("out")
    shop.work()
    told = seen(broker.told(), wanted={"a": 2, "b": 2, "c": 1})
    assert (told.lost, told.overtaken) == (0, 0)
    assert other.told() == [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1)]


class Forward(Broker):
    """The broken control: a publisher that answers before anything is safe, and dies at an event."""

    def publish(self, events: Sequence[CloudEvent], /) -> None:
        self.calls += 1
        for event in events:
            try:
                self.before(event)
            except Stopped:
                return
            self.events.append(event)


@pytest.mark.parametrize("broken", [False, True])
def test_a_relay_killed_anywhere_loses_nothing(*, broken: bool) -> None:
    """A worker may be killed at any point of its round: whoever takes over tells the rest, in order."""
    wanted = {"a": 3, "b": 2, "c": 2}
    reached, lost, repeated = 0, 0, 0
    for stop_at in range(1, 200):
        database, clock = Memory(), Clock()
        broker = Forward() if broken else Broker()
        points = Points(stop_at=stop_at)
        broker.before = broker.after = lambda event, points=points: points.point()  # type: ignore[misc] # bound early
        shop = host(Stopping(database, points), broker, clock=clock, batch=3)
        sell(host(database, broker, clock=clock, ids="seller"), *"abacabc")
        try:
            shop.work()
        except Stopped:
            reached += 1
        stopped = points.passed >= stop_at
        clock.advance(minutes=2)
        successor = host(database, broker, clock=clock, ids="b", batch=3)
        successor.work()
        told = seen(broker.told(), wanted=wanted)
        lost, repeated = lost + told.lost, repeated + told.repeated
        assert told.overtaken == 0 or broken
        (standing,) = successor.relays()
        assert (standing.waiting, standing.error) == (0, None)
        if not stopped:
            break
    assert reached > 30
    assert (lost > 0) == broken
    assert repeated > 0 or broken


@pytest.mark.parametrize(("commits", "answers"), [(1, 0), (0, 1), (2, 2), (0, 3)])
def test_a_broken_line_to_the_database_loses_nothing(commits: int, answers: int) -> None:
    """Where the database loses a commit or its answer, everything is told all the same."""
    database, clock, broker = Memory(), Clock(), Broker()
    sell(host(database, broker, clock=clock, ids="seller"), *"aabb")
    Host(database).number()
    shop = host(Lossy(database, commits_lost=commits, answers_lost=answers), broker, clock=clock, batch=2)
    for _ in range(6):
        with suppress(Conflict):
            shop.work()
        clock.advance(minutes=2)
    told = seen(broker.told(), wanted={"a": 2, "b": 2})
    assert (told.lost, told.overtaken) == (0, 0)
    assert shop.relays()[0].waiting == 0


@pytest.mark.parametrize("fenced", [True, False])
def test_a_worker_that_was_too_slow_moves_no_cursor(monkeypatch: pytest.MonkeyPatch, *, fenced: bool) -> None:
    """A worker whose lease ran out while it published cannot undo what its successor has done."""
    if not fenced:  # the broken control: whoever comes last is believed
        monkeypatch.setattr("omnicore.host.relaying.note_progress", _unfenced(database := Memory()))
    else:
        database = Memory()
    clock, broker, fast = Clock(), Broker(), Broker()
    slow = host(database, broker, clock=clock, batch=2)
    successor = host(database, fast, clock=clock, ids="b", batch=2)
    sell(slow, *"abcd")

    def overtake(event: CloudEvent) -> None:
        broker.after = lambda event: None
        clock.advance(minutes=2)
        successor.work()

    broker.after = overtake
    slow.work()
    assert fast.told() == [(name, 1) for name in "abcd"]
    with database.reading("main") as store:
        stands = PROGRESS.read(store.load(PROGRESS.name, ["out"])["out"]).value
    at_the_end = stands.position == max(envelope.position or 0 for envelope in slow.journal())
    repeats = len(broker.told()) - 2
    assert (at_the_end and repeats == 0) == fenced


def _unfenced(database: Database) -> object:
    from omnicore.kernel.relay import note_progress  # noqa: PLC0415 - the one that is replaced

    def note(*, progress: Progress, version: int) -> object:
        with database.reading("main") as store:
            document = store.load(PROGRESS.name, [progress.name]).get(progress.name)
        return note_progress(progress=progress, version=document.version if document else 0)

    return note


def test_of_two_workers_one_tells() -> None:
    """While one worker publishes, another leaves that relay alone."""
    database, clock, broker, idle = Memory(), Clock(), Broker(), Broker()
    first, second = host(database, broker, clock=clock), host(database, idle, clock=clock, ids="b")
    sell(first, "a", "b")
    broker.before = lambda event: sell(second, "c") if second.work().relayed == {} else None
    first.work()
    assert idle.told() == []
    assert broker.told()[:2] == [("a", 1), ("b", 1)]


@flow("test_relay.look")
async def look(given: Given, *, subject: str) -> None:
    """Tell that somebody has looked at a subject's data."""
    happened = Accessed(subject=subject, kind="k", fields=(), access=Access.READ, flow="f", purpose=None)
    await write(Writes(events=(happened,)))


def test_a_second_worker_may_come_in_at_any_point() -> None:
    """Wherever another worker comes in between, events are told once and in order: one of the two has the lease."""
    came = 0
    for at in range(1, 100):
        database, clock, broker = Overlapping(), Clock(), Broker()
        second = host(database, broker, clock=clock, ids="b", batch=2)
        points = Points(stop_at=at, error=None, at_point=lambda second=second: second.work() and None)  # type: ignore[misc] # bound early
        first = host(Stopping(database, points), broker, clock=clock, batch=2)
        sell(second, *"abcab")
        with suppress(Conflict):
            first.work()
        came += points.passed >= at
        second.work()
        assert broker.told() == [("a", 1), ("b", 1), ("c", 1), ("a", 2), ("b", 2)]
        if points.passed < at:
            break
    assert came > 20


def test_a_relay_hears_what_it_asked_for() -> None:
    """A relay hears of the kinds of events it named; who looked at whose personal data is told only if named."""
    broker, audit, every = Broker(), Broker(), Broker()
    database = Memory()
    relays = [
        Relay(name="returns", publisher=broker, types=("returns.", "testing.else")),
        Relay(name="audit", publisher=audit, types=("kernel.accessed.",), source="https://shop.example"),
        Relay(name="every", publisher=every),
    ]
    shop = Host(database, relays=relays, new_id=Ids())
    sell(shop, "a")
    shop.run(look(subject="c1"))
    assert shop.work().relayed == {"audit": 1, "every": 1}
    assert broker.events == []
    assert [(event["type"], event["source"]) for event in audit.events] == [
        ("jp.omnicore.kernel.accessed.v1", "https://shop.example")
    ]
    assert every.told() == [("a", 1)]
    assert [standing.waiting for standing in shop.relays()] == [0, 0, 0]
    assert len({standing.position for standing in shop.relays()}) == 1


class Awaited(Broker):
    """A publisher of asyncio."""

    async def publish(self, events: Sequence[CloudEvent], /) -> None:  # type: ignore[override] # either is a publisher
        super().publish(events)


async def _aworked(shop: Host) -> None:
    await shop.awork()


def test_a_publisher_may_be_asynchronous() -> None:
    """A publisher that awaits is awaited by an asynchronous worker; a synchronous one says that it cannot."""
    import asyncio  # noqa: PLC0415 - for this test alone

    clock, broker = Clock(), Awaited()
    shop = host(Memory(), broker, clock=clock)
    sell(shop, "a", "b")
    with pytest.raises(AssertionError, match="asynchronous"):
        shop.work()
    assert shop.relays()[0].error == "AssertionError"
    clock.advance(seconds=2)
    asyncio.run(_aworked(shop))
    asyncio.run(_aworked(shop))
    assert broker.told() == [("a", 1), ("b", 1)]
    shop.close()


@pytest.mark.parametrize(
    "relays",
    [
        {"": Broker()},
        "nats",
        [Broker()],
        [Relay(name="out", publisher=Broker()), Relay(name="out", publisher=Broker())],
    ],
)
def test_odd_relays_are_refused_at_once(relays: object) -> None:
    """A host says at once that its relays are not named well, not when the first event is lost."""
    with pytest.raises(Malformed):
        Host(Memory(), relays=relays)  # type: ignore[arg-type] # what a host may be given by mistake


def test_publishers_by_name_are_relays() -> None:
    """Publishers given by name are relays of those names."""
    broker = Broker()
    shop = Host(Memory(), relays={"nats": broker})
    shop.run(count(counters=("a",)))
    assert shop.work().relayed == {"nats": 1}
    assert broker.told() == [("a", 1)]


@flow("test_relay.note")
async def note(given: Given, *, events: tuple[Envelope, ...]) -> None:
    """Tell of every event once more, so that a follower's effect can be counted."""
    told = tuple(
        Accessed(subject=each.about, kind="k", fields=(), access=Access.READ, flow="f", purpose=None) for each in events
    )
    await write(Writes(events=told))


def test_an_asynchronous_database_is_told_of_alike(fresh_postgres: str) -> None:
    """On an asynchronous database a worker relays, follows, fails and goes on as on any other."""
    import asyncio  # noqa: PLC0415 - for this test alone

    postgres.migrate(fresh_postgres)
    clock, broker = Clock(), Awaited()

    def down(event: CloudEvent) -> None:
        raise ConnectionError

    async def story() -> None:
        shop = Host(
            postgres.open_async(fresh_postgres), relays={"out": broker}, secret=SECRET, clock=clock, new_id=Ids()
        )
        shop.follow("again", note, types=("testing.",))
        await shop.arun(count(counters=("a", "b")))
        broker.before = down
        worked = await shop.awork()
        assert (worked.relayed, worked.followed) == ({}, {"again": 2})
        out, again = await shop.arelays()
        assert (out.error, out.waiting, again.error, again.waiting) == ("ConnectionError", 2, None, 0)
        broker.before = lambda event: None
        await shop.aretry_relay("out")
        assert (await shop.awork()).relayed == {"out": 2}
        assert len([each async for each in shop.ajournal()]) == 4
        await shop.aclose()

    asyncio.run(story())
    assert broker.told() == [("a", 1), ("b", 1)]


def test_a_round_ends_though_events_keep_coming() -> None:
    """A relay with a long way to go leaves the worker time for its other duties, and goes on in the next round."""
    broker = Broker()
    shop = host(Memory(), broker, batch=1)

    def go_on(event: CloudEvent) -> None:
        if len(broker.events) < 150:
            sell(shop, "more")
            shop.number()

    broker.after = go_on
    sell(shop, "a")
    assert shop.work().relayed == {"out": 100}
    assert shop.work().relayed == {"out": 50}
