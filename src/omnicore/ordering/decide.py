"""What is written when orders are placed, taken over, shipped, cancelled, returned, claimed or adjusted?

Each function gives ``Writes`` to be merged with those of other contexts, or refuses and nothing has happened. One write
changes an order once: where several things happen to it at once, chain the steps of ``moves`` and use ``changed``.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from attrs import evolve

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import CustomerId, LineId, OrderId
from omnicore.kernel.journal import Event
from omnicore.kernel.money import Money
from omnicore.kernel.records import Change, Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.ordering import moves
from omnicore.ordering.errors import AlreadyPlaced, PriceChanged, QuoteExpired
from omnicore.ordering.events import (
    OrderAdjusted,
    OrderCancelled,
    OrderClaimed,
    OrderPlaced,
    OrderReimported,
    QuoteMade,
    UnitsCancelled,
    UnitsReturned,
    UnitsShipped,
)
from omnicore.ordering.kinds import BUYER, ORDER, QUOTE
from omnicore.ordering.model import Adjustment, Buyer, Order, Quote
from omnicore.ordering.placing import join_imports, order_from

MAX_ORDERS: Final = 1_000
"""Orders placed or taken over by one write."""


def offer(quote: Quote) -> Writes:
    """Keep a quote, so that it can be accepted until it expires."""
    made = QuoteMade(quote=quote.id, cart=quote.cart, gross=quote.gross, expires=quote.expires)
    return Writes(changes=(QUOTE.put(quote),), events=(made,))


def accept(
    quote: Stored[Quote],
    *,
    order: OrderId,
    shown: Money,
    at: Instant,
    buyer: Buyer | None = None,
    existing: Mapping[str, Stored[Order]],
) -> Writes:
    """Turn a quote into the order it offers, at the total the buyer was shown.

    Raises:
        AlreadyPlaced: this quote, or its cart, has become an order.
        QuoteExpired: the offer has ended.
        PriceChanged: the buyer was shown another total.
    """
    offered = quote.value
    if offered.placed is not None:
        raise AlreadyPlaced(order=offered.placed)
    if at >= offered.expires:
        raise QuoteExpired(quote=offered.id, expired=offered.expires.iso())
    if shown != offered.gross:
        raise PriceChanged(quote=offered.id, shown=shown.minor, total=offered.gross.minor)
    placed = place(
        [order_from(offered, order=order, at=at)], buyers=[] if buyer is None else [buyer], existing=existing
    )
    return placed + Writes(changes=(quote.put(evolve(offered, placed=order)),))


def place(orders: Sequence[Order], *, buyers: Iterable[Buyer] = (), existing: Mapping[str, Stored[Order]]) -> Writes:
    """Place orders, one or many; ``existing`` are those that stand under their ids.

    Raises:
        AlreadyPlaced: there is an order of an id already.
        Malformed: more than 1,000 orders, an id twice, or a buyer of none of them.
    """
    _check_orders(orders)
    for order in orders:
        if order.id in existing:
            raise AlreadyPlaced(order=order.id)
    return _placed(orders) + _met(orders, buyers, {})


def import_orders(
    orders: Sequence[Order],
    *,
    existing: Mapping[str, Stored[Order]],
    buyers: Iterable[Buyer] = (),
    known_buyers: Mapping[str, Stored[Buyer]],
) -> Writes:
    """Take orders over from where they were placed: new ones are placed, newer revisions of known ones taken in.

    Law: the same import again writes nothing; what a buyer left out this time is not forgotten.

    Raises:
        ImportContradicts: a newer revision takes away what has happened.
        Malformed: more than 1,000 orders, or a buyer of none of them.
    """
    if len(orders) > MAX_ORDERS:
        raise Malformed("$.orders", f"must be at most {MAX_ORDERS}")
    known = {stored.value.id: stored.value for stored in existing.values()}
    joined = join_imports(orders, known=known)
    changes: list[Change] = []
    events: list[Event] = []
    for id_, order in joined.items():
        if id_ in existing:
            changes.append(existing[id_].put(order))
            events.append(OrderReimported(order=id_, revision=order.revision, gross=order.gross))
    new = [order for id_, order in joined.items() if id_ not in existing]
    again = Writes(changes=tuple(changes), events=tuple(events))
    current = {**{order.id: order for order in orders}, **known, **joined}
    return _placed(new) + again + _met(current.values(), buyers, known_buyers)


def ship(order: Stored[Order], *, units: Mapping[LineId, int], at: Instant) -> Writes:
    """Hand units over.

    Raises: LineUnknown, TooMany, NothingChosen.
    """
    return changed(order, moves.ship_units(order.value, units=units, at=at))


def cancel(
    order: Stored[Order],
    *,
    units: Mapping[LineId, int] | None = None,
    charges: Collection[LineId] | None = None,
    at: Instant,
) -> Writes:
    """Cancel open units, all of them if none are named; see ``moves.cancel_units`` for charges.

    Raises: LineUnknown, TooMany, NothingChosen, NothingOpen.
    """
    return changed(order, moves.cancel_units(order.value, units=units, charges=charges, at=at))


def record_return(order: Stored[Order], *, units: Mapping[LineId, int], at: Instant) -> Writes:
    """Record that units have come back.

    Raises: LineUnknown, TooMany, NothingChosen.
    """
    return changed(order, moves.return_units(order.value, units=units, at=at))


def claim(order: Stored[Order], *, customer: CustomerId, buyer: Stored[Buyer] | None, at: Instant) -> Writes:
    """Say whose order it is, the buyer's data included; saying it again writes nothing.

    Raises:
        AlreadyClaimed: it is somebody else's.
    """
    writes = changed(order, moves.claim_order(order.value, customer=customer, at=at))
    if buyer is not None and buyer.value.customer != customer:
        writes += Writes(changes=(buyer.put(evolve(buyer.value, customer=customer)),))
    return writes


def adjust(order: Stored[Order], *, adjustment: Adjustment, at: Instant) -> Writes:
    """Change the money of an order after placement; the same adjustment again writes nothing.

    Raises: OverAdjusted, Malformed.
    """
    return changed(order, moves.adjust_order(order.value, adjustment=adjustment, at=at))


def changed(order: Stored[Order], after: Order) -> Writes:
    """Write an order after any chain of ``moves``, with one event for each kind of thing that has happened.

    Law: the events, folded onto the order as it was, give the order as it is.
    """
    before = order.value
    if after == before:
        return Writes()
    shipped, returned, cancelled = (_moved(before, after, count) for count in ("shipped", "returned", "cancelled"))
    charges = tuple(
        now.id for was, now in zip(before.charges, after.charges, strict=True) if was.cancelled is not now.cancelled
    )
    events: list[Event] = []
    if before.customer != after.customer and after.customer is not None:
        events.append(OrderClaimed(order=after.id, customer=after.customer))
    if shipped:
        events.append(UnitsShipped(order=after.id, units=shipped))
    # What is freed by both at once is told with the first; the second frees what is left.
    freed = after.freed - before.freed
    if cancelled or charges:
        by_cancelling = freed if not returned else _freed_by_cancelling(before, after)
        events.append(UnitsCancelled(order=after.id, units=cancelled, charges=charges, freed=by_cancelling))
        freed -= by_cancelling
    if returned:
        events.append(UnitsReturned(order=after.id, units=returned, freed=freed))
    events += [OrderAdjusted(order=after.id, adjustment=each) for each in after.adjustments[len(before.adjustments) :]]
    if cancelled and moves.is_cancelled(after):
        events.append(OrderCancelled(order=after.id))
    return Writes(changes=(order.put(after),), events=tuple(events))


def _moved(before: Order, after: Order, count: str) -> dict[LineId, int]:
    pairs = zip(before.lines, after.lines, strict=True)
    steps = {now.id: getattr(now, count) - getattr(was, count) for was, now in pairs}
    return {id_: step for id_, step in steps.items() if step}


def _freed_by_cancelling(before: Order, after: Order) -> Money:
    lines = tuple(evolve(now, returned=was.returned) for was, now in zip(before.lines, after.lines, strict=True))
    return evolve(after, lines=lines).freed - before.freed


def _check_orders(orders: Sequence[Order]) -> None:
    if len(orders) > MAX_ORDERS:
        raise Malformed("$.orders", f"must be at most {MAX_ORDERS}")
    if len({order.id for order in orders}) != len(orders):
        raise Malformed("$.orders", "must have an id each")


def _placed(orders: Iterable[Order]) -> Writes:
    changes: list[Change] = []
    events: list[Event] = []
    for order in orders:
        changes.append(ORDER.put(order))
        events.append(
            OrderPlaced(
                order=order.id,
                channel=order.channel,
                customer=order.customer,
                gross=order.gross,
                lines=len(order.lines),
                placed_at=order.placed_at,
            )
        )
    return Writes(changes=tuple(changes), events=tuple(events))


def _met(orders: Iterable[Order], buyers: Iterable[Buyer], known: Mapping[str, Stored[Buyer]]) -> Writes:
    """Keep what is known of the buyers: each as its order's customer, and nothing told before forgotten."""
    owners = {order.id: order.customer for order in orders}
    changes: list[Change] = []
    met: set[OrderId] = set()
    for buyer in buyers:
        if buyer.order not in owners or buyer.order in met:
            raise Malformed("$.buyers", "must be of orders given, one of each")
        met.add(buyer.order)
        told = evolve(buyer, customer=owners[buyer.order])
        if (stored := known.get(buyer.order)) is None:
            changes.append(BUYER.put(told))
            continue
        was = stored.value
        merged = evolve(
            told,
            name=told.name or was.name,
            phone=told.phone or was.phone,
            email=told.email or was.email,
            address=told.address or was.address,
            ship_to={**was.ship_to, **told.ship_to},
        )
        if merged != was:
            changes.append(stored.put(merged))
    return Writes(changes=tuple(changes))
