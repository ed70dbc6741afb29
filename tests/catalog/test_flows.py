import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.catalog import (
    Bundle,
    Component,
    GtinTaken,
    Listing,
    OptionsTaken,
    Product,
    ProductUnknown,
    ScaleFixed,
    Single,
    Sku,
    SkuUnknown,
    Variant,
    VariantTaken,
    find_scanned,
    find_sold,
    list_products,
    offered,
    publish_products,
    put_products,
)
from omnicore.host import Host
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, ProductId, SkuId, VariantId
from omnicore.kernel.text import Localized
from omnicore.kernel.time import Instant
from omnicore.testing.clock import NOON, Clock, Ids
from omnicore.testing.strategies import catalog as drawn

WEB = ChannelId("web")
GTIN = "4006381333931"


def a_host() -> Host:
    """Give an empty shop."""
    return Host(Memory(), clock=Clock(), new_id=Ids())


def tee(*sizes: str, product: str = "tee", gtin: str | None = None) -> Listing:
    """List a T-shirt in sizes; ``gtin`` is the first one's."""
    whole = Product(id=ProductId(product), title=Localized.of({"en": "Tee"}), options=("Size",))
    names = [SkuId(f"{product}-{size}".upper()) for size in sizes]
    return Listing(
        product=whole,
        variants=tuple(
            Variant(
                id=VariantId(f"{product}:{size}"),
                product=whole.id,
                composition=Single(of=Component(sku=name)),
                options=(size,),
            )
            for size, name in zip(sizes, names, strict=True)
        ),
        skus=tuple(Sku(id=name, gtin=None if place else gtin) for place, name in enumerate(names)),
    )


@given(st.lists(drawn.listings(), max_size=3, unique_by=lambda one: one.product.id), st.data())
def test_listing_again_in_any_order_writes_nothing(listings: list[Listing], data: st.DataObject) -> None:
    """The same products listed again, in one call or several, in any order, make no new version of anything."""
    together, apart = a_host(), a_host()
    together.run(put_products(listings=tuple(listings)))
    for one in data.draw(st.permutations(listings)):
        apart.run(put_products(listings=(one,)))
    shuffled = data.draw(st.permutations(listings))
    assert together.run(put_products(listings=tuple(shuffled))).changed == 0
    assert apart.run(put_products(listings=tuple(shuffled))).changed == 0
    assert together.run(list_products()) == apart.run(list_products())
    assert together.verify().differences == ()


def test_a_variant_is_found_with_what_it_hands_over() -> None:
    """A line's variant leads to its product and SKUs; a bundle to all of them, listed with it or before."""
    host = a_host()
    pack = Listing(
        product=Product(id=ProductId("pack"), title=Localized.of({"en": "Pack"})),
        variants=(
            Variant(
                id=VariantId("pack"),
                product=ProductId("pack"),
                composition=Bundle(
                    of=(Component(sku=SkuId("TEE-M"), steps=2), Component(sku=SkuId("RICE"), steps=500))
                ),
            ),
        ),
        skus=(Sku(id=SkuId("RICE"), scale=3),),
    )
    host.run(put_products(listings=(tee("M"),)))
    host.run(put_products(listings=(pack,)))
    (sold,) = host.run(find_sold(variants=(VariantId("pack"), VariantId("nothing"))))
    assert sold.product.title.wording("en") == "Pack"
    assert [sku.unit for sku in sold.skus] == ["sku:TEE-M", "sku:RICE@3"]


def test_a_feed_never_takes_a_variant_away() -> None:
    """A feed that leaves a size out leaves it listed, because orders refer to it."""
    host = a_host()
    host.run(put_products(listings=(tee("S", "M"),)))
    assert host.run(put_products(listings=(tee("S"),))).changed == 0
    assert host.run(put_products(listings=(tee("L"),))).changed == 3
    (product,) = host.run(list_products()).products
    assert product.variants == ("tee:L", "tee:M", "tee:S")


def test_scanning_finds_the_sku() -> None:
    """A GTIN scanned at the till, with leading zeros or not, finds its SKU; an unknown one finds none."""
    host = a_host()
    host.run(put_products(listings=(tee("M", gtin=GTIN),)))
    assert host.run(find_scanned(gtins=(GTIN, "0" + GTIN, "96385074"))) == {GTIN: "TEE-M", "0" + GTIN: "TEE-M"}
    with pytest.raises(Malformed):
        host.run(find_scanned(gtins=("4006381333932",)))


def test_a_gtin_moves_only_when_it_is_given_up() -> None:
    """One trade item is one SKU: its number may be taken when it is given up, and names nothing after that."""
    host = a_host()
    host.run(put_products(listings=(tee("M", gtin=GTIN),)))
    with pytest.raises(GtinTaken):
        host.run(put_products(listings=(tee("M", product="cap", gtin=GTIN),)))
    with pytest.raises(GtinTaken):
        host.run(put_products(listings=(tee("M", gtin=GTIN), tee("M", product="cap", gtin=GTIN))))
    host.run(put_products(listings=(tee("M", product="cap", gtin=GTIN), tee("M"))))
    assert host.run(find_scanned(gtins=(GTIN,))) == {GTIN: "CAP-M"}
    host.run(put_products(listings=(tee("M", product="cap"),)))
    assert host.run(find_scanned(gtins=(GTIN,))) == {}
    assert host.verify().differences == ()


def test_what_orders_and_ledger_rest_on_stays() -> None:
    """A SKU's scale, a variant's product and options that tell variants apart do not change; nothing is half done."""
    host = a_host()
    host.run(put_products(listings=(tee("M"),)))
    before = host.verify()
    scaled = Listing(product=tee("M").product, skus=(Sku(id=SkuId("TEE-M"), scale=3),))
    moved = tee("M", product="cap")
    moved = evolve(moved, variants=(evolve(moved.variants[0], id=VariantId("tee:M")),))
    alike = tee("ｍ")
    lost = evolve(tee("S"), skus=())
    for listing, refusal in ((scaled, ScaleFixed), (moved, VariantTaken), (alike, OptionsTaken), (lost, SkuUnknown)):
        with pytest.raises(refusal):
            host.run(put_products(listings=(tee("XL"), listing) if listing is not alike else (listing,)))
    assert host.verify() == before


def test_one_product_told_in_two_ways_is_refused() -> None:
    """A file that describes one product twice, differently, is bad data, as is a variant that is nowhere listed."""
    host = a_host()
    other = evolve(tee("M"), product=evolve(tee("M").product, category="tops"))
    named = evolve(tee("M"), product=evolve(tee("M").product, variants=(VariantId("tee:?"),)))
    for batch in ((tee("M"), other), (named,)):
        with pytest.raises(Malformed):
            host.run(put_products(listings=batch))


def test_a_product_is_offered_from_the_first_instant_until_before_the_last() -> None:
    """A product is offered from its first instant on, and not any more at its last; each channel has its own time."""
    host = a_host()
    host.run(put_products(listings=(tee("M"),)))
    until = NOON.plus(days=1)
    product = ProductId("tee")
    publish = publish_products(products=(product,), channel=WEB, since=NOON, until=until)
    assert host.run(publish).changed == 1
    assert host.run(publish).changed == 0

    def holds(channel: ChannelId, at: Instant) -> bool:
        return host.run(offered(products=(product,), channel=channel, at=at))[product].holds

    assert [holds(WEB, at) for at in (NOON.plus(micros=-1), NOON, until.plus(micros=-1), until)] == [0, 1, 1, 0]
    assert not holds(ChannelId("app"), NOON)
    assert host.run(offered(products=(product,), channel=WEB))[product].holds
    host.run(publish_products(products=(product,), channel=WEB, since=NOON, until=NOON))
    assert not holds(WEB, NOON)


def test_only_what_is_listed_is_published() -> None:
    """A product that is not listed is not published, nor are the others of that call."""
    host = a_host()
    host.run(put_products(listings=(tee("M"),)))
    with pytest.raises(ProductUnknown):
        host.run(publish_products(products=(ProductId("tee"), ProductId("cap")), channel=WEB))
    assert not host.run(offered(products=(ProductId("tee"),), channel=WEB))[ProductId("tee")].holds


def test_too_much_at_once_is_refused() -> None:
    """A call is bounded, so that no transaction is."""
    host = a_host()
    with pytest.raises(Malformed):
        host.run(put_products(listings=tuple(tee("M", product=f"p{n}") for n in range(1001))))
    with pytest.raises(Malformed):
        host.run(publish_products(products=tuple(ProductId(f"p{n}") for n in range(1001)), channel=WEB))
