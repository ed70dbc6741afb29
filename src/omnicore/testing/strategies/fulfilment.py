"""Which values may fulfilment's types have? Few SKUs, nodes and lines on purpose, so that they meet each other."""

import datetime as dt
from typing import Final

from hypothesis import strategies as st

from omnicore.fulfilment import (
    Assignment,
    AtRisk,
    Demand,
    Item,
    OnlyNode,
    Parcel,
    ParcelCancelled,
    ParcelDelivered,
    ParcelLost,
    ParcelPacked,
    ParcelPlanned,
    ParcelShipped,
    ParcelState,
    Pickup,
    PickupCancelled,
    PickupCollected,
    PickupId,
    PickupLapsed,
    PickupPicked,
    PickupPlanned,
    PickupReady,
    PickupState,
    PreferOrder,
    ShipFromStoreWhenShort,
    SourcingPolicy,
    SourcingRule,
    Tracking,
    draw_code,
)
from omnicore.kernel.ids import ChannelId, LineId, NodeId, OrderId, ParcelId
from omnicore.kernel.journal import Event
from omnicore.kernel.personal import Personal
from omnicore.kernel.time import Window
from omnicore.testing.strategies.kernel import instants

FEW_UNITS: Final = ("sku:TEE-M", "sku:MUG", "sku:米@3")
FEW_NODES: Final = (NodeId("dc-tokyo"), NodeId("dc-osaka"), NodeId("ginza"), NodeId("梅田"))


def _names() -> st.SearchStrategy[str]:
    return st.from_regex(r"[A-Za-z0-9ぁ-ん][A-Za-z0-9ぁ-ん._:-]{0,20}", fullmatch=True)


def _nodes() -> st.SearchStrategy[tuple[NodeId, ...]]:
    return st.lists(st.sampled_from(FEW_NODES), unique=True).map(tuple)


def demands() -> st.SearchStrategy[Demand]:
    """Give what lines want."""
    lines = st.integers(1, 4).map(lambda number: LineId(str(number)))
    return st.builds(Demand, line=lines, unit=st.sampled_from(FEW_UNITS), amount=st.integers(1, 8))


def supplies() -> st.SearchStrategy[dict[str, dict[NodeId, int]]]:
    """Give what may be promised: by SKU, then by node."""
    row = st.fixed_dictionaries({}, optional=dict.fromkeys(FEW_NODES, st.integers(0, 10)))
    plenty = st.fixed_dictionaries(dict.fromkeys(FEW_NODES, st.integers(0, 20)))
    return st.fixed_dictionaries({}, optional=dict.fromkeys(FEW_UNITS, row)) | st.fixed_dictionaries(
        dict.fromkeys(FEW_UNITS, plenty)
    )


def assignments() -> st.SearchStrategy[Assignment]:
    """Give single assignments."""
    return st.builds(
        Assignment,
        line=_names().map(LineId),
        unit=st.sampled_from(FEW_UNITS),
        node=st.sampled_from(FEW_NODES),
        amount=st.integers(1, 9),
    )


@st.composite
def risks(draw: st.DrawFn) -> AtRisk:
    """Give holds that their nodes cannot cover."""
    left = draw(st.integers(1, 9))
    return AtRisk(
        hold=draw(_names()),
        line=LineId("1"),
        unit=draw(st.sampled_from(FEW_UNITS)),
        node=draw(st.sampled_from(FEW_NODES)),
        left=left,
        short=draw(st.integers(1, left)),
    )


@st.composite
def _centres_and_stores(draw: st.DrawFn) -> ShipFromStoreWhenShort:
    every = draw(_nodes())
    cut = draw(st.integers(0, len(every)))
    return ShipFromStoreWhenShort(centres=every[:cut], stores=every[cut:])


def rules() -> st.SearchStrategy[SourcingRule]:
    """Give sourcing rules of every sort."""
    return st.one_of(
        st.builds(OnlyNode, node=st.sampled_from(FEW_NODES)),
        st.builds(PreferOrder, nodes=_nodes()),
        _centres_and_stores(),
    )


def policies() -> st.SearchStrategy[SourcingPolicy]:
    """Give sourcing policies of channels."""
    return st.builds(SourcingPolicy, channel=_names().map(ChannelId), rule=rules())


def items() -> st.SearchStrategy[tuple[Item, ...]]:
    """Give what is in a parcel or pickup."""
    item = st.builds(
        Item,
        line=_names().map(LineId),
        unit=st.sampled_from(FEW_UNITS),
        amount=st.integers(1, 9),
        hold=_names(),
    )
    return st.lists(item, min_size=1, max_size=3).map(tuple)


def trackings() -> st.SearchStrategy[Tracking]:
    """Give numbers under which carriers know parcels."""
    return st.builds(Tracking, carrier=st.sampled_from(("yamato", "sagawa", "jp-post")), number=_names())


@st.composite
def parcels(draw: st.DrawFn) -> Parcel:
    """Give parcels in every state."""
    state = draw(st.sampled_from(ParcelState))
    sent = state in {ParcelState.SHIPPED, ParcelState.DELIVERED, ParcelState.LOST}
    return Parcel(
        id=ParcelId(draw(_names())),
        order=OrderId(draw(_names())),
        node=draw(st.sampled_from(FEW_NODES)),
        items=draw(items()),
        planned_at=draw(instants()),
        state=state,
        tracking=draw(trackings()) if sent else None,
        delivered_at=draw(instants()) if state is ParcelState.DELIVERED else None,
    )


def days_to_collect() -> st.SearchStrategy[Window]:
    """Give the local days on which a pickup may be collected."""
    first = st.dates(dt.date(2020, 1, 1), dt.date(2040, 1, 1))
    return st.builds(
        lambda day, length: Window.through(day, day + dt.timedelta(days=length), zone="Asia/Tokyo"),
        first,
        st.integers(0, 14),
    )


@st.composite
def pickups(draw: st.DrawFn) -> Pickup:
    """Give pickups in every state."""
    state = draw(st.sampled_from(PickupState))
    ready = state in {PickupState.READY, PickupState.COLLECTED, PickupState.EXPIRED}
    return Pickup(
        id=PickupId(draw(_names())),
        order=OrderId(draw(_names())),
        node=draw(st.sampled_from(FEW_NODES)),
        items=draw(items()),
        planned_at=draw(instants()),
        state=state,
        mark="0123456789abcdef" if ready else None,
        window=draw(days_to_collect()) if ready else None,
        collected_at=draw(instants()) if state is PickupState.COLLECTED else None,
    )


def codes() -> st.SearchStrategy[Personal[str]]:
    """Give collection codes."""
    return st.integers(0, 2**60 - 1).map(lambda bits: draw_code(lambda _: bits))


def events() -> st.SearchStrategy[Event]:
    """Give everything that may have happened to parcels and pickups."""
    order, node = _names().map(OrderId), st.sampled_from(FEW_NODES)
    parcel, pickup = _names().map(ParcelId), _names().map(PickupId)
    return st.one_of(
        st.builds(ParcelPlanned, parcel=parcel, order=order, node=node, items=items()),
        st.builds(ParcelPacked, parcel=parcel, order=order, node=node),
        st.builds(ParcelShipped, parcel=parcel, order=order, node=node, tracking=trackings()),
        st.builds(ParcelDelivered, parcel=parcel, order=order, node=node),
        st.builds(ParcelLost, parcel=parcel, order=order, node=node),
        st.builds(ParcelCancelled, parcel=parcel, order=order, node=node),
        st.builds(PickupPlanned, pickup=pickup, order=order, node=node, items=items()),
        st.builds(PickupPicked, pickup=pickup, order=order, node=node),
        st.builds(PickupReady, pickup=pickup, order=order, node=node, window=days_to_collect()),
        st.builds(PickupCollected, pickup=pickup, order=order, node=node),
        st.builds(PickupLapsed, pickup=pickup, order=order, node=node),
        st.builds(PickupCancelled, pickup=pickup, order=order, node=node),
    )
