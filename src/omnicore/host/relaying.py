"""How does the worker tell publishers and followers what happened, so that none of them misses any of it?

A round takes each relay's lease, publishes page by page and moves its cursor after each; then each follower's handler
runs on the next page, its cursor moving in the transaction of its writes. Whatever fails is noted on its row with a
pause that grows, and is tried again for ever: nothing is skipped, and ``host.relays()`` shows who stands still and why.
"""

from collections.abc import Mapping
from functools import partial
from typing import TypeVar, cast

from attrs import define, field, frozen

from omnicore.host.place import Place
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Actor, Flow
from omnicore.kernel.following import Follower, follow
from omnicore.kernel.inbox import FORGET_BATCH, forget_received, received_before
from omnicore.kernel.journal import Envelope
from omnicore.kernel.relay import Publisher, Relay, Standing, Waiting, note_progress, standing, waiting, wanted

R = TypeVar("R")

MAX_PAGES = 100
"""Pages one relay or follower does in one round, so that none keeps a worker from its other duties."""
_COUNTED = 1000


@frozen(kw_only=True)
class Told:
    """How many events one round published, by relay, and handed to followers; who did nothing is left out."""

    relayed: dict[str, int] = field(factory=dict)
    followed: dict[str, int] = field(factory=dict)


@define(eq=False)
class Readers:
    """Who reads the journal of one host: relays and followers by name, and for how many days the inbox remembers."""

    relays: dict[str, Relay] = field(factory=dict)
    followers: dict[str, Follower] = field(factory=dict)
    inbox_days: int = 30

    @classmethod
    def of(cls, relays: object, inbox_days: object) -> "Readers":
        """Take what a host was given: publishers by name, or relays.

        Raises: Malformed.
        """
        if type(inbox_days) is not int or inbox_days < 1:
            raise Malformed("$.inbox_days", "must be a whole number of at least 1")
        if isinstance(relays, Mapping):
            relays = [Relay(name=name, publisher=cast(Publisher, each)) for name, each in relays.items()]
        if not isinstance(relays, list | tuple) or not all(isinstance(relay, Relay) for relay in relays):
            raise Malformed("$.relays", "must be relays, or publishers by name")
        readers = cls(inbox_days=inbox_days)
        for relay in relays:
            readers.free(relay.name)
            readers.relays[relay.name] = relay
        return readers

    def follow(self, follower: Follower) -> None:
        """Add a follower.

        Raises: Malformed when the name is taken.
        """
        self.free(follower.name)
        self.followers[follower.name] = follower

    def free(self, name: str) -> None:
        """Check that no reader has the name yet; raises Malformed."""
        if name in self.relays or name in self.followers:
            raise Malformed("$.name", "is the name of another relay or follower")


async def tell(place: Place, readers: Readers, actor: Actor) -> Told:
    """Do one round: relay, follow, and forget messages whose window has passed."""
    told = Told()
    for relay in tuple(readers.relays.values()):
        if sent := await _relayed(place, relay, actor):
            told.relayed[relay.name] = sent
    for follower in tuple(readers.followers.values()):
        if done := await _followed(place, follower, actor):
            told.followed[follower.name] = done
    until = place.engine.clock().plus(days=-readers.inbox_days)
    while await _run(place, received_before(until=until), actor):
        await _run(place, forget_received(until=until, limit=FORGET_BATCH), actor)
    return told


async def standings(place: Place, readers: Readers, actor: Actor) -> tuple[Standing, ...]:
    """Tell how every relay and follower stands."""
    found = []
    every: tuple[Relay | Follower, ...] = (*readers.relays.values(), *readers.followers.values())
    for reader in every:
        where = await _run(place, waiting(name=reader.name, limit=_COUNTED), actor)
        found.append(standing(where, reader.types))
    return tuple(found)


async def _run(place: Place, flow: Flow[R], actor: Actor) -> R:
    """Run a flow in a transaction of its own."""
    writes = flow.definition.writes or flow.definition.reveals
    return await place.inside(lambda engine: engine.run(flow, actor, None, None), writes=writes)


async def _relayed(place: Place, relay: Relay, actor: Actor) -> int:
    """Publish what waits for one relay; gives how many events were published."""
    engine, sent = place.engine, 0
    for _ in range(MAX_PAGES):
        where = await _run(place, waiting(name=relay.name, limit=relay.batch), actor)
        if not where.events or not where.progress.free(engine.clock()):
            break
        page, version = where.progress.page(where.events, relay.types), where.version
        source = relay.source or f"omnicore/{engine.shop}"
        events = [each.cloudevent(source=source) for each in page if wanted(each.type, relay.types)]
        if events:
            held = where.progress.held(engine.new_id(), engine.clock().plus(seconds=engine.lease_seconds))
            if not (version := await _run(place, note_progress(progress=held, version=version), actor)):
                break  # another worker was faster, and publishes
            try:
                await place.outside(partial(relay.publisher.publish, events))
            except Exception as error:  # noqa: BLE001 - whatever it is, the batch may not be out: it is tried again
                await _failed(place, where, version, error, page, actor)
                break
            sent += len(events)
        await _run(place, note_progress(progress=where.progress.moved(_end(page)), version=version), actor)
        if len(page) == len(where.events) < relay.batch:
            break
    return sent


async def _followed(place: Place, follower: Follower, actor: Actor) -> int:
    """Run a follower's handler on what waits for it; gives how many events it was given."""
    done = 0
    for _ in range(MAX_PAGES):
        where = await _run(place, waiting(name=follower.name, limit=follower.batch), actor)
        if not where.events or not where.progress.free(place.engine.clock()):
            break
        try:
            done += await _run(place, follow(follower), actor)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing was written and the cursor has not moved
            page = where.progress.page(where.events, follower.types)
            await _failed(place, where, where.version, error, page, actor)
            break
    return done


async def _failed(
    place: Place, where: Waiting, version: int, error: Exception, page: tuple[Envelope, ...], actor: Actor
) -> None:
    """Note a failure; a bug in the host's own set-up is raised, once it is noted."""
    failed = where.progress.failed(place.engine.clock(), error, page)
    await _run(place, note_progress(progress=failed, version=version), actor)
    if isinstance(error, AssertionError):
        raise error


def _end(page: tuple[Envelope, ...]) -> int:
    position = page[-1].position
    assert position is not None
    return position
