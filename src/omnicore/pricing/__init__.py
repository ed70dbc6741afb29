"""Pricing: price lists with quantity breaks, and one resolution that says which price counts and why.

``resolve`` is pure and needs no store. ``put_lists``, ``put_prices`` and the question ``prices`` keep lists in one.
``decide`` gives the ``Writes`` for scenarios that write more than prices.
"""

from omnicore.pricing import decide
from omnicore.pricing.errors import ListUnknown, NoPrice
from omnicore.pricing.events import NewPrice, PriceListSet, PricesSet
from omnicore.pricing.flows import prices, put_lists, put_prices
from omnicore.pricing.kinds import LIST_PRICE, PRICE_LIST
from omnicore.pricing.model import Break, ListPrice, PriceList, flat, price_key
from omnicore.pricing.resolve import Outcome, PriceBook, Resolved, Step, resolve, resolve_all

__all__ = [
    "LIST_PRICE",
    "PRICE_LIST",
    "Break",
    "ListPrice",
    "ListUnknown",
    "NewPrice",
    "NoPrice",
    "Outcome",
    "PriceBook",
    "PriceList",
    "PriceListSet",
    "PricesSet",
    "Resolved",
    "Step",
    "decide",
    "flat",
    "price_key",
    "prices",
    "put_lists",
    "put_prices",
    "resolve",
    "resolve_all",
]
