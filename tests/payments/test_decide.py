import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.errors import Conflict, Malformed, Refused
from omnicore.kernel.flow import Given, flow, load, question, write
from omnicore.kernel.ids import OrderId, TransactionId
from omnicore.kernel.ledger import Balance
from omnicore.kernel.money import Money, total
from omnicore.kernel.records import Stored
from omnicore.payments import (
    PAYMENTS,
    AlreadyBegun,
    AlreadyCancelled,
    AlreadyCaptured,
    Authorise,
    Authorised,
    Cancel,
    Cancelled,
    Capture,
    Captured,
    CaptureExceedsAuthorised,
    Declined,
    NotAuthorised,
    Payment,
    PaymentExists,
    PaymentStatus,
    ProviderName,
    Refund,
    Refunded,
    RefundExceedsCaptured,
    RefundOrder,
    Tender,
    TenderId,
    TenderMethod,
    TendersDoNotAddUp,
    UnknownPayment,
    UnknownTender,
    amounts_of,
    begin_captures,
    begin_refund,
    cancel,
    capture,
    captured_accounts,
    open_payment,
    pay,
    payment_of,
    payment_status,
    refund,
    reopen_payment,
    take_answer,
)
from omnicore.testing.clock import NOON, Clock
from omnicore.testing.strategies.payments import refund_orders, tender_lists

ORDER = OrderId("O1")


def yen(minor: int) -> Money:
    """Give yen."""
    return Money(minor, "JPY")


def tender(name: str, amount: int, method: TenderMethod = TenderMethod.CARD) -> Tender:
    """Give a tender with a provider of its own."""
    return Tender(id=TenderId(name), method=method, amount=yen(amount), provider=ProviderName(f"{name}-provider"))


def opened(*tenders: Tender, order: OrderId = ORDER) -> Host:
    """Give a shop with a payment opened."""
    host = Host(Memory(), clock=Clock())
    host.run(pay(order=order, due=total((each.amount for each in tenders), "JPY"), tenders=tenders))
    return host


def authorise(host: Host, name: str) -> None:
    """Let a card say yes."""
    transaction = TransactionId(f"{name}-authorise")
    host.run(take_answer(order=ORDER, transaction=transaction, answer=Authorised(reference=f"pi-{name}", at=NOON)))


def take(host: Host, name: str, transaction: str = "C1", amount: int | None = None) -> None:
    """Take what a card has granted."""
    wanted = None if amount is None else yen(amount)
    host.run(capture(order=ORDER, tender=TenderId(name), transaction=TransactionId(transaction), amount=wanted))
    confirm(host, transaction)


def confirm(host: Host, transaction: str) -> None:
    """Let the provider say that it took the money."""
    answer = Captured(reference=f"ch-{transaction}", at=NOON)
    host.run(take_answer(order=ORDER, transaction=TransactionId(transaction), answer=answer))


def status(host: Host) -> PaymentStatus:
    """Say how the payment stands."""
    return payment_status(amounts_of(host.run(payment_of(order=ORDER))))


def paid(*tenders: Tender) -> Host:
    """Give a shop whose payment is fully captured."""
    host = opened(*tenders)
    for each in tenders:
        if each.method.authorises:
            authorise(host, each.id)
            take(host, each.id, f"{each.id}-taken")
        elif each.method is not TenderMethod.CASH:
            confirm(host, f"{each.id}-capture")
    return host


@given(tenders=tender_lists(), off=st.integers(-5, 5))
def test_tenders_add_up_to_what_is_due(tenders: tuple[Tender, ...], off: int) -> None:
    """A payment is opened only if its tenders come to exactly what is due."""
    tendered = total((each.amount for each in tenders), "JPY").minor
    if off and tendered + off >= 0:
        with pytest.raises(TendersDoNotAddUp) as refused:
            open_payment(order=ORDER, due=yen(tendered + off), tenders=tenders, at=NOON)
        assert refused.value.facts["due"] == tendered + off
    else:
        asked = open_payment(order=ORDER, due=yen(tendered), tenders=tenders, at=NOON)
        cashless = [each for each in tenders if each.method is not TenderMethod.CASH]
        assert [request.amount for request in asked.requests] == [each.amount for each in cashless]
        assert [type(request) for request in asked.requests] == [
            Authorise if each.method.authorises else Capture for each in cashless
        ]


def test_an_order_is_paid_once() -> None:
    """An order has one payment; a second is refused."""
    with pytest.raises(PaymentExists):
        opened(tender("card", 500)).run(pay(order=ORDER, due=yen(0), tenders=()))


def test_what_is_due_is_not_negative() -> None:
    """A shop does not owe its buyer by opening a payment."""
    with pytest.raises(Malformed):
        open_payment(order=ORDER, due=yen(-1), tenders=(), at=NOON)


def test_cash_is_captured_at_once() -> None:
    """Cash at a till is in the drawer when the payment is opened; there is nobody to ask."""
    host = opened(tender("cash", 500, TenderMethod.CASH))
    assert status(host) is PaymentStatus.PAID
    assert host.run(refund(order=ORDER, id="R1", amount=yen(200))) == ()
    assert amounts_of(host.run(payment_of(order=ORDER))).refunded == yen(200)


def test_a_free_order_is_paid() -> None:
    """An order of nothing is paid with nothing."""
    assert status(opened()) is PaymentStatus.PAID


@given(parts=st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_captures_never_exceed_what_was_authorised(parts: list[int]) -> None:
    """Parcel by parcel, a shop takes at most what the card has granted."""
    host = opened(tender("card", 1_000))
    authorise(host, "card")
    for number, part in enumerate(parts):
        left = 1_000 - amounts_of(host.run(payment_of(order=ORDER))).captured.minor
        if part <= left:
            take(host, "card", f"C{number}", part)
        else:
            with pytest.raises(CaptureExceedsAuthorised if left else AlreadyCaptured):
                take(host, "card", f"C{number}", part)
    sums = amounts_of(host.run(payment_of(order=ORDER)))
    assert sums.captured + sums.authorised == yen(1_000)


def test_nothing_is_captured_before_it_is_authorised() -> None:
    """A card that has not said yes is not charged, nor one that said no, nor one nobody offered."""
    host = opened(tender("card", 500))
    with pytest.raises(NotAuthorised):
        take(host, "card")
    no = Declined(reason="expired_card", at=NOON)
    host.run(take_answer(order=ORDER, transaction=TransactionId("card-authorise"), answer=no))
    with pytest.raises(NotAuthorised):
        take(host, "card")
    with pytest.raises(UnknownTender):
        take(host, "other")
    assert status(host) is PaymentStatus.DECLINED


def test_capture_and_cancel_exclude_each_other() -> None:
    """What is being let go is not taken, and what is being taken is not let go."""
    host = opened(tender("card", 500))
    authorise(host, "card")
    assert [type(request) for request in host.run(cancel(order=ORDER))] == [Cancel]
    with pytest.raises(AlreadyCancelled):
        take(host, "card")
    assert host.run(cancel(order=ORDER)) == ()
    gone = Cancelled(reference="void", at=NOON)
    host.run(take_answer(order=ORDER, transaction=TransactionId("card-cancel-1"), answer=gone))
    assert status(host) is PaymentStatus.CANCELLED
    other = paid(tender("card", 500))
    with pytest.raises(AlreadyCaptured):
        other.run(cancel(order=ORDER))


def test_a_declined_cancel_may_be_tried_again() -> None:
    """If the provider would not let go, the shop may ask again under a new name."""
    host = opened(tender("slip", 500, TenderMethod.KONBINI))
    host.run(cancel(order=ORDER))
    no = Declined(reason="busy", at=NOON)
    host.run(take_answer(order=ORDER, transaction=TransactionId("slip-cancel-1"), answer=no))
    assert [request.transaction for request in host.run(cancel(order=ORDER))] == ["slip-cancel-2"]


def test_cancel_leaves_what_was_taken() -> None:
    """Of a split payment, only the part that was not taken is let go; the rest is refunded instead."""
    host = opened(tender("card", 500), tender("cash", 300, TenderMethod.CASH))
    authorise(host, "card")
    assert [request.transaction for request in host.run(cancel(order=ORDER))] == ["card-cancel-1"]


@given(
    tenders=tender_lists().filter(bool),
    asked=st.lists(st.integers(1, 2 * 10**9), max_size=4),
    by=refund_orders(),
)
def test_refunds_never_exceed_captures(tenders: tuple[Tender, ...], asked: list[int], by: RefundOrder) -> None:
    """However refunds are cut, no tender gives back more than it took, and what cannot go back is refused."""
    host = paid(*tenders)
    left = sum(each.amount.minor for each in tenders)
    for number, amount in enumerate(asked):
        try:
            requests = host.run(refund(order=ORDER, id=f"R{number}", amount=yen(amount), by=by))
        except RefundExceedsCaptured as refused:
            assert amount > left
            assert refused.facts["left"] == left  # noqa: PT017 - which way it goes depends on what was drawn
        else:
            assert amount <= left
            left -= amount
            for request in requests:
                answer = Refunded(reference=f"re-{request.transaction}", at=NOON)
                host.run(take_answer(order=ORDER, transaction=request.transaction, answer=answer))
    payment = host.run(payment_of(order=ORDER))
    sums = amounts_of(payment)
    assert sums.captured.minor - sums.refunded.minor == left
    for each in tenders:
        mine = [one for one in payment.transactions if one.tender == each.id]
        assert sum(one.amount.minor for one in mine if one.step == "refund") <= each.amount.minor
    assert host.verify().differences == ()


@given(first=st.integers(1, 100), amount=st.integers(1, 200), by=refund_orders())
def test_refunds_follow_the_stated_order(first: int, amount: int, by: RefundOrder) -> None:
    """A refund empties one tender before it touches the next, in the order that was stated."""
    host = paid(tender("gift", first, TenderMethod.QR), tender("card", 100))
    total_paid = first + 100
    if amount > total_paid:
        return
    requests = host.run(refund(order=ORDER, id="R", amount=yen(amount), by=by))
    parts = {request.provider: request.amount.minor for request in requests}
    leading, capacity = ("card", 100) if by is RefundOrder.LAST_FIRST else ("gift", first)
    assert parts.get(ProviderName(f"{leading}-provider"), 0) == min(amount, capacity)
    assert sum(parts.values()) == amount


def test_a_refund_counts_from_the_moment_it_is_begun() -> None:
    """Money on its way back cannot be given back again; when the provider declines, it can."""
    host = paid(tender("card", 500))
    (request,) = host.run(refund(order=ORDER, id="R1", amount=yen(400)))
    assert isinstance(request, Refund)
    assert request.captured == "ch-card-taken"
    assert amounts_of(host.run(payment_of(order=ORDER))).refunding == yen(400)
    with pytest.raises(RefundExceedsCaptured):
        host.run(refund(order=ORDER, id="R2", amount=yen(101)))
    with pytest.raises(AlreadyBegun):
        host.run(refund(order=ORDER, id="R1", amount=yen(100)))
    no = Declined(reason="card_closed", at=NOON)
    host.run(take_answer(order=ORDER, transaction=request.transaction, answer=no))
    assert len(host.run(refund(order=ORDER, id="R2", amount=yen(500)))) == 1


@question("test.payments.reading")
async def reading(given: Given) -> tuple[Payment, int]:
    """Read the payment as a clerk does."""
    stored = (await load(PAYMENTS, [ORDER]))[ORDER]
    return stored.value, stored.version


@flow("test.payments.refund_as_read")
async def refund_as_read(given: Given, *, payment: Payment, version: int, name: str, free: int) -> None:
    """Refund on the strength of an earlier reading."""
    old = Stored(value=payment, version=version, kind=PAYMENTS)
    funds = {account: Balance(account=account, posted=free) for account in captured_accounts(payment)}
    await write(begin_refund(old, refund=name, amount=yen(300), funds=funds, at=given.at).writes)


def test_two_refunds_at_once_cannot_both_win() -> None:
    """Two clerks who refund the same money from the same reading: the books take one and send the other back."""
    host = paid(tender("card", 500))
    payment, version = host.run(reading())
    host.run(refund_as_read(payment=payment, version=version, name="a", free=500))
    with pytest.raises(Conflict):
        host.run(refund_as_read(payment=payment, version=version, name="b", free=500))
    assert amounts_of(host.run(payment_of(order=ORDER))).refunding == yen(300)


def test_the_ledger_alone_stops_a_double_refund() -> None:
    """Even where a document is not checked for changes, the ledger's guard lets captured money go back only once."""
    host = paid(tender("card", 500))
    payment, version = host.run(reading())
    host.run(refund_as_read(payment=payment, version=version, name="a", free=500))
    _, newer = host.run(reading())
    with pytest.raises(Conflict):
        host.run(refund_as_read(payment=payment, version=newer, name="b", free=500))


def test_one_reference_belongs_to_one_payment() -> None:
    """Two orders cannot claim the same money at a provider."""
    host = opened(tender("card", 500))
    host.run(pay(order=OrderId("O2"), due=yen(500), tenders=(tender("card", 500),)))
    authorise(host, "card")
    same = Authorised(reference="pi-card", at=NOON)
    with pytest.raises(Conflict):
        host.run(take_answer(order=OrderId("O2"), transaction=TransactionId("card-authorise"), answer=same))


@pytest.mark.parametrize("amount", [0, -1])
def test_refunds_are_positive(amount: int) -> None:
    """Nothing, or less, is not refunded."""
    with pytest.raises(Malformed):
        paid(tender("card", 500)).run(refund(order=ORDER, id="R", amount=yen(amount)))


def test_an_unpaid_order_has_nothing_to_refund() -> None:
    """An order without a payment is refused by name."""
    with pytest.raises(UnknownPayment):
        Host(Memory(), clock=Clock()).run(refund(order=ORDER, id="R", amount=yen(1)))
    with pytest.raises(Refused):
        opened(tender("card", 5)).run(refund(order=ORDER, id="R", amount=yen(1)))


def declined(host: Host, transaction: str) -> None:
    """Let the provider say no."""
    no = Declined(reason="expired_card", at=NOON)
    host.run(take_answer(order=ORDER, transaction=TransactionId(transaction), answer=no))


@flow("test.payments.reopen")
async def reopen(given: Given, *, tenders: tuple[Tender, ...]) -> tuple[TransactionId, ...]:
    """Try again with other tenders."""
    stored = (await load(PAYMENTS, [ORDER]))[ORDER]
    asked = reopen_payment(stored, due=total((each.amount for each in tenders), "JPY"), tenders=tenders, at=given.at)
    await write(asked.writes)
    return tuple(request.transaction for request in asked.requests)


@flow("test.payments.captures")
async def capture_over_all(given: Given, *, name: str, amount: Money) -> tuple[TransactionId, ...]:
    """Take an amount over whatever is set aside."""
    stored = (await load(PAYMENTS, [ORDER]))[ORDER]
    asked = begin_captures(stored, capture=name, amount=amount, at=given.at)
    await write(asked.writes)
    return tuple(request.transaction for request in asked.requests)


def test_a_declined_payment_is_tried_again() -> None:
    """After a no, the buyer may try the same card or another, and what was tried stays known."""
    host = opened(tender("card", 500))
    with pytest.raises(PaymentExists):
        host.run(reopen(tenders=(tender("card", 500),)))
    declined(host, "card-authorise")
    assert status(host) is PaymentStatus.DECLINED
    assert host.run(reopen(tenders=(tender("card", 500),))) == ("card~2-authorise",)
    assert status(host) is PaymentStatus.DUE
    declined(host, "card~2-authorise")
    assert host.run(reopen(tenders=(tender("card", 200), tender("qr", 300, TenderMethod.QR)))) == (
        "card~3-authorise",
        "qr-capture",
    )
    with pytest.raises(PaymentExists):
        host.run(reopen(tenders=(tender("card", 500),)))
    host.run(cancel(order=ORDER))
    with pytest.raises(TendersDoNotAddUp):
        reopen_with_less(host)
    assert host.verify().differences == ()


def reopen_with_less(host: Host) -> None:
    """Try again with too little."""
    payment, version = host.run(reading())
    stored = Stored(value=payment, version=version, kind=PAYMENTS)
    reopen_payment(stored, due=yen(500), tenders=(tender("card", 499),), at=NOON)


@given(parts=st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_captures_over_all_tenders_never_exceed_what_is_set_aside(parts: list[int]) -> None:
    """Parcel by parcel over two cards and cash, no card is charged above its yes, and what is short is not asked."""
    host = opened(tender("a", 400), tender("b", 300), tender("cash", 300, TenderMethod.CASH), tender("c", 100))
    authorise(host, "a")
    authorise(host, "b")
    left = 700
    for number, part in enumerate(parts):
        for transaction in host.run(capture_over_all(name=f"P{number}", amount=yen(part))):
            confirm(host, transaction)
        left -= min(left, part)
        assert amounts_of(host.run(payment_of(order=ORDER))).authorised == yen(left)
    payment = host.run(payment_of(order=ORDER))
    for name, most in (("a", 400), ("b", 300), ("c", 0)):
        taken = [each.amount.minor for each in payment.transactions if each.tender == name and each.step == "capture"]
        assert sum(taken) <= most


def test_what_is_let_go_is_not_captured() -> None:
    """A tender that is being let go is passed over."""
    host = opened(tender("a", 400))
    authorise(host, "a")
    host.run(cancel(order=ORDER))
    assert host.run(capture_over_all(name="P", amount=yen(400))) == ()
