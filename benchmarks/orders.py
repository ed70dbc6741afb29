"""What does an order cost over hand-written SQL, alone and 50 a transaction, and how many statements is it?

Ours is ``scenarios.place_order``: a priced cart becomes an order, its reservation and holds, its parcel, their index
rows, three events and the command key, in one transaction; and ``scenarios.import_orders`` for orders told by a
channel, which also finds their customers and assesses their tax.
"""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from benchmarks.backends import Backend
from benchmarks.floors_postgres import PostgresFloor
from benchmarks.shop import PLENTY, SKUS, THREE, offer, opened, skus_of, told
from benchmarks.sizes import Sizes
from benchmarks.targets import Measured
from benchmarks.timing import in_turns, middle, spread
from omnicore.host import Observation
from omnicore.host.system import now
from omnicore.ordering import Quote
from omnicore.scenarios.order_import import ToldOrder, import_orders
from omnicore.scenarios.place_order import place_order
from omnicore.testing.shop import MARKET

IDS = ("O1", "O2", "O3", "O4")
TOGETHER = 50


class Desk:
    """Orders being placed on one backend, by ours and by hand."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        """Open both shops."""
        self.seen: list[Observation] = []
        self.host = opened(backend.create(backend.place(folder, "ours")), observe=self.seen.append)
        self.floor = backend.floor(backend.place(folder, "floor"))
        self.floor.create(dict.fromkeys(SKUS, PLENTY))
        self.offers: list[Quote] = []
        self.orders: list[tuple[ToldOrder, ...]] = []
        self._ours = count(1)
        self._theirs = count(1)
        self._at = now()

    def price(self, orders: int, *, lines: int = len(THREE)) -> None:
        """Have so many carts priced, as whoever places them is given them."""
        skus = skus_of(lines)
        self.offers = [offer(next(self._ours), skus, self._at) for _ in range(orders)]

    def place(self) -> None:
        """Place what was priced, each by a command of its own."""
        for each in self.offers:
            self.host.run(place_order(offer=each), command=each.id)

    def tell(self, batches: int) -> None:
        """Have so many batches of orders told by a channel."""
        self.orders = [tuple(told(next(self._ours), THREE, self._at) for _ in range(TOGETHER)) for _ in range(batches)]

    def take_over(self) -> None:
        """Import what was told, each batch by a command of its own."""
        for batch in self.orders:
            self.host.run(import_orders(channel=MARKET, orders=batch), command=batch[0].external_id)

    def by_hand(self, orders: int, *, together: int = 1) -> None:
        """Place so many orders with hand-written SQL, in the quickest way the database has."""
        for _ in range(orders // together):
            self.floor.place([next(self._theirs) for _ in range(together)], THREE)

    def by_turns(self, orders: int) -> None:
        """Place so many orders with hand-written SQL, waiting for the answer to each statement."""
        assert isinstance(self.floor, PostgresFloor)
        for _ in range(orders):
            self.floor.place_by_turns([next(self._theirs)], THREE)

    def statements(self, lines: int) -> int:
        """Count what one order takes, once the shop is known."""
        self.price(2, lines=lines)
        self.place()
        return self.seen[-1].statements

    def close(self) -> None:
        """Check that the books add up, and let go."""
        assert not self.host.verify().differences
        self.host.close()
        self.floor.close()


def measure(sizes: Sizes, wanted: frozenset[str], backend: Backend, folder: Path) -> Iterator[Measured]:
    """Measure the targets of orders that are wanted and that this backend has."""
    here = wanted & frozenset(backend.orders)
    if not here:
        return
    desk = Desk(backend, folder)
    try:
        if here & {"O1", "O2", "O4"}:
            yield from _one_by_one(desk, sizes, here, backend)
        if "O3" in here:
            yield _together(desk, sizes, backend)
    finally:
        desk.close()


def _one_by_one(desk: Desk, sizes: Sizes, here: frozenset[str], backend: Backend) -> Iterator[Measured]:
    works: dict[str, Callable[[], object]] = {"floor": lambda: desk.by_hand(sizes.orders), "ours": desk.place}
    if "O2" in here:
        works["by turns"] = lambda: desk.by_turns(sizes.orders)
    cpu: dict[str, list[float]] = {}
    found = in_turns(
        works,
        cpu=cpu,
        count=sizes.orders,
        passes=sizes.passes,
        prepare={"ours": lambda: desk.price(sizes.orders)},
    )
    usual = middle(found)
    statements = {lines: desk.statements(lines) for lines in (sizes.lines[0], len(THREE), sizes.lines[-1])}
    for id_ in sorted(here & {"O1", "O2"}):
        more: dict[str, object] = {
            "statements": statements[len(THREE)],
            "spread": spread(found["ours"]),
            "floor_cpu_us": round(middle(cpu)["floor"], 3),
            "ours_cpu_us": round(middle(cpu)["ours"], 3),
        }
        if id_ == "O2":
            more["floor_by_turns_us"] = round(usual["by turns"], 3)
            more["ratio_to_floor_by_turns"] = round(usual["ours"] / usual["by turns"], 3)
        yield Measured(id=id_, backend=backend.name, floor_us=usual["floor"], ours_us=usual["ours"], more=more)
    if "O4" in here:
        yield Measured(
            id="O4",
            backend=backend.name,
            floor_us=usual["floor"],
            ours_us=usual["ours"],
            ratio_is=float(max(statements.values())),
            also=max(statements.values()) == statements[len(THREE)],  # no more for a hundred lines than for three
            more={"statements_by_lines": statements},
        )


def _together(desk: Desk, sizes: Sizes, backend: Backend) -> Measured:
    orders = sizes.imports * TOGETHER
    found = in_turns(
        {
            "floor": lambda: desk.by_hand(orders, together=TOGETHER),
            "alone": lambda: desk.by_hand(orders),
            "ours": desk.take_over,
        },
        count=orders,
        passes=sizes.passes,
        prepare={"ours": lambda: desk.tell(sizes.imports)},
    )
    usual = middle(found)
    more = {
        "floor_alone_us": round(usual["alone"], 3),
        "ratio_to_floor_alone": round(usual["ours"] / usual["alone"], 3),
        "spread": spread(found["ours"]),
    }
    return Measured(id="O3", backend=backend.name, floor_us=usual["floor"], ours_us=usual["ours"], more=more)
