"""Which earlier sales does a cancellation take back, when the source does not say?

Order exports of many systems hold a cancellation as a negative line with no link to what it cancels. It is matched to
earlier sales of the same customer, variant and unit price, newest first, splitting as needed; what finds no sale is the
rest, and is reported, never guessed.
"""

from collections.abc import Iterable

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, OrderId, VariantId
from omnicore.kernel.time import Instant
from omnicore.ordering.model import Order


@frozen(kw_only=True)
class SoldLine:
    """A line of an earlier order with ``units`` that are neither cancelled nor returned yet."""

    placed_at: Instant
    order: OrderId
    line: LineId
    units: int


@frozen(kw_only=True)
class Take:
    """So many units are taken back from a line."""

    order: OrderId
    line: LineId
    units: int


@frozen
class Matched:
    """What is taken back from where, newest first, and how many units found no sale."""

    takes: tuple[Take, ...]
    rest: int


def sold_lines(orders: Iterable[Order], *, variant: VariantId, unit_price: int) -> tuple[SoldLine, ...]:
    """Give the lines of orders that sold a variant at a unit price and have units left."""
    return tuple(
        SoldLine(placed_at=order.placed_at, order=order.id, line=line.id, units=line.ordered - line.gone)
        for order in orders
        for line in order.lines
        if line.variant == variant and line.unit_price == unit_price and line.gone < line.ordered
    )


def match_cancellation(sales: Iterable[SoldLine], *, units: int) -> Matched:
    """Match cancelled units to sales, newest first; of one instant, the higher order id and then line id first.

    Law: what is taken and the rest add up to ``units``; no line gives more than it has; no older sale gives anything
    while a newer one has units left; there is a rest only when every sale is used up.

    Raises:
        Malformed: not a whole number of at least zero.
    """
    if type(units) is not int or units < 0:
        raise Malformed("$.units", "must be a whole number of at least zero")
    takes: list[Take] = []
    for sale in sorted(sales, key=lambda sale: (sale.placed_at.micros, sale.order, sale.line), reverse=True):
        if not units:
            break
        if taken := min(units, sale.units):
            takes.append(Take(order=sale.order, line=sale.line, units=taken))
            units -= taken
    return Matched(tuple(takes), units)
