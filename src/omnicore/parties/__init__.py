"""Who is who: customers we trade with, accounts people hold, identities that prove who is there, and their links.

A customer is our book entry for somebody we traded with, an account is a right to use a service, an identity is a
proof. None of them is the other: orders make customers (``record_customers``), proofs make accounts
(``verify_identity``, ``open_account``), and an account sees a guest's orders by claiming them with a proof (``claim``).
Personal data is in the vault only.
"""

from omnicore.parties.commands import Seen, ToldIdentity
from omnicore.parties.errors import (
    AccountUnknown,
    CustomerUnknown,
    IdentityNotProven,
    IdentityRevoked,
    IdentityTaken,
)
from omnicore.parties.events import (
    AccountOpened,
    CustomerClaimed,
    CustomerRecorded,
    IdentityVerified,
    IdentityWasRevoked,
)
from omnicore.parties.flows import (
    OpenedAccount,
    Who,
    claim,
    customers_of,
    load_known,
    open_account,
    record_customers,
    revoke_identity,
    verify_identity,
    who_is,
)
from omnicore.parties.kinds import ACCOUNTS, CUSTOMERS, IDENTITIES, IDENTITY_VALUES, PROFILES
from omnicore.parties.model import (
    NO_DETAILS,
    Account,
    Customer,
    Detail,
    Details,
    Identity,
    IdentityValue,
    Link,
    Profile,
)
from omnicore.parties.recording import Known, Recorded
from omnicore.parties.recording import record_customers as decide_customers
from omnicore.parties.rules import normal_form
from omnicore.parties.states import (
    IDENTITY,
    DetailField,
    Evidence,
    IdentityKind,
    IdentityMove,
    IdentityState,
    LinkEnd,
    Teller,
)

__all__ = [
    "ACCOUNTS",
    "CUSTOMERS",
    "IDENTITIES",
    "IDENTITY",
    "IDENTITY_VALUES",
    "NO_DETAILS",
    "PROFILES",
    "Account",
    "AccountOpened",
    "AccountUnknown",
    "Customer",
    "CustomerClaimed",
    "CustomerRecorded",
    "CustomerUnknown",
    "Detail",
    "DetailField",
    "Details",
    "Evidence",
    "Identity",
    "IdentityKind",
    "IdentityMove",
    "IdentityNotProven",
    "IdentityRevoked",
    "IdentityState",
    "IdentityTaken",
    "IdentityValue",
    "IdentityVerified",
    "IdentityWasRevoked",
    "Known",
    "Link",
    "LinkEnd",
    "OpenedAccount",
    "Profile",
    "Recorded",
    "Seen",
    "Teller",
    "ToldIdentity",
    "Who",
    "claim",
    "customers_of",
    "decide_customers",
    "load_known",
    "normal_form",
    "open_account",
    "record_customers",
    "revoke_identity",
    "verify_identity",
    "who_is",
]
