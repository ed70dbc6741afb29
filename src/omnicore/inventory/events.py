"""What has happened to stock? Past-tense facts for feeds, read models and the people who watch them.

That a fact left less than is promised is told by the ledger itself (``kernel.overcommitted.v1``).
"""

from collections.abc import Mapping

from attrs import frozen

from omnicore.inventory.model import Allocation
from omnicore.inventory.states import ScrapReason, Shelf
from omnicore.kernel.ids import ChannelId, NodeId
from omnicore.kernel.journal import event


@event("inventory.received.v1")
@frozen(kw_only=True)
class Received:
    """Goods came from a supplier; ``reference`` names the purchase order or the delivery."""

    node: NodeId
    units: Mapping[str, int]
    reference: str | None = None

    @property
    def about(self) -> str:
        """The node."""
        return self.node


@event("inventory.counted.v1")
@frozen(kw_only=True)
class Counted:
    """A shelf was counted: what was ``found``, and what the books had said until then."""

    node: NodeId
    found: Mapping[str, int]
    booked: Mapping[str, int]

    @property
    def about(self) -> str:
        """The node."""
        return self.node


@event("inventory.scrapped.v1")
@frozen(kw_only=True)
class Scrapped:
    """Goods were thrown away."""

    node: NodeId
    units: Mapping[str, int]
    shelf: Shelf
    reason: ScrapReason

    @property
    def about(self) -> str:
        """The node."""
        return self.node


@event("inventory.sold_at_till.v1")
@frozen(kw_only=True)
class SoldAtTill:
    """Goods left over the counter; ``reference`` names the sale."""

    node: NodeId
    units: Mapping[str, int]
    reference: str | None = None

    @property
    def about(self) -> str:
        """The node."""
        return self.node


@event("inventory.restocked.v1")
@frozen(kw_only=True)
class Restocked:
    """Goods came back from a customer; ``reference`` names the return."""

    node: NodeId
    units: Mapping[str, int]
    shelf: Shelf
    reference: str | None = None

    @property
    def about(self) -> str:
        """The node."""
        return self.node


@event("inventory.dispatched.v1")
@frozen(kw_only=True)
class Dispatched:
    """Goods left one node for another."""

    transfer: str
    source: NodeId
    target: NodeId
    units: Mapping[str, int]

    @property
    def about(self) -> str:
        """The transfer."""
        return self.transfer


@event("inventory.arrived.v1")
@frozen(kw_only=True)
class Arrived:
    """Goods of a transfer arrived, and others were given up for lost."""

    transfer: str
    node: NodeId
    received: Mapping[str, int]
    lost: Mapping[str, int]

    @property
    def about(self) -> str:
        """The transfer."""
        return self.transfer


@event("inventory.held.v1")
@frozen(kw_only=True)
class StockHeld:
    """Stock was promised to a cart or an order."""

    reservation: str
    channel: ChannelId
    allocations: tuple[Allocation, ...]

    @property
    def about(self) -> str:
        """The reservation."""
        return self.reservation


@event("inventory.shipped.v1")
@frozen(kw_only=True)
class Shipped:
    """Promised goods left their nodes: steps by hold."""

    reservation: str
    amounts: Mapping[str, int]

    @property
    def about(self) -> str:
        """The reservation."""
        return self.reservation


@event("inventory.released.v1")
@frozen(kw_only=True)
class Released:
    """Promises were given back; what is named may be promised again."""

    reservation: str
    holds: tuple[str, ...]

    @property
    def about(self) -> str:
        """The reservation."""
        return self.reservation


@event("inventory.resourced.v1")
@frozen(kw_only=True)
class Resourced:
    """Promises were moved to other nodes: the ``holds`` given up, and the ``allocations`` made in their place."""

    reservation: str
    holds: tuple[str, ...]
    allocations: tuple[Allocation, ...]

    @property
    def about(self) -> str:
        """The reservation."""
        return self.reservation


@event("inventory.pool_set.v1")
@frozen(kw_only=True)
class PoolSet:
    """A channel promises from these nodes now."""

    channel: ChannelId
    nodes: tuple[NodeId, ...]

    @property
    def about(self) -> str:
        """The channel."""
        return self.channel
