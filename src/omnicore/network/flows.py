"""Which use cases has this context, and which questions does it answer?"""

from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, find, flow, get, load, question, write
from omnicore.kernel.ids import ChannelId, NodeId
from omnicore.network import decide
from omnicore.network.kinds import CHANNELS, NODES
from omnicore.network.model import Channel, Node

MAX_PLACES = 10_000
"""Channels or nodes of one shop, and in one call."""


@flow("network.open_channel")
async def open_channel(given: Given, *, channel: Channel) -> ChannelId:
    """Open a channel; the very same again changes nothing.

    Raises:
        ChannelTaken.
    """
    await write(decide.open_channel(channel, known=await get(CHANNELS, channel.id)))
    return channel.id


@flow("network.open_node")
async def open_node(given: Given, *, node: Node) -> NodeId:
    """Open a node; the very same again changes nothing.

    Raises:
        NodeTaken.
    """
    await write(decide.open_node(node, known=await get(NODES, node.id)))
    return node.id


@flow("network.describe")
async def describe_network(given: Given, *, channels: tuple[Channel, ...] = (), nodes: tuple[Node, ...] = ()) -> int:
    """Open and describe any number of channels and nodes at once; gives how many were new or changed.

    Law: the same again, in any order, changes nothing.

    Raises:
        CurrencyFixed, Malformed.
    """
    for path, many in (("$.channels", len(channels)), ("$.nodes", len(nodes))):
        if many > MAX_PLACES:
            raise Malformed(path, f"must be at most {MAX_PLACES}")
    known_channels = await load(CHANNELS, [channel.id for channel in channels])
    known_nodes = await load(NODES, [node.id for node in nodes])
    writes = decide.describe_channels(channels, known=known_channels) + decide.describe_nodes(nodes, known=known_nodes)
    await write(writes)
    return len(writes.changes)


@question("network.channels")
async def all_channels(given: Given) -> tuple[Channel, ...]:
    """Give every channel, by id."""
    return tuple(stored.value for stored in (await find(CHANNELS, "all", limit=MAX_PLACES)).items)


@question("network.nodes")
async def all_nodes(given: Given) -> tuple[Node, ...]:
    """Give every node, by id."""
    return tuple(stored.value for stored in (await find(NODES, "all", limit=MAX_PLACES)).items)
