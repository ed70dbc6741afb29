"""While many write and the relay is killed again and again, is everybody told everything?

Writers and the relay are processes of their own; this one is the broker, and kills the relay with ``kill -9`` when it
has heard as many events as the seed says. A successor takes over when the dead one's lease is over. Law (X1): 0 lost,
and none told after a later one of its counter; repeats are counted. The same measurement must find two broken relays:
one whose broker answers before it has stored anything, and one that polls by an id drawn before the commit.
"""

import random  # noqa: TID251 - drawn from a seed, so that a failing run can be run again
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from attrs import asdict, frozen

from omnicore.host import Host
from omnicore.kernel import codec
from omnicore.testing.clock import SECRET
from omnicore.testing.counting import seen
from omnicore.testing.crowd import processes
from omnicore.testing.figures import Backend, Figure, figure
from omnicore.testing.relay_parts import FINISH, HEARD, LONGEST_SECONDS, Make, relaying, writing


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
        """Take one message, which its sender waits to have answered; whether it was the last."""
        message = self.pipe.recv()
        if message is not None:
            self.heard.append(message)
        return message is None

    def answer(self) -> None:
        """Say that all is safe so far."""
        self.pipe.send(HEARD)

    def kill(self) -> None:
        """Kill the relay where it stands, and start its successor."""
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
    context = processes()
    dice = random.Random(seed)  # noqa: S311 - no secret
    kill_at = sorted(dice.sample(range(1, events), kills), reverse=True)
    share = -(-events // writers)
    at_work = [
        context.Process(target=writing, args=(make, shop, number, share, seed, overlapping), daemon=True)
        for number in range(writers)
    ]
    broker = _Broker(
        lambda nth, pipe: context.Process(target=relaying, args=(make, shop, nth, pipe, control), daemon=True)
    )
    try:
        for process in at_work:
            process.start()
        _listen(broker, at_work, kill_at, dice)
        if failed := [process.exitcode for process in at_work if process.exitcode]:
            raise AssertionError(f"writers ended with {failed}")
    finally:
        broker.close()
        for process in at_work:
            process.kill()
    with closing(Host(make(), shop=shop, secret=SECRET)) as host:
        host.number()
        wanted = Counter(str(codec.parse(each.data)["about"]) for each in host.journal())  # type: ignore[index,call-overload] # an object
    told = seen(broker.heard, wanted=wanted)
    return Relayed(
        events=told.events, lost=told.lost, repeated=told.repeated, overtaken=told.overtaken, kills=broker.kills
    )


def _listen(broker: _Broker, at_work: Sequence[BaseProcess], kill_at: list[int], dice: random.Random) -> None:
    """Hear everything, kill the relay on the way, and let it finish when nobody writes any more."""
    finishing: Connection | None = None
    while True:
        alive = [process.sentinel for process in at_work if process.exitcode is None]
        if not alive and finishing is not broker.pipe:
            finishing = broker.pipe
            finishing.send(FINISH)
        ready = wait([broker.pipe, *alive], timeout=LONGEST_SECONDS)
        if not ready:
            raise AssertionError("the relay tells nothing any more")
        if broker.pipe not in ready:
            continue
        if broker.hear():
            return
        if not kill_at or len(broker.heard) < kill_at[-1]:
            broker.answer()
            continue
        kill_at.pop()
        if dice.random() < 1 / 2:  # else it dies in the middle of a batch, not knowing that this one is safe
            broker.answer()
        broker.kill()


def relay_figure(
    backend: Backend, *, events: int, writers: int, kills: int, seed: int, controls: Sequence[str] | None = None
) -> Figure:
    """Measure the relay, then the broken ones: ``early`` loses where it is killed, ``by id`` where writers meet."""
    with closing(backend.open()) as database:
        overlapping = bool(getattr(database, "writers_meet", False))
    broken = controls if controls is not None else ("early", "by id") if overlapping else ("early",)

    def run(control: str | None) -> Relayed:
        return relay_run(
            backend.open,
            shop=f"relay-{seed}-{(control or 'true').replace(' ', '-')}",
            events=events,
            writers=writers,
            kills=0 if control == "by id" else kills,  # it need not even be killed
            seed=seed,
            overlapping=overlapping,
            control=control,
        )

    measured = run(None)
    holds = measured.lost == 0 and measured.overtaken == 0 and measured.kills == kills
    return figure("relay", holds=holds, facts=asdict(measured), caught=[not run(control).ok for control in broken])
