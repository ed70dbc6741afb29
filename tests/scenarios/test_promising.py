"""Is what is promised there, whole, and of nobody else?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.catalog import components
from omnicore.fulfilment import Item
from omnicore.inventory import Allocation, OutOfStock, Reservation
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, question
from omnicore.kernel.ids import CartId, LineId, NodeId, OrderId, VariantId
from omnicore.ordering import Cart, CartLine, OrderLine
from omnicore.scenarios.bopis import PICKUP, pickup_at
from omnicore.scenarios.promising import Shelves, load_shelves, need_of, plan, promise
from omnicore.scenarios.quote import price
from omnicore.tax import JAPAN, JAPAN_INVOICE
from omnicore.testing.shop import DC, GIFT, KYOTO, SHIBUYA, WEB, unit
from omnicore.testing.strategies.scenarios import carts
from tests.scenarios.story import Story, cart


@question("tests.promised")
async def promised(given: Given, *, cart: Cart) -> tuple[Allocation, ...]:
    """Promise a cart without writing anything."""
    offered = await price(
        cart,
        given=given,
        shipping=None,
        place="JP",
        rates=JAPAN,
        policy=JAPAN_INVOICE,
        language="ja",
        expires=given.at.plus(minutes=1),
    )
    shelves = await load_shelves({line.variant for line in offered.lines}, channel=cart.channel)
    into = Reservation(id="r", channel=cart.channel)
    return promise(offered.lines, offered.groups, shelves=shelves, into=into, expires=None).allocations


@question("tests.needed")
async def needed(given: Given, *, cart: Cart) -> dict[str, int]:
    """Add up the steps a cart needs of every SKU, line by line."""
    shelves: Shelves = await load_shelves({line.variant for line in cart.lines}, channel=cart.channel)
    found: dict[str, int] = {}
    for line in cart.lines:
        ordered = OrderLine(
            id=line.id,
            variant=line.variant,
            title="",
            ordered=line.quantity,
            unit_price=0,
            total=0,
            tax_category="standard",
        )
        for name, steps in need_of(ordered, shelves.sold[line.variant]).steps.items():
            found[f"{line.id} {name}"] = steps
    assert all(components(each.variant) for each in shelves.sold.values())
    return found


@given(carts(most_units=40))
def test_what_is_promised_is_what_is_needed_and_there(wanted: Cart) -> None:
    """Each line gets its units times its composition; never more than a node has; refused only if the pool is short."""
    story = Story()
    free = story.free()
    need = story.host.run(needed(cart=wanted))
    total: dict[str, int] = {}
    for name, steps in need.items():
        total[name.split(" ", 1)[1]] = total.get(name.split(" ", 1)[1], 0) + steps
    try:
        allocations = story.host.run(promised(cart=wanted))
    except OutOfStock as refused:
        assert any(free[name] < steps for name, steps in total.items())
        scarce = unit(str(refused.facts["sku"]))
        assert free[scarce] == refused.facts["available"]  # noqa: PT017 - other baskets are not refused
        return
    assert all(free[name] >= steps for name, steps in total.items())
    granted: dict[str, int] = {}
    placed: dict[tuple[str, NodeId], int] = {}
    for each in allocations:
        name = f"{each.share.line} {each.share.unit}"
        granted[name] = granted.get(name, 0) + each.share.amount
        place = (each.share.unit, each.share.node)
        placed[place] = placed.get(place, 0) + each.share.amount
    assert granted == need
    for (sku, node), steps in placed.items():
        there = story.at(sku.removeprefix("sku:"), node).available
        assert steps <= there - (0 if node == DC else 1)


@given(st.integers(1, 30), st.integers(1, 60))
def test_a_bundle_is_promised_whole(gifts: int, cups: int) -> None:
    """A gift set, beside loose cups, gets its tea and both its cups, or nothing of the basket is promised."""
    story = Story()
    free = story.free("TEA-SEN-100", "CUP-CEL")
    wanted = cart([(GIFT, gifts), ("CUP-CEL", cups)])
    fits = 2 * gifts + cups <= free[unit("CUP-CEL")] and gifts <= free[unit("TEA-SEN-100")]
    try:
        order = story.bought(wanted)
    except OutOfStock:
        assert not fits
        assert story.free("TEA-SEN-100", "CUP-CEL") == free
        return
    assert fits
    assert story.held(order) == {
        ("L0", unit("TEA-SEN-100")): gifts,
        ("L0", unit("CUP-CEL")): 2 * gifts,
        ("L1", unit("CUP-CEL")): cups,
    }
    story.sound()


@pytest.mark.parametrize(("store", "there"), [(SHIBUYA, 4), (KYOTO, 3)])
@pytest.mark.parametrize("more", [0, 1])
def test_a_pickup_comes_from_its_store_alone(store: NodeId, there: int, more: int) -> None:
    """What is collected in a store is promised there or not at all, whatever the other nodes have."""
    story = Story()
    left = there - 1  # the web leaves a store its last piece
    wanted = cart({"UMB-BEI": left + more}, groups=[pickup_at(store)], group=PICKUP)
    try:
        order = story.bought(wanted)
    except OutOfStock:
        assert more
        return
    assert not more
    (pickup,) = story.delivery(order).pickups
    assert (pickup.node, story.delivery(order).parcels) == (store, ())
    assert story.at("UMB-BEI", store).held == left
    assert story.at("UMB-BEI", DC).held == 0


@given(st.integers(1, 6), st.integers(1, 4))
def test_a_basket_for_both_ways_is_decided_as_one(delivered: int, collected: int) -> None:
    """Delivered and collected units of one SKU are promised together if, and only if, there is enough for both."""
    story = Story()
    umbrella = VariantId("UMB-NVY")
    wanted = Cart(
        id=CartId("both"),
        channel=WEB,
        lines=(
            CartLine(id=LineId("sent"), variant=umbrella, quantity=delivered),
            CartLine(id=LineId("collected"), variant=umbrella, quantity=collected, group=PICKUP),
        ),
        groups=(pickup_at(SHIBUYA),),
    )
    fits = collected <= 3 and delivered + collected <= 1 + 3 + 2
    try:
        order = story.bought(wanted)
    except OutOfStock:
        assert not fits
        return
    assert fits
    (pickup,) = story.delivery(order).pickups
    assert [item.amount for item in pickup.items] == [collected]
    sent = [item.amount for parcel in story.delivery(order).parcels for item in parcel.items]
    assert sum(sent) == delivered
    story.sound()


def test_the_last_piece_is_sold_once() -> None:
    """Buyers one after the other get what there is, and the next is refused."""
    story = Story()
    sold = 0
    with pytest.raises(Refused):  # noqa: PT012 - which of them is refused is what we count
        for number in range(10):
            story.bought(cart({"UMB-NVY": 1}, id=f"c{number}"))
            sold += 1
    assert sold == 1 + 3 + 2
    assert story.free("UMB-NVY") == {unit("UMB-NVY"): 0}
    story.sound()


@given(carts())
def test_every_step_is_in_one_parcel(wanted: Cart) -> None:
    """What is promised is given to nodes as work once: each step in exactly one parcel, at the node that holds it."""
    story = Story()
    allocations = story.host.run(promised(cart=wanted))
    lines = [
        OrderLine(
            id=line.id,
            variant=line.variant,
            title="",
            ordered=line.quantity,
            unit_price=0,
            total=0,
            tax_category="standard",
        )
        for line in wanted.lines
    ]
    planned = plan(OrderId("o"), lines, (), allocations, at=story.clock())
    assert planned.moves == ()
    items = [Item(line=a.share.line, unit=a.share.unit, amount=a.share.amount, hold=a.hold) for a in allocations]
    order = story.bought(wanted)
    carried = [
        (parcel.node, item.line, item.unit, item.amount)
        for parcel in story.delivery(order).parcels
        for item in parcel.items
    ]
    expected = [
        (each.share.node, item.line, item.unit, item.amount) for each, item in zip(allocations, items, strict=True)
    ]
    assert sorted(carried) == sorted(expected)
