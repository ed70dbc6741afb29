"""Which values may the types of the network have? One strategy for each, also for the awkward corners."""

from hypothesis import strategies as st

from omnicore.kernel.ids import ChannelId, NodeId
from omnicore.network import Channel, ChannelKind, Node, NodeKind
from omnicore.testing.strategies.kernel import (
    business_calendars,
    currencies,
    ids,
    localized,
    postal_addresses,
    tax_bases,
    zones,
)


def _place_ids() -> st.SearchStrategy[str]:
    return ids().filter(lambda text: "/" not in text)


def glns() -> st.SearchStrategy[str]:
    """Give Global Location Numbers with a good check digit."""

    def checked(digits: str) -> str:
        weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
        return digits + str(-weighted % 10)

    return st.from_regex(r"[0-9]{12}", fullmatch=True).map(checked)


def channels() -> st.SearchStrategy[Channel]:
    """Give channels of every kind."""
    return st.builds(
        Channel,
        id=_place_ids().map(ChannelId),
        kind=st.sampled_from(ChannelKind),
        name=localized(),
        currency=currencies(),
        shows=tax_bases(),
        zone=zones(),
    )


def nodes() -> st.SearchStrategy[Node]:
    """Give nodes of every kind, also one that is never open and does nothing."""
    return st.builds(
        Node,
        id=_place_ids().map(NodeId),
        kind=st.sampled_from(NodeKind),
        name=localized(),
        address=postal_addresses(),
        hours=business_calendars(),
        ships=st.booleans(),
        pickup=st.booleans(),
        gln=st.none() | glns(),
    )
