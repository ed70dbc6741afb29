"""How does a buyer order online and collect in a store (BOPIS, 店舗受取)?

The checkout is everybody's: a cart line in a ``pickup_at`` group is sourced from that store alone and becomes a pickup
there. The store picks it and makes it ready; the buyer gets a code, which opens it once; what is collected leaves the
books and is paid for. What nobody collects in time goes back on sale, and the money that was set aside is let go.
"""

from datetime import timedelta

from omnicore.fulfilment import PickupId, pick, to_pick
from omnicore.fulfilment import decide as fulfilment
from omnicore.fulfilment import questions as work
from omnicore.fulfilment.collection import mark_of
from omnicore.inventory import decide as inventory
from omnicore.inventory import questions
from omnicore.kernel.flow import Given, flow, get, write
from omnicore.kernel.ids import NodeId
from omnicore.kernel.personal import Personal
from omnicore.kernel.time import Window
from omnicore.network import NODES, NodeUnknown
from omnicore.ordering import DeliveryGroup, GroupId, Method, moves
from omnicore.ordering import decide as ordering
from omnicore.scenarios.checkout import Placed, Waiting, checkout, confirm
from omnicore.scenarios.handing_over import hand_over, load_leaving
from omnicore.scenarios.money import freed_money
from omnicore.scenarios.quote import quote

__all__ = [
    "PICKUP",
    "Placed",
    "Waiting",
    "checkout",
    "collect",
    "confirm",
    "lapse",
    "make_ready",
    "pick",
    "pickup_at",
    "pickup_of",
    "quote",
    "to_pick",
]

PICKUP = GroupId("pickup")


def pickup_at(node: NodeId) -> DeliveryGroup:
    """Give the delivery group of lines that are collected at a store; cart lines name it as ``group=PICKUP``."""
    return DeliveryGroup(id=PICKUP, method=Method.PICKUP, node=node)


def pickup_of(order: str) -> PickupId:
    """Give the id of an order's pickup."""
    return PickupId(f"{order}-{PICKUP}")


@flow("scenarios.make_ready")
async def make_ready(given: Given, *, pickup: PickupId, code: Personal[str], days: int = 7) -> Window:
    """Set picked goods aside for whoever brings the code, until ``days`` after today in the store's own time zone.

    The caller draws the code (``fulfilment.draw_code``) and sends it to the buyer; only its mark is kept.

    Raises: NoPickup, NodeUnknown, IllegalMove; Malformed when it cannot be a code.
    """
    (stored,) = await work.pickups_under([pickup])
    node = await get(NODES, stored.value.node)
    if node is None:
        raise NodeUnknown(node=stored.value.node)
    zone = node.value.zone
    today = given.at.local_date(zone)
    window = Window.through(today, today + timedelta(days=days), zone=zone)
    mark = mark_of(code, pickup=pickup, blind=given.blind)
    await write(fulfilment.make_ready(stored, mark=mark, window=window))
    return window


@flow("scenarios.collect")
async def collect(given: Given, *, pickup: PickupId, code: Personal[str]) -> None:
    """Hand a pickup over to whoever brings the code: its goods leave the books and its money is taken.

    Raises: NoPickup, NotReady, WrongCode, PickupExpired, NotPromised, NotOnShelf; Malformed when it cannot be a code.
    """
    (stored,) = await work.pickups_under([pickup])
    items = stored.value.items
    held, read = await work.behind(items)
    leaving = await load_leaving(stored.value.order)
    mark = mark_of(code, pickup=pickup, blind=given.blind)
    collected = fulfilment.collect(stored, mark=mark, held=held, balances=read, at=given.at)
    await write(collected + hand_over(leaving, items, name=f"pickup-{pickup}", given=given))


@flow("scenarios.lapse")
async def lapse(given: Given, *, pickup: PickupId) -> None:
    """Put back on sale what nobody collected in time: its units are cancelled, and their money goes back.

    What is set aside is let go once nothing of the order is left; until then the rest of the order is paid from it, and
    what remains is let go by its own expiry. What was taken beyond what is still due is refunded.

    Raises: NoPickup, NotExpired, IllegalMove.
    """
    (stored,) = await work.pickups_under([pickup])
    order = stored.value.order
    leaving = await load_leaving(order)
    reservation = await questions.reservation_under(order)
    held = await questions.held_under([reservation])
    lines = frozenset(item.line for item in stored.value.items)
    units = {line.id: line.open for line in leaving.order.value.lines if line.id in lines and line.open}
    writes = fulfilment.expire([stored], at=given.at) + inventory.release(reservation, held=held, lines=lines)
    before = leaving.order.value
    after = moves.cancel_units(before, units=units, at=given.at) if units else before
    writes += ordering.changed(leaving.order, after)
    writes += await freed_money(leaving.payment, after, name=f"lapse-{pickup}", given=given)
    await write(writes)
