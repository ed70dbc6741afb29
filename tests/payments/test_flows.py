from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.host import Host, Unknown
from omnicore.kernel.flow import Given
from omnicore.kernel.ids import OrderId, TransactionId
from omnicore.kernel.money import Money
from omnicore.kernel.process import process, step
from omnicore.payments import (
    Answer,
    Authorise,
    Captured,
    Declined,
    NeedsAction,
    PaymentDeclined,
    PaymentStatus,
    ProviderName,
    Tender,
    TenderId,
    TenderMethod,
    amounts_of,
    ask_provider,
    cancel,
    capture,
    pay,
    payment_of,
    payment_status,
    refund,
    take_answer,
)
from omnicore.testing.clock import NOON, Clock
from omnicore.testing.payments import Behaviour, FakeProvider, NoAnswer

ORDER = OrderId("O1")
CARD = Tender(id=TenderId("card"), method=TenderMethod.CARD, amount=Money(500, "JPY"), provider=ProviderName("fake"))
SLIP = Tender(id=TenderId("slip"), method=TenderMethod.KONBINI, amount=Money(300, "JPY"), provider=ProviderName("fake"))


@process("test.payments.buy")
async def buy(given: Given, *, order: OrderId, tenders: tuple[Tender, ...]) -> str:
    """Pay an order over its tenders, all or nothing."""
    due = Money(sum(tender.amount.minor for tender in tenders), "JPY")
    for request in await step("open", pay(order=order, due=due, tenders=tenders)):
        answer = await ask_provider(request)
        if isinstance(answer, Declined):
            for undo in await step("cancel", cancel(order=order)):
                await ask_provider(undo)
            raise PaymentDeclined(order=order, transaction=request.transaction, reason=answer.reason)
        if isinstance(request, Authorise) and not isinstance(answer, NeedsAction):
            taken = capture(order=order, tender=CARD.id, transaction=TransactionId("C1"))
            for asked in await step("capture", taken):
                await ask_provider(asked)
    return "bought"


@process("test.payments.give_back")
async def give_back(given: Given, *, order: OrderId, id: str, amount: Money) -> int:
    """Give money back."""
    requests = await step("refund", refund(order=order, id=id, amount=amount))
    answers = [await ask_provider(request) for request in requests]
    return len(answers)


def shop(provider: FakeProvider, clock: Clock | None = None) -> Host:
    """Give a shop with a provider."""
    return Host(Memory(), providers=[provider], clock=clock or Clock())


def status(host: Host) -> PaymentStatus:
    """Say how the payment stands."""
    return payment_status(amounts_of(host.run(payment_of(order=ORDER))))


def test_a_card_is_authorised_captured_and_refunded() -> None:
    """A card's money is set aside, taken and given back, and provider and books agree to the yen."""
    provider = FakeProvider()
    host = shop(provider)
    assert host.run(buy(order=ORDER, tenders=(CARD,)), command="web-1") == "bought"
    assert status(host) is PaymentStatus.PAID
    assert provider.taken_minor(ORDER) == 500
    assert host.run(give_back(order=ORDER, id="R1", amount=Money(200, "JPY")), command="r-1") == 1
    assert status(host) is PaymentStatus.PARTLY_REFUNDED
    assert provider.taken_minor(ORDER) == 300
    assert host.run(buy(order=ORDER, tenders=(CARD,)), command="web-1") == "bought"
    assert [exchange.times for exchange in provider.exchanges()] == [1, 1, 1]
    assert host.verify().differences == ()


def test_a_declined_card_takes_nothing() -> None:
    """Where the second tender is declined, the first is let go again and the buyer is told."""
    provider = FakeProvider()
    provider.will(Behaviour.NEED_ACTION, Behaviour.DECLINE)
    host = shop(provider)
    with pytest.raises(PaymentDeclined) as refused:
        host.run(buy(order=ORDER, tenders=(SLIP, CARD)), command="web-1")
    assert refused.value.facts["reason"] == "declined"
    assert status(host) is PaymentStatus.CANCELLED
    assert provider.taken_minor(ORDER) == 0


def test_a_slip_is_paid_days_later() -> None:
    """A konbini slip waits for its buyer; the message that it was paid settles the payment, once."""
    provider = FakeProvider()
    provider.will(Behaviour.NEED_ACTION)
    host = shop(provider)
    host.run(buy(order=ORDER, tenders=(SLIP,)), command="web-1")
    assert status(host) is PaymentStatus.ACTION_NEEDED
    paid = Captured(reference="fake-1", at=NOON.plus(days=2))
    for _ in range(2):
        host.run(take_answer(order=ORDER, transaction=TransactionId("slip-capture"), answer=paid))
    assert status(host) is PaymentStatus.PAID


@given(
    behaviours=st.lists(st.sampled_from([None, Behaviour.LOSE_ANSWER, Behaviour.LOSE_REQUEST]), min_size=1, max_size=4)
)
def test_a_lost_answer_never_charges_twice(behaviours: list[Behaviour | None]) -> None:
    """Whatever is lost on the way to the provider or back, the buyer is charged once."""
    provider, clock = FakeProvider(), Clock()
    host = shop(provider, clock)
    provider.will(*(each for each in behaviours if each))
    lost = any(behaviours)
    if lost:
        with pytest.raises(Unknown):
            host.run(buy(order=ORDER, tenders=(CARD,)), command="web-1")
    else:
        host.run(buy(order=ORDER, tenders=(CARD,)), command="web-1")
    for _ in range(6):
        clock.advance(hours=1)
        host.work()
    assert status(host) is PaymentStatus.PAID
    assert provider.taken_minor(ORDER) == 500
    assert provider.doubled() == ()


def _ask(provider: FakeProvider, key: str, transaction: str = "T1") -> Answer:
    request = Authorise(
        order=ORDER,
        transaction=TransactionId(transaction),
        provider=ProviderName("fake"),
        method=TenderMethod.CARD,
        amount=Money(500, "JPY"),
    )
    return provider.authorise(key, request)


def test_the_fake_outlives_its_shop(tmp_path: Path) -> None:
    """A provider with a file remembers what it did when the shop's process is gone."""
    file = tmp_path / "provider.db"
    first = FakeProvider(file)
    first.will(Behaviour.LOSE_ANSWER)
    with pytest.raises(NoAnswer):
        _ask(first, "k1")
    first.close()
    second = FakeProvider(file)
    assert second.lookup("k1") == _ask(second, "k1")
    assert second.lookup("k2") is None
    assert [exchange.times for exchange in second.exchanges()] == [2]
    second.close()


def test_the_fake_notices_a_double_charge() -> None:
    """The same deed under two keys is a double charge, and the fake says so; a lost request is none."""
    provider = FakeProvider()
    provider.will(Behaviour.LOSE_REQUEST)
    with pytest.raises(NoAnswer):
        _ask(provider, "k1")
    assert provider.lookup("k1") is None
    _ask(provider, "k2")
    assert provider.doubled() == ()
    _ask(provider, "k3")
    assert [exchange.key for exchange in provider.doubled()] == ["k3"]
    with pytest.raises(AssertionError):
        _ask(provider, "k3", "T2")


@pytest.mark.parametrize("make", [FakeProvider, lambda: FakeProvider(clock=lambda: NOON.plus(days=1))])
def test_the_fake_answers_alike(make: Callable[[], FakeProvider]) -> None:
    """Two fakes asked the same give the same answers."""
    one, other = make(), make()
    assert [_ask(one, key) for key in ("a", "b")] == [_ask(other, key) for key in ("a", "b")]
