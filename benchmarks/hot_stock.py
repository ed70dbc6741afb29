"""How many holds a second does one SKU give to eight processes, and does that fall as holds pile up?

Everybody takes one unit at a time until the shelf is empty. The floor is a guarded UPDATE and a row, in a transaction;
the peer's scheme locks the row and adds up what is held. Ours is the smallest flow that holds, through a ``Host``, with
a command key: it also writes the balance, the hold's own row and the command's. Oversold or undersold is an error.

Coalesced (H2), each process has many callers who wait, and up to 64 of them share a transaction; the floor holds 64 by
hand in one. ``run_many`` is what 64 commands cost that are handed over together, with nobody waiting for each.
"""

import asyncio
import itertools
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from time import perf_counter

from attrs import frozen

from benchmarks.backends import BACKENDS, Backend
from benchmarks.shop import THREE, hold_one, opened
from benchmarks.sizes import Sizes
from benchmarks.targets import Measured
from omnicore.host import Host
from omnicore.inventory import OutOfStock, count
from omnicore.kernel.errors import Conflict
from omnicore.testing.clock import SECRET
from omnicore.testing.shop import DC, unit

SKU = THREE[0]
PATIENCE_SECONDS = 120
TOGETHER = 64
STOCK_TIMES = 8
"""How much more there is to sell where it goes by 64."""
CALLERS = 2 * TOGETHER
"""So many that a group is full again when the one before it is through."""
Take = Callable[[int], int]
"""Takes from the shelf, being told how much it has taken; gives how much it took, 0 when there is none."""


@frozen(kw_only=True)
class Share:
    """What one process did: how much it took, and between which instants."""

    taken: int
    began: float
    ended: float


def _ours(backend: Backend, place: str, name: str) -> Take:
    host = Host(backend.open(place), secret=SECRET)

    def take(number: int) -> bool:
        while True:
            try:
                host.run(hold_one(sku=unit(SKU), node=DC), command=f"{name}-{number}")
            except OutOfStock:
                return False
            except Conflict:
                continue  # as a client does: the same command again
            return True

    return take


def _floor(backend: Backend, place: str, name: str) -> Take:
    floor = backend.floor(place)
    return lambda number: floor.hold(SKU, f"{name}-{number}")


def _summed(backend: Backend, place: str, name: str) -> Take:
    floor = backend.floor(place)
    return lambda number: floor.hold_by_sum(SKU, f"{name}-{number}")


def _run_many(backend: Backend, place: str, name: str) -> Take:
    host = Host(backend.open(place), secret=SECRET)

    def take(number: int) -> int:
        group = [(hold_one(sku=unit(SKU), node=DC), f"{name}-{number + nth}") for nth in range(TOGETHER)]
        return sum(type(answer) is str for answer in host.run_many(group))

    return take


def _floor_many(backend: Backend, place: str, name: str) -> Take:
    floor = backend.floor(place)
    return lambda number: floor.hold_many(SKU, f"{name}-{number}", TOGETHER)


async def _coalesced(backend: Backend, place: str, name: str, gate: Barrier) -> Share:
    """Have callers take one unit at a time until there is none, in a line."""
    host = Host(backend.serve(place), secret=SECRET)
    line, taken = host.coalescing(at_most=TOGETHER), 0

    async def call(who: int) -> None:
        nonlocal taken
        for nth in itertools.count():
            try:
                await line.arun(hold_one(sku=unit(SKU), node=DC), command=f"{name}-{who}-{nth}")
            except OutOfStock:
                return
            taken += 1

    await host.alook("nobody")  # so that it is connected
    gate.wait(PATIENCE_SECONDS)
    began = perf_counter()
    await asyncio.gather(*map(call, range(CALLERS)))
    ended = perf_counter()
    await host.aclose()
    return Share(taken=taken, began=began, ended=ended)


HOW: dict[str, Callable[[Backend, str, str], Take]] = {
    "floor": _floor,
    "ours": _ours,
    "lock-and-sum": _summed,
    "floor-of-64": _floor_many,
    "run_many": _run_many,
}
ALONE = ("floor", "ours", "lock-and-sum")
COALESCED = ("floor-of-64", "coalesced", "run_many")


def _process(how: str, backend: str, place: str, name: str, gate: Barrier, out: "Queue[Share]") -> None:
    if how == "coalesced":
        out.put(asyncio.run(_coalesced(BACKENDS[backend], place, name, gate)))
        return
    take, taken = HOW[how](BACKENDS[backend], place, name), 0
    gate.wait(PATIENCE_SECONDS)
    began = perf_counter()
    while got := take(taken):
        taken += got
    out.put(Share(taken=taken, began=began, ended=perf_counter()))


def sell_out(how: str, backend: Backend, place: str, processes: int) -> tuple[int, float]:
    """Have processes take one unit at a time until there is none; how many they took, and in how many seconds."""
    context = multiprocessing.get_context("spawn")
    gate, out = context.Barrier(processes), context.Queue()
    running = [
        context.Process(target=_process, args=(how, backend.name, place, f"p{nth}", gate, out), daemon=True)
        for nth in range(processes)
    ]
    for process in running:
        process.start()
    shares: list[Share] = [out.get(timeout=PATIENCE_SECONDS) for _ in running]
    for process in running:
        process.join(PATIENCE_SECONDS)
    return sum(each.taken for each in shares), max(each.ended for each in shares) - min(each.began for each in shares)


def stocked(how: str, backend: Backend, folder: Path, stock: int, name: str) -> str:
    """Put so many units of the SKU on a new shelf; gives its place."""
    place = backend.place(folder, f"{how}-{name}")
    if not how.startswith("floor") and how != "lock-and-sum":
        host = opened(backend.create(place), stock=1)
        host.run(count(node=DC, found={unit(SKU): stock}), command="counted")  # the shop had some of its own
        host.close()
    else:
        floor = backend.floor(place)
        floor.create({SKU: stock})
        floor.close()
    return place


def measure(sizes: Sizes, wanted: frozenset[str], backend: Backend, folder: Path) -> Iterator[Measured]:
    """Measure the targets of a hot SKU that are wanted and that this backend has."""
    for id_ in sorted(wanted & frozenset(backend.hot)):
        floor, ours, *others = COALESCED if id_ == "H2" else ALONE
        stock = sizes.stock * (STOCK_TIMES if id_ == "H2" else 1)
        rates: dict[str, list[float]] = {how: [] for how in (floor, ours, *others)}
        for nth in range(max(1, sizes.passes // 2)):
            for how, each in rates.items():
                place = stocked(how, backend, folder, stock, f"{id_}-{nth}")
                sold, seconds = sell_out(how, backend, place, sizes.processes)
                assert sold == stock, f"{how} sold {sold} of {stock}"
                each.append(seconds * 1e6 / sold)
        usual = {how: median(each) for how, each in rates.items()}
        yield Measured(
            id=id_,
            backend=backend.name,
            floor_us=usual.pop(floor),
            ours_us=usual.pop(ours),
            peers_us=usual,
            more={"processes": sizes.processes, "sold": stock, "oversold": 0},
        )
