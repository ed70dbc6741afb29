"""What does an order say after units were shipped, cancelled or returned, or after its money was adjusted?

Pure steps from order to order; several may follow each other before one write. Where a unit may go is read from the
table of the machine, and nothing but counts, cancelled charges and adjustments ever changes.
"""

from collections.abc import Collection, Mapping

from attrs import evolve

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import CustomerId, LineId
from omnicore.kernel.money import Money
from omnicore.kernel.time import Instant
from omnicore.ordering.errors import (
    AlreadyClaimed,
    LineUnknown,
    NothingChosen,
    NothingOpen,
    OverAdjusted,
    TooMany,
)
from omnicore.ordering.model import MAX_UNITS, Adjustment, Order, OrderLine
from omnicore.ordering.states import UNITS, UnitMove, UnitState

_SOURCE = {move: state for state in UNITS.states for move in UNITS.moves(state)}


def units_in(line: OrderLine) -> dict[UnitState, int]:
    """Count a line's units by where they are now. Law: they add up to what was ordered."""
    return {
        UnitState.OPEN: line.open,
        UnitState.SHIPPED: line.shipped - line.returned,
        UnitState.RETURNED: line.returned,
        UnitState.CANCELLED: line.cancelled,
    }


def ship_units(order: Order, *, units: Mapping[LineId, int], at: Instant) -> Order:
    """Hand units over.

    Raises:
        LineUnknown, TooMany, NothingChosen: and the order is as it was.
    """
    return _moved(order, UnitMove.SHIP, units, at)


def return_units(order: Order, *, units: Mapping[LineId, int], at: Instant) -> Order:
    """Take units back that were handed over; what was paid for them is freed.

    Raises:
        LineUnknown, TooMany, NothingChosen: and the order is as it was.
    """
    return _moved(order, UnitMove.RETURN, units, at)


def cancel_units(
    order: Order,
    *,
    units: Mapping[LineId, int] | None = None,
    charges: Collection[LineId] | None = None,
    at: Instant,
) -> Order:
    """Cancel open units; all of them, if none are named.

    Charges are cancelled as named; if none are named, all of them once the whole order is cancelled: where nothing is
    delivered, nothing is charged for delivery.

    Law: a cancelled order is worth nothing; cancelling piece by piece frees what cancelling at once does.

    Raises:
        NothingOpen: all were to be cancelled and none is open.
        LineUnknown, TooMany, NothingChosen: and the order is as it was.
    """
    if units is None:
        units = {line.id: line.open for line in order.lines if line.open}
        if not units:
            raise NothingOpen(order=order.id)
    after = order if charges and not units else _moved(order, UnitMove.CANCEL, units, at)
    if charges is None:
        charges = [charge.id for charge in order.charges] if is_cancelled(after) else []
    for unknown in set(charges) - {charge.id for charge in order.charges}:
        raise LineUnknown(order=order.id, line=unknown)
    if not charges:
        return after
    named = tuple(evolve(c, cancelled=True) if c.id in charges else c for c in order.charges)
    return evolve(after, charges=named, changed_at=max(at, order.changed_at))


def is_cancelled(order: Order) -> bool:
    """Say whether every unit of an order is cancelled."""
    return all(line.cancelled == line.ordered for line in order.lines)


def worth(order: Order, *, units: Mapping[LineId, int]) -> Money:
    """Say what units are worth to the buyer: what cancelling or returning them frees, as the order stands.

    Law: the worth of units taken one after the other, in any order, adds up to the line's gross.

    Raises:
        LineUnknown, TooMany: more than are not gone yet.
    """
    lines = {line.id: line for line in order.lines}
    minor = 0
    for id_, count in units.items():
        line = _found(lines, order, id_)
        if type(count) is not int or not 0 <= count <= line.ordered - line.gone:
            raise TooMany(order=order.id, line=id_, move="value", asked=count, left=line.ordered - line.gone)
        # All units are taken as if cancelled before shipping, because only how many are gone counts.
        gone = evolve(line, shipped=0, returned=0, cancelled=line.gone + count)
        minor += gone.freed(order.basis) - line.freed(order.basis)
    return Money(minor, order.currency)


def claim_order(order: Order, *, customer: CustomerId, at: Instant) -> Order:
    """Say whose order it is; saying it again changes nothing.

    Raises:
        AlreadyClaimed: it is somebody else's.
    """
    if order.customer == customer:
        return order
    if order.customer is not None:
        raise AlreadyClaimed(order=order.id)
    return evolve(order, customer=customer, changed_at=max(at, order.changed_at))


def adjust_order(order: Order, *, adjustment: Adjustment, at: Instant) -> Order:
    """Add a dated change of money; the same adjustment again changes nothing.

    Raises:
        OverAdjusted: it gives back more than the order is worth.
        Malformed: another adjustment has the id.
    """
    for known in order.adjustments:
        if known.id == adjustment.id:
            if known != adjustment:
                raise Malformed("$.adjustment.id", "must be used once")
            return order
    left = order.gross - order.freed + order.adjusted
    if adjustment.amount < 0 and left.minor + adjustment.amount < 0:
        raise OverAdjusted(order=order.id, left=left.minor)
    return evolve(order, adjustments=(*order.adjustments, adjustment), changed_at=max(at, order.changed_at))


def _moved(order: Order, move: UnitMove, units: Mapping[LineId, int], at: Instant) -> Order:
    lines = {line.id: line for line in order.lines}
    source = _SOURCE[move]
    for id_, count in units.items():
        line = _found(lines, order, id_)
        if type(count) is not int or not 0 < count <= MAX_UNITS:
            raise Malformed("$.units", "must be whole numbers of at least 1")
        left = units_in(line)[source]
        if count > left:
            raise TooMany(order=order.id, line=id_, move=move.value, asked=count, left=left)
        lines[id_] = _step(line, move, count)
    if not units:
        raise NothingChosen(order=order.id)
    return evolve(order, lines=tuple(lines.values()), changed_at=max(at, order.changed_at))


def _step(line: OrderLine, move: UnitMove, count: int) -> OrderLine:
    match UNITS.move(_SOURCE[move], move):
        case UnitState.SHIPPED:
            return evolve(line, shipped=line.shipped + count)
        case UnitState.CANCELLED:
            return evolve(line, cancelled=line.cancelled + count)
        case UnitState.RETURNED:
            return evolve(line, returned=line.returned + count)
        case UnitState.OPEN:  # no move of the table leads here; if one ever does, a count must say so
            raise AssertionError("no count for units that come back to open")


def _found(lines: Mapping[LineId, OrderLine], order: Order, id_: LineId) -> OrderLine:
    if (line := lines.get(id_)) is None:
        raise LineUnknown(order=order.id, line=id_)
    return line
