"""What is sold, and what does it hand over?

A product is what is sold: a term of contract. A SKU is what lies on a shelf and is counted. A variant is a product with
its options chosen, which a line of an order refers to; its composition says which SKUs it hands over, and how many
steps of each: one SKU, or several in a bundle. None of them knows a price or a stock.
"""

import re
from collections.abc import Mapping
from typing import Final, TypeAlias, assert_never

from attrs import frozen

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, ProductId, SkuId, VariantId, checked_id
from omnicore.kernel.quantity import MAX_SCALE
from omnicore.kernel.rounding import LIMIT
from omnicore.kernel.text import Localized, clean_text
from omnicore.kernel.time import Period

MAX_VARIANTS: Final = 2_048
"""Variants of one product, as the largest shop system allows."""
MAX_OPTIONS: Final = 10
MAX_MEDIA: Final = 250
MAX_COMPONENTS: Final = 100
MAX_NAME: Final = 255
MAX_URL: Final = 2_000
_GTIN: Final = re.compile("[0-9]{8}|[0-9]{12,14}")
_NEVER_IN_A_SKU: Final = "@/"


@frozen(kw_only=True)
class Media:
    """A picture, film or model of a product by address; ``alt`` says what it shows, in words."""

    url: str
    alt: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse an address nobody could follow."""
        if not clean_text(self.url, path="$.url", limit=MAX_URL):
            raise Malformed("$.url", "must not be empty")
        clean_text(self.alt, path="$.alt", limit=MAX_URL)


@frozen(kw_only=True)
class Product:
    """What is sold. ``options`` name the ways in which its variants differ, in the order of choice.

    ``variants`` are in the order of their ids, so that the order in which they were listed does not matter.
    """

    id: ProductId
    title: Localized
    description: Localized | None = None
    options: tuple[str, ...] = ()
    category: str = ""
    tax_category: str = "standard"
    media: tuple[Media, ...] = ()
    variants: tuple[VariantId, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse a product nobody could name or choose from."""
        checked_id(self.id, "$.id")
        if type(self.title) is not Localized:
            raise Malformed("$.title", "must be a localised text")
        _check_names(self.options, "$.options", limit=MAX_OPTIONS)
        clean_text(self.category, path="$.category", limit=MAX_NAME)
        checked_id(self.tax_category, "$.tax_category")
        if type(self.media) is not tuple or len(self.media) > MAX_MEDIA:
            raise Malformed("$.media", f"must be at most {MAX_MEDIA}")
        if len(self.variants) > MAX_VARIANTS or list(self.variants) != sorted(set(self.variants)):
            raise Malformed("$.variants", f"must be at most {MAX_VARIANTS} ids, each once and in order")


@frozen(kw_only=True)
class Sku:
    """What lies on a shelf and is counted, in steps of 10**-scale: T-shirts have scale 0, rice by the gram 3.

    ``gtin`` is the number of the trade item (GTIN-8, -12, -13 or -14), as printed.
    """

    id: SkuId
    scale: int = 0
    gtin: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a SKU the ledger or a scanner could not name."""
        if any(sign in checked_id(self.id, "$.id") for sign in _NEVER_IN_A_SKU):
            raise Malformed("$.id", "must not contain @ or a slash, because it names a unit of the ledger")
        if type(self.scale) is not int or not 0 <= self.scale <= MAX_SCALE:
            raise Malformed("$.scale", f"must be a whole number from 0 to {MAX_SCALE}")
        if self.gtin is not None:
            gtin14(self.gtin, path="$.gtin")

    @property
    def unit(self) -> str:
        """What the ledger counts: ``sku:TEE-M``, ``sku:RICE@3``."""
        return f"sku:{self.id}@{self.scale}" if self.scale else f"sku:{self.id}"


@frozen(kw_only=True)
class Component:
    """One SKU of a composition, and the steps of it that one unit of the variant hands over."""

    sku: SkuId
    steps: int = 1

    def __attrs_post_init__(self) -> None:
        """Refuse a component that hands nothing over."""
        checked_id(self.sku, "$.sku")
        if type(self.steps) is not int or not 0 < self.steps < LIMIT:
            raise Malformed("$.steps", "must be a whole number of at least 1")


@frozen(kw_only=True)
class Single:
    """The composition of one SKU."""

    of: Component


@frozen(kw_only=True)
class Bundle:
    """The composition of several SKUs (セット), each named once."""

    of: tuple[Component, ...]

    def __attrs_post_init__(self) -> None:
        """Refuse a bundle of nothing, and a SKU named twice."""
        if type(self.of) is not tuple or not 0 < len(self.of) <= MAX_COMPONENTS:
            raise Malformed("$.of", f"must be 1 to {MAX_COMPONENTS} components")
        if len({component.sku for component in self.of}) < len(self.of):
            raise Malformed("$.of", "must name each SKU once")


Composition: TypeAlias = Single | Bundle
codec.tagged(Composition, {"single": Single, "bundle": Bundle})


@frozen(kw_only=True)
class Variant:
    """A product with its options chosen: one value for each of the product's options, in their order."""

    id: VariantId
    product: ProductId
    composition: Composition
    options: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse a variant nobody could choose."""
        checked_id(self.id, "$.id")
        checked_id(self.product, "$.product")
        if type(self.options) is not tuple or len(self.options) > MAX_OPTIONS:
            raise Malformed("$.options", f"must be at most {MAX_OPTIONS} values")
        for place, value in enumerate(self.options):
            if not clean_text(value, path=f"$.options[{place}]", limit=MAX_NAME):
                raise Malformed(f"$.options[{place}]", "must not be empty")


@frozen(kw_only=True)
class Publication:
    """That a product is offered in a channel for a time: from ``since`` until before ``until``."""

    product: ProductId
    channel: ChannelId
    period: Period


@frozen(kw_only=True)
class TradeItem:
    """Which SKU a GTIN names; ``gtin`` has 14 digits, so that one item scanned in two ways is one."""

    gtin: str
    sku: SkuId


def components(variant: Variant) -> Mapping[SkuId, int]:
    """Give the steps of each SKU that one unit of a variant hands over."""
    match variant.composition:
        case Single(of=component):
            return {component.sku: component.steps}
        case Bundle(of=several):
            return {component.sku: component.steps for component in several}
        case _:
            assert_never(variant.composition)


def gtin14(text: str, *, path: str = "$") -> str:
    """Give a GTIN of any length as its 14 digits.

    Source: GS1 General Specifications, 7.9: the last digit checks the others, weighted 3 and 1 from the right.

    Raises:
        Malformed: not 8, 12, 13 or 14 digits, or a wrong check digit.
    """
    if type(text) is not str or not _GTIN.fullmatch(text):
        raise Malformed(path, "must be 8, 12, 13 or 14 digits")
    digits = text.zfill(14)
    if sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(digits)) % 10:
        raise Malformed(path, "must end in its check digit")
    return digits


def _check_names(names: tuple[str, ...], path: str, *, limit: int) -> None:
    if type(names) is not tuple or len(names) > limit:
        raise Malformed(path, f"must be at most {limit} names")
    for place, name in enumerate(names):
        if not clean_text(name, path=f"{path}[{place}]", limit=MAX_NAME):
            raise Malformed(f"{path}[{place}]", "must not be empty")
    if len(set(names)) < len(names):
        raise Malformed(path, "must name each once")
