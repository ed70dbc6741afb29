"""Does an order told many times, in any order and by halves, become one order, and its buyer one customer?"""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.catalog import ProductUnknown
from omnicore.host import Host
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, CustomerId, LineId, OrderId, VariantId
from omnicore.network import ChannelUnknown
from omnicore.ordering import order_of_channel
from omnicore.parties import who_is
from omnicore.scenarios.order_import import MAX_ORDERS, Imported, ToldLine, ToldOrder, import_orders
from omnicore.testing.clock import NOON
from omnicore.testing.shop import DC, MARKET, unit
from omnicore.testing.strategies.scenarios import told_buyers, told_orders
from tests.scenarios.story import Story, yen


def importer(story: Story) -> Host:
    """Act for the marketplace's import, which may read what it is told again of a buyer."""
    return story.host.acting(story.host.actor, purpose="import")


def imported(story: Story, *orders: ToldOrder) -> Imported:
    """Import orders of the marketplace."""
    return importer(story).run(import_orders(channel=MARKET, orders=orders))


def told(
    number: int, wanted: dict[str, int], *, revision: int = 0, anonymous: bool = False, price: int = 1000
) -> ToldOrder:
    """Tell an order of the marketplace."""
    return ToldOrder(
        external_id=f"R-{number}",
        revision=revision,
        placed_at=NOON,
        lines=tuple(
            ToldLine(id=LineId(variant), variant=VariantId(variant), units=units, unit_price=price, total=price * units)
            for variant, units in wanted.items()
        ),
        seen=told_buyers(number=number, anonymous=anonymous, told_at=NOON.plus(minutes=revision)),
    )


def order_of(number: int) -> OrderId:
    """Say which order of ours an order of the marketplace is."""
    return order_of_channel(MARKET, f"R-{number}")


def test_a_marketplace_order_is_taken_over() -> None:
    """The channel's price stands, the tax in it is assessed, the goods are promised and planned at once."""
    story = Story()
    answer = imported(story, told(1, {"TEA-SEN-100": 2}))
    assert answer == Imported(orders={"R-1": order_of(1)}, short=())
    order = story.the_order(order_of(1))
    assert (order.gross, order.totals.tax) == (yen(2000), 2000 * 8 // 108)
    assert story.held(order.id) == {("TEA-SEN-100", unit("TEA-SEN-100")): 2}
    (parcel,) = story.delivery(order.id).parcels
    assert parcel.node == DC
    story.sound()


@given(told_orders().flatmap(lambda orders: st.tuples(st.just(orders), st.permutations((*orders, *orders)))))
def test_any_order_of_telling_gives_the_same_orders(drawn: tuple[tuple[ToldOrder, ...], list[ToldOrder]]) -> None:
    """Told twice over, in any order, one by one or together: one order each, at its newest revision, promised once."""
    orders, shuffled = drawn
    one, other, at_once = Story(), Story(), Story()
    for each in orders:
        imported(one, each)
    for each in shuffled:
        imported(other, each)
    imported(at_once, *shuffled)
    newest = {each.external_id: each for each in orders}
    for story in (one, other, at_once):
        for name, last in newest.items():
            order = story.the_order(order_of_channel(MARKET, name))
            assert order.revision == last.revision
            assert order.gross == yen(sum(line.total for line in last.lines))
            assert [line.ordered for line in order.lines] == [line.units for line in last.lines]
    assert one.free(channel=MARKET) == other.free(channel=MARKET) == at_once.free(channel=MARKET)
    before = other.fingerprint()
    imported(other, *newest.values())
    assert other.fingerprint() == before
    other.sound()


def customer_of(story: Story, number: int) -> CustomerId:
    """Say on whom an order is booked."""
    customer = story.the_order(order_of(number)).customer
    assert customer is not None
    return customer


def test_an_anonymised_version_erases_nothing() -> None:
    """A newer version without its buyer's name leaves the customer, and what is known of them, as they were."""
    story = Story()
    imported(story, told(1, {"TEA-SEN-100": 1}))
    customer = customer_of(story, 1)
    imported(story, told(1, {"TEA-SEN-100": 1}, revision=1, anonymous=True, price=900))
    assert customer_of(story, 1) == customer
    assert importer(story).run(who_is(customer=customer)).details.name.reveal() == "買い手 1"
    assert story.the_order(order_of(1)).gross == yen(900)
    story.sound()


def test_a_buyer_is_found_again() -> None:
    """Two orders of one buyer are booked on one customer, named or not; another buyer is another customer."""
    story = Story()
    first = told(1, {"TEA-SEN-100": 1}, anonymous=True)
    second = evolve(told(2, {"TEA-SEN-100": 1}), seen=evolve(first.seen, basis="second"))
    imported(story, first)
    imported(story, second, told(3, {"TEA-SEN-100": 1}))
    assert customer_of(story, 1) == customer_of(story, 2) != customer_of(story, 3)
    story.sound()


def test_short_orders_are_taken_over_and_named() -> None:
    """What was sold elsewhere is an order, even where the goods are short; the ones after it still get theirs."""
    story = Story()
    there = story.free("UMB-BEI", channel=MARKET)[unit("UMB-BEI")]
    answer = imported(
        story,
        told(1, {"UMB-BEI": there - 1}),
        told(2, {"UMB-BEI": 2, "SOCKS-GRY": 1}),
        told(3, {"UMB-BEI": 1}),
        told(4, {"UMB-BEI": 1}),
    )
    assert answer.short == (order_of(2), order_of(4))
    assert story.free("UMB-BEI", channel=MARKET) == {unit("UMB-BEI"): 0}
    assert all(story.order(order_of(number)) for number in (1, 2, 3, 4))
    assert story.held(order_of(2)) == {}
    assert story.delivery(order_of(2)).parcels == ()
    story.sound()


def test_the_web_and_the_marketplace_share_the_shelf() -> None:
    """What the marketplace has sold is not promised to the web."""
    story = Story()
    before = story.free("UMB-BEI")[unit("UMB-BEI")]
    imported(story, told(1, {"UMB-BEI": 3}))
    assert story.free("UMB-BEI") == {unit("UMB-BEI"): before - 3}


def test_a_bad_import_changes_nothing() -> None:
    """One order of an unknown product, an unknown channel, none or too many: nothing of the import is taken over."""
    story = Story()
    before = story.fingerprint()
    good, bad = told(1, {"TEA-SEN-100": 1}), told(2, {"NOT-SOLD": 1})
    with pytest.raises(ProductUnknown):
        imported(story, good, bad)
    with pytest.raises(ChannelUnknown):
        importer(story).run(import_orders(channel=ChannelId("nowhere"), orders=(good,)))
    for orders in ((), (good,) * (MAX_ORDERS + 1)):
        with pytest.raises(Malformed):
            imported(story, *orders)
    assert story.fingerprint() == before


@pytest.mark.parametrize("newest_first", [True, False])
def test_versions_told_together_are_one_order(newest_first: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """Where one import tells two versions of an order, the newest counts, and what it says is what is promised."""
    story = Story()
    versions = [told(1, {"TEA-SEN-100": 2}), told(1, {"TEA-SEN-100": 3}, revision=1)]
    imported(story, *sorted(versions, key=lambda each: each.revision, reverse=newest_first))
    assert [line.ordered for line in story.the_order(order_of(1)).lines] == [3]
    assert story.held(order_of(1)) == {("TEA-SEN-100", unit("TEA-SEN-100")): 3}
    story.sound()
