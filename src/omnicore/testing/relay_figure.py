"""While many write and the relay is killed again and again, is everybody told everything?

Writers and the relay are processes of their own; this one is the broker, and kills the relay with ``kill -9`` when it
has heard as many events as the seed says. A successor takes over when the dead one's lease is over. Law (X1): 0 lost,
and none told after a later one of its counter; repeats are counted. The same measurement must find two broken relays:
one whose broker answers before it has stored anything, and one that polls by an id drawn before the commit.
"""

import random  # noqa: TID251 - drawn from a seed, so that a failing run can be run again
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import cast

from attrs import frozen

from omnicore.host import Host, system
from omnicore.kernel import codec
from omnicore.kernel.errors import Conflict
from omnicore.kernel.journal import Envelope
from omnicore.kernel.relay import CloudEvent, Publisher, Relay
from omnicore.kernel.store import Database
from omnicore.kernel.time import Instant
from omnicore.testing.counting import Counted, count, counted, seen

Make = Callable[[], Database]
"""Opens the database in any process: something that can be pickled, as ``functools.partial(sqlite.open, path)``."""

_COUNTERS = 40
_NAME = "figure"
_LEASE_SECONDS = 60
_LONGEST_SECONDS = 120
_BATCH = 20
_KEPT_EARLY = 3 * _BATCH
_IDLE_SECONDS = 0.02
_SLOW = 0.05
"""How many of the transactions stay open until what is committed beside them has been told."""


@frozen(kw_only=True)
class Relayed:
    """What was measured: events committed, lost, told again, told late; and how often the relay was killed."""

    events: int
    lost: int
    repeated: int
    overtaken: int
    kills: int

    @property
    def ok(self) -> bool:
        """Whether nothing was lost and no counter's events were overtaken."""
        return self.lost == 0 and self.overtaken == 0


class _Line:
    """A publisher whose broker is at the other end of a pipe; ``early`` answers while it still keeps some events."""

    def __init__(self, pipe: Connection, *, early: bool) -> None:
        self._pipe = pipe
        self._keeps = _KEPT_EARLY if early else 0
        self._kept: list[tuple[str, int]] = []

    def publish(self, events: Sequence[CloudEvent], /) -> None:
        self._kept += [_told(event) for event in events]
        self.flush(keep=self._keeps)

    def flush(self, *, keep: int = 0) -> None:
        while len(self._kept) > keep:
            self._pipe.send(self._kept.pop(0))


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


def _relaying(make: Make, shop: str, generation: int, pipe: Connection, control: str | None) -> None:
    """Relay until told to finish, then until nothing is left; each generation begins when the last lease is over."""

    def clock() -> Instant:
        return system.now().plus(seconds=generation * 2 * _LEASE_SECONDS)

    line = _Line(pipe, early=control == "early")
    relays = [Relay(name=_NAME, publisher=line, batch=_BATCH)]
    finishing = False
    with closing(Host(make(), shop=shop, clock=clock, relays=relays, lease_seconds=_LEASE_SECONDS)) as host:
        by_id = _ById(host, line)
        while True:
            try:
                done = by_id.work() if control == "by id" else sum(host.work().relayed.values())
            except Conflict:
                continue
            if done == 0:
                if finishing:
                    break
                finishing = pipe.poll(_IDLE_SECONDS)
    line.flush()
    pipe.send(None)


def _writing(make: Make, shop: str, number: int, events: int, seed: int, overlapping: object) -> None:
    """Let counters count; where the database lets writers overlap, some transactions stay open beside others."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - no secret
    new_id, made = system.new_ids(), 0
    with closing(database := make()):
        host = Host(database, shop=shop, new_id=new_id)
        while made < events:
            if not overlapping or dice.random() < 1 - _SLOW:
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
    last, until = 0, time.monotonic() + _LONGEST_SECONDS
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


class _Broker:
    """Hears what a relay process tells, kills it when asked to, and starts its successor."""

    def __init__(self, start: Callable[[int, Connection], BaseProcess]) -> None:
        self.heard: list[tuple[str, int]] = []
        self.kills = 0
        self._start = start
        self._begin()

    def _begin(self) -> None:
        self.pipe, theirs = Pipe()
        self._process = self._start(self.kills, theirs)
        self._process.start()
        theirs.close()

    def hear(self) -> bool:
        """Take one message; whether it was the last."""
        message = self.pipe.recv()
        if message is not None:
            self.heard.append(message)
        return message is None

    def kill(self) -> None:
        """Kill the relay where it stands; what it has sent has been sent."""
        self._process.kill()
        self._process.join()
        with suppress(EOFError, OSError):
            while not self.hear():
                pass
        self.pipe.close()
        self.kills += 1
        self._begin()

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()


def relay_run(
    make: Make,
    *,
    shop: str,
    events: int,
    writers: int,
    kills: int,
    seed: int,
    overlapping: bool = False,
    control: str | None = None,
) -> Relayed:
    """Measure once, in a shop of its own; ``control`` names a broken relay: ``early`` or ``by id``.

    ``overlapping`` says that the database lets writers overlap, so that transactions may stay open beside others.
    """
    context = _processes()
    dice = random.Random(seed)  # noqa: S311 - no secret
    kill_at = sorted(dice.sample(range(1, events), kills), reverse=True)
    share = -(-events // writers)
    at_work = [
        context.Process(target=_writing, args=(make, shop, number, share, seed, overlapping), daemon=True)
        for number in range(writers)
    ]
    broker = _Broker(
        lambda nth, pipe: context.Process(target=_relaying, args=(make, shop, nth, pipe, control), daemon=True)
    )
    try:
        for process in at_work:
            process.start()
        _listen(broker, at_work, kill_at)
        if failed := [process.exitcode for process in at_work if process.exitcode]:
            raise AssertionError(f"writers ended with {failed}")
    finally:
        broker.close()
        for process in at_work:
            process.kill()
    with closing(Host(make(), shop=shop)) as host:
        host.number()
        wanted = Counter(str(codec.parse(each.data)["about"]) for each in host.journal())  # type: ignore[index,call-overload] # an object
    told = seen(broker.heard, wanted=wanted)
    return Relayed(
        events=told.events, lost=told.lost, repeated=told.repeated, overtaken=told.overtaken, kills=broker.kills
    )


def _listen(broker: _Broker, at_work: Sequence[BaseProcess], kill_at: list[int]) -> None:
    """Hear everything, kill the relay on the way, and let it finish when nobody writes any more."""
    finishing: Connection | None = None
    while True:
        alive = [process.sentinel for process in at_work if process.exitcode is None]
        if not alive and finishing is not broker.pipe:
            finishing = broker.pipe
            finishing.send("finish")
        ready = wait([broker.pipe, *alive], timeout=_LONGEST_SECONDS)
        if not ready:
            raise AssertionError("the relay tells nothing any more")
        if broker.pipe in ready and broker.hear():
            return
        if kill_at and len(broker.heard) >= kill_at[-1]:
            kill_at.pop()
            broker.kill()


def relay_figure(
    make: Make,
    *,
    events: int,
    writers: int,
    kills: int,
    seed: int,
    overlapping: bool = False,
    controls: Sequence[str] = ("early",),
) -> tuple[Relayed, dict[str, bool]]:
    """Measure the relay, then the broken ones: what it came to, and which control was caught.

    ``early`` loses where it is killed, ``by id`` where writers overlap.
    """

    def run(control: str | None) -> Relayed:
        return relay_run(
            make,
            shop=f"relay-{seed}-{(control or 'true').replace(' ', '-')}",
            events=events,
            writers=writers,
            kills=0 if control == "by id" else kills,
            seed=seed,
            overlapping=overlapping,
            control=control,
        )

    measured = run(None)
    return measured, {control: not run(control).ok for control in controls}


def _processes() -> ForkServerContext:
    context = get_context("forkserver")
    # A child loads the program it was started by once more; where that is pytest, once for all of them.
    context.set_forkserver_preload([__name__, *(["pytest"] if "pytest" in sys.modules else [])])
    return context
