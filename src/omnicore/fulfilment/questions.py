"""What can be asked of parcels and pickups? Each question reads one snapshot and writes nothing.

``parcels_under``, ``pickups_under`` and ``behind`` are the reads that commands and scenarios begin with, too.
"""

from collections.abc import Iterable

from attrs import frozen

from omnicore.fulfilment.errors import NoParcel, NoPickup, NoSourcingPolicy
from omnicore.fulfilment.kinds import PARCELS, PICKUPS, SOURCING_POLICIES
from omnicore.fulfilment.model import Item, Parcel, Pickup, PickupId
from omnicore.fulfilment.rules import SourcingPolicy
from omnicore.fulfilment.states import ParcelState, PickupState
from omnicore.kernel.flow import Given, balances, find, get, holds, load, question
from omnicore.kernel.ids import ChannelId, NodeId, OrderId, ParcelId
from omnicore.kernel.ledger import Account, Balance, Held
from omnicore.kernel.records import Stored


async def policy_of(channel: ChannelId) -> SourcingPolicy:
    """Read how a channel's orders are sourced.

    Raises: NoSourcingPolicy.
    """
    stored = await get(SOURCING_POLICIES, channel)
    if stored is None:
        raise NoSourcingPolicy(channel=channel)
    return stored.value


async def parcels_under(ids: Iterable[ParcelId]) -> tuple[Stored[Parcel], ...]:
    """Read parcels, in the order asked.

    Raises: NoParcel.
    """
    wanted = tuple(dict.fromkeys(ids))
    found = await load(PARCELS, wanted)
    for parcel in wanted:
        if parcel not in found:
            raise NoParcel(parcel=parcel)
    return tuple(found[parcel] for parcel in wanted)


async def pickups_under(ids: Iterable[PickupId]) -> tuple[Stored[Pickup], ...]:
    """Read pickups, in the order asked.

    Raises: NoPickup.
    """
    wanted = tuple(dict.fromkeys(ids))
    found = await load(PICKUPS, wanted)
    for pickup in wanted:
        if pickup not in found:
            raise NoPickup(pickup=pickup)
    return tuple(found[pickup] for pickup in wanted)


async def behind(items: Iterable[Item]) -> tuple[dict[str, Held], dict[Account, Balance]]:
    """Read the holds behind items, and how the accounts they promise from stand."""
    held = await holds(item.hold for item in items)
    return held, await balances(each.account for each in held.values())


@frozen(kw_only=True)
class PickList:
    """What a node has to take from its shelves next, oldest first."""

    node: NodeId
    parcels: tuple[Parcel, ...]
    pickups: tuple[Pickup, ...]


@question("fulfilment.to_pick")
async def to_pick(_given: Given, *, node: NodeId, limit: int = 100) -> PickList:
    """Ask what is to be packed and picked at a node: at most ``limit`` parcels and as many pickups, oldest first."""
    parcels = await find(PARCELS, "node", equal=(node, ParcelState.PLANNED.value), limit=limit)
    pickups = await find(PICKUPS, "node", equal=(node, PickupState.PLANNED.value), limit=limit)
    return PickList(
        node=node,
        parcels=tuple(stored.value for stored in parcels.items),
        pickups=tuple(stored.value for stored in pickups.items),
    )


@question("fulfilment.waiting")
async def waiting(_given: Given, *, node: NodeId, limit: int = 100) -> tuple[Pickup, ...]:
    """Ask what waits for its buyer at a node, oldest first."""
    page = await find(PICKUPS, "node", equal=(node, PickupState.READY.value), limit=limit)
    return tuple(stored.value for stored in page.items)


@question("fulfilment.uncollected")
async def uncollected(given: Given, *, limit: int = 100) -> tuple[Pickup, ...]:
    """Ask which pickups nobody came for in time, the longest overdue first."""
    page = await find(PICKUPS, "due", until=given.at.plus(micros=1), limit=limit)
    return tuple(stored.value for stored in page.items)


@frozen(kw_only=True)
class Delivery:
    """How an order reaches its buyer."""

    order: OrderId
    parcels: tuple[Parcel, ...]
    pickups: tuple[Pickup, ...]


@question("fulfilment.delivery")
async def delivery(_given: Given, *, order: OrderId, limit: int = 1000) -> Delivery:
    """Ask for the parcels and pickups of an order."""
    parcels = await find(PARCELS, "order", equal=(order,), limit=limit)
    pickups = await find(PICKUPS, "order", equal=(order,), limit=limit)
    return Delivery(
        order=order,
        parcels=tuple(stored.value for stored in parcels.items),
        pickups=tuple(stored.value for stored in pickups.items),
    )
