"""How does a catalogue from elsewhere become ours: what is sold, what it costs, and what lay on the shelf?

Products, prices and opening stock are one write, so a shop never sees one without the others. Stock is a count: it says
what the file found at one node, and importing the same file again changes nothing.
"""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from omnicore.catalog import Listing, decide_products, load_listed
from omnicore.inventory import accounts, movements
from omnicore.kernel.flow import Given, balances, flow, load, write
from omnicore.kernel.ids import NodeId, PriceListId, SkuId, VariantId
from omnicore.kernel.money import Money, TaxBasis
from omnicore.kernel.store import Writes
from omnicore.pricing import LIST_PRICE, PRICE_LIST, ListPrice, PriceList, flat
from omnicore.pricing import decide as pricing


@frozen(kw_only=True)
class CatalogueImported:
    """How many products, variants and prices were listed, how many units counted, and how many documents changed."""

    products: int
    variants: int
    prices: int
    units: int
    changed: int


IMPORTED_PRICES: Final = PriceListId("imported")
"""The price list that takes what a file of products says, unless another is named."""


@flow("scenarios.import_catalogue", serializable=True)
async def import_catalogue(
    given: Given,
    *,
    listings: tuple[Listing, ...],
    prices: Mapping[VariantId, Money],
    stock: Mapping[SkuId, int],
    currency: str,
    basis: TaxBasis,
    node: NodeId,
    price_list: PriceListId = IMPORTED_PRICES,
) -> CatalogueImported:
    """List products with their prices on one price list, and count their stock at one node.

    Raises: as ``put_products`` and ``put_prices`` do; Malformed for a price in another currency.
    """
    products = decide_products(listings, listed=await load_listed(listings))
    known_list = await load(PRICE_LIST, [price_list])
    wanted = [ListPrice(list=price_list, variant=each, breaks=flat(money.minor)) for each, money in prices.items()]
    known_prices = await load(LIST_PRICE, [price.key for price in wanted])
    lists = pricing.put_lists([PriceList(id=price_list, currency=currency, basis=basis)], stored=known_list)
    set_prices = pricing.put_prices(wanted, stored=known_prices)
    scales = {sku.id: sku.scale for listing in listings for sku in listing.skus}
    found = {accounts.sku_unit(sku, scale=scales.get(sku, 0)): count for sku, count in stock.items()}
    counted = Writes()
    if found:
        read = await balances(accounts.shelves(found, [node]))
        counted = movements.count(node=node, found=found, balances=read, id=given.new_id())
        counted = counted if counted.moves else Writes()
    writes = products + lists + set_prices + counted
    await write(writes)
    return CatalogueImported(
        products=len(listings),
        variants=sum(len(listing.variants) for listing in listings),
        prices=len(prices),
        units=sum(stock.values()),
        changed=len(writes.changes),
    )
