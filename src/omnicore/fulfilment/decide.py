"""What do parcels and pickups write as they go on?

Pure, many at once, to be merged with other writes. Goods leave the books of stock in the write that ships a parcel or
hands a pickup over, and in no other; whoever cancels one, or finds that nobody came, says in the same write what
becomes of the holds (``inventory`` releases or moves them).
"""

from collections.abc import Iterable, Mapping

from attrs import evolve

from omnicore.fulfilment import events
from omnicore.fulfilment.collection import same_mark
from omnicore.fulfilment.errors import NotExpired, NotReady, PickupExpired, WrongCode
from omnicore.fulfilment.kinds import PARCELS, PICKUPS, SOURCING_POLICIES
from omnicore.fulfilment.leaving import settle
from omnicore.fulfilment.model import Item, Parcel, Pickup, Tracking
from omnicore.fulfilment.rules import SourcingPolicy
from omnicore.fulfilment.states import PARCEL, PICKUP, ParcelMove, PickupMove, PickupState
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import NodeId, OrderId, ParcelId
from omnicore.kernel.ledger import Balance, Held
from omnicore.kernel.ledger import Account as LedgerAccount
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes, merged
from omnicore.kernel.time import Instant, Window
from omnicore.kernel.verdict import Verdict


def set_sourcing(policy: SourcingPolicy, *, stored: Stored[SourcingPolicy] | None) -> Writes:
    """Say from where a channel is served from now on; what has been sourced stays."""
    return Writes(changes=(SOURCING_POLICIES.put(policy) if stored is None else stored.put(policy),))


def parcels_of(
    items: Iterable[tuple[NodeId, Item]], *, order: OrderId, id: str, at: Instant
) -> tuple[Parcel, ...]:
    """Make one parcel for each node, in the order in which nodes come first; the parcels are named after ``id``."""
    by_node: dict[NodeId, list[Item]] = {}
    for node, item in items:
        by_node.setdefault(node, []).append(item)
    return tuple(
        Parcel(id=ParcelId(f"{id}-{number}"), order=order, node=node, items=tuple(few), planned_at=at)
        for number, (node, few) in enumerate(by_node.items(), 1)
    )


def plan(*, parcels: Iterable[Parcel] = (), pickups: Iterable[Pickup] = ()) -> Writes:
    """Give nodes something to do: parcels to pack, goods to pick for collection."""
    parcels, pickups = tuple(parcels), tuple(pickups)
    happened = [
        events.ParcelPlanned(parcel=parcel.id, order=parcel.order, node=parcel.node, items=parcel.items)
        for parcel in parcels
    ]
    waiting = [
        events.PickupPlanned(pickup=pickup.id, order=pickup.order, node=pickup.node, items=pickup.items)
        for pickup in pickups
    ]
    return Writes(
        changes=(*map(PARCELS.put, parcels), *map(PICKUPS.put, pickups)),
        events=(*happened, *waiting),
    )


# -------------------------------------------------------------------------------------------------------------- parcels


def pack(parcels: Iterable[Stored[Parcel]]) -> Writes:
    """Note that parcels have been packed.

    Raises: IllegalMove.
    """
    return merged(
        Writes(
            changes=(_on(stored, ParcelMove.PACK),),
            events=(events.ParcelPacked(parcel=parcel.id, order=parcel.order, node=parcel.node),),
        )
        for stored in parcels
        for parcel in (stored.value,)
    )
