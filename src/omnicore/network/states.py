"""Which kinds of channel and node are there?"""

from enum import StrEnum


class ChannelKind(StrEnum):
    """Through what an offer is made and an order taken."""

    WEB = "web"
    APP = "app"
    STORE = "store"
    POS = "pos"
    MARKETPLACE = "marketplace"
    PHONE = "phone"


class NodeKind(StrEnum):
    """What a place is for: a store, a distribution centre, a fulfilment centre, a supplier's warehouse."""

    STORE = "store"
    DC = "dc"
    FC = "fc"
    SUPPLIER = "supplier"
