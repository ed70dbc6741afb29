"""What are the channels we sell through, and the nodes our goods pass?

A channel says in which currency, with which tax shown and on whose clock it sells; a node says where it is, when it is
open and what it may do. Neither holds stock: how much lies where, and who may promise it, is the ledger's.
"""

import re
from typing import Final

from attrs import frozen

from omnicore.kernel.address import PostalAddress
from omnicore.kernel.calendar import BusinessCalendar
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, NodeId, checked_id
from omnicore.kernel.money import Money, TaxBasis
from omnicore.kernel.text import Localized
from omnicore.kernel.time import checked_zone
from omnicore.network.states import ChannelKind, NodeKind

_GLN: Final = re.compile("[0-9]{13}")
_NO_SLASH: Final = "must not contain a slash, because accounts of the ledger are paths"


@frozen(kw_only=True)
class Channel:
    """Where an offer is made and an order taken. Prices are shown with tax or without; days are those of ``zone``.

    Raises:
        Malformed: an id with a slash, an unknown currency or an unknown time zone.
    """

    id: ChannelId
    kind: ChannelKind
    name: Localized
    currency: str
    shows: TaxBasis
    zone: str

    def __attrs_post_init__(self) -> None:
        """Refuse a channel nobody could sell through."""
        _check_id(self.id)
        _check_type(self.kind, ChannelKind, "$.kind")
        _check_type(self.name, Localized, "$.name")
        _check_type(self.shows, TaxBasis, "$.shows")
        Money(0, self.currency)
        checked_zone(self.zone)


@frozen(kw_only=True)
class Node:
    """Where goods lie or pass. ``ships``: parcels may leave from it. ``pickup``: buyers may collect at it.

    ``gln`` is its GS1 Global Location Number. ``hours`` are those of its door and carry its time zone.

    Raises:
        Malformed: an id with a slash, or a number whose check digit is wrong (GS1 General Specifications, 7.9).
    """

    id: NodeId
    kind: NodeKind
    name: Localized
    address: PostalAddress
    hours: BusinessCalendar
    ships: bool
    pickup: bool
    gln: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a node nobody could find."""
        _check_id(self.id)
        _check_type(self.kind, NodeKind, "$.kind")
        _check_type(self.name, Localized, "$.name")
        _check_type(self.address, PostalAddress, "$.address")
        _check_type(self.hours, BusinessCalendar, "$.hours")
        _check_type(self.ships, bool, "$.ships")
        _check_type(self.pickup, bool, "$.pickup")
        if self.gln is not None and not _is_gln(self.gln):
            raise Malformed("$.gln", "must be 13 digits, the last of which checks the others")

    @property
    def zone(self) -> str:
        """The time zone of its clock."""
        return self.hours.zone


def _is_gln(text: str) -> bool:
    if type(text) is not str or not _GLN.fullmatch(text):
        return False
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(text))
    return weighted % 10 == 0


def _check_id(text: str) -> None:
    if "/" in checked_id(text, "$.id"):
        raise Malformed("$.id", _NO_SLASH)


def _check_type(value: object, wanted: type, path: str) -> None:
    if type(value) is not wanted:
        raise Malformed(path, f"must be of type {wanted.__name__}")
