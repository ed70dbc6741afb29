"""Do the values of inventory hold only what makes sense, and are they stored as they are?"""

from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore import inventory
from omnicore.inventory import Buffer, Need, Pool, Reservation, Share, Transfer, TransferState
from omnicore.kernel.codec import dump, dumps, load, loads
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, LineId, NodeId
from omnicore.kernel.journal import Event
from omnicore.testing.strategies import inventory as strategies

TEE = "sku:TEE"
DC = NodeId("dc")


@given(
    st.one_of(
        strategies.needs(),
        strategies.shares(),
        strategies.allocations(),
        strategies.reservations(),
        strategies.buffers(),
        strategies.pools(),
        strategies.transfers(),
        strategies.stocks(),
        strategies.risks(),
    )
)
def test_what_is_stored_comes_back(value: object) -> None:
    """Every value of stock is read back exactly as it was written."""
    assert load(dump(value, as_=type(value)), as_=type(value)) == value


@given(strategies.events())
def test_what_has_happened_comes_back(happened: Event) -> None:
    """Every event of stock is read back exactly as it was written."""
    assert loads(dumps(happened, as_=type(happened)), as_=type(happened)) == happened
    assert happened.about


@pytest.mark.parametrize(
    "make",
    [
        lambda: Need(line=LineId("1"), components={}, units=1),
        lambda: Need(line=LineId("1"), components={TEE: 0}, units=1),
        lambda: Need(line=LineId("1"), components={TEE: 1}, units=True),
        lambda: Need(line=LineId("1"), components={"TEE": 1}, units=1),
        lambda: Need(line=LineId("1"), components={TEE: 10**9}, units=10**9),
        lambda: Need(line=LineId("1"), components=cast("dict[str, int]", None), units=1),
        lambda: Share(line=LineId("1"), unit=TEE, node=NodeId("a/b"), amount=1),
        lambda: Share(line=LineId("1"), unit=TEE, node=NodeId("a\u2028b"), amount=1),
        lambda: Share(line=LineId("1"), unit=TEE, node=DC, amount=-1),
        lambda: Buffer(steps=-1),
        lambda: Pool(channel=ChannelId("web"), nodes=cast("tuple[NodeId, ...]", [DC])),
        lambda: Transfer(
            id="t1", source=DC, target=NodeId("g"), units={TEE: 1}, state=cast("TransferState", "arrived")
        ),
        lambda: Pool(channel=ChannelId("web"), nodes=(DC, DC)),
        lambda: Pool(channel=ChannelId("web"), nodes=(DC,), buffers=(Buffer(steps=1), Buffer(steps=2))),
        lambda: Reservation(id="o1", channel=ChannelId("web"), issued=-1),
        lambda: Transfer(id="t1", source=DC, target=DC, units={TEE: 1}),
        lambda: Transfer(id="t1", source=DC, target=NodeId("ginza"), units={}),
        lambda: inventory.sku_unit(inventory.sku_of("sku:TEE"), scale=7),
    ],
)
def test_nonsense_is_refused(make: Callable[[], object]) -> None:
    """No negative, empty, endless or self-contradicting stock can even be written down."""
    with pytest.raises(Malformed):
        make()
