"""Who may open an account, and which orders are theirs?

Whoever asks must have proven an identity first: the host sets the challenge (a code by mail, a login at LINE, a card
read at the till) and names it in ``proof``. An account sees the orders of its own customer, and of every customer it
claims through an identity of its own that it has proven. A claim that is not proven gets the same answer whether there
is something to claim or not.
"""

from collections.abc import Callable

from attrs import evolve, frozen

from omnicore.kernel.ids import AccountId, CustomerId, IdentityId, NewId
from omnicore.kernel.records import Change, Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.parties.commands import ToldIdentity
from omnicore.parties.errors import AccountUnknown, IdentityNotProven, IdentityRevoked, IdentityTaken
from omnicore.parties.events import AccountOpened, CustomerClaimed, IdentityVerified, IdentityWasRevoked
from omnicore.parties.kinds import ACCOUNTS, CUSTOMERS, IDENTITIES, IDENTITY_VALUES
from omnicore.parties.model import Account, Customer, Identity, IdentityValue, Link, linked_now
from omnicore.parties.states import IDENTITY, Evidence, IdentityMove, IdentityState, LinkEnd

Blind = Callable[[str], str]


@frozen(kw_only=True)
class Opened:
    """An account was opened, for this customer."""

    account: AccountId
    customer: CustomerId
    writes: Writes


@frozen(kw_only=True)
class Claimed:
    """The customer whose orders the account may see now, None where there was nothing to claim."""

    customer: CustomerId | None
    writes: Writes


def verify(
    told: ToldIdentity,
    *,
    proof: str,
    identity: Stored[Identity] | None,
    account: Stored[Account] | None,
    at: Instant,
    blind: Blind,
) -> Writes:
    """Take note that an identity was proven by the challenge ``proof``, and let it open ``account`` if one is given.

    An identity without a customer then leads to the account's own, so that a till knows the holder by the card.
    The same again writes nothing.

    Raises:
        IdentityRevoked: it proves nothing any more.
        IdentityTaken: it opens another account.
    """
    before = _identity(told, identity, at=at, blind=blind)
    if before.state is IdentityState.REVOKED:
        raise IdentityRevoked(identity=before.id)
    if account is not None and before.account not in {None, account.value.id}:
        raise IdentityTaken(identity=before.id)
    after = evolve(before, state=IDENTITY.move(before.state, IdentityMove.VERIFY), proof=proof, until=told.until)
    changes: list[Change] = []
    if account is not None:
        after, changes = _with_account(told, after, account=account.value, proof=proof, at=at)
    if after == before:
        return Writes()
    happened = IdentityVerified(identity=after.id, kind=after.kind, proof=proof, account=after.account)
    return Writes(changes=(_put(identity, after), *changes), events=(happened,))


def open_account(
    told: ToldIdentity,
    *,
    proof: str,
    identity: Stored[Identity] | None,
    customer: Stored[Customer] | None,
    at: Instant,
    new_id: NewId,
) -> Opened:
    """Open an account with an identity that was proven by the challenge ``proof``.

    ``customer`` is the one the identity leads to. If no account is linked to it, it becomes the account's own: the
    guest of yesterday is the holder of today. Otherwise the account begins with a new customer.

    Raises:
        IdentityNotProven: never verified, or by another challenge than the one named.
        IdentityTaken: it opens another account.
    """
    if identity is None or identity.value.state is not IdentityState.VERIFIED or identity.value.proof != proof:
        raise IdentityNotProven
    if identity.value.account is not None:
        raise IdentityTaken(identity=identity.value.id)
    account_id = AccountId(new_id())
    link = Link(to=LinkEnd.ACCOUNT, id=account_id, since=at, evidence=Evidence.CHALLENGE, basis=proof)
    if customer is None or customer.value.accounts:
        own = Customer(id=CustomerId(new_id()), since=at, links=(link,))
        change: Change = CUSTOMERS.put(own)
    else:
        own = evolve(customer.value, links=(*customer.value.links, link))
        change = customer.put(own)
    account = Account(id=account_id, customer=own.id, since=at)
    after, changes = _with_account(told, identity.value, account=account, proof=proof, at=at)
    happened = AccountOpened(account=account.id, customer=own.id, identity=after.id)
    writes = Writes(changes=(ACCOUNTS.put(account), change, identity.put(after), *changes), events=(happened,))
    return Opened(account=account.id, customer=own.id, writes=writes)


def claim(
    *,
    account: AccountId,
    identity: Stored[Identity] | None,
    customer: Stored[Customer] | None,
    at: Instant,
) -> Claimed:
    """Link an account to the customer its holder has been as a guest, and so to that guest's orders.

    ``customer`` is the one the identity leads to. Claiming again changes nothing; a customer that another account is
    linked to is not there to be claimed.

    Raises:
        IdentityNotProven: not verified, or not this account's; known to us or not.
    """
    if identity is None or identity.value.state is not IdentityState.VERIFIED or identity.value.account != account:
        raise IdentityNotProven
    if customer is None:
        return Claimed(customer=None, writes=Writes())
    found = customer.value
    if linked_now(found.links, to=LinkEnd.ACCOUNT, id=account):
        return Claimed(customer=found.id, writes=Writes())
    if found.accounts:
        return Claimed(customer=None, writes=Writes())
    link = Link(to=LinkEnd.ACCOUNT, id=account, since=at, evidence=Evidence.CLAIM, basis=identity.value.id)
    happened = CustomerClaimed(account=account, customer=found.id, identity=identity.value.id)
    change = customer.put(evolve(found, links=(*found.links, link)))
    return Claimed(customer=found.id, writes=Writes(changes=(change,), events=(happened,)))


def revoke(told: ToldIdentity, *, reason: str, identity: Stored[Identity] | None, at: Instant, blind: Blind) -> Writes:
    """Let an identity prove nothing any more: a lost card, a stolen address. It ends the link to its account.

    Revoking again changes nothing. The link to its customer stays, because it says whose the past orders are.
    """
    before = _identity(told, identity, at=at, blind=blind)
    if before.state is IdentityState.REVOKED:
        return Writes()
    links = tuple(evolve(link, until=at) if _opens(link) else link for link in before.links)
    after = evolve(before, state=IDENTITY.move(before.state, IdentityMove.REVOKE), links=links)
    happened = IdentityWasRevoked(identity=after.id, kind=after.kind, reason=reason)
    return Writes(changes=(_put(identity, after),), events=(happened,))


def known_account(account: AccountId, stored: Stored[Account] | None) -> Stored[Account]:
    """Give the account.

    Raises:
        AccountUnknown: there is none.
    """
    if stored is None:
        raise AccountUnknown(account=account)
    return stored


def _identity(told: ToldIdentity, stored: Stored[Identity] | None, *, at: Instant, blind: Blind) -> Identity:
    if stored is not None:
        return stored.value
    mark: IdentityId = told.mark(blind)
    return Identity(id=mark, kind=told.kind, realm=told.realm, since=at, until=told.until)


def _put(stored: Stored[Identity] | None, identity: Identity) -> Change:
    return IDENTITIES.put(identity) if stored is None else stored.put(identity)


def _with_account(
    told: ToldIdentity, identity: Identity, *, account: Account, proof: str, at: Instant
) -> tuple[Identity, list[Change]]:
    """Link an identity to its account and, if it leads to no customer yet, to the account's own."""
    changes: list[Change] = []
    if identity.customer is None:
        # The vault holds what was typed from the first customer on.
        if all(link.to is not LinkEnd.CUSTOMER for link in identity.links):
            value = IdentityValue(identity=identity.id, customer=account.customer, value=told.value)
            changes.append(IDENTITY_VALUES.put(value))
        identity = identity.linked(
            Link(to=LinkEnd.CUSTOMER, id=account.customer, since=at, evidence=Evidence.CHALLENGE, basis=proof)
        )
    if identity.account is None:
        identity = identity.linked(
            Link(to=LinkEnd.ACCOUNT, id=account.id, since=at, evidence=Evidence.CHALLENGE, basis=proof)
        )
    return identity, changes


def _opens(link: Link) -> bool:
    return link.to is LinkEnd.ACCOUNT and link.until is None
