"""What does omnicore need of a payment provider?

Every method takes first a key derived from the process and the call, and must be idempotent by it: the same key gives
the same answer and moves money once, however often it is sent. ``lookup`` is asked before a call is tried again, so a
timeout never leads to a blind second charge.

A provider answers for exactly the amount asked: one that would grant less declines.
"""

from typing import Protocol

from omnicore.payments.messages import (
    Answer,
    Authorise,
    Authorised,
    Cancel,
    Cancelled,
    Capture,
    Captured,
    Declined,
    NeedsAction,
    Refund,
    Refunded,
)


class PaymentProvider(Protocol):
    """The other side of the money. Implement it by inheriting it, and hand it to ``Host(providers=[...])``.

    Law: a key that was answered is answered the same again, and moves nothing; what a method raises that is no refusal
    leaves the fate unknown, and ``lookup`` tells it. Law: a key never seen gives None, and then nothing has happened.
    """

    def authorise(self, key: str, request: Authorise) -> Authorised | Declined | NeedsAction:
        """Set money aside."""
        ...

    def capture(self, key: str, request: Capture) -> Captured | Declined | NeedsAction:
        """Take money, set aside before or at once; only the latter may need the buyer to act."""
        ...

    def refund(self, key: str, request: Refund) -> Refunded | Declined:
        """Give money back."""
        ...

    def cancel(self, key: str, request: Cancel) -> Cancelled | Declined:
        """Let money go that was set aside."""
        ...

    def lookup(self, key: str) -> Answer | None:
        """Tell what became of a key; None if it was never seen."""
        ...
