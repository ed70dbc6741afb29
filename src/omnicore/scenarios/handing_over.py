"""Which units of an order leave in a parcel or over the counter, and what is taken for them?

Goods leave by SKU, orders count units of lines. A unit of a bundle has left when all of its components have, so a
bundle spread over two parcels is handed over with the second. Money that was set aside is taken as goods leave (売上 at
shipment): the worth of everything handed over so far and the charges, less what was taken before.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import frozen

from omnicore.catalog import Sold, components, load_sold
from omnicore.fulfilment import PARCELS, PICKUPS, Item, ParcelState, PickupState
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, find, get
from omnicore.kernel.ids import LineId, OrderId, VariantId
from omnicore.kernel.money import Money, share_so_far
from omnicore.kernel.records import MAX_PAGE, Stored
from omnicore.kernel.store import Writes
from omnicore.ordering import ORDER, Order, OrderUnknown, moves
from omnicore.ordering import decide as ordering
from omnicore.payments import PAYMENTS, Payment, Step, begin_captures
from omnicore.scenarios.money import settling


class MoreThanOpen(Refused):
    """A parcel or pickup holds more than its order asks for any more: the order was revised or cancelled in part.

    ``promise_again`` plans it anew.
    """

    code = "scenarios.more_than_open"


_GONE = {ParcelState.SHIPPED, ParcelState.DELIVERED, ParcelState.LOST}


@frozen(kw_only=True)
class Leaving:
    """What must be read before goods of an order leave: the order, its payment, and what has left already."""

    order: Stored[Order]
    payment: Stored[Payment] | None
    sold: Mapping[VariantId, Sold]
    gone: tuple[Item, ...]


async def load_leaving(order: OrderId) -> Leaving:
    """Read what handing goods over needs: seven statements, however many lines.

    Raises: OrderUnknown.
    """
    if (stored := await get(ORDER, order)) is None:
        raise OrderUnknown(order=order)
    parcels = await find(PARCELS, "order", equal=(order,), limit=MAX_PAGE)
    pickups = await find(PICKUPS, "order", equal=(order,), limit=MAX_PAGE)
    gone = [item for each in parcels.items if each.value.state in _GONE for item in each.value.items]
    gone += [item for each in pickups.items if each.value.state is PickupState.COLLECTED for item in each.value.items]
    return Leaving(
        order=stored,
        payment=await get(PAYMENTS, order),
        sold=await load_sold({line.variant for line in stored.value.lines}),
        gone=tuple(gone),
    )


def units_leaving(leaving: Leaving, items: Iterable[Item]) -> dict[LineId, int]:
    """Give the units of each line that are complete once these items leave, beside those complete before.

    Law: over any split of an order's items into parcels, the units add up to what was ordered.

    Raises: MoreThanOpen.
    """
    steps: Counter[tuple[LineId, str]] = Counter()
    for item in (*leaving.gone, *items):
        steps[item.line, item.unit] += item.amount
    found = {}
    for line in leaving.order.value.lines:
        sold = leaving.sold[line.variant]
        names = {sku.id: sku.unit for sku in sold.skus}
        per_unit = {(line.id, names[sku]): each for sku, each in components(sold.variant).items()}
        whole = min(steps[place] // each for place, each in per_unit.items())
        if any(steps.pop(place, 0) > each * (line.ordered - line.cancelled) for place, each in per_unit.items()):
            raise MoreThanOpen(order=leaving.order.value.id, line=line.id)
        if whole > line.shipped:
            found[line.id] = whole - line.shipped
    for line_id, _ in steps:
        raise MoreThanOpen(order=leaving.order.value.id, line=line_id)
    return found


def half_gone(leaving: Leaving) -> bool:
    """Whether a part of a bundle's unit has left and the rest has not."""
    steps: Counter[tuple[LineId, str]] = Counter()
    for item in leaving.gone:
        steps[item.line, item.unit] += item.amount
    for line in leaving.order.value.lines:
        sold = leaving.sold[line.variant]
        names = {sku.id: sku.unit for sku in sold.skus}
        for sku, each in components(sold.variant).items():
            if steps[line.id, names[sku]] > each * line.shipped:
                return True
    return False


def hand_over(leaving: Leaving, items: Iterable[Item], *, name: str, given: Given) -> Writes:
    """Count the units that leave on the order, and have their money taken; ``name`` names the captures.

    The order is written also where no unit is complete yet: it is where two parcels of one bundle meet, each of which
    would else leave the unit to the other.
    """
    before = leaving.order.value
    units = units_leaving(leaving, items)
    if not units:
        return Writes(changes=(leaving.order.put(before),))
    after = moves.ship_units(before, units=units, at=given.at)
    shipped = ordering.changed(leaving.order, after)
    if leaving.payment is None:
        return shipped
    taken = sum(each.amount.minor for each in leaving.payment.value.steps(Step.CAPTURE))
    owed = Money(max(_worth_of_shipped(after) - taken, 0), before.currency)
    asked = begin_captures(leaving.payment, capture=name, amount=owed, at=given.at)
    return shipped + settling(asked, id=name, given=given)


def _worth_of_shipped(order: Order) -> int:
    """Give the gross of everything handed over so far, and of the charges, in minor units.

    Law: it is the order's gross once everything that is not cancelled is shipped, less what cancelling freed.
    """
    lines = sum(
        share_so_far(line.gross(order.basis), done=line.shipped + line.cancelled, whole=line.ordered)
        - share_so_far(line.gross(order.basis), done=line.cancelled, whole=line.ordered)
        for line in order.lines
        if line.shipped
    )
    return lines + sum(each.gross(order.basis) for each in order.charges if not each.cancelled)
