"""Does a cart priced at a desk become one order with its goods promised, or nothing at all?"""

from collections.abc import Sequence

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.catalog import find_sold
from omnicore.inventory import OutOfStock
from omnicore.kernel.errors import OmnicoreError
from omnicore.kernel.ids import OrderId, QuoteId
from omnicore.ordering import AlreadyPlaced, Cart, Quote, QuoteExpired
from omnicore.scenarios.checkout import CheckoutUnderWay, reserve
from omnicore.scenarios.place_order import place_order
from omnicore.scenarios.promising import need_of
from omnicore.testing import Play, simulate
from omnicore.testing.shop import DC, unit
from omnicore.testing.strategies.scenarios import carts
from tests.scenarios.story import Story, card, cart, order_id
from tests.scenarios.test_quote import read_quote

TEA = cart({"TEA-SEN-100": 2})


def offer_of(story: Story, wanted: Cart) -> Quote:
    """Price a cart as the desk does; what it hands over is the offer itself."""
    kept = story.host.run(read_quote(quote=story.quoted(wanted).quote))
    assert kept is not None
    return evolve(kept, id=QuoteId("desk"))


def test_a_priced_cart_becomes_an_order_at_once() -> None:
    """The price agreed at the desk stands, the goods are held without an end, and a node has a parcel to pack."""
    story = Story()
    offer = offer_of(story, TEA)
    order = story.host.run(place_order(offer=offer), command="desk-1")
    placed = story.the_order(order)
    assert (order, placed.cart, placed.gross) == (order_id(TEA), TEA.id, offer.gross)
    assert placed.lines == offer.lines
    assert story.held(order) == {("L0", unit("TEA-SEN-100")): 2}
    (parcel,) = story.delivery(order).parcels
    assert (parcel.node, [item.amount for item in parcel.items]) == (DC, [2])
    assert [row["subject"] for row in story.events("ordering.order_placed.v1")] == [order]
    story.sent(order)
    story.sound()


@given(carts())
def test_every_unit_is_promised(wanted: Cart) -> None:
    """For each line, what is held of a SKU is its units times the steps of what the variant hands over."""
    story = Story()
    offer = offer_of(story, wanted)
    order = story.host.run(place_order(offer=offer))
    variants = tuple({line.variant for line in offer.lines})
    sold = {each.variant.id: each for each in story.host.run(find_sold(variants=variants))}
    needed = {
        (line.id, sku): steps for line in offer.lines for sku, steps in need_of(line, sold[line.variant]).steps.items()
    }
    assert story.held(order) == needed
    story.sound()


def test_a_cart_is_ordered_once() -> None:
    """The same command gives the same order again; another command for the cart is refused, and nothing is written."""
    story = Story()
    offer = offer_of(story, TEA)
    order = story.host.run(place_order(offer=offer), command="desk-1")
    before = story.fingerprint()
    assert story.host.run(place_order(offer=offer), command="desk-1") == order
    for again in (offer, evolve(offer, id=QuoteId("other"), placed=OrderId("other"))):
        with pytest.raises(AlreadyPlaced):
            story.host.run(place_order(offer=again), command="desk-2")
    assert story.fingerprint() == before


def test_what_is_not_there_is_not_sold() -> None:
    """One line that cannot be promised refuses the whole cart: no order, no hold, no parcel."""
    story = Story()
    offer = offer_of(story, cart({"TEA-SEN-100": 1, "UMB-NVY": 1000}))
    before = story.fingerprint()
    with pytest.raises(OutOfStock):
        story.host.run(place_order(offer=offer), command="desk-1")
    assert story.fingerprint() == before


def test_an_offer_ends() -> None:
    """From the instant an offer expires it is placed no more."""
    story = Story()
    offer = offer_of(story, TEA)
    story.clock.advance(minutes=30)
    with pytest.raises(QuoteExpired):
        story.host.run(place_order(offer=offer))


def test_a_checkout_owns_its_cart() -> None:
    """A cart whose goods a checkout holds is not placed at the desk beside it."""
    story = Story()
    offer = offer_of(story, TEA)
    quoted = story.quoted(TEA)
    tenders = (card(quoted.gross),)
    story.host.run(reserve(quote=quoted.quote, shown=quoted.gross, tenders=tenders, hold_minutes=30))
    before = story.fingerprint()
    with pytest.raises(CheckoutUnderWay):
        story.host.run(place_order(offer=offer))
    assert story.fingerprint() == before


@given(st.data())
def test_desk_and_checkout_meet_on_the_cart(data: st.DataObject) -> None:
    """Of a desk and a checkout that take the same cart at once, in whatever order, one gets it and holds its goods."""
    story = Story()
    offer = offer_of(story, TEA)
    quoted = story.quoted(TEA)
    checking_out = reserve(quote=quoted.quote, shown=quoted.gross, tenders=(card(quoted.gross),), hold_minutes=30)

    def choose(options: Sequence[str]) -> int:
        return data.draw(st.integers(0, len(options) - 1))

    plays = [Play(flow=place_order(offer=offer)), Play(flow=checking_out)]
    outcome = simulate(plays, database=story.database, choose=choose, clock=story.clock)
    assert outcome.succeeded == 1
    (lost,) = [answer for answer in outcome.answers if isinstance(answer, OmnicoreError)]
    assert isinstance(lost, CheckoutUnderWay | AlreadyPlaced)
    assert story.held(order_id(TEA)) == {("L0", unit("TEA-SEN-100")): 2}
    assert (story.order(order_id(TEA)) is None) == (lost is outcome.answers[0])
    story.sound()
