"""What may this context be told of a buyer?"""

from collections.abc import Callable

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import AccountId, CustomerId, IdentityId, checked_id
from omnicore.kernel.personal import Personal
from omnicore.kernel.text import clean_text
from omnicore.kernel.time import Instant
from omnicore.parties.model import MAX_LINE, NO_DETAILS, Details
from omnicore.parties.rules import normal_form
from omnicore.parties.states import STRENGTH, IdentityKind, Teller

MAX_IDENTITIES = 20
"""Identities one order may name."""


@frozen(kw_only=True)
class ToldIdentity:
    """An identity as somebody typed or sent it.

    ``realm`` says within what it is unique: the channel of a marketplace's buyer id or of a store's token, the OIDC
    issuer, the card programme, the country of a phone number that is written as at home. ``until`` ends it, as a token
    ends.

    Raises:
        Malformed: a value that is not of its kind's shape.
    """

    kind: IdentityKind
    value: Personal[str]
    realm: str = ""
    until: Instant | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what could not be recognised again."""
        if type(self.kind) is not IdentityKind:
            raise Malformed("$.kind", "must be a kind of identity")
        if type(self.value) is not Personal:
            raise Malformed("$.value", "must be marked as personal")
        clean_text(self.realm, path="$.realm", limit=MAX_LINE)
        if self.kind in _NEED_A_REALM and not self.realm:
            raise Malformed("$.realm", "must say whose id it is")
        normal_form(self.kind, self.value.reveal(), realm=self.realm, path="$.value")

    def mark(self, blind: Callable[[str], str]) -> IdentityId:
        """Give the keyed mark it is known by; equal exactly for equal kind, realm and normal form.

        A phone number that is written with its country's code is the same in every realm.
        """
        normal = normal_form(self.kind, self.value.reveal(), realm=self.realm)
        anywhere = self.kind is IdentityKind.EMAIL or (self.kind is IdentityKind.PHONE and normal.startswith("+"))
        return IdentityId(blind(f"identity\n{self.kind.value}\n{'' if anywhere else self.realm}\n{normal}"))


_NEED_A_REALM = frozenset({IdentityKind.MARKETPLACE_BUYER, IdentityKind.OIDC, IdentityKind.STORE_TOKEN})


@frozen(kw_only=True)
class Seen:
    """What one order, or one visit, tells of its buyer.

    ``told_at`` is the version of what is told: when the channel last changed it. ``basis`` names the order. ``account``
    is whose holder is logged in, and given exactly when the holder tells. ``customer`` is whom an earlier version of
    the same order was booked on, and settles the matter. A marketplace that hides its buyers gives the buyer's id only.

    Raises:
        Malformed: a holder without an account, an account without its holder, or too many identities.
    """

    told_at: Instant
    by: Teller
    basis: str
    identities: tuple[ToldIdentity, ...] = ()
    account: AccountId | None = None
    customer: CustomerId | None = None
    details: Details = NO_DETAILS

    def __attrs_post_init__(self) -> None:
        """Refuse what contradicts itself."""
        checked_id(self.basis, "$.basis")
        if type(self.identities) is not tuple or len(self.identities) > MAX_IDENTITIES:
            raise Malformed("$.identities", f"must be at most {MAX_IDENTITIES} identities")
        if (self.by is Teller.HOLDER) is not (self.account is not None):
            raise Malformed("$.account", "must be given when, and only when, its holder tells")
        for name in ("account", "customer"):
            if (known := getattr(self, name)) is not None:
                checked_id(known, f"$.{name}")

    def by_strength(self) -> tuple[ToldIdentity, ...]:
        """Give the identities strongest first; equals as they were told."""
        return tuple(sorted(self.identities, key=lambda told: STRENGTH[told.kind]))
