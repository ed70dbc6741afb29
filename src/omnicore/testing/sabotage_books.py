"""What if a database kept the books wrongly? Versions of ``MemoryStore`` with one mistake in deciding on moves each."""

from collections.abc import Sequence

from attrs import evolve

from omnicore.adapters.memory import MemoryStore
from omnicore.kernel.books import Books, Recorded, record
from omnicore.kernel.ledger import Balance, Held, HoldState, Move, Post, Settle
from omnicore.kernel.named_rows import named_accounts
from omnicore.kernel.time import Instant

_PLENTY = 10**12


class GuardForgotten(MemoryStore):
    """Grants every promise, whatever is on the shelf."""

    @staticmethod
    def decide(books: Books, moves: Sequence[Move], at: Instant) -> Recorded:
        """Record as if there were plenty."""
        rows = {row: books.balances.get(row) or Balance(account=row) for row in named_accounts(moves, books.holds)}
        rows |= books.balances
        plenty = {account: evolve(row, posted=row.posted + _PLENTY) for account, row in rows.items()}
        recorded = record(evolve(books, balances=plenty), moves, at)
        return evolve(
            recorded,
            balances=tuple(evolve(row, posted=row.posted - _PLENTY) for row in recorded.balances),
        )


class DoubleSettle(MemoryStore):
    """Settles a hold again that has been settled."""

    @staticmethod
    def decide(books: Books, moves: Sequence[Move], at: Instant) -> Recorded:
        """Record as if settled holds were open still."""
        reopened = {key: _reopened(held) for key, held in books.holds.items()}
        return record(evolve(books, holds=reopened), moves, at)


def _reopened(held: Held) -> Held:
    return evolve(held, state=HoldState.OPEN, left=held.settled) if held.state is HoldState.SETTLED else held


class NeverExpires(MemoryStore):
    """Counts holds past their end until somebody sweeps them."""

    @staticmethod
    def decide(books: Books, moves: Sequence[Move], at: Instant) -> Recorded:
        """Record as if holds had no end."""
        endless = {key: evolve(held, expires=None) for key, held in books.holds.items()}
        return record(evolve(books, holds=endless), moves, at)


class ExpiredTwice(MemoryStore):
    """Gives back twice what an expired hold had taken."""

    @staticmethod
    def decide(books: Books, moves: Sequence[Move], at: Instant) -> Recorded:
        """Record, then take expired holds off once more."""
        recorded = record(books, moves, at)
        ended = [held for held in recorded.holds if held.state is HoldState.EXPIRED and books.holds[held.id].left]
        again = {
            row.account: sum(held.expired for held in ended if held.account == row.account) for row in recorded.balances
        }
        balances = tuple(evolve(row, held=row.held - again[row.account]) for row in recorded.balances)
        return evolve(recorded, balances=balances)


class ClockBelieved(MemoryStore):
    """Believes a clock that steps back, so that what has expired comes to life again."""

    @staticmethod
    def decide(books: Books, moves: Sequence[Move], at: Instant) -> Recorded:
        """Record as if accounts had no last instant."""
        timeless = {account: evolve(row, at=None) for account, row in books.balances.items()}
        return record(evolve(books, balances=timeless), moves, at)


class FactGuarded(MemoryStore):
    """Refuses a fact as if it were a promise, so that a till cannot sell what lies before it."""

    @staticmethod
    def decide(books: Books, moves: Sequence[Move], at: Instant) -> Recorded:
        """Record every fact as a promise."""
        return record(books, [evolve(move, fact=False) if isinstance(move, Post) else move for move in moves], at)


class EntriesRepeated(MemoryStore):
    """Posts a move again whose id it has posted before."""

    @staticmethod
    def decide(books: Books, moves: Sequence[Move], at: Instant) -> Recorded:
        """Record under ids of its own making."""
        seen = len(books.balances) + sum(row.posted for row in books.balances.values())
        renamed = [evolve(move, id=f"{move.id}/{seen}") if isinstance(move, Post | Settle) else move for move in moves]
        return record(books, renamed, at)


class LateUnguarded(MemoryStore):
    """Settles an expired hold without asking whether the goods are still free."""

    @staticmethod
    def decide(books: Books, moves: Sequence[Move], at: Instant) -> Recorded:
        """Record as if late settles were facts."""
        late = {
            move.id: held
            for move in moves
            if isinstance(move, Settle)
            and (held := books.holds.get(move.hold)) is not None
            and (held.state is HoldState.EXPIRED or held.lapsed(at))
        }
        return record(books, [_as_fact(move, late.get(getattr(move, "id", ""))) for move in moves], at)


def _as_fact(move: Move, held: Held | None) -> Move:
    if held is None or not isinstance(move, Settle):
        return move
    return Post(id=move.id, unit=held.unit, source=held.source, target=held.target, amount=move.amount, fact=True)


DECISIONS: tuple[type[MemoryStore], ...] = (
    GuardForgotten,
    DoubleSettle,
    NeverExpires,
    ExpiredTwice,
    ClockBelieved,
    FactGuarded,
    EntriesRepeated,
    LateUnguarded,
)
