"""What has happened to parcels and pickups? Past-tense facts for mails, tracking pages and the customer's timeline."""

from attrs import frozen

from omnicore.fulfilment.model import Item, PickupId, Tracking
from omnicore.kernel.ids import NodeId, OrderId, ParcelId
from omnicore.kernel.journal import event
from omnicore.kernel.time import Window


@event("fulfilment.parcel_planned.v1")
@frozen(kw_only=True)
class ParcelPlanned:
    """A parcel is to be packed at a node."""

    parcel: ParcelId
    order: OrderId
    node: NodeId
    items: tuple[Item, ...]

    @property
    def about(self) -> str:
        """The parcel."""
        return self.parcel


@event("fulfilment.parcel_packed.v1")
@frozen(kw_only=True)
class ParcelPacked:
    """A parcel has been packed."""

    parcel: ParcelId
    order: OrderId
    node: NodeId

    @property
    def about(self) -> str:
        """The parcel."""
        return self.parcel


@event("fulfilment.parcel_shipped.v1")
@frozen(kw_only=True)
class ParcelShipped:
    """A parcel was handed to its carrier."""

    parcel: ParcelId
    order: OrderId
    node: NodeId
    tracking: Tracking

    @property
    def about(self) -> str:
        """The parcel."""
        return self.parcel


@event("fulfilment.parcel_delivered.v1")
@frozen(kw_only=True)
class ParcelDelivered:
    """A parcel reached its buyer."""

    parcel: ParcelId
    order: OrderId
    node: NodeId

    @property
    def about(self) -> str:
        """The parcel."""
        return self.parcel


@event("fulfilment.parcel_lost.v1")
@frozen(kw_only=True)
class ParcelLost:
    """A parcel will not reach its buyer."""

    parcel: ParcelId
    order: OrderId
    node: NodeId

    @property
    def about(self) -> str:
        """The parcel."""
        return self.parcel


@event("fulfilment.parcel_cancelled.v1")
@frozen(kw_only=True)
class ParcelCancelled:
    """A parcel will not be sent; what becomes of its goods is told by stock."""

    parcel: ParcelId
    order: OrderId
    node: NodeId

    @property
    def about(self) -> str:
        """The parcel."""
        return self.parcel


@event("fulfilment.pickup_planned.v1")
@frozen(kw_only=True)
class PickupPlanned:
    """Goods are to be picked at a store for collection."""

    pickup: PickupId
    order: OrderId
    node: NodeId
    items: tuple[Item, ...]

    @property
    def about(self) -> str:
        """The pickup."""
        return self.pickup


@event("fulfilment.pickup_picked.v1")
@frozen(kw_only=True)
class PickupPicked:
    """Goods have been taken from the shelf for collection."""

    pickup: PickupId
    order: OrderId
    node: NodeId

    @property
    def about(self) -> str:
        """The pickup."""
        return self.pickup


@event("fulfilment.pickup_ready.v1")
@frozen(kw_only=True)
class PickupReady:
    """Goods wait for their buyer, on the days of the window; the code is not told here."""

    pickup: PickupId
    order: OrderId
    node: NodeId
    window: Window

    @property
    def about(self) -> str:
        """The pickup."""
        return self.pickup


@event("fulfilment.pickup_collected.v1")
@frozen(kw_only=True)
class PickupCollected:
    """Goods were collected."""

    pickup: PickupId
    order: OrderId
    node: NodeId

    @property
    def about(self) -> str:
        """The pickup."""
        return self.pickup


@event("fulfilment.pickup_lapsed.v1")
@frozen(kw_only=True)
class PickupLapsed:
    """Nobody came in time."""

    pickup: PickupId
    order: OrderId
    node: NodeId

    @property
    def about(self) -> str:
        """The pickup."""
        return self.pickup


@event("fulfilment.pickup_cancelled.v1")
@frozen(kw_only=True)
class PickupCancelled:
    """Goods will not be collected; what becomes of them is told by stock."""

    pickup: PickupId
    order: OrderId
    node: NodeId

    @property
    def about(self) -> str:
        """The pickup."""
        return self.pickup
