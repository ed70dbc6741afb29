"""Who else must hear of what happened, and how far have they been told?

A relay hands the numbered journal to a publisher, in order, and keeps a cursor: how far it is known to have come. The
cursor moves only after the publisher has returned, so a relay that dies in between publishes again: at least once,
never not at all. One worker relays at a time, by lease; the row's version is its fence, so whoever was too slow cannot
move the cursor of its successor. A follower keeps the same kind of cursor, moved in the transaction of its own effect.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from attrs import evolve, field, frozen

from omnicore.kernel.codec import JsonValue
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, flow, get, question, read_journal, write
from omnicore.kernel.ids import checked_id
from omnicore.kernel.journal import Envelope
from omnicore.kernel.records import Kind
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant

CloudEvent = Mapping[str, JsonValue]
"""An event in the CloudEvents 1.0 JSON format, as ``Envelope.cloudevent`` gives it."""

MAX_BATCH = 1000
LONGEST_PAUSE_SECONDS = 300
UNASKED = ("kernel.accessed.",)
"""Who looked at whose personal data is told to nobody who has not asked for it by name."""


class Publisher(Protocol):
    """The port to a broker, a queue or a webhook.

    Law: when ``publish`` has returned, every event of the batch is safe, in its order about each aggregate; when it
    raises, any of them may or may not be, and all are published again. It gives up well within the lease of the host.
    """

    def publish(self, events: Sequence[CloudEvent], /) -> None | Awaitable[None]:
        """Publish a batch in its order, and return when all of it is safe; it may be awaitable."""
        ...


def wanted(type: str, prefixes: tuple[str, ...]) -> bool:
    """Tell whether an event's stored type is among those asked for; all business events are when none is named."""
    return type.startswith(prefixes) if prefixes else not type.startswith(UNASKED)


def check_reader(name: str, types: tuple[str, ...], batch: int) -> None:
    """Check how a relay or a follower is set up.

    Raises: Malformed.
    """
    checked_id(name, "$.name")
    if type(types) is not tuple or not all(type(prefix) is str and prefix for prefix in types):
        raise Malformed("$.types", "must be a tuple of texts, the beginnings of event types")
    if type(batch) is not int or not 0 < batch <= MAX_BATCH:
        raise Malformed("$.batch", f"must be from 1 to {MAX_BATCH}")


@frozen(kw_only=True)
class Relay:
    """A publisher under a name of its own, told of events whose stored type begins with one of ``types`` (of all).

    ``source`` is the CloudEvents source, ``omnicore/<shop>`` when not given; with an event's id it is unique for ever.
    Another name is another relay, which begins at the beginning.
    """

    name: str
    publisher: Publisher = field(repr=False)
    types: tuple[str, ...] = ()
    source: str | None = None
    batch: int = 100

    def __attrs_post_init__(self) -> None:
        """Check the name, types and batch; raises Malformed."""
        check_reader(self.name, self.types, self.batch)


@frozen(kw_only=True)
class Progress:
    """How far a relay or follower has come: ``position`` is the last one known to be done.

    ``attempts`` counts failures since the last success, ``due`` is when to try again, ``error`` the type of the last
    failure and ``event`` the id of the event it is stuck at, once that is known: up to ``alone`` events go one by one,
    because a batch that ended there has failed.
    """

    name: str
    position: int = 0
    holder: str | None = None
    until: Instant | None = None
    attempts: int = 0
    due: Instant | None = None
    error: str | None = None
    event: str | None = None
    alone: int = 0

    def free(self, at: Instant) -> bool:
        """Tell whether it may be worked on: nobody else holds it, and no pause after a failure is under way."""
        return (self.until is None or self.until <= at) and (self.due is None or self.due <= at)

    def held(self, holder: str, until: Instant) -> "Progress":
        """Give it into somebody's hands until an instant."""
        return evolve(self, holder=holder, until=until)

    def moved(self, position: int) -> "Progress":
        """Note success up to a position; it is nobody's then."""
        return Progress(name=self.name, position=position, alone=self.alone if position < self.alone else 0)

    def failed(self, at: Instant, error: Exception, page: tuple[Envelope, ...]) -> "Progress":
        """Note that a page failed; the next try waits twice as long as the last did, at most five minutes."""
        pause = min(LONGEST_PAUSE_SECONDS, 2 ** min(self.attempts, 16))
        return Progress(
            name=self.name,
            position=self.position,
            attempts=self.attempts + 1,
            due=at.plus(seconds=pause),
            error=type(error).__name__,
            event=page[-1].id if self._alone else None,
            alone=max(self.alone, page[-1].position or 0),
        )

    @property
    def _alone(self) -> bool:
        return self.position < self.alone

    def page(self, found: tuple[Envelope, ...], types: tuple[str, ...]) -> tuple[Envelope, ...]:
        """Give what to do next: after a failure no more than one wanted event, so that the one to blame is found."""
        if self._alone:
            for count, envelope in enumerate(found, 1):
                if wanted(envelope.type, types):
                    return found[:count]
        return found


PROGRESS = Kind(name="kernel.relay", type=Progress, key=lambda progress: progress.name)


@frozen(kw_only=True)
class Waiting:
    """Where a relay or follower stands, the version of that row (its fence), and the events behind its cursor."""

    progress: Progress
    version: int
    events: tuple[Envelope, ...]


@question("kernel.waiting")
async def waiting(given: Given, *, name: str, limit: int) -> Waiting:
    """Read where a relay or follower stands, and the next events for it."""
    stored = await get(PROGRESS, name)
    progress = Progress(name=name) if stored is None else stored.value
    events = await read_journal(after=progress.position, limit=limit)
    return Waiting(progress=progress, version=0 if stored is None else stored.version, events=events)


@flow("kernel.note_progress")
async def note_progress(given: Given, *, progress: Progress, version: int) -> int:
    """Store progress if version ``version`` of it still stands; gives the new version, 0 for who has lost it."""
    stored = await get(PROGRESS, progress.name)
    if (0 if stored is None else stored.version) != version:
        # What stands may be this very progress, if its commit was answered by a broken line.
        same = stored is not None and stored.version == version + 1 and stored.value == progress
        return version + 1 if same else 0
    await write(Writes(changes=(PROGRESS.put(progress) if stored is None else stored.put(progress),)))
    return version + 1


@flow("kernel.try_again")
async def try_again(given: Given, *, name: str) -> None:
    """End the pause after a failure, so that the next round of work tries again."""
    stored = await get(PROGRESS, name)
    if stored is not None and stored.value.due is not None:
        await write(Writes(changes=(stored.put(evolve(stored.value, due=given.at)),)))


@frozen(kw_only=True)
class Standing:
    """How a relay or follower stands: how many events wait for it (counted up to 1,000) and since when.

    ``error`` is the type of its last failure, None while all is well; ``event`` the id of the event it cannot get past.
    """

    name: str
    position: int
    waiting: int
    oldest: Instant | None
    attempts: int
    error: str | None
    event: str | None
    due: Instant | None


def standing(found: Waiting, types: tuple[str, ...]) -> Standing:
    """Tell how a relay or follower of these types stands."""
    rest = [envelope for envelope in found.events if wanted(envelope.type, types)]
    progress = found.progress
    return Standing(
        name=progress.name,
        position=progress.position,
        waiting=len(rest),
        oldest=rest[0].at if rest else None,
        attempts=progress.attempts,
        error=progress.error,
        event=progress.event,
        due=progress.due,
    )
