"""Is exactly what leaves paid for, and is a promise kept that its node can no longer keep?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.fulfilment import NotOnShelf, Parcel, ParcelState, deliver
from omnicore.inventory import Share, accounts, holds_at_risk, move_holds, reserved, sell_at_till
from omnicore.kernel.errors import Refused
from omnicore.kernel.ids import NodeId, OrderId
from omnicore.kernel.machine import IllegalMove
from omnicore.ordering import Cart
from omnicore.payments import amounts_of
from omnicore.scenarios.bopis import PICKUP, pickup_at
from omnicore.scenarios.ship_from_store import Rescued, rescue, send
from omnicore.testing.shop import DC, GIFT, KYOTO, SHIBUYA, unit
from omnicore.testing.strategies.scenarios import carts
from tests.scenarios.story import Story, cart, tracking, yen

NAVY = unit("UMB-NVY")


def live(story: Story, order: OrderId) -> list[Parcel]:
    """Give the parcels of an order that were not called off."""
    return [parcel for parcel in story.delivery(order).parcels if parcel.state is not ParcelState.CANCELLED]


def test_a_store_ships_what_the_warehouse_lacks() -> None:
    """Two umbrellas, one of which lies in the warehouse, leave a store together; then their money is taken."""
    story = Story()
    order = story.bought(cart({"UMB-NVY": 2}), shipping=550)
    (parcel,) = story.delivery(order).parcels
    assert parcel.node in {SHIBUYA, KYOTO}
    with pytest.raises(IllegalMove):
        story.host.run(send(parcel=parcel.id, tracking=tracking(parcel.id)))
    story.packed(order)
    story.host.run(send(parcel=parcel.id, tracking=tracking(parcel.id)))
    assert story.provider.taken_minor(order) == 0, "the clerk does not wait for the provider"
    story.host.work()
    assert story.provider.taken_minor(order) == 2 * 3850 + 550
    with pytest.raises(Refused):
        story.host.run(send(parcel=parcel.id, tracking=tracking(parcel.id)))
    story.host.run(deliver(parcels=(parcel.id,)))
    assert [line.shipped for line in story.the_order(order).lines] == [2]
    story.sound()


@given(carts(most_units=25), st.integers(0, 1500), st.booleans())
def test_parcels_take_exactly_what_they_are_worth(wanted: Cart, shipping: int, backwards: bool) -> None:  # noqa: FBT001 - drawn
    """Sent one by one in any order, parcels never take more than the order's total, and all together exactly that."""
    story = Story()
    try:
        order = story.bought(wanted, shipping=shipping)
    except Refused:
        return
    parcels = sorted(story.packed(order), reverse=backwards)
    gross = story.the_order(order).gross
    for number, parcel in enumerate(parcels, start=1):
        story.host.run(send(parcel=parcel, tracking=tracking(parcel)))
        story.host.work()
        taken = story.provider.taken_minor(order)
        shipped = sum(line.shipped for line in story.the_order(order).lines)
        assert taken <= gross.minor
        assert bool(taken) is bool(shipped)
        assert (taken == gross.minor) is (number == len(parcels)), "free shipping of the rest would be a gift"
    assert amounts_of(story.payment(order)).captured == gross
    assert all(line.shipped == line.ordered for line in story.the_order(order).lines)
    story.sound()


def test_a_unit_of_a_bundle_leaves_with_its_last_part() -> None:
    """A gift set whose cups come from another node has left, and is paid for, when both parcels have."""
    story = Story()
    story.host.run(sell_at_till(node=DC, units={unit("TEA-SEN-100"): 70}))
    story.host.run(sell_at_till(node=SHIBUYA, units={unit("CUP-CEL"): 8}))
    story.host.run(sell_at_till(node=KYOTO, units={unit("CUP-CEL"): 10}))
    order = story.bought(cart({GIFT: 1}))
    first, second = story.packed(order)
    story.host.run(send(parcel=first, tracking=tracking(first)))
    story.host.work()
    assert ([line.shipped for line in story.the_order(order).lines], story.provider.taken_minor(order)) == ([0], 0)
    story.host.run(send(parcel=second, tracking=tracking(second)))
    story.host.work()
    assert ([line.shipped for line in story.the_order(order).lines], story.provider.taken_minor(order)) == ([1], 4980)
    story.sound()


def test_nothing_leaves_that_is_not_there() -> None:
    """A parcel whose goods were sold over the counter is refused, and neither goods nor money move."""
    story = Story()
    order = story.bought(cart({"UMB-NVY": 1}))
    (parcel,) = story.packed(order)
    story.host.run(sell_at_till(node=DC, units={NAVY: 1}))
    with pytest.raises(NotOnShelf):
        story.host.run(send(parcel=parcel, tracking=tracking(parcel)))
    assert story.provider.taken_minor(order) == 0
    assert story.held(order) == {("L0", NAVY): 1}


# --------------------------------------------------------------------------------------------------------------- rescue


def test_a_sold_unit_is_served_from_elsewhere() -> None:
    """A till sells what a web buyer was promised: the promise goes to another node, and the parcel is planned there."""
    story = Story()
    order = story.bought(cart({"UMB-NVY": 1}))
    (before,) = story.delivery(order).parcels
    story.packed(order)
    story.host.run(sell_at_till(node=DC, units={NAVY: 1}))
    rescued = story.host.run(rescue(node=DC, units=(NAVY,)))
    assert (list(rescued.moved.values()), rescued.unserved) == ([{SHIBUYA: 1}], ())
    (after,) = live(story, order)
    assert (after.node, after.state, [item.amount for item in after.items]) == (SHIBUYA, ParcelState.PLANNED, [1])
    assert after.id != before.id
    assert story.host.run(rescue(node=DC, units=(NAVY,))) == Rescued(moved={}, unserved=())
    story.sent(order)
    assert story.provider.taken_minor(order) == 3850
    story.sound()


@given(st.lists(st.integers(1, 2), min_size=1, max_size=3), st.integers(1, 1), st.integers(0, 3), st.integers(0, 2))
def test_a_rescue_loses_no_item(units: list[int], gone: int, shibuya: int, kyoto: int) -> None:
    """However many promises are at risk and however little the stores have, each step is in one parcel or named."""
    story = Story()
    orders = []
    for number, wanted in enumerate(units):
        try:
            orders.append(story.bought(cart({"UMB-NVY": wanted, "SOCKS-GRY": 1}, id=f"c{number}")))
        except Refused:
            break
    story.host.run(sell_at_till(node=DC, units={NAVY: gone}))
    for node, sold in ((SHIBUYA, shibuya), (KYOTO, kyoto)):
        if sold:
            story.host.run(sell_at_till(node=node, units={NAVY: sold}))
    held = {order: story.held(order) for order in orders}
    for node in (DC, SHIBUYA, KYOTO):
        rescued = story.host.run(rescue(node=node, units=(NAVY,)))
        at_risk = story.host.run(holds_at_risk(node=node, units=(NAVY,)))
        assert {risk.hold for risk in at_risk} <= set(rescued.unserved), "who is still short is named"
    assert {order: story.held(order) for order in orders} == held
    for order in orders:
        carried: dict[tuple[str, str], int] = {}
        for parcel in live(story, order):
            for item in parcel.items:
                place = (item.line, item.unit)
                carried[place] = carried.get(place, 0) + item.amount
                share = story.host.run(reserved(reservation=order)).find(item.hold)
                assert share is not None, "a parcel carries what is promised to it"
                assert share.share == Share(line=item.line, unit=item.unit, node=parcel.node, amount=item.amount)
        assert carried == held[order]
    story.sound()


def test_a_pickup_is_named_not_moved() -> None:
    """A buyer who comes to a store is not sent elsewhere: what the store lacks for them is named for a person."""
    story = Story()
    order = story.bought(cart({"UMB-NVY": 3}, groups=[pickup_at(SHIBUYA)], group=PICKUP))
    story.host.run(sell_at_till(node=SHIBUYA, units={NAVY: 2}))
    rescued = story.host.run(rescue(node=SHIBUYA, units=(NAVY,)))
    assert (rescued.moved, rescued.unserved) == ({}, (accounts.hold_id(order, 1),))
    assert story.at("UMB-NVY", SHIBUYA).held == 3


def test_a_promise_nobody_can_keep_is_named() -> None:
    """Where no node has the goods any more, the promise stands where it was and is named."""
    story = Story()
    order = story.bought(cart({"UMB-NVY": 1}))
    for node, left in ((DC, 1), (SHIBUYA, 4), (KYOTO, 3)):
        story.host.run(sell_at_till(node=node, units={NAVY: left}))
    rescued = story.host.run(rescue(node=DC, units=(NAVY,)))
    assert (rescued.moved, rescued.unserved) == ({}, (accounts.hold_id(order, 1),))
    assert story.held(order) == {("L0", NAVY): 1}
    with pytest.raises(Refused):
        story.host.run(move_holds(places={accounts.hold_id(order, 1): {NodeId(SHIBUYA): 1}}))
    story.sound()


def test_the_total_is_what_was_agreed() -> None:
    """What is taken for an order of one parcel is what the buyer saw, to the yen."""
    story = Story()
    order = story.bought(cart({"SHIRT-WHT-M": 1}), shipping=333)
    story.sent(order)
    assert amounts_of(story.payment(order)).captured == yen(8233)
