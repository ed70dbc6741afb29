"""Do parcels and pickups go only the ways their tables show?"""

from collections.abc import Callable, Mapping

import pytest
from attrs import evolve

from omnicore.fulfilment import (
    PARCEL,
    PARCELS,
    PICKUP,
    PICKUPS,
    Item,
    NotExpired,
    NotPromised,
    NotReady,
    Parcel,
    ParcelMove,
    ParcelState,
    Pickup,
    PickupId,
    PickupMove,
    PickupState,
    Tracking,
    decide,
    parcels_of,
)
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, NodeId, OrderId, ParcelId
from omnicore.kernel.ledger import Account, Balance, Held
from omnicore.kernel.machine import IllegalMove
from omnicore.kernel.records import Document, Put, Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Window
from omnicore.testing.clock import NOON

DC, GINZA = NodeId("dc"), NodeId("ginza")
ITEM = Item(line=LineId("1"), unit="sku:TEE", amount=1, hold="stock/o1/1")
SHELF = Account("sku:TEE", "node/dc/on-hand")
HELD = {
    ITEM.hold: Held(
        id=ITEM.hold, unit=SHELF.unit, source=SHELF.path, target="world/customer", amount=1, left=1, since=NOON
    )
}
BALANCES = {SHELF: Balance(account=SHELF, posted=1, held=1)}
NUMBER = Tracking(carrier="yamato", number="1234")
WINDOW = Window.through(NOON.local_date("Asia/Tokyo"), NOON.local_date("Asia/Tokyo"), zone="Asia/Tokyo")
AFTER = NOON.plus(days=2)


def a_parcel(state: ParcelState) -> Stored[Parcel]:
    """Give a parcel in a state, as it would be read."""
    sent = state in {ParcelState.SHIPPED, ParcelState.DELIVERED, ParcelState.LOST}
    parcel = Parcel(
        id=ParcelId("o1-1"),
        order=OrderId("o1"),
        node=DC,
        items=(ITEM,),
        planned_at=NOON,
        state=state,
        tracking=NUMBER if sent else None,
        delivered_at=NOON if state is ParcelState.DELIVERED else None,
    )
    return PARCELS.read(stored(PARCELS.put(parcel)))


def a_pickup(state: PickupState) -> Stored[Pickup]:
    """Give a pickup in a state, as it would be read."""
    ready = state in {PickupState.READY, PickupState.COLLECTED, PickupState.EXPIRED}
    pickup = Pickup(
        id=PickupId("o1"),
        order=OrderId("o1"),
        node=DC,
        items=(ITEM,),
        planned_at=NOON,
        state=state,
        mark="mark" if ready else None,
        window=WINDOW if ready else None,
        collected_at=NOON if state is PickupState.COLLECTED else None,
    )
    return PICKUPS.read(stored(PICKUPS.put(pickup)))


def stored(put: Put) -> Document:
    """Give what a database would read back."""
    return Document(kind=put.kind, key=put.key, version=1, schema=put.schema, body=put.body)


def after(writes: Writes) -> Put:
    """Give the one document that writes change; the one event beside it says so."""
    (change,) = writes.changes
    assert isinstance(change, Put)
    assert len(writes.events) == 1
    return change


PARCEL_MOVES: Mapping[ParcelMove, Callable[[Stored[Parcel]], Writes]] = {
    ParcelMove.PACK: lambda parcel: decide.pack([parcel]),
    ParcelMove.SHIP: lambda parcel: decide.ship(
        [parcel], tracking={parcel.value.id: NUMBER}, held=HELD, balances=BALANCES, at=NOON
    ),
    ParcelMove.DELIVER: lambda parcel: decide.deliver([parcel], at=NOON),
    ParcelMove.LOSE: lambda parcel: decide.lose([parcel]),
    ParcelMove.CANCEL: lambda parcel: decide.cancel_parcels([parcel]),
}
PICKUP_MOVES: Mapping[PickupMove, Callable[[Stored[Pickup]], Writes]] = {
    PickupMove.PICK: lambda pickup: decide.pick([pickup]),
    PickupMove.MAKE_READY: lambda pickup: decide.make_ready(pickup, mark="mark", window=WINDOW),
    PickupMove.COLLECT: lambda pickup: decide.collect(pickup, mark="mark", held=HELD, balances=BALANCES, at=NOON),
    PickupMove.EXPIRE: lambda pickup: decide.expire([pickup], at=AFTER),
    PickupMove.CANCEL: lambda pickup: decide.cancel_pickups([pickup]),
}


@pytest.mark.parametrize("move", ParcelMove)
@pytest.mark.parametrize("state", ParcelState)
def test_parcels_go_as_the_table_says(state: ParcelState, move: ParcelMove) -> None:
    """A parcel can be moved on exactly where its table has the move, and ends up where the table says."""
    parcel = a_parcel(state)
    if move in PARCEL.moves(state):
        writes = PARCEL_MOVES[move](parcel)
        assert PARCELS.read(stored(after(writes))).value.state is PARCEL.move(state, move)
        assert len(writes.moves) == (1 if move is ParcelMove.SHIP else 0)
    else:
        with pytest.raises(IllegalMove):
            PARCEL_MOVES[move](parcel)


@pytest.mark.parametrize("move", PickupMove)
@pytest.mark.parametrize("state", PickupState)
def test_pickups_go_as_the_table_says(state: PickupState, move: PickupMove) -> None:
    """A pickup can be moved on exactly where its table has the move, and ends up where the table says."""
    pickup = a_pickup(state)
    if move in PICKUP.moves(state):
        writes = PICKUP_MOVES[move](pickup)
        assert PICKUPS.read(stored(after(writes))).value.state is PICKUP.move(state, move)
        assert len(writes.moves) == (1 if move is PickupMove.COLLECT else 0)
    else:
        with pytest.raises((IllegalMove, NotReady)):
            PICKUP_MOVES[move](pickup)


def test_nobody_is_too_late_before_the_last_day_is_over() -> None:
    """A pickup cannot be given up while its buyer may still come."""
    last = WINDOW.period().until
    assert last is not None
    with pytest.raises(NotExpired):
        decide.expire([a_pickup(PickupState.READY)], at=last.plus(micros=-1))
    assert decide.expire([a_pickup(PickupState.READY)], at=last)


def test_a_parcel_is_shipped_under_a_number() -> None:
    """A parcel without a tracking number is not handed over."""
    with pytest.raises(Malformed):
        decide.ship([a_parcel(ParcelState.PACKED)], tracking={}, held=HELD, balances=BALANCES, at=NOON)


def test_two_parcels_do_not_use_one_promise_twice() -> None:
    """Two parcels that rest on the same single promised unit are not both sent off."""
    one = a_parcel(ParcelState.PACKED)
    other = PARCELS.read(stored(PARCELS.put(evolve(one.value, id=ParcelId("o1-2")))))
    numbers = {one.value.id: NUMBER, other.value.id: NUMBER}
    assert decide.ship([one], tracking=numbers, held=HELD, balances=BALANCES, at=NOON)
    with pytest.raises(NotPromised):
        decide.ship([one, other], tracking=numbers, held=HELD, balances=BALANCES, at=NOON)


def test_a_promise_that_time_has_ended_is_not_shipped() -> None:
    """Goods whose hold has run out by now may be somebody else's, so they do not leave."""
    ended = {ITEM.hold: evolve(HELD[ITEM.hold], expires=NOON)}
    with pytest.raises(NotPromised):
        decide.collect(a_pickup(PickupState.READY), mark="mark", held=ended, balances=BALANCES, at=NOON)
    assert decide.collect(
        a_pickup(PickupState.READY), mark="mark", held=ended, balances=BALANCES, at=NOON.plus(micros=-1)
    )


def test_an_order_from_two_nodes_is_two_parcels() -> None:
    """Items are put into one parcel for each node, in order, and none is forgotten."""
    items = [(DC, ITEM), (GINZA, evolve(ITEM, hold="stock/o1/2")), (DC, evolve(ITEM, hold="stock/o1/3"))]
    made = parcels_of(items, order=OrderId("o1"), id="o1", at=NOON)

    assert [(parcel.id, parcel.node, [item.hold for item in parcel.items]) for parcel in made] == [
        ("o1-1", DC, ["stock/o1/1", "stock/o1/3"]),
        ("o1-2", GINZA, ["stock/o1/2"]),
    ]
    writes = decide.plan(parcels=made, pickups=[a_pickup(PickupState.PLANNED).value])
    assert (len(writes.changes), len(writes.events), writes.moves) == (3, 3, ())
