"""What does a provider's answer change?

Answers to our own calls, their echo as messages, and news of a week later all come through ``record_answer``. Of two
tellings about one transaction the *higher* wins: first by state (see ``states``), then by the provider's own time. The
higher of two is the same whichever comes first and however often, so any order and repetition of the same messages ends
in the same payment and the same balances.
"""

from typing import Final, assert_never

from attrs import evolve

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import TransactionId
from omnicore.kernel.ledger import Move, Post, Rest, Settle, Void
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.payments.errors import ReferenceDiffers
from omnicore.payments.events import ActionNeeded, TransactionDeclined, TransactionSucceeded
from omnicore.payments.messages import (
    Answer,
    Authorised,
    Cancelled,
    Captured,
    Declined,
    NeedsAction,
    Refunded,
)
from omnicore.payments.model import Payment, Transaction, captured_account, move_id, unit_of
from omnicore.payments.states import TRANSACTION, Step, TransactionMove, TransactionState

_HEIGHT: Final = {state: height for height, state in enumerate(TransactionState)}
_MOVE: Final = {
    TransactionState.ACTION_NEEDED: TransactionMove.NEED_ACTION,
    TransactionState.DECLINED: TransactionMove.DECLINE,
    TransactionState.SUCCEEDED: TransactionMove.SUCCEED,
}
_MAY_NEED_ACTION: Final = (Step.AUTHORISE, Step.CAPTURE)


def record_answer(stored: Stored[Payment], *, transaction: TransactionId, answer: Answer) -> Writes:
    """Record what a provider says of a transaction; a repeat, or something older, changes nothing.

    A capture that succeeds is a fact and is posted whatever we believed; a refund that succeeds settles its hold, one
    that is declined releases it, and one that succeeds after all leaves as a fact.

    Law: any permutation of messages, with repeats, gives the same payment and the same balances.

    Raises: UnknownTransaction; ReferenceDiffers; Malformed for an answer to another kind of step.
    """
    payment = stored.value
    before = payment.transaction(transaction)
    told = _told(before, answer)
    if told.state is before.state is TransactionState.SUCCEEDED and told.reference != before.reference:
        raise ReferenceDiffers(
            order=payment.order, transaction=transaction, known=before.reference, told=told.reference
        )
    if _height(told) <= _height(before):
        return Writes()
    if told.state is before.state:
        return Writes(changes=(stored.put(payment.with_transaction(told)),))
    after = evolve(told, state=TRANSACTION.move(before.state, _MOVE[told.state]))
    return Writes(
        changes=(stored.put(payment.with_transaction(after)),),
        moves=_moves(payment, before, after),
        events=(_event(payment, after),),
    )


def succeeded(payment: Payment, transaction: Transaction) -> TransactionSucceeded:
    """Give the event of a step that is confirmed."""
    return TransactionSucceeded(
        order=payment.order,
        transaction=transaction.id,
        tender=transaction.tender,
        step=transaction.step,
        amount=transaction.amount,
        reference=transaction.reference,
    )


def _told(before: Transaction, answer: Answer) -> Transaction:
    """Give the transaction as the answer has it."""
    match answer:
        case Authorised():
            step, state, reason = Step.AUTHORISE, TransactionState.SUCCEEDED, None
        case Captured():
            step, state, reason = Step.CAPTURE, TransactionState.SUCCEEDED, None
        case Refunded():
            step, state, reason = Step.REFUND, TransactionState.SUCCEEDED, None
        case Cancelled():
            step, state, reason = Step.CANCEL, TransactionState.SUCCEEDED, None
        case Declined():
            step, state, reason = before.step, TransactionState.DECLINED, answer.reason
        case NeedsAction():
            step = before.step if before.step in _MAY_NEED_ACTION else Step.AUTHORISE
            state, reason = TransactionState.ACTION_NEEDED, answer.url
        case _:
            assert_never(answer)
    if step is not before.step:
        raise Malformed("$.answer", f"does not answer a {before.step}")
    return evolve(before, state=state, reference=answer.reference, told=answer.at, reason=reason)


def _height(transaction: Transaction) -> tuple[int, int, str, str]:
    told = 0 if transaction.told is None else transaction.told.micros
    return _HEIGHT[transaction.state], told, transaction.reference or "", transaction.reason or ""


def _moves(payment: Payment, before: Transaction, after: Transaction) -> tuple[Move, ...]:
    name = move_id(payment.order, after.id)
    provider = f"provider/{payment.tender(after.tender).provider}"
    gave = after.state is TransactionState.SUCCEEDED
    if after.step is Step.CAPTURE and gave:
        target = captured_account(payment, after).path
        return (_fact(name, after, source=provider, target=target),)
    if after.step is not Step.REFUND or after.of is None:
        return ()
    if before.state is TransactionState.DECLINED:  # its hold is gone, but the money is too
        return (
            _fact(name, after, source=captured_account(payment, payment.transaction(after.of)).path, target=provider),
        )
    return (Settle(id=name, hold=name, amount=after.amount.minor, rest=Rest.RELEASE) if gave else Void(hold=name),)


def _fact(name: str, transaction: Transaction, *, source: str, target: str) -> Post:
    return Post(
        id=name,
        unit=unit_of(transaction.amount),
        source=source,
        target=target,
        amount=transaction.amount.minor,
        fact=True,
    )


def _event(payment: Payment, after: Transaction) -> ActionNeeded | TransactionSucceeded | TransactionDeclined:
    match after.state:
        case TransactionState.SUCCEEDED:
            return succeeded(payment, after)
        case TransactionState.DECLINED:
            return TransactionDeclined(
                order=payment.order,
                transaction=after.id,
                tender=after.tender,
                step=after.step,
                reason=after.reason,
            )
        case _:
            return ActionNeeded(order=payment.order, transaction=after.id, step=after.step)
