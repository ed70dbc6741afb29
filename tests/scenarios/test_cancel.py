"""Laws of calling an order off."""

import pytest
from hypothesis import given

from omnicore.fulfilment import ParcelState, PickupState
from omnicore.inventory import count
from omnicore.kernel.ids import OrderId
from omnicore.ordering import Cart, FulfilmentStatus, NothingOpen, OrderUnknown, fulfilment_status
from omnicore.payments import PaymentStatus, TenderMethod, amounts_of, failed_payments, payment_status
from omnicore.scenarios import bopis
from omnicore.scenarios.cancel import cancel
from omnicore.scenarios.promise_again import PartlyShipped
from omnicore.scenarios.ship_from_store import send
from omnicore.testing.payments import Behaviour
from omnicore.testing.shop import DC, GIFT, KYOTO, SHIBUYA, unit
from omnicore.testing.strategies.scenarios import carts
from tests.scenarios.story import Story, cart, order_id, tender, tracking, yen

WANTED = {"SHIRT-IND-M": 2, "TENU-WAVE": 1}


@given(carts())
def test_a_cancelled_order_leaves_nothing_behind(wanted: Cart) -> None:
    """Any order of which nothing has left can be called off: its goods are on sale again and its money is let go."""
    story = Story()
    before = story.free()
    order = story.bought(wanted, shipping=550)
    assert story.host.run(cancel(order=order)) == story.the_order(order).gross
    story.host.work()
    assert story.free() == before
    assert story.the_order(order).due == yen(0)
    assert all(parcel.state is ParcelState.CANCELLED for parcel in story.delivery(order).parcels)
    assert payment_status(amounts_of(story.payment(order))) is PaymentStatus.CANCELLED
    story.sound()


def test_a_pickup_is_called_off_too() -> None:
    """A pickup that was set aside goes back on the shelf, and its code opens nothing any more."""
    story = Story()
    order = story.bought(cart({"UMB-BEI": 1}, group=bopis.PICKUP, groups=(bopis.pickup_at(SHIBUYA),)))
    story.host.run(cancel(order=order))
    (pickup,) = story.delivery(order).pickups
    assert pickup.state is PickupState.CANCELLED
    assert story.held(order) == {}


def test_what_has_left_stays_sold() -> None:
    """Of an order shipped in part, the rest is called off; what was shipped is paid for and is for a return."""
    story = Story()
    order = story.bought(cart({"UMB-NVY": 5}))  # more than one node has, so it travels in several parcels
    first, *_ = story.packed(order)
    story.host.run(send(parcel=first, tracking=tracking(first)))
    story.host.work()
    story.host.run(cancel(order=order))
    story.host.work()
    line = story.the_order(order).lines[0]
    assert (line.open, line.shipped + line.cancelled) == (0, 5)
    assert amounts_of(story.payment(order)).captured == story.the_order(order).due
    with pytest.raises(NothingOpen):
        story.host.run(cancel(order=order))
    story.sound()


def test_money_taken_at_once_goes_back() -> None:
    """Paid by QR code and called off, the whole amount is refunded."""
    story = Story()
    quoted = story.quoted(cart(WANTED))
    story.checked_out(quoted, tender(quoted.gross, TenderMethod.QR))
    order = order_id(cart(WANTED))
    story.host.run(cancel(order=order))
    story.host.work()
    assert amounts_of(story.payment(order)).refunded == quoted.gross
    assert fulfilment_status(story.the_order(order).lines) is FulfilmentStatus.CANCELLED


def test_an_unknown_order_is_refused() -> None:
    """An order nobody placed cannot be called off."""
    with pytest.raises(OrderUnknown):
        Story().host.run(cancel(order=OrderId("nobody")))


def test_a_capture_that_is_declined_is_listed() -> None:
    """Goods have left and their money was refused: somebody can find out, and the list is empty before."""
    story = Story()
    order = story.bought(cart(WANTED))
    assert story.host.run(failed_payments()) == ()
    story.provider.will(Behaviour.DECLINE)
    story.sent(order)
    (failed,) = story.host.run(failed_payments())
    assert failed.order == order
    assert [each.step.value for each in failed.failed] == ["capture"]


def test_half_a_bundle_on_its_way_is_for_a_person() -> None:
    """When one part of a gift set has left and the rest has not, it is not called off by itself."""
    story = Story()
    for node, sku in ((SHIBUYA, "TEA-SEN-100"), (KYOTO, "TEA-SEN-100"), (DC, "CUP-CEL"), (KYOTO, "CUP-CEL")):
        story.host.run(count(node=node, found={unit(sku): 0}))
    order = story.bought(cart({GIFT: 1}))
    first, _ = story.packed(order)
    story.host.run(send(parcel=first, tracking=tracking(first)))
    with pytest.raises(PartlyShipped):
        story.host.run(cancel(order=order))
