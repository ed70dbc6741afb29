"""Does a buyer get back what was paid, and the store what was bought, once?"""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.fulfilment import deliver
from omnicore.kernel.ids import LineId, NodeId, OrderId
from omnicore.kernel.money import Money
from omnicore.network import NodeUnknown
from omnicore.ordering import Cart, Order, OrderUnknown
from omnicore.ordering import cancel as cancel_units
from omnicore.payments import TenderMethod, amounts_of
from omnicore.returns import (
    Condition,
    NotReturnable,
    RequestedLine,
    ReturnPolicy,
    ShippingRefund,
    TooManyReturned,
    WithinDays,
)
from omnicore.scenarios.boris import may_return_in_store, purchase_of, return_in_store
from omnicore.scenarios.checkout import Placed
from omnicore.testing.shop import GIFT, KYOTO, SHIBUYA, ZONE, unit
from omnicore.testing.strategies.ordering import orders
from omnicore.testing.strategies.scenarios import carts
from tests.scenarios.story import Story, card, cart, tender, yen

MONTH = ReturnPolicy(version="2026-01", rules=(WithinDays(days=30),), shipping=ShippingRefund.WITH_LAST)


def back(units: int, *, line: str = "L0", condition: Condition = Condition.SEALED) -> RequestedLine:
    """Bring units back."""
    return RequestedLine(line=LineId(line), units=units, condition=condition)


def delivered(story: Story, wanted: Cart, *, shipping: int | None = None) -> OrderId:
    """Buy by card, ship and deliver everything."""
    order = story.bought(wanted, shipping=shipping)
    story.sent(order)
    story.host.run(deliver(parcels=tuple(parcel.id for parcel in story.delivery(order).parcels)))
    return order


def brought(story: Story, order: OrderId, *lines: RequestedLine, node: NodeId = SHIBUYA) -> Money:
    """Bring lines to a store, and have the money sent back."""
    returned = story.host.run(return_in_store(order=order, lines=lines, node=node, policy=MONTH))
    story.host.work()
    return returned.refund


def test_a_shirt_bought_online_comes_back_to_a_store() -> None:
    """Refunded to the card it was paid by, and back on the shelf of the store that took it."""
    story = Story()
    order = delivered(story, cart({"SHIRT-WHT-M": 2}), shipping=550)
    before = story.at("SHIRT-WHT-M", SHIBUYA)
    assert brought(story, order, back(1)) == yen(7900)
    assert story.at("SHIRT-WHT-M", SHIBUYA) == evolve(
        before, on_hand=before.on_hand + 1, available=before.available + 1
    )
    assert story.provider.taken_minor(order) == 7900 + 550
    assert [line.returned for line in story.the_order(order).lines] == [1]
    assert brought(story, order, back(1), node=KYOTO) == yen(7900 + 550)
    assert story.provider.taken_minor(order) == 0
    with pytest.raises(TooManyReturned):
        brought(story, order, back(1))
    story.sound()


@pytest.mark.parametrize(
    ("condition", "on_hand", "quarantine"),
    [(Condition.LIKE_NEW, 1, 0), (Condition.USED, 0, 1), (Condition.DAMAGED, 0, 0)],
)
def test_goods_go_where_their_condition_says(condition: Condition, on_hand: int, quarantine: int) -> None:
    """As new on the shelf, used in quarantine, damaged thrown away; of a bundle, every part of it."""
    story = Story()
    order = delivered(story, cart({GIFT: 2}))
    before = [story.at(sku, SHIBUYA) for sku in ("TEA-SEN-100", "CUP-CEL")]
    brought(story, order, back(1, condition=condition))
    after = [story.at(sku, SHIBUYA) for sku in ("TEA-SEN-100", "CUP-CEL")]
    parts = [1, 2]
    assert [a.on_hand - b.on_hand for a, b in zip(after, before, strict=True)] == [on_hand * each for each in parts]
    assert [a.quarantine for a in after] == [quarantine * each for each in parts]
    story.sound()


@given(st.integers(1, 6), st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 999), st.integers(1, 99))
def test_refunds_add_up_to_what_was_paid(bought: int, parts: list[int], shipping: int, percent: int) -> None:
    """However units are spread over returns and the payment over cards, all of it comes back, and no yen more."""
    story = Story()
    quoted = story.quoted(cart({"SOY-KIOKE": bought, GIFT: 1}), shipping=shipping)
    first = yen(max(1, quoted.gross.minor * percent // 100))
    placed = story.checked_out(quoted, card(first, id="a"), card(quoted.gross - first, id="b"))
    assert isinstance(placed, Placed)
    story.sent(placed.order)
    stock = story.at("SOY-KIOKE", KYOTO).on_hand
    left, refunded = bought, 0
    for part in [*parts, bought]:
        units = min(part, left)
        lines = [back(units)] if units else []
        left -= units
        if not left and units:
            lines.append(back(1, line="L1"))
        if lines:
            refunded += brought(story, placed.order, *lines, node=KYOTO).minor
            assert story.provider.taken_minor(placed.order) == quoted.gross.minor - refunded
    assert refunded == quoted.gross.minor
    assert story.at("SOY-KIOKE", KYOTO).on_hand == stock + bought
    assert amounts_of(story.payment(placed.order)).refunded == quoted.gross
    assert story.the_order(placed.order).due.minor == shipping
    story.sound()


def test_a_late_return_changes_nothing() -> None:
    """After the last day a return is refused with the day it was, and nothing has moved."""
    story = Story()
    order = delivered(story, cart({"SHIRT-WHT-M": 1}))
    story.clock.advance(days=30)
    assert story.host.run(may_return_in_store(order=order, lines=(back(1),), policy=MONTH)).holds
    story.clock.advance(days=1)
    before = story.fingerprint()
    verdict = story.host.run(may_return_in_store(order=order, lines=(back(1),), policy=MONTH))
    assert not verdict.holds
    with pytest.raises(NotReturnable) as refused:
        brought(story, order, back(1))
    assert "returns.window" in str(refused.value.facts)
    assert story.fingerprint() == before
    assert story.provider.taken_minor(order) == 7900


@pytest.mark.parametrize("line", [back(3), back(2)])
def test_what_has_not_left_cannot_come_back(line: RequestedLine) -> None:
    """More than was shipped is refused, and nothing has moved."""
    story = Story()
    order = story.bought(cart({"SHIRT-WHT-M": 2}))
    with pytest.raises(NotReturnable):
        brought(story, order, line)
    with pytest.raises(OrderUnknown):
        brought(story, OrderId("nobody's"), line)
    assert story.provider.taken_minor(order) == 0


def test_cash_comes_back_at_once() -> None:
    """What was paid in cash leaves the till with the return; no provider is asked."""
    story = Story()
    quoted = story.quoted(cart({"SHIRT-WHT-M": 1}))
    placed = story.checked_out(quoted, tender(quoted.gross, TenderMethod.CASH))
    assert isinstance(placed, Placed)
    story.sent(placed.order)
    assert brought(story, placed.order, back(1)) == yen(7900)
    assert amounts_of(story.payment(placed.order)).refunded == yen(7900)
    assert story.provider.exchanges() == ()
    story.sound()


def test_cancelled_units_do_not_come_back() -> None:
    """Of three units one was cancelled: the two that were shipped are worth what was paid for them, together."""
    story = Story()
    order = story.bought(cart({"SHIRT-WHT-M": 3}))
    whole = story.the_order(order)
    story.host.run(cancel_units(order=order, units={LineId("L0"): 1}))
    purchase = purchase_of(story.the_order(order), zone=ZONE, categories={}, parcels=(), pickups=())
    assert [(line.bought, line.shipped, line.paid) for line in purchase.lines] == [(2, 0, yen(15800))]
    assert whole.gross == yen(23700)


@pytest.mark.parametrize("others", [{}, {"SOCKS-GRY": 1}], ids=["the whole order", "one line of two"])
def test_a_line_that_was_cancelled_has_nothing_to_give_back(others: dict[str, int]) -> None:
    """Who brings what was cancelled is told no, as anybody who brings what was never shipped; the question agrees."""
    story = Story()
    order = story.bought(cart({"SHIRT-WHT-M": 2} | others))
    story.host.run(cancel_units(order=order, units={LineId("L0"): 2}))
    with pytest.raises(NotReturnable):
        brought(story, order, back(1))
    verdict = story.host.run(may_return_in_store(order=order, lines=(back(1),), policy=MONTH))
    assert not verdict.holds
    assert [reason.code for reason in verdict.because] == ["returns.shipped"]


@given(orders())
def test_a_purchase_loses_no_unit_and_no_yen(order: Order) -> None:
    """What a return policy sees of an order adds up to what is due for it before returns and later changes."""
    if all(line.cancelled == line.ordered for line in order.lines):
        return
    purchase = purchase_of(order, zone=ZONE, categories={}, parcels=(), pickups=())
    assert sum(line.bought for line in purchase.lines) == sum(line.ordered - line.cancelled for line in order.lines)
    assert sum(line.shipped for line in purchase.lines) == sum(line.shipped for line in order.lines)
    unreturned = evolve(order, lines=tuple(evolve(line, returned=0) for line in order.lines), adjustments=())
    paid = sum(line.paid.minor for line in purchase.lines) + purchase.shipping.minor
    assert paid == unreturned.due.minor


@given(carts())
def test_everything_that_is_bought_can_come_back(wanted: Cart) -> None:
    """Every line of any basket comes back whole, for what was paid, and its parts lie in the store."""
    story = Story()
    order = delivered(story, wanted)
    lines = tuple(back(line.quantity, line=line.id) for line in wanted.lines)
    assert brought(story, order, *lines) == story.the_order(order).gross
    assert story.the_order(order).due == yen(0)
    assert unit("CUP-CEL") in story.free()
    story.sound()


def test_goods_come_back_to_a_place_that_exists() -> None:
    """A return at a node nobody has described is refused: its goods would never be found again."""
    story = Story()
    order = delivered(story, cart({"UMB-BEI": 1}))
    with pytest.raises(NodeUnknown):
        brought(story, order, back(1), node=NodeId("nowhere"))
    assert brought(story, order, back(1)) == yen(3850)
    story.sound()
