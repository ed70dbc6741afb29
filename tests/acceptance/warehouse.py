"""A warehouse for the inventory cases: stock, promises and movements, by ``omnicore.inventory``.

A case is given stock as it stands, which is brought about by facts (receipts and sales over the counter) and holds.
"""

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.inventory import (
    RESERVATIONS,
    Allocation,
    Buffer,
    Need,
    NotOnShelf,
    OutOfStock,
    Pool,
    Share,
    allocate,
    availability,
    count,
    hold,
    move_holds,
    receive,
    release,
    sell_at_till,
    set_pool,
    ship,
    sku_unit,
    stock,
)
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, holds, load, question
from omnicore.kernel.ids import ChannelId, LineId, NodeId, SkuId
from omnicore.kernel.rounding import format_steps, parse_steps
from omnicore.kernel.time import Instant
from omnicore.testing.clock import Clock
from tests.acceptance.comparing import Refusal
from tests.acceptance.reading import Misshapen, NotBuilt

SCALE: Final = 3
"""Every SKU of a case counts thousandths, so that "5.5" can be said."""
_LONG_AGO: Final = 1000
"""Days before a case begins, when promises were made whose time may be over by then."""
EVERYWHERE: Final = ChannelId("everywhere")
"""A channel that promises from every location."""


def steps(text: str) -> int:
    """Read a quantity."""
    return parse_steps(text, SCALE)


def quantity(amount: int) -> str:
    """Write a quantity as the cases do: ``8.5``, ``0``."""
    text = format_steps(amount, SCALE)
    return text.rstrip("0").rstrip(".")


def unit_of(sku: str) -> str:
    """Name a SKU of a case in the ledger."""
    return sku_unit(SkuId(sku), scale=SCALE)


@frozen(kw_only=True)
class Promise:
    """A hold that counts: whose it is, and what is left of it where."""

    hold: str
    reservation: str
    unit: str
    node: NodeId
    left: int


@question("acceptance.promises")
async def promises(given: Given, *, names: tuple[str, ...]) -> tuple[Promise, ...]:
    """Ask what is still promised under some names."""
    stored = [each.value for each in (await load(RESERVATIONS, names)).values()]
    rows = [(one, allocation) for one in sorted(stored, key=lambda one: one.id) for allocation in one.allocations]
    read = await holds(allocation.hold for _, allocation in rows)
    return tuple(
        Promise(
            hold=each.hold,
            reservation=one.id,
            unit=each.share.unit,
            node=each.share.node,
            left=read[each.hold].left,
        )
        for one, each in rows
        if read[each.hold].live(given.at)
    )


@frozen
class Warehouse:
    """A shop on the memory adapter, its locations in order, and the names under which something was promised."""

    nodes: list[NodeId]
    clock: Clock = field(factory=Clock)
    names: list[str] = field(factory=list)
    host: Host = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open the shop; one channel may promise from everywhere."""
        object.__setattr__(self, "host", Host(Memory(), clock=self.clock))
        self.pool(EVERYWHERE, self.nodes)

    def pool(self, channel: str, nodes: list[NodeId], buffers: tuple[Buffer, ...] = ()) -> ChannelId:
        """Let a channel promise from some locations, in that order."""
        self.host.run(set_pool(pool=Pool(channel=ChannelId(channel), nodes=tuple(nodes), buffers=buffers)))
        return ChannelId(channel)

    def bring(self, sku: str, node: NodeId, *, on_hand: int, promised: list[tuple[int, int | None]]) -> None:
        """Make a location hold so much of a SKU, of which amounts are promised: each with its seconds to live."""
        needed = max(on_hand, sum(amount for amount, _ in promised))
        if needed > 0:
            self.host.run(receive(node=node, units={unit_of(sku): needed}))
        for amount, seconds in promised:
            if seconds is None:
                self.allocate(sku, node, amount)
            else:
                name, here = self.new_name(), self.pool(f"only-{node}", [node])
                self.clock.advance(days=-_LONG_AGO)
                self.hold(name, here, {sku: amount}, expires=self.clock().plus(days=_LONG_AGO, seconds=seconds))
                self.clock.advance(days=_LONG_AGO)
        if needed > on_hand:
            self.host.run(sell_at_till(node=node, units={unit_of(sku): needed - on_hand}))

    def new_name(self) -> str:
        """Name one more reservation."""
        self.names.append(f"reservation-{len(self.names):03}")
        return self.names[-1]

    def hold(
        self, name: str, channel: ChannelId, units: Mapping[str, int], *, expires: Instant | None = None
    ) -> tuple[Allocation, ...]:
        """Promise so much of each SKU from a channel's pool."""
        needs = tuple(
            Need(line=LineId(sku), components={unit_of(sku): 1}, units=amount) for sku, amount in units.items()
        )
        return self.host.run(hold(reservation=name, channel=channel, needs=needs, expires=expires))

    def allocate(self, sku: str, node: str, amount: int) -> None:
        """Promise so much at a location, for an order."""
        share = Share(line=LineId(sku), unit=unit_of(sku), node=NodeId(node), amount=amount)
        self.host.run(allocate(reservation=self.new_name(), channel=EVERYWHERE, shares=(share,)))

    def available(self, sku: str, channel: ChannelId) -> int:
        """Ask what a channel may promise."""
        return self.host.run(availability(units=(unit_of(sku),), channel=channel))[unit_of(sku)]

    def promised(self, sku: str) -> list[Promise]:
        """Ask what is promised of a SKU."""
        rows = self.host.run(promises(names=tuple(self.names)))
        return [row for row in rows if row.unit == unit_of(sku)]

    def release(self, sku: str, amount: int) -> None:
        """Give back so much of what is promised of a SKU, the latest first; what is left of a hold is promised anew."""
        for row in reversed(self.promised(sku)):
            if not amount:
                return
            given_back = min(amount, row.left)
            amount -= given_back
            self.host.run(release(reservation=row.reservation, lines=(LineId(sku),)))
            if row.left > given_back:
                self.allocate(sku, row.node, row.left - given_back)
        if amount:
            raise NotBuilt("releasing more than is promised")

    def fulfil(self, sku: str, node: str, amount: int) -> None:
        """Ship so much from a location: what is promised there first, then what has to be moved there."""
        here = sum(row.left for row in self.promised(sku) if row.node == node)
        missing = amount - here
        for row in self.promised(sku):
            if missing > 0 and row.node != node:
                moved = min(missing, row.left)
                missing -= moved
                stays = {row.node: row.left - moved} if row.left > moved else {}
                self.host.run(move_holds(places={row.hold: {NodeId(node): moved, **stays}}))
        if missing > 0:
            raise NotBuilt("shipping more than is promised")
        for row in self.promised(sku):
            leaving = min(amount, row.left) if row.node == node else 0
            if leaving:
                amount -= leaving
                self.host.run(ship(reservation=row.reservation, amounts={row.hold: leaving}))

    def recount(self, sku: str, node: str, change: int) -> None:
        """Find more or less on a shelf than the books say."""
        if node not in self.nodes:
            raise Misshapen(f"no location is called {node}")
        found = self.standing(sku)[node][0] + change
        if found < 0:
            raise NotBuilt("finding less than nothing")
        self.host.run(count(node=NodeId(node), found={unit_of(sku): found}))

    def standing(self, sku: str) -> dict[str, tuple[int, int]]:
        """Give on hand and held of a SKU by location."""
        rows = self.host.run(stock(units=(unit_of(sku),), nodes=tuple(self.nodes)))
        return {row.node: (row.on_hand, row.held) for row in rows}


def refused(error: Refused) -> Refusal:
    """Give the cases' word for a no."""
    match error:
        case OutOfStock():
            return Refusal("insufficient_stock", code=error.code)
        case NotOnShelf():
            return Refusal("insufficient_stock", code=error.code)
        case _:
            return Refusal(error.code, code=error.code)
