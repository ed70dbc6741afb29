"""Which step with a provider may be begun?

A step is begun in two halves, so that a crash between them loses nothing: first it is written down here
(``open_payment``, ``begin_capture``, ``begin_refund``, ``begin_cancel``), then the provider is asked, outside any
transaction. These return ``Asked``: the writes, and the requests that whoever wrote them, and nobody else, must now put
to the provider.

Whatever comes back comes through ``answers.record_answer``.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import OrderId, TransactionId
from omnicore.kernel.ledger import Account, Balance
from omnicore.kernel.money import Money, total
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.payments.beginning import Asked, begun_all
from omnicore.payments.errors import (
    AlreadyCancelled,
    AlreadyCaptured,
    CaptureExceedsAuthorised,
    NotAuthorised,
    PaymentExists,
    TendersDoNotAddUp,
)
from omnicore.payments.events import PaymentOpened
from omnicore.payments.model import (
    Payment,
    Tender,
    TenderId,
    Transaction,
)
from omnicore.payments.routing import RefundOrder, route
from omnicore.payments.states import Step, TransactionState

_SUCCEEDED: Final = TransactionState.SUCCEEDED


def open_payment(
    *,
    order: OrderId,
    due: Money,
    tenders: Sequence[Tender],
    at: Instant,
    known: Stored[Payment] | None = None,
) -> Asked:
    """Open an order's payment: an authorisation or a capture is begun for each tender; cash is captured at once.

    The transactions are called ``{tender}-authorise`` and ``{tender}-capture``. ``known`` is what the
    order has as yet.

    Raises: PaymentExists, TendersDoNotAddUp; Malformed for a negative amount or mixed currencies.
    """
    if known is not None:
        raise PaymentExists(order=order)
    _check_tendered(due, tenders)
    asked = begun_all(Payment(order=order, due=due, tenders=tuple(tenders)), _first_steps(tenders, at), expected=None)
    opened = PaymentOpened(order=order, due=due, tenders=tuple(tender.id for tender in tenders))
    return Asked(writes=Writes(events=(opened,)) + asked.writes, requests=asked.requests)


def reopen_payment(stored: Stored[Payment], *, due: Money, tenders: Sequence[Tender], at: Instant) -> Asked:
    """Try again with other tenders once everything tried before has come to nothing: declined, or let go.

    What was tried stays on the payment. A tender whose id was used before is called ``{id}~2``, ``{id}~3``, ...

    Raises: PaymentExists while anything is set aside, taken or asked; TendersDoNotAddUp.
    """
    payment = stored.value
    let_go = {each.of for each in payment.steps(Step.CANCEL)}
    paying = (*payment.steps(Step.AUTHORISE), *payment.steps(Step.CAPTURE))
    if any(each.id not in let_go for each in paying):
        raise PaymentExists(order=payment.order)
    _check_tendered(due, tenders)
    used = [each.id.partition("~")[0] for each in payment.tenders]
    fresh = [
        evolve(each, id=TenderId(f"{each.id}~{used.count(each.id) + 1}")) if each.id in used else each
        for each in tenders
    ]
    again = evolve(payment, due=due, tenders=(*payment.tenders, *fresh))
    asked = begun_all(again, _first_steps(fresh, at), expected=stored)
    opened = PaymentOpened(order=payment.order, due=due, tenders=tuple(tender.id for tender in fresh))
    return Asked(writes=Writes(events=(opened,)) + asked.writes, requests=asked.requests)


def _check_tendered(due: Money, tenders: Sequence[Tender]) -> None:
    if due.minor < 0:
        raise Malformed("$.due", "must not be negative")
    tendered = total((tender.amount for tender in tenders), due.currency)
    if tendered != due:
        raise TendersDoNotAddUp(due=due.minor, tendered=tendered.minor, currency=due.currency)


def _first_steps(tenders: Sequence[Tender], at: Instant) -> list[Transaction]:
    return [
        Transaction(
            id=TransactionId(f"{tender.id}-{step}"), tender=tender.id, step=step, amount=tender.amount, begun=at
        )
        for tender in tenders
        for step in [Step.AUTHORISE if tender.method.authorises else Step.CAPTURE]
    ]


def begin_capture(
    stored: Stored[Payment], *, tender: TenderId, capture: TransactionId, at: Instant, amount: Money | None = None
) -> Asked:
    """Begin to take what was authorised: ``amount``, or all that is left. ``capture`` is the transaction's new id.

    Law: the captures of an authorisation never come to more than it; a capture and a cancel exclude each other.

    Raises: UnknownTender, NotAuthorised, AlreadyCancelled, AlreadyCaptured, CaptureExceedsAuthorised, AlreadyBegun.
    """
    payment = stored.value
    payment.tender(tender)
    granted = payment.succeeded(Step.AUTHORISE, tender=tender)
    if not granted:
        raise NotAuthorised(order=payment.order, tender=tender)
    if payment.steps(Step.CANCEL, tender=tender):
        raise AlreadyCancelled(order=payment.order, tender=tender)
    taken = (each.amount for each in payment.steps(Step.CAPTURE, tender=tender))
    left = granted[0].amount - total(taken, payment.due.currency)
    if not left:
        raise AlreadyCaptured(order=payment.order)
    wanted = left if amount is None else _positive(amount)
    if wanted > left:
        raise CaptureExceedsAuthorised(
            order=payment.order, tender=tender, asked=wanted.minor, left=left.minor, currency=left.currency
        )
    begun = Transaction(id=capture, tender=tender, step=Step.CAPTURE, amount=wanted, begun=at, of=granted[0].id)
    return begun_all(payment, [begun], expected=stored)


def begin_captures(stored: Stored[Payment], *, capture: str, amount: Money, at: Instant) -> Asked:
    """Begin to take ``amount`` over whatever is set aside, tender after tender as the payment lists them.

    What is not set aside any more was taken at once, or is still to come, so less than ``amount`` may be asked; a
    payment with nothing set aside asks nothing. The transactions are called ``{capture}-1``, ``{capture}-2``, ...

    Law: the captures of an authorisation never come to more than it.

    Raises: AlreadyBegun.
    """
    payment, left, begun = stored.value, amount, list[Transaction]()
    for tender in payment.tenders:
        if payment.steps(Step.CANCEL, tender=tender.id):
            continue
        for granted in payment.succeeded(Step.AUTHORISE, tender=tender.id):
            taken = (each.amount for each in payment.steps(Step.CAPTURE, tender=tender.id) if each.of == granted.id)
            part = min(left, granted.amount - total(taken, amount.currency))
            if part.minor > 0:
                name = TransactionId(f"{capture}-{len(begun) + 1}")
                begun.append(
                    Transaction(id=name, tender=tender.id, step=Step.CAPTURE, amount=part, begun=at, of=granted.id)
                )
                left -= part
    return begun_all(payment, begun, expected=stored)


def begin_refund(
    stored: Stored[Payment],
    *,
    refund: str,
    amount: Money,
    funds: Mapping[Account, Balance],
    at: Instant,
    order: RefundOrder = RefundOrder.LAST_FIRST,
) -> Asked:
    """Begin to give ``amount`` back over the tenders it came by, in a stated order (``routing``).

    ``funds`` are ``balances(captured_accounts(payment))``, read with the payment. The transactions are called
    ``{refund}-1``, ``{refund}-2``, ...; ``refund`` is an id of the caller's, such as the return's. The money is
    held until the provider confirms; cash leaves at once.

    Law: all refunds together never exceed what was captured, tender by tender, under races too.

    Raises: RefundExceedsCaptured, AlreadyBegun.
    """
    payment = stored.value
    parts = route(payment, _positive(amount), funds, order=order)
    begun = [
        Transaction(
            id=TransactionId(f"{refund}-{number}"),
            tender=capture.tender,
            step=Step.REFUND,
            amount=part,
            begun=at,
            of=capture.id,
        )
        for number, (capture, part) in enumerate(parts, start=1)
    ]
    return begun_all(payment, begun, expected=stored)


def begin_cancel(stored: Stored[Payment], *, at: Instant, tenders: Sequence[TenderId] | None = None) -> Asked:
    """Begin to let go what was set aside but not taken: of some tenders, or of all.

    Tenders of which something was captured, or is being, are left alone: that is refunded instead.

    Raises: AlreadyCaptured if there is nothing to let go because it was taken; UnknownTender.
    """
    payment = stored.value
    wanted = [payment.tender(each) for each in tenders] if tenders is not None else payment.tenders
    begun = []
    taken = False
    for tender in wanted:
        captures = payment.steps(Step.CAPTURE, tender=tender.id)
        if tender.method.authorises:
            open_steps, tender_taken = payment.steps(Step.AUTHORISE, tender=tender.id), bool(captures)
        else:
            open_steps, tender_taken = captures, any(each.state is _SUCCEEDED for each in captures)
        taken = taken or tender_taken
        if tender_taken or not open_steps or payment.steps(Step.CANCEL, tender=tender.id):
            continue
        number = sum(each.step is Step.CANCEL and each.tender == tender.id for each in payment.transactions) + 1
        begun.append(
            Transaction(
                id=TransactionId(f"{tender.id}-cancel-{number}"),
                tender=tender.id,
                step=Step.CANCEL,
                amount=open_steps[0].amount,
                begun=at,
                of=open_steps[0].id,
            )
        )
    if taken and not begun:
        raise AlreadyCaptured(order=payment.order)
    return begun_all(payment, begun, expected=stored)


def _positive(amount: Money) -> Money:
    if type(amount) is not Money or amount.minor <= 0:
        raise Malformed("$.amount", "must be a positive amount")
    return amount
