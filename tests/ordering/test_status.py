import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, VariantId
from omnicore.ordering import (
    FulfilmentStatus,
    MoneyFacts,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    fulfilment_status,
    order_status,
    payment_status,
)
from omnicore.testing.strategies import ordering as some

LINE = OrderLine(
    id=LineId("L"), variant=VariantId("TEE"), title="", ordered=1, unit_price=0, total=0, tax_category="standard"
)
Lines = tuple[tuple[int, int, int, int], ...]


@given(some.money_facts())
def test_money_owed_back_is_never_hidden(facts: MoneyFacts) -> None:
    """Whenever the shop holds more than is due, and only then, the status says that credit is owed."""
    assert (payment_status(facts) is PaymentStatus.CREDIT_OWED) == (facts.captured - facts.refunded > facts.due)


@given(some.money_facts())
def test_paid_means_paid(facts: MoneyFacts) -> None:
    """An order is called paid only if the shop holds what is due, and nothing refunded is called paid."""
    if payment_status(facts) is PaymentStatus.PAID:
        assert facts.captured == facts.due
        assert not facts.refunded


@given(some.money_facts(), st.integers(0, 30))
def test_an_authorisation_is_no_payment(facts: MoneyFacts, more: int) -> None:
    """Money that is only authorised never makes an order paid."""
    other = payment_status(evolve(facts, authorised=facts.authorised + more))
    assert other is payment_status(facts) or other is PaymentStatus.AUTHORISED


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ((100, 100, 0, 0, 0), "awaiting_payment"),
        ((100, 100, 99, 0, 0), "awaiting_payment"),
        ((100, 100, 100, 0, 0), "authorised"),
        ((100, 100, 0, 60, 0), "partially_paid"),
        ((100, 100, 0, 100, 0), "paid"),
        ((0, 0, 0, 0, 0), "paid"),
        ((100, 100, 0, 100, 100), "refunded"),
        ((100, 100, 0, 100, 10), "partially_refunded"),
        ((100, 70, 0, 100, 30), "partially_refunded"),
        ((100, 70, 0, 100, 0), "credit_owed"),
        ((100, 0, 0, 0, 0), "void"),
        ((100, 0, 0, 100, 0), "credit_owed"),
        ((100, 0, 0, 100, 100), "refunded"),
    ],
)
def test_each_payment_status(facts: tuple[int, int, int, int, int], status: str) -> None:
    """The money of an order is summed up in the word the trade uses."""
    names = ("agreed", "due", "authorised", "captured", "refunded")
    assert payment_status(MoneyFacts(**dict(zip(names, facts, strict=True)))).value == status


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((), "shipped"),
        (((3, 0, 0, 0),), "unfulfilled"),
        (((3, 1, 0, 0),), "partially_shipped"),
        (((3, 3, 0, 0), (1, 0, 0, 0)), "partially_shipped"),
        (((3, 3, 0, 0), (1, 0, 0, 1)), "shipped"),
        (((3, 2, 0, 1),), "shipped"),
        (((3, 0, 0, 2),), "unfulfilled"),
        (((3, 3, 1, 0),), "partially_returned"),
        (((3, 2, 2, 1),), "returned"),
        (((3, 0, 0, 3), (2, 0, 0, 2)), "cancelled"),
    ],
)
def test_each_fulfilment_status(lines: Lines, status: str) -> None:
    """The goods of an order are summed up in the word the trade uses."""
    counted = [
        evolve(LINE, ordered=ordered, shipped=shipped, returned=returned, cancelled=cancelled)
        for ordered, shipped, returned, cancelled in lines
    ]
    assert fulfilment_status(counted).value == status


@given(st.lists(some.order_lines(), min_size=1, max_size=4), st.permutations(range(4)))
def test_the_order_of_lines_does_not_matter(lines: list[OrderLine], places: list[int]) -> None:
    """The status of an order does not depend on the order of its lines."""
    shuffled = [lines[place] for place in places if place < len(lines)]
    assert fulfilment_status(shuffled) is fulfilment_status(lines)


@pytest.mark.parametrize("fulfilment", FulfilmentStatus)
@pytest.mark.parametrize("payment", PaymentStatus)
def test_an_order_is_completed_when_goods_and_money_are_settled(
    fulfilment: FulfilmentStatus, payment: PaymentStatus
) -> None:
    """An order is completed once all goods went out and nobody owes money, cancelled once all units are, else open."""
    status = order_status(fulfilment, payment)
    goods = fulfilment.value in {"shipped", "partially_returned", "returned"}
    money = payment.value in {"paid", "partially_refunded", "refunded"}
    if fulfilment is FulfilmentStatus.CANCELLED:
        assert status is OrderStatus.CANCELLED
    else:
        assert (status is OrderStatus.COMPLETED) is (goods and money)


def test_no_money_fact_is_negative() -> None:
    """No amount of an order's money is below zero or anything but a whole number."""
    for bad in (-1, True, 1.5):
        with pytest.raises(Malformed):
            MoneyFacts(agreed=1, due=bad)  # type: ignore[arg-type]  # bad on purpose
