"""What will the ledger say once those before me in the group have written?

The rows a group has read, with its own moves recorded on them by the one rule of the ledger (``kernel.books``), so that
each of its commands decides from what those before it leave. Whatever cannot be told exactly raises ``Apart``: the
group is then written without the command, which begins the next one and reads what has come of it.

What a group writes is one batch, which the books judge by where it ends. So that this is what each of its commands was
judged by, a command whose place in the order matters to the batch comes apart as well: one that names a hold or an
account's floor which another has named, one whose facts leave an account short, or one that takes an account below
what an earlier promise asked to be left there.
"""

from collections.abc import Collection, Iterable, Sequence

from attrs import evolve

from omnicore.kernel.books import Books, Recorded, record
from omnicore.kernel.errors import Conflict, Malformed
from omnicore.kernel.ledger import (
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
    Settle,
    Void,
)
from omnicore.kernel.moves import MAX_AMOUNT
from omnicore.kernel.named_rows import named_accounts, named_entries, named_holds
from omnicore.kernel.time import Instant


class Apart(Exception):  # noqa: N818 - no error: the command belongs to the next group
    """What a command asks or writes cannot be told within this group."""


class Foreseen:
    """Ledger rows as they will stand; what is not here has to be read first (``missing``)."""

    def __init__(self, at: Instant) -> None:
        """Know nothing yet; ``at`` is the instant of the group."""
        self.at = at
        self.alone: bool = False
        """Whether nothing may join any more."""
        self.assumed: set[str] = set()
        """The holds that were taken for new ones, although nobody has looked for them."""
        self._balances: dict[Account, Balance] = {}
        self._holds: dict[str, Held | None] = {}
        self._made: list[tuple[Hold, Instant]] = []
        self._moved: dict[Account, int] = {}
        self._touched: set[Account] = set()
        self._asked: dict[Account, int] = {}
        self._settled: set[Account] = set()
        self._named: set[str | Account] = set()
        self._unsure: set[str | Account] = set()

    # What has been read

    def unread(self, accounts: Iterable[Account]) -> list[Account]:
        """Give the accounts of which nothing is known."""
        return [account for account in accounts if account not in self._balances]

    def unread_holds(self, ids: Iterable[str]) -> list[str]:
        """Give the holds of which nothing is known."""
        self._write_up()
        return [name for name in ids if name not in self._holds]

    def keep(self, balances: Iterable[Balance]) -> None:
        """Keep balances as they were read."""
        for balance in balances:
            self._balances.setdefault(balance.account, balance)

    def keep_holds(self, ids: Iterable[str], found: Iterable[Held]) -> None:
        """Keep holds as they were read, and which there are none of."""
        for held in found:
            self._holds.setdefault(held.id, held)
        for name in ids:
            self._holds.setdefault(name, None)

    # What is answered

    def balance(self, account: Account) -> Balance:
        """Give how an account will stand.

        Raises: Apart.
        """
        self._sure(account)
        balance = self._balances[account]
        moved = self._moved.get(account, 0)
        return evolve(balance, posted=balance.posted + moved) if moved else balance

    def held(self, name: str) -> Held | None:
        """Give how a hold will stand, where there is one.

        Raises: Apart.
        """
        self._sure(name)
        held = self._holds[name]
        return self._ended(held) if held is not None and held.account in self._touched else held

    def open_holds(self, account: Account, read: Sequence[Held]) -> tuple[Held, ...]:
        """Give the holds that will be open on an account, of which those in ``read`` were.

        Raises: Apart.
        """
        self._sure(account)
        if account not in self._touched:
            return tuple(read)
        self._write_up()
        rows = {held.id: held for held in read}
        rows.update((name, held) for name, held in self._holds.items() if held is not None and held.account == account)
        left = [held for held in map(self._ended, rows.values()) if held.state is HoldState.OPEN]
        return tuple(sorted(left, key=lambda held: (held.since, held.id)))

    def _write_up(self) -> None:
        """Make the rows of holds that were recorded at once."""
        for hold, at in self._made:
            self._holds[hold.id] = Held(
                id=hold.id,
                unit=hold.unit,
                source=hold.source,
                target=hold.target,
                amount=hold.amount,
                left=hold.amount,
                expires=hold.expires,
                floor=hold.floor,
                since=at,
            )
        self._made.clear()

    def _sure(self, about: str | Account) -> None:
        if about in self._unsure:
            raise Apart

    def _ended(self, held: Held) -> Held:
        """Give a hold as the books have it once they have looked at its account: over, where time has ended it."""
        known = self._balances.get(held.account)
        at = self.at if known is None or known.at is None else max(self.at, known.at)
        return _expired(held) if held.lapsed(at) else held

    # What is written

    def missing(self, moves: Sequence[Move]) -> tuple[list[str], list[Account]]:
        """Give the holds and the accounts that must be read before moves can be foreseen."""
        ended = [move.hold for move in moves if isinstance(move, Settle | Void | Extend)]
        return self.unread_holds(ended), self.unread(self._accounts(moves))

    def _accounts(self, moves: Sequence[Move]) -> list[Account]:
        known = {name: held for name in named_holds(moves) if (held := self._holds.get(name)) is not None}
        return named_accounts(moves, known)

    def foresee(self, moves: Sequence[Move], minted: Collection[str], *, first: bool) -> None:
        """Record a command's moves.

        An id that was made for the command (``minted``), or that begins with such a one, is new to the books.

        Raises: Apart.
        """
        names: set[str | Account] = {*named_holds(moves), *named_entries(moves)}
        names |= {Account(move.unit, move.path) for move in moves if isinstance(move, Floor)}
        accounts = self._accounts(moves)
        if not names.isdisjoint(self._named) or not self._unsure.isdisjoint(accounts):
            raise Apart
        books = self._books(moves, accounts)
        try:
            recorded = record(books, moves, self.at)
        except (Conflict, Malformed):  # alone it tells what is wrong with it
            raise Apart from None
        unsure = self._repeatable(recorded.entries, minted)
        takes = any(entry.fact and Account(entry.unit, entry.source).guarded for entry in recorded.entries)
        short = bool(recorded.overcommitted or (unsure and takes))  # the books may have an event of their own to tell
        if short and not first:
            raise Apart
        asked, settled = _asked(moves, books), self._settled_by(recorded.entries)
        self._judge(recorded, asked, settled)
        self.alone = short or any(held.lapsed(recorded.at) for held in recorded.holds)
        made = [move.id for move in moves if isinstance(move, Hold)]
        self.assumed.update(name for name in self.unread_holds(made) if not _new(name, minted))
        self._named |= names
        self._unsure |= unsure
        self._settled |= settled
        for account, floor in asked.items():
            self._asked[account] = max(floor, self._asked.get(account, floor))
        self._store(recorded)
        self._look_at(accounts, books, recorded.at)

    def foresee_hold(self, moves: Sequence[Move], minted: Collection[str]) -> bool:
        """Record one new hold as the books would, but at once, because a sale is made of them; False for all else.

        Raises: Apart.
        """
        if len(moves) != 1 or type(hold := moves[0]) is not Hold:
            return False
        name, account = hold.id, Account(hold.unit, hold.source)
        balance = self._balances.get(account)
        if balance is None or self._holds.get(name) is not None or name in self._named or account in self._unsure:
            return False
        at = self.at if balance.at is None or balance.at.micros <= self.at.micros else balance.at
        held, asked = balance.held - balance.lapsed + hold.amount, -MAX_AMOUNT if hold.floor is None else hold.floor
        asked = max(asked, self._asked.get(account, -MAX_AMOUNT))
        if (hold.expires is not None and hold.expires.micros <= at.micros) or held > MAX_AMOUNT:
            return False
        if balance.posted - held < max(balance.floor, asked) or (balance.posted < 0 and account in self._settled):
            raise Apart
        if name not in self._holds and not _new(name, minted):
            self.assumed.add(name)
        self._named.add(name)
        self._asked[account] = asked
        self._balances[account] = Balance(account=account, posted=balance.posted, held=held, floor=balance.floor, at=at)
        self._touched.add(account)
        self._made.append((hold, at))
        return True

    def _look_at(self, accounts: Sequence[Account], books: Books, at: Instant) -> None:
        """End what has lapsed where moves name an account and change nothing: the books look at it all the same."""
        for account in accounts:
            if self._balances[account].lapsed:
                row = books.balances[account]
                short = row.posted - row.held - row.floor < 0
                self._balances[account] = evolve(row, overcommitted=short, at=at)
                self._touched.add(account)

    def _books(self, moves: Sequence[Move], accounts: Sequence[Account]) -> Books:
        """Give the rows, with what has lapsed taken off already, because not every lapsed hold has been read."""
        balances: dict[Account, Balance] = {}
        for account in accounts:
            balance = self._balances[account]
            balances[account] = evolve(balance, held=balance.held - balance.lapsed, lapsed=0)
        holds = {name: self._ended(held) for name in named_holds(moves) if (held := self._holds.get(name)) is not None}
        return Books(balances=balances, holds=holds, entries={})

    def _repeatable(self, entries: Iterable[Entry], minted: Collection[str]) -> set[str | Account]:
        """Give what nobody can be sure of: the books may know an entry that the command did not make an id for."""
        unsure: set[str | Account] = set()
        for entry in entries:
            if not _new(entry.id, minted):
                unsure |= {entry.id, Account(entry.unit, entry.source), Account(entry.unit, entry.target)}
                unsure |= {entry.hold} if entry.hold is not None else set()
        return unsure

    def _settled_by(self, entries: Iterable[Entry]) -> set[Account]:
        return {Account(entry.unit, entry.source) for entry in entries if entry.hold is not None}

    def _judge(self, recorded: Recorded, asked: dict[Account, int], settled: set[Account]) -> None:
        """Judge by where the whole group ends, as the books will."""
        for row in recorded.balances:
            account = row.account
            if account in asked or account in self._asked:
                least = max(row.floor, asked.get(account, -MAX_AMOUNT), self._asked.get(account, -MAX_AMOUNT))
                if row.posted - row.held < least:
                    raise Apart
            if row.posted < 0 and (account in settled or account in self._settled):
                raise Apart

    def _store(self, recorded: Recorded) -> None:
        for row in recorded.balances:
            self._balances[row.account] = row
            self._touched.add(row.account)
        self._holds.update((held.id, held) for held in recorded.holds)
        for entry in recorded.entries:
            for path, amount in ((entry.source, -entry.amount), (entry.target, entry.amount)):
                if not (account := Account(entry.unit, path)).guarded:
                    self._moved[account] = self._moved.get(account, 0) + amount


def _new(name: str, minted: Collection[str]) -> bool:
    return name.partition("/")[0] in minted


def _expired(held: Held) -> Held:
    return evolve(held, left=0, expired=held.expired + held.left, state=HoldState.EXPIRED)


def _asked(moves: Iterable[Move], books: Books) -> dict[Account, int]:
    """Give the accounts that promises take from, and the most that one of them asks to be left there."""
    asked: dict[Account, int] = {}

    def ask(account: Account, floor: int | None) -> None:
        asked[account] = max(asked.get(account, -MAX_AMOUNT), -MAX_AMOUNT if floor is None else floor)

    for move in moves:
        match move:
            case Hold():
                ask(Account(move.unit, move.source), move.floor)
            case Post(fact=False) if (source := Account(move.unit, move.source)).guarded:
                ask(source, None)
            case Settle() if (held := books.holds.get(move.hold)) is not None and held.state is HoldState.EXPIRED:
                ask(held.account, held.floor)
            case _:
                pass
    return asked
