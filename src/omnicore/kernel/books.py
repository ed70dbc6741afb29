"""May these moves be recorded, and what do the books say afterwards?

The one rule of the ledger, as a pure function over the rows a write touches. Every adapter loads those rows under its
own lock, calls ``record`` and stores what comes back, so "never oversell", "never refund more than captured" and
"never use a coupon 101 times" live here and nowhere else.

Theory of operation. A batch is atomic, so only its end state counts and the order of its moves does not matter.

1. The batch's instant is ``max(clock, last instant of every account it touches)``: a clock that steps back cannot
   revive what has expired.
2. Holds past their end on the accounts touched are ended first; that is why no sweeper is needed.
3. Every move changes posted and held; a move whose id the books know is skipped, so the same id twice is once.
4. Guarded accounts are checked: posted - held >= floor, for every account from which a *promise* took something.
   A fact always lands; where it leaves too little, the account is marked overcommitted instead.

A guard that fails is a race, because flows decide from balances they have read: it raises ``Conflict``.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

from attrs import define, evolve, frozen

from omnicore.kernel.errors import Conflict, Malformed
from omnicore.kernel.ledger import (
    MAX_AMOUNT,
    Account,
    Balance,
    Entry,
    Extend,
    Floor,
    Held,
    Hold,
    HoldState,
    Move,
    Post,
    Rest,
    Settle,
    Void,
)
from omnicore.kernel.named_rows import ordered_moves
from omnicore.kernel.time import Instant


@frozen(kw_only=True)
class Books:
    """The rows a batch touches, as they stand under the adapter's lock.

    ``balances`` holds the guarded accounts that have a row; ``holds`` those named by a move and those lapsed on the
    accounts touched; ``entries`` those whose id a move repeats.
    """

    balances: Mapping[Account, Balance]
    holds: Mapping[str, Held]
    entries: Mapping[str, Entry]


@frozen(kw_only=True)
class Recorded:
    """The rows to store: changed balances and holds, new entries, and the accounts that facts left short."""

    at: Instant
    balances: tuple[Balance, ...]
    holds: tuple[Held, ...]
    entries: tuple[Entry, ...]
    overcommitted: tuple[Account, ...]


def record(books: Books, moves: Sequence[Move], at: Instant) -> Recorded:
    """Record moves on the books.

    Raises:
        Conflict: a guard fails, or a hold has ended otherwise than the flow believed.
        Malformed: an id is reused for another move, or a balance leaves its bounds.

    Law: per unit, the sum of posted over all accounts does not change.
    Law: a batch in any order gives the same books or the same refusal.
    """
    at = max([at, *(row.at for row in books.balances.values() if row.at is not None)])
    page = _Page(books, at)
    for held in books.holds.values():
        if held.lapsed(at):
            page.expire(held)
    # Holds first and floors before both: a settle may follow a hold of the same batch, whatever the order given.
    for move in ordered_moves(moves):
        page.apply(move)
    return page.close()


@define
class _Row:
    """One guarded account while a batch is recorded."""

    posted: int
    held: int
    floor: int
    free_before: int
    asked: int = -MAX_AMOUNT
    promised: int = 0
    settled: int = 0

    @property
    def free(self) -> int:
        """What is neither promised nor kept back."""
        return self.posted - self.held - self.floor


class _Page:
    """The working copy of one batch."""

    def __init__(self, books: Books, at: Instant) -> None:
        self.books = books
        self.at = at
        self.rows: dict[Account, _Row] = {}
        self.holds: dict[str, Held] = {}
        self.entries: dict[str, Entry] = {}

    def row(self, account: Account) -> _Row:
        if (row := self.rows.get(account)) is None:
            known = self.books.balances.get(account) or Balance(account=account)
            free = known.posted - known.held - known.floor
            row = self.rows[account] = _Row(known.posted, known.held, known.floor, free)
        return row

    def held(self, hold_id: str) -> Held:
        found = self.holds.get(hold_id) or self.books.holds.get(hold_id)
        if found is None:
            raise Conflict(f"hold {hold_id}")
        return found

    def expire(self, held: Held) -> None:
        self.row(held.account).held -= held.left
        self.holds[held.id] = evolve(held, left=0, expired=held.expired + held.left, state=HoldState.EXPIRED)

    def apply(self, move: Move) -> None:
        match move:
            case Post():
                self.post(move)
            case Hold():
                self.hold(move)
            case Settle():
                self.settle(move)
            case Void():
                self.void(move)
            case Extend():
                held = self.held(move.hold)
                if held.state is not HoldState.OPEN:
                    raise Conflict(f"hold {held.id}")
                self.row(held.account)
                self.holds[held.id] = evolve(held, expires=move.expires)
            case Floor():
                row = self.row(Account(move.unit, move.path))
                row.floor = move.floor
            case _:
                assert_never(move)

    def post(self, move: Post) -> None:
        entry = Entry(
            id=move.id,
            unit=move.unit,
            source=move.source,
            target=move.target,
            amount=move.amount,
            at=self.at,
            fact=move.fact,
        )
        if self.carry(entry) and not move.fact and (source := Account(move.unit, move.source)).guarded:
            self.row(source).promised += move.amount

    def carry(self, entry: Entry) -> bool:
        """Post an entry unless the books have it; whether it is new."""
        if (known := self.entries.get(entry.id) or self.books.entries.get(entry.id)) is not None:
            if evolve(known, at=entry.at, position=None) != entry:
                raise Malformed("$.moves", "an id is used for two different moves")
            return False
        self.entries[entry.id] = entry
        for path, amount in ((entry.source, -entry.amount), (entry.target, entry.amount)):
            if (account := Account(entry.unit, path)).guarded:
                self.row(account).posted += amount
        return True

    def hold(self, move: Hold) -> None:
        if (known := self.holds.get(move.id) or self.books.holds.get(move.id)) is not None:
            if (known.unit, known.source, known.target, known.amount) != (
                move.unit,
                move.source,
                move.target,
                move.amount,
            ):
                raise Malformed("$.moves", "an id is used for two different holds")
            return
        row = self.row(Account(move.unit, move.source))
        row.held += move.amount
        row.promised += move.amount
        if move.floor is not None:
            row.asked = max(row.asked, move.floor)
        self.holds[move.id] = Held(
            id=move.id,
            unit=move.unit,
            source=move.source,
            target=move.target,
            amount=move.amount,
            left=move.amount,
            expires=move.expires,
            floor=move.floor,
            since=self.at,
        )

    def settle(self, move: Settle) -> None:
        held = self.held(move.hold)
        entry = Entry(
            id=move.id,
            unit=held.unit,
            source=held.source,
            target=held.target,
            amount=move.amount,
            at=self.at,
            hold=held.id,
        )
        row = self.row(held.account)
        if not self.carry(entry):
            return
        row.settled += move.amount
        if held.state is HoldState.EXPIRED and move.amount <= held.expired:
            # Late, but the goods may still be there: the guard decides as for a new hold, and nothing stays held.
            row.promised += move.amount
            if held.floor is not None:
                row.asked = max(row.asked, held.floor)
            self.holds[held.id] = evolve(held, expired=held.expired - move.amount, settled=held.settled + move.amount)
            return
        if held.state is not HoldState.OPEN or move.amount > held.left:
            raise Conflict(f"hold {held.id}")
        left = held.left - move.amount
        released = left if move.rest is Rest.RELEASE else 0
        row.held -= move.amount + released
        self.holds[held.id] = evolve(
            held,
            left=left - released,
            settled=held.settled + move.amount,
            released=held.released + released,
            state=HoldState.OPEN if left - released else HoldState.SETTLED,
        )

    def void(self, move: Void) -> None:
        held = self.held(move.hold)
        if held.state is HoldState.EXPIRED:
            return
        if held.state is not HoldState.OPEN:
            raise Conflict(f"hold {held.id}")
        self.row(held.account).held -= held.left
        self.holds[held.id] = evolve(held, left=0, released=held.released + held.left, state=HoldState.VOIDED)

    def close(self) -> Recorded:
        balances: list[Balance] = []
        short: list[Account] = []
        for account in sorted(self.rows):
            row = self.rows[account]
            if abs(row.posted) > MAX_AMOUNT or row.held > MAX_AMOUNT:
                raise Malformed("$.moves", f"a balance would leave its bounds of {MAX_AMOUNT}")
            overdrawn = row.promised and row.posted - row.held < max(row.floor, row.asked)
            if overdrawn or (row.settled and row.posted < 0):
                raise Conflict(str(account))
            if row.free < min(0, row.free_before):
                short.append(account)
            balances.append(
                Balance(
                    account=account,
                    posted=row.posted,
                    held=row.held,
                    floor=row.floor,
                    overcommitted=row.free < 0,
                    at=self.at,
                )
            )
        return Recorded(
            at=self.at,
            balances=tuple(balances),
            holds=tuple(self.holds[key] for key in sorted(self.holds)),
            entries=tuple(self.entries[key] for key in sorted(self.entries)),
            overcommitted=tuple(short),
        )
