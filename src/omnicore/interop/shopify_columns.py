"""What are the columns of a Shopify product file called, and what may stand in them?

Two generations of headers are in use: the older (``Handle``, ``Body (HTML)``, ``Variant SKU``) and today's (``URL
handle``, ``Description``, ``SKU``). They say the same; the older is read as today's. A market adds columns of its own,
such as ``Price / International``.

Source: Shopify Help Center, "Using CSV files to import and export products".
"""

import re
from collections.abc import Mapping
from typing import Final

from omnicore.kernel.errors import Malformed
from omnicore.kernel.money import Money

OLDER_NAMES: Final = {
    "Handle": "URL handle",
    "Body (HTML)": "Description",
    "Published": "Published on online store",
    "Variant SKU": "SKU",
    "Variant Barcode": "Barcode",
    "Variant Price": "Price",
    "Variant Compare At Price": "Compare-at price",
    "Variant Taxable": "Charge tax",
    "Variant Tax Code": "Tax code",
    "Variant Inventory Tracker": "Inventory tracker",
    "Variant Inventory Qty": "Inventory quantity",
    "Variant Inventory Policy": "Continue selling when out of stock",
    "Variant Grams": "Weight value (grams)",
    "Variant Weight Unit": "Weight unit for display",
    "Variant Requires Shipping": "Requires shipping",
    "Variant Fulfillment Service": "Fulfillment service",
    "Image Src": "Product image URL",
    "Variant Image": "Variant image URL",
}
PRODUCT_COLUMNS: Final = (
    "Title",
    "URL handle",
    "Description",
    "Vendor",
    "Product category",
    "Type",
    "Tags",
    "Published on online store",
    "Status",
    "Gift card",
    "SEO title",
    "SEO description",
    "Option1 name",
    "Option2 name",
    "Option3 name",
)
VARIANT_COLUMNS: Final = (
    "SKU",
    "Barcode",
    "Option1 value",
    "Option2 value",
    "Option3 value",
    "Price",
    "Compare-at price",
    "Cost per item",
    "Charge tax",
    "Inventory quantity",
    "Continue selling when out of stock",
    "Weight value (grams)",
    "Requires shipping",
    "Variant image URL",
)
IMAGE_COLUMNS: Final = ("Product image URL", "Image position", "Image alt text")
TELLS_A_VARIANT: Final = (*VARIANT_COLUMNS[:6], "Inventory quantity")
"""A row that fills one of these is about a variant; one that fills none adds an image."""
MARKET_PRICE: Final = "Price / "
MARKET_COMPARE: Final = "Compare-at price / "
MARKET_INCLUDED: Final = "Included / "

_KNOWN: Final = {name.casefold(): name for name in PRODUCT_COLUMNS + VARIANT_COLUMNS + IMAGE_COLUMNS}
_OLDER: Final = {old.casefold(): new for old, new in OLDER_NAMES.items()}
_OLDER_COMPARE: Final = "compare at price / "
_YES: Final = frozenset({"true", "yes", "continue"})
_NO: Final = frozenset({"false", "no", "deny"})
_DECIMAL: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
_WHOLE: Final = re.compile(r"-?[0-9]{1,12}")
_GRAMS: Final = re.compile(r"[0-9]{1,12}(\.0{1,6})?")


def column_name(header: str) -> str | None:
    """Give today's name of a column of either generation; None for one that is not read.

    Markets keep the name their shop gave them.
    """
    name = header.strip()
    folded = name.casefold()
    if folded in _OLDER:
        newer = _OLDER[folded]
        return newer if newer.casefold() in _KNOWN else None
    if folded in _KNOWN:
        return _KNOWN[folded]
    for prefix in (MARKET_PRICE, MARKET_COMPARE, MARKET_INCLUDED):
        if folded.startswith(prefix.casefold()) and name[len(prefix) :].strip():
            return prefix + name[len(prefix) :].strip()
    if folded.startswith(_OLDER_COMPARE) and name[len(_OLDER_COMPARE) :].strip():
        return MARKET_COMPARE + name[len(_OLDER_COMPARE) :].strip()
    return None


def read_flag(cells: Mapping[str, str], column: str) -> bool | None:
    """Read true or false, in either generation's words; None where nothing is said.

    Raises:
        Malformed: anything else, at the column.
    """
    text = cells.get(column, "").casefold()
    if not text:
        return None
    if text in _YES or text in _NO:
        return text in _YES
    raise Malformed(column, "must be true or false")


def read_decimal(cells: Mapping[str, str], column: str) -> str:
    """Read an amount of a currency that is not known, as decimal text.

    Raises:
        Malformed: anything else, at the column.
    """
    text = cells.get(column, "")
    if text and not _DECIMAL.fullmatch(text):
        raise Malformed(column, "must be an amount such as 12.50")
    return text


def read_money(cells: Mapping[str, str], column: str, *, currency: str) -> Money | None:
    """Read an amount; decimals the currency does not have may only be zeros, as in 500.00 yen.

    Raises:
        Malformed: anything else, at the column.
    """
    text = read_decimal(cells, column)
    if not text:
        return None
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    return Money.parse(f"{whole}.{decimals}" if decimals else whole, currency, path=column)


def read_whole(cells: Mapping[str, str], column: str) -> int | None:
    """Read a whole number, below zero too.

    Raises:
        Malformed: anything else, at the column.
    """
    text = cells.get(column, "")
    if text and not _WHOLE.fullmatch(text):
        raise Malformed(column, "must be a whole number")
    return int(text) if text else None


def read_grams(cells: Mapping[str, str], column: str) -> int | None:
    """Read whole grams; ``250.0`` is 250.

    Raises:
        Malformed: anything else, at the column.
    """
    text = cells.get(column, "")
    if text and not _GRAMS.fullmatch(text):
        raise Malformed(column, "must be whole grams")
    return int(text.partition(".")[0]) if text else None


def write_flag(flag: bool | None) -> str:  # noqa: FBT001 - the value of a cell
    """Write true or false as today's files do; nothing for None."""
    return "" if flag is None else str(flag).upper()
