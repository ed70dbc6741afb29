"""Which use cases has this context, and which questions does it answer?"""

from collections.abc import Callable, Sequence

from attrs import frozen

from omnicore.kernel.flow import Given, find, flow, get, load, question, together, write
from omnicore.kernel.ids import AccountId, CustomerId, IdentityId, checked_id
from omnicore.kernel.personal import Personal
from omnicore.kernel.records import Stored
from omnicore.kernel.text import clean_text
from omnicore.kernel.time import Instant
from omnicore.parties import decide, recording
from omnicore.parties.commands import Seen, ToldIdentity
from omnicore.parties.errors import CustomerUnknown
from omnicore.parties.kinds import ACCOUNTS, CUSTOMERS, IDENTITIES, IDENTITY_VALUES, PROFILES
from omnicore.parties.model import MAX_LINE, NO_DETAILS, Account, Customer, Details, Identity
from omnicore.parties.recording import Known

_MANY = 1_000
"""Identities shown of one customer."""


@frozen(kw_only=True)
class OpenedAccount:
    """The account that was opened, and the customer it is for."""

    account: AccountId
    customer: CustomerId


@frozen(kw_only=True)
class Who:
    """Who a customer is: our book entry, what is known of them, and their identities with what they look like."""

    customer: Customer
    details: Details
    identities: tuple[Identity, ...]
    values: tuple[Personal[str], ...]
    """The typed form of each identity, in its place; empty where it is not known."""


async def load_known(seen: Sequence[Seen], *, at: Instant, blind: Callable[[str], str]) -> Known:
    """Load what recording these orders needs: at most three statements, and no profile that would not change."""
    identities, accounts = await together(
        load(IDENTITIES, [told.mark(blind) for one in seen for told in one.identities]),
        load(ACCOUNTS, [one.account for one in seen if one.account is not None]),
    )
    wanted = {customer for stored in identities.values() if (customer := stored.value.customer) is not None}
    wanted |= {stored.value.customer for stored in accounts.values()}
    wanted |= {one.customer for one in seen if one.customer is not None}
    customers = await load(CUSTOMERS, wanted)
    known = Known(identities=identities, accounts=accounts, customers=customers)
    changing = recording.profiles_to_read(seen, known=known, at=at, blind=blind)
    profiles = await load(PROFILES, changing)
    return Known(identities=identities, accounts=accounts, customers=customers, profiles=profiles)


@flow("parties.record_customers")
async def record_customers(given: Given, *, seen: tuple[Seen, ...]) -> tuple[CustomerId | None, ...]:
    """Create and update the customers that orders tell of, and give each order's; see ``recording``.

    Raises:
        AccountUnknown, CustomerUnknown, Malformed.
    """
    known = await load_known(seen, at=given.at, blind=given.blind)
    recorded = recording.record_customers(seen, known=known, at=given.at, new_id=given.new_id, blind=given.blind)
    await write(recorded.writes)
    return recorded.customers


@flow("parties.verify_identity")
async def verify_identity(
    given: Given, *, told: ToldIdentity, proof: str, account: AccountId | None = None
) -> IdentityId:
    """Take note that an identity was proven, by the challenge that ``proof`` names; the host has checked it.

    Raises:
        AccountUnknown, IdentityRevoked, IdentityTaken.
    """
    checked_id(proof, "$.proof")
    mark = told.mark(given.blind)
    identity = await get(IDENTITIES, mark)
    holder: Stored[Account] | None = None
    if account is not None:
        holder = decide.known_account(account, await get(ACCOUNTS, account))
    await write(decide.verify(told, proof=proof, identity=identity, account=holder, at=given.at, blind=given.blind))
    return mark


@flow("parties.open_account")
async def open_account(given: Given, *, told: ToldIdentity, proof: str) -> OpenedAccount:
    """Open an account with an identity that the challenge ``proof`` has verified.

    Raises:
        IdentityNotProven, IdentityTaken.
    """
    identity, customer = await _identity_and_customer(told.mark(given.blind))
    opened = decide.open_account(
        told, proof=proof, identity=identity, customer=customer, at=given.at, new_id=given.new_id
    )
    await write(opened.writes)
    return OpenedAccount(account=opened.account, customer=opened.customer)


@flow("parties.claim")
async def claim(given: Given, *, account: AccountId, told: ToldIdentity) -> CustomerId | None:
    """Link an account to the customer its holder has been as a guest; None where there is nothing to claim.

    Raises:
        IdentityNotProven: the identity is not a proven one of this account, known to us or not.
    """
    identity, customer = await _identity_and_customer(told.mark(given.blind))
    claimed = decide.claim(account=account, identity=identity, customer=customer, at=given.at)
    await write(claimed.writes)
    return claimed.customer


@flow("parties.revoke_identity")
async def revoke_identity(given: Given, *, told: ToldIdentity, reason: str) -> IdentityId:
    """Let an identity prove nothing any more; ``reason`` is a code such as ``lost``."""
    clean_text(reason, path="$.reason", limit=MAX_LINE)
    mark = told.mark(given.blind)
    identity = await get(IDENTITIES, mark)
    await write(decide.revoke(told, reason=reason, identity=identity, at=given.at, blind=given.blind))
    return mark


@question("parties.who_is", reveals=True)
async def who_is(given: Given, *, customer: CustomerId) -> Who:
    """Show who a customer is; personal, so it needs a purpose and leaves a trace.

    Raises:
        CustomerUnknown; PurposeMissing, as every reading of the vault.
    """
    if (found := await get(CUSTOMERS, customer)) is None:
        raise CustomerUnknown(customer=customer)
    profile = await get(PROFILES, customer)
    identities = tuple(
        stored.value for stored in (await find(IDENTITIES, "customer", equal=(customer,), limit=_MANY)).items
    )
    values = await load(IDENTITY_VALUES, [identity.id for identity in identities])
    return Who(
        customer=found.value,
        details=NO_DETAILS if profile is None else profile.value.details,
        identities=identities,
        values=tuple(values[each.id].value.value if each.id in values else Personal("") for each in identities),
    )


@question("parties.customers_of")
async def customers_of(given: Given, *, account: AccountId) -> tuple[CustomerId, ...]:
    """Name the customers whose orders an account may see: its own first, then those it has claimed.

    Raises:
        AccountUnknown.
    """
    own = decide.known_account(account, await get(ACCOUNTS, account)).value.customer
    linked = await find(CUSTOMERS, "account", equal=(account,), limit=_MANY)
    return (own, *(stored.value.id for stored in linked.items if stored.value.id != own))


async def _identity_and_customer(mark: IdentityId) -> tuple[Stored[Identity] | None, Stored[Customer] | None]:
    identity = await get(IDENTITIES, mark)
    if identity is None or identity.value.customer is None:
        return identity, None
    return identity, await get(CUSTOMERS, identity.value.customer)
