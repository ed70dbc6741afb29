"""How does a transaction stand, and what does a payment's standing look like from outside?

A provider tells the same thing more than once, late, and out of order. So a transaction only ever moves *up*:
pending < action needed < declined < succeeded. Whatever the order and the repetition of messages, the same set of
messages ends in the same state: success, where money has moved, is never lost to an older "declined".
"""

from enum import StrEnum

from omnicore.kernel.machine import Machine


class Step(StrEnum):
    """What a transaction asks of a provider."""

    AUTHORISE = "authorise"
    """Set money aside (与信)."""
    CAPTURE = "capture"
    """Take it (売上): what was authorised, or at once where the method knows no authorisation."""
    REFUND = "refund"
    """Give it back (返金)."""
    CANCEL = "cancel"
    """Let what was set aside go (取消)."""


class TransactionState(StrEnum):
    """How far a transaction is known to have come."""

    PENDING = "pending"
    """Asked, or about to be; nothing is known yet."""
    ACTION_NEEDED = "action_needed"
    """The buyer must do something: pay at a konbini, pass 3-D Secure."""
    DECLINED = "declined"
    SUCCEEDED = "succeeded"


class TransactionMove(StrEnum):
    """What moves a transaction."""

    NEED_ACTION = "need_action"
    DECLINE = "decline"
    SUCCEED = "succeed"


TRANSACTION = Machine(
    "transaction",
    initial=TransactionState.PENDING,
    table={
        TransactionState.PENDING: {
            TransactionMove.NEED_ACTION: TransactionState.ACTION_NEEDED,
            TransactionMove.DECLINE: TransactionState.DECLINED,
            TransactionMove.SUCCEED: TransactionState.SUCCEEDED,
        },
        TransactionState.ACTION_NEEDED: {
            TransactionMove.DECLINE: TransactionState.DECLINED,
            TransactionMove.SUCCEED: TransactionState.SUCCEEDED,
        },
        # A slip or a card may be tried again under the same transaction, and a "yes" may overtake a "no".
        TransactionState.DECLINED: {TransactionMove.SUCCEED: TransactionState.SUCCEEDED},
        TransactionState.SUCCEEDED: {},
    },
)


class PaymentStatus(StrEnum):
    """A payment in one word, derived from its amounts whenever it is asked for and stored nowhere."""

    DUE = "due"
    """Nothing has come yet."""
    ACTION_NEEDED = "action_needed"
    """The buyer has something to do before money can come."""
    AUTHORISED = "authorised"
    """All that is due is set aside or taken, and something is still only set aside."""
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    OVERPAID = "overpaid"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    """All that was captured went back."""
    DECLINED = "declined"
    """Nothing came, and a provider said no."""
    CANCELLED = "cancelled"
    """Nothing came, and what was set aside was let go."""
