"""How is a transaction written down before anybody is asked, and what does writing it down already move?

A refund's money is held where it stands; cash has nobody to ask and succeeds there and then. Whoever begins a
transaction gets the request for it, and nobody else does: that is why a transaction is begun once and never re-asked by
another process under another key.
"""

from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from omnicore.kernel.ledger import Hold, Move, Post
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.payments.answers import succeeded
from omnicore.payments.errors import AlreadyBegun
from omnicore.payments.events import TransactionBegun, TransactionSucceeded
from omnicore.payments.kinds import PAYMENTS
from omnicore.payments.messages import Request, request_of
from omnicore.payments.model import (
    Payment,
    Tender,
    TenderMethod,
    Transaction,
    captured_account,
    move_id,
    unit_of,
)
from omnicore.payments.states import Step, TransactionState

_SUCCEEDED: Final = TransactionState.SUCCEEDED


@frozen(kw_only=True)
class Asked:
    """What to write, and what to ask the provider once it is written. Cash needs no asking."""

    writes: Writes
    requests: tuple[Request, ...]


def begun_all(payment: Payment, begun: Sequence[Transaction], *, expected: Stored[Payment] | None) -> Asked:
    """Write transactions down, with the moves and requests they mean; ``expected`` is the payment as read, None if new.

    Raises: AlreadyBegun.
    """
    requests: list[Request] = []
    moves: list[Move] = []
    events: list[TransactionBegun | TransactionSucceeded] = []
    known = {each.id for each in payment.transactions}
    for transaction in begun:
        if transaction.id in known:
            raise AlreadyBegun(order=payment.order, transaction=transaction.id)
        tender = payment.tender(transaction.tender)
        now = transaction
        events.append(
            TransactionBegun(
                order=payment.order,
                transaction=now.id,
                tender=tender.id,
                step=now.step,
                amount=now.amount,
            )
        )
        if tender.method is TenderMethod.CASH:
            now = evolve(transaction, state=_SUCCEEDED, told=transaction.begun)
            moves.append(_cash_move(payment, now, tender))
            events.append(succeeded(payment, now))
        else:
            requests.append(request_of(payment, now))
            moves += _holds(payment, now, tender)
        payment = payment.with_transaction(now)
    change = PAYMENTS.put(payment) if expected is None else expected.put(payment)
    changes = (change,) if begun or expected is None else ()
    return Asked(writes=Writes(changes=changes, moves=tuple(moves), events=tuple(events)), requests=tuple(requests))


def _cash_move(payment: Payment, transaction: Transaction, tender: Tender) -> Post:
    """Cash in is a fact; cash out is ours to refuse, so it is guarded."""
    take = transaction.step is Step.CAPTURE
    capture = transaction if take else payment.transaction(transaction.of or transaction.id)
    ends = (f"provider/{tender.provider}", captured_account(payment, capture).path)
    source, target = ends if take else ends[::-1]
    return Post(
        id=move_id(payment.order, transaction.id),
        unit=unit_of(transaction.amount),
        source=source,
        target=target,
        amount=transaction.amount.minor,
        fact=take,
    )


def _holds(payment: Payment, transaction: Transaction, tender: Tender) -> list[Move]:
    if transaction.step is not Step.REFUND or transaction.of is None:
        return []
    source = captured_account(payment, payment.transaction(transaction.of))
    return [
        Hold(
            id=move_id(payment.order, transaction.id),
            unit=source.unit,
            source=source.path,
            target=f"provider/{tender.provider}",
            amount=transaction.amount.minor,
        )
    ]
