"""Does a buyer collect once, with the code, in time; and what becomes of what nobody collects?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.fulfilment import NotExpired, NotReady, PickupExpired, PickupState, WrongCode
from omnicore.kernel.errors import Refused
from omnicore.kernel.ids import LineId, OrderId, VariantId
from omnicore.kernel.machine import IllegalMove
from omnicore.kernel.personal import Personal
from omnicore.ordering import Cart, CartLine
from omnicore.payments import TenderMethod, amounts_of
from omnicore.scenarios.bopis import PICKUP, collect, lapse, make_ready, pick, pickup_at, pickup_of, to_pick
from omnicore.scenarios.checkout import Placed
from omnicore.testing.shop import SHIBUYA, unit
from tests.scenarios.story import Story, card, cart, tender, yen

CODE = Personal("7Q2M-X0AB-9KTR")
OTHER = Personal("0000-0000-0000")
SHIRTS = cart({"SHIRT-WHT-M": 2}, groups=[pickup_at(SHIBUYA)], group=PICKUP)


def ordered(story: Story, wanted: Cart = SHIRTS) -> OrderId:
    """Order for collection, by card."""
    return story.bought(wanted)


def ready(story: Story, order: OrderId, *, days: int = 7) -> None:
    """Pick and set aside."""
    pickup = pickup_of(order)
    assert [each.id for each in story.host.run(to_pick(node=SHIBUYA)).pickups] == [pickup]
    story.host.run(pick(pickups=(pickup,)))
    story.host.run(make_ready(pickup=pickup, code=CODE, days=days))


def test_a_buyer_collects_with_the_code() -> None:
    """Ordered online, picked, made ready, collected: the goods leave the store and their money is taken, once."""
    story = Story()
    order = ordered(story)
    with pytest.raises(NotReady):
        story.host.run(collect(pickup=pickup_of(order), code=CODE))
    ready(story, order)
    with pytest.raises(WrongCode):
        story.host.run(collect(pickup=pickup_of(order), code=OTHER))
    assert story.at("SHIRT-WHT-M", SHIBUYA).on_hand == 4
    story.host.run(collect(pickup=pickup_of(order), code=Personal("7q2m x0ab 9ktr")))
    assert story.at("SHIRT-WHT-M", SHIBUYA).on_hand == 2
    with pytest.raises(Refused):
        story.host.run(collect(pickup=pickup_of(order), code=CODE))
    story.host.work()
    assert amounts_of(story.payment(order)).captured == yen(15800)
    assert [line.shipped for line in story.the_order(order).lines] == [2]
    assert story.provider.taken_minor(order) == 15800
    story.sound()


def test_a_code_opens_one_pickup() -> None:
    """The same code at two pickups leaves two marks, and what is stored does not show it."""
    story = Story()
    first, second = ordered(story), ordered(story, cart({"FURO-RED": 1}, id="b", groups=SHIRTS.groups, group=PICKUP))
    story.host.run(pick(pickups=(pickup_of(first), pickup_of(second))))
    for order in (first, second):
        story.host.run(make_ready(pickup=pickup_of(order), code=CODE))
    marks = {story.delivery(order).pickups[0].mark for order in (first, second)}
    assert len(marks) == 2
    assert not any("7Q2M" in str(mark) for mark in marks)


@given(st.integers(0, 12), st.integers(0, 30))
def test_the_last_day_is_a_day_of_the_store(days: int, later: int) -> None:
    """A pickup can be collected through its last day in the store's own time zone, and from the next on it lapses."""
    story = Story()
    order = ordered(story)
    ready(story, order, days=days)
    story.clock.advance(days=later)  # noon stays noon: Tokyo has no summer time
    pickup = pickup_of(order)
    if later <= days:
        with pytest.raises(NotExpired):
            story.host.run(lapse(pickup=pickup))
        story.host.run(collect(pickup=pickup, code=CODE))
    else:
        with pytest.raises(PickupExpired):
            story.host.run(collect(pickup=pickup, code=CODE))
        story.host.run(lapse(pickup=pickup))
        assert story.at("SHIRT-WHT-M", SHIBUYA).available == 4
    story.host.work()
    story.sound()


def test_what_nobody_collects_goes_back_on_sale() -> None:
    """A pickup that lapses frees its goods, cancels its units and lets the money go; a second lapse is refused."""
    story = Story()
    before = story.free()
    order = ordered(story)
    ready(story, order)
    story.clock.advance(days=8)
    story.host.run(lapse(pickup=pickup_of(order)))
    with pytest.raises(IllegalMove):
        story.host.run(lapse(pickup=pickup_of(order)))
    story.host.work()
    assert story.free() == before
    placed = story.the_order(order)
    assert ([line.cancelled for line in placed.lines], placed.due) == ([2], yen(0))
    assert amounts_of(story.payment(order)).cancelled
    assert story.delivery(order).pickups[0].state is PickupState.EXPIRED
    assert story.provider.taken_minor(order) == 0
    story.sound()


def test_money_taken_at_once_goes_back_when_a_pickup_lapses() -> None:
    """What was paid by QR code for goods that nobody collects is given back."""
    story = Story()
    quoted = story.quoted(SHIRTS)
    placed = story.checked_out(quoted, tender(quoted.gross, TenderMethod.QR))
    assert isinstance(placed, Placed)
    ready(story, placed.order)
    story.clock.advance(days=8)
    story.host.run(lapse(pickup=pickup_of(placed.order)))
    story.host.work()
    assert amounts_of(story.payment(placed.order)).refunded == quoted.gross
    assert story.provider.taken_minor(placed.order) == 0
    assert story.at("SHIRT-WHT-M", SHIBUYA).available == 4
    story.sound()


@pytest.mark.parametrize("sent_first", [True, False])
def test_the_rest_of_an_order_is_paid_for(sent_first: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """Where a part is collected in a store and never is, the parcel with the other part is paid for all the same."""
    story = Story()
    wanted = Cart(
        id=SHIRTS.id,
        channel=SHIRTS.channel,
        lines=(*SHIRTS.lines, CartLine(id=LineId("sent"), variant=VariantId("SOCKS-GRY"), quantity=1)),
        groups=SHIRTS.groups,
    )
    order = ordered(story, wanted)
    ready(story, order)
    if sent_first:
        story.sent(order)
    story.clock.advance(days=8)
    story.host.run(lapse(pickup=pickup_of(order)))
    if not sent_first:
        story.sent(order)
    story.host.work()
    assert story.provider.taken_minor(order) == 1650
    assert (story.the_order(order).due, amounts_of(story.payment(order)).captured) == (yen(1650), yen(1650))
    assert story.at("SHIRT-WHT-M", SHIBUYA).available == 4
    assert story.held(order) == {}
    story.sound()


def test_a_card_and_a_pickup_agree() -> None:
    """Whatever tenders were offered for collection, their sum is what is taken at the counter."""
    story = Story()
    quoted = story.quoted(SHIRTS)
    placed = story.checked_out(quoted, card(yen(10000), id="a"), card(yen(5800), id="b"))
    assert isinstance(placed, Placed)
    ready(story, placed.order)
    story.host.run(collect(pickup=pickup_of(placed.order), code=CODE))
    story.host.work()
    assert story.provider.taken_minor(placed.order) == 15800
    assert unit("SHIRT-WHT-M") in story.free()
    story.sound()
