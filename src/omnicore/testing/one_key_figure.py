"""When a command is sent by many at the same moment under one key, is it done once, and does everybody get its answer?

Law (G1): the same key and request, any number of times, at any concurrency: one effect and equal answers.
"""

from collections.abc import Sequence
from contextlib import closing

from attrs import frozen

from omnicore.host import Host
from omnicore.kernel.errors import Conflict
from omnicore.testing.bench import CUSTOMER
from omnicore.testing.broken_databases import KeyKeptApart
from omnicore.testing.clock import NOON, SECRET
from omnicore.testing.crowd import Crowd, meet
from omnicore.testing.figure_flows import stock, take
from omnicore.testing.figures import Backend, Figure, figure, tried_until


def send(_number: int, backend: Backend, shop: str, keys: int, *, keeps_keys: bool) -> list[str]:
    """Send each command at the moment when everybody sends it; on a conflict ask again under the same key."""
    answers: list[str] = []
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        for key in range(keys):
            meet()
            while len(answers) == key:
                try:
                    answers.append(host.run(take(), command=f"key-{key}" if keeps_keys else None))
                except Conflict:
                    continue
    return answers


@frozen(kw_only=True)
class Sent:
    """What came of keys sent at once: how often they were done, and how many were answered in more than one way."""

    done: int
    keys: int
    differing: int
    differences: int

    @property
    def duplicates(self) -> int:
        """How often a command was done again."""
        return self.done - self.keys


def sent(crowd: Crowd, backend: Backend, shop: str, *, keys: int, keeps_keys: bool = True) -> Sent:
    """Have a crowd send the same keys, and count what was really done."""
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        host.run(stock(amount=keys * crowd.size))
    answers: Sequence[list[str]] = crowd.all(send, backend, shop, keys, keeps_keys=keeps_keys)
    with closing(backend.open()) as database, database.reading(shop) as store:
        return Sent(
            done=store.balances([CUSTOMER], NOON)[CUSTOMER].posted,
            keys=keys,
            differing=sum(len(set(few)) > 1 for few in zip(*answers, strict=True)),
            differences=len(store.verify(()).differences),
        )


def one_key_figure(backend: Backend, *, seed: int, keys: int = 200, processes: int = 8) -> Figure:
    """Let ``processes`` send each of ``keys`` commands at once.

    Controls: a host that forgets the keys, and a database that keeps them apart from what they stand for; both must do
    things twice.
    """
    few = max(keys // 10, 5)
    with Crowd(processes) as crowd:
        seen = sent(crowd, backend, f"keys-{seed}", keys=keys)
        forgotten = sent(crowd, backend, f"keys-{seed}-forgotten", keys=few, keeps_keys=False)
        apart = backend.by(KeyKeptApart)
        controls: list[Sent] = []

        def caught(number: int) -> bool:
            controls.append(sent(crowd, apart, f"keys-{seed}-apart-{number}", keys=few))
            return controls[-1].duplicates > 0

        found = tried_until(caught)
    return figure(
        "one key, many senders",
        holds=not seen.duplicates and not seen.differing and not seen.differences,
        facts={
            "keys": keys,
            "senders": processes,
            "duplicates": seen.duplicates,
            "lost": max(0, -seen.duplicates),
            "keys with differing answers": seen.differing,
            "equal replays": keys * (processes - 1),
            "control duplicates": f"{forgotten.duplicates} and {controls[-1].duplicates}",
        },
        caught=[forgotten.duplicates > 0, found],
    )
