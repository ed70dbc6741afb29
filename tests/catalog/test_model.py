import pytest
from attrs import evolve
from hypothesis import given

from omnicore.catalog import (
    Bundle,
    Component,
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
from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ProductId, SkuId, VariantId
from omnicore.kernel.text import Localized
from omnicore.testing.strategies import catalog as drawn

TEE = Product(id=ProductId("tee"), title=Localized.of({"ja": "Tシャツ", "en": "Tee"}), options=("Size",))
TEE_M = Variant(
    id=VariantId("tee:M"), product=TEE.id, composition=Single(of=Component(sku=SkuId("TEE-M"))), options=("M",)
)


@given(drawn.products(), drawn.variants(), drawn.skus(), drawn.publications(), drawn.trade_items())
def test_the_catalogue_is_stored_as_it_is(
    product: Product, variant: Variant, sku: Sku, publication: Publication, item: TradeItem
) -> None:
    """A product, a variant of any composition, a SKU and a publication come back from the books as they went in."""
    assert codec.loads(codec.dumps(product, as_=Product), as_=Product) == product
    assert codec.loads(codec.dumps(variant, as_=Variant), as_=Variant) == variant
    assert codec.loads(codec.dumps(sku, as_=Sku), as_=Sku) == sku
    assert codec.loads(codec.dumps(publication, as_=Publication), as_=Publication) == publication
    assert codec.loads(codec.dumps(item, as_=TradeItem), as_=TradeItem) == item


@given(drawn.several_components())
def test_a_bundle_hands_over_what_it_is_made_of(several: tuple[Component, ...]) -> None:
    """A bundle hands over each of its components, in the steps it names; a single hands over its one SKU."""
    bundle = evolve(TEE_M, composition=Bundle(of=several))
    assert [Component(sku=sku, steps=steps) for sku, steps in components(bundle).items()] == list(several)
    single = evolve(TEE_M, composition=Single(of=several[0]))
    assert components(single) == {several[0].sku: several[0].steps}


@given(drawn.gtins())
def test_a_gtin_is_one_however_long_it_is_written(gtin: str) -> None:
    """A trade item scanned with leading zeros is the same item, and one wrong digit is noticed."""
    assert gtin14(gtin14(gtin)) == gtin14(gtin)
    wrong = str((int(gtin[2]) + 1) % 10)
    with pytest.raises(Malformed):
        gtin14(gtin[:2] + wrong + gtin[3:])


def test_the_ledgers_unit_carries_the_scale() -> None:
    """T-shirts are counted by the piece, rice by the gram."""
    assert Sku(id=SkuId("TEE-M")).unit == "sku:TEE-M"
    assert Sku(id=SkuId("RICE"), scale=3).unit == "sku:RICE@3"


def test_what_nobody_could_choose_is_refused() -> None:
    """Bundles of nothing, steps of nothing, options that do not fit and ids the ledger cannot carry are bad data."""
    piece = Component(sku=SkuId("A"))
    for bad in (
        lambda: Bundle(of=()),
        lambda: Bundle(of=(piece, piece)),
        lambda: Component(sku=SkuId("A"), steps=0),
        lambda: Component(sku=SkuId("A"), steps=True),
        lambda: Sku(id=SkuId("A/B")),
        lambda: Sku(id=SkuId("A@3")),
        lambda: Sku(id=SkuId("A"), scale=7),
        lambda: Sku(id=SkuId("A"), gtin="4901234567890"),
        lambda: Media(url=""),
        lambda: evolve(TEE, options=("Size", "Size")),
        lambda: evolve(TEE, options=("",)),
        lambda: evolve(TEE, options=tuple("abcdefghijk")),
        lambda: evolve(TEE, title="Tee"),  # type: ignore[arg-type]  # what an untyped caller may do
        lambda: evolve(TEE, media=(Media(url="x"),) * 251),
        lambda: evolve(TEE_M, options=("x",) * 11),
        lambda: Listing(product=TEE, variants=(TEE_M,) * 2049),
        lambda: evolve(TEE, variants=(VariantId("b"), VariantId("a"))),
        lambda: evolve(TEE_M, options=("",)),
        lambda: Listing(product=TEE, variants=(evolve(TEE_M, options=()),)),
        lambda: Listing(product=TEE, variants=(evolve(TEE_M, product=ProductId("cap")),)),
        lambda: Listing(product=TEE, variants=(TEE_M, TEE_M)),
        lambda: Listing(product=TEE, skus=(Sku(id=SkuId("A")), Sku(id=SkuId("A"), scale=1))),
    ):
        with pytest.raises(Malformed):
            bad()
