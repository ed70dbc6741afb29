"""What has happened to the network?"""

from attrs import frozen

from omnicore.kernel.ids import ChannelId, NodeId
from omnicore.kernel.journal import event


@event("network.channel_described.v1")
@frozen(kw_only=True)
class ChannelDescribed:
    """A channel was opened (``new``) or is described anew."""

    channel: ChannelId
    new: bool

    @property
    def about(self) -> str:
        """The channel."""
        return self.channel


@event("network.node_described.v1")
@frozen(kw_only=True)
class NodeDescribed:
    """A node was opened (``new``) or is described anew."""

    node: NodeId
    new: bool

    @property
    def about(self) -> str:
        """The node."""
        return self.node
