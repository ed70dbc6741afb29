"""Does the shop agree, to the unit and the yen, with books that somebody else has kept?

The auditor hears what commands were told and answered, and reads the journal. At every check it compares its own books
with the shop's answers, and counts who looked at personal data.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping

from attrs import define, field

from omnicore.host import Host
from omnicore.kernel.access import Access, Accessed
from omnicore.kernel.ids import NodeId
from omnicore.kernel.time import Instant
from omnicore.testing.bench import same
from omnicore.testing.payments import FakeProvider
from omnicore.testing.world.order_books import OrderBooks
from omnicore.testing.world.stock_books import StockBooks

CANARY = "kakushigoto"
"""Stands in every name and address of the world; where it is read outside the vault, somebody's data has leaked."""

SHOWN = frozenset({"ordering.buyer", "parties.profile"})
"""Of the kinds that a look shows, the one by which looks are counted."""


@define(eq=False)
class Auditor:
    """Everything the auditor keeps; ``made_of`` says what a variant hands over: steps by unit."""

    units: tuple[str, ...]
    nodes: tuple[NodeId, ...]
    made_of: Mapping[str, Mapping[str, int]]
    hold_minutes: int
    variants: dict[tuple[str, str], str] = field(factory=dict)
    """The variant of each line, by order and line."""
    changing: set[str] = field(factory=set)
    """Orders that a channel has changed and whose work at the nodes has not followed yet."""
    looked: Counter[tuple[str, str]] = field(factory=Counter)
    """How often personal data was shown, by question and subject, as the answers have it."""
    stock: StockBooks = field(init=False)
    orders: OrderBooks = field(factory=OrderBooks)
    read_to: int = 0
    heard: int = 0
    _logged: Counter[tuple[str, str]] = field(factory=Counter)

    def __attrs_post_init__(self) -> None:
        """Begin with empty books."""
        self.stock = StockBooks(self.hold_minutes)

    def read(self, host: Host) -> None:
        """Read on in the journal."""
        for envelope in host.journal(after=self.read_to):
            assert envelope.position is not None, "the journal gives a row without a position"
            assert envelope.position > self.read_to, "the journal goes back"
            self.read_to = envelope.position
            self.heard += 1
            assert CANARY not in envelope.data, f"personal data stands in {envelope.type}"
            event = envelope.read()
            self.stock.hear(event, envelope.at)
            self.orders.hear(event)
            if isinstance(event, Accessed) and event.access is Access.READ and event.kind in SHOWN:
                assert event.purpose, f"{event.flow} has read personal data for no purpose"
                self._logged[event.flow, event.subject] += 1

    def check(self, host: Host, provider: FakeProvider, *, at: Instant, at_the_end: bool = False) -> None:
        """Read on and compare everything; ``host.work`` has numbered the journal before.

        Raises: AssertionError, naming the first figure that differs.
        """
        found = host.verify()
        same("differences that verify finds", found.differences, ())
        self.read(host)
        same("rows in the journal", self.heard, found.events)
        same("orders in the shop", found.by_kind.get("ordering.order", 0), len(self.orders.orders))
        self.stock.check(host, units=self.units, nodes=self.nodes, at=at)
        self.orders.check(host, provider, at_the_end=at_the_end)
        self._check_units()
        for (question, subject), times in self.looked.items():
            logged = self._logged[question, subject]
            assert logged >= times, f"{question} has shown {subject} {times} times and is logged {logged} times"

    def _check_units(self) -> None:
        """Demand that as many whole units are counted as shipped as their goods have left."""
        gone: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for (order, line, unit), steps in self.stock.gone.items():
            gone[order, line][unit] = steps
        for name, counted in self.orders.orders.items():
            if name in self.orders.over_counter:
                continue
            for line in counted.ordered:
                made_of = self.made_of[self.variants[name, line]]
                whole = min(gone[name, line].get(unit, 0) // steps for unit, steps in made_of.items())
                here = f"units shipped of {line} of {name}"
                if name in self.changing:
                    assert counted.shipped[line] <= whole, f"{here} are more than have left"
                else:
                    same(here, counted.shipped[line], whole)
