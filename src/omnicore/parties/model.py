"""Who is who: what is a customer, an account and an identity, and how are they linked?

Three masters, each with a key of its own that nothing changes: the customer is our book entry for somebody we traded
with, the account a right to use a service, the identity a proof of who is there. Links between them are dated and say
what they rest on; a link is ended, never deleted.

None of the three holds personal data. What is known of a person stands in the customer's ``Profile``, and what an
identity looks like in its ``IdentityValue``: both in the vault. The customer keeps a ``Detail`` for each thing that is
known: a keyed mark, when it was told and by whom. So an import sees that it has nothing new without reading anybody.
"""

from attrs import evolve, frozen

from omnicore.kernel.address import PostalAddress
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import AccountId, CustomerId, IdentityId, checked_id
from omnicore.kernel.personal import Personal
from omnicore.kernel.text import clean_text
from omnicore.kernel.time import Instant
from omnicore.parties.states import DetailField, Evidence, IdentityKind, IdentityState, LinkEnd, Teller

MAX_ADDRESSES = 20
"""Addresses kept of one customer: those told last."""
MAX_LINKS = 200
"""Links kept at one end, ended ones too."""
MAX_LINE = 200
"""Characters of a name, an e-mail address or a phone number."""
MAX_NOTE = 2_000

_NOTHING = Personal("")


@frozen(kw_only=True)
class Details:
    """What is known, or told, of a person, as typed; an empty part says nothing. Every part is personal.

    Raises:
        Malformed: control characters, a part that is too long, or more than 20 addresses.
    """

    name: Personal[str] = _NOTHING
    kana: Personal[str] = _NOTHING
    email: Personal[str] = _NOTHING
    phone: Personal[str] = _NOTHING
    note: Personal[str] = _NOTHING
    addresses: tuple[Personal[PostalAddress], ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse what could not be kept."""
        for part in ("name", "kana", "email", "phone", "note"):
            value: object = getattr(self, part)
            if type(value) is not Personal:
                raise Malformed(f"$.{part}", "must be marked as personal")
            note = part == "note"
            clean_text(value.reveal(), path=f"$.{part}", limit=MAX_NOTE if note else MAX_LINE, layout=note)
        if type(self.addresses) is not tuple or len(self.addresses) > MAX_ADDRESSES:
            raise Malformed("$.addresses", f"must be at most {MAX_ADDRESSES} addresses")
        for place, address in enumerate(self.addresses):
            if type(address) is not Personal or type(address.reveal()) is not PostalAddress:
                raise Malformed(f"$.addresses[{place}]", "must be an address marked as personal")

    def __bool__(self) -> bool:
        """Say whether anything is told."""
        return self != NO_DETAILS


NO_DETAILS = Details()


@frozen(kw_only=True)
class Detail:
    """That something is known of a customer: which field, its keyed mark, when it was told, by whom. Not what."""

    field: DetailField
    mark: str
    told_at: Instant
    by: Teller


@frozen(kw_only=True)
class Link:
    """A dated, evidenced relation to a customer or an account; ``basis`` names the order or challenge it rests on."""

    to: LinkEnd
    id: str
    since: Instant
    evidence: Evidence
    basis: str
    until: Instant | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a link that leads nowhere or runs backwards."""
        checked_id(self.id, "$.id")
        checked_id(self.basis, "$.basis")
        if self.until is not None and self.until < self.since:
            raise Malformed("$.until", "must not be before since")


@frozen(kw_only=True)
class Customer:
    """Our book entry for somebody we traded with, named or not; ``since`` is the earliest time we know of them.

    ``links`` lead to the accounts that may see this customer's orders.
    """

    id: CustomerId
    since: Instant
    details: tuple[Detail, ...] = ()
    links: tuple[Link, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse a customer without an id, or with more links than can be kept."""
        checked_id(self.id, "$.id")
        _check_links(self.links)

    @property
    def accounts(self) -> tuple[AccountId, ...]:
        """The accounts that may see this customer's orders now."""
        return tuple(AccountId(link.id) for link in self.links if link.until is None)

    @property
    def named(self) -> bool:
        """Whether anything is known of them; a marketplace's anonymised buyer is a customer without a name."""
        return bool(self.details)


@frozen(kw_only=True)
class Account:
    """A right to use the service, held by a person; its own customer is settled when it is opened and stays."""

    id: AccountId
    customer: CustomerId
    since: Instant

    def __attrs_post_init__(self) -> None:
        """Refuse an account without an id or without a customer."""
        checked_id(self.id, "$.id")
        checked_id(self.customer, "$.customer")


@frozen(kw_only=True)
class Identity:
    """A proof of who is there. ``id`` is the keyed mark of kind, realm and normal form: one value, one identity.

    ``realm`` says within what the value is unique: a channel, a card programme, an OIDC issuer. It is recognised from
    ``since`` until before ``until``. ``proof`` names the challenge that verified it last.
    """

    id: IdentityId
    kind: IdentityKind
    realm: str
    since: Instant
    until: Instant | None = None
    state: IdentityState = IdentityState.TOLD
    proof: str | None = None
    links: tuple[Link, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse an identity without an id, or with more links than can be kept."""
        checked_id(self.id, "$.id")
        clean_text(self.realm, path="$.realm", limit=MAX_LINE)
        _check_links(self.links)

    def usable(self, at: Instant) -> bool:
        """Say whether it recognises anybody at an instant: not revoked, and not past its time."""
        return self.state is not IdentityState.REVOKED and (self.until is None or at < self.until)

    @property
    def customer(self) -> CustomerId | None:
        """The customer it is linked to now."""
        return next((CustomerId(link.id) for link in self.links if _leads(link, LinkEnd.CUSTOMER)), None)

    @property
    def account(self) -> AccountId | None:
        """The account it opens now."""
        return next((AccountId(link.id) for link in self.links if _leads(link, LinkEnd.ACCOUNT)), None)

    def linked(self, link: Link) -> "Identity":
        """Give it with one more link."""
        return evolve(self, links=(*self.links, link))


@frozen(kw_only=True)
class Profile:
    """What is known of one customer, in the vault."""

    customer: CustomerId
    details: Details


@frozen(kw_only=True)
class IdentityValue:
    """What an identity looks like, as first typed, in the vault: mail goes to this form, never to the normal one."""

    identity: IdentityId
    customer: CustomerId
    value: Personal[str]


def linked_now(links: tuple[Link, ...], *, to: LinkEnd, id: str) -> bool:
    """Say whether one of the links leads there and has not ended."""
    return any(link.id == id and _leads(link, to) for link in links)


def _leads(link: Link, to: LinkEnd) -> bool:
    return link.to is to and link.until is None


def _check_links(links: tuple[Link, ...]) -> None:
    if type(links) is not tuple or len(links) > MAX_LINKS:
        raise Malformed("$.links", f"must be at most {MAX_LINKS} links")
