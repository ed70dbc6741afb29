"""What travels to a buyer, and what waits for one at a counter?

Both carry items: so many steps of a line's SKU, promised by a hold of the ledger. When a parcel ships or a pickup is
collected those holds are settled, in the same write; nothing else here moves stock.
"""

from typing import NewType

from attrs import frozen

from omnicore.fulfilment.states import ParcelState, PickupState
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, NodeId, OrderId, ParcelId, checked_id
from omnicore.kernel.ledger import MAX_AMOUNT
from omnicore.kernel.time import Instant, Window

PickupId = NewType("PickupId", str)

MAX_ITEMS = 10_000
"""Items in one parcel or pickup."""


def checked(value: object, of: type[object], path: str) -> None:
    """Check that a value is of exactly one class.

    Raises: Malformed.
    """
    if type(value) is not of:
        raise Malformed(path, f"must be a value of {of.__name__}")


def checked_amount(amount: int, path: str) -> int:
    """Let a number of a SKU's smallest steps in unchanged.

    Raises: Malformed.
    """
    if type(amount) is not int or not 0 < amount <= MAX_AMOUNT:
        raise Malformed(path, f"must be a whole number from 1 to {MAX_AMOUNT}")
    return amount


def checked_moment(moment: Instant | None, path: str, *, there: bool) -> None:
    """Check that a moment is known if and only if it has come.

    Raises: Malformed.
    """
    if type(moment) is not (Instant if there else type(None)):
        raise Malformed(path, "must be an instant once it has happened, and not before")


@frozen(kw_only=True)
class Item:
    """So many steps of a line's SKU, and the hold that promises them."""

    line: LineId
    unit: str
    amount: int
    hold: str

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.line, "$.line")
        checked_id(self.unit, "$.unit")
        checked_amount(self.amount, "$.amount")
        if type(self.hold) is not str or not self.hold:
            raise Malformed("$.hold", "must name a hold")


def checked_items(items: tuple[Item, ...]) -> None:
    """Check that there are items, and not too many.

    Raises: Malformed.
    """
    if type(items) is not tuple or not 0 < len(items) <= MAX_ITEMS or any(type(item) is not Item for item in items):
        raise Malformed("$.items", f"must be 1 to {MAX_ITEMS} items")


@frozen(kw_only=True)
class Tracking:
    """Under which number a carrier knows a parcel."""

    carrier: str
    number: str

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.carrier, "$.carrier")
        checked_id(self.number, "$.number")


@frozen(kw_only=True)
class Parcel:
    """What travels from one node to a buyer under one tracking number."""

    id: ParcelId
    order: OrderId
    node: NodeId
    items: tuple[Item, ...]
    planned_at: Instant
    state: ParcelState = ParcelState.PLANNED
    tracking: Tracking | None = None
    delivered_at: Instant | None = None

    def __attrs_post_init__(self) -> None:
        """Check the parts; what has been shipped can be tracked, and what has been delivered was so at a moment.

        Raises: Malformed.
        """
        checked_id(self.id, "$.id")
        checked_id(self.order, "$.order")
        checked_id(self.node, "$.node")
        checked_items(self.items)
        checked(self.planned_at, Instant, "$.planned_at")
        checked(self.state, ParcelState, "$.state")
        shipped = self.state in {ParcelState.SHIPPED, ParcelState.DELIVERED, ParcelState.LOST}
        if shipped is not (type(self.tracking) is Tracking) or (self.tracking is not None and not shipped):
            raise Malformed("$.tracking", "must be there from the moment the parcel is shipped")
        checked_moment(self.delivered_at, "$.delivered_at", there=self.state is ParcelState.DELIVERED)


@frozen(kw_only=True)
class Pickup:
    """What waits at a store for its buyer (BOPIS).

    ``mark`` is a keyed hash of the code that opens it, which itself is stored nowhere; ``window`` are the local days on
    which it may be collected. Both are there from the moment it is ready.
    """

    id: PickupId
    order: OrderId
    node: NodeId
    items: tuple[Item, ...]
    planned_at: Instant
    state: PickupState = PickupState.PLANNED
    mark: str | None = None
    window: Window | None = None
    collected_at: Instant | None = None

    def __attrs_post_init__(self) -> None:
        """Check the parts; what is ready has a code and a last day.

        Raises: Malformed.
        """
        checked_id(self.id, "$.id")
        checked_id(self.order, "$.order")
        checked_id(self.node, "$.node")
        checked_items(self.items)
        checked(self.planned_at, Instant, "$.planned_at")
        checked(self.state, PickupState, "$.state")
        if self.state in {PickupState.READY, PickupState.COLLECTED, PickupState.EXPIRED}:
            checked(self.mark, str, "$.mark")
            checked(self.window, Window, "$.window")
        if (self.mark is None) is not (self.window is None) or (self.window is not None and self.window.until is None):
            raise Malformed("$.window", "must have a last day, and a code beside it")
        checked_moment(self.collected_at, "$.collected_at", there=self.state is PickupState.COLLECTED)

    @property
    def until(self) -> Instant | None:
        """The first instant that is too late to collect; None while it is not ready."""
        return None if self.window is None else self.window.period().until
