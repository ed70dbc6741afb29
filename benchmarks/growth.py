"""Does anything get slower as a shop grows: with holds on one SKU, with lines of an order, with orders stored?

A curve is given as microseconds at each size and how many times the last is the first. What is fitted into a constant
number of statements should stay flat in what is stored, and grow with lines by less than lines do. Sizes cannot take
turns, so at each the quickest of several short samples counts: the one that was least disturbed.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.backends import Backend
from benchmarks.hot_stock import SKU, stocked
from benchmarks.orders import Desk
from benchmarks.shop import THREE, hold_one
from benchmarks.sizes import Sizes
from benchmarks.timing import timed
from omnicore.host import Host
from omnicore.ordering import order_from, order_of_cart
from omnicore.ordering import place as place_orders
from omnicore.testing.clock import SECRET
from omnicore.testing.shop import DC, unit

BATCH = 500
SAMPLE = 20
SAMPLES = 6
Curve = dict[str, object]


def _curve(id_: str, says: str, backend: Backend, micros: dict[int, float]) -> Curve:
    first, *_, last = micros.values()
    return {
        "id": id_,
        "says": says,
        "backend": backend.name,
        "ours_us": {str(size): round(each, 1) for size, each in micros.items()},
        "times": round(last / first, 2),
    }


def _quickest(desk: Desk, sample: int, lines: int) -> float:
    """Place orders of so many lines, the first few to get warm; give the quickest sample."""
    found = []
    for _ in range(SAMPLES + 1):
        desk.price(sample, lines=lines)
        found.append(timed(desk.place, sample))
    return min(found[1:])


def holds(sizes: Sizes, backend: Backend, folder: Path) -> Curve:
    """Time a hold on one SKU when so many are held already."""
    place = stocked("ours", backend, folder, 10**6, "growth")
    host = Host(backend.open(place), secret=SECRET)
    found: dict[int, float] = {}

    def hold(count: int) -> None:
        for _ in range(count):
            host.run(hold_one(sku=unit(SKU), node=DC))

    held = 0
    for size in sizes.rows:
        sample = min(SAMPLE, (size - held) // SAMPLES or 1)
        hold(max(0, size - held - SAMPLES * sample))
        found[size] = min(timed(lambda: hold(sample), sample) for _ in range(SAMPLES))  # noqa: B023 - run at once
        held = size
    host.close()
    return _curve("G1", "a hold, by holds on its SKU", backend, found)


def lines(sizes: Sizes, backend: Backend, folder: Path) -> Curve:
    """Time an order of so many lines."""
    desk = Desk(backend, folder / "lines")
    sample = min(SAMPLE, sizes.orders)
    found = {size: _quickest(desk, sample, size) for size in sizes.lines}
    desk.close()
    return _curve("G2", "an order, by its lines", backend, found)


def stored(sizes: Sizes, backend: Backend, folder: Path) -> Curve:
    """Time an order when so many are stored already; those are placed without their goods, many at once."""
    desk = Desk(backend, folder / "stored")
    sample = min(SAMPLE, sizes.orders)
    found: dict[int, float] = {}
    there = 0
    for size in sizes.stored:
        while there < size:
            few = min(BATCH, size - there)
            desk.price(few)
            orders = tuple(order_from(each, order=order_of_cart(each.cart), at=each.made_at) for each in desk.offers)
            desk.host.run(place_orders(orders=orders))
            there += few
        found[size] = _quickest(desk, sample, len(THREE))
        there += sample * (SAMPLES + 1)
    desk.host.close()
    desk.floor.close()
    return _curve("G3", "an order, by orders stored", backend, found)


def measure(sizes: Sizes, backend: Backend, folder: Path) -> Iterator[Curve]:
    """Give every curve on one backend."""
    for name in ("lines", "stored"):
        (folder / name).mkdir(parents=True)
    yield holds(sizes, backend, folder)
    yield lines(sizes, backend, folder)
    yield stored(sizes, backend, folder)
