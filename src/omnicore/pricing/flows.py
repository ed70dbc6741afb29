"""How are prices set, and asked for?"""

from collections.abc import Mapping
from typing import Final

from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, find, flow, load, question, write
from omnicore.kernel.ids import ChannelId, PriceListId, VariantId
from omnicore.kernel.records import MAX_PAGE
from omnicore.kernel.time import Instant
from omnicore.pricing import decide
from omnicore.pricing.errors import ListUnknown
from omnicore.pricing.kinds import LIST_PRICE, PRICE_LIST, index_of
from omnicore.pricing.model import Break, ListPrice, PriceList, price_key
from omnicore.pricing.resolve import PriceBook, Resolved, resolve_all

MAX_LISTS: Final = 500
"""Lists that may count in one channel: a question reads a price from each."""
MAX_WANTED: Final = 1_000
"""Variants of one question."""


@flow("pricing.put_lists")
async def put_lists(given: Given, *, lists: tuple[PriceList, ...]) -> None:
    """Make price lists, or change for whom and when they count.

    Raises: Malformed.
    """
    stored = await load(PRICE_LIST, [found.id for found in lists])
    await write(decide.put_lists(lists, stored=stored))


@flow("pricing.put_prices")
async def put_prices(given: Given, *, price_list: PriceListId, prices: Mapping[VariantId, tuple[Break, ...]]) -> None:
    """Set prices on a list, up to 5,000 at once.

    Raises:
        ListUnknown: there is no such list.
        Malformed: a price that cannot be.
    """
    wanted = [ListPrice(list=price_list, variant=variant, breaks=breaks) for variant, breaks in prices.items()]
    if price_list not in await load(PRICE_LIST, [price_list]):
        raise ListUnknown(list=price_list)
    stored = await load(LIST_PRICE, [price.key for price in wanted])
    await write(decide.put_prices(wanted, stored=stored))


@question("pricing.prices")
async def prices(
    given: Given,
    *,
    variants: Mapping[VariantId, int],
    channel: ChannelId,
    currency: str,
    at: Instant | None = None,
) -> tuple[Resolved, ...]:
    """Give the price of each variant for its quantity in a channel, in the order asked; now, if no instant is given.

    Three reads, however many variants.

    Raises:
        Malformed: more than 1,000 variants, or more than 500 lists count in the channel.
    """
    if len(variants) > MAX_WANTED:
        raise Malformed("$.variants", f"must be at most {MAX_WANTED}")
    own = await find(PRICE_LIST, "channel", equal=index_of(channel), limit=MAX_PAGE)
    every = await find(PRICE_LIST, "channel", equal=index_of(None), limit=MAX_PAGE)
    lists = tuple(stored.value for stored in (*own.items, *every.items))
    if len(lists) > MAX_LISTS:
        raise Malformed("$.channel", f"must have at most {MAX_LISTS} price lists")
    moment = given.at if at is None else at
    counting = [found.id for found in lists if found.currency == currency and found.valid.contains(moment)]
    entries = await load(LIST_PRICE, [price_key(each, variant) for each in counting for variant in variants])
    book = PriceBook(lists, tuple(stored.value for stored in entries.values()))
    found = resolve_all(variants, book=book, channel=channel, currency=currency, at=moment)
    return tuple(found[variant] for variant in variants)
