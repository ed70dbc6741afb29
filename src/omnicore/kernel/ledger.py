"""How does each account stand, and what has been promised and moved?

The rows that moves leave behind: a balance for each guarded account, a row for each hold and one for each posted move,
and how a flow reads them. The moves themselves are in ``moves`` and can be had from here too.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

from attrs import frozen

from omnicore.kernel.moves import MAX_AMOUNT, Account, Extend, Floor, Hold, Move, Post, Rest, Settle, Void
from omnicore.kernel.time import Instant

__all__ = [
    "MAX_AMOUNT",
    "Account",
    "Balance",
    "Entry",
    "Extend",
    "Floor",
    "Held",
    "Hold",
    "HoldState",
    "Ledger",
    "Move",
    "Post",
    "Rest",
    "Settle",
    "Void",
]


@frozen(kw_only=True)
class Balance:
    """How an account stands: ``posted`` is there, ``held`` is promised, of which ``lapsed`` has expired by time alone.

    ``at`` is the instant of the account's last write; time never goes back behind it.
    """

    account: Account
    posted: int = 0
    held: int = 0
    lapsed: int = 0
    floor: int = 0
    overcommitted: bool = False
    at: Instant | None = None

    @property
    def available(self) -> int:
        """What may still be promised; negative when facts have overcommitted the account."""
        return self.posted - self.held + self.lapsed - self.floor


class HoldState(StrEnum):
    """How a hold stands; every state but OPEN is final, but for a late settle of an expired hold."""

    OPEN = "open"
    SETTLED = "settled"
    VOIDED = "voided"
    EXPIRED = "expired"


@frozen(kw_only=True)
class Held:
    """A hold as the books have it. Law: settled + released + expired + left == amount, each part >= 0."""

    id: str
    unit: str
    source: str
    target: str
    amount: int
    left: int
    settled: int = 0
    released: int = 0
    expired: int = 0
    expires: Instant | None = None
    floor: int | None = None
    since: Instant
    state: HoldState = HoldState.OPEN

    @property
    def account(self) -> Account:
        """The account the hold counts against."""
        return Account(self.unit, self.source)

    def live(self, at: Instant) -> bool:
        """Whether the hold still counts at an instant: open and not past its end."""
        return self.state is HoldState.OPEN and not self.lapsed(at)

    def lapsed(self, at: Instant) -> bool:
        """Whether time has ended the hold, noticed or not."""
        return self.state is HoldState.OPEN and self.expires is not None and self.expires <= at


@frozen(kw_only=True)
class Entry:
    """The trace of a move: one row, naming both ends, so that no entry can be one-sided."""

    id: str
    unit: str
    source: str
    target: str
    amount: int
    at: Instant
    fact: bool = False
    hold: str | None = None
    position: int | None = None


class Ledger(Protocol):
    """Reads of everything counted; bulk first, in one snapshot or transaction with the other reads of a flow."""

    def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Give a balance for every account asked; an unknown account stands at zero.

        An open account's balance is the sum of its entries. ``lapsed`` is judged at ``max(at, balance.at)``.
        """
        ...

    def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Give the holds that exist among ``ids``, as the books have them (expiry may be unnoticed: ask ``lapsed``)."""
        ...

    def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Give each account's open holds in promise order: (since, id)."""
        ...

    def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Give the numbered entries that touch an account, by position, from behind ``after``."""
        ...
