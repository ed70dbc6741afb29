"""Which products may a file of Shopify hold? Also texts that look like formulas, quotes and line breaks."""

from hypothesis import strategies as st

from omnicore.interop.shopify_products import MarketPrice, ShopifyImage, ShopifyProduct, ShopifyVariant
from omnicore.testing.strategies.kernel import moneys, texts

_TRICKY = ("=1+1", "'=1+1", "-3", "'-3", "+81", "@a", 'say "hi"', "a,b", "'", "''=x", "Default Title", "TRUE")


def lines() -> st.SearchStrategy[str]:
    """Give the texts of one cell, without space at the ends."""
    return st.sampled_from(_TRICKY) | texts(limit=12).map(str.strip)


def shopify_images() -> st.SearchStrategy[ShopifyImage]:
    """Give images."""
    return st.builds(ShopifyImage, url=lines().filter(bool), alt=lines())


def market_prices() -> st.SearchStrategy[tuple[MarketPrice, ...]]:
    """Give the prices of a variant in some markets."""
    amounts = st.sampled_from(("", "9.99", "10", "0.50"))
    one = st.builds(
        MarketPrice, market=st.sampled_from(("International", "日本", "EU")), price=amounts, compare_at=amounts
    )
    several = st.lists(one.filter(lambda each: bool(each.price or each.compare_at)), unique_by=lambda each: each.market)
    return several.map(lambda found: tuple(sorted(found, key=lambda each: each.market)))


def shopify_variants(*, options: tuple[str, ...] = (), currency: str = "GBP") -> st.SearchStrategy[ShopifyVariant]:
    """Give variants with these options chosen."""
    money = st.none() | moneys(currency=currency, least=0, most=10**12)
    flag = st.none() | st.booleans()
    return st.builds(
        ShopifyVariant,
        options=st.just(options),
        sku=lines(),
        barcode=st.sampled_from(("", "4006381333931", "ABC-1")),
        price=money,
        compare_at=money,
        cost=money,
        quantity=st.none() | st.integers(-5, 10_000),
        weight_g=st.none() | st.integers(0, 50_000),
        taxable=flag,
        ships=flag,
        sells_beyond_stock=flag,
        image_url=lines(),
        markets=market_prices(),
    )


@st.composite
def shopify_products(draw: st.DrawFn, *, currency: str = "GBP") -> ShopifyProduct:
    """Give products with and without options."""
    names = draw(st.lists(st.sampled_from(("Size", "色", "=Fit")), max_size=3, unique=True).map(tuple))
    value = lines().filter(bool)
    chosen = draw(st.lists(st.tuples(*[value] * len(names)), min_size=1, max_size=3, unique=True)) if names else [()]
    flag = st.none() | st.booleans()
    markets = draw(st.dictionaries(st.sampled_from(("International", "日本")), st.booleans()))
    return ShopifyProduct(
        handle=draw(st.from_regex(r"[a-z0-9][a-z0-9-]{0,12}", fullmatch=True)),
        title=draw(value),
        description=draw(lines() | st.just("<p>One</p>\n<p>Two</p>")),
        vendor=draw(lines()),
        category=draw(lines()),
        type=draw(lines()),
        tags=tuple(draw(st.lists(value.filter(lambda tag: "," not in tag), max_size=3))),
        published=draw(flag),
        status=draw(st.sampled_from(("", "active", "draft", "archived"))),
        gift_card=draw(flag),
        seo_title=draw(lines()),
        seo_description=draw(lines()),
        options=names,
        variants=tuple(draw(shopify_variants(options=tuple(each), currency=currency)) for each in chosen),
        images=tuple(draw(st.lists(shopify_images(), max_size=4))),
        included=tuple(sorted(markets.items())),
    )
