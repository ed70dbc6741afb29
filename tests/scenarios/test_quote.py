"""What does a quote promise?"""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.catalog import NotOffered, ProductUnknown, publish_products
from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.flow import Given, get, question
from omnicore.kernel.ids import CartId, ChannelId, ProductId, QuoteId
from omnicore.kernel.money import Money
from omnicore.network import ChannelUnknown
from omnicore.ordering import QUOTE, Cart, CartLine, Charge, OrderLine, Quote
from omnicore.scenarios.quote import quote
from omnicore.testing.shop import GIFT, STORE, WEB
from omnicore.testing.strategies.scenarios import carts
from tests.scenarios.story import Story, cart, yen


@question("tests.read_quote")
async def read_quote(given: Given, *, quote: QuoteId) -> Quote | None:
    """Read a quote."""
    stored = await get(QUOTE, quote)
    return None if stored is None else stored.value


def test_a_basket_is_priced_with_its_tax() -> None:
    """A shirt at 10 % and tea at 8 % are shown at their prices, with the tax that is in them."""
    story = Story()
    made = story.quoted(cart({"SHIRT-WHT-M": 1, "TEA-SEN-100": 2}), shipping=550)
    assert made.gross == yen(7900 + 2 * 1296 + 550)
    assert made.tax == yen((7900 + 550) * 10 // 110 + 2592 * 8 // 108)
    kept = story.host.run(read_quote(quote=made.quote))
    assert kept is not None
    assert [line.title for line in kept.lines] == ["リネンシャツ (White / M)", "煎茶 (100 g)"]
    assert made.expires == story.clock().plus(minutes=30)


@given(carts(), st.none() | st.integers(0, 2000))
def test_a_quote_adds_up(wanted: Cart, shipping: int | None) -> None:
    """Lines and charges add up to the total, net and tax too, and nothing is written but the quote."""
    story = Story()
    before = story.fingerprint()
    made = story.quoted(wanted, shipping=shipping)
    kept = story.host.run(read_quote(quote=made.quote))
    assert kept is not None
    parts: tuple[OrderLine | Charge, ...] = (*kept.lines, *kept.charges)
    assert sum(part.total for part in parts) == made.gross.minor
    assert sum(part.tax for part in parts) == made.tax.minor
    assert sum(rate.net + rate.tax for rate in kept.totals.rates) == kept.totals.net + kept.totals.tax
    assert kept.totals.net + kept.totals.tax == made.gross.minor
    assert [(line.variant, line.ordered) for line in kept.lines] == [(w.variant, w.quantity) for w in wanted.lines]
    after = story.fingerprint()
    assert (after[0], after[1:3], after[4]) == (int(str(before[0])) + 1, before[1:3], before[4])


@given(carts().flatmap(lambda wanted: st.tuples(st.just(wanted), st.permutations(wanted.lines))))
def test_the_order_of_lines_does_not_matter(drawn: tuple[Cart, list[CartLine]]) -> None:
    """A basket costs the same, and is taxed the same, in whatever order its lines stand."""
    story = Story()
    wanted, lines = drawn
    other = evolve(wanted, id=CartId("other"), lines=tuple(lines))
    one, two = story.quoted(wanted, shipping=500), story.quoted(other, shipping=500)
    assert (one.gross, one.tax) == (two.gross, two.tax)


@pytest.mark.parametrize(
    ("wanted", "refused"),
    [
        (cart({"NOT-SOLD": 1}), ProductUnknown),
        (cart({GIFT: 1}, channel=ChannelId("phone")), ChannelUnknown),
    ],
)
def test_what_is_not_sold_has_no_price(wanted: Cart, refused: type[Refused]) -> None:
    """What is not in the catalogue, or of a channel nobody knows, is not offered, and nothing is written."""
    story = Story()
    before = story.fingerprint()
    with pytest.raises(refused):
        story.quoted(wanted)
    assert story.fingerprint() == before


def test_what_is_not_published_is_not_offered() -> None:
    """What was withdrawn from a channel is not offered there any more, and still is in the others."""
    story = Story()
    story.host.run(publish_products(products=(ProductId("tea-gift"),), channel=WEB, until=story.clock()))
    with pytest.raises(NotOffered):
        story.quoted(cart({GIFT: 1}))
    assert story.quoted(cart({GIFT: 1}, id="in-store", channel=STORE)).gross == yen(4980)


def test_shipping_is_in_the_currency_of_the_channel() -> None:
    """Five dollars of shipping are not five yen."""
    with pytest.raises(Malformed, match=r"\$\.shipping"):
        Story().host.run(quote(cart=cart({"UMB-BEI": 1}), shipping=Money(5, "USD")))
