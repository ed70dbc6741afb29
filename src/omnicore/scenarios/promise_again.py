"""How does what nodes have to do follow an order that came short, or whose channel has changed its mind?

``import_orders`` places what was sold even where goods are missing, and takes newer revisions over; both are named in
its answer. ``promise_again`` then makes promises and parcels agree with what is open: what is held is given back, and
everything open is promised and planned afresh, in one write. An order of which a part has left is refused.

Law: afterwards the open units of every order named are promised, each step in exactly one parcel, or the order is
named as short and nothing about it has changed.
"""

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from omnicore.fulfilment import PARCELS, Parcel, ParcelState
from omnicore.fulfilment import decide as fulfilment
from omnicore.inventory import RESERVATIONS, OutOfStock, Reservation, questions
from omnicore.inventory import decide as inventory
from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.flow import Given, find, flow, load, write
from omnicore.kernel.ids import ChannelId, OrderId
from omnicore.kernel.ledger import Held, Void
from omnicore.kernel.records import MAX_PAGE, Stored
from omnicore.kernel.store import Writes
from omnicore.ordering import ORDER, Order, OrderUnknown
from omnicore.scenarios.promising import Shelves, load_shelves, plan, promise

MAX_ORDERS = 100
"""Orders brought in line by one command."""
_WAITING = (ParcelState.PLANNED, ParcelState.PACKED)


@frozen(kw_only=True)
class PromisedAgain:
    """Which orders are promised whole now, and which are short of goods and stay as they were."""

    promised: tuple[OrderId, ...]
    short: tuple[OrderId, ...]


class PartlyShipped(Refused):
    """A part of the order is on its way; what is left of it is for a person to bring in line."""

    code = "scenarios.partly_shipped"


@flow("scenarios.promise_again")
async def promise_again(given: Given, *, channel: ChannelId, orders: tuple[OrderId, ...]) -> PromisedAgain:
    """Promise what is open of orders of a channel, in the order named, from what the ones before leave.

    Raises: OrderUnknown, PartlyShipped, NoPool, ProductUnknown; Malformed for no order, too many, or another channel's.
    """
    if not 0 < len(set(orders)) == len(orders) <= MAX_ORDERS:
        raise Malformed("$.orders", f"must be 1 to {MAX_ORDERS}, each once")
    found = await load(ORDER, orders)
    for order in orders:
        if order not in found:
            raise OrderUnknown(order=order)
        if found[order].value.channel != channel:
            raise Malformed("$.orders", "must be of the channel")
        if any(line.shipped for line in found[order].value.lines):
            raise PartlyShipped(order=order)
    shelves = await load_shelves(
        {line.variant for stored in found.values() for line in stored.value.lines}, channel=channel
    )
    reservations = await load(RESERVATIONS, orders)
    held = await questions.held_under(reservations.values())
    writes, done, short = Writes(), list[OrderId](), list[OrderId]()
    for name in orders:
        parcels = await _parcels(name)
        if any(each.value.state not in _WAITING for each in parcels):
            raise PartlyShipped(order=name)
        fresh = _again(found[name].value, reservations.get(name), held, parcels, shelves=shelves, given=given)
        if fresh is None:
            short.append(name)
            continue
        done.append(name)
        shelves = fresh.shelves
        # The order is written as it is, so that whoever cancels or revises it meanwhile meets what was planned for it.
        writes += fresh.writes + Writes(changes=(found[name].put(found[name].value),))
    await write(writes)
    return PromisedAgain(promised=tuple(done), short=tuple(short))


@frozen(kw_only=True)
class _Fresh:
    writes: Writes
    shelves: Shelves


def _again(
    order: Order,
    before: Stored[Reservation] | None,
    held: Mapping[str, Held],
    parcels: Sequence[Stored[Parcel]],
    *,
    shelves: Shelves,
    given: Given,
) -> _Fresh | None:
    """Promise one order afresh; None where its goods are not there, even with what it gives back."""
    mine = () if before is None else before.value.allocations
    freed = [held[each.hold] for each in mine if held[each.hold].live(given.at)]
    room = shelves.with_back(freed)
    writes = fulfilment.cancel_parcels(parcels) + Writes(moves=tuple(Void(hold=each.id) for each in freed))
    if not any(line.open for line in order.lines):
        released = Writes() if before is None else inventory.release(before, held=held)
        return _Fresh(writes=fulfilment.cancel_parcels(parcels) + released, shelves=room)
    into = (
        Reservation(id=order.id, channel=order.channel)
        if before is None
        else evolve(before, value=evolve(before.value, allocations=()))
    )
    try:
        promised = promise(order.lines, order.groups, shelves=room, into=into, expires=None)
    except OutOfStock:
        return None
    again = plan(
        order.id, order.lines, order.groups, promised.allocations, at=given.at, id=f"{order.id}-{given.new_id()[-8:]}"
    )
    return _Fresh(writes=writes + promised.writes + again, shelves=room.less(promised.allocations))


async def _parcels(order: OrderId) -> list[Stored[Parcel]]:
    page = await find(PARCELS, "order", equal=(order,), limit=MAX_PAGE)
    return [each for each in page.items if each.value.state is not ParcelState.CANCELLED]
