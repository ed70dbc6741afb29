"""Which figures has omnicore set itself, and is a measured ratio within them?

A ratio is ours over the floor's: of times, where less is better, or of rates, where more is (``AT_LEAST``). The floor
is the least anybody could write by hand for the same answer.
"""

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen


class Bound(StrEnum):
    """On which side of the target a ratio has to be."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


@frozen(kw_only=True)
class Target:
    """A figure to reach: what is measured, against which floor, and how near to it ours has to come."""

    id: str
    says: str
    floor: str
    target: float
    bound: Bound = Bound.AT_MOST

    def holds(self, ratio: float) -> bool:
        """Say whether a ratio is within the target."""
        return ratio <= self.target if self.bound is Bound.AT_MOST else ratio >= self.target


@frozen(kw_only=True)
class Measured:
    """One target as it came out: microseconds for each thing done, by floor, by ours and by every peer that is there.

    ``more`` are figures beside it, such as how many statements it took.
    """

    id: str
    floor_us: float
    ours_us: float
    backend: str = "none"
    peers_us: Mapping[str, float] = field(factory=dict)
    more: Mapping[str, object] = field(factory=dict)
    ratio_is: float | None = None
    """The ratio where it is not simply ours over the floor's."""
    also: bool = True
    """What must hold beside the ratio."""

    @property
    def ratio(self) -> float:
        """Give what is compared with the target."""
        if self.ratio_is is not None:
            return self.ratio_is
        if TARGETS[self.id].bound is Bound.AT_LEAST:
            return self.floor_us / self.ours_us
        return self.ours_us / self.floor_us

    @property
    def ok(self) -> bool:
        """Say whether the target is met."""
        return self.also and TARGETS[self.id].holds(self.ratio)

    def row(self) -> dict[str, object]:
        """Give the figures as one JSON object."""
        target = TARGETS[self.id]
        return {
            "id": self.id,
            "backend": self.backend,
            "says": target.says,
            "floor": target.floor,
            "bound": target.bound.value,
            "target": target.target,
            "ratio": round(self.ratio, 3),
            "ok": self.ok,
            "floor_us": round(self.floor_us, 3),
            "ours_us": round(self.ours_us, 3),
            "peers_us": {name: round(micros, 3) for name, micros in self.peers_us.items()},
            **self.more,
        }


_EVERY = (
    Target(id="M1", says="an amount from text", floor="int of the text without its point", target=5),
    Target(id="M2", says="the sum of many amounts", floor="a loop that adds ints", target=5),
    Target(id="M3", says="an amount plus an amount", floor="the smallest class with a currency check", target=2),
    Target(id="M4", says="an amount times a rate, rounded", floor="the same on ints, half to even", target=4),
    Target(id="M5", says="an amount split over four weights", floor="the same on ints", target=3),
    Target(id="S1", says="a move to a new order and an event", floor="a dict table and two named tuples", target=3),
    Target(id="S2", says="what a machine costs each order", floor="the same frozen value without a machine", target=2),
    Target(id="O1", says="place an order of three lines", floor="hand-written SQL, one commit", target=3),
    Target(id="O2", says="place an order of three lines", floor="hand-written SQL, one pipeline", target=2.5),
    Target(id="O3", says="import orders, 50 a transaction", floor="hand-written SQL, 50 a transaction", target=8),
    Target(id="O4", says="statements to place an order, 1 to 100 lines", floor="(a number of statements)", target=8),
    Target(
        id="H1", says="hot SKU, 8 processes, one hold each", floor="a guarded UPDATE", target=0.8, bound=Bound.AT_LEAST
    ),
    Target(id="H2", says="hot SKU, holds coalesced", floor="64 holds a transaction", target=0.5, bound=Bound.AT_LEAST),
    Target(
        id="H3", says="hot SKU, 8 processes, one hold each", floor="a guarded UPDATE", target=0.7, bound=Bound.AT_LEAST
    ),
)

TARGETS: Mapping[str, Target] = {target.id: target for target in _EVERY}
