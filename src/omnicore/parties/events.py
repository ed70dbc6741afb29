"""What has happened to customers, accounts and identities?"""

from attrs import frozen

from omnicore.kernel.ids import AccountId, CustomerId, IdentityId
from omnicore.kernel.journal import event
from omnicore.parties.states import DetailField, IdentityKind


@event("parties.customer_recorded.v1")
@frozen(kw_only=True)
class CustomerRecorded:
    """A customer was met for the first time (``new``), or something was learnt of one; never what."""

    customer: CustomerId
    new: bool
    learnt: tuple[DetailField, ...]

    @property
    def about(self) -> str:
        """The customer."""
        return self.customer


@event("parties.identity_verified.v1")
@frozen(kw_only=True)
class IdentityVerified:
    """An identity was proven, by the challenge named ``proof``; ``account`` is the one it now opens, if any."""

    identity: IdentityId
    kind: IdentityKind
    proof: str
    account: AccountId | None

    @property
    def about(self) -> str:
        """The identity."""
        return self.identity


@event("parties.identity_revoked.v1")
@frozen(kw_only=True)
class IdentityWasRevoked:
    """An identity proves nothing any more."""

    identity: IdentityId
    kind: IdentityKind
    reason: str

    @property
    def about(self) -> str:
        """The identity."""
        return self.identity


@event("parties.account_opened.v1")
@frozen(kw_only=True)
class AccountOpened:
    """An account was opened with a proven identity, for this customer of ours."""

    account: AccountId
    customer: CustomerId
    identity: IdentityId

    @property
    def about(self) -> str:
        """The account."""
        return self.account


@event("parties.customer_claimed.v1")
@frozen(kw_only=True)
class CustomerClaimed:
    """An account was linked to a customer it had been a guest as, through a proven identity."""

    account: AccountId
    customer: CustomerId
    identity: IdentityId

    @property
    def about(self) -> str:
        """The account."""
        return self.account
