"""What do the processes of the relay's figure do: who writes, who relays, and which relays are broken on purpose?

``relaying`` and ``writing`` are run in processes of their own, and tell the broker what they tell through a pipe.
"""

import random  # noqa: TID251 - drawn from a seed, so that a failing run can be run again
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from multiprocessing.connection import Connection
from typing import cast

from omnicore.host import Host, system
from omnicore.kernel import codec
from omnicore.kernel.errors import Conflict
from omnicore.kernel.journal import Envelope
from omnicore.kernel.relay import CloudEvent, Publisher, Relay
from omnicore.kernel.store import Database
from omnicore.kernel.time import Instant
from omnicore.testing.clock import SECRET
from omnicore.testing.counting import Counted, count, counted

Make = Callable[[], Database]
"""Opens the database in any process: something that can be pickled, as ``functools.partial(sqlite.open, path)``."""

HEARD, FINISH = "heard", "finish"
_COUNTERS = 40
_NAME = "figure"
_LEASE_SECONDS = 60
LONGEST_SECONDS = 120
_BATCH = 20
_KEPT_EARLY = 3 * _BATCH
_IDLE_SECONDS = 0.02
_SLOW = 0.05
"""How many of the transactions, besides each writer's first, stay open until what commits beside them is numbered."""


class _Line:
    """A publisher whose broker is at the other end of a pipe; ``early`` answers while it still keeps some events."""

    def __init__(self, pipe: Connection, *, early: bool) -> None:
        self._pipe = pipe
        self._keeps = _KEPT_EARLY if early else 0
        self._kept: list[tuple[str, int]] = []
        self.finishing = False

    def publish(self, events: Sequence[CloudEvent], /) -> None:
        self._kept += [_told(event) for event in events]
        self.flush(keep=self._keeps)

    def flush(self, *, keep: int = 0) -> None:
        while len(self._kept) > keep:
            self._pipe.send(self._kept.pop(0))
            while self._pipe.recv() != HEARD:
                self.finishing = True

    def rest(self) -> None:
        """Wait a little for a word from the broker."""
        if self._pipe.poll(_IDLE_SECONDS):
            self._pipe.recv()
            self.finishing = True


def _told(event: CloudEvent) -> tuple[str, int]:
    data = cast(dict[str, codec.JsonValue], event["data"])
    return str(data["about"]), cast(int, data["count"])


class _ById:
    """The broken relay that polls for ids greater than the last it has seen; ids are drawn before the commit."""

    def __init__(self, host: Host, publisher: Publisher) -> None:
        self._host = host
        self._publisher = publisher
        self._position = 0
        self._last = ""

    def work(self) -> int:
        self._host.number()
        page: list[Envelope] = list(self._host.journal(after=self._position))
        if not page:
            return 0
        self._position = page[-1].position or 0
        fresh = sorted((each for each in page if each.id > self._last), key=lambda each: each.id)
        self._publisher.publish([each.cloudevent(source="control") for each in fresh])
        self._last = max(each.id for each in page)
        return len(page)


def relaying(make: Make, shop: str, generation: int, pipe: Connection, control: str | None) -> None:
    """Relay until told to finish, then until nothing is left; each generation begins when the last lease is over."""

    def clock() -> Instant:
        return system.now().plus(seconds=generation * 2 * _LEASE_SECONDS)

    line = _Line(pipe, early=control == "early")
    relays = [Relay(name=_NAME, publisher=line, batch=_BATCH)]
    with closing(
        Host(make(), shop=shop, secret=SECRET, clock=clock, relays=relays, lease_seconds=_LEASE_SECONDS)
    ) as host:
        by_id = _ById(host, line)
        while True:
            try:
                done = by_id.work() if control == "by id" else sum(host.work().relayed.values())
            except Conflict:
                continue
            if done == 0:
                if line.finishing:
                    break
                line.rest()
    line.flush()
    pipe.send(None)


def writing(make: Make, shop: str, number: int, events: int, seed: int, overlapping: object) -> None:
    """Let counters count; where the database lets writers overlap, some transactions stay open beside others."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - no secret
    new_id, made = system.new_ids(), 0
    with closing(database := make()):
        host = Host(database, shop=shop, secret=SECRET, new_id=new_id)
        while made < events:
            if not overlapping or (made and dice.random() >= _SLOW):
                made += _counted(host, dice)
                continue
            with database.writing(shop) as store:
                slow = Counted(about=f"slow-{new_id()}", count=1)
                store.write(counted(slow, at=system.now(), new_id=new_id))
                made += 1 + _counted(host, dice)
                beside = f"beside-{new_id()}"
                host.run(count(counters=(beside,)))
                made += 1
                _await_number(host, beside)


def _await_number(host: Host, counter: str) -> None:
    """Wait until an event has a position: the relay is past it then, and past what began earlier and is still open."""
    last, until = 0, time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until:
        for envelope in host.journal(after=last):
            if envelope.about == counter:
                return
            last = envelope.position or last
        time.sleep(_IDLE_SECONDS)
    raise AssertionError("the relay numbers nothing any more")


def _counted(host: Host, dice: random.Random) -> int:
    some = tuple(f"c{each}" for each in dice.sample(range(_COUNTERS), dice.randint(1, 3)))
    while True:
        try:
            host.run(count(counters=some))
        except Conflict:
            continue
        return len(some)
