"""Which order does a cart, a quote or a channel's order become?

The id of an order follows from what it may be placed for only once, so two placements meet on one key however they
race, and many orders are looked up in one read.
"""

import hashlib
from collections.abc import Iterable, Mapping

from attrs import evolve

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import CartId, ChannelId, OrderId
from omnicore.kernel.time import Instant
from omnicore.ordering.errors import ImportContradicts
from omnicore.ordering.model import Order, OrderLine, Quote


def order_of_cart(cart: CartId) -> OrderId:
    """Give the id of the one order a cart may become."""
    return _id("cart", cart)


def order_of_channel(channel: ChannelId, external_id: str) -> OrderId:
    """Give the id of the one order that a channel calls so."""
    return _id("external", channel, external_id)


def order_from(quote: Quote, *, order: OrderId, at: Instant) -> Order:
    """Give the order a quote becomes: every word and figure as offered."""
    return Order(
        id=order,
        channel=quote.channel,
        cart=quote.cart,
        customer=quote.customer,
        currency=quote.currency,
        basis=quote.basis,
        tax_policy=quote.tax_policy,
        lines=quote.lines,
        charges=quote.charges,
        groups=quote.groups,
        totals=quote.totals,
        placed_at=at,
        changed_at=at,
    )


def join_imports(orders: Iterable[Order], *, known: Mapping[OrderId, Order]) -> dict[OrderId, Order]:
    """Give the orders that are new or other than known once a channel's snapshots are taken in.

    The newest revision's terms count. What has happened stays happened: of each count the higher one is kept, and so
    are our own customer, tags and adjustments.

    Law: snapshots whose counts only grow end in the same orders however they are ordered and repeated.

    Raises:
        ImportContradicts: a newer revision lacks a line, or units of it, to which something has happened.
        Malformed: two orders of one id are of another channel or currency.
    """
    joined: dict[OrderId, Order] = {}
    for told in sorted(orders, key=lambda order: (order.id, order.revision)):
        now = joined.get(told.id) or known.get(told.id)
        if now is None:
            joined[told.id] = told
        elif told.revision > now.revision:
            joined[told.id] = _join(now, told)
    return joined


def _join(now: Order, told: Order) -> Order:
    if (now.channel, now.external_id, now.currency) != (told.channel, told.external_id, told.currency):
        raise Malformed("$.orders", "must keep their channel, external id and currency")
    before = {line.id: line for line in now.lines}
    lines = tuple(_join_line(told, line, before.pop(line.id, None)) for line in told.lines)
    for left_out in before.values():
        if left_out.open != left_out.ordered:
            raise ImportContradicts(order=told.id, line=left_out.id)
    adjustments = {each.id: each for each in (*told.adjustments, *now.adjustments)}
    return evolve(
        told,
        customer=now.customer or told.customer,
        lines=lines,
        tags=tuple(dict.fromkeys((*now.tags, *told.tags))),
        adjustments=tuple(adjustments.values()),
        placed_at=min(now.placed_at, told.placed_at),
        changed_at=max(now.changed_at, told.changed_at),
    )


def _join_line(order: Order, told: OrderLine, now: OrderLine | None) -> OrderLine:
    if now is None:
        return told
    shipped, cancelled = max(now.shipped, told.shipped), max(now.cancelled, told.cancelled)
    if shipped + cancelled > told.ordered or now.variant != told.variant:
        raise ImportContradicts(order=order.id, line=told.id)
    return evolve(told, shipped=shipped, cancelled=cancelled, returned=max(now.returned, told.returned))


def _id(*parts: str) -> OrderId:
    return OrderId(hashlib.sha256(codec.canonical(list(parts)).encode()).hexdigest()[:32])
