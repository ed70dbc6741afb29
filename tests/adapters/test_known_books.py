"""Does a write that trusts what its transaction has read ever decide otherwise than one that reads again?"""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omnicore.adapters import sqlite
from omnicore.adapters.sqlite import ledger_rows
from omnicore.adapters.sqlite.statements import Statements
from omnicore.kernel.books import Books
from omnicore.kernel.errors import OmnicoreError
from omnicore.kernel.ledger import Account, Hold, Move
from omnicore.kernel.time import Instant
from omnicore.testing.bench import BACK, CUSTOMER, SHELF, UNIT, Bench
from omnicore.testing.clock import NOON

SHELVES = (SHELF, BACK)
ACCOUNTS = st.sampled_from(SHELVES)
Wanted = tuple[str, Account, int, int | None]
"""A hold's name, its shelf, how much, and after how many seconds it ends."""

HOLDS = st.lists(
    st.tuples(st.sampled_from("abcdef"), ACCOUNTS, st.integers(1, 4), st.none() | st.integers(1, 3)),
    min_size=1,
    max_size=3,
)
READS = st.sampled_from([(), (SHELF,), SHELVES, SHELVES])
TRIES = st.lists(st.tuples(READS, st.integers(0, 2), st.integers(-1, 3), HOLDS), max_size=8)


def moves(wanted: Sequence[Wanted], at: Instant) -> tuple[Hold, ...]:
    """Give the moves of one write; of two holds of a name the first counts, so that most writes are well formed."""
    named = {name: (account, amount, ends) for name, account, amount, ends in reversed(wanted)}
    return tuple(
        Hold(
            id=name,
            unit=UNIT,
            source=account.path,
            target=CUSTOMER.path,
            amount=amount,
            expires=None if ends is None else at.plus(seconds=ends),
        )
        for name, (account, amount, ends) in named.items()
    )


def opened() -> Bench:
    """Open a shop with a few units on two shelves."""
    bench = Bench(database=sqlite.open(":memory:"), shop="s")
    bench.receive(5)
    bench.receive(3, at=BACK)
    return bench


def tried(bench: Bench, wanted: Sequence[Wanted], *, at: Instant, read: Sequence[Account], lag: int = 0) -> str:
    """Hold in one transaction, after reading some accounts as of an instant before; how it ended."""
    bench.at = at
    batch = bench.batch(moves=moves(wanted, at))
    try:
        with bench.database.writing(bench.shop) as store:
            if read:
                store.balances(read, at.plus(seconds=-lag))
            store.write(batch)
    except OmnicoreError as error:
        return f"{type(error).__name__} {error}"
    return "held"


@given(TRIES)
@example([((), 0, 0, [("a", SHELF, 2, 1)]), (SHELVES, 0, 2, [("b", SHELF, 1, None)])])
@example([((), 0, 0, [("a", SHELF, 2, 1)]), (SHELVES, 2, 2, [("b", SHELF, 1, None)])])
@example(
    [
        ((), 0, 3, [("a", SHELF, 1, None)]),
        ((), 0, -1, [("b", BACK, 1, 1)]),
        (SHELVES, 0, 0, [("c", SHELF, 1, None), ("d", BACK, 1, None)]),
    ]
)
def test_what_was_read_is_as_good_as_read_again(
    tries: list[tuple[tuple[Account, ...], int, int, list[Wanted]]],
) -> None:
    """Whatever is held, repeated, lapsed or short, at whatever time: the same answers, and the same books after."""
    knowing, asking = opened(), opened()
    at = NOON
    for accounts, lag, seconds, wanted in tries:
        at = at.plus(seconds=seconds)  # a clock may step back
        trusted = tried(knowing, wanted, at=at, read=accounts, lag=lag)
        assert trusted == tried(asking, wanted, at=at, read=())
        for account in SHELVES:
            assert knowing.balance(account) == asking.balance(account)
    knowing.verified()


def test_nothing_is_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold on a shelf that was just read asks the books nothing more; a known name asks, and is one hold."""
    bench = opened()
    asked: list[str] = []
    gather = ledger_rows._gather

    def told(statements: Statements, moves: tuple[Move, ...], at: Instant) -> Books:
        asked.append("gather")
        return gather(statements, moves, at)

    monkeypatch.setattr(ledger_rows, "_gather", told)
    assert tried(bench, [("a", SHELF, 2, None)], at=NOON, read=[SHELF]) == "held"
    assert asked == []
    assert tried(bench, [("a", SHELF, 2, None)], at=NOON, read=[SHELF]) == "held"
    assert asked == ["gather"]
    assert bench.balance().held == 2
    assert tried(bench, [("b", BACK, 1, None)], at=NOON, read=[SHELF]) == "held"
    assert asked == ["gather", "gather"], "another shelf was read"


def test_what_was_read_before_a_write_is_not_trusted_after_it() -> None:
    """A second write of one transaction sees what the first has held."""
    bench = opened()
    with bench.database.writing(bench.shop) as store:
        store.balances([SHELF], NOON)
        store.write(bench.batch(moves=moves([("a", SHELF, 4, None)], NOON)))
        with pytest.raises(OmnicoreError):
            store.write(bench.batch(moves=moves([("b", SHELF, 4, None)], NOON)))
    assert bench.balance().held == 4
    bench.verified()
