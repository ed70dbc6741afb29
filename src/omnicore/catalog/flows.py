"""Which use cases has this context, and which questions does it answer?"""

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from omnicore.catalog import decide
from omnicore.catalog.commands import Listing
from omnicore.catalog.decide import MAX_LISTINGS, Listed
from omnicore.catalog.kinds import PRODUCTS, PUBLICATIONS, SKUS, TRADE_ITEMS, VARIANTS, publication_key
from omnicore.catalog.model import Product, Sku, Variant, components, gtin14
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, find, flow, load, question, together, write
from omnicore.kernel.ids import ChannelId, ProductId, SkuId, VariantId
from omnicore.kernel.records import Cursor
from omnicore.kernel.time import Instant, Period
from omnicore.kernel.verdict import Verdict


@frozen(kw_only=True)
class Put:
    """How many documents a call of ``put_products`` or ``publish_products`` wrote; none if nothing was new."""

    changed: int


@frozen(kw_only=True)
class Sold:
    """A variant with its product and the SKUs it hands over."""

    variant: Variant
    product: Product
    skus: tuple[Sku, ...]


@frozen(kw_only=True)
class ProductPage:
    """One page of products, and where the next begins (None: there is none)."""

    products: tuple[Product, ...]
    next: Cursor | None


async def load_listed(listings: Sequence[Listing]) -> Listed:
    """Load what listing these needs: four statements, whatever their number."""
    products = await load(PRODUCTS, [one.product.id for one in listings])
    wanted = {variant.id for one in listings for variant in one.variants}
    wanted |= {variant for stored in products.values() for variant in stored.value.variants}
    wanted |= {variant for one in listings for variant in one.product.variants}
    variants = await load(VARIANTS, wanted)
    named = {sku.id for one in listings for sku in one.skus}
    named |= {sku for one in listings for variant in one.variants for sku in components(variant)}
    skus = await load(SKUS, named)
    every = [sku for one in listings for sku in one.skus] + [stored.value for stored in skus.values()]
    trade_items = await load(TRADE_ITEMS, [gtin14(sku.gtin) for sku in every if sku.gtin is not None])
    return Listed(products=products, variants=variants, skus=skus, trade_items=trade_items)


async def load_sold(variants: Iterable[VariantId]) -> dict[VariantId, Sold]:
    """Load variants with their products and SKUs, those that exist: two statements, whatever their number."""
    found = await load(VARIANTS, variants)
    products, skus = await together(
        load(PRODUCTS, [stored.value.product for stored in found.values()]),
        load(SKUS, [sku for stored in found.values() for sku in components(stored.value)]),
    )
    return {
        stored.value.id: Sold(
            variant=stored.value,
            product=products[stored.value.product].value,
            skus=tuple(skus[sku].value for sku in components(stored.value)),
        )
        for stored in found.values()
    }


@flow("catalog.put_products", serializable=True)
async def put_products(given: Given, *, listings: tuple[Listing, ...]) -> Put:
    """List products, their variants and SKUs; the same again, in any order, writes nothing.

    Raises:
        ScaleFixed, GtinTaken, VariantTaken, OptionsTaken, SkuUnknown, Malformed.
    """
    writes = decide.put_products(listings, listed=await load_listed(listings))
    await write(writes)
    return Put(changed=len(writes.changes))


@flow("catalog.publish_products")
async def publish_products(
    given: Given,
    *,
    products: tuple[ProductId, ...],
    channel: ChannelId,
    since: Instant | None = None,
    until: Instant | None = None,
) -> Put:
    """Offer products in a channel from ``since`` until before ``until``, in place of any time said before.

    To withdraw one, let it end: ``until`` is now.

    Raises:
        ProductUnknown, Malformed.
    """
    if len(products) > MAX_LISTINGS:
        raise Malformed("$.products", f"must be at most {MAX_LISTINGS}")
    listed = await load(PRODUCTS, products)
    published = await load(PUBLICATIONS, [publication_key(product, channel) for product in products])
    period = Period(since, until)
    writes = decide.publish(products, channel=channel, period=period, listed=listed, published=published)
    await write(writes)
    return Put(changed=len(writes.changes))


@question("catalog.sold")
async def find_sold(given: Given, *, variants: tuple[VariantId, ...]) -> tuple[Sold, ...]:
    """Give the variants that exist among those named, with their products and SKUs, by variant id."""
    return tuple(sold for _, sold in sorted((await load_sold(variants)).items()))


@question("catalog.scanned")
async def find_scanned(given: Given, *, gtins: tuple[str, ...]) -> Mapping[str, SkuId]:
    """Give the SKU each GTIN names, as scanned; one that names none is left out.

    Raises:
        Malformed: a GTIN whose check digit is wrong.
    """
    found = await load(TRADE_ITEMS, [gtin14(gtin) for gtin in gtins])
    return {gtin: found[gtin14(gtin)].value.sku for gtin in gtins if gtin14(gtin) in found}


@question("catalog.offered")
async def offered(
    given: Given, *, products: tuple[ProductId, ...], channel: ChannelId, at: Instant | None = None
) -> Mapping[ProductId, Verdict]:
    """Say for each product whether it is offered in a channel, now or at another time."""
    published = await load(PUBLICATIONS, [publication_key(product, channel) for product in products])
    answers = {}
    for product in products:
        stored = published.get(publication_key(product, channel))
        answers[product] = decide.visible_at(None if stored is None else stored.value, at=at or given.at)
    return answers


@question("catalog.products")
async def list_products(given: Given, *, after: Cursor | None = None, limit: int = 100) -> ProductPage:
    """Give products by id, page by page."""
    page = await find(PRODUCTS, "all", after=after, limit=limit)
    return ProductPage(products=tuple(stored.value for stored in page.items), next=page.next)
