"""What is the smallest shop in which something happens in an order? Counters, and the event that each has counted on.

Whoever is told of the events can see by themselves whether one is missing, came twice or was overtaken.
"""

from collections.abc import Iterable, Mapping

from attrs import frozen

from omnicore.kernel import codec
from omnicore.kernel.flow import Given, flow, load, write
from omnicore.kernel.ids import NewId
from omnicore.kernel.journal import Envelope, event, event_name
from omnicore.kernel.records import Kind
from omnicore.kernel.store import Batch, Writes
from omnicore.kernel.time import Instant


@frozen(kw_only=True)
class Counter:
    """How far one counter has counted."""

    id: str
    count: int


COUNTERS = Kind(name="testing.counter", type=Counter, key=lambda counter: counter.id)


@event("testing.counted.v1")
@frozen(kw_only=True)
class Counted:
    """A counter has counted on to ``count``: from 1, by one each time."""

    about: str
    count: int


@flow("testing.count")
async def count(given: Given, *, counters: tuple[str, ...]) -> None:
    """Let each counter count on by one."""
    stood = await load(COUNTERS, counters)
    changes, events = [], []
    for name in counters:
        now = Counter(id=name, count=(stood[name].value.count if name in stood else 0) + 1)
        changes.append(stood[name].put(now) if name in stood else COUNTERS.put(now))
        events.append(Counted(about=name, count=now.count))
    await write(Writes(changes=tuple(changes), events=tuple(events)))


def counted(*happened: Counted, at: Instant, new_id: NewId) -> Batch:
    """Give what ``store.write`` takes to tell of counters inside a transaction that somebody opened, and keeps open."""
    envelopes = tuple(
        Envelope(
            id=new_id(),
            type=event_name(each),
            about=each.about,
            at=at,
            by="system",
            command=None,
            data=codec.dumps(each, as_=Counted),
        )
        for each in happened
    )
    return Batch(id=new_id(), at=at, by="system", envelopes=envelopes)


@frozen(kw_only=True)
class Seen:
    """What somebody who was told of counters has seen: ``lost`` and ``overtaken`` must be 0, repeats are allowed."""

    events: int
    lost: int
    repeated: int
    overtaken: int


def seen(told: Iterable[tuple[str, int]], *, wanted: Mapping[str, int]) -> Seen:
    """Judge what was told, (counter, count) in the order of telling, by how far each counter has really counted.

    ``overtaken`` are events that were first told after a later one of their counter.
    """
    last: dict[str, int] = {}
    known: set[tuple[str, int]] = set()
    repeated = overtaken = 0
    for counter, at in told:
        if (counter, at) in known:
            repeated += 1
            continue
        known.add((counter, at))
        overtaken += at < last.get(counter, 0)
        last[counter] = max(at, last.get(counter, 0))
    every = {(counter, at) for counter, end in wanted.items() for at in range(1, end + 1)}
    return Seen(events=len(every), lost=len(every - known), repeated=repeated, overtaken=overtaken)
