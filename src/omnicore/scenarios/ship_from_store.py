"""How does a parcel leave a store or a warehouse, and who serves a promise that its node can no longer keep?

``send`` ships a packed parcel from whatever node it stands at and has the money taken that was set aside. ``rescue``
answers an ``Overcommitted`` account: a till has sold, or a count has not found, what was promised. The holds at risk go
to nodes that have the goods, later promises first to move, and the parcels follow them.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen

from omnicore.fulfilment import (
    PARCELS,
    SOURCING_POLICIES,
    AtRisk,
    Item,
    Parcel,
    ParcelState,
    PreferOrder,
    Tracking,
    source_again,
)
from omnicore.fulfilment import decide as fulfilment
from omnicore.fulfilment import questions as work
from omnicore.inventory import (
    POOLS,
    RESERVATIONS,
    Allocation,
    NoPool,
    Resourced,
    Risk,
    accounts,
    holds_at_risk,
    pooling,
    questions,
    resourcing,
)
from omnicore.kernel.flow import Given, balances, find, flow, load, write
from omnicore.kernel.ids import ChannelId, NodeId, ParcelId
from omnicore.kernel.records import MAX_PAGE, Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.scenarios.handing_over import hand_over, load_leaving


@flow("scenarios.send")
async def send(given: Given, *, parcel: ParcelId, tracking: Tracking) -> None:
    """Hand a packed parcel to its carrier: its goods leave the books, its units are counted, its money is taken.

    Raises: NoParcel, IllegalMove, NotPromised, NotOnShelf, OrderUnknown.
    """
    (stored,) = await work.parcels_under([parcel])
    items = stored.value.items
    held, read = await work.behind(items)
    leaving = await load_leaving(stored.value.order)
    shipped = fulfilment.ship([stored], tracking={parcel: tracking}, held=held, balances=read, at=given.at)
    await write(shipped + hand_over(leaving, items, name=f"parcel-{parcel}", given=given))


@frozen(kw_only=True)
class Rescued:
    """Which holds went where (steps by node), and which no node can keep: those need a person, or a refusal."""

    moved: Mapping[str, Mapping[NodeId, int]]
    unserved: tuple[str, ...]


@flow("scenarios.rescue")
async def rescue(given: Given, *, node: NodeId, units: tuple[str, ...]) -> Rescued:
    """Serve from elsewhere what a node has promised and no longer has.

    A pickup is not moved: its buyer comes to this store. It is named among the unserved.

    Raises: NoPool.
    """
    risks = await holds_at_risk(node=node, units=units)
    reservations = await load(RESERVATIONS, {risk.reservation for risk in risks if risk.reservation})
    channels = {stored.value.channel for stored in reservations.values()}
    pools = {ChannelId(key): stored.value for key, stored in (await load(POOLS, channels)).items()}
    for channel in sorted(channels - pools.keys()):
        raise NoPool(channel=channel)
    policies = await load(SOURCING_POLICIES, channels)
    parcels = await _parcels_of(reservations)
    movable = {item.hold for stored in parcels for item in stored.value.items}
    held = await questions.held_under(reservations.values())
    nodes = {each for pool in pools.values() for each in pool.nodes} | {node}
    read = await balances(accounts.shelves(units, sorted(nodes)))
    moved: dict[str, Mapping[NodeId, int]] = {}
    unserved = [risk.hold for risk in risks if risk.hold not in movable]
    for channel in sorted(channels):
        pool = pools[channel]
        mine = [
            risk
            for risk in risks
            if risk.hold in movable and risk.reservation and reservations[risk.reservation].value.channel == channel
        ]
        policy = policies.get(channel)
        found = source_again(
            [_at_risk(risk) for risk in mine],
            supply=pooling.free(pool, units, read),
            rule=PreferOrder(nodes=pool.nodes) if policy is None else policy.value.rule,
        )
        moved |= found.places
        unserved += found.unserved
    if moved:
        touched = [stored for stored in reservations.values() if any(stored.value.find(hold) for hold in moved)]
        writes = resourcing.move_holds(moved, reservations=touched, pools=pools, held=held, balances=read, at=given.at)
        await write(writes + _replanned(parcels, writes, at=given.at, id=given.new_id()))
    return Rescued(moved=moved, unserved=tuple(unserved))


async def _parcels_of(reservations: Mapping[str, object]) -> list[Stored[Parcel]]:
    """Read the parcels of orders that have not been handed to a carrier."""
    found: list[Stored[Parcel]] = []
    for order in sorted(reservations):
        page = await find(PARCELS, "order", equal=(order,), limit=MAX_PAGE)
        found += [each for each in page.items if each.value.state in {ParcelState.PLANNED, ParcelState.PACKED}]
    return found


def _at_risk(risk: Risk) -> AtRisk:
    assert risk.line is not None, "a hold of a reservation has its line"
    return AtRisk(hold=risk.hold, line=risk.line, unit=risk.unit, node=risk.node, left=risk.left, short=risk.short)


def _replanned(parcels: Sequence[Stored[Parcel]], moved: Writes, *, at: Instant, id: str) -> Writes:
    """Call off the parcels whose holds have moved, and plan their items anew at the nodes that serve them now.

    Law: the items planned anew add up to those called off.
    """
    ended = {hold for event in moved.events if isinstance(event, Resourced) for hold in event.holds}
    fresh = [each for event in moved.events if isinstance(event, Resourced) for each in event.allocations]
    touched = [stored for stored in parcels if any(item.hold in ended for item in stored.value.items)]
    writes = fulfilment.cancel_parcels(touched)
    for number, stored in enumerate(touched):
        old = stored.value
        lines = {(item.line, item.unit) for item in old.items if item.hold in ended}
        stays = [(old.node, item) for item in old.items if item.hold not in ended]
        goes = [
            (each.share.node, _item(each))
            for each in fresh
            if (each.share.line, each.share.unit) in lines and each.hold.startswith(_reservation(old))
        ]
        again = fulfilment.parcels_of([*stays, *goes], order=old.order, id=f"{old.id}-{id[-6:]}{number}", at=at)
        writes += fulfilment.plan(parcels=again)
    return writes


def _reservation(parcel: Parcel) -> str:
    return accounts.hold_id(parcel.order, 0).removesuffix("0")


def _item(allocation: Allocation) -> Item:
    share = allocation.share
    return Item(line=share.line, unit=share.unit, amount=share.amount, hold=allocation.hold)
