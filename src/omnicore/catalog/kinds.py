"""How are products, variants, SKUs and publications stored, and found again?"""

from typing import Final

from omnicore.catalog.model import Product, Publication, Sku, TradeItem, Variant
from omnicore.kernel.ids import ChannelId, ProductId
from omnicore.kernel.records import Index, Kind

PRODUCTS: Final = Kind(
    name="catalog.product",
    type=Product,
    key=lambda product: product.id,
    steady=True,
    indexes=(
        Index("all", lambda product: [(product.id,)]),
        Index("category", lambda product: [(product.category, product.id)]),
    ),
)

VARIANTS: Final = Kind(
    name="catalog.variant",
    type=Variant,
    key=lambda variant: variant.id,
    steady=True,
    indexes=(Index("product", lambda variant: [(variant.product, variant.id)]),),
)

SKUS: Final = Kind(name="catalog.sku", type=Sku, key=lambda sku: sku.id, steady=True)

TRADE_ITEMS: Final = Kind(name="catalog.trade_item", type=TradeItem, key=lambda item: item.gtin)


def publication_key(product: ProductId, channel: ChannelId) -> str:
    """Give the key of a product's publication in a channel; the length keeps two pairs from sharing one."""
    return f"{len(channel)}:{channel}/{product}"


PUBLICATIONS: Final = Kind(
    name="catalog.publication",
    type=Publication,
    key=lambda publication: publication_key(publication.product, publication.channel),
    steady=True,
    indexes=(Index("channel", lambda publication: [(publication.channel, publication.product)]),),
)
