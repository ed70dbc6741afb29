"""Does a message that comes twice, or at the same time, have its effect once?"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path

import pytest
from attrs import evolve, frozen
from hypothesis import given as examples
from hypothesis import strategies as st

from omnicore.adapters import postgres, sqlite
from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.host import Host
from omnicore.kernel.codec import JsonValue
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, flow, get, question, write
from omnicore.kernel.inbox import INBOX, Message, first_time, inbox_key
from omnicore.kernel.parked import Consumer, Handled, receive
from omnicore.kernel.records import Kind
from omnicore.kernel.store import Batch, Database, Writes
from omnicore.testing import Clock, Ids, Points, Stopped, Stopping
from omnicore.testing.clock import SECRET
from omnicore.testing.counting import Counted
from tests.outbox.telling import Overlapping


@frozen(kw_only=True)
class Stamps:
    """How many stamps a card has: an effect that shows whether it came twice."""

    id: str
    number: int


STAMPS = Kind(name="test_inbox.stamps", type=Stamps, key=lambda stamps: stamps.id)


async def stamped(id: str) -> Writes:
    """Give one more stamp."""
    stored = await get(STAMPS, id)
    now = Stamps(id=id, number=1 + (stored.value.number if stored else 0))
    return Writes(changes=(STAMPS.put(now) if stored is None else stored.put(now),))


@flow("test_inbox.stamp")
async def stamp(given: Given, *, message: Message) -> None:
    """Give a stamp, and trust that each message comes here once."""
    happened = message.read()
    assert isinstance(happened, Counted)
    await write(await stamped(happened.about))


@flow("test_inbox.stamp_first_time")
async def stamp_first_time(given: Given, *, message: Message) -> bool:
    """Give a stamp unless this message has given one, as a handler of one's own does."""
    if (noted := await first_time(given, consumer="own", message=message)) is None:
        return False
    await write(await stamped(message.read().about) + Writes(changes=(noted,)))
    return True


@question("test_inbox.count_stamps")
async def stamps(given: Given, *, id: str) -> int:
    """Count the stamps of a card."""
    stored = await get(STAMPS, id)
    return stored.value.number if stored else 0


LOYALTY = Consumer(name="loyalty", handler=stamp)


def cloudevent(
    id: str = "e1", *, about: str = "card", source: str = "omnicore/main", **more: JsonValue
) -> dict[str, JsonValue]:
    """Make a message about a counter."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": "jp.omnicore.testing.counted.v1",
        "subject": about,
        "data": {"about": about, "count": 1},
        **more,
    }


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    """Give a consumer's host on each sort of database."""
    if request.param == "memory":
        database: Database = Memory()
    elif request.param == "postgres":
        database = postgres.open(request.getfixturevalue("fresh_postgres"), migrate=True)
    else:
        database = sqlite.open(tmp_path / "shop.db", migrate=True, synchronous="NORMAL")
    host = Host(database, secret=SECRET, clock=Clock(), new_id=Ids())
    yield host
    host.close()


def test_a_message_counts_once_however_often_it_comes(shop: Host) -> None:
    """Whatever the order and number of deliveries, each message has its effect once."""
    messages = [cloudevent("e1"), cloudevent("e2"), cloudevent("e1", source="omnicore/other")]
    for order in permutations([*messages, messages[0]]):
        for message in order:
            shop.run(receive(LOYALTY, message))
    assert shop.run(stamps(id="card")) == 3
    assert shop.run(receive(LOYALTY, messages[0])) is Handled.REPEATED
    other = Consumer(name="other", handler=stamp)
    assert shop.run(receive(other, messages[0])) is Handled.DONE
    assert shop.run(stamps(id="card")) == 4


def test_a_handler_of_ones_own_notes_the_message_itself(shop: Host) -> None:
    """A flow that asks for the first time, and writes the note with its effect, has its effect once."""
    message = Message.of(cloudevent())
    assert [shop.run(stamp_first_time(message=message)) for _ in range(3)] == [True, False, False]
    assert shop.run(stamps(id="card")) == 1


class Forgetful(Overlapping):
    """The broken control: an inbox row that is not written with the effect."""

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
        with super().writing(shop, serializable=serializable) as store:
            kept = store.write

            def write(batch: Batch) -> None:
                kept(evolve(batch, changes=tuple(each for each in batch.changes if each.kind != INBOX.name)))

            store.write = write  # type: ignore[method-assign] # that is the sabotage
            yield store


@pytest.mark.parametrize("broken", [False, True])
def test_a_message_that_comes_twice_at_once_counts_once(*, broken: bool) -> None:
    """Two workers that get the same message at the same time give one effect between them."""
    database = Forgetful() if broken else Overlapping()
    first, second = Host(database, new_id=Ids()), Host(database, new_id=Ids("b"))
    overtaken: list[Handled] = []

    @flow(f"test_inbox.overtaken_{broken}")
    async def overtake(given: Given, *, message: Message) -> None:
        if not overtaken:
            overtaken.append(second.run(receive(LOYALTY, cloudevent())))
        await write(await stamped("other card"))

    answer = first.run(receive(Consumer(name="loyalty", handler=overtake), cloudevent()))
    assert overtaken == [Handled.DONE]
    assert (first.run(stamps(id="other card")), answer) == ((1, Handled.DONE) if broken else (0, Handled.REPEATED))


def test_a_consumer_killed_anywhere_counts_once() -> None:
    """A consumer killed at any point gets the message again, and has its effect once."""
    reached = 0
    for stop_at in range(1, 50):
        database, points = Memory(), Points(stop_at=stop_at)
        dying = Host(Stopping(database, points), new_id=Ids())
        try:
            dying.run(receive(LOYALTY, cloudevent()))
        except Stopped:
            reached += 1
        successor = Host(database, new_id=Ids("b"))
        successor.run(receive(LOYALTY, cloudevent()))
        assert successor.run(stamps(id="card")) == 1
        if points.passed < stop_at:
            break
    assert reached > 5


def test_the_inbox_forgets_after_its_window() -> None:
    """The worker forgets messages after the stated days and not a moment sooner; one that comes later is new."""
    clock, database = Clock(), Memory()
    shop = Host(database, clock=clock, new_id=Ids(), inbox_days=7)
    for number in range(1203):
        shop.run(receive(LOYALTY, cloudevent(f"e{number}")))
    clock.advance(days=7)
    shop.work()
    assert shop.run(receive(LOYALTY, cloudevent("e0"))) is Handled.REPEATED
    clock.advance(micros=1)
    shop.work()
    assert shop.verify().by_kind.get(INBOX.name, 0) == 0
    assert shop.run(receive(LOYALTY, cloudevent("e0"))) is Handled.DONE


def test_the_window_is_at_least_a_day() -> None:
    """An inbox that remembers nothing is refused when the host is set up."""
    with pytest.raises(Malformed):
        Host(Memory(), inbox_days=0)


@examples(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6)), min_size=2, unique=True))
def test_different_messages_have_different_keys(parts: list[tuple[str, str, str]]) -> None:
    """No two of (consumer, source, id) are taken for one another, whatever they are made of."""
    parts += [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("", "ab", "c")]
    storable = [each for each in parts if all(text.isprintable() for text in each)]
    assert len({inbox_key(*each) for each in storable}) == len(set(storable))
