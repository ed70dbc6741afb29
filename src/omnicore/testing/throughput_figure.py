"""How many holds a second does one hot SKU take, how long does one wait, and does anybody ever meet a deadlock?

Law (I9): rows are locked in one order in every command, so that no two writers can wait for each other in a circle.
"""

import random  # noqa: TID251 - drawn from a seed, so that a failing run can be run again
from contextlib import closing, suppress
from time import monotonic, perf_counter_ns

from attrs import frozen

from omnicore.host import Host, Observation
from omnicore.kernel.errors import Conflict, Refused
from omnicore.testing.broken_databases import MoveByMove
from omnicore.testing.clock import SECRET
from omnicore.testing.crowd import Crowd, meet
from omnicore.testing.figure_flows import bank_account, deposit, pay, stock, take
from omnicore.testing.figures import Backend, Figure, figure, tried_until

ACCOUNTS = tuple(bank_account(number) for number in range(6))
PLENTY = 10**9


@frozen(kw_only=True)
class Worked:
    """What one process came to: how long each command took, and how often the driver had to try again."""

    micros: tuple[int, ...]
    retries: int
    conflicts: int


def work(number: int, backend: Backend, shop: str, seed: int, seconds: float, *, hot: bool) -> Worked:
    """Take from the one hot shelf for a while, or pay from account to account."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - as the import
    micros: list[int] = []
    seen: list[Observation] = []
    conflicts = 0
    with closing(Host(backend.open(), secret=SECRET, shop=shop, observe=seen.append)) as host:
        with suppress(Refused):
            host.run(take())  # connected, and everything learnt
        meet()
        until = monotonic() + seconds
        while monotonic() < until:
            began = perf_counter_ns()
            try:
                if hot:
                    host.run(take())
                else:
                    source, target = dice.sample(ACCOUNTS, 2)
                    host.run(pay(source=source, target=target, amount=1))
            except Conflict:
                conflicts += 1
            else:
                micros.append((perf_counter_ns() - began) // 1000)
    return Worked(micros=tuple(micros), retries=sum(each.retries for each in seen), conflicts=conflicts)


def paid(crowd: Crowd, backend: Backend, shop: str, *, seed: int, seconds: float) -> tuple[list[Worked], int]:
    """Have a crowd pay between a few accounts in any direction; gives what it came to, and how many deadlocks."""
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        host.run(deposit(accounts=ACCOUNTS, amount=PLENTY))
    before = backend.deadlocks() if backend.deadlocks else 0
    worked = crowd.all(work, backend, shop, seed, seconds, hot=False)
    return worked, (backend.deadlocks() if backend.deadlocks else 0) - before


def throughput_figure(backend: Backend, *, seed: int, seconds: float = 10, processes: int = 8) -> Figure:
    """Let ``processes`` take from one SKU, then pay between six accounts in every direction.

    Control, where the database counts deadlocks: writes that are made move by move, in the order they were asked for.
    """
    with Crowd(processes) as crowd:
        shop = f"hot-{seed}"
        with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
            host.run(stock(amount=PLENTY))
        hot = crowd.all(work, backend, shop, seed, seconds, hot=True)
        cross, deadlocks = paid(crowd, backend, f"{shop}-cross", seed=seed, seconds=seconds / 2)
        with closing(Host(backend.open(), secret=SECRET, shop=f"{shop}-cross")) as host:
            differences = len(host.verify().differences)
        caught: list[bool] = []
        if backend.deadlocks is not None:
            unsorted = backend.by(MoveByMove)

            def found(number: int) -> bool:
                return paid(crowd, unsorted, f"{shop}-control-{number}", seed=seed + number, seconds=2)[1] > 0

            caught.append(tried_until(found))
    micros = sorted(each for worked in hot for each in worked.micros)
    return figure(
        "hot SKU throughput",
        holds=bool(micros) and not deadlocks and not differences and not any(each.conflicts for each in (*hot, *cross)),
        facts={
            "processes": processes,
            "commits a second": round(len(micros) / seconds),
            "p50 us": micros[len(micros) // 2] if micros else 0,
            "p99 us": micros[len(micros) * 99 // 100] if micros else 0,
            "retries": sum(each.retries for each in hot),
            "payments a second": round(2 * sum(len(each.micros) for each in cross) / seconds),
            "deadlocks": deadlocks,
            "given up": sum(each.conflicts for each in (*hot, *cross)),
            "differences": differences,
        },
        caught=caught,
    )
