"""How many holds a second does one SKU give to eight processes, and does that fall as holds pile up?

Everybody takes one unit at a time until the shelf is empty. The floor is a guarded UPDATE and a row, in a transaction;
the peer's scheme locks the row and adds up what is held. Ours is the smallest flow that holds, through a ``Host``, with
a command key: it also writes the balance, the hold's own row and the command's. Oversold or undersold is an error.
"""

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

IDS = ("H1", "H2", "H3")
SKU = THREE[0]
PATIENCE_SECONDS = 120
Take = Callable[[int], bool]


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


HOW = {"floor": _floor, "ours": _ours, "lock-and-sum": _summed}


def _process(how: str, backend: str, place: str, name: str, gate: Barrier, out: "Queue[Share]") -> None:
    take, taken = HOW[how](BACKENDS[backend], place, name), 0
    gate.wait(PATIENCE_SECONDS)
    began = perf_counter()
    while take(taken):
        taken += 1
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
    if how == "ours":
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
        rates: dict[str, list[float]] = {how: [] for how in HOW}
        for nth in range(max(1, sizes.passes // 2)):
            for how, each in rates.items():
                place = stocked(how, backend, folder, sizes.stock, str(nth))
                sold, seconds = sell_out(how, backend, place, sizes.processes)
                assert sold == sizes.stock, f"{how} sold {sold} of {sizes.stock}"
                each.append(seconds * 1e6 / sold)
        usual = {how: median(each) for how, each in rates.items()}
        yield Measured(
            id=id_,
            backend=backend.name,
            floor_us=usual.pop("floor"),
            ours_us=usual.pop("ours"),
            peers_us=usual,
            more={"processes": sizes.processes, "sold": sizes.stock, "oversold": 0},
        )
