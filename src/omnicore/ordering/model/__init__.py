"""What carts, quotes, orders and buyers are: ``terms`` are what quotes and orders share."""

from omnicore.ordering.model.buyer import Buyer
from omnicore.ordering.model.offer import Cart, CartLine, Quote
from omnicore.ordering.model.order import MAX_ADJUSTMENTS, MAX_TAGS, Adjustment, Order
from omnicore.ordering.model.terms import (
    MAX_CHARGES,
    MAX_GROUPS,
    MAX_LINES,
    MAX_UNITS,
    Charge,
    ChargeKind,
    DeliveryGroup,
    GroupId,
    Method,
    OrderLine,
    RateTotal,
    Totals,
)

__all__ = [
    "MAX_ADJUSTMENTS",
    "MAX_CHARGES",
    "MAX_GROUPS",
    "MAX_LINES",
    "MAX_TAGS",
    "MAX_UNITS",
    "Adjustment",
    "Buyer",
    "Cart",
    "CartLine",
    "Charge",
    "ChargeKind",
    "DeliveryGroup",
    "GroupId",
    "Method",
    "Order",
    "OrderLine",
    "Quote",
    "RateTotal",
    "Totals",
]
