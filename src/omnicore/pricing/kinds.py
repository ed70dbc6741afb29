"""How are price lists and their prices stored and found?

A list and its prices are documents of their own, so a list may hold any number of prices and a price changes alone.
"""

from collections.abc import Iterable
from typing import Final

from omnicore.kernel.ids import ChannelId
from omnicore.kernel.records import Index, Kind
from omnicore.pricing.model import ListPrice, PriceList

EVERY_CHANNEL: Final = ""
"""Stands in the index for lists of all channels; no channel has this id."""


def _channel(found: PriceList) -> Iterable[tuple[str]]:
    return [(EVERY_CHANNEL if found.channel is None else found.channel,)]


def _list(found: ListPrice) -> Iterable[tuple[str]]:
    return [(found.list,)]


PRICE_LIST: Final = Kind(
    name="pricing.list",
    type=PriceList,
    key=lambda found: found.id,
    steady=True,
    indexes=(Index("channel", _channel),),
)
LIST_PRICE: Final = Kind(
    name="pricing.price",
    type=ListPrice,
    key=lambda found: found.key,
    steady=True,
    indexes=(Index("list", _list),),
)


def index_of(channel: ChannelId | None) -> tuple[str]:
    """Give what to look lists of a channel up under."""
    return (EVERY_CHANNEL if channel is None else channel,)
