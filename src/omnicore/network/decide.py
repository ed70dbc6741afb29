"""What changes when channels and nodes are described?

Describing is an upsert of many: the same again changes nothing, and the order does not matter.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from omnicore.kernel.errors import Malformed
from omnicore.kernel.records import Change, Stored
from omnicore.kernel.store import Writes
from omnicore.network.errors import ChannelTaken, CurrencyFixed, NodeTaken
from omnicore.network.events import ChannelDescribed, NodeDescribed
from omnicore.network.kinds import CHANNELS, NODES
from omnicore.network.model import Channel, Node

T = TypeVar("T", Channel, Node)


def describe_channels(channels: Iterable[Channel], *, known: Mapping[str, Stored[Channel]]) -> Writes:
    """Open channels that are new and describe the others anew.

    Raises:
        CurrencyFixed: one had another currency.
        Malformed: one is described twice, differently.
    """
    changes: list[Change] = []
    events: list[ChannelDescribed] = []
    for key, channel in sorted(_once(channels).items()):
        stored = known.get(key)
        if stored is None:
            changes.append(CHANNELS.put(channel))
        elif stored.value == channel:
            continue
        elif stored.value.currency != channel.currency:
            raise CurrencyFixed(channel=channel.id, currency=stored.value.currency)
        else:
            changes.append(stored.put(channel))
        events.append(ChannelDescribed(channel=channel.id, new=stored is None))
    return Writes(changes=tuple(changes), events=tuple(events))


def describe_nodes(nodes: Iterable[Node], *, known: Mapping[str, Stored[Node]]) -> Writes:
    """Open nodes that are new and describe the others anew.

    Raises:
        Malformed: one is described twice, differently.
    """
    changes: list[Change] = []
    events: list[NodeDescribed] = []
    for key, node in sorted(_once(nodes).items()):
        stored = known.get(key)
        if stored is not None and stored.value == node:
            continue
        changes.append(NODES.put(node) if stored is None else stored.put(node))
        events.append(NodeDescribed(node=node.id, new=stored is None))
    return Writes(changes=tuple(changes), events=tuple(events))


def open_channel(channel: Channel, *, known: Stored[Channel] | None) -> Writes:
    """Open a channel; the very same again changes nothing.

    Raises:
        ChannelTaken: the id belongs to a channel that is described otherwise.
    """
    if known is not None and known.value != channel:
        raise ChannelTaken(channel=channel.id)
    return describe_channels([channel], known={} if known is None else {channel.id: known})


def open_node(node: Node, *, known: Stored[Node] | None) -> Writes:
    """Open a node; the very same again changes nothing.

    Raises:
        NodeTaken: the id belongs to a node that is described otherwise.
    """
    if known is not None and known.value != node:
        raise NodeTaken(node=node.id)
    return describe_nodes([node], known={} if known is None else {node.id: known})


def _once(items: Iterable[T]) -> dict[str, T]:
    """Give each by its id; the same twice is once.

    Raises:
        Malformed: the same id is described twice, differently.
    """
    found: dict[str, T] = {}
    for item in items:
        if found.setdefault(item.id, item) != item:
            raise Malformed("$", "describes the same id twice, differently")
    return found
