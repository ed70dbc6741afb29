"""What does an order look like after what the journal tells of it?

The timeline is never stored beside the order: it is the journal's events about it. Folding them onto the order as it
was placed gives the order as it stands, which is how an auditor checks one against the other.
"""

from collections.abc import Iterable

from omnicore.kernel.journal import Event
from omnicore.kernel.time import Instant
from omnicore.ordering import moves
from omnicore.ordering.events import OrderAdjusted, OrderClaimed, UnitsCancelled, UnitsReturned, UnitsShipped
from omnicore.ordering.model import Order


def fold(order: Order, *, told: Iterable[tuple[Instant, Event]]) -> Order:
    """Give the order after events about it, each with its instant, in the order of the journal.

    A re-import starts a new story: fold from the order as re-imported. Events of other kinds change nothing here.

    Law: from the order as placed, the events of its changes lead to the order as it stands.
    """
    for at, event in told:
        match event:
            case UnitsShipped(order=order.id, units=units):
                order = moves.ship_units(order, units=units, at=at)
            case UnitsCancelled(order=order.id, units=units, charges=charges):
                order = moves.cancel_units(order, units=units, charges=charges, at=at)
            case UnitsReturned(order=order.id, units=units):
                order = moves.return_units(order, units=units, at=at)
            case OrderClaimed(order=order.id, customer=customer):
                order = moves.claim_order(order, customer=customer, at=at)
            case OrderAdjusted(order=order.id, adjustment=adjustment):
                order = moves.adjust_order(order, adjustment=adjustment, at=at)
            case _:
                pass
    return order
