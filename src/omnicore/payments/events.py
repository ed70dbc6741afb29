"""What has happened to a payment, as the journal keeps it?"""

from attrs import frozen

from omnicore.kernel.ids import OrderId, TransactionId
from omnicore.kernel.journal import event
from omnicore.kernel.money import Money
from omnicore.payments.model import TenderId
from omnicore.payments.states import Step


@event("payments.opened.v1")
@frozen(kw_only=True)
class PaymentOpened:
    """An order's payment was opened over its tenders."""

    order: OrderId
    due: Money
    tenders: tuple[TenderId, ...]

    @property
    def about(self) -> str:
        """The order."""
        return self.order


@event("payments.transaction_begun.v1")
@frozen(kw_only=True)
class TransactionBegun:
    """A step with a provider was written down, and is about to be asked for."""

    order: OrderId
    transaction: TransactionId
    tender: TenderId
    step: Step
    amount: Money

    @property
    def about(self) -> str:
        """The order."""
        return self.order


@event("payments.action_needed.v1")
@frozen(kw_only=True)
class ActionNeeded:
    """The buyer must act before the step can succeed; where is in the payment."""

    order: OrderId
    transaction: TransactionId
    step: Step

    @property
    def about(self) -> str:
        """The order."""
        return self.order


@event("payments.transaction_succeeded.v1")
@frozen(kw_only=True)
class TransactionSucceeded:
    """A step is confirmed: money was set aside, taken, given back or let go; cash has no reference."""

    order: OrderId
    transaction: TransactionId
    tender: TenderId
    step: Step
    amount: Money
    reference: str | None

    @property
    def about(self) -> str:
        """The order."""
        return self.order


@event("payments.transaction_declined.v1")
@frozen(kw_only=True)
class TransactionDeclined:
    """The provider said no to a step; ``reason`` is its code."""

    order: OrderId
    transaction: TransactionId
    tender: TenderId
    step: Step
    reason: str | None

    @property
    def about(self) -> str:
        """The order."""
        return self.order
