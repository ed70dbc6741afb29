"""From which nodes may lines be served, and which of them is preferred? Rules are values; ``sourcing`` follows them."""

from attrs import frozen

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, NodeId, checked_id

MAX_NODES = 1_000
"""Nodes in one rule."""


def _check_nodes(nodes: tuple[NodeId, ...], path: str) -> None:
    if type(nodes) is not tuple or len(nodes) > MAX_NODES or len(set(nodes)) != len(nodes):
        raise Malformed(path, f"must be at most {MAX_NODES} nodes, each once")
    for node in nodes:
        checked_id(node, path)


@frozen(kw_only=True)
class OnlyNode:
    """Everything from one node, or nothing: the store a buyer comes to."""

    node: NodeId

    def __attrs_post_init__(self) -> None:
        """Check the node.

        Raises: Malformed.
        """
        checked_id(self.node, "$.node")


@frozen(kw_only=True)
class PreferOrder:
    """The first node that can serve everything; where none can, each in order gives what it has."""

    nodes: tuple[NodeId, ...]

    def __attrs_post_init__(self) -> None:
        """Check the nodes.

        Raises: Malformed.
        """
        _check_nodes(self.nodes, "$.nodes")


@frozen(kw_only=True)
class ShipFromStoreWhenShort:
    """The centres alone as long as they can, in one parcel or several; then a single store that can serve everything.

    Where no store can either, centres first and then stores give what they have.
    """

    centres: tuple[NodeId, ...]
    stores: tuple[NodeId, ...]

    def __attrs_post_init__(self) -> None:
        """Check the nodes; none is both.

        Raises: Malformed.
        """
        _check_nodes(self.centres, "$.centres")
        _check_nodes(self.stores, "$.stores")
        _check_nodes((*self.centres, *self.stores), "$.stores")


SourcingRule = OnlyNode | PreferOrder | ShipFromStoreWhenShort

codec.tagged(
    SourcingRule,
    {"only_node": OnlyNode, "prefer_order": PreferOrder, "ship_from_store_when_short": ShipFromStoreWhenShort},
)


@frozen(kw_only=True)
class SourcingPolicy:
    """How a channel's orders are sourced."""

    channel: ChannelId
    rule: SourcingRule

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.channel, "$.channel")
        if not isinstance(self.rule, SourcingRule):
            raise Malformed("$.rule", "must be a sourcing rule")
