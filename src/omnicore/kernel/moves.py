"""Which moves exist, and between which accounts?

An *account* is (unit, path): what is counted and where it stands, as ``sku:TEE-M`` at ``node/dc-tokyo/on-hand``.
A *move* takes a positive integer from one account to another, so per unit the sum over all accounts is zero
at every instant. Nothing here decides; ``books`` holds the one rule that says whether moves may be recorded.

Accounts whose path begins with ``world/``, ``issuer/`` or ``provider/`` are *open*: they have no balance row, no floor
and no hold, so no two commands meet there. All others are *guarded*: posted - held >= floor, in the database too.
"""

from enum import StrEnum

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import Instant

MAX_AMOUNT = 10**15
"""The largest amount of one move and of one balance; 9,000 of them still add up in a 64-bit column."""

OPEN_ROOTS = frozenset({"world", "issuer", "provider"})
_MAX_TEXT = 256


def _text(value: str, path: str) -> None:
    if type(value) is not str or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
        raise Malformed(path, f"must be 1 to {_MAX_TEXT} printable characters")


def _amount(value: int, path: str) -> None:
    if type(value) is not int or not 0 < value <= MAX_AMOUNT:
        raise Malformed(path, f"must be a whole number from 1 to {MAX_AMOUNT}")


def _floor(value: int) -> None:
    if type(value) is not int or abs(value) > MAX_AMOUNT:
        raise Malformed("$.floor", f"must be a whole number within {MAX_AMOUNT}")


def _end(expires: Instant | None) -> None:
    if expires is not None and type(expires) is not Instant:
        raise Malformed("$.expires", "must be an instant, or nothing")


@frozen(order=True, cache_hash=True)
class Account:
    """What is counted (``unit``, carrying its scale as ``sku:RICE@3``) and where it stands (``path``)."""

    unit: str
    path: str

    @property
    def guarded(self) -> bool:
        """Whether the account has a balance row and a floor."""
        return self.path.split("/", 1)[0] not in OPEN_ROOTS

    def __str__(self) -> str:
        """Give ``unit at path``."""
        return f"{self.unit} at {self.path}"


@frozen(kw_only=True)
class Post:
    """Move ``amount`` of ``unit`` from ``source`` to ``target`` now.

    A *promise* (``fact=False``) is guarded. A *fact* (a count, a receipt, a sale at a till) has happened and is
    recorded whatever it does to availability; where that leaves less than is held, the account is overcommitted.
    """

    id: str
    unit: str
    source: str
    target: str
    amount: int
    fact: bool = False

    def __attrs_post_init__(self) -> None:
        """Check texts and amount.

        Raises: Malformed.
        """
        _text(self.id, "$.id")
        _text(self.unit, "$.unit")
        _text(self.source, "$.source")
        _text(self.target, "$.target")
        _amount(self.amount, "$.amount")
        if self.source == self.target:
            raise Malformed("$.target", "must differ from the source")


@frozen(kw_only=True)
class Hold:
    """Promise ``amount`` against a guarded ``source``, for ``target``, until ``expires`` (None: until it is settled).

    ``floor`` raises the account's own floor for this promise alone: a channel's buffer.
    """

    id: str
    unit: str
    source: str
    target: str
    amount: int
    expires: Instant | None = None
    floor: int | None = None

    def __attrs_post_init__(self) -> None:
        """Check texts and amount.

        Raises: Malformed.
        """
        _text(self.id, "$.id")
        _text(self.unit, "$.unit")
        _text(self.source, "$.source")
        _text(self.target, "$.target")
        _amount(self.amount, "$.amount")
        if self.source == self.target:
            raise Malformed("$.target", "must differ from the source")
        if not Account(self.unit, self.source).guarded:
            raise Malformed("$.source", "an open account cannot be held")
        _end(self.expires)
        if self.floor is not None:
            _floor(self.floor)


class Rest(StrEnum):
    """What becomes of the part of a hold that a settle leaves: kept for the next parcel, or released (money)."""

    KEEP = "keep"
    RELEASE = "release"


@frozen(kw_only=True)
class Settle:
    """Turn ``amount`` of a hold into a posted move from its source to its target.

    Nothing leaves an account that is not there: posted >= amount, whatever the floor.
    A settle after expiry re-holds under the guard or fails.
    """

    id: str
    hold: str
    amount: int
    rest: Rest = Rest.KEEP

    def __attrs_post_init__(self) -> None:
        """Check texts and amount.

        Raises: Malformed.
        """
        _text(self.id, "$.id")
        _text(self.hold, "$.hold")
        _amount(self.amount, "$.amount")


@frozen(kw_only=True)
class Void:
    """Release what is left of a hold; on an expired hold there is nothing left to do."""

    hold: str

    def __attrs_post_init__(self) -> None:
        """Check the hold's name.

        Raises: Malformed.
        """
        _text(self.hold, "$.hold")


@frozen(kw_only=True)
class Extend:
    """Give an open hold another end; an expired hold cannot be extended."""

    hold: str
    expires: Instant | None

    def __attrs_post_init__(self) -> None:
        """Check the hold's name and its new end.

        Raises: Malformed.
        """
        _text(self.hold, "$.hold")
        _end(self.expires)


@frozen(kw_only=True)
class Floor:
    """Set the least that must stay free on a guarded account: above zero a buffer, below zero a capped backorder."""

    unit: str
    path: str
    floor: int

    def __attrs_post_init__(self) -> None:
        """Check texts and bounds.

        Raises: Malformed.
        """
        _text(self.unit, "$.unit")
        _text(self.path, "$.path")
        _floor(self.floor)
        if not Account(self.unit, self.path).guarded:
            raise Malformed("$.path", "an open account has no floor")


Move = Post | Hold | Settle | Void | Extend | Floor
