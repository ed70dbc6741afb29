"""How are orders, quotes and buyers stored and found?"""

from collections.abc import Iterable
from typing import Final

from omnicore.kernel.records import Index, Kind
from omnicore.kernel.time import Instant
from omnicore.ordering.model import Buyer, Order, Quote


def _external(order: Order) -> Iterable[tuple[str, str]]:
    return [] if order.external_id is None else [(order.channel, order.external_id)]


def _cart(order: Order) -> Iterable[tuple[str]]:
    return [] if order.cart is None else [(order.cart,)]


def _customer(order: Order) -> Iterable[tuple[str, Instant]]:
    return [] if order.customer is None else [(order.customer, order.placed_at)]


def _placed(order: Order) -> Iterable[tuple[Instant]]:
    return [(order.placed_at,)]


def _sold(order: Order) -> Iterable[tuple[str, str, int, Instant]]:
    """Find earlier sales of a variant to a customer at a unit price; lines that are all gone need not be found."""
    if order.customer is None:
        return []
    customer, at = order.customer, order.placed_at
    return {(customer, line.variant, line.unit_price, at) for line in order.lines if line.gone < line.ordered}


ORDER: Final = Kind(
    name="ordering.order",
    type=Order,
    key=lambda order: order.id,
    indexes=(
        Index("external", _external, unique=True),
        Index("cart", _cart, unique=True),
        Index("customer", _customer),
        Index("placed", _placed),
        Index("sold", _sold),
    ),
)
"""Found by ``customer`` (customer, placed at), ``placed`` (placed at) and ``sold`` (customer, variant, unit price,
placed at); ``external`` (channel, external id) and ``cart`` (cart) keep orders single."""

QUOTE: Final = Kind(
    name="ordering.quote",
    type=Quote,
    key=lambda quote: quote.id,
    indexes=(Index("cart", lambda quote: [(quote.cart,)]),),
)

BUYER: Final = Kind(
    name="ordering.buyer", type=Buyer, key=lambda buyer: buyer.order, subject=lambda buyer: buyer.subject
)
