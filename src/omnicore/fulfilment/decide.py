"""What do parcels and pickups write as they go on?

Pure, many at once, to be merged with other writes. Goods leave the books of stock in the write that ships a parcel or
hands a pickup over, and in no other; whoever cancels one, or finds that nobody came, says in the same write what
becomes of the holds, which is for stock to release or to move.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from attrs import evolve

from omnicore.fulfilment import events
from omnicore.fulfilment.collection import same_mark
from omnicore.fulfilment.errors import NotExpired, NotReady, PickupExpired, WrongCode
from omnicore.fulfilment.kinds import PARCELS, PICKUPS, SOURCING_POLICIES
from omnicore.fulfilment.leaving import settle
from omnicore.fulfilment.model import Item, Parcel, Pickup, PickupId, Tracking
from omnicore.fulfilment.rules import SourcingPolicy
from omnicore.fulfilment.states import PARCEL, PICKUP, ParcelMove, PickupMove, PickupState
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import NodeId, OrderId, ParcelId
from omnicore.kernel.journal import Event
from omnicore.kernel.ledger import Account, Balance, Held
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes, merged
from omnicore.kernel.time import Instant, Window
from omnicore.kernel.verdict import Verdict


def set_sourcing(policy: SourcingPolicy, *, stored: Stored[SourcingPolicy] | None) -> Writes:
    """Say from where a channel is served from now on; what has been sourced stays."""
    return Writes(changes=(SOURCING_POLICIES.put(policy) if stored is None else stored.put(policy),))


def parcels_of(items: Iterable[tuple[NodeId, Item]], *, order: OrderId, id: str, at: Instant) -> tuple[Parcel, ...]:
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
    packing = merged(
        Writes(
            changes=(PARCELS.put(each),),
            events=(events.ParcelPlanned(parcel=each.id, order=each.order, node=each.node, items=each.items),),
        )
        for each in parcels
    )
    picking = merged(
        Writes(
            changes=(PICKUPS.put(each),),
            events=(events.PickupPlanned(pickup=each.id, order=each.order, node=each.node, items=each.items),),
        )
        for each in pickups
    )
    return packing + picking


# -------------------------------------------------------------------------------------------------------------- parcels


def pack(parcels: Iterable[Stored[Parcel]]) -> Writes:
    """Note that parcels have been packed.

    Raises: IllegalMove.
    """
    return merged(_parcel(stored, ParcelMove.PACK, events.ParcelPacked) for stored in parcels)


def ship(
    parcels: Iterable[Stored[Parcel]],
    *,
    tracking: Mapping[ParcelId, Tracking],
    held: Mapping[str, Held],
    balances: Mapping[Account, Balance],
    at: Instant,
) -> Writes:
    """Hand packed parcels to their carriers; their goods leave the books.

    ``balances`` are those of the accounts behind the parcels' holds.

    Raises: IllegalMove, NotPromised, NotOnShelf; Malformed when a parcel has no tracking number.
    """
    stored = tuple(parcels)
    writes = []
    for each in stored:
        parcel = each.value
        if (number := tracking.get(parcel.id)) is None:
            raise Malformed("$.tracking", "must name every parcel")
        after = evolve(parcel, state=PARCEL.move(parcel.state, ParcelMove.SHIP), tracking=number)
        happened = events.ParcelShipped(parcel=parcel.id, order=parcel.order, node=parcel.node, tracking=number)
        writes.append(Writes(changes=(each.put(after),), events=(happened,)))
    leaving = [
        (f"parcel/{each.value.id}/{number}", item) for each in stored for number, item in enumerate(each.value.items)
    ]
    return merged(writes) + Writes(moves=settle(leaving, held=held, balances=balances, at=at))


def deliver(parcels: Iterable[Stored[Parcel]], *, at: Instant) -> Writes:
    """Note that parcels have reached their buyers.

    Raises: IllegalMove.
    """
    return merged(_parcel(stored, ParcelMove.DELIVER, events.ParcelDelivered, delivered_at=at) for stored in parcels)


def lose(parcels: Iterable[Stored[Parcel]]) -> Writes:
    """Note that parcels will not arrive; their goods have left the books and do not come back.

    Raises: IllegalMove.
    """
    return merged(_parcel(stored, ParcelMove.LOSE, events.ParcelLost) for stored in parcels)


def cancel_parcels(parcels: Iterable[Stored[Parcel]]) -> Writes:
    """Call parcels off before they are shipped; their holds stand until stock releases or moves them.

    Raises: IllegalMove.
    """
    return merged(_parcel(stored, ParcelMove.CANCEL, events.ParcelCancelled) for stored in parcels)


# -------------------------------------------------------------------------------------------------------------- pickups


def pick(pickups: Iterable[Stored[Pickup]]) -> Writes:
    """Note that goods have been taken from the shelf for collection; they stay on the books until they are collected.

    Raises: IllegalMove.
    """
    return merged(_pickup(stored, PickupMove.PICK, events.PickupPicked) for stored in pickups)


def make_ready(stored: Stored[Pickup], *, mark: str, window: Window) -> Writes:
    """Set picked goods aside for their buyer, who is sent the code behind ``mark`` (``collection.mark_of``).

    Raises: IllegalMove.
    """
    pickup = stored.value
    after = evolve(pickup, state=PICKUP.move(pickup.state, PickupMove.MAKE_READY), mark=mark, window=window)
    happened = events.PickupReady(pickup=pickup.id, order=pickup.order, node=pickup.node, window=window)
    return Writes(changes=(stored.put(after),), events=(happened,))


def may_collect(pickup: Pickup, *, at: Instant) -> Verdict:
    """Judge whether goods may be handed over now, to whoever has the code."""
    if pickup.until is None or pickup.state is not PickupState.READY:
        return Verdict.no("fulfilment.ready", pickup=pickup.id, state=pickup.state.value)
    verdict = Verdict.yes if at < pickup.until else Verdict.no
    return verdict("fulfilment.in_time", pickup=pickup.id, until=pickup.until.iso())


def collect(
    stored: Stored[Pickup],
    *,
    mark: str,
    held: Mapping[str, Held],
    balances: Mapping[Account, Balance],
    at: Instant,
) -> Writes:
    """Hand goods over to whoever has the code; they leave the books, once.

    ``balances`` are those of the accounts behind the pickup's holds.

    Raises: NotReady, WrongCode, PickupExpired, NotPromised, NotOnShelf.
    """
    pickup = stored.value
    verdict = may_collect(pickup, at=at)
    if pickup.state is not PickupState.READY:
        verdict.or_refuse(NotReady)
    if not same_mark(pickup.mark, mark):
        raise WrongCode(pickup=pickup.id)
    verdict.or_refuse(PickupExpired)
    leaving = [(f"pickup/{pickup.id}/{number}", item) for number, item in enumerate(pickup.items)]
    moves = settle(leaving, held=held, balances=balances, at=at)
    return _pickup(stored, PickupMove.COLLECT, events.PickupCollected, collected_at=at) + Writes(moves=moves)


def expire(pickups: Iterable[Stored[Pickup]], *, at: Instant) -> Writes:
    """Note that nobody came in time; the holds stand until stock releases them.

    Raises: NotExpired, IllegalMove.
    """
    writes = []
    for stored in pickups:
        pickup = stored.value
        writes.append(_pickup(stored, PickupMove.EXPIRE, events.PickupLapsed))
        if may_collect(pickup, at=at):
            raise NotExpired(pickup=pickup.id, until=str(pickup.until))
    return merged(writes)


def cancel_pickups(pickups: Iterable[Stored[Pickup]]) -> Writes:
    """Call pickups off before they are collected; their holds stand until stock releases or moves them.

    Raises: IllegalMove.
    """
    return merged(_pickup(stored, PickupMove.CANCEL, events.PickupCancelled) for stored in pickups)


class _ParcelEvent(Protocol):
    def __call__(self, *, parcel: ParcelId, order: OrderId, node: NodeId) -> Event: ...


class _PickupEvent(Protocol):
    def __call__(self, *, pickup: PickupId, order: OrderId, node: NodeId) -> Event: ...


def _parcel(
    stored: Stored[Parcel], by: ParcelMove, happened: _ParcelEvent, *, delivered_at: Instant | None = None
) -> Writes:
    parcel = stored.value
    after = evolve(parcel, state=PARCEL.move(parcel.state, by), delivered_at=delivered_at)
    told = happened(parcel=parcel.id, order=parcel.order, node=parcel.node)
    return Writes(changes=(stored.put(after),), events=(told,))


def _pickup(
    stored: Stored[Pickup], by: PickupMove, happened: _PickupEvent, *, collected_at: Instant | None = None
) -> Writes:
    pickup = stored.value
    after = evolve(pickup, state=PICKUP.move(pickup.state, by), collected_at=collected_at)
    told = happened(pickup=pickup.id, order=pickup.order, node=pickup.node)
    return Writes(changes=(stored.put(after),), events=(told,))
