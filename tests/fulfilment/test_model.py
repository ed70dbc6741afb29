"""Do the values of fulfilment hold only what makes sense, and are they stored as they are?"""

import datetime as dt
from collections.abc import Callable
from typing import cast

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.fulfilment import Demand, Item, OnlyNode, Parcel, Pickup, SourcingPolicy, SourcingRule, Tracking
from omnicore.fulfilment.rules import PreferOrder
from omnicore.kernel.codec import dump, dumps, load, loads
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, LineId, NodeId
from omnicore.kernel.journal import Event
from omnicore.kernel.time import Window
from omnicore.testing.clock import NOON
from omnicore.testing.strategies import fulfilment as strategies


@given(
    st.one_of(
        strategies.demands(),
        strategies.assignments(),
        strategies.risks(),
        strategies.policies(),
        strategies.trackings(),
        strategies.parcels(),
        strategies.pickups(),
    )
)
def test_what_is_stored_comes_back(value: object) -> None:
    """Every value of fulfilment is read back exactly as it was written."""
    assert load(dump(value, as_=type(value)), as_=type(value)) == value


@given(strategies.rules())
def test_rules_are_data(rule: SourcingRule) -> None:
    """A sourcing rule can be stored and read back, under a name that is not the code's."""
    data = dump(rule, as_=SourcingRule)
    assert isinstance(data, dict)
    assert data["kind"] in {"only_node", "prefer_order", "ship_from_store_when_short"}
    assert load(data, as_=SourcingRule) == rule


@given(strategies.events())
def test_what_has_happened_comes_back(happened: Event) -> None:
    """Every event of parcels and pickups is read back exactly as it was written."""
    assert loads(dumps(happened, as_=type(happened)), as_=type(happened)) == happened
    assert happened.about


@given(strategies.parcels(), strategies.pickups(), strategies.days_to_collect())
def test_nonsense_is_refused(parcel: Parcel, pickup: Pickup, window: Window) -> None:
    """No parcel travels without a number or has one beforehand, and nothing is ready without a code and a last day."""
    endless = Window(dt.date(2026, 1, 1), None, "Asia/Tokyo")
    number = Tracking(carrier="yamato", number="1")
    makes: list[Callable[[], object]] = [
        lambda: evolve(parcel, tracking=None if parcel.tracking else number),
        lambda: evolve(parcel, items=()),
        lambda: evolve(pickup, items=()),
        lambda: evolve(parcel, delivered_at=None if parcel.delivered_at else NOON),
        lambda: evolve(pickup, collected_at=None if pickup.collected_at else NOON),
        lambda: evolve(pickup, mark="mark", window=None),
        lambda: evolve(pickup, mark=None, window=window),
        lambda: evolve(pickup, mark="mark", window=endless),
        lambda: Item(line=LineId("1"), unit="sku:TEE", amount=0, hold="h"),
        lambda: Item(line=LineId("1"), unit="sku:TEE", amount=1, hold=""),
        lambda: Demand(line=LineId("1"), unit="sku:TEE", amount=-1),
        lambda: Tracking(carrier="", number="1"),
        lambda: OnlyNode(node=NodeId("")),
        lambda: SourcingPolicy(channel=ChannelId("web"), rule=cast("SourcingRule", None)),
        lambda: SourcingPolicy(channel=ChannelId(""), rule=PreferOrder(nodes=())),
    ]
    for make in makes:
        with pytest.raises(Malformed):
            make()
