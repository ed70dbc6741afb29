"""While money moves between accounts, does whoever adds them up always see the same total?

Law (M1): the sum of all accounts is the same at every snapshot; a question over several accounts sees one.
"""

import random  # noqa: TID251 - drawn from a seed, so that a failing run can be run again
from contextlib import closing, suppress
from time import monotonic

from attrs import frozen

from omnicore.host import Host
from omnicore.kernel.errors import Conflict, Refused
from omnicore.testing.broken_databases import ReadAsYouGo
from omnicore.testing.clock import SECRET
from omnicore.testing.crowd import Crowd, meet
from omnicore.testing.figure_flows import bank_account, deposit, total, transfer
from omnicore.testing.figures import Backend, Figure, figure, tried_until

ACCOUNTS = tuple(bank_account(number) for number in range(6))
EACH = 100
READERS = 2


@frozen(kw_only=True)
class Teller:
    """What one process came to."""

    transfers: int = 0
    conflicts: int = 0
    reads: int = 0
    wrong: int = 0


def tell(number: int, backend: Backend, shop: str, seed: int, seconds: float) -> Teller:
    """Transfer for a while, or, as one of the first, add up all the while."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - as the import
    done = conflicts = reads = wrong = 0
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        host.run(total(accounts=ACCOUNTS))  # connected
        meet()
        until = monotonic() + seconds
        while monotonic() < until:
            if number < READERS:
                reads += 1
                wrong += host.run(total(accounts=ACCOUNTS)) != EACH * len(ACCOUNTS)
                continue
            source, target = dice.sample(ACCOUNTS, 2)
            try:
                with suppress(Refused):
                    host.run(transfer(source=source, target=target, amount=dice.randint(1, 40)))
                    done += 1
            except Conflict:
                conflicts += 1
    return Teller(transfers=done, conflicts=conflicts, reads=reads, wrong=wrong)


def a_day(crowd: Crowd, backend: Backend, shop: str, *, seed: int, seconds: float) -> tuple[Teller, int]:
    """Let a crowd transfer and add up; gives what it came to in all, and how many differences the books have."""
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        host.run(deposit(accounts=ACCOUNTS, amount=EACH))
    tellers = crowd.all(tell, backend, shop, seed, seconds)
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        differences = len(host.verify().differences) + (host.run(total(accounts=ACCOUNTS)) != EACH * len(ACCOUNTS))
    summed = Teller(
        transfers=sum(each.transfers for each in tellers),
        conflicts=sum(each.conflicts for each in tellers),
        reads=sum(each.reads for each in tellers),
        wrong=sum(each.wrong for each in tellers),
    )
    return summed, differences


def bank_figure(backend: Backend, *, seed: int, seconds: float = 10, processes: int = 8) -> Figure:
    """Let ``processes`` transfer between six accounts, but for two that add them up without a pause.

    Control: the same where a question sees what is committed at each of its calls; it must find a wrong total.
    """
    with Crowd(processes) as crowd:
        seen, differences = a_day(crowd, backend, f"bank-{seed}", seed=seed, seconds=seconds)
        torn = backend.by(ReadAsYouGo)
        controls: list[Teller] = []

        def caught(number: int) -> bool:
            shop = f"bank-{seed}-control-{number}"
            controls.append(a_day(crowd, torn, shop, seed=seed, seconds=min(1.0, seconds))[0])
            return controls[-1].wrong > 0

        found = tried_until(caught)
    return figure(
        "bank",
        holds=not seen.wrong and not differences and seen.reads > 0 and seen.transfers > 0,
        facts={
            "processes": processes,
            "transfers": seen.transfers,
            "conflicts": seen.conflicts,
            "reads": seen.reads,
            "wrong totals": seen.wrong,
            "differences": differences,
            "control wrong totals": f"{controls[-1].wrong} of {controls[-1].reads}",
        },
        caught=[found],
    )
