"""What does Shopify say of a product, as values?

They hold what its product file can say and nothing it cannot, so that what was written reads back the same.
"""

from collections.abc import Iterable
from typing import Final

from attrs import Factory, frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.money import Money
from omnicore.kernel.text import MAX_TEXT, clean_text

MAX_OPTIONS: Final = 3
MAX_VARIANTS: Final = 2_048
MAX_IMAGES: Final = 250
MAX_CELL: Final = 1_000
"""Characters of any text but the description."""
STATUSES: Final = ("active", "draft", "archived", "unlisted")
NO_OPTIONS: Final = ("Title", "Default Title")
"""How Shopify writes the one option and the one value of a product that has none."""


@frozen(kw_only=True)
class ShopifyImage:
    """A picture of a product; its place in the product's images is its position."""

    url: str
    alt: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse a picture without an address."""
        _check_texts(self, ("url", "alt"))
        if not self.url:
            raise Malformed("$.url", "must not be empty")


@frozen(kw_only=True)
class MarketPrice:
    """What a variant costs in one market, as decimal text: the file does not say in which currency."""

    market: str
    price: str = ""
    compare_at: str = ""


@frozen(kw_only=True)
class ShopifyVariant:
    """One variant; None and empty text say nothing. ``quantity`` is on hand when the file was written."""

    options: tuple[str, ...] = ()
    sku: str = ""
    barcode: str = ""
    price: Money | None = None
    compare_at: Money | None = None
    cost: Money | None = None
    quantity: int | None = None
    weight_g: int | None = None
    taxable: bool | None = None
    ships: bool | None = None
    sells_beyond_stock: bool | None = None
    image_url: str = ""
    markets: tuple[MarketPrice, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse texts a file could not hold, and a market named twice or out of order."""
        _check_texts(self, ("sku", "barcode", "image_url"))
        if self.barcode.startswith("'"):
            raise Malformed("$.barcode", "must not begin with an apostrophe")
        for value in self.options:
            if not _checked(value, "$.options", MAX_CELL):
                raise Malformed("$.options", "must not be empty")
        names = [each.market for each in self.markets]
        if names != sorted(set(names)) or not all(each.price or each.compare_at for each in self.markets):
            raise Malformed("$.markets", "must be in order, each once, each with a price")


@frozen(kw_only=True)
class ShopifyProduct:
    """One product with its variants and images; None and empty text say nothing.

    A product without options has one variant. ``included`` says in which markets it is sold, where the file does.
    """

    handle: str
    title: str
    description: str = ""
    vendor: str = ""
    category: str = ""
    type: str = ""
    tags: tuple[str, ...] = ()
    published: bool | None = None
    status: str = ""
    gift_card: bool | None = None
    seo_title: str = ""
    seo_description: str = ""
    options: tuple[str, ...] = ()
    variants: tuple[ShopifyVariant, ...] = Factory(lambda: (ShopifyVariant(),))
    images: tuple[ShopifyImage, ...] = ()
    included: tuple[tuple[str, bool], ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse what the file format could not say."""
        texts = ("handle", "title", "vendor", "category", "type", "status", "seo_title", "seo_description")
        _check_texts(self, texts)
        _checked(self.description, "$.description", MAX_TEXT, layout=True)
        if not self.title or not self.handle:
            raise Malformed("$.title", "must have a title and a handle")
        if self.status and self.status not in STATUSES:
            raise Malformed("$.status", "must be active, draft, archived or unlisted")
        if any(not _checked(tag, "$.tags", MAX_CELL) or "," in tag for tag in self.tags):
            raise Malformed("$.tags", "must not be empty and must not contain commas")
        if len(self.images) > MAX_IMAGES:
            raise Malformed("$.images", f"must be at most {MAX_IMAGES}")
        markets = [market for market, _ in self.included]
        if markets != sorted(set(markets)):
            raise Malformed("$.included", "must be in order, each once")
        self._check_options()

    def _check_options(self) -> None:
        if len(self.options) > MAX_OPTIONS or len(set(self.options)) < len(self.options):
            raise Malformed("$.options", f"must be at most {MAX_OPTIONS} names, each once")
        if any(not _checked(name, "$.options", MAX_CELL) for name in self.options):
            raise Malformed("$.options", "must not be empty")
        if not 0 < len(self.variants) <= MAX_VARIANTS:
            raise Malformed("$.variants", f"must be 1 to {MAX_VARIANTS}")
        if any(len(variant.options) != len(self.options) for variant in self.variants):
            raise Malformed("$.variants", "must choose a value for each option")
        if len({variant.options for variant in self.variants}) < len(self.variants):
            raise Malformed("$.variants", "must differ in their options")
        if self.options == NO_OPTIONS[:1] and self.variants[0].options == NO_OPTIONS[1:] and len(self.variants) == 1:
            raise Malformed("$.options", "must be empty where there is nothing to choose")


def _check_texts(value: object, names: Iterable[str]) -> None:
    for name in names:
        _checked(getattr(value, name), f"$.{name}", MAX_CELL)


def _checked(text: str, path: str, limit: int, *, layout: bool = False) -> str:
    if clean_text(text, path=path, limit=limit, layout=layout) != text.strip() or "\r" in text:
        raise Malformed(path, "must not begin or end with space")
    return text
