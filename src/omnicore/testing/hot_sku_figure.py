"""When many processes want the same goods at once, does each unit get to exactly one of them?

Law (I7): with demand D on stock S, min(S, D) are granted: none is sold twice and none is left on the shelf.
"""

import random  # noqa: TID251 - drawn from a seed, so that a failing run can be run again
from contextlib import closing

from attrs import frozen

from omnicore.host import Host
from omnicore.inventory import Need, OutOfStock, Pool, hold, receive, set_pool
from omnicore.kernel.errors import Conflict
from omnicore.kernel.ids import ChannelId, LineId, NodeId
from omnicore.kernel.ledger import Account
from omnicore.testing.broken_databases import ReadThenWrite
from omnicore.testing.clock import SECRET
from omnicore.testing.crowd import Crowd
from omnicore.testing.figures import Backend, Figure, figure, tried_until

SHELF = NodeId("shelf")
WEB = ChannelId("web")
TEE = "sku:TEE"
ON_HAND = Account(TEE, "node/shelf/on-hand")


@frozen(kw_only=True)
class Rush:
    """What one process came to: which of its holds were granted, and how often it was told to try again."""

    granted: int
    refused: int
    retries: int


def rush(number: int, backend: Backend, shop: str, tries: int) -> Rush:
    """Hold one unit ``tries`` times, each under a key of its own; on a conflict ask again under the same key."""
    granted = refused = retries = 0
    needs = (Need(line=LineId("1"), components={TEE: 1}, units=1),)
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        for mine in range(tries):
            name = f"{number}-{mine}"
            while True:
                try:
                    host.run(hold(reservation=name, channel=WEB, needs=needs), command=f"hold-{name}")
                    granted += 1
                except OutOfStock:
                    refused += 1
                except Conflict:
                    retries += 1
                    continue
                break
    return Rush(granted=granted, refused=refused, retries=retries)


def stocked(backend: Backend, shop: str, stock: int) -> None:
    """Put goods on a shelf of a shop of its own."""
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        host.run(set_pool(pool=Pool(channel=WEB, nodes=(SHELF,))))
        host.run(receive(node=SHELF, units={TEE: stock}))


@frozen(kw_only=True)
class Round:
    """What one rush came to; ``held`` is what the books say was granted."""

    stock: int
    demand: int
    granted: int
    held: int
    retries: int
    differences: int

    @property
    def oversold(self) -> int:
        """Units promised that are not there."""
        return max(0, max(self.granted, self.held) - self.stock)

    @property
    def undersold(self) -> int:
        """Units left on the shelf that somebody was refused, or granted and not held."""
        return max(0, min(self.stock, self.demand) - min(self.granted, self.held))


def a_round(crowd: Crowd, backend: Backend, shop: str, *, stock: int, tries: int) -> Round:
    """Let a crowd rush at a shelf, and look at it afterwards."""
    stocked(backend, shop, stock)
    rushed = crowd.all(rush, backend, shop, tries)
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        differences = len(host.verify().differences)
    with closing(backend.open()) as database, database.reading(shop) as store:
        held = sum(row.left for row in store.open_holds([ON_HAND])[ON_HAND])
    return Round(
        stock=stock,
        demand=crowd.size * tries,
        granted=sum(each.granted for each in rushed),
        held=held,
        retries=sum(each.retries for each in rushed),
        differences=differences,
    )


def hot_sku_figure(backend: Backend, *, seed: int, rounds: int = 10, processes: int = 16, tries: int = 4) -> Figure:
    """Let ``processes`` rush at one SKU, round after round, with more and with less stock than they want.

    Control: the same on a database that reads, then writes without a guard; it must oversell.
    """
    dice = random.Random(seed)  # noqa: S311 - as the import
    demand = processes * tries
    # Every third round has enough for all: who is refused then was refused wrongly.
    stocks = [dice.randint(demand, demand + 5) if n % 3 == 0 else dice.randint(1, demand - 1) for n in range(rounds)]
    with Crowd(processes) as crowd:
        seen = [
            a_round(crowd, backend, f"rush-{seed}-{number}", stock=stock, tries=tries)
            for number, stock in enumerate(stocks)
        ]
        broken = backend.by(ReadThenWrite)
        controls: list[Round] = []

        def caught(number: int) -> bool:
            shop = f"rush-{seed}-control-{number}"
            controls.append(a_round(crowd, broken, shop, stock=demand // 2, tries=tries))
            return controls[-1].oversold > 0

        found = tried_until(caught)
    return figure(
        "hot SKU",
        holds=all(not each.oversold and not each.undersold and not each.differences for each in seen),
        facts={
            "processes": processes,
            "rounds": rounds,
            "tries": demand * rounds,
            "oversold": sum(each.oversold for each in seen),
            "undersold": sum(each.undersold for each in seen),
            "asked again": sum(each.retries for each in seen),
            "differences": sum(each.differences for each in seen),
            "control oversold": controls[-1].oversold,
        },
        caught=[found],
    )
