"""Where we sell and where goods are: channels and nodes, their clocks, currencies and opening hours; never stock."""

from omnicore.network.errors import ChannelTaken, ChannelUnknown, CurrencyFixed, NodeTaken, NodeUnknown
from omnicore.network.events import ChannelDescribed, NodeDescribed
from omnicore.network.flows import all_channels, all_nodes, describe_network, open_channel, open_node
from omnicore.network.kinds import CHANNELS, NODES
from omnicore.network.model import Channel, Node
from omnicore.network.states import ChannelKind, NodeKind

__all__ = [
    "CHANNELS",
    "NODES",
    "Channel",
    "ChannelDescribed",
    "ChannelKind",
    "ChannelTaken",
    "ChannelUnknown",
    "CurrencyFixed",
    "Node",
    "NodeDescribed",
    "NodeKind",
    "NodeTaken",
    "NodeUnknown",
    "all_channels",
    "all_nodes",
    "describe_network",
    "open_channel",
    "open_node",
]
