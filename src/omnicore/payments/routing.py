"""From which captures does a refund go back, and how much from each?

The whole of one capture after another, in a stated order, until the amount is reached: never above what a capture still
has, and the same answer for the same books. ``funds`` are the balances of ``captured_accounts``; what is held there for
another refund is not free.
"""

from collections.abc import Mapping
from enum import StrEnum

from omnicore.kernel.ledger import Account, Balance
from omnicore.kernel.money import Money
from omnicore.payments.errors import RefundExceedsCaptured
from omnicore.payments.model import Payment, Transaction, captured_account
from omnicore.payments.states import Step, TransactionState


class RefundOrder(StrEnum):
    """Which capture gives back first: tenders as the payment lists them, the captures of each as they were begun."""

    LAST_FIRST = "last_first"
    """The last listed tender first, so that what was spent first (a gift card, points) goes back last."""
    FIRST_FIRST = "first_first"
    """The first listed tender first."""


def left_to_refund(payment: Payment, funds: Mapping[Account, Balance]) -> Money:
    """Give what was captured and is neither refunded nor on its way back."""
    free = sum(_free(payment, capture, funds) for capture in payment.succeeded(Step.CAPTURE))
    return Money(free, payment.due.currency)


def route(
    payment: Payment, amount: Money, funds: Mapping[Account, Balance], *, order: RefundOrder
) -> tuple[tuple[Transaction, Money], ...]:
    """Split a refund over captures, in the order stated.

    Law: the parts add up to ``amount``, each is positive and none exceeds what its capture has free.

    Raises: RefundExceedsCaptured.
    """
    captures = [capture for tender in payment.tenders for capture in payment.succeeded(Step.CAPTURE, tender=tender.id)]
    if order is RefundOrder.LAST_FIRST:
        captures.reverse()
    parts: list[tuple[Transaction, Money]] = []
    left = amount
    for capture in captures:
        part = min(left, Money(_free(payment, capture, funds), amount.currency))
        if part:
            parts.append((capture, part))
            left -= part
    if left:
        raise RefundExceedsCaptured(
            order=payment.order,
            asked=amount.minor,
            left=left_to_refund(payment, funds).minor,
            pending=_pending_minor(payment),
            currency=amount.currency,
        )
    return tuple(parts)


def _pending_minor(payment: Payment) -> int:
    """Give what providers have been asked to take and have not answered: try again when they have."""
    asked = payment.steps(Step.CAPTURE)
    return sum(each.amount.minor for each in asked if each.state is TransactionState.PENDING)


def _free(payment: Payment, capture: Transaction, funds: Mapping[Account, Balance]) -> int:
    return max(funds[captured_account(payment, capture)].available, 0)
