"""Do the books say what the slow way says, over ten thousand commands, on every database?"""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from omnicore.adapters import sqlite
from omnicore.adapters.memory import Memory
from omnicore.kernel.books import Books, record
from omnicore.kernel.errors import Conflict, Malformed
from omnicore.kernel.ledger import Account, Balance, Entry, Held, HoldState, Move
from omnicore.kernel.named_rows import named_accounts, named_entries, named_holds
from omnicore.kernel.store import Database
from omnicore.testing.books_figure import compared, parts
from omnicore.testing.naive_books import Naive
from omnicore.testing.strategies.ledger import BEGIN, GUARDED, OPEN, UNITS, batches


@pytest.mark.parametrize(
    ("make", "share"), [(Memory, 1), (lambda: sqlite.open(":memory:"), 20)], ids=["memory", "sqlite"]
)
@pytest.mark.parametrize("seed", [1, None])
def test_the_books_are_those_of_the_slow_way(
    make: Callable[[], Database], share: int, seed: int | None, fresh_seed: int, *, deep: bool
) -> None:
    """After any commands, what is there, promised, free and ended is what counting it unit by unit gives."""
    database = make()
    commands = (100_000 if deep else 10_000) // share
    taken = compared(database, seed or fresh_seed, commands=commands).taken
    database.close()
    assert commands / 8 < taken < commands


class BooksBesideModel(RuleBasedStateMachine):
    """The rule of the books alone, beside the model; a failure is shrunk to a short program."""

    def __init__(self) -> None:
        super().__init__()
        self.at = BEGIN
        self.balances: dict[Account, Balance] = {}
        self.holds: dict[str, Held] = {}
        self.entries: dict[str, Entry] = {}
        self.naive = Naive()

    @rule(seconds=st.integers(-10, 60))
    def wait(self, seconds: int) -> None:
        self.at = self.at.plus(seconds=seconds)

    @rule(moves=batches(most=4))
    def write(self, moves: tuple[Move, ...]) -> None:
        named = {name: self.holds[name] for name in named_holds(moves) if name in self.holds}
        accounts = named_accounts(moves, named)
        at = max([self.at, *(row.at for key in accounts if (row := self.balances.get(key)) and row.at)])
        lapsed = {held.id: held for held in self.holds.values() if held.account in accounts and held.lapsed(at)}
        books = Books(
            balances={account: self.balances[account] for account in accounts if account in self.balances},
            holds=named | lapsed,
            entries={name: self.entries[name] for name in named_entries(moves) if name in self.entries},
        )
        try:
            recorded = record(books, moves, self.at)
        except (Conflict, Malformed):
            assert self.naive.apply(moves, self.at) == "refused"
            return
        assert self.naive.apply(moves, self.at) == "done"
        self.balances |= {row.account: row for row in recorded.balances}
        self.holds |= {held.id: held for held in recorded.holds}
        self.entries |= {entry.id: entry for entry in recorded.entries}

    @invariant()
    def agrees(self) -> None:
        for unit in UNITS:
            for path in GUARDED:
                row = self.balances.get(Account(unit, path)) or Balance(account=Account(unit, path))
                assert row.posted == self.naive.posted.get((unit, path), 0)
                assert row.held == self.naive.held((unit, path))
                assert row.overcommitted == (row.posted - row.held < row.floor)
            assert sum(self.naive.posted.get((unit, path), 0) for path in GUARDED + OPEN) == 0

    @invariant()
    def holds_end_once(self) -> None:
        for held in self.holds.values():
            assert held.settled + held.released + held.expired + held.left == held.amount
            assert min(held.settled, held.released, held.expired, held.left) >= 0
            assert (held.left > 0) == (held.state is HoldState.OPEN)
            assert parts(held).items() <= self.naive.holds[held.id].items()


TestBooks = BooksBesideModel.TestCase
TestBooks.settings = settings(stateful_step_count=30, deadline=None)
