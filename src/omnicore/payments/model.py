"""What is owed for an order, by which means is it paid, and what have the providers said so far?

A ``Payment`` belongs to one order and is stored under the order's id, so one order cannot have two. Its *tenders* say
how the buyer pays; its *transactions* are the steps taken with a provider, each backed by a message that carries the
provider's reference. Amounts and status are derived from transactions, never kept beside them.

In the ledger, captured money stands at ``order/{order}/captured/{transaction}``, a guarded account: a refund is held
there before the provider is asked and leaves from there when it confirms, so refunds can never exceed captures.
"""

from enum import StrEnum
from typing import Final, NewType

from attrs import evolve, field, frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import OrderId, TransactionId, checked_id
from omnicore.kernel.ledger import Account
from omnicore.kernel.money import Money, total
from omnicore.kernel.time import Instant
from omnicore.payments.errors import UnknownTender, UnknownTransaction
from omnicore.payments.states import PaymentStatus, Step, TransactionState

TenderId = NewType("TenderId", str)
"""One means of payment within a payment: ``card``, ``till-cash``; chosen by the caller."""
ProviderName = NewType("ProviderName", str)
"""Whose books the other side is in: ``stripe``, ``till-3``, ``konbini``; the ledger account is ``provider/{name}``."""

MAX_TENDERS: Final = 20
MAX_TRANSACTIONS: Final = 500
"""Transactions of one payment over all its life."""


class TenderMethod(StrEnum):
    """By which means a part of the payment is made."""

    CARD = "card"
    QR = "qr"
    CASH = "cash"
    COD = "cod"
    """Cash on delivery (代引): the carrier collects it."""
    KONBINI = "konbini"
    """Paid at a convenience store against a slip number."""

    @property
    def authorises(self) -> bool:
        """Whether money is first set aside and taken later; the other methods take it in one step."""
        return self is TenderMethod.CARD


@frozen(kw_only=True)
class Tender:
    """One means by which a part of what is due is paid. ``token`` is the provider's name for the card or wallet.

    Raises:
        Malformed: an empty id or provider, a long token, or no positive amount.
    """

    id: TenderId
    method: TenderMethod
    amount: Money
    provider: ProviderName
    token: str = field(default="", repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be paid with."""
        checked_id(self.id, "$.id")
        checked_id(self.provider, "$.provider")
        if type(self.method) is not TenderMethod:
            raise Malformed("$.method", "must be a tender method")
        if type(self.token) is not str or len(self.token) > 255 or not self.token.isprintable():  # noqa: PLR2004 - as an id
            raise Malformed("$.token", "must be at most 255 printable characters")
        if type(self.amount) is not Money or self.amount.minor <= 0:
            raise Malformed("$.amount", "must be a positive amount")


@frozen(kw_only=True)
class Transaction:
    """One step with a provider: what was asked, how it stands, and the provider's reference, time and reason for it.

    ``of`` names the transaction it builds on: the authorisation of a capture or cancel, the capture of a refund.
    """

    id: TransactionId
    tender: TenderId
    step: Step
    amount: Money
    begun: Instant
    of: TransactionId | None = None
    state: TransactionState = TransactionState.PENDING
    reference: str | None = None
    told: Instant | None = None
    reason: str | None = None
    """Why it was declined, or where the buyer is to act."""

    @property
    def live(self) -> bool:
        """Whether it counts or may yet: everything but a no."""
        return self.state is not TransactionState.DECLINED


@frozen(kw_only=True)
class Amounts:
    """What a payment's transactions come to; all in one currency.

    ``authorised`` is set aside and neither captured nor let go; ``refunding`` is on its way back, not confirmed.
    """

    due: Money
    authorised: Money
    captured: Money
    refunded: Money
    refunding: Money
    action_needed: bool = False
    declined: bool = False
    cancelled: bool = False


@frozen(kw_only=True)
class Payment:
    """What is owed for an order and everything done to settle it.

    Raises:
        Malformed: too many parts, or an id twice.
    """

    order: OrderId
    due: Money
    tenders: tuple[Tender, ...]
    transactions: tuple[Transaction, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be told apart."""
        checked_id(self.order, "$.order")
        for name, parts, most in (
            ("tenders", self.tenders, MAX_TENDERS),
            ("transactions", self.transactions, MAX_TRANSACTIONS),
        ):
            if type(parts) is not tuple or len(parts) > most:
                raise Malformed(f"$.{name}", f"must be at most {most}")
            if len({part.id for part in parts}) < len(parts):
                raise Malformed(f"$.{name}", "must have an id each")

    def tender(self, tender: TenderId) -> Tender:
        """Give a tender.

        Raises: UnknownTender.
        """
        for each in self.tenders:
            if each.id == tender:
                return each
        raise UnknownTender(order=self.order, tender=tender)

    def transaction(self, transaction: TransactionId) -> Transaction:
        """Give a transaction.

        Raises: UnknownTransaction.
        """
        for each in self.transactions:
            if each.id == transaction:
                return each
        raise UnknownTransaction(order=self.order, transaction=transaction)

    def steps(self, step: Step, *, tender: TenderId | None = None) -> tuple[Transaction, ...]:
        """Give the transactions of a step that were not declined, of one tender or of all, in the order begun."""
        return tuple(
            each for each in self.transactions if each.step is step and each.live and tender in {None, each.tender}
        )

    def succeeded(self, step: Step, *, tender: TenderId | None = None) -> tuple[Transaction, ...]:
        """Give the transactions of a step that a provider has confirmed, in the order begun."""
        return tuple(each for each in self.steps(step, tender=tender) if each.state is TransactionState.SUCCEEDED)

    @property
    def failed(self) -> tuple[Transaction, ...]:
        """Captures of what was authorised, and refunds, that a provider declined and nobody has tried again since."""
        tried = {(each.step, each.of): each for each in self.transactions if each.of is not None}
        return tuple(
            each
            for each in tried.values()
            if each.step in {Step.CAPTURE, Step.REFUND} and each.state is TransactionState.DECLINED
        )

    def with_transaction(self, changed: Transaction) -> "Payment":
        """Give the payment with a transaction in place of the one of its id, or added."""
        others = tuple(changed if each.id == changed.id else each for each in self.transactions)
        known = any(each.id == changed.id for each in self.transactions)
        return evolve(self, transactions=others if known else (*others, changed))


def unit_of(money: Money) -> str:
    """Give the ledger's unit for a currency: ``money:JPY``."""
    return f"money:{money.currency}"


def move_id(order: OrderId, transaction: TransactionId) -> str:
    """Give the ledger's id for a transaction's hold and entry."""
    return f"payment/{order}/{transaction}"


def captured_account(payment: Payment, capture: Transaction) -> Account:
    """Give where the money of a capture stands; a refund leaves from there."""
    return Account(unit_of(capture.amount), f"order/{payment.order}/captured/{capture.id}")


def captured_accounts(payment: Payment) -> tuple[Account, ...]:
    """Give the accounts to read before a refund: one for each capture a provider has confirmed."""
    return tuple(captured_account(payment, capture) for capture in payment.succeeded(Step.CAPTURE))


def amounts_of(payment: Payment) -> Amounts:
    """Add up a payment's transactions.

    Law: 0 <= refunded + refunding <= captured, and captured + authorised <= what was ever authorised or taken at once.
    """
    currency = payment.due.currency

    def of(*transactions: Transaction) -> Money:
        return total((each.amount for each in transactions), currency)

    captured = payment.succeeded(Step.CAPTURE)
    refunds = payment.steps(Step.REFUND)
    cancelled = {each.of for each in payment.succeeded(Step.CANCEL)}
    standing = [each for each in payment.succeeded(Step.AUTHORISE) if each.id not in cancelled]
    taken = {each.id: of(*(one for one in captured if one.of == each.id)) for each in standing}
    incoming = (each for each in payment.transactions if each.step in {Step.AUTHORISE, Step.CAPTURE})
    states = [each.state for each in incoming if each.id not in cancelled]
    waiting = TransactionState.PENDING in states
    confirmed = payment.succeeded(Step.REFUND)
    return Amounts(
        due=payment.due,
        authorised=total((each.amount - taken[each.id] for each in standing), currency),
        captured=of(*captured),
        refunded=of(*confirmed),
        refunding=of(*refunds) - of(*confirmed),
        action_needed=TransactionState.ACTION_NEEDED in states,
        declined=TransactionState.DECLINED in states and not waiting,
        cancelled=bool(cancelled) and not waiting,
    )


def payment_status(amounts: Amounts) -> PaymentStatus:
    """Say in one word how a payment stands. What went back counts first, then what came, then what is set aside.

    Law: a function of the amounts alone; the first line that applies decides.
    """
    due, captured, refunded = amounts.due.minor, amounts.captured.minor, amounts.refunded.minor
    if refunded:
        return PaymentStatus.REFUNDED if refunded >= captured else PaymentStatus.PARTLY_REFUNDED
    if captured > due:
        return PaymentStatus.OVERPAID
    if captured == due:
        return PaymentStatus.PAID
    if captured + amounts.authorised.minor >= due:
        return PaymentStatus.AUTHORISED
    if captured:
        return PaymentStatus.PARTLY_PAID
    if amounts.action_needed:
        return PaymentStatus.ACTION_NEEDED
    if amounts.authorised:
        return PaymentStatus.DUE
    if amounts.cancelled:
        return PaymentStatus.CANCELLED
    return PaymentStatus.DECLINED if amounts.declined else PaymentStatus.DUE
