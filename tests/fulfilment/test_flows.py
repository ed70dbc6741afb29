"""Do goods reach their buyers once, and nobody else?"""

from typing import cast

import pytest
from attrs import evolve

from omnicore import fulfilment, inventory
from omnicore.adapters.memory import Memory
from omnicore.fulfilment import (
    Delivery,
    Item,
    NoParcel,
    NoPickup,
    NoSourcingPolicy,
    NotOnShelf,
    NotPromised,
    NotReady,
    OnlyNode,
    Parcel,
    ParcelState,
    Pickup,
    PickupExpired,
    PickupId,
    PickupState,
    SourcingPolicy,
    Tracking,
    WrongCode,
    draw_code,
    policy_of,
)
from omnicore.host import Host
from omnicore.inventory import Pool, Share, Stock
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, flow, question, write
from omnicore.kernel.ids import ChannelId, LineId, NodeId, OrderId, ParcelId
from omnicore.kernel.machine import IllegalMove
from omnicore.kernel.store import Database
from omnicore.kernel.time import Window
from omnicore.testing.clock import Clock, Ids

DC, GINZA, WEB = NodeId("dc"), NodeId("ginza"), ChannelId("web")
TEE, ORDER, PICKUP = "sku:TEE", OrderId("o1"), PickupId("o1")
CODE, OTHER = draw_code(lambda _: 2**60 // 3), draw_code(lambda _: 2**60 // 7)
ZONE = "Asia/Tokyo"


@flow("test.fulfilment.plan")
async def plan(_given: Given, *, parcels: tuple[Parcel, ...] = (), pickups: tuple[Pickup, ...] = ()) -> None:
    """Give nodes something to do."""
    await write(fulfilment.decide.plan(parcels=parcels, pickups=pickups))


@question("test.fulfilment.policy")
async def policy(_given: Given, *, channel: ChannelId) -> SourcingPolicy:
    """Ask how a channel is sourced."""
    return await policy_of(channel)


def a_shop(*, clock: Clock, units: int = 2) -> tuple[Host, Item]:
    """Give a shop with so many tees in a store, and two of them promised to an order."""
    host = Host(Memory(), clock=clock, new_id=Ids())
    host.run(inventory.set_pool(pool=Pool(channel=WEB, nodes=(GINZA,))))
    host.run(inventory.receive(node=GINZA, units={TEE: units}))
    share = Share(line=LineId("1"), unit=TEE, node=GINZA, amount=2)
    (granted,) = host.run(inventory.allocate(reservation=ORDER, channel=WEB, shares=(share,)))
    return host, Item(line=LineId("1"), unit=TEE, amount=2, hold=granted.hold)


def a_ready_pickup(*, clock: Clock) -> Host:
    """Give a shop with a pickup that is ready, to be collected today or tomorrow."""
    host, item = a_shop(clock=clock)
    pickup = Pickup(id=PICKUP, order=ORDER, node=GINZA, items=(item,), planned_at=clock())
    host.run(plan(pickups=(pickup,)))
    host.run(fulfilment.pick(pickups=(PICKUP,)))
    today = clock().local_date(ZONE)
    window = Window(today, clock().plus(days=2).local_date(ZONE), ZONE)
    host.run(fulfilment.make_ready(pickup=PICKUP, code=CODE, window=window), command="ready-o1")
    return host


def standing(host: Host) -> tuple[int, int]:
    """Say how many tees the store has, and how many of them are promised."""
    row: Stock
    (row,) = host.run(inventory.stock(units=(TEE,), nodes=(GINZA,)))
    return row.on_hand, row.held


def test_bought_online_collected_in_the_store() -> None:
    """Goods are picked, set aside and handed over to whoever brings the code, and leave the books at that moment."""
    clock = Clock()
    host, item = a_shop(clock=clock)
    pickup = Pickup(id=PICKUP, order=ORDER, node=GINZA, items=(item,), planned_at=clock())
    host.run(plan(pickups=(pickup,)))
    assert host.run(fulfilment.to_pick(node=GINZA)).pickups == (pickup,)
    assert host.run(fulfilment.to_pick(node=DC)).pickups == ()
    with pytest.raises(NotReady):
        host.run(fulfilment.collect(pickup=PICKUP, code=CODE))
    host.run(fulfilment.pick(pickups=(PICKUP,)))
    assert host.run(fulfilment.to_pick(node=GINZA)).pickups == ()
    today = clock().local_date(ZONE)
    host.run(fulfilment.make_ready(pickup=PICKUP, code=CODE, window=Window.through(today, today, zone=ZONE)))
    assert [each.state for each in host.run(fulfilment.waiting(node=GINZA))] == [PickupState.READY]
    assert standing(host) == (2, 2)

    host.run(fulfilment.collect(pickup=PICKUP, code=CODE))
    assert standing(host) == (0, 0)
    (done,) = host.run(fulfilment.delivery(order=ORDER)).pickups
    assert (done.state, done.collected_at) == (PickupState.COLLECTED, clock())
    host.work()
    assert not host.verify().differences


def test_nobody_collects_with_another_code() -> None:
    """A wrong code opens nothing, and a right one opens only once."""
    host = a_ready_pickup(clock=Clock())
    with pytest.raises(WrongCode):
        host.run(fulfilment.collect(pickup=PICKUP, code=OTHER))
    with pytest.raises(NoPickup):
        host.run(fulfilment.collect(pickup=PickupId("o2"), code=CODE))
    assert standing(host) == (2, 2)
    host.run(fulfilment.collect(pickup=PICKUP, code=CODE), command="handover")
    host.run(fulfilment.collect(pickup=PICKUP, code=CODE), command="handover")
    assert standing(host) == (0, 0)
    with pytest.raises(NotReady) as refused:
        host.run(fulfilment.collect(pickup=PICKUP, code=CODE))
    assert refused.value.facts["state"] == "collected"


def test_a_code_is_known_to_its_buyer_only() -> None:
    """Nothing in the shop's books says what a code is: no document, no event, no answer, no refusal."""
    host = a_ready_pickup(clock=Clock())
    with pytest.raises(WrongCode) as refused:
        host.run(fulfilment.collect(pickup=PICKUP, code=OTHER), command="try")
    host.run(fulfilment.collect(pickup=PICKUP, code=CODE), command="handover")
    host.work()
    with cast(Database, host._engine.database).reading("main") as store:
        commands = store.commands(["ready-o1", "handover", "try"])
        seen = [*store.read(), *commands.values(), *store.load("fulfilment.pickup", [PICKUP]).values()]

    everything = " ".join(map(str, [*seen, refused.value, refused.value.facts])).upper()
    assert "PICKUP_READY.V1" in everything
    assert "PICKUP_COLLECTED.V1" in everything
    for code in (CODE, OTHER):
        assert code.reveal() not in everything
        assert code.reveal().replace("-", "") not in everything


def test_the_last_day_to_collect_counts_to_its_end() -> None:
    """Goods can be collected until the last day is over in the store's own time, and not a moment later."""
    clock = Clock()
    host = a_ready_pickup(clock=clock)
    (pickup,) = host.run(fulfilment.waiting(node=GINZA))
    assert pickup.until is not None
    clock.set(pickup.until.plus(micros=-1))
    assert host.run(fulfilment.uncollected()) == ()
    clock.set(pickup.until)
    with pytest.raises(WrongCode):
        host.run(fulfilment.collect(pickup=PICKUP, code=OTHER))
    with pytest.raises(PickupExpired):
        host.run(fulfilment.collect(pickup=PICKUP, code=CODE))
    assert host.run(fulfilment.uncollected()) == (pickup,)

    clock.set(pickup.until.plus(micros=-1))
    host.run(fulfilment.collect(pickup=PICKUP, code=CODE))
    clock.set(pickup.until)
    assert host.run(fulfilment.uncollected()) == ()


def test_what_is_shipped_is_packed_once_and_leaves_once() -> None:
    """A parcel is packed, handed to its carrier and delivered, in this order and once; its goods leave when it does."""
    clock = Clock()
    host, item = a_shop(clock=clock)
    name = ParcelId("o1-1")
    parcel = Parcel(id=name, order=ORDER, node=GINZA, items=(evolve(item, amount=1),), planned_at=clock())
    number = Tracking(carrier="yamato", number="1234-5678")
    host.run(plan(parcels=(parcel,)))
    assert host.run(fulfilment.to_pick(node=GINZA)).parcels == (parcel,)
    with pytest.raises(IllegalMove):
        host.run(fulfilment.ship(parcels={name: number}))
    host.run(fulfilment.pack(parcels=(name,)))
    host.run(fulfilment.ship(parcels={name: number}))
    assert standing(host) == (1, 1)
    with pytest.raises(IllegalMove):
        host.run(fulfilment.ship(parcels={name: number}))
    host.run(fulfilment.deliver(parcels=(name,)))
    with pytest.raises(IllegalMove):
        host.run(fulfilment.lose(parcels=(name,)))

    assert standing(host) == (1, 1)
    sent = evolve(parcel, state=ParcelState.DELIVERED, tracking=number, delivered_at=clock())
    assert host.run(fulfilment.delivery(order=ORDER)) == Delivery(order=ORDER, parcels=(sent,), pickups=())
    assert not host.verify().differences


def test_a_lost_parcel_does_not_come_back_to_the_shelf() -> None:
    """What a carrier loses has left the books and stays gone."""
    clock = Clock()
    host, item = a_shop(clock=clock)
    name = ParcelId("o1-1")
    host.run(plan(parcels=(Parcel(id=name, order=ORDER, node=GINZA, items=(item,), planned_at=clock()),)))
    host.run(fulfilment.pack(parcels=(name,)))
    host.run(fulfilment.ship(parcels={name: Tracking(carrier="yamato", number="1")}))
    host.run(fulfilment.lose(parcels=(name,)))

    assert standing(host) == (0, 0)


def test_only_what_is_promised_and_there_leaves() -> None:
    """Goods whose promise was given back, or that a till has sold, are not handed over; the refusal names them."""
    host = a_ready_pickup(clock=Clock())
    host.run(inventory.sell_at_till(node=GINZA, units={TEE: 1}))
    with pytest.raises(NotOnShelf) as empty:
        host.run(fulfilment.collect(pickup=PICKUP, code=CODE))
    assert {"sku": "TEE", "asked": 2, "on_hand": 1}.items() <= dict(empty.value.facts).items()
    host.run(inventory.release(reservation=ORDER))
    with pytest.raises(NotPromised) as gone:
        host.run(fulfilment.collect(pickup=PICKUP, code=CODE))

    assert {"sku": "TEE", "asked": 2, "left": 0}.items() <= dict(gone.value.facts).items()
    assert standing(host) == (1, 0)


def test_how_a_channel_is_sourced_is_kept() -> None:
    """A channel's rule is stored and can be replaced; a channel without one is named."""
    host = Host(Memory(), clock=Clock(), new_id=Ids())
    with pytest.raises(NoSourcingPolicy):
        host.run(policy(channel=WEB))
    for node in (DC, GINZA):
        said = SourcingPolicy(channel=WEB, rule=OnlyNode(node=node))
        host.run(fulfilment.set_sourcing(policy=said))
        assert host.run(policy(channel=WEB)) == said


def test_what_is_not_there_is_named() -> None:
    """An unknown parcel cannot be packed, and an order without parcels has none."""
    host = Host(Memory(), clock=Clock(), new_id=Ids())
    with pytest.raises(NoParcel):
        host.run(fulfilment.pack(parcels=(ParcelId("o9-1"),)))
    with pytest.raises(Malformed):
        host.run(fulfilment.to_pick(node=DC, limit=0))
    assert host.run(fulfilment.delivery(order=ORDER)) == Delivery(order=ORDER, parcels=(), pickups=())
