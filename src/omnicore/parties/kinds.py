"""How are customers, accounts and identities stored, and found again?"""

from typing import Final

from omnicore.kernel.records import Index, Kind
from omnicore.parties.model import Account, Customer, Identity, IdentityValue, Profile

CUSTOMERS: Final = Kind(
    name="parties.customer",
    type=Customer,
    key=lambda customer: customer.id,
    indexes=(
        Index("since", lambda customer: [(customer.since,)]),
        Index("account", lambda customer: [(account,) for account in customer.accounts]),
    ),
)

ACCOUNTS: Final = Kind(
    name="parties.account",
    type=Account,
    key=lambda account: account.id,
    indexes=(Index("customer", lambda account: [(account.customer,)]),),
)

IDENTITIES: Final = Kind(
    name="parties.identity",
    type=Identity,
    key=lambda identity: identity.id,
    indexes=(
        Index("customer", lambda identity: [(identity.customer,)] if identity.customer else []),
        Index("account", lambda identity: [(identity.account,)] if identity.account else []),
    ),
)

PROFILES: Final = Kind(
    name="parties.profile",
    type=Profile,
    key=lambda profile: profile.customer,
    subject=lambda profile: profile.customer,
)

IDENTITY_VALUES: Final = Kind(
    name="parties.identity_value",
    type=IdentityValue,
    key=lambda value: value.identity,
    subject=lambda value: value.customer,
)
