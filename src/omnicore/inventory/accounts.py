"""On which account does a unit stand, and what are holds on it called? The one place where these names are made."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from omnicore.inventory.model import checked_node, checked_unit
from omnicore.inventory.states import Shelf
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import NodeId, SkuId, checked_id
from omnicore.kernel.ledger import Account
from omnicore.kernel.quantity import MAX_SCALE

SUPPLIER: Final = "world/supplier"
CUSTOMER: Final = "world/customer"
COUNT: Final = "world/count"
SCRAP: Final = "world/scrap"
LOSS: Final = "world/loss"
HISTORY: Final = "world/history"
"""Where goods came from that were sold before these books began."""

_SCALES = tuple(f"@{scale}" for scale in range(10))
_HOLD = "stock/"


def sku_unit(sku: SkuId, *, scale: int = 0) -> str:
    """Give the ledger's name of a SKU: ``sku:TEE-M``; ``sku:RICE@3`` where a step is a thousandth.

    Raises: Malformed for a scale out of bounds, or a SKU that ends as a scale is written.
    """
    if checked_id(sku, "$.sku").endswith(_SCALES):
        raise Malformed("$.sku", "must not end in @ and a digit")
    if type(scale) is not int or not 0 <= scale <= MAX_SCALE:
        raise Malformed("$.scale", f"must be a whole number from 0 to {MAX_SCALE}")
    return f"sku:{sku}@{scale}" if scale else f"sku:{sku}"


def sku_of(unit: str) -> SkuId:
    """Give the SKU that a unit counts. Law: ``sku_of(sku_unit(sku, scale=n)) == sku``."""
    sku = checked_unit(unit, "$.unit")[4:]
    return SkuId(sku[:-2] if sku.endswith(_SCALES) else sku)


def shelf(unit: str, node: NodeId, where: Shelf) -> Account:
    """Give the account of a SKU on one shelf of a node."""
    if type(unit) is not str or type(node) is not str:
        checked_unit(unit, "$.unit")
        checked_node(node, "$.node")
    return _shelf(unit, node, where)


@lru_cache(maxsize=16_384)  # the same shelves are named over and over in one decision
def _shelf(unit: str, node: NodeId, where: Shelf) -> Account:
    return Account(checked_unit(unit, "$.unit"), f"node/{checked_node(node, '$.node')}/{where.value}")


def on_hand(unit: str, node: NodeId) -> Account:
    """Give the account of what is ready at a node: the one that promises are held against."""
    return shelf(unit, node, Shelf.ON_HAND)


def quarantine(unit: str, node: NodeId) -> Account:
    """Give the account of what is set aside at a node."""
    return shelf(unit, node, Shelf.QUARANTINE)


def in_transit(unit: str, transfer: str) -> Account:
    """Give the account of what a transfer has still on its way."""
    return Account(checked_unit(unit, "$.unit"), f"transit/{checked_node(transfer, '$.transfer')}")


def shelves(units: Iterable[str], nodes: Iterable[NodeId]) -> list[Account]:
    """Give the on-hand accounts of every SKU at every node: what to read before deciding."""
    nodes = tuple(nodes)
    return [on_hand(unit, node) for unit in units for node in nodes]


def hold_id(reservation: str, number: int) -> str:
    """Name the so-manieth hold of a reservation."""
    return f"{_HOLD}{reservation}/{number}"


def reservation_of(hold: str) -> str | None:
    """Give the reservation a hold was made under; None if it is not one of stock's."""
    return hold.removeprefix(_HOLD).rpartition("/")[0] or None if hold.startswith(_HOLD) else None
