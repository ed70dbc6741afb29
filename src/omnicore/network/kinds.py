"""How are channels and nodes stored, and found again?"""

from typing import Final

from omnicore.kernel.records import Index, Kind
from omnicore.network.model import Channel, Node

CHANNELS: Final = Kind(
    name="network.channel",
    type=Channel,
    key=lambda channel: channel.id,
    steady=True,
    indexes=(Index("all", lambda channel: [(channel.id,)]),),
)

NODES: Final = Kind(
    name="network.node",
    type=Node,
    key=lambda node: node.id,
    steady=True,
    indexes=(
        Index("all", lambda node: [(node.id,)]),
        Index("gln", lambda node: [(node.gln,)] if node.gln is not None else []),
    ),
)
