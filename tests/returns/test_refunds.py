import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, OrderId, ReturnId
from omnicore.kernel.money import Money
from omnicore.kernel.rounding import Rate, Rounding
from omnicore.kernel.time import Instant
from omnicore.returns import (
    Fee,
    FlatFee,
    NoFee,
    Purchase,
    PurchaseLine,
    RateFee,
    RefundAmount,
    RefundLine,
    RequestedLine,
    Resolution,
    Return,
    ReturnBook,
    ReturnLine,
    ReturnPolicy,
    ReturnState,
    ShippingRefund,
    fee_minor,
    refund_amount,
)
from omnicore.testing.strategies.returns import fees, purchases, yen

NOON = Instant.parse("2026-03-01T03:00:00Z")
PLAIN = ReturnPolicy(version="v1")


def bought(paid: int, units: int, *, shipping: int = 0) -> Purchase:
    """Give a purchase of one line."""
    line = PurchaseLine(line=LineId("L1"), bought=units, shipped=units, paid=Money(paid, "JPY"))
    return Purchase(order=OrderId("O1"), placed=NOON, zone="Asia/Tokyo", lines=(line,), shipping=Money(shipping, "JPY"))


def back(units: int, line: str = "L1", resolution: Resolution = Resolution.REFUND) -> RequestedLine:
    """Give units to give back."""
    return RequestedLine(line=LineId(line), units=units, resolution=resolution)


def booked(book: ReturnBook, amount: RefundAmount) -> ReturnBook:
    """Write down a refund the way ``settle`` does."""
    done = Return(
        id=ReturnId(f"R{len(book.returns)}"),
        policy="v1",
        requested_at=NOON,
        authorisation=None,
        lines=tuple(
            ReturnLine(
                line=each.line,
                units=each.units,
                state=ReturnState.REFUNDED if each.resolution is Resolution.REFUND else ReturnState.EXCHANGED,
                resolution=each.resolution,
                value=each.value,
            )
            for each in amount.lines
        ),
        fee=amount.fee,
        shipping=amount.shipping,
    )
    return book.with_return(done)


@st.composite
def partitions(draw: st.DrawFn) -> tuple[Purchase, list[RequestedLine]]:
    """Give a purchase and all its units cut into returns, in any order."""
    purchase = draw(purchases())
    cuts: list[RequestedLine] = []
    for line in purchase.lines:
        left = line.bought
        while left:
            units = draw(st.integers(1, left))
            cuts.append(back(units, line.line, draw(st.sampled_from(Resolution))))
            left -= units
    return purchase, draw(st.permutations(cuts))


@given(
    drawn=partitions(),
    fee=fees(),
    shipping=st.sampled_from(ShippingRefund),
)
def test_any_partition_of_returns_adds_up(
    drawn: tuple[Purchase, list[RequestedLine]], fee: Fee, shipping: ShippingRefund
) -> None:
    """However the units of an order come back, one by one or all at once, what is given for them is what was paid."""
    purchase, cuts = drawn
    policy = ReturnPolicy(version="v1", fee=fee, shipping=shipping)
    book = ReturnBook(order=purchase.order)
    amounts = []
    for cut in cuts:
        amount = refund_amount(purchase, returning=(cut,), policy=policy, book=book)
        assert amount.total == amount.goods - amount.fee + amount.shipping
        assert min(amount.goods.minor, amount.fee.minor, amount.shipping.minor, amount.credit.minor) >= 0
        assert amount.fee.minor <= amount.goods.minor
        amounts.append(amount)
        book = booked(book, amount)
    goods = sum(each.goods.minor for each in amounts)
    paid = sum(each.paid.minor for each in purchase.lines)
    assert goods + sum(each.credit.minor for each in amounts) == paid
    assert sum(each.fee.minor for each in amounts) == fee_minor(fee, Money(goods, "JPY"))
    shipped_back = sum(each.shipping.minor for each in amounts)
    assert shipped_back in {0, purchase.shipping.minor}
    if shipping is ShippingRefund.NEVER:
        assert not shipped_back
    if shipping is ShippingRefund.WITH_FIRST and any(cut.resolution is Resolution.REFUND for cut in cuts):
        assert shipped_back == purchase.shipping.minor


@given(drawn=partitions())
def test_one_request_is_worth_as_much_as_many(drawn: tuple[Purchase, list[RequestedLine]]) -> None:
    """A return of several cuts at once is worth what the same cuts are worth one after another."""
    purchase, cuts = drawn
    at_once = refund_amount(purchase, returning=tuple(cuts), policy=PLAIN)
    book = ReturnBook(order=purchase.order)
    singly: list[RefundLine] = []
    for cut in cuts:
        amount = refund_amount(purchase, returning=(cut,), policy=PLAIN, book=book)
        singly += amount.lines
        book = booked(book, amount)
    assert at_once.lines == tuple(singly)


@pytest.mark.parametrize(
    ("paid", "units", "cuts", "values"),
    [
        (100, 3, [1, 1, 1], [33, 33, 34]),
        (1_000, 3, [2, 1], [666, 334]),
        (30_000, 3, [1], [10_000]),
        (0, 3, [1, 2], [0, 0]),
        (1, 2, [1, 1], [0, 1]),
        (270, 3, [2, 1], [180, 90]),
    ],
)
def test_units_are_worth_their_share(paid: int, units: int, cuts: list[int], values: list[int]) -> None:
    """100 yen for three go back as 33, 33 and 34: rounded down as it goes, made good with the last."""
    purchase, book, seen = bought(paid, units), ReturnBook(order=OrderId("O1")), []
    for cut in cuts:
        amount = refund_amount(purchase, returning=(back(cut),), policy=PLAIN, book=book)
        seen.append(amount.total.minor)
        book = booked(book, amount)
    assert seen == values


def test_an_exchange_gives_credit_and_no_money() -> None:
    """Who takes other goods instead gets their value credited, and it is not refunded a second time later."""
    purchase = bought(100, 3, shipping=50)
    policy = ReturnPolicy(version="v1", shipping=ShippingRefund.WITH_FIRST)
    swap = refund_amount(purchase, returning=(back(1, resolution=Resolution.EXCHANGE),), policy=policy)
    assert (swap.total.minor, swap.credit.minor) == (0, 33)
    book = booked(ReturnBook(order=OrderId("O1")), swap)
    rest = refund_amount(purchase, returning=(back(2),), policy=policy, book=book)
    assert (rest.goods.minor, rest.shipping.minor) == (67, 50)


def test_an_order_made_cheaper_later_gives_no_more_than_was_paid() -> None:
    """If the price was lowered after a first refund, the next one takes that into account and never turns negative."""
    purchase = bought(900, 3)
    first = refund_amount(purchase, returning=(back(2),), policy=PLAIN)
    cheaper = evolve(purchase, lines=(evolve(purchase.lines[0], paid=Money(500, "JPY")),))
    book = booked(ReturnBook(order=OrderId("O1")), first)
    assert refund_amount(cheaper, returning=(back(1),), policy=PLAIN, book=book).total.minor == 0


def test_shipping_goes_back_with_the_last() -> None:
    """Where shipping is refunded for a full return only, it comes with the unit that completes it."""
    purchase, policy = bought(300, 3, shipping=80), ReturnPolicy(version="v1", shipping=ShippingRefund.WITH_LAST)
    two = refund_amount(purchase, returning=(back(2),), policy=policy)
    assert two.shipping.minor == 0
    book = booked(ReturnBook(order=OrderId("O1")), two)
    assert refund_amount(purchase, returning=(back(1),), policy=policy, book=book).shipping.minor == 80


@given(fee=fees(), less=yen(), more=yen())
def test_fees_rise_with_the_goods_and_never_above_them(fee: Fee, less: Money, more: Money) -> None:
    """A restocking fee is at most the value of the goods, and returning more never makes it smaller."""
    less, more = sorted((less, more))
    assert 0 <= fee_minor(fee, less) <= fee_minor(fee, more) <= more.minor


def test_fees_are_what_they_say() -> None:
    """Nothing, one amount, or a share."""
    assert fee_minor(NoFee(), Money(999, "JPY")) == 0
    assert fee_minor(FlatFee(amount=Money(300, "JPY")), Money(999, "JPY")) == 300
    assert fee_minor(FlatFee(amount=Money(300, "JPY")), Money(200, "JPY")) == 200
    assert fee_minor(RateFee(rate=Rate.of(10, 100)), Money(999, "JPY")) == 99
    assert fee_minor(RateFee(rate=Rate.of(10, 100), rounding=Rounding.UP), Money(999, "JPY")) == 100


def test_impossible_fees_and_returns_are_refused() -> None:
    """A fee above the goods, a fee of nothing, and more units than were bought do not get in."""
    with pytest.raises(Malformed):
        RateFee(rate=Rate.of(11, 10))
    with pytest.raises(Malformed):
        FlatFee(amount=Money(0, "JPY"))
    with pytest.raises(Malformed):
        refund_amount(bought(100, 3), returning=(back(4),), policy=PLAIN)
    with pytest.raises(Malformed):
        refund_amount(bought(100, 3), returning=(back(1, "L9"),), policy=PLAIN)
