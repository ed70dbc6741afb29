from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, balances, question
from omnicore.kernel.ids import OrderId, TransactionId
from omnicore.kernel.ledger import Account
from omnicore.kernel.money import Money
from omnicore.payments import (
    Answer,
    Authorised,
    Captured,
    Declined,
    NeedsAction,
    Payment,
    ProviderName,
    ReferenceDiffers,
    Refunded,
    Step,
    Tender,
    TenderId,
    TenderMethod,
    TransactionState,
    UnknownTransaction,
    amounts_of,
    captured_accounts,
    pay,
    payment_by_reference,
    payment_of,
    refund,
    take_answer,
)
from omnicore.testing.clock import NOON, Clock
from omnicore.testing.strategies.payments import answers

ORDER = OrderId("O1")
CARD = Tender(id=TenderId("card"), method=TenderMethod.CARD, amount=Money(500, "JPY"), provider=ProviderName("stripe"))
SLIP = Tender(
    id=TenderId("slip"), method=TenderMethod.KONBINI, amount=Money(700, "JPY"), provider=ProviderName("konbini")
)
PROVIDER = Account("money:JPY", "provider/konbini")


@question("test.payments.money")
async def money_at(given: Given, *, accounts: tuple[Account, ...]) -> tuple[int, ...]:
    """Read what stands on accounts."""
    found = await balances(accounts)
    return tuple(found[account].posted for account in accounts)


def shop(*tenders: Tender) -> Host:
    """Give a shop with a payment opened."""
    host = Host(Memory(), clock=Clock())
    host.run(pay(order=ORDER, due=Money(sum(each.amount.minor for each in tenders), "JPY"), tenders=tenders))
    return host


def tell(host: Host, transaction: str, answer: Answer) -> None:
    """Deliver a message."""
    host.run(take_answer(order=ORDER, transaction=TransactionId(transaction), answer=answer))


def told(host: Host, messages: Sequence[tuple[str, Answer]]) -> tuple[Payment, tuple[int, ...]]:
    """Deliver messages; give the payment and the money on its accounts."""
    for transaction, answer in messages:
        tell(host, transaction, answer)
    payment = host.run(payment_of(order=ORDER))
    return payment, host.run(money_at(accounts=(PROVIDER, *captured_accounts(payment))))


def captured_slip() -> Host:
    """Give a shop with a paid slip and a refund under way."""
    host = shop(SLIP)
    tell(host, "slip-capture", Captured(reference="pi", at=NOON))
    host.run(refund(order=ORDER, id="R1", amount=Money(200, "JPY")))
    return host


SUCCESS = st.builds(Captured, reference=st.just("pi"), at=st.sampled_from((NOON, NOON.plus(days=1))))
REFUNDED = st.builds(Refunded, reference=st.just("re"), at=st.sampled_from((NOON, NOON.plus(days=1))))
NOT_SUCCESS = answers(step=Step.CAPTURE).filter(lambda answer: not isinstance(answer, Captured))


@given(
    messages=st.lists(st.tuples(st.just("slip-capture"), SUCCESS | NOT_SUCCESS), min_size=1, max_size=5),
    data=st.data(),
)
def test_messages_in_any_order_come_to_the_same(messages: list[tuple[str, Answer]], data: st.DataObject) -> None:
    """Whatever the order in which a provider's messages arrive, and however often, the payment ends the same."""
    other = data.draw(st.permutations(messages + messages[: data.draw(st.integers(0, len(messages)))]))
    assert told(shop(SLIP), messages) == told(shop(SLIP), other)


NO_REFUND = answers(step=Step.REFUND).filter(lambda answer: isinstance(answer, Declined))


@given(messages=st.lists(REFUNDED | NO_REFUND, min_size=1, max_size=4), data=st.data())
def test_refund_messages_in_any_order_come_to_the_same(messages: list[Answer], data: st.DataObject) -> None:
    """A refund that a provider confirms, denies and confirms again leaves the books once, however it is told."""
    ways = [[("R1-1", answer) for answer in way] for way in (messages, data.draw(st.permutations(messages)))]
    ends = [told(captured_slip(), way) for way in ways]
    assert ends[0] == ends[1]
    payment, (_, captured) = ends[0]
    assert captured == 700 - amounts_of(payment).refunded.minor


def test_every_order_of_a_whole_life_comes_to_the_same() -> None:
    """A slip that is shown, expires, and is paid after all ends as paid, in all 24 orders of four messages."""
    shown = NeedsAction(reference="pi", url="https://pay.example/slip", at=NOON)
    again = NeedsAction(reference="pi", url="https://pay.example/slip2", at=NOON.plus(hours=1))
    expired = Declined(reason="expired", at=NOON.plus(days=3))
    paid = Captured(reference="pi", at=NOON.plus(days=2))
    messages: tuple[Answer, ...] = (shown, again, expired, paid)
    ways = permutations(messages)
    ends = [told(shop(SLIP), [("slip-capture", each) for each in way]) for way in ways]
    assert all(end == ends[0] for end in ends)
    assert ends[0][0].transaction(TransactionId("slip-capture")).state is TransactionState.SUCCEEDED
    assert ends[0][1] == (-700, 700)


@given(answer=answers(step=Step.AUTHORISE))
def test_the_same_message_twice_is_once(answer: Answer) -> None:
    """A message that arrives a second time writes nothing at all."""
    host = shop(CARD)
    tell(host, "card-authorise", answer)
    before = host.verify()
    tell(host, "card-authorise", answer)
    assert host.verify() == before


def test_a_second_success_under_another_reference_is_not_swallowed() -> None:
    """If a provider says it took the money twice, somebody must look: it is refused, never dropped."""
    host = shop(SLIP)
    tell(host, "slip-capture", Captured(reference="pi-1", at=NOON))
    with pytest.raises(ReferenceDiffers) as refused:
        tell(host, "slip-capture", Captured(reference="pi-2", at=NOON))
    assert refused.value.facts == {"order": "O1", "transaction": "slip-capture", "known": "pi-1", "told": "pi-2"}


@given(answer=answers())
def test_an_answer_fits_its_step(answer: Answer) -> None:
    """A refund's answer cannot turn an authorisation into money."""
    host = shop(CARD)
    if isinstance(answer, Authorised | Declined | NeedsAction):
        tell(host, "card-authorise", answer)
    else:
        with pytest.raises(Malformed):
            tell(host, "card-authorise", answer)
    assert not amounts_of(host.run(payment_of(order=ORDER))).captured


def test_an_unknown_transaction_is_refused() -> None:
    """A message about a transaction the payment does not have is refused by name."""
    with pytest.raises(UnknownTransaction):
        tell(shop(CARD), "other", Authorised(reference="r", at=NOON))


def test_a_payment_is_found_by_its_providers_reference() -> None:
    """A message that names only a reference finds its payment; another provider's same reference does not."""
    host = shop(CARD)
    tell(host, "card-authorise", Authorised(reference="pi", at=NOON))
    mine = payment_by_reference(provider=ProviderName("stripe"), reference="pi")
    assert host.run(mine) == host.run(payment_of(order=ORDER))
    assert host.run(payment_by_reference(provider=ProviderName("other"), reference="pi")) is None
