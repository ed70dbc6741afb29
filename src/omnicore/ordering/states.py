"""What can happen to a unit of a line, and which words sum an order up?

Theory of operation. Only units move, by one small machine: an open unit is shipped or cancelled, a shipped one may come
back. A line counts its units; nothing else about progress is stored. What people call the status of an order is worked
out from those counts and from the money, so it cannot contradict them. Money has its own machines with the payments.
"""

from enum import StrEnum
from typing import Final

from omnicore.kernel.machine import Machine


class UnitState(StrEnum):
    """Where a unit of a line is."""

    OPEN = "open"
    """Owed to the buyer: allocated at a node, or to be."""
    SHIPPED = "shipped"
    """Handed over: to a carrier, or to the buyer in a store."""
    RETURNED = "returned"
    CANCELLED = "cancelled"


class UnitMove(StrEnum):
    """What happens to a unit of a line."""

    SHIP = "ship"
    CANCEL = "cancel"
    RETURN = "return"


UNITS: Final = Machine(
    "ordering.unit",
    initial=UnitState.OPEN,
    table={
        UnitState.OPEN: {UnitMove.SHIP: UnitState.SHIPPED, UnitMove.CANCEL: UnitState.CANCELLED},
        UnitState.SHIPPED: {UnitMove.RETURN: UnitState.RETURNED},
        UnitState.RETURNED: {},
        UnitState.CANCELLED: {},
    },
)


class FulfilmentStatus(StrEnum):
    """How far the goods are; cancelled units do not count, unless all are."""

    UNFULFILLED = "unfulfilled"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    PARTIALLY_RETURNED = "partially_returned"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    """How far the money is."""

    AWAITING = "awaiting_payment"
    AUTHORISED = "authorised"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    CREDIT_OWED = "credit_owed"
    """More was taken than is due: the buyer is owed money."""
    VOID = "void"
    """Nothing is due any more, and nothing was taken."""


class OrderStatus(StrEnum):
    """The order in a word."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
