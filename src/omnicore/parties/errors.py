"""What does this context say no to?"""

from omnicore.kernel.errors import Refused


class IdentityNotProven(Refused):
    """The identity has not been proven by whoever asks; the same answer whether it is known to us or not."""

    code = "parties.identity_not_proven"
    status = 403


class IdentityTaken(Refused):
    """The identity, proven as it is, opens another account already."""

    code = "parties.identity_taken"


class IdentityRevoked(Refused):
    """The identity was revoked (a lost card, a stolen address) and proves nothing any more."""

    code = "parties.identity_revoked"
    status = 403


class AccountUnknown(Refused):
    """There is no such account."""

    code = "parties.account_unknown"
    status = 404


class CustomerUnknown(Refused):
    """There is no such customer."""

    code = "parties.customer_unknown"
    status = 404
