"""How many of each SKU are where, and promised to whom, counted one by one from what was told and what happened?

Plain dictionaries and nothing of the code under test but its events, questions and answers: stock is what came in less
what went out, node by node; a promise is what an order was given and has neither got nor lost.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import define, field

from omnicore.fulfilment import Item, ParcelPlanned, ParcelShipped, PickupCollected, PickupPlanned
from omnicore.host import Host
from omnicore.inventory import (
    Allocation,
    Arrived,
    Counted,
    Dispatched,
    Received,
    Released,
    Resourced,
    Restocked,
    Scrapped,
    Shelf,
    SoldAtTill,
    StockHeld,
    stock,
)
from omnicore.kernel.audit import Overcommitted
from omnicore.kernel.flow import Given, balances, question
from omnicore.kernel.ids import NodeId
from omnicore.kernel.journal import Event
from omnicore.kernel.ledger import Account
from omnicore.kernel.time import Instant
from omnicore.ordering import OrderPlaced
from omnicore.testing.bench import same

Place = tuple[str, str]
"""A unit and a node."""


@question("testing.world_transit")
async def in_transit(_given: Given, *, accounts: tuple[Account, ...]) -> tuple[int, ...]:
    """Read how much stands on accounts, in the order asked."""
    read = await balances(accounts)
    return tuple(read[account].posted for account in accounts)


@define
class Promise:
    """So many steps at a place for a reservation, until an instant or for good."""

    reservation: str
    place: Place
    left: int
    until: Instant | None


@define(eq=False)
class StockBooks:
    """The auditor's stock books; ``hold_minutes`` is how long a checkout's promises last."""

    hold_minutes: int
    shelf: Counter[Place] = field(factory=Counter)
    quarantine: Counter[Place] = field(factory=Counter)
    transit: Counter[Place] = field(factory=Counter)
    """By unit and transfer."""
    promises: dict[str, Promise] = field(factory=dict)
    told: Counter[Place] = field(factory=Counter)
    """What commands said they did, by unit and deed."""
    happened: Counter[Place] = field(factory=Counter)
    """What events say was done, by unit and deed."""
    gone: Counter[tuple[str, str, str]] = field(factory=Counter)
    """Steps that have left for a buyer, by order, line and unit."""
    _packs: dict[str, tuple[str, str, tuple[Item, ...]]] = field(factory=dict)
    _orders: set[str] = field(factory=set)
    _short: set[Place] = field(factory=set)

    def tell(self, deed: str, units: Mapping[str, int]) -> None:
        """Note what an accepted command says it did."""
        for unit, amount in units.items():
            self.told[unit, deed] += amount

    def hear(self, event: Event, at: Instant) -> None:
        """Take an event in, in order of position."""
        match event:
            case Received():
                self._add("received", event.node, event.units)
            case Counted():
                self._counted(event)
            case Scrapped():
                self._add("scrapped", event.node, event.units, sign=-1, shelf=event.shelf)
            case SoldAtTill():
                self._add("sold", event.node, event.units, sign=-1)
            case Restocked():
                self._add("returned", event.node, event.units, shelf=event.shelf)
            case Dispatched():
                self._add("dispatched", event.source, event.units, sign=-1)
                self.transit.update({(unit, event.transfer): amount for unit, amount in event.units.items()})
            case Arrived():
                self._add("arrived", event.node, event.received)
                self._note("lost", event.lost)
                for units in (event.received, event.lost):
                    self.transit.subtract({(unit, event.transfer): amount for unit, amount in units.items()})
            case ParcelPlanned():
                self._packs[event.parcel] = (event.node, event.order, event.items)
            case PickupPlanned():
                self._packs[event.pickup] = (event.node, event.order, event.items)
            case ParcelShipped():
                self._left(event.parcel)
            case PickupCollected():
                self._left(event.pickup)
            case Overcommitted():
                self._overcommitted(event, at)
            case _:
                self._promised(event, at)

    def _promised(self, event: Event, at: Instant) -> None:
        match event:
            case OrderPlaced():
                self._orders.add(event.order)
                for promise in self._of(event.order):
                    promise.until = None
            case StockHeld():
                # In the world a reservation is held afresh only when what it held before counts no more.
                self._end(name for name, each in self.promises.items() if each.reservation == event.reservation)
                self._promise(event.reservation, event.allocations, at)
            case Resourced():
                self._end(event.holds)
                self._promise(event.reservation, event.allocations, at)
            case Released():
                self._end(event.holds)
            case _:
                pass

    def _of(self, reservation: str) -> list[Promise]:
        return [promise for promise in self.promises.values() if promise.reservation == reservation]

    def _end(self, holds: Iterable[str]) -> None:
        for hold in list(holds):
            self.promises.pop(hold, None)

    def _promise(self, reservation: str, allocations: Iterable[Allocation], at: Instant) -> None:
        until = None if reservation in self._orders else at.plus(minutes=self.hold_minutes)
        for each in allocations:
            place = (each.share.unit, each.share.node)
            assert each.hold not in self.promises, f"hold {each.hold} was made twice"
            self.promises[each.hold] = Promise(reservation, place, each.share.amount, until)

    def _note(self, deed: str, units: Mapping[str, int]) -> None:
        for unit, amount in units.items():
            self.happened[unit, deed] += amount

    def _add(
        self, deed: str, node: str, units: Mapping[str, int], *, sign: int = 1, shelf: Shelf = Shelf.ON_HAND
    ) -> None:
        self._note(deed, units)
        stands = self.shelf if shelf is Shelf.ON_HAND else self.quarantine
        for unit, amount in units.items():
            stands[unit, node] += sign * amount

    def _counted(self, event: Counted) -> None:
        for unit, found in event.found.items():
            same(f"{unit} at {event.node} as booked before a count", event.booked[unit], self.shelf[unit, event.node])
            self.happened[unit, "found"] += found
            self.happened[unit, "counted"] += found - self.shelf[unit, event.node]
            self.shelf[unit, event.node] = found

    def _left(self, pack: str) -> None:
        """Take goods off the shelf that leave in a parcel or a pickup, and off what is promised of them."""
        node, order, items = self._packs.pop(pack)
        for item in items:
            self.shelf[item.unit, node] -= item.amount
            self.happened[item.unit, "shipped"] += item.amount
            self.gone[order, item.line, item.unit] += item.amount
            promise = self.promises[item.hold]
            same(f"where {item.hold} is promised", promise.place, (item.unit, node))
            promise.left -= item.amount
            assert promise.left >= 0, f"more of {item.hold} has left than was promised"
            if not promise.left:
                del self.promises[item.hold]

    def held(self, at: Instant) -> Counter[Place]:
        """Add up what is promised at each place at an instant."""
        found: Counter[Place] = Counter()
        for promise in self.promises.values():
            if promise.until is None or at < promise.until:
                found[promise.place] += promise.left
        return found

    def _overcommitted(self, event: Overcommitted, at: Instant) -> None:
        node = event.path.split("/")[1]
        if event.path.endswith("/on-hand"):
            short = self.held(at)[event.unit, node] - self.shelf[event.unit, node]
            same(f"how much {event.unit} at {node} is short of", event.short, short)
            self._short.add((event.unit, node))
            for risk in event.at_risk:
                assert risk.hold in self.promises, f"{risk.hold} is said to be at risk and is no promise"

    def check(self, host: Host, *, units: tuple[str, ...], nodes: tuple[NodeId, ...], at: Instant) -> None:
        """Compare with what the shop says now.

        Raises: AssertionError.
        """
        same("what was done to stock", {key: self.happened[key] for key in self.told}, dict(self.told))
        held, total = self.held(at), Counter[str]()
        for row in host.run(stock(units=units, nodes=nodes)):
            place: Place = (row.unit, row.node)
            same(f"on hand: {place}", row.on_hand, self.shelf[place])
            same(f"in quarantine: {place}", row.quarantine, self.quarantine[place])
            same(f"promised: {place}", row.held, held[place])
            same(f"free: {place}", row.available, self.shelf[place] - held[place])
            total[row.unit] += row.on_hand + row.quarantine
            if row.available >= 0:
                self._short.discard(place)
            else:
                named = place in self._short or self.shelf[place] < 0
                assert named, f"{place} is promised {-row.available} times too often, and nobody was told"
        moving = tuple(self.transit)
        read = host.run(in_transit(accounts=tuple(Account(unit, f"transit/{name}") for unit, name in moving)))
        for (sku, transfer), amount in zip(moving, read, strict=True):
            same(f"in transit: {sku} of {transfer}", amount, self.transit[sku, transfer])
            total[sku] += amount
        for unit in units:
            came = sum(self.happened[unit, deed] for deed in ("received", "counted", "returned"))
            went = sum(self.happened[unit, deed] for deed in ("scrapped", "lost", "sold", "shipped"))
            same(f"all there is of {unit}", total[unit], came - went)
