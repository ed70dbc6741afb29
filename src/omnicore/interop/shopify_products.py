"""What does a product file of Shopify say, and how is one written?

``check_products`` is the dry run: it reads a file of either header generation and reports what it says and every row
that is wrong. ``read_products`` is all or nothing: the products, or the first complaint. ``write_products`` writes
today's headers. Law: what was written reads back the same, products in the order of their handles; the order of the
products in a file makes no difference.
"""

from collections.abc import Iterable, Iterator

from attrs import frozen

from omnicore.catalog import Component, Listing, Media, Product, Single, Sku, Variant, gtin14
from omnicore.interop.csv_table import Limits, Problem, Source, write_rows
from omnicore.interop.shopify_columns import (
    IMAGE_COLUMNS,
    MARKET_COMPARE,
    MARKET_INCLUDED,
    MARKET_PRICE,
    PRODUCT_COLUMNS,
    VARIANT_COLUMNS,
    write_flag,
)
from omnicore.interop.shopify_rows import Reader
from omnicore.interop.shopify_values import NO_OPTIONS, MarketPrice, ShopifyImage, ShopifyProduct, ShopifyVariant
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ProductId, SkuId, VariantId, checked_id
from omnicore.kernel.money import Money
from omnicore.kernel.text import Localized

__all__ = [
    "Limits",
    "MarketPrice",
    "Problem",
    "Report",
    "ShopifyImage",
    "ShopifyProduct",
    "ShopifyVariant",
    "check_products",
    "listings",
    "opening_stock",
    "price_table",
    "read_products",
    "write_products",
]


@frozen(kw_only=True)
class Report:
    """What a file says. With problems there are no products: all of them or none.

    ``ignored`` names the columns that are not read (metafields, advertising), so that nothing is lost unsaid.
    """

    products: tuple[ShopifyProduct, ...] = ()
    problems: tuple[Problem, ...] = ()
    rows: int = 0
    ignored: tuple[str, ...] = ()


def check_products(source: Source, *, currency: str, limits: Limits | None = None) -> Report:
    """Read a file and report, without raising for anything that is in it; products are in the order of their handles.

    Raises:
        Malformed: the currency is none.
    """
    Money.zero(currency)
    reader = Reader(currency=currency, limits=limits or Limits())
    products = reader.read(source)
    problems = tuple(sorted(reader.problems, key=lambda problem: problem.line))
    return Report(products=() if problems else products, problems=problems, rows=reader.rows, ignored=reader.ignored)


def read_products(source: Source, *, currency: str, limits: Limits | None = None) -> tuple[ShopifyProduct, ...]:
    """Read a file, all or nothing.

    Raises:
        Malformed: the first problem of the file, with its line and column.
    """
    report = check_products(source, currency=currency, limits=limits)
    if report.problems:
        raise report.problems[0].malformed()
    return report.products


def write_products(products: Iterable[ShopifyProduct]) -> Iterator[str]:
    """Write products as lines of a file with today's headers, market columns for every market that is named."""
    several = list(products)
    priced = sorted({each.market for one in several for variant in one.variants for each in variant.markets})
    included = sorted({market for one in several for market, _ in one.included})
    header = [*PRODUCT_COLUMNS, *VARIANT_COLUMNS, *IMAGE_COLUMNS]
    header += [MARKET_INCLUDED + market for market in included]
    header += [prefix + market for market in priced for prefix in (MARKET_PRICE, MARKET_COMPARE)]
    rows = (row for one in several for row in _rows_of(one))
    return write_rows([header, *([row.get(column, "") for column in header] for row in rows)])


def _rows_of(product: ShopifyProduct) -> Iterator[dict[str, str]]:
    for place in range(max(len(product.variants), len(product.images))):
        row = {"URL handle": product.handle}
        if place == 0:
            row |= _product_cells(product)
        if place < len(product.variants):
            row |= _variant_cells(product.variants[place])
        if place < len(product.images):
            image = product.images[place]
            row |= dict(zip(IMAGE_COLUMNS, (image.url, str(place + 1), image.alt), strict=True))
        yield row


def _product_cells(product: ShopifyProduct) -> dict[str, str]:
    names = product.options or NO_OPTIONS[:1]
    return {
        "Title": product.title,
        "Description": product.description,
        "Vendor": product.vendor,
        "Product category": product.category,
        "Type": product.type,
        "Tags": ", ".join(product.tags),
        "Published on online store": write_flag(product.published),
        "Status": product.status,
        "Gift card": write_flag(product.gift_card),
        "SEO title": product.seo_title,
        "SEO description": product.seo_description,
        **{f"Option{place} name": name for place, name in enumerate(names, 1)},
        **{MARKET_INCLUDED + market: write_flag(flag) for market, flag in product.included},
    }


def _variant_cells(variant: ShopifyVariant) -> dict[str, str]:
    beyond = {None: "", True: "CONTINUE", False: "DENY"}[variant.sells_beyond_stock]
    cells = {
        "SKU": variant.sku,
        "Barcode": variant.barcode,
        "Price": _amount(variant.price),
        "Compare-at price": _amount(variant.compare_at),
        "Cost per item": _amount(variant.cost),
        "Charge tax": write_flag(variant.taxable),
        "Inventory quantity": "" if variant.quantity is None else str(variant.quantity),
        "Continue selling when out of stock": beyond,
        "Weight value (grams)": "" if variant.weight_g is None else str(variant.weight_g),
        "Requires shipping": write_flag(variant.ships),
        "Variant image URL": variant.image_url,
    }
    cells |= {f"Option{place} value": value for place, value in enumerate(variant.options or NO_OPTIONS[1:], 1)}
    cells |= {MARKET_PRICE + each.market: each.price for each in variant.markets}
    return cells | {MARKET_COMPARE + each.market: each.compare_at for each in variant.markets}


def _amount(money: Money | None) -> str:
    return "" if money is None else money.decimal


def listings(
    products: Iterable[ShopifyProduct], *, language: str, tax_category: str = "standard"
) -> tuple[Listing, ...]:
    """Give products as the catalogue lists them; the file's texts are in ``language``.

    A product is called by its handle, a variant by handle and options, a SKU as the file calls it or, where it does
    not, as the variant. A barcode that is no GTIN is left out.

    Raises:
        Malformed: an id would be longer than 128 characters.
    """
    return tuple(_listing(product, language=language, tax_category=tax_category) for product in products)


def price_table(products: Iterable[ShopifyProduct]) -> dict[VariantId, Money]:
    """Give the price of each variant that has one."""
    return {
        variant_id(product, variant): variant.price
        for product in products
        for variant in product.variants
        if variant.price is not None
    }


def opening_stock(products: Iterable[ShopifyProduct]) -> dict[SkuId, int]:
    """Give what was on hand of each SKU that had any; of variants that share one SKU, the one that tells the most.

    Adding them up would promise the same shelf twice. A quantity below zero was oversold: there is nothing to count.
    """
    found: dict[SkuId, int] = {}
    for product in products:
        for variant in product.variants:
            if variant.quantity is not None and variant.quantity > 0:
                key = sku_id(product, variant)
                found[key] = max(found.get(key, 0), variant.quantity)
    return found


def variant_id(product: ShopifyProduct, variant: ShopifyVariant) -> VariantId:
    """Give the id of a variant: the handle, and the options chosen."""
    return VariantId(checked_id(":".join((product.handle, *variant.options)), "$.variants"))


def sku_id(product: ShopifyProduct, variant: ShopifyVariant) -> SkuId:
    """Give the id of the SKU a variant hands over; signs that the ledger's units may not have become hyphens."""
    name = variant.sku or variant_id(product, variant)
    return SkuId(checked_id(name.replace("/", "-").replace("@", "-"), "$.sku"))


def _listing(product: ShopifyProduct, *, language: str, tax_category: str) -> Listing:
    whole = Product(
        id=ProductId(checked_id(product.handle, "$.handle")),
        title=Localized.of({language: product.title}),
        description=Localized.of({language: product.description}) if product.description else None,
        options=product.options,
        category=product.category or product.type,
        tax_category=tax_category,
        media=tuple(Media(url=image.url, alt=image.alt) for image in product.images),
    )
    variants = tuple(
        Variant(
            id=variant_id(product, variant),
            product=whole.id,
            composition=Single(of=Component(sku=sku_id(product, variant))),
            options=variant.options,
        )
        for variant in product.variants
    )
    skus = {sku_id(product, each): Sku(id=sku_id(product, each), gtin=_gtin(each.barcode)) for each in product.variants}
    return Listing(product=whole, variants=variants, skus=tuple(skus.values()))


def _gtin(barcode: str) -> str | None:
    try:
        gtin14(barcode)
    except Malformed:
        return None
    return barcode
