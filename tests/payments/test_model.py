from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import OrderId, TransactionId
from omnicore.kernel.machine import IllegalMove
from omnicore.kernel.money import Money
from omnicore.kernel.rounding import Rounding
from omnicore.payments import (
    PAYMENTS,
    TRANSACTION,
    Amounts,
    Answer,
    Declined,
    NeedsAction,
    Payment,
    PaymentStatus,
    ProviderName,
    Refunded,
    Remainder,
    Request,
    Tender,
    TenderId,
    TenderMethod,
    TransactionMove,
    TransactionState,
    UnknownTender,
    UnknownTransaction,
    amounts_of,
    left_to_pay,
    payment_status,
)
from omnicore.payments.model import MAX_TENDERS
from omnicore.testing.clock import NOON
from omnicore.testing.strategies.payments import amounts, answers, payments, remainders, requests

CASH = Tender(id=TenderId("cash"), method=TenderMethod.CASH, amount=Money(500, "JPY"), provider=ProviderName("till-1"))
PAYMENT = Payment(order=OrderId("O1"), due=Money(500, "JPY"), tenders=(CASH,))


def yen(minor: int) -> Money:
    """Give yen."""
    return Money(minor, "JPY")


@given(payment=payments(), request=requests(), answer=answers(), left=remainders())
def test_what_providers_are_asked_and_say_survives_storage(
    payment: Payment, request: Request, answer: Answer, left: Remainder
) -> None:
    """Payments, requests and answers are read back as they were written."""
    assert codec.loads(codec.dumps(payment, as_=Payment), as_=Payment) == payment
    assert codec.loads(codec.dumps(request, as_=Request), as_=Request) == request
    assert codec.loads(codec.dumps(answer, as_=Answer), as_=Answer) == answer
    assert codec.loads(codec.dumps(left, as_=Remainder), as_=Remainder) == left


@given(payment=payments())
def test_a_payment_is_found_by_each_reference_it_has(payment: Payment) -> None:
    """Every reference a provider gave leads back to the payment, each once."""
    providers = {tender.id: tender.provider for tender in payment.tenders}
    known = {(providers[each.tender], each.reference) for each in payment.transactions if each.reference}
    assert sum(row.index == "reference" for row in PAYMENTS.rows(payment)) == len(known)


@given(sums=amounts())
def test_a_status_says_what_the_amounts_say(sums: Amounts) -> None:
    """A payment is called paid, overpaid, refunded or authorised exactly when its amounts are so."""
    status = payment_status(sums)
    due, captured, refunded = sums.due.minor, sums.captured.minor, sums.refunded.minor
    assert (status is PaymentStatus.REFUNDED) == (0 < refunded == captured)
    assert (status is PaymentStatus.PARTLY_REFUNDED) == (0 < refunded < captured)
    if not refunded:
        assert (status is PaymentStatus.PAID) == (captured == due)
        assert (status is PaymentStatus.OVERPAID) == (captured > due)
        if captured < due:
            covered = captured + sums.authorised.minor >= due
            assert (status is PaymentStatus.AUTHORISED) == covered
            assert (status is PaymentStatus.PARTLY_PAID) == (captured > 0 and not covered)


@pytest.mark.parametrize(
    ("authorised", "flags", "status"),
    [
        (0, "a d", PaymentStatus.ACTION_NEEDED),
        (0, "c d", PaymentStatus.CANCELLED),
        (0, "d", PaymentStatus.DECLINED),
        (0, "", PaymentStatus.DUE),
        (100, "", PaymentStatus.DUE),
        (100, "d", PaymentStatus.DUE),
    ],
)
def test_a_payment_without_money_says_why(authorised: int, flags: str, status: PaymentStatus) -> None:
    """As long as nothing has come, the status tells whose turn it is."""
    zero = yen(0)
    sums = Amounts(
        due=yen(500),
        authorised=yen(authorised),
        captured=zero,
        refunded=zero,
        refunding=zero,
        action_needed="a" in flags,
        declined="d" in flags,
        cancelled="c" in flags,
    )
    assert payment_status(sums) is status


@given(payment=payments())
def test_amounts_are_never_negative(payment: Payment) -> None:
    """Whatever was recorded, nothing is counted below zero but what a late capture leaves of an authorisation."""
    sums = amounts_of(payment)
    assert min(sums.captured.minor, sums.refunded.minor, sums.refunding.minor) >= 0


@given(
    net=st.integers(0, 10**6),
    tax=st.integers(0, 10**5),
    tendered=st.integers(0, 2 * 10**6),
    rounding=st.sampled_from(Rounding),
)
def test_a_tender_takes_its_share_of_tax(net: int, tax: int, tendered: int, rounding: Rounding) -> None:
    """A gift card pays for goods and their tax in proportion, and what is left is exact to the yen."""
    left = left_to_pay(net=yen(net), gross=yen(net + tax), tendered=yen(tendered), rounding=rounding)
    assert left.gross.minor == max(net + tax - tendered, 0)
    assert 0 <= left.net.minor <= min(net, left.gross.minor)
    if not tendered:
        assert left == Remainder(net=yen(net), gross=yen(net + tax))


def test_a_gift_card_of_1000_on_1200() -> None:
    """Of 1,000 and 200 tax, 1,000 by gift card leaves 200, of which 167 are without tax."""
    left = left_to_pay(net=yen(1_000), gross=yen(1_200), tendered=yen(1_000))
    assert left == Remainder(net=yen(167), gross=yen(200))


@pytest.mark.parametrize("state", TransactionState)
@pytest.mark.parametrize("move", TransactionMove)
def test_transactions_move_by_the_table(state: TransactionState, move: TransactionMove) -> None:
    """A transaction only ever moves up, and from success nowhere."""
    order = list(TransactionState)
    if move in TRANSACTION.moves(state):
        assert order.index(TRANSACTION.move(state, move)) > order.index(state)
    else:
        with pytest.raises(IllegalMove):
            TRANSACTION.move(state, move)


@pytest.mark.parametrize(
    "make",
    [
        lambda: evolve(CASH, id=TenderId("")),
        lambda: evolve(CASH, amount=yen(0)),
        lambda: evolve(CASH, provider=ProviderName(" ")),
        lambda: evolve(CASH, token="x" * 256),
        lambda: evolve(CASH, method="cash"),  # type: ignore[arg-type]  # what a careless host might pass
        lambda: evolve(PAYMENT, tenders=(CASH, CASH)),
        lambda: evolve(PAYMENT, tenders=(CASH,) * (MAX_TENDERS + 1)),
        lambda: evolve(PAYMENT, order=OrderId("")),
        lambda: Refunded(reference="", at=NOON),
        lambda: Refunded(reference="r", at="now"),  # type: ignore[arg-type]  # what a careless host might pass
        lambda: Declined(reason="", at=NOON),
        lambda: NeedsAction(reference="r", url="", at=NOON),
        lambda: left_to_pay(net=yen(2), gross=yen(1), tendered=yen(0)),
        lambda: left_to_pay(net=yen(1), gross=yen(1), tendered=yen(-1)),
    ],
)
def test_impossible_payments_are_refused(make: Callable[[], object]) -> None:
    """A tender of nothing, a reference without text and a net above the gross are bad data."""
    with pytest.raises(Malformed):
        make()


def test_unknown_parts_are_named() -> None:
    """Asking for a tender or transaction that is not there names it."""
    with pytest.raises(UnknownTender):
        PAYMENT.tender(TenderId("card"))
    with pytest.raises(UnknownTransaction):
        PAYMENT.transaction(TransactionId("T9"))


def test_a_token_is_not_shown() -> None:
    """A provider's name for a buyer's card does not turn up in logs."""
    assert "tok_secret" not in repr(evolve(CASH, token="tok_secret"))
