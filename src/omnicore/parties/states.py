"""Which kinds and states may an identity have, and who may tell something of a customer?"""

from enum import StrEnum
from typing import Final

from omnicore.kernel.machine import Machine


class IdentityKind(StrEnum):
    """What kind of proof an identity is.

    The order is the order of recognition, strongest first: a buyer who gives several identities is recognised by the
    first of them alone, never by a chain of them.
    """

    MARKETPLACE_BUYER = "marketplace_buyer"
    MEMBER_CARD = "member_card"
    OIDC = "oidc"
    LINE = "line"
    EMAIL = "email"
    PHONE = "phone"
    STORE_TOKEN = "store_token"  # noqa: S105 - the name of a kind of proof


STRENGTH: Final = {kind: place for place, kind in enumerate(IdentityKind)}
"""Kind -> place in the order of recognition; the lowest is the strongest."""


class IdentityState(StrEnum):
    """How far an identity is to be believed."""

    TOLD = "told"
    VERIFIED = "verified"
    REVOKED = "revoked"


class IdentityMove(StrEnum):
    """What may happen to an identity."""

    VERIFY = "verify"
    REVOKE = "revoke"


IDENTITY: Final = Machine(
    name="identity",
    initial=IdentityState.TOLD,
    table={
        IdentityState.TOLD: {IdentityMove.VERIFY: IdentityState.VERIFIED, IdentityMove.REVOKE: IdentityState.REVOKED},
        # Proven again: another challenge was met, which replaces the first.
        IdentityState.VERIFIED: {
            IdentityMove.VERIFY: IdentityState.VERIFIED,
            IdentityMove.REVOKE: IdentityState.REVOKED,
        },
        IdentityState.REVOKED: {},
    },
)


class Teller(StrEnum):
    """Who tells something of a customer, and so what it may change.

    ``HOLDER``: the holder of the account, logged in. ``CHANNEL``: a system that knows its own buyers, such as a
    marketplace or a till that has read a member card. ``GUEST``: somebody who has proven nothing.
    """

    HOLDER = "holder"
    CHANNEL = "channel"
    GUEST = "guest"


class DetailField(StrEnum):
    """What may be known of a customer."""

    NAME = "name"
    KANA = "kana"
    EMAIL = "email"
    PHONE = "phone"
    NOTE = "note"
    ADDRESS = "address"


class LinkEnd(StrEnum):
    """What a link leads to."""

    CUSTOMER = "customer"
    ACCOUNT = "account"


class Evidence(StrEnum):
    """What a link rests on: an order that named the identity, a challenge that was met, or a claim made with one."""

    ORDER = "order"
    CHALLENGE = "challenge"
    CLAIM = "claim"
