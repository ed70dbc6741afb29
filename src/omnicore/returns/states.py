"""How far has a returned line come, in which condition is it, and where do its units go?

Each line of a return moves by itself: two of three shirts may be back while one is still in the post. Receiving,
accepting and refunding are separate facts, because they happen to different people on different days; in a store
they happen in one breath.
"""

from enum import StrEnum

from omnicore.kernel.machine import Machine


class ReturnState(StrEnum):
    """How far units of a line have come back."""

    REQUESTED = "requested"
    """Asked for; waits for a person."""
    APPROVED = "approved"
    """May come back; from here on the units count as returned."""
    RECEIVED = "received"
    """Here, waiting for inspection."""
    ACCEPTED = "accepted"
    """Here and as agreed; to be refunded or exchanged."""
    REFUNDED = "refunded"
    """Its value was handed to payments; whether the provider has confirmed is the payment's to say."""
    EXCHANGED = "exchanged"
    """Its value was credited to the order that replaces it."""
    REJECTED = "rejected"
    """Here, but not as agreed."""
    DENIED = "denied"
    CANCELLED = "cancelled"


class ReturnMove(StrEnum):
    """What moves units of a line."""

    APPROVE = "approve"
    DENY = "deny"
    CANCEL = "cancel"
    RECEIVE = "receive"
    ACCEPT = "accept"
    REJECT = "reject"
    REFUND = "refund"
    EXCHANGE = "exchange"


RETURN_LINE = Machine(
    "return_line",
    initial=ReturnState.REQUESTED,
    table={
        ReturnState.REQUESTED: {
            ReturnMove.APPROVE: ReturnState.APPROVED,
            ReturnMove.DENY: ReturnState.DENIED,
            ReturnMove.CANCEL: ReturnState.CANCELLED,
        },
        ReturnState.APPROVED: {
            ReturnMove.RECEIVE: ReturnState.RECEIVED,
            ReturnMove.CANCEL: ReturnState.CANCELLED,
        },
        ReturnState.RECEIVED: {
            ReturnMove.ACCEPT: ReturnState.ACCEPTED,
            ReturnMove.REJECT: ReturnState.REJECTED,
        },
        ReturnState.ACCEPTED: {
            ReturnMove.REFUND: ReturnState.REFUNDED,
            ReturnMove.EXCHANGE: ReturnState.EXCHANGED,
        },
        ReturnState.REFUNDED: {},
        ReturnState.EXCHANGED: {},
        ReturnState.REJECTED: {},
        ReturnState.DENIED: {},
        ReturnState.CANCELLED: {},
    },
)


class Condition(StrEnum):
    """In what condition units are, as the buyer declares or an inspection finds."""

    SEALED = "sealed"
    LIKE_NEW = "like_new"
    USED = "used"
    DAMAGED = "damaged"


class Disposition(StrEnum):
    """Where returned units go (処置)."""

    RESTOCK = "restock"
    QUARANTINE = "quarantine"
    """Kept apart: to be looked at, refurbished, or sent back to the buyer."""
    SCRAP = "scrap"


class Origin(StrEnum):
    """Where units come from that are put somewhere."""

    CUSTOMER = "customer"
    QUARANTINE = "quarantine"


class Resolution(StrEnum):
    """What the buyer gets for the goods."""

    REFUND = "refund"
    EXCHANGE = "exchange"
    """Goods: the value is credited to another order, and no money goes back."""


class Approval(StrEnum):
    """Who says yes to a request."""

    AUTOMATIC = "automatic"
    """The policy alone: its yes approves, its no refuses."""
    REFER = "refer"
    """Its yes approves; its no lets the request wait for a person, who may say yes all the same."""
    BY_STAFF = "by_staff"
    """A person says yes to every request; the policy's no refuses."""
