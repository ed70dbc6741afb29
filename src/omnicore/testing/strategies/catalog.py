"""Which values may the types of the catalogue have? One strategy for each, also for the awkward corners."""

from hypothesis import strategies as st

from omnicore.catalog import (
    Bundle,
    Component,
    Composition,
    Listing,
    Media,
    Product,
    Publication,
    Single,
    Sku,
    TradeItem,
    Variant,
    components,
    gtin14,
)
from omnicore.kernel.ids import ChannelId, ProductId, SkuId, VariantId
from omnicore.testing.strategies.kernel import ids, localized, periods, texts


def gtins() -> st.SearchStrategy[str]:
    """Give GTINs of every length with a good check digit."""

    def checked(digits: str) -> str:
        weighted = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
        return digits + str(-weighted % 10)

    return st.sampled_from((7, 11, 12, 13)).flatmap(
        lambda length: st.from_regex(rf"[0-9]{{{length}}}", fullmatch=True).map(checked)
    )


def sku_ids() -> st.SearchStrategy[SkuId]:
    """Give ids that may name a unit of the ledger."""
    return ids().filter(lambda text: "/" not in text and "@" not in text).map(SkuId)


def skus() -> st.SearchStrategy[Sku]:
    """Give SKUs counted by the piece or in fractions."""
    return st.builds(Sku, id=sku_ids(), scale=st.integers(0, 6), gtin=st.none() | gtins())


def medias() -> st.SearchStrategy[Media]:
    """Give media."""
    return st.builds(Media, url=st.just("https://cdn.example/a.jpg") | texts().filter(bool), alt=texts())


def several_components() -> st.SearchStrategy[tuple[Component, ...]]:
    """Give the components of a bundle."""
    one = st.builds(Component, sku=sku_ids(), steps=st.integers(1, 5))
    return st.lists(one, min_size=1, max_size=4, unique_by=lambda component: component.sku).map(tuple)


def compositions() -> st.SearchStrategy[Composition]:
    """Give compositions of every kind."""
    single = several_components().map(lambda several: Single(of=several[0]))
    return single | several_components().map(lambda several: Bundle(of=several))


def variants() -> st.SearchStrategy[Variant]:
    """Give variants of any product."""
    return st.builds(
        Variant,
        id=ids().map(VariantId),
        product=ids().map(ProductId),
        composition=compositions(),
        options=st.lists(texts(limit=8).filter(bool), max_size=3).map(tuple),
    )


def products() -> st.SearchStrategy[Product]:
    """Give products with any options and variants."""
    return st.builds(
        Product,
        id=ids().map(ProductId),
        title=localized(),
        description=st.none() | localized(),
        options=st.lists(texts(limit=8).filter(bool), max_size=3, unique=True).map(tuple),
        category=texts(),
        tax_category=st.sampled_from(("standard", "reduced")),
        media=st.lists(medias(), max_size=2).map(tuple),
        variants=st.sets(ids().map(VariantId), max_size=3).map(lambda several: tuple(sorted(several))),
    )


def publications() -> st.SearchStrategy[Publication]:
    """Give publications."""
    return st.builds(Publication, product=ids().map(ProductId), channel=ids().map(ChannelId), period=periods())


def trade_items() -> st.SearchStrategy[TradeItem]:
    """Give what GTINs name."""
    return st.builds(TradeItem, gtin=gtins().map(gtin14), sku=sku_ids())


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    """Give one of a few products whose variants differ in size, with the SKUs they hand over, some shared."""
    product = Product(id=ProductId(draw(st.sampled_from("PQRS"))), title=draw(localized()), options=("Size",))
    sizes = draw(st.lists(st.sampled_from("SML"), min_size=1, max_size=3, unique=True))
    pieces = st.builds(Component, sku=st.sampled_from("ABCDEF").map(SkuId), steps=st.integers(1, 5))
    bundles = st.lists(pieces, min_size=1, max_size=3, unique_by=lambda component: component.sku)
    either = pieces.map(lambda piece: Single(of=piece)) | bundles.map(lambda several: Bundle(of=tuple(several)))
    several = tuple(
        Variant(id=VariantId(f"{product.id}:{size}"), product=product.id, composition=draw(either), options=(size,))
        for size in sizes
    )
    named = {sku: Sku(id=sku) for variant in several for sku in components(variant)}
    return Listing(product=product, variants=several, skus=tuple(named.values()))
