"""How is a read model kept up with the journal, each event having its effect exactly once?

A follower's handler is a flow that takes a page of events and ends in a write. That write and the follower's cursor are
one transaction, so whatever dies in between, both stand or neither does. ``captured`` is how a flow runs another and
adds to what it writes.
"""

from collections.abc import Generator
from types import coroutine
from typing import Protocol, TypeVar

from attrs import field, frozen

from omnicore.kernel.flow import Ask, Definition, Flow, Given, declare, get, read_journal, write
from omnicore.kernel.journal import Envelope
from omnicore.kernel.relay import PROGRESS, Progress, check_reader, wanted
from omnicore.kernel.store import Writes

R = TypeVar("R")


class Handler(Protocol):
    """What makes the flow that takes a page of events: a declared flow whose argument is called ``events``."""

    def __call__(self, *, events: tuple[Envelope, ...]) -> Flow[object]:
        """Make the flow for a page, in order of position and never empty."""
        ...


@frozen(kw_only=True)
class Follower:
    """A handler under a name of its own, given events whose stored type begins with one of ``types`` (all).

    Another name is another follower, which begins at the beginning: so a read model is built afresh.
    """

    name: str
    handler: Handler = field(repr=False)
    types: tuple[str, ...] = ()
    batch: int = 100

    def __attrs_post_init__(self) -> None:
        """Check the name, types and batch; raises Malformed."""
        check_reader(self.name, self.types, self.batch)


@coroutine
def captured(flow: Flow[R]) -> Generator[object, object, tuple[R, Writes]]:
    """Run a flow inside another, and give its answer and what it wants written, which the outer flow then writes."""
    writes: Writes | None = None
    steps = flow.__await__()
    answer: object = None
    try:
        while True:
            request = steps.send(answer)
            if writes is not None:
                raise AssertionError("a flow writes once, as its last port call")
            if isinstance(request, Ask) and request.method == "write":
                (kept,) = request.args
                assert isinstance(kept, Writes)
                writes, answer = kept, None
            else:
                answer = yield request
    except StopIteration as stop:
        result: R = stop.value
        return result, writes or Writes()
    finally:
        steps.close()


_NAME = "kernel.follow"
declare(_NAME)


def follow(follower: Follower) -> Flow[int]:
    """Make the flow that hands a follower its next page and moves its cursor; gives how many events it was given."""

    async def body(given: Given, *, name: str, limit: int) -> int:
        stored = await get(PROGRESS, name)
        progress = Progress(name=name) if stored is None else stored.value
        found = await read_journal(after=progress.position, limit=limit)
        page = progress.page(found, follower.types)
        if not page or not progress.free(given.at):
            return 0
        events = tuple(envelope for envelope in page if wanted(envelope.type, follower.types))
        _, writes = await captured(follower.handler(events=events)) if events else (None, Writes())
        moved = progress.moved(page[-1].position or 0)
        await write(writes + Writes(changes=(PROGRESS.put(moved) if stored is None else stored.put(moved),)))
        return len(events)

    asked = follower.handler(events=()).definition  # making a flow runs nothing
    definition = Definition(name=_NAME, body=body, serializable=asked.serializable)
    return Flow(definition=definition, args={"name": follower.name, "limit": follower.batch})
