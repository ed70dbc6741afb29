"""What is written when prices are set?"""

from collections.abc import Mapping, Sequence
from typing import Final

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import PriceListId
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.pricing.events import NewPrice, PriceListSet, PricesSet
from omnicore.pricing.kinds import LIST_PRICE, PRICE_LIST
from omnicore.pricing.model import ListPrice, PriceList

MAX_PRICES: Final = 5_000
"""Prices set by one command."""


def put_lists(lists: Sequence[PriceList], *, stored: Mapping[str, Stored[PriceList]]) -> Writes:
    """Make price lists, or change for whom and when they count; one that is so already is left alone.

    A list's currency and basis never change: its prices would become other prices.

    Raises:
        Malformed: a stored list has another currency or basis, or two of the lists have one id.
    """
    if len({found.id for found in lists}) != len(lists):
        raise Malformed("$.lists", "must have an id each")
    changes, events = [], []
    for found in lists:
        known = stored.get(found.id)
        if known is not None and (known.value.currency, known.value.basis) != (found.currency, found.basis):
            raise Malformed("$.lists", "a list keeps its currency and tax basis; make another list")
        if known is None or known.value != found:
            changes.append(PRICE_LIST.put(found) if known is None else known.put(found))
            events.append(PriceListSet(found))
    return Writes(changes=tuple(changes), events=tuple(events))


def put_prices(prices: Sequence[ListPrice], *, stored: Mapping[str, Stored[ListPrice]]) -> Writes:
    """Set prices; one that is so already is left alone.

    Law: setting the same prices again writes nothing.

    Raises:
        Malformed: more than 5,000 prices, or two for one variant on one list.
    """
    if len(prices) > MAX_PRICES:
        raise Malformed("$.prices", f"must be at most {MAX_PRICES}")
    wanted = {price.key: price for price in prices}
    if len(wanted) != len(prices):
        raise Malformed("$.prices", "must have one price for a variant on a list")
    changes = []
    news: dict[PriceListId, list[NewPrice]] = {}
    for key, price in wanted.items():
        known = stored.get(key)
        if known is None or known.value != price:
            changes.append(LIST_PRICE.put(price) if known is None else known.put(price))
            news.setdefault(price.list, []).append(NewPrice(price.variant, price.breaks))
    events = tuple(PricesSet(list=found, prices=tuple(few)) for found, few in news.items())
    return Writes(changes=tuple(changes), events=events)
