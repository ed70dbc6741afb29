"""Do goods that come, go or turn out otherwise leave books that add up?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore import inventory
from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.inventory import (
    NotInTransit,
    NoTransfer,
    OutOfStock,
    Pool,
    ScrapReason,
    Shelf,
    TransferState,
    accounts,
    on_hand,
)
from omnicore.inventory.kinds import TRANSFERS
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, balances, get, question
from omnicore.kernel.ids import ChannelId, LineId, NodeId
from omnicore.kernel.ledger import Account
from omnicore.testing.clock import Clock, Ids

DC, GINZA, WEB = NodeId("dc"), NodeId("ginza"), ChannelId("web")
TEE = "sku:TEE"
TRANSIT = accounts.in_transit(TEE, "t1")


@question("test.inventory.posted")
async def posted(_given: Given, *, paths: tuple[str, ...]) -> tuple[int, ...]:
    """Ask what stands on accounts of the tee."""
    rows = await balances(Account(TEE, path) for path in paths)
    return tuple(rows[Account(TEE, path)].posted for path in paths)


@question("test.inventory.transfer")
async def transfer_state(_given: Given, *, transfer: str) -> TransferState:
    """Ask how a transfer stands."""
    stored = await get(TRANSFERS, transfer)
    assert stored is not None
    return stored.value.state


def a_shop() -> Host:
    """Give a shop of two nodes and one channel."""
    host = Host(Memory(), clock=Clock(), new_id=Ids())
    host.run(inventory.set_pool(pool=Pool(channel=WEB, nodes=(DC, GINZA))))
    return host


def at(host: Host, *paths: str) -> tuple[int, ...]:
    """Say what stands where."""
    return host.run(posted(paths=paths))


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_after_a_count_the_books_say_what_was_found(received: int, sold: int, found: int) -> None:
    """Whatever the books said before, and whoever was promised what, a count makes them say what is on the shelf."""
    host = a_shop()
    if received:
        host.run(inventory.receive(node=DC, units={TEE: received}))
    if sold:
        host.run(inventory.sell_at_till(node=DC, units={TEE: sold}))
    host.run(inventory.count(node=DC, found={TEE: found}))

    assert at(host, on_hand(TEE, DC).path, accounts.COUNT) == (found, received - sold - found)
    assert not host.verify().differences


@given(st.integers(1, 9), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=4))
def test_what_was_sent_has_arrived_is_lost_or_is_on_its_way(sent: int, arrivals: list[tuple[int, int]]) -> None:
    """Of a transfer, every unit has arrived, is lost or is still on its way, after every arrival."""
    host = a_shop()
    host.run(inventory.receive(node=DC, units={TEE: sent}))
    host.run(inventory.dispatch(transfer="t1", source=DC, target=GINZA, units={TEE: sent}))
    arrived, lost = 0, 0
    for more, gone in arrivals:
        arrive = inventory.arrive(
            transfer="t1", received={TEE: more} if more else {}, lost={TEE: gone} if gone else None
        )
        if not more and not gone:
            with pytest.raises(Malformed):
                host.run(arrive)
        elif arrived + lost + more + gone > sent:
            with pytest.raises(NotInTransit):
                host.run(arrive)
        else:
            host.run(arrive)
            arrived, lost = arrived + more, lost + gone
        left = sent - arrived - lost
        assert at(host, TRANSIT.path, on_hand(TEE, GINZA).path, accounts.LOSS) == (left, arrived, lost)
        assert host.run(transfer_state(transfer="t1")) is (TransferState.ON_ITS_WAY if left else TransferState.ARRIVED)
    assert not host.verify().differences


def test_nobody_sends_away_what_is_promised() -> None:
    """A transfer takes only what no buyer has been promised, and a refused one leaves no trace."""
    host = a_shop()
    host.run(inventory.receive(node=DC, units={TEE: 3}))
    need = inventory.Need(line=LineId("1"), components={TEE: 1}, units=2)
    host.run(inventory.hold(reservation="o1", channel=WEB, needs=(need,)))
    with pytest.raises(OutOfStock) as refused:
        host.run(inventory.dispatch(transfer="t1", source=DC, target=GINZA, units={TEE: 2}))

    assert {"asked": 2, "available": 1, "sku": "TEE", "node": "dc"}.items() <= dict(refused.value.facts).items()
    with pytest.raises(NoTransfer):
        host.run(inventory.arrive(transfer="t1", received={TEE: 1}))


def test_a_transfer_arrives_once() -> None:
    """Nothing can arrive of a transfer that has arrived, nor anything that was never sent."""
    host = a_shop()
    host.run(inventory.receive(node=DC, units={TEE: 1}))
    host.run(inventory.dispatch(transfer="t1", source=DC, target=GINZA, units={TEE: 1}))
    with pytest.raises(NotInTransit):
        host.run(inventory.arrive(transfer="t1", received={"sku:MUG": 1}))
    host.run(inventory.arrive(transfer="t1", received={TEE: 1}))
    with pytest.raises(NotInTransit) as refused:
        host.run(inventory.arrive(transfer="t1", received={TEE: 1}))

    assert {"sku": "TEE", "asked": 1, "in_transit": 0}.items() <= dict(refused.value.facts).items()


def test_what_comes_back_may_be_set_aside() -> None:
    """A return goes to the shelf or into quarantine; only what is on the shelf can be promised again."""
    host = a_shop()
    host.run(inventory.restock(node=GINZA, units={TEE: 2}))
    host.run(inventory.restock(node=GINZA, units={TEE: 3}, shelf=Shelf.QUARANTINE, reference="return-1"))
    host.run(inventory.scrap(node=GINZA, units={TEE: 1}, reason=ScrapReason.DAMAGED, shelf=Shelf.QUARANTINE))

    (row,) = host.run(inventory.stock(units=(TEE,), nodes=(GINZA,)))
    assert (row.on_hand, row.available, row.quarantine) == (2, 2, 2)
    assert host.run(inventory.availability(units=(TEE,), channel=WEB)) == {TEE: 2}
    assert at(host, accounts.CUSTOMER, accounts.SCRAP) == (-5, 1)
