"""What we sell: products, their variants and the SKUs these hand over, and where and when they are offered.

Never a price, and never how much lies where.
"""

from omnicore.catalog.commands import Listing
from omnicore.catalog.decide import Listed, visible_at
from omnicore.catalog.decide import publish as decide_publication
from omnicore.catalog.decide import put_products as decide_products
from omnicore.catalog.errors import (
    GtinTaken,
    NotOffered,
    OptionsTaken,
    ProductUnknown,
    ScaleFixed,
    SkuUnknown,
    VariantTaken,
)
from omnicore.catalog.events import ProductListed, ProductPublished
from omnicore.catalog.flows import (
    ProductPage,
    Put,
    Sold,
    find_scanned,
    find_sold,
    list_products,
    load_listed,
    load_sold,
    offered,
    publish_products,
    put_products,
)
from omnicore.catalog.kinds import PRODUCTS, PUBLICATIONS, SKUS, TRADE_ITEMS, VARIANTS, publication_key
from omnicore.catalog.model import (
    Bundle,
    Component,
    Composition,
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

__all__ = [
    "PRODUCTS",
    "PUBLICATIONS",
    "SKUS",
    "TRADE_ITEMS",
    "VARIANTS",
    "Bundle",
    "Component",
    "Composition",
    "GtinTaken",
    "Listed",
    "Listing",
    "Media",
    "NotOffered",
    "OptionsTaken",
    "Product",
    "ProductListed",
    "ProductPage",
    "ProductPublished",
    "ProductUnknown",
    "Publication",
    "Put",
    "ScaleFixed",
    "Single",
    "Sku",
    "SkuUnknown",
    "Sold",
    "TradeItem",
    "Variant",
    "VariantTaken",
    "components",
    "decide_products",
    "decide_publication",
    "find_scanned",
    "find_sold",
    "gtin14",
    "list_products",
    "load_listed",
    "load_sold",
    "offered",
    "publication_key",
    "publish_products",
    "put_products",
    "visible_at",
]
