"""Which values may inventory's types have? Few SKUs, nodes and lines on purpose, so that they meet each other."""

from typing import Final

from hypothesis import strategies as st

from omnicore.inventory import (
    Allocation,
    Arrived,
    Buffer,
    Counted,
    Dispatched,
    Need,
    Pool,
    PoolSet,
    Received,
    Released,
    Reservation,
    Resourced,
    Restocked,
    Risk,
    Scrapped,
    ScrapReason,
    Share,
    Shelf,
    Shipped,
    SoldAtTill,
    Stock,
    StockHeld,
    Transfer,
    TransferState,
    hold_id,
    on_hand,
    sku_unit,
)
from omnicore.kernel.ids import ChannelId, LineId, NodeId, SkuId
from omnicore.kernel.journal import Event
from omnicore.kernel.ledger import MAX_AMOUNT, Account, Balance

FEW_UNITS: Final = (
    sku_unit(SkuId("TEE-M")),
    sku_unit(SkuId("MUG")),
    sku_unit(SkuId("米"), scale=3),
    sku_unit(SkuId("帯")),
)
FEW_NODES: Final = (NodeId("dc-tokyo"), NodeId("ginza"), NodeId("梅田"))


def _names() -> st.SearchStrategy[str]:
    return st.from_regex(r"[A-Za-z0-9ぁ-ん][A-Za-z0-9ぁ-ん._:-]{0,20}", fullmatch=True)


def units() -> st.SearchStrategy[str]:
    """Give the ledger's names of SKUs, a few of them often."""
    made = st.builds(lambda sku, scale: sku_unit(SkuId(sku), scale=scale), _names(), st.integers(0, 6))
    return st.sampled_from(FEW_UNITS) | made


def nodes() -> st.SearchStrategy[NodeId]:
    """Give nodes, a few of them often."""
    return st.sampled_from(FEW_NODES) | _names().map(NodeId)


def channels() -> st.SearchStrategy[ChannelId]:
    """Give channels."""
    return st.sampled_from((ChannelId("web"), ChannelId("楽天"), ChannelId("pos")))


def lines() -> st.SearchStrategy[LineId]:
    """Give lines."""
    return st.integers(1, 5).map(lambda number: LineId(str(number)))


def steps(*, least: int = 1) -> st.SearchStrategy[int]:
    """Give numbers of a SKU's steps, mostly few."""
    return st.integers(least, 20) | st.integers(least, MAX_AMOUNT)


def unit_steps(*, least: int = 1) -> st.SearchStrategy[dict[str, int]]:
    """Give steps by SKU."""
    return st.dictionaries(units(), steps(least=least), min_size=1, max_size=4)


def needs() -> st.SearchStrategy[Need]:
    """Give what a line needs, of one SKU or of a bundle."""
    few = st.dictionaries(st.sampled_from(FEW_UNITS), st.integers(1, 3), min_size=1, max_size=3)
    return st.builds(Need, line=lines(), components=few, units=st.integers(1, 6))


def baskets() -> st.SearchStrategy[list[Need]]:
    """Give what the lines of a basket need; SKUs come twice."""
    return st.lists(needs(), min_size=1, max_size=4)


def shares() -> st.SearchStrategy[Share]:
    """Give shares of lines at nodes."""
    return st.builds(Share, line=lines(), unit=units(), node=nodes(), amount=steps())


@st.composite
def reservations(draw: st.DrawFn) -> Reservation:
    """Give reservations with the holds made under them."""
    name = draw(_names())
    few = draw(st.lists(shares(), max_size=4))
    made = tuple(Allocation(hold=hold_id(name, number), share=share) for number, share in enumerate(few, 1))
    issued = len(made) + draw(st.integers(0, 3))
    return Reservation(id=name, channel=draw(channels()), allocations=made, issued=issued)


def allocations() -> st.SearchStrategy[Allocation]:
    """Give single allocations."""
    return st.builds(Allocation, hold=_names().map(lambda name: hold_id(name, 1)), share=shares())


def buffers() -> st.SearchStrategy[Buffer]:
    """Give buffers for a SKU or any, at a node or any."""
    return st.builds(
        Buffer,
        steps=st.integers(0, 8),
        unit=st.none() | st.sampled_from(FEW_UNITS),
        node=st.none() | st.sampled_from(FEW_NODES),
    )


def pools() -> st.SearchStrategy[Pool]:
    """Give pools over a few nodes, in any order of preference."""
    return st.builds(
        Pool,
        channel=channels(),
        nodes=st.lists(st.sampled_from(FEW_NODES), unique=True).map(tuple),
        buffers=st.lists(buffers(), max_size=4, unique_by=lambda each: (each.unit, each.node)).map(tuple),
    )


@st.composite
def balances(draw: st.DrawFn) -> dict[Account, Balance]:
    """Give how every SKU stands at every one of the few nodes: short ones, lapsed holds and floors too."""
    rows = {}
    for unit in FEW_UNITS:
        for node in FEW_NODES:
            held = draw(st.integers(0, 6))
            account = on_hand(unit, node)
            rows[account] = Balance(
                account=account,
                posted=draw(st.integers(-3, 15)),
                held=held,
                lapsed=draw(st.integers(0, held)),
                floor=draw(st.sampled_from((0, 0, 0, 2, -4))),
            )
    return rows


@st.composite
def transfers(draw: st.DrawFn) -> Transfer:
    """Give transfers between two nodes."""
    source, target = draw(st.lists(nodes(), min_size=2, max_size=2, unique=True))
    state = draw(st.sampled_from(TransferState))
    return Transfer(id=draw(_names()), source=source, target=target, units=draw(unit_steps()), state=state)


def stocks() -> st.SearchStrategy[Stock]:
    """Give rows of stock."""
    some = st.integers(-20, 20)
    return st.builds(
        Stock, unit=units(), node=nodes(), on_hand=some, held=some, available=some, quarantine=st.integers(0, 20)
    )


def risks() -> st.SearchStrategy[Risk]:
    """Give holds at risk, with and without an owner."""
    return st.builds(
        Risk,
        hold=_names(),
        unit=units(),
        node=nodes(),
        left=steps(),
        short=steps(),
        reservation=st.none() | _names(),
        line=st.none() | lines(),
    )


def events() -> st.SearchStrategy[Event]:
    """Give everything that may have happened to stock."""
    reference = st.none() | _names()
    few = st.lists(allocations(), max_size=3).map(tuple)
    holds = st.lists(_names(), max_size=3).map(tuple)
    shelves, reasons = st.sampled_from(Shelf), st.sampled_from(ScrapReason)
    return st.one_of(
        st.builds(Received, node=nodes(), units=unit_steps(), reference=reference),
        st.builds(Counted, node=nodes(), found=unit_steps(least=0), booked=unit_steps()),
        st.builds(Scrapped, node=nodes(), units=unit_steps(), shelf=shelves, reason=reasons),
        st.builds(SoldAtTill, node=nodes(), units=unit_steps(), reference=reference),
        st.builds(Restocked, node=nodes(), units=unit_steps(), shelf=shelves, reference=reference),
        st.builds(Dispatched, transfer=_names(), source=nodes(), target=nodes(), units=unit_steps()),
        st.builds(Arrived, transfer=_names(), node=nodes(), received=unit_steps(), lost=unit_steps()),
        st.builds(StockHeld, reservation=_names(), channel=channels(), allocations=few),
        st.builds(Shipped, reservation=_names(), amounts=st.dictionaries(_names(), steps(), max_size=3)),
        st.builds(Released, reservation=_names(), holds=holds),
        st.builds(Resourced, reservation=_names(), holds=holds, allocations=few),
        st.builds(PoolSet, channel=channels(), nodes=st.lists(nodes(), max_size=3).map(tuple)),
    )
