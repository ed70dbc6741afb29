"""What is a provider asked, and what may it answer?

A request names order and transaction; a provider should carry both in its own record and hand them back in its
messages, so that a message finds its transaction whatever the order of arrival. A message is an ``Answer`` too: the
echo of our own call and news of a week later take the same road.
"""

from typing import Final, assert_never

from attrs import field, frozen

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import OrderId, TransactionId, checked_id
from omnicore.kernel.money import Money
from omnicore.kernel.time import Instant
from omnicore.payments.model import Payment, ProviderName, TenderMethod, Transaction
from omnicore.payments.states import Step

_MAX_REASON: Final = 64
_MAX_URL: Final = 2_000


@frozen(kw_only=True)
class Authorise:
    """Set ``amount`` aside; ``token`` is the provider's name for the buyer's card or wallet."""

    order: OrderId
    transaction: TransactionId
    provider: ProviderName
    method: TenderMethod
    amount: Money
    token: str = field(default="", repr=False)


@frozen(kw_only=True)
class Capture:
    """Take ``amount``: of an authorisation (``authorised`` is its reference), or at once where that is None."""

    order: OrderId
    transaction: TransactionId
    provider: ProviderName
    method: TenderMethod
    amount: Money
    authorised: str | None = None
    token: str = field(default="", repr=False)


@frozen(kw_only=True)
class Refund:
    """Give ``amount`` of a capture back; ``captured`` is the capture's reference."""

    order: OrderId
    transaction: TransactionId
    provider: ProviderName
    method: TenderMethod
    amount: Money
    captured: str


@frozen(kw_only=True)
class Cancel:
    """Let an authorisation, or a slip nobody has paid, go; ``authorised`` is its reference, None if it has none."""

    order: OrderId
    transaction: TransactionId
    provider: ProviderName
    method: TenderMethod
    amount: Money
    authorised: str | None = None


Request = Authorise | Capture | Refund | Cancel
codec.tagged(Request, {"authorise": Authorise, "capture": Capture, "refund": Refund, "cancel": Cancel})


def _told(reference: str | None, at: Instant) -> None:
    if reference is not None:
        checked_id(reference, "$.reference")
    if type(at) is not Instant:
        raise Malformed("$.at", "must be an instant")


@frozen(kw_only=True)
class Authorised:
    """The amount is set aside under ``reference``; ``at`` is the provider's time of it."""

    reference: str
    at: Instant

    def __attrs_post_init__(self) -> None:
        """Refuse a reference that cannot be kept."""
        _told(self.reference, self.at)


@frozen(kw_only=True)
class Captured:
    """The amount is taken."""

    reference: str
    at: Instant

    def __attrs_post_init__(self) -> None:
        """Refuse a reference that cannot be kept."""
        _told(self.reference, self.at)


@frozen(kw_only=True)
class Refunded:
    """The amount is on its way back to the buyer and will not return."""

    reference: str
    at: Instant

    def __attrs_post_init__(self) -> None:
        """Refuse a reference that cannot be kept."""
        _told(self.reference, self.at)


@frozen(kw_only=True)
class Cancelled:
    """What was set aside is let go."""

    reference: str
    at: Instant

    def __attrs_post_init__(self) -> None:
        """Refuse a reference that cannot be kept."""
        _told(self.reference, self.at)


@frozen(kw_only=True)
class Declined:
    """The provider said no; ``reason`` is its code, never a sentence about a person."""

    reason: str
    at: Instant
    reference: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be kept."""
        _told(self.reference, self.at)
        if type(self.reason) is not str or not 0 < len(self.reason) <= _MAX_REASON or not self.reason.isprintable():
            raise Malformed("$.reason", f"must be a code of at most {_MAX_REASON} characters")


@frozen(kw_only=True)
class NeedsAction:
    """The buyer must act first, at ``url``: pass 3-D Secure, approve in an app, pay a konbini slip."""

    reference: str
    url: str
    at: Instant

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be kept."""
        _told(self.reference, self.at)
        if type(self.url) is not str or not 0 < len(self.url) <= _MAX_URL or not self.url.isprintable():
            raise Malformed("$.url", f"must be at most {_MAX_URL} characters")


Answer = Authorised | Captured | Refunded | Cancelled | Declined | NeedsAction
codec.tagged(
    Answer,
    {
        "authorised": Authorised,
        "captured": Captured,
        "refunded": Refunded,
        "cancelled": Cancelled,
        "declined": Declined,
        "needs_action": NeedsAction,
    },
)


def request_of(payment: Payment, transaction: Transaction) -> Request:
    """Give what the provider is asked for a transaction.

    Raises: UnknownTender, UnknownTransaction.
    """
    tender = payment.tender(transaction.tender)
    before = None if transaction.of is None else payment.transaction(transaction.of).reference
    order, provider, method = payment.order, tender.provider, tender.method
    name, amount = transaction.id, transaction.amount
    match transaction.step:
        case Step.AUTHORISE:
            return Authorise(
                order=order, transaction=name, provider=provider, method=method, amount=amount, token=tender.token
            )
        case Step.CAPTURE:
            return Capture(
                order=order,
                transaction=name,
                provider=provider,
                method=method,
                amount=amount,
                authorised=before,
                token=tender.token,
            )
        case Step.REFUND:
            assert before is not None, "what a provider captured has a reference"
            return Refund(
                order=order, transaction=name, provider=provider, method=method, amount=amount, captured=before
            )
        case Step.CANCEL:
            return Cancel(
                order=order, transaction=name, provider=provider, method=method, amount=amount, authorised=before
            )
        case _:
            assert_never(transaction.step)
