"""Who is told in these tests? A broker in memory that can fail, and a database whose writers overlap."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count as counting
from typing import cast

from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.host import Host
from omnicore.kernel import codec
from omnicore.kernel.journal import Envelope
from omnicore.kernel.relay import CloudEvent, Publisher, Relay
from omnicore.kernel.store import Batch, Database, Store
from omnicore.testing import Clock, Ids
from omnicore.testing.clock import SECRET
from omnicore.testing.counting import Counted, count, counted


class Broker:
    """Keeps what is published, in order; ``before`` and ``after`` are called with each event and may raise."""

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []
        self.calls = 0
        self.before: Callable[[CloudEvent], None] = lambda event: None
        self.after: Callable[[CloudEvent], None] = lambda event: None

    def publish(self, events: Sequence[CloudEvent], /) -> None:
        self.calls += 1
        for event in events:
            self.before(event)
            self.events.append(event)
            self.after(event)

    def told(self) -> list[tuple[str, int]]:
        return [what(event) for event in self.events]


def what(event: CloudEvent) -> tuple[str, int]:
    """Give which counter counted, and how far."""
    data = cast(dict[str, codec.JsonValue], event["data"])
    return str(data["about"]), int(cast(int, data["count"]))


def host(
    database: Database, publisher: Publisher, *, clock: Clock | None = None, ids: str = "a", batch: int = 100
) -> Host:
    """Make a worker's host that relays to a publisher."""
    relays = [Relay(name="out", publisher=publisher, batch=batch)]
    return Host(database, relays=relays, secret=SECRET, clock=clock or Clock(), new_id=Ids(ids))


def sell(shop: Host, *counters: str) -> None:
    """Let something happen to each of these counters, each in a transaction of its own."""
    for counter in counters:
        shop.run(count(counters=(counter,)))


class Overlapping(Memory):
    """A database with many writers at once, as PostgreSQL is: an event's row number is drawn before its commit."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn = counting(1)
        self.rows: dict[str, int] = {}

    def draw(self, batch: Batch) -> None:
        self.rows |= {envelope.id: next(self._drawn) for envelope in batch.envelopes}

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
        waiting: list[Batch] = []
        yield _Open(self, shop, waiting)
        with super().writing(shop) as store:
            for batch in waiting:
                store.write(batch)

    def at_once(self, shop: str) -> AbstractContextManager[MemoryStore]:
        return super().writing(shop)

    def by_row(self, after: int) -> list[tuple[int, Envelope]]:
        """Give committed events by row number, from behind a row: what a relay without positions would poll."""
        with self.reading("main") as store:
            found = [(self.rows[each.id], each) for each in (*store._shop.journal.values(),)]
        return sorted((row, each) for row, each in found if row > after)


class _Open(MemoryStore):
    """The store of a transaction that sees what is committed, and whose own writes are seen when it ends."""

    def __init__(self, database: Overlapping, shop: str, waiting: list[Batch]) -> None:
        with database.at_once(shop) as store:
            super().__init__(store._shop, writable=True)
        self._database = database
        self._name = shop
        self._waiting = waiting

    def write(self, batch: Batch) -> None:
        self._database.draw(batch)
        self._waiting.append(batch)

    def number(self, limit: int) -> int:
        with self._database.at_once(self._name) as store:
            return store.number(limit)


def counted_in(store: Store, counter: str) -> None:
    """Let a counter count inside a transaction that somebody else has opened, and may keep open."""
    store.write(counted(Counted(about=counter, count=1), at=Clock()(), new_id=Ids(f"in-{counter}")))
