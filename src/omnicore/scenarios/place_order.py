"""How does a cart that was priced at a desk become an order at once, to be paid later: a call centre's, a B2B buyer's?

The desk hands over the offer as it agreed it, every line with its price, discounts and tax. In one write the order
stands under the cart's own id, its goods are promised without an end and the nodes have their work. No provider is
asked; what is owed is an invoice's to say. A cart that is paid first goes through ``checkout``.

Law: for every line, what is promised of a SKU is its units times the steps of its composition; refused, nothing is.
"""

from omnicore.inventory import RESERVATIONS, Reservation
from omnicore.kernel.flow import Given, flow, get, load, together, write
from omnicore.kernel.ids import OrderId
from omnicore.kernel.records import Stored
from omnicore.kernel.time import Instant
from omnicore.ordering import ORDER, AlreadyPlaced, Order, Quote, QuoteExpired, order_from, order_of_cart
from omnicore.ordering import decide as ordering
from omnicore.scenarios.checkout import CheckoutUnderWay
from omnicore.scenarios.promising import load_shelves, plan, promise


@flow("scenarios.place_order")
async def place_order(given: Given, *, offer: Quote) -> OrderId:
    """Place what was offered, promise its goods and plan their parcels or pickups; give the order's id.

    The offer need not have been kept: its cart keeps the order single.

    Raises:
        AlreadyPlaced, QuoteExpired, OutOfStock, NoPool, ProductUnknown.
        CheckoutUnderWay: the cart is being, or has been, put to a checkout, which owns its goods and money.
    """
    order = order_of_cart(offer.cart)
    existing, shelves = await together(
        _not_placed(offer, order, at=given.at),
        load_shelves({line.variant for line in offer.lines}, channel=offer.channel),
    )
    into = Reservation(id=order, channel=offer.channel)
    promised = promise(offer.lines, offer.groups, shelves=shelves, into=into, expires=None)
    planned = plan(order, offer.lines, offer.groups, promised.allocations, at=given.at)
    placed = ordering.place([order_from(offer, order=order, at=given.at)], existing=existing)
    await write(promised.writes + placed + planned)
    return order


async def _not_placed(offer: Quote, order: OrderId, *, at: Instant) -> dict[str, Stored[Order]]:
    """Read the orders that stand under the cart's name, none, and refuse where anything else stands there.

    Raises: AlreadyPlaced, QuoteExpired, CheckoutUnderWay.
    """
    existing, reservation = await together(load(ORDER, [order]), get(RESERVATIONS, order))
    if offer.placed is not None or order in existing:
        raise AlreadyPlaced(order=offer.placed or order)
    if at >= offer.expires:
        raise QuoteExpired(quote=offer.id, expired=offer.expires.iso())
    if reservation is not None:
        raise CheckoutUnderWay(order=order)
    return existing
