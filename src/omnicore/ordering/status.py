"""How far is an order, in one word each for goods, money and the whole?

Pure functions of facts. None of these words is stored, so none can be wrong: nothing refunded is still called paid.
"""

from collections.abc import Iterable

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.ordering.model import OrderLine
from omnicore.ordering.states import FulfilmentStatus, OrderStatus, PaymentStatus


@frozen(kw_only=True)
class MoneyFacts:
    """What is known of an order's money, in minor units: agreed at placement, due now, and what the providers did.

    ``authorised`` is not yet captured; ``captured`` counts all that was ever taken; what failed or is only under way
    counts nowhere.
    """

    agreed: int
    due: int
    authorised: int = 0
    captured: int = 0
    refunded: int = 0

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        for name in ("agreed", "due", "authorised", "captured", "refunded"):
            value = getattr(self, name)
            if type(value) is not int or value < 0:
                raise Malformed(f"$.{name}", "must be whole minor units of at least zero")


def fulfilment_status(lines: Iterable[OrderLine]) -> FulfilmentStatus:
    """Say how far the goods are. Cancelled units do not count unless all are; with nothing to ship, all is shipped."""
    ordered = cancelled = shipped = returned = 0
    for line in lines:
        ordered += line.ordered
        cancelled += line.cancelled
        shipped += line.shipped
        returned += line.returned
    if ordered and cancelled == ordered:
        return FulfilmentStatus.CANCELLED
    if returned:
        all_back = returned == ordered - cancelled
        return FulfilmentStatus.RETURNED if all_back else FulfilmentStatus.PARTIALLY_RETURNED
    if shipped == ordered - cancelled:
        return FulfilmentStatus.SHIPPED
    return FulfilmentStatus.PARTIALLY_SHIPPED if shipped else FulfilmentStatus.UNFULFILLED


def payment_status(facts: MoneyFacts) -> PaymentStatus:
    """Say how far the money is; the first that fits, from what is owed back to what is still to come."""
    kept = facts.captured - facts.refunded
    if kept > facts.due:
        return PaymentStatus.CREDIT_OWED
    if facts.refunded:
        return PaymentStatus.PARTIALLY_REFUNDED if kept > 0 else PaymentStatus.REFUNDED
    if facts.due == 0:
        return PaymentStatus.PAID if facts.agreed == 0 or facts.captured else PaymentStatus.VOID
    if kept == facts.due:
        return PaymentStatus.PAID
    if kept:
        return PaymentStatus.PARTIALLY_PAID
    return PaymentStatus.AUTHORISED if facts.authorised >= facts.due else PaymentStatus.AWAITING


def order_status(fulfilment: FulfilmentStatus, payment: PaymentStatus) -> OrderStatus:
    """Say the whole in a word: completed once everything is shipped and nobody owes anybody money."""
    if fulfilment is FulfilmentStatus.CANCELLED:
        return OrderStatus.CANCELLED
    shipped = fulfilment in {
        FulfilmentStatus.SHIPPED,
        FulfilmentStatus.PARTIALLY_RETURNED,
        FulfilmentStatus.RETURNED,
    }
    settled = payment in {PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED}
    return OrderStatus.COMPLETED if shipped and settled else OrderStatus.OPEN
