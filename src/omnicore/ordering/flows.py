"""How are orders placed, moved on and asked for, when ordering is all that changes?

Scenarios that move stock or money too load the kinds and merge what ``decide`` gives.
"""

from collections.abc import Mapping

from attrs import frozen

from omnicore.kernel.flow import Given, find, flow, get, load, question, write
from omnicore.kernel.ids import CustomerId, LineId, OrderId, QuoteId
from omnicore.kernel.money import Money
from omnicore.kernel.records import Cursor, Stored
from omnicore.ordering import decide
from omnicore.ordering.errors import OrderUnknown, QuoteUnknown
from omnicore.ordering.kinds import BUYER, ORDER, QUOTE
from omnicore.ordering.model import Adjustment, Buyer, Order, Quote
from omnicore.ordering.placing import order_of_cart


async def _order(id_: OrderId) -> Stored[Order]:
    if (found := await get(ORDER, id_)) is None:
        raise OrderUnknown(order=id_)
    return found


@flow("ordering.offer")
async def offer(given: Given, *, quote: Quote) -> None:
    """Keep a quote, so that it can be accepted until it expires."""
    await write(decide.offer(quote))


@flow("ordering.accept")
async def accept(given: Given, *, quote: QuoteId, shown: Money, buyer: Buyer | None = None) -> OrderId:
    """Turn a quote into the one order of its cart, at the total the buyer was shown; give the order's id.

    Raises: QuoteUnknown, AlreadyPlaced, QuoteExpired, PriceChanged.
    """
    if (offered := await get(QUOTE, quote)) is None:
        raise QuoteUnknown(quote=quote)
    order = order_of_cart(offered.value.cart)
    existing = await load(ORDER, [order])
    await write(decide.accept(offered, order=order, shown=shown, at=given.at, buyer=buyer, existing=existing))
    return order


@flow("ordering.place")
async def place(given: Given, *, orders: tuple[Order, ...], buyers: tuple[Buyer, ...] = ()) -> None:
    """Place orders, up to 1,000 at once.

    Raises: AlreadyPlaced, Malformed.
    """
    existing = await load(ORDER, [order.id for order in orders])
    await write(decide.place(orders, buyers=buyers, existing=existing))


@flow("ordering.import_orders")
async def import_orders(given: Given, *, orders: tuple[Order, ...], buyers: tuple[Buyer, ...] = ()) -> None:
    """Take orders over from where they were placed, in any order and as often as they are told.

    What is known of the buyers of known orders is read, so that nothing is forgotten; that needs a purpose.

    Raises: ImportContradicts, Malformed.
    """
    existing = await load(ORDER, [order.id for order in orders])
    known = await load(BUYER, [buyer.order for buyer in buyers if buyer.order in existing])
    await write(decide.import_orders(orders, existing=existing, buyers=buyers, known_buyers=known))


@flow("ordering.ship")
async def ship(given: Given, *, order: OrderId, units: Mapping[LineId, int]) -> None:
    """Hand units over.

    Raises: OrderUnknown, LineUnknown, TooMany, NothingChosen.
    """
    await write(decide.ship(await _order(order), units=units, at=given.at))


@flow("ordering.cancel")
async def cancel(
    given: Given,
    *,
    order: OrderId,
    units: Mapping[LineId, int] | None = None,
    charges: tuple[LineId, ...] | None = None,
) -> None:
    """Cancel open units, all of them if none are named.

    Raises: OrderUnknown, LineUnknown, TooMany, NothingChosen, NothingOpen.
    """
    await write(decide.cancel(await _order(order), units=units, charges=charges, at=given.at))


@flow("ordering.record_return")
async def record_return(given: Given, *, order: OrderId, units: Mapping[LineId, int]) -> None:
    """Record that units have come back.

    Raises: OrderUnknown, LineUnknown, TooMany, NothingChosen.
    """
    await write(decide.record_return(await _order(order), units=units, at=given.at))


@flow("ordering.claim")
async def claim(given: Given, *, order: OrderId, customer: CustomerId) -> None:
    """Say whose order it is. Who may say so has proved an identity first; that is not judged here.

    Raises: OrderUnknown, AlreadyClaimed.
    """
    stored = await _order(order)
    buyer = await get(BUYER, order)
    await write(decide.claim(stored, customer=customer, buyer=buyer, at=given.at))


@flow("ordering.adjust")
async def adjust(given: Given, *, order: OrderId, adjustment: Adjustment) -> None:
    """Change the money of an order after placement.

    Raises: OrderUnknown, OverAdjusted, Malformed.
    """
    await write(decide.adjust(await _order(order), adjustment=adjustment, at=given.at))


@question("ordering.read_orders")
async def read_orders(given: Given, *, orders: tuple[OrderId, ...]) -> tuple[Order, ...]:
    """Give the orders that exist among ids, in the order asked; nothing personal is in them."""
    found = await load(ORDER, orders)
    return tuple(found[id_].value for id_ in dict.fromkeys(orders) if id_ in found)


@question("ordering.read_buyers", reveals=True)
async def read_buyers(given: Given, *, orders: tuple[OrderId, ...]) -> tuple[Buyer, ...]:
    """Give who ordered, as far as it is known; every call is audited and needs a purpose."""
    found = await load(BUYER, orders)
    return tuple(found[id_].value for id_ in dict.fromkeys(orders) if id_ in found)


@frozen
class OrderPage:
    """A page of orders, and where the next begins (None: there is none)."""

    orders: tuple[Order, ...]
    next: Cursor | None


@question("ordering.orders_of")
async def orders_of(given: Given, *, customer: CustomerId, after: Cursor | None = None, limit: int = 100) -> OrderPage:
    """Give a customer's orders, newest first."""
    page = await find(ORDER, "customer", equal=(customer,), newest_first=True, after=after, limit=limit)
    return OrderPage(tuple(stored.value for stored in page.items), page.next)
