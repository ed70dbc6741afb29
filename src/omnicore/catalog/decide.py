"""What changes when products are listed and published?

Listing is an upsert of many: what is new is added, what differs is described anew, what is the same writes nothing. It
never takes a variant away, because orders refer to it. The order of listings does not matter: all of them are read
together before anything is decided.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from attrs import evolve, field, frozen

from omnicore.catalog.commands import Listing
from omnicore.catalog.errors import GtinTaken, OptionsTaken, ProductUnknown, ScaleFixed, SkuUnknown, VariantTaken
from omnicore.catalog.events import ProductListed, ProductPublished
from omnicore.catalog.kinds import PRODUCTS, PUBLICATIONS, SKUS, TRADE_ITEMS, VARIANTS, publication_key
from omnicore.catalog.model import Product, Publication, Sku, TradeItem, Variant, components, gtin14
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, ProductId, SkuId, VariantId
from omnicore.kernel.records import Change, Kind, Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.text import match_key
from omnicore.kernel.time import Instant, Period
from omnicore.kernel.verdict import Verdict

MAX_LISTINGS = 1_000
"""Products listed or published at once."""


class _WithId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_WithId)


@frozen(kw_only=True)
class Listed:
    """What is stored of everything a batch of listings names; ``load_listed`` reads it in four statements."""

    products: Mapping[str, Stored[Product]] = field(factory=dict)
    variants: Mapping[str, Stored[Variant]] = field(factory=dict)
    skus: Mapping[str, Stored[Sku]] = field(factory=dict)
    trade_items: Mapping[str, Stored[TradeItem]] = field(factory=dict)


def put_products(listings: Iterable[Listing], *, listed: Listed) -> Writes:
    """List products, their variants and SKUs.

    Law: the same listings again, and in any order, write nothing new.

    Raises:
        ScaleFixed, GtinTaken, VariantTaken, OptionsTaken, SkuUnknown: see there.
        Malformed: the same id is described twice, differently, or there are too many listings.
    """
    several = list(listings)
    if len(several) > MAX_LISTINGS:
        raise Malformed("$.listings", f"must be at most {MAX_LISTINGS}")
    skus = _once((sku for one in several for sku in one.skus), "$.listings[].skus")
    variants = _once((variant for one in several for variant in one.variants), "$.listings[].variants")
    products = _once((one.product for one in several), "$.listings[].product")
    _check_skus(skus, variants, listed)
    whole = {key: _whole(product, variants, listed) for key, product in products.items()}
    for product in whole.values():
        _check_options(product, variants, listed)
    changed = [variant for key, variant in sorted(variants.items()) if _differs(listed.variants.get(key), variant)]
    changes: list[Change] = _trade_items(skus, listed)
    changes += [
        _put(SKUS, listed.skus.get(key), sku) for key, sku in skus.items() if _differs(listed.skus.get(key), sku)
    ]
    changes += [_put(VARIANTS, listed.variants.get(variant.id), variant) for variant in changed]
    events = []
    for key, product in sorted(whole.items()):
        stored = listed.products.get(key)
        own = tuple(variant.id for variant in changed if variant.product == product.id)
        if _differs(stored, product):
            changes.append(_put(PRODUCTS, stored, product))
        elif not own:
            continue
        events.append(ProductListed(product=product.id, new=stored is None, variants=own))
    return Writes(changes=tuple(changes), events=tuple(events))


def publish(
    products: Iterable[ProductId],
    *,
    channel: ChannelId,
    period: Period,
    listed: Mapping[str, Stored[Product]],
    published: Mapping[str, Stored[Publication]],
) -> Writes:
    """Offer products in a channel for a time, in place of any time said before; the same again writes nothing.

    Raises:
        ProductUnknown: one is not listed.
    """
    changes: list[Change] = []
    events = []
    for product in sorted(set(products)):
        if product not in listed:
            raise ProductUnknown(product=product)
        publication = Publication(product=product, channel=channel, period=period)
        stored = published.get(publication_key(product, channel))
        if _differs(stored, publication):
            changes.append(PUBLICATIONS.put(publication) if stored is None else stored.put(publication))
            events.append(ProductPublished(product=product, channel=channel, period=period))
    return Writes(changes=tuple(changes), events=tuple(events))


def visible_at(publication: Publication | None, *, at: Instant) -> Verdict:
    """Say whether a product is offered in a channel at an instant, by its publication there, if it has one."""
    if publication is None:
        return Verdict.no("catalog.published")
    since, until = publication.period.since, publication.period.until
    facts = {
        "since": None if since is None else since.iso(),
        "until": None if until is None else until.iso(),
        "at": at.iso(),
    }
    if publication.period.contains(at):
        return Verdict.yes("catalog.published", **facts)
    return Verdict.no("catalog.published", **facts)


def _whole(product: Product, variants: Mapping[str, Variant], listed: Listed) -> Product:
    """Give the product with all its variants: those it has, those it names and those listed now."""
    stored = listed.products.get(product.id)
    before = () if stored is None else stored.value.variants
    now = [variant.id for variant in variants.values() if variant.product == product.id]
    return evolve(product, variants=tuple(sorted({*before, *product.variants, *now})))


def _check_skus(skus: Mapping[str, Sku], variants: Mapping[str, Variant], listed: Listed) -> None:
    for key, sku in skus.items():
        stored = listed.skus.get(key)
        if stored is not None and stored.value.scale != sku.scale:
            raise ScaleFixed(sku=sku.id, scale=stored.value.scale)
    for key, variant in variants.items():
        known = listed.variants.get(key)
        if known is not None and known.value.product != variant.product:
            raise VariantTaken(variant=variant.id, product=known.value.product)
        for sku_id in components(variant):
            if sku_id not in skus and sku_id not in listed.skus:
                raise SkuUnknown(sku=sku_id, variant=variant.id)


def _check_options(product: Product, variants: Mapping[str, Variant], listed: Listed) -> None:
    """No two variants of a product may be chosen alike: width, case and kana make no difference."""
    chosen: dict[tuple[str, ...], VariantId] = {}
    for variant_id in product.variants:
        variant = variants.get(variant_id)
        if variant is None:
            if (stored := listed.variants.get(variant_id)) is None:
                raise Malformed("$.listings[].product.variants", "must be listed")
            variant = stored.value
        options = tuple(match_key(value) for value in variant.options)
        if chosen.setdefault(options, variant_id) != variant_id:
            raise OptionsTaken(variant=variant_id, other=chosen[options])


def _trade_items(skus: Mapping[str, Sku], listed: Listed) -> list[Change]:
    """Give the changes that let each GTIN name its SKU, and no other."""
    named: dict[str, SkuId] = {}
    for sku in skus.values():
        if sku.gtin is not None and named.setdefault(gtin14(sku.gtin), sku.id) != sku.id:
            raise GtinTaken(sku=sku.id, other=named[gtin14(sku.gtin)])
    changes: list[Change] = []
    for number, sku_id in sorted(named.items()):
        item = listed.trade_items.get(number)
        if item is None:
            changes.append(TRADE_ITEMS.put(TradeItem(gtin=number, sku=sku_id)))
        elif item.value.sku != sku_id:
            if item.value.sku not in skus:  # whoever has the number is not giving it up in this call
                raise GtinTaken(sku=sku_id, other=item.value.sku)
            changes.append(item.put(TradeItem(gtin=number, sku=sku_id)))
    # A number that its SKU has given up, and no other has taken, names nothing any more.
    for key, before in sorted(listed.skus.items()):
        gtin = None if key not in skus or before.value.gtin is None else gtin14(before.value.gtin)
        stored = None if gtin is None or gtin in named else listed.trade_items.get(gtin)
        if stored is not None and stored.value.sku == before.value.id:
            changes.append(stored.drop())
    return changes


def _once(items: Iterable[T], path: str) -> dict[str, T]:
    """Give each by its id; the same twice is once.

    Raises:
        Malformed: the same id is described twice, differently.
    """
    found: dict[str, T] = {}
    for item in items:
        if found.setdefault(item.id, item) != item:
            raise Malformed(path, "describes the same id twice, differently")
    return found


V = TypeVar("V")


def _differs(stored: Stored[V] | None, value: V) -> bool:
    return stored is None or stored.value != value


def _put(kind: Kind[V], stored: Stored[V] | None, value: V) -> Change:
    return kind.put(value) if stored is None else stored.put(value)
