"""What does this context say no to?"""

from omnicore.kernel.errors import Refused


class ChannelTaken(Refused):
    """Another channel has this id already; describe it anew instead of opening it."""

    code = "network.channel_taken"


class NodeTaken(Refused):
    """Another node has this id already; describe it anew instead of opening it."""

    code = "network.node_taken"


class ChannelUnknown(Refused):
    """There is no such channel."""

    code = "network.channel_unknown"
    status = 404


class NodeUnknown(Refused):
    """There is no such node."""

    code = "network.node_unknown"
    status = 404


class CurrencyFixed(Refused):
    """A channel's currency does not change: open another channel."""

    code = "network.currency_fixed"
