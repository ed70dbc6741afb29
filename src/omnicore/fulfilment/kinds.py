"""What does fulfilment store, and how is it found?"""

from omnicore.fulfilment.model import Parcel, Pickup
from omnicore.fulfilment.rules import SourcingPolicy
from omnicore.fulfilment.states import PickupState
from omnicore.kernel.records import Index, Kind
from omnicore.kernel.time import Instant

SOURCING_POLICIES: Kind[SourcingPolicy] = Kind(
    name="fulfilment.sourcing_policy", type=SourcingPolicy, key=lambda policy: policy.channel, steady=True
)

PARCELS: Kind[Parcel] = Kind(
    name="fulfilment.parcel",
    type=Parcel,
    key=lambda parcel: parcel.id,
    indexes=(
        # What a node has to do, oldest first.
        Index("node", lambda parcel: ((parcel.node, parcel.state.value, parcel.planned_at),)),
        Index("order", lambda parcel: ((parcel.order,),)),
    ),
)


def _due(pickup: Pickup) -> tuple[tuple[Instant], ...]:
    return ((pickup.until,),) if pickup.state is PickupState.READY and pickup.until else ()


PICKUPS: Kind[Pickup] = Kind(
    name="fulfilment.pickup",
    type=Pickup,
    key=lambda pickup: pickup.id,
    indexes=(
        Index("node", lambda pickup: ((pickup.node, pickup.state.value, pickup.planned_at),)),
        Index("order", lambda pickup: ((pickup.order,),)),
        # Whose last day is over, and when.
        Index("due", _due),
    ),
)
