"""Which small shop can a test, an example or a demonstration start from?

Yen, tax included, three nodes, three channels, forty SKUs and a bundle: ``shop.csv`` beside this file. Everything is
opened through public commands, so this is also the shortest complete set-up of a shop.
"""

import csv
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final

from omnicore.catalog import Bundle, Component, Listing, Product, Single, Sku, Variant, publish_products, put_products
from omnicore.fulfilment import ShipFromStoreWhenShort, SourcingPolicy, set_sourcing
from omnicore.host import Host
from omnicore.inventory import Buffer, Pool, receive, set_pool, sku_unit
from omnicore.kernel.address import PostalAddress
from omnicore.kernel.calendar import BusinessCalendar, Hours
from omnicore.kernel.ids import ChannelId, NodeId, PriceListId, ProductId, SkuId, VariantId
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.text import Localized
from omnicore.network import Channel, ChannelKind, Node, NodeKind, describe_network
from omnicore.pricing import PriceList, flat, put_lists, put_prices

ZONE: Final = "Asia/Tokyo"
DC: Final = NodeId("dc-funabashi")
SHIBUYA: Final = NodeId("store-shibuya")
KYOTO: Final = NodeId("store-kyoto")
NODES: Final = (DC, SHIBUYA, KYOTO)
WEB: Final = ChannelId("web")
STORE: Final = ChannelId("store")
MARKET: Final = ChannelId("rakuichi")
CHANNELS: Final = (WEB, STORE, MARKET)
PRICES: Final = PriceListId("yen")
GIFT: Final = VariantId("TEA-GIFT")
"""A bundle: 100 g of sencha and two celadon cups."""


def rows() -> Iterator[dict[str, str]]:
    """Give the rows of ``shop.csv``: one SKU each, with its titles, price in yen and quantity at each node."""
    with files("omnicore.testing").joinpath("shop.csv").open(encoding="utf-8") as source:
        yield from csv.DictReader(source)


def unit(sku: str) -> str:
    """Give what the ledger counts a SKU of this shop in."""
    return sku_unit(SkuId(sku))


def _weekdays(opens: int, closes: int) -> BusinessCalendar:
    return BusinessCalendar.of(ZONE, week={day: [Hours(opens * 60, closes * 60)] for day in range(7)})


def places() -> tuple[tuple[Channel, ...], tuple[Node, ...]]:
    """Give the channels and nodes."""
    kinds = {WEB: ChannelKind.WEB, STORE: ChannelKind.STORE, MARKET: ChannelKind.MARKETPLACE}
    names = {
        WEB: {"ja": "オンラインストア", "en": "Online store"},
        STORE: {"ja": "店舗", "en": "Stores"},
        MARKET: {"ja": "楽市マーケット", "en": "Rakuichi market"},
    }
    channels = tuple(
        Channel(
            id=channel,
            kind=kinds[channel],
            name=Localized.of(names[channel]),
            currency="JPY",
            shows=TaxBasis.INCLUDED,
            zone=ZONE,
        )
        for channel in CHANNELS
    )
    nodes = (
        Node(
            id=DC,
            kind=NodeKind.DC,
            name=Localized.of({"ja": "船橋物流センター", "en": "Funabashi DC"}),
            address=PostalAddress(
                country="JP", postal_code="2730014", region="千葉県", city="船橋市", district="高瀬町"
            ),
            hours=_weekdays(6, 22),
            ships=True,
            pickup=False,
        ),
        Node(
            id=SHIBUYA,
            kind=NodeKind.STORE,
            name=Localized.of({"ja": "渋谷店", "en": "Shibuya store"}),
            address=PostalAddress(
                country="JP", postal_code="1500001", region="東京都", city="渋谷区", district="神宮前"
            ),
            hours=_weekdays(11, 20),
            ships=True,
            pickup=True,
        ),
        Node(
            id=KYOTO,
            kind=NodeKind.STORE,
            name=Localized.of({"ja": "京都店", "en": "Kyoto store"}),
            address=PostalAddress(country="JP", postal_code="6048005", region="京都府", city="京都市中京区"),
            hours=_weekdays(10, 19),
            ships=True,
            pickup=True,
        ),
    )
    return channels, nodes


def listings() -> tuple[Listing, ...]:
    """Give the catalogue: each product with its variants, and the bundle."""
    products: dict[str, list[dict[str, str]]] = {}
    for row in rows():
        products.setdefault(row["product"], []).append(row)
    found = [_listing(product, few) for product, few in products.items()]
    gift = ProductId("tea-gift")
    components = (Component(sku=SkuId("TEA-SEN-100")), Component(sku=SkuId("CUP-CEL"), steps=2))
    found.append(
        Listing(
            product=Product(
                id=gift,
                title=Localized.of({"ja": "お茶の贈り物セット", "en": "Tea gift set"}),
                category="gift",
                variants=(GIFT,),
            ),
            variants=(Variant(id=GIFT, product=gift, composition=Bundle(of=components)),),
        )
    )
    return tuple(found)


def _listing(product: str, few: list[dict[str, str]]) -> Listing:
    several = len(few) > 1
    title = {"ja": few[0]["title_ja"].split(" ")[0], "en": " ".join(few[0]["title_en"].split(" ")[:2])}
    return Listing(
        product=Product(
            id=ProductId(product),
            title=Localized.of(title if several else {"ja": few[0]["title_ja"], "en": few[0]["title_en"]}),
            options=("variant",) if several else (),
            category="food" if few[0]["tax"] == "reduced" else "goods",
            tax_category=few[0]["tax"],
            variants=tuple(sorted(VariantId(row["sku"]) for row in few)),
        ),
        variants=tuple(
            Variant(
                id=VariantId(row["sku"]),
                product=ProductId(product),
                composition=Single(of=Component(sku=SkuId(row["sku"]))),
                options=(row["option"],) if several else (),
            )
            for row in few
        ),
        skus=tuple(Sku(id=SkuId(row["sku"])) for row in few),
    )


def prices() -> Mapping[VariantId, int]:
    """Give the price of every variant, in yen with tax."""
    return {VariantId(row["sku"]): int(row["price"]) for row in rows()} | {GIFT: 4980}


def pools() -> tuple[Pool, ...]:
    """Give what each channel may promise from: the web from all but a store's last piece, the market from the DC."""
    last_piece = tuple(Buffer(steps=1, node=node) for node in (SHIBUYA, KYOTO))
    return (
        Pool(channel=WEB, nodes=NODES, buffers=last_piece),
        Pool(channel=STORE, nodes=(SHIBUYA, KYOTO)),
        Pool(channel=MARKET, nodes=(DC,), buffers=(Buffer(steps=2),)),
    )


def open_shop(host: Host) -> int:
    """Open the shop: places, catalogue, prices, stock, pools. Gives the units received in all.

    Each command has a key, so opening it again changes nothing.
    """
    channels, nodes = places()
    host.run(describe_network(channels=channels, nodes=nodes))
    host.run(put_products(listings=listings()))
    every = tuple(sorted({listing.product.id for listing in listings()}))
    for channel in CHANNELS:
        host.run(publish_products(products=every, channel=channel))
    host.run(put_lists(lists=(PriceList(id=PRICES, currency="JPY", basis=TaxBasis.INCLUDED),)))
    host.run(put_prices(price_list=PRICES, prices={variant: flat(yen) for variant, yen in prices().items()}))
    for pool in pools():
        host.run(set_pool(pool=pool))
    rule = ShipFromStoreWhenShort(centres=(DC,), stores=(SHIBUYA, KYOTO))
    host.run(set_sourcing(policy=SourcingPolicy(channel=WEB, rule=rule)))
    total = 0
    for node in NODES:
        units = {unit(row["sku"]): int(row[node]) for row in rows()}
        host.run(receive(node=node, units=units, reference="opening"), command=f"opening-{node}")
        total += sum(units.values())
    return total
