import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.address import PostalAddress
from omnicore.kernel.calendar import BusinessCalendar, Hours
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, NodeId
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.text import Localized
from omnicore.network import (
    Channel,
    ChannelKind,
    ChannelTaken,
    CurrencyFixed,
    Node,
    NodeKind,
    NodeTaken,
    all_channels,
    all_nodes,
    describe_network,
    open_channel,
    open_node,
)
from omnicore.testing.clock import Clock, Ids
from omnicore.testing.strategies import network as drawn

WEB = Channel(
    id=ChannelId("web"),
    kind=ChannelKind.WEB,
    name=Localized.of({"en": "Web shop"}),
    currency="JPY",
    shows=TaxBasis.INCLUDED,
    zone="Asia/Tokyo",
)
DC = Node(
    id=NodeId("dc"),
    kind=NodeKind.DC,
    name=Localized.of({"en": "Tokyo DC"}),
    address=PostalAddress(country="JP", postal_code="1000001"),
    hours=BusinessCalendar.of("Asia/Tokyo", week={day: [Hours(540, 1080)] for day in range(5)}),
    ships=True,
    pickup=False,
)


def a_host() -> Host:
    """Give an empty shop."""
    return Host(Memory(), clock=Clock(), new_id=Ids())


def test_opening_twice_is_opening_once() -> None:
    """The very same channel or node opened again changes nothing; another of the same id is refused."""
    host = a_host()
    for _ in range(2):
        host.run(open_channel(channel=WEB))
        host.run(open_node(node=DC))
    assert host.verify().documents == host.verify().events == 2
    with pytest.raises(ChannelTaken):
        host.run(open_channel(channel=evolve(WEB, zone="Asia/Seoul")))
    with pytest.raises(NodeTaken):
        host.run(open_node(node=evolve(DC, pickup=True)))
    assert (host.run(all_channels()), host.run(all_nodes())) == ((WEB,), (DC,))


@given(
    st.lists(drawn.channels(), max_size=3, unique_by=lambda channel: channel.id),
    st.lists(drawn.nodes(), max_size=3, unique_by=lambda node: node.id),
)
def test_describing_again_in_any_order_changes_nothing(channels: list[Channel], nodes: list[Node]) -> None:
    """The same network loaded again, in another order, writes nothing."""
    host = a_host()
    assert host.run(describe_network(channels=tuple(channels), nodes=tuple(nodes))) == len(channels) + len(nodes)
    again = describe_network(channels=tuple(reversed(channels)), nodes=tuple(reversed(nodes)))
    assert host.run(again) == 0
    assert host.run(all_channels()) == tuple(sorted(channels, key=lambda channel: channel.id.encode()))
    assert host.run(all_nodes()) == tuple(sorted(nodes, key=lambda node: node.id.encode()))
    assert host.verify().differences == ()


def test_a_node_is_described_anew() -> None:
    """A store that begins to hand out parcels is the same store."""
    host = a_host()
    host.run(open_node(node=DC))
    assert host.run(describe_network(nodes=(evolve(DC, pickup=True),))) == 1
    assert host.run(all_nodes()) == (evolve(DC, pickup=True),)
    assert host.run(describe_network(channels=(WEB,))) == 1
    assert host.run(describe_network(channels=(evolve(WEB, zone="Asia/Seoul"),))) == 1


def test_a_channels_currency_stays() -> None:
    """A channel that sold in yen never sells in euro, and a refused change changes nothing."""
    host = a_host()
    host.run(open_channel(channel=WEB))
    with pytest.raises(CurrencyFixed):
        host.run(describe_network(channels=(evolve(WEB, currency="EUR"),), nodes=(DC,)))
    assert host.run(all_nodes()) == ()


def test_a_network_that_contradicts_itself_is_refused() -> None:
    """One id described in two ways in one call is bad data, and a call is bounded."""
    with pytest.raises(Malformed):
        a_host().run(describe_network(nodes=(DC,) * 10_001))
    with pytest.raises(Malformed):
        a_host().run(describe_network(nodes=(DC, evolve(DC, pickup=True))))
