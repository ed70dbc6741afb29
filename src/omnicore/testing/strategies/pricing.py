"""Which values may pricing's types have? One strategy for each, also for the awkward corners."""

from typing import Final

from hypothesis import strategies as st

from omnicore.kernel.ids import ChannelId, PriceListId, VariantId
from omnicore.kernel.time import Period
from omnicore.pricing import Break, ListPrice, PriceBook, PriceList
from omnicore.testing.strategies.kernel import periods, tax_bases

CHANNELS: Final = (ChannelId("web"), ChannelId("store"), ChannelId("rakuten"))
VARIANTS: Final = (VariantId("TEE-M"), VariantId("TEE-L"), VariantId("a/b"), VariantId("茶"))
LISTS: Final = tuple(PriceListId(each) for each in ("base", "sale", "web", "a", "a/a", "会員"))


@st.composite
def price_breaks(draw: st.DrawFn) -> tuple[Break, ...]:
    """Give quantity breaks: one price, or several that fall or stay as the quantity rises."""
    count = draw(st.integers(1, 4))
    more = draw(st.lists(st.integers(2, 40), min_size=count - 1, max_size=count - 1, unique=True))
    units = draw(st.lists(st.integers(0, 3_000), min_size=count, max_size=count))
    return tuple(Break(at, unit) for at, unit in zip((1, *sorted(more)), sorted(units, reverse=True), strict=True))


@st.composite
def price_lists(draw: st.DrawFn, *, id: PriceListId | None = None) -> PriceList:
    """Give price lists of all channels or one, now, earlier or later, in yen mostly."""
    return PriceList(
        id=draw(st.sampled_from(LISTS)) if id is None else id,
        channel=draw(st.none() | st.sampled_from(CHANNELS)),
        currency=draw(st.sampled_from(("JPY", "JPY", "JPY", "GBP"))),
        basis=draw(tax_bases()),
        valid=draw(st.just(Period()) | periods()),
        precedence=draw(st.integers(-2, 2)),
    )


def list_prices() -> st.SearchStrategy[ListPrice]:
    """Give prices of a variant on a list."""
    return st.builds(ListPrice, list=st.sampled_from(LISTS), variant=st.sampled_from(VARIANTS), breaks=price_breaks())


@st.composite
def price_books(draw: st.DrawFn) -> PriceBook:
    """Give a few lists with their prices, gaps included."""
    ids = draw(st.lists(st.sampled_from(LISTS), unique=True))
    lists = tuple(draw(price_lists(id=each)) for each in ids)
    prices = draw(st.lists(list_prices(), max_size=12, unique_by=lambda price: price.key))
    return PriceBook(lists, tuple(prices))
