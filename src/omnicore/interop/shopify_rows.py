"""How do the rows of a Shopify product file become products?

A product is spread over rows that share its handle: its own cells stand on one of them, each row may tell of a variant,
and each may add an image. Rows are gathered by handle wherever they stand; variants and images keep the order of the
file, products come in the order of their handles.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final

from attrs import define, evolve, field

from omnicore.interop import shopify_columns as columns
from omnicore.interop.csv_table import BadTable, Limits, Problem, Source, read_rows
from omnicore.interop.shopify_values import (
    MAX_OPTIONS,
    NO_OPTIONS,
    MarketPrice,
    ShopifyImage,
    ShopifyProduct,
    ShopifyVariant,
)
from omnicore.kernel.errors import Malformed

_NOT_IN_A_HANDLE: Final = re.compile(r"[^\w]+")
_MARKETS: Final = (columns.MARKET_PRICE, columns.MARKET_COMPARE)


@define
class _Draft:
    """What was read of one product so far."""

    handle: str
    line: int
    derived: bool
    broken: bool = False
    cells: dict[str, str] = field(factory=dict)
    variants: list[ShopifyVariant] = field(factory=list)
    images: list[tuple[int, ShopifyImage]] = field(factory=list)


class Reader:
    """Gathers rows into drafts, and problems beside them."""

    def __init__(self, *, currency: str, limits: Limits) -> None:
        self.currency = currency
        self.limits = limits
        self.names: list[str | None] = []
        self.drafts: dict[str, _Draft] = {}
        self.problems: list[Problem] = []
        self.ignored: tuple[str, ...] = ()
        self.rows: int = 0

    def read(self, source: Source) -> tuple[ShopifyProduct, ...]:
        """Read a file to its end, or to where it cannot be read; what is wrong is in ``problems`` afterwards."""
        try:
            take: Callable[[int, list[str]], None] = self._header
            for line, row in read_rows(source, limits=self.limits):
                take(line, row)
                take = self._row
            if not self.names:
                raise BadTable(1, "is missing: the file is empty")
            return tuple(self._products())
        except BadTable as bad:
            self.problems.append(bad.problem)
            return ()

    def _complain(self, line: int, reason: str, column: str = "") -> None:
        self.problems.append(Problem(line=line, column=column, reason=reason))
        if len(self.problems) >= self.limits.max_problems:
            raise BadTable(line, "is where reading stopped: there are too many problems")

    def _header(self, line: int, row: list[str]) -> None:
        self.names = [columns.column_name(cell) for cell in row]
        self.ignored = tuple(cell for cell, name in zip(row, self.names, strict=True) if name is None)
        known = [name for name in self.names if name is not None]
        if "Title" not in known:
            raise BadTable(line, "has no column Title: this is no product file of Shopify")
        for name in sorted({name for name in known if known.count(name) > 1}):
            self._complain(line, "is there twice", name)

    def _row(self, line: int, row: list[str]) -> None:
        self.rows += 1
        if len(row) != len(self.names):
            self._complain(line, f"has {len(row)} cells, but the header has {len(self.names)}")
            return
        pairs = zip(self.names, row, strict=True)
        cells = {name: text for name, cell in pairs if name is not None and (text := _text(cell))}
        if not cells:
            return
        draft: _Draft | None = None
        try:
            draft = self._draft(line, cells)
            self._product_cells(draft, line, cells)
            if any(cells.get(name) for name in columns.TELLS_A_VARIANT):
                draft.variants.append(self._variant(cells))
            elif "Title" in cells and (told := self._variant(cells)) != ShopifyVariant():
                draft.variants.append(told)
            if url := cells.get("Product image URL"):
                position = columns.read_whole(cells, "Image position")
                image = ShopifyImage(url=url, alt=cells.get("Image alt text", ""))
                draft.images.append((self.limits.max_rows if position is None else position, image))
        except Malformed as bad:
            if draft is not None:
                draft.broken = True  # what is missing from the whole was complained of already
            self._complain(line, bad.reason, bad.path.removeprefix("$.") if bad.path != "$" else "")

    def _draft(self, line: int, cells: dict[str, str]) -> _Draft:
        """Give the draft a row belongs to, by its handle or, without one, by its title."""
        handle = cells.get("URL handle", "")
        derived = not handle
        if derived:
            if "Title" not in cells:
                raise Malformed("URL handle", "is missing, and there is no title to make it from")
            plain = unicodedata.normalize("NFKC", cells["Title"]).casefold()
            handle = _NOT_IN_A_HANDLE.sub("-", plain).strip("-") or "product"
            if handle in self.drafts:
                raise Malformed("URL handle", "is missing, and another product has this title")
        draft = self.drafts.setdefault(handle, _Draft(handle, line, derived))
        if draft.derived and not derived:
            raise Malformed("URL handle", "is that of a product without a handle of its own")
        return draft

    def _product_cells(self, draft: _Draft, line: int, cells: dict[str, str]) -> None:
        for name, text in cells.items():
            of_product = name in columns.PRODUCT_COLUMNS or name.startswith(columns.MARKET_INCLUDED)
            if of_product and draft.cells.setdefault(name, text) != text:
                self._complain(line, f"differs from what line {draft.line} or a later one says", name)

    def _variant(self, cells: dict[str, str]) -> ShopifyVariant:
        values = [cells.get(f"Option{place} value", "") for place in range(1, MAX_OPTIONS + 1)]
        while values and not values[-1]:
            values.pop()
        markets = sorted({name[len(prefix) :] for name in cells for prefix in _MARKETS if name.startswith(prefix)})
        return ShopifyVariant(
            options=tuple(values),
            sku=cells.get("SKU", ""),
            barcode=cells.get("Barcode", "").lstrip("'").strip(),  # exports mark digits as text with an apostrophe
            price=columns.read_money(cells, "Price", currency=self.currency),
            compare_at=columns.read_money(cells, "Compare-at price", currency=self.currency),
            cost=columns.read_money(cells, "Cost per item", currency=self.currency),
            quantity=columns.read_whole(cells, "Inventory quantity"),
            weight_g=columns.read_grams(cells, "Weight value (grams)"),
            taxable=columns.read_flag(cells, "Charge tax"),
            ships=columns.read_flag(cells, "Requires shipping"),
            sells_beyond_stock=columns.read_flag(cells, "Continue selling when out of stock"),
            image_url=cells.get("Variant image URL", ""),
            markets=tuple(
                MarketPrice(
                    market=market,
                    price=columns.read_decimal(cells, columns.MARKET_PRICE + market),
                    compare_at=columns.read_decimal(cells, columns.MARKET_COMPARE + market),
                )
                for market in markets
            ),
        )

    def _products(self) -> Iterable[ShopifyProduct]:
        for _, draft in sorted(self.drafts.items()):
            if draft.broken:
                continue
            try:
                yield _product(draft)
            except Malformed as bad:
                self._complain(draft.line, bad.reason, bad.path.removeprefix("$."))


def _product(draft: _Draft) -> ShopifyProduct:
    cells = draft.cells
    if "Title" not in cells:
        raise Malformed("Title", "is missing on every row of this handle")
    options = [cells.get(f"Option{place} name", "") for place in range(1, MAX_OPTIONS + 1)]
    while options and not options[-1]:
        options.pop()
    variants = draft.variants or [ShopifyVariant()]
    if options == [NO_OPTIONS[0]] and len(variants) == 1 and variants[0].options in {(), NO_OPTIONS[1:]}:
        options, variants = [], [evolve(variants[0], options=())]
    included = columns.MARKET_INCLUDED
    return ShopifyProduct(
        handle=draft.handle,
        title=cells["Title"],
        description=cells.get("Description", ""),
        vendor=cells.get("Vendor", ""),
        category=cells.get("Product category", ""),
        type=cells.get("Type", ""),
        tags=tuple(tag for each in cells.get("Tags", "").split(",") if (tag := each.strip())),
        published=columns.read_flag(cells, "Published on online store"),
        status=cells.get("Status", "").casefold(),
        gift_card=columns.read_flag(cells, "Gift card"),
        seo_title=cells.get("SEO title", ""),
        seo_description=cells.get("SEO description", ""),
        options=tuple(options),
        variants=tuple(variants),
        images=tuple(image for _, image in sorted(draft.images, key=lambda placed: placed[0])),
        included=tuple(
            (name[len(included) :], flag)
            for name in sorted(cells)
            if name.startswith(included) and (flag := columns.read_flag(cells, name)) is not None
        ),
    )


def _text(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n").strip()
