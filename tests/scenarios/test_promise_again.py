"""Laws of orders that came short, or whose channel changed its mind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.fulfilment import ParcelState, Tracking, delivery, pack
from omnicore.host import Host
from omnicore.inventory import receive, stock
from omnicore.kernel.ids import LineId, OrderId, VariantId
from omnicore.parties import Seen, Teller
from omnicore.scenarios import ship_from_store
from omnicore.scenarios.handing_over import MoreThanOpen
from omnicore.scenarios.order_import import Imported, ToldLine, ToldOrder, import_orders
from omnicore.scenarios.promise_again import PartlyShipped, promise_again
from omnicore.testing.clock import NOON, Clock
from omnicore.testing.shop import DC, MARKET, open_shop, unit

SKU = "POT-KYU-L"
ON_HAND, BUFFER = 6, 2


def opened() -> Host:
    """Open the small shop; the market may promise 4 of the big teapot."""
    host = Host(Memory(), clock=Clock())
    open_shop(host)
    return host


def told(name: str, units: int, revision: int = 0) -> ToldOrder:
    """Tell an order of so many big teapots."""
    line = ToldLine(id=LineId("1"), variant=VariantId(SKU), units=units, unit_price=8800, total=8800 * units)
    seen = Seen(told_at=NOON, by=Teller.CHANNEL, basis=name)
    return ToldOrder(external_id=name, revision=revision, placed_at=NOON, lines=(line,), seen=seen)


def imported(host: Host, *orders: ToldOrder) -> Imported:
    """Import orders from the market."""
    return host.run(import_orders(channel=MARKET, orders=orders))


def planned(host: Host, order: OrderId) -> int:
    """Count the pieces nodes are to send for an order."""
    parcels = host.run(delivery(order=order)).parcels
    return sum(item.amount for each in parcels if each.state is ParcelState.PLANNED for item in each.items)


def held(host: Host) -> int:
    """Count the teapots that are promised at the distribution centre."""
    return host.run(stock(units=(unit(SKU),), nodes=(DC,)))[0].held


def test_a_short_order_is_promised_when_goods_come() -> None:
    """What a marketplace sold and we did not have is promised, and sent, once it is there."""
    host = opened()
    (order,) = imported(host, told("A", 7)).short
    assert host.run(promise_again(channel=MARKET, orders=(order,))).short == (order,)
    assert (planned(host, order), held(host)) == (0, 0)
    host.run(receive(node=DC, units={unit(SKU): 10}))
    assert host.run(promise_again(channel=MARKET, orders=(order,))).promised == (order,)
    assert (planned(host, order), held(host)) == (7, 7)
    assert not host.verify().differences


@given(st.integers(1, 4), st.integers(1, 6))
def test_a_revised_order_is_promised_as_it_now_reads(before: int, after: int) -> None:
    """When a marketplace changes a quantity, promises and parcels follow it, or the order is named as short."""
    host = opened()
    order = imported(host, told("A", before)).orders["A"]
    assert imported(host, told("A", after, revision=1)).revised == (order,)
    done = host.run(promise_again(channel=MARKET, orders=(order,)))
    expected = after if after <= ON_HAND - BUFFER else before
    assert done.promised == (() if expected != after else (order,))
    assert (planned(host, order), held(host)) == (expected, expected)
    assert not host.verify().differences


def test_doing_it_twice_promises_nothing_twice() -> None:
    """However often an order is brought in line, each piece is promised once."""
    host = opened()
    order = imported(host, told("A", 3)).orders["A"]
    for _ in range(3):
        host.run(promise_again(channel=MARKET, orders=(order,)))
        assert (planned(host, order), held(host)) == (3, 3)


def test_a_parcel_of_an_older_revision_does_not_leave() -> None:
    """A parcel that holds more than its order asks for any more is stopped at the door."""
    host = opened()
    order = imported(host, told("A", 3)).orders["A"]
    (parcel,) = host.run(delivery(order=order)).parcels
    host.run(pack(parcels=(parcel.id,)))
    imported(host, told("A", 2, revision=1))
    with pytest.raises(MoreThanOpen):
        host.run(ship_from_store.send(parcel=parcel.id, tracking=Tracking(carrier="y", number="1")))
    host.run(promise_again(channel=MARKET, orders=(order,)))
    again = next(each for each in host.run(delivery(order=order)).parcels if each.state is ParcelState.PLANNED)
    host.run(pack(parcels=(again.id,)))
    host.run(ship_from_store.send(parcel=again.id, tracking=Tracking(carrier="y", number="2")))
    assert host.run(stock(units=(unit(SKU),), nodes=(DC,)))[0].on_hand == ON_HAND - 2


def test_an_order_on_its_way_is_left_alone() -> None:
    """What a carrier has is not promised a second time."""
    host = opened()
    order = imported(host, told("A", 3)).orders["A"]
    (parcel,) = host.run(delivery(order=order)).parcels
    host.run(pack(parcels=(parcel.id,)))
    host.run(ship_from_store.send(parcel=parcel.id, tracking=Tracking(carrier="y", number="1")))
    with pytest.raises(PartlyShipped):
        host.run(promise_again(channel=MARKET, orders=(order,)))
