"""Does the one rule of the ledger hold for any moves in any order?"""

import random  # noqa: TID251 - shuffles by a seed that Hypothesis draws

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from omnicore.kernel.books import Books, Recorded, record
from omnicore.kernel.errors import Conflict, Malformed, OmnicoreError
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
from omnicore.kernel.named_rows import named_accounts, named_entries, named_holds
from omnicore.kernel.shortage import AtRisk, holds_at_risk
from omnicore.kernel.time import Instant
from omnicore.testing.strategies.ledger import BEGIN, GUARDED, OPEN, Page, batches, histories

UNIT = "sku:TEE"
SHELF = Account(UNIT, GUARDED[0])
EMPTY = Books(balances={}, holds={}, entries={})


def goods(amount: int, *, id: str = "in") -> Post:
    """Put goods on the shelf."""
    return Post(id=id, unit=UNIT, source=OPEN[0], target=SHELF.path, amount=amount, fact=True)


def hold(amount: int, *, id: str = "h", expires: Instant | None = None, floor: int | None = None) -> Hold:
    """Hold goods on the shelf."""
    return Hold(id=id, unit=UNIT, source=SHELF.path, target=OPEN[1], amount=amount, expires=expires, floor=floor)


def then(books: Books, recorded: Recorded) -> Books:
    """Give the books after a batch."""
    return Books(
        balances={**books.balances, **{row.account: row for row in recorded.balances}},
        holds={**books.holds, **{held.id: held for held in recorded.holds}},
        entries={**books.entries, **{entry.id: entry for entry in recorded.entries}},
    )


def touched(books: Books, moves: tuple[Move, ...], at: Instant) -> Books:
    """Give what an adapter would load for a batch."""
    named = {name: books.holds[name] for name in named_holds(moves) if name in books.holds}
    accounts = named_accounts(moves, named)
    at = max([at, *(row.at for key in accounts if (row := books.balances.get(key)) and row.at)])
    lapsed = {held.id: held for held in books.holds.values() if held.account in accounts and held.lapsed(at)}
    return Books(
        balances={account: books.balances[account] for account in accounts if account in books.balances},
        holds=named | lapsed,
        entries={name: books.entries[name] for name in named_entries(moves) if name in books.entries},
    )


def attempt(books: Books, moves: tuple[Move, ...], at: Instant) -> Recorded | tuple[type[OmnicoreError], str]:
    """Record, or say what was refused."""
    try:
        return record(touched(books, moves, at), moves, at)
    except (Conflict, Malformed) as error:
        return type(error), str(error)


def played(history: tuple[Page, ...]) -> tuple[Books, Instant]:
    """Play a history, leaving out what is refused."""
    books, at = EMPTY, BEGIN
    for page in history:
        at = at.plus(seconds=page.seconds)
        if isinstance(recorded := attempt(books, page.moves, at), Recorded):
            books = then(books, recorded)
    return books, at


def posted(books: Books, at: Instant) -> dict[Account, int]:
    """Add up all entries, open accounts too."""
    sums: dict[Account, int] = {}
    for entry in books.entries.values():
        for path, amount in ((entry.source, -entry.amount), (entry.target, entry.amount)):
            account = Account(entry.unit, path)
            sums[account] = sums.get(account, 0) + amount
    return sums


@given(histories(most=6), batches(), st.integers(0, 10**6))
def test_the_order_of_a_batch_does_not_matter(history: tuple[Page, ...], moves: tuple[Move, ...], seed: int) -> None:
    """A batch in any order gives the same books or the same refusal."""
    books, at = played(history)
    shuffled = list(moves)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - see above
    assert attempt(books, moves, at) == attempt(books, tuple(shuffled), at)
    assert attempt(books, moves, at) == attempt(books, moves[::-1], at)


@given(histories())
def test_nothing_appears_or_vanishes(history: tuple[Page, ...]) -> None:
    """For every unit the sum over all accounts is zero, and each balance is the sum of its entries."""
    books, at = played(history)
    sums = posted(books, at)
    units = {account.unit for account in sums}
    assert {unit: sum(amount for account, amount in sums.items() if account.unit == unit) for unit in units} == (
        dict.fromkeys(units, 0)
    )
    for account, row in books.balances.items():
        assert row.posted == sums.get(account, 0)
        assert row.held == sum(held.left for held in books.holds.values() if held.account == account)


@given(histories())
def test_the_parts_of_a_hold_add_up(history: tuple[Page, ...]) -> None:
    """Every unit of a hold is settled, released, expired or still promised, and exactly one of these."""
    books, _ = played(history)
    for held in books.holds.values():
        assert held.settled + held.released + held.expired + held.left == held.amount
        assert min(held.settled, held.released, held.expired, held.left) >= 0
        assert (held.state is HoldState.OPEN) == (held.left > 0)
        entries = [entry for entry in books.entries.values() if entry.hold == held.id]
        assert sum(entry.amount for entry in entries) == held.settled


@given(histories())
def test_only_facts_leave_an_account_short(history: tuple[Page, ...]) -> None:
    """Without facts and raised floors no account is ever short of what it has promised."""
    calm = tuple(
        Page(
            seconds=page.seconds,
            moves=tuple(
                evolve(move, fact=False, id=f"calm/{move.id}") if isinstance(move, Post) and number else move
                for move in page.moves
                if not isinstance(move, Floor)
            ),
        )
        for number, page in enumerate(history)
    )
    books, _ = played(tuple(page for page in calm if page.moves))
    assert [row for row in books.balances.values() if row.posted < row.held or row.overcommitted] == []


@given(histories(most=6), batches())
def test_a_batch_sent_twice_is_recorded_once(history: tuple[Page, ...], moves: tuple[Move, ...]) -> None:
    """Moves that have ids and come again change nothing: neither entries, nor holds, nor balances."""
    books, at = played(history)
    once = tuple(move for move in moves if isinstance(move, Post | Hold | Settle))
    if isinstance(first := attempt(books, once, at), Recorded):
        after = then(books, first)
        assume(not any(held.lapsed(first.at) for held in after.holds.values()))
        again = attempt(after, once, at)
        assert isinstance(again, Recorded)
        assert again.entries == ()
        assert then(after, again).holds == after.holds
        rows = then(after, again).balances
        assert {key: (row.posted, row.held) for key, row in rows.items()} == {
            key: (row.posted, row.held) for key, row in after.balances.items()
        }


@given(histories())
def test_who_is_at_risk_is_who_is_short(history: tuple[Page, ...]) -> None:
    """The shortfalls of a short account add up to what is promised less what is there; earlier promises are served."""
    books, at = played(history)
    for account, row in books.balances.items():
        live = sorted(
            (held for held in books.holds.values() if held.account == account and held.left and not held.lapsed(at)),
            key=lambda held: (held.since, held.id),
        )
        mixed = sorted(
            (held for held in books.holds.values() if held.account == account and held.left),
            key=lambda held: (held.since, held.id),
        )
        risks = holds_at_risk(row, mixed, at)
        covers = max(row.posted - min(row.floor, 0), 0)
        assert sum(risk.short for risk in risks) == max(sum(held.left for held in live) - covers, 0)
        assert all(risk.short > 0 for risk in risks)
        names = [held.id for held in live]
        assert [risk.hold for risk in risks] == names[len(names) - len(risks) :]


def test_earlier_promises_are_served_first() -> None:
    """Of two promises on a shelf that lost goods, the later one is at risk."""
    first = record(EMPTY, [goods(5), hold(2, id="a"), hold(3, id="b")], BEGIN)
    lost = Post(id="lost", unit=UNIT, source=SHELF.path, target="world/loss", amount=2, fact=True)
    recorded = record(touched(then(EMPTY, first), (lost,), BEGIN), [lost], BEGIN)
    assert recorded.overcommitted == (SHELF,)
    assert holds_at_risk(recorded.balances[0], first.holds, BEGIN) == (AtRisk(hold="b", short=2),)


def test_a_shortage_is_told_once() -> None:
    """What ships from a short account, and what time has ended on it, is no new shortage and no new risk."""
    end = BEGIN.plus(seconds=1)
    made: list[Move] = [goods(5), hold(2, id="a", expires=end), hold(3, id="b")]
    books = then(EMPTY, record(EMPTY, made, BEGIN))
    lost = (Post(id="lost", unit=UNIT, source=SHELF.path, target="world/loss", amount=3, fact=True),)
    short = record(touched(books, lost, BEGIN), lost, BEGIN)
    books = then(books, short)
    in_order = [books.holds["a"], books.holds["b"]]
    assert holds_at_risk(short.balances[0], in_order, BEGIN) == (AtRisk(hold="b", short=3),)
    assert holds_at_risk(short.balances[0], in_order, end) == (AtRisk(hold="b", short=1),)
    ship = (Settle(id="ship", hold="b", amount=1),)
    shipped = record(touched(books, ship, BEGIN), ship, BEGIN)
    assert (shipped.overcommitted, shipped.balances[0].overcommitted) == ((), True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (goods(1), goods(2)),
        (goods(1), evolve(goods(1), fact=False)),
        (hold(1), hold(1, floor=2)),
        (hold(1), hold(2)),
        (Extend(hold="old", expires=None), Extend(hold="old", expires=BEGIN.plus(days=1))),
        (Floor(unit=UNIT, path=SHELF.path, floor=1), Floor(unit=UNIT, path=SHELF.path, floor=2)),
        (Settle(id="s", hold="old", amount=1), Settle(id="s", hold="old", amount=2)),
        (Settle(id="s", hold="old", amount=1), Post(id="s", unit=UNIT, source=SHELF.path, target=OPEN[1], amount=1)),
        (
            Settle(id="s", hold="old", amount=1, rest=Rest.RELEASE),
            Post(id="s", unit=UNIT, source=SHELF.path, target=OPEN[1], amount=1),
        ),
    ],
)
def test_one_id_means_one_thing(one: Move, other: Move) -> None:
    """A batch that says two things under one id is malformed, in either order."""
    books = then(EMPTY, record(EMPTY, [goods(9, id="much"), hold(4, id="old")], BEGIN))
    for moves in ((one, other), (other, one)):
        with pytest.raises(Malformed):
            record(touched(books, moves, BEGIN), moves, BEGIN)


def test_an_id_of_the_books_means_one_thing() -> None:
    """An id that the books know for one move or hold is malformed for another."""
    books = then(EMPTY, record(EMPTY, [goods(9), hold(4)], BEGIN))
    for move in (goods(8), hold(3), evolve(goods(9), fact=False)):
        with pytest.raises(Malformed):
            record(touched(books, (move,), BEGIN), [move], BEGIN)
    again = (hold(4, expires=BEGIN.plus(days=1)),)
    assert then(books, record(touched(books, again, BEGIN), again, BEGIN)).holds == books.holds


def test_a_late_settle_keeps_the_floor_of_its_hold() -> None:
    """A channel that may not touch the last two pieces may not do so by settling late either."""
    end = BEGIN.plus(seconds=1)
    books = then(EMPTY, record(EMPTY, [goods(5), hold(3, expires=end, floor=2)], BEGIN))
    sale = Post(id="sale", unit=UNIT, source=SHELF.path, target=OPEN[1], amount=1)
    ship = Settle(id="ship", hold="h", amount=3)
    assert isinstance(attempt(books, (ship,), end), Recorded)
    books = then(books, record(touched(books, (sale,), end), [sale], end))
    assert attempt(books, (ship,), end) == (Conflict, f"conflict on {SHELF}")


def test_balances_have_bounds() -> None:
    """No balance and nothing held grows past what a database column holds."""
    much = record(EMPTY, [goods(MAX_AMOUNT)], BEGIN)
    more = (goods(1, id="more"),)
    assert attempt(then(EMPTY, much), more, BEGIN) == (
        Malformed,
        f"$.moves: a balance would leave its bounds of {MAX_AMOUNT}",
    )
    low = Floor(unit=UNIT, path=SHELF.path, floor=-MAX_AMOUNT)
    with pytest.raises(Malformed):
        record(EMPTY, [low, hold(MAX_AMOUNT, id="a"), hold(1, id="b")], BEGIN)


def test_accounts_are_locked_in_one_order() -> None:
    """The accounts a batch touches are named sorted and once, without the open ones, those of its holds included."""
    held = Held(id="h", unit="sku:A", source="node/z", target="node/b", amount=1, left=1, since=BEGIN)
    moves = (
        Void(hold="h"),
        Extend(hold="unknown", expires=None),
        Floor(unit="sku:B", path="node/a", floor=0),
        Post(id="p", unit="sku:B", source=OPEN[0], target="node/a", amount=1),
    )
    found = named_accounts(moves, {"h": held})
    assert found == [Account("sku:A", "node/b"), Account("sku:A", "node/z"), Account("sku:B", "node/a")]
    assert named_holds((hold(1), *moves)) == ["h", "unknown"]
    assert named_entries((Settle(id="s", hold="h", amount=1), *moves)) == ["p", "s"]


def test_a_rising_floor_is_told_like_any_shortage() -> None:
    """An account is short when a buffer is raised above what is free, and no hold is at risk of it."""
    books = then(EMPTY, record(EMPTY, [goods(5), hold(4)], BEGIN))
    raised = (Floor(unit=UNIT, path=SHELF.path, floor=2),)
    recorded = record(touched(books, raised, BEGIN), raised, BEGIN)
    assert recorded.overcommitted == (SHELF,)
    assert holds_at_risk(recorded.balances[0], books.holds.values(), BEGIN) == ()
    assert Balance(account=SHELF, posted=5, held=4, floor=2).available == -1


def test_entries_say_when() -> None:
    """An entry carries the instant of its batch, which is never before the account's last."""
    books = then(EMPTY, record(EMPTY, [goods(5)], BEGIN.plus(seconds=9)))
    more = (goods(1, id="more"),)
    recorded = record(touched(books, more, BEGIN), more, BEGIN)
    assert recorded.at == BEGIN.plus(seconds=9)
    assert recorded.entries == (
        Entry(id="more", unit=UNIT, source=OPEN[0], target=SHELF.path, amount=1, at=recorded.at, fact=True),
    )
