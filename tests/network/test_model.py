import pytest
from attrs import evolve
from hypothesis import given

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, NodeId
from omnicore.network import Channel, Node
from omnicore.testing.strategies import network as drawn


@given(drawn.channels(), drawn.nodes())
def test_places_are_stored_as_they_are(channel: Channel, node: Node) -> None:
    """A channel and a node come back from the books as they went in."""
    assert codec.loads(codec.dumps(channel, as_=Channel), as_=Channel) == channel
    assert codec.loads(codec.dumps(node, as_=Node), as_=Node) == node


@given(drawn.nodes())
def test_a_nodes_clock_is_its_doors(node: Node) -> None:
    """A node keeps the time of its opening hours."""
    assert node.zone == node.hours.zone


@given(drawn.nodes(), drawn.glns())
def test_a_mistyped_location_number_is_refused(node: Node, gln: str) -> None:
    """One wrong digit of a GLN is noticed."""
    assert evolve(node, gln=gln).gln == gln
    wrong = str((int(gln[4]) + 1) % 10)
    with pytest.raises(Malformed):
        evolve(node, gln=gln[:4] + wrong + gln[5:])


@given(drawn.channels(), drawn.nodes())
def test_an_impossible_place_is_refused(channel: Channel, node: Node) -> None:
    """An id with a slash, an unknown currency or zone, and a value of another type are refused."""
    for bad in (
        lambda: evolve(channel, id=ChannelId("a/b")),
        lambda: evolve(channel, currency="YEN"),
        lambda: evolve(channel, zone="Nowhere"),
        lambda: evolve(channel, kind="web"),  # type: ignore[arg-type]  # what an untyped caller may do
        lambda: evolve(channel, shows="included"),  # type: ignore[arg-type]  # as above
        lambda: evolve(node, id=NodeId("a/b")),
        lambda: evolve(node, gln="123"),
        lambda: evolve(node, ships=1),  # type: ignore[arg-type]  # as above
        lambda: evolve(node, hours=None),  # type: ignore[arg-type]  # as above
    ):
        with pytest.raises(Malformed):
            bad()
