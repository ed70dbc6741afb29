"""How is what has not left yet of an order called off?

The order's open units are cancelled, the promises behind them released, the nodes' work taken back and the money let go
or refunded, in one write: goods are on sale again at once, and nobody packs for an order that is no more.

Law: cancelling an order of which nothing has left frees all it held, and what was paid for it goes back whole.
"""

from omnicore.fulfilment import PARCELS, PICKUPS, ParcelState, PickupState
from omnicore.fulfilment import decide as fulfilment
from omnicore.inventory import RESERVATIONS, questions
from omnicore.inventory import decide as inventory
from omnicore.kernel.flow import Given, find, flow, get, write
from omnicore.kernel.ids import OrderId
from omnicore.kernel.money import Money
from omnicore.kernel.records import MAX_PAGE
from omnicore.kernel.store import Writes
from omnicore.ordering import decide as ordering
from omnicore.ordering import moves
from omnicore.scenarios.handing_over import half_gone, load_leaving
from omnicore.scenarios.money import freed_money
from omnicore.scenarios.promise_again import PartlyShipped

_PARCELS_HERE = {ParcelState.PLANNED, ParcelState.PACKED}
_PICKUPS_HERE = {PickupState.PLANNED, PickupState.PICKED, PickupState.READY}


@flow("scenarios.cancel")
async def cancel(given: Given, *, order: OrderId) -> Money:
    """Cancel every open unit of an order, and give what that frees; what has been handed over is for a return.

    Raises: OrderUnknown, NothingOpen; PartlyShipped when only a part of a bundle has left.
    """
    leaving = await load_leaving(order)
    reservation = await get(RESERVATIONS, order)
    parcels = await find(PARCELS, "order", equal=(order,), limit=MAX_PAGE)
    pickups = await find(PICKUPS, "order", equal=(order,), limit=MAX_PAGE)
    before = leaving.order.value
    if half_gone(leaving):
        raise PartlyShipped(order=order)
    after = moves.cancel_units(before, at=given.at)
    writes = ordering.changed(leaving.order, after)
    writes += fulfilment.cancel_parcels(each for each in parcels.items if each.value.state in _PARCELS_HERE)
    writes += fulfilment.cancel_pickups(each for each in pickups.items if each.value.state in _PICKUPS_HERE)
    if reservation is not None:
        released = inventory.release(reservation, held=await questions.held_under([reservation]))
        # Written even where nothing is held by it any more: its goods may be moving to another node this very moment.
        writes += released or Writes(changes=(reservation.put(reservation.value),))
    writes += await freed_money(leaving.payment, after, name=f"cancel-{given.new_id()}", given=given)
    await write(writes)
    return after.freed - before.freed
