"""Are the facts of a till recorded, whatever was promised of what it sells?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.inventory import accounts
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import CartId, NodeId, VariantId
from omnicore.network import NodeUnknown
from omnicore.ordering import AlreadyPlaced, FulfilmentStatus, fulfilment_status
from omnicore.payments import ProviderName, TenderMethod, amounts_of
from omnicore.scenarios.bopis import PICKUP, pickup_at
from omnicore.scenarios.pos_sale import Receipt, sell
from omnicore.testing.shop import GIFT, SHIBUYA, STORE, unit
from omnicore.testing.strategies.scenarios import baskets
from tests.scenarios.story import Story, cart, yen

TILL = ProviderName("till-3")


def sold(
    story: Story,
    items: dict[str, int],
    *,
    receipt: str = "R-1",
    node: NodeId = SHIBUYA,
    method: TenderMethod = TenderMethod.CASH,
) -> Receipt:
    """Ring items up."""
    return story.host.run(
        sell(
            receipt=CartId(receipt),
            channel=STORE,
            node=node,
            items={VariantId(variant): count for variant, count in items.items()},
            till=TILL,
            method=method,
        )
    )


def test_a_sale_is_rung_up() -> None:
    """Paid in cash, the goods gone, the order complete; the receipt says the tax that is in it."""
    story = Story()
    receipt = sold(story, {"SHIRT-WHT-M": 1, "TEA-SEN-100": 2})
    assert (receipt.gross, receipt.tax) == (yen(7900 + 2592), yen(7900 * 10 // 110 + 2592 * 8 // 108))
    assert receipt.units == {unit("SHIRT-WHT-M"): 1, unit("TEA-SEN-100"): 2}
    order = story.the_order(receipt.order)
    assert all(line.shipped == line.ordered for line in order.lines)
    assert amounts_of(story.payment(receipt.order)).captured == receipt.gross
    assert story.at("SHIRT-WHT-M", SHIBUYA).on_hand == 3
    assert story.provider.exchanges() == ()
    story.sound()


def test_a_receipt_is_rung_up_once() -> None:
    """The same number again is refused, and nothing leaves the shelf twice."""
    story = Story()
    sold(story, {"SHIRT-WHT-M": 1})
    before = story.fingerprint()
    with pytest.raises(AlreadyPlaced):
        sold(story, {"SHIRT-WHT-M": 1})
    assert story.fingerprint() == before


def test_what_was_promised_is_sold_all_the_same_and_named() -> None:
    """A unit held for a web buyer is sold over the counter: it is recorded, and the hold at risk is named."""
    story = Story()
    order = story.bought(cart({"UMB-NVY": 3}, groups=[pickup_at(SHIBUYA)], group=PICKUP))
    sold(story, {"UMB-NVY": 2})
    shelf = story.at("UMB-NVY", SHIBUYA)
    assert (shelf.on_hand, shelf.held, shelf.available) == (2, 3, -1)
    (event,) = story.events("kernel.overcommitted.v1")
    data = event["data"]
    assert isinstance(data, dict)
    assert (data["short"], data["unit"]) == (1, unit("UMB-NVY"))
    assert [risk["hold"] for risk in data["at_risk"]] == [accounts.hold_id(order, 1)]
    story.sound()


def test_what_the_books_do_not_have_is_sold_all_the_same() -> None:
    """More than the books say was there has left: the shelf stands below zero until somebody counts."""
    story = Story()
    sold(story, {"UMB-NVY": 9})
    assert story.at("UMB-NVY", SHIBUYA).on_hand == 4 - 9
    assert story.free("UMB-NVY") == {unit("UMB-NVY"): 1 + 2}
    story.sound()


@pytest.mark.parametrize("method", [TenderMethod.CARD])
def test_a_till_takes_the_money_at_once(method: TenderMethod) -> None:
    """A means that only sets money aside is not for a till, and nothing is recorded."""
    story = Story()
    before = story.fingerprint()
    with pytest.raises(Malformed):
        sold(story, {"SHIRT-WHT-M": 1}, method=method)
    assert story.fingerprint() == before


def test_a_qr_payment_is_asked_after_the_sale() -> None:
    """Paid by QR code: the sale is recorded and the provider asked once; until then it is not paid."""
    story = Story()
    receipt = sold(story, {"SHIRT-WHT-M": 1}, method=TenderMethod.QR)
    assert amounts_of(story.payment(receipt.order)).captured == yen(0)
    for _ in range(2):
        story.host.work()
    assert amounts_of(story.payment(receipt.order)).captured == yen(7900)
    assert story.provider.taken_minor(receipt.order) == 7900
    story.sound()


@given(baskets(), st.sampled_from((TenderMethod.CASH, TenderMethod.QR)))
def test_what_leaves_is_what_is_paid(wanted: tuple[tuple[VariantId, int], ...], method: TenderMethod) -> None:
    """Whatever is carried to a till, the steps that leave are those of its composition, and the order is complete."""
    story = Story()
    items = dict(wanted)
    receipt = sold(story, {str(variant): count for variant, count in items.items()}, method=method)
    story.host.work()
    steps: dict[str, int] = {}
    for variant, count in items.items():
        parts = {"TEA-SEN-100": 1, "CUP-CEL": 2} if variant == GIFT else {variant: 1}
        for sku, each in parts.items():
            steps[unit(sku)] = steps.get(unit(sku), 0) + each * count
    assert dict(receipt.units) == steps
    fresh = Story()
    for name, left in steps.items():
        sku = name.removeprefix("sku:")
        assert fresh.at(sku, SHIBUYA).on_hand - story.at(sku, SHIBUYA).on_hand == left
    order = story.the_order(receipt.order)
    assert order.gross == receipt.gross == amounts_of(story.payment(receipt.order)).captured
    assert fulfilment_status(order.lines) is FulfilmentStatus.SHIPPED
    story.sound()


def test_a_till_stands_somewhere() -> None:
    """A sale at a node nobody has described is refused, and nothing is written."""
    story = Story()
    before = story.fingerprint()
    with pytest.raises(NodeUnknown):
        sold(story, {"SHIRT-WHT-M": 1}, node=NodeId("nowhere"))
    assert story.fingerprint() == before
