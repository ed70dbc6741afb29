"""Which moves may be asked for? Accounts, moves, batches and histories over a small world, so that they often meet."""

from typing import Final

from attrs import frozen
from hypothesis import strategies as st

from omnicore.kernel.ledger import Account, Extend, Floor, Hold, Move, Post, Rest, Settle, Void
from omnicore.kernel.time import Instant

UNITS: Final = ("sku:TEE", "money:JPY")
GUARDED: Final = ("node/a/on-hand", "node/b/on-hand")
OPEN: Final = ("world/supplier", "world/customer")
BEGIN: Final = Instant(1_767_582_000_000_000)
"""When histories begin; holds end within two minutes of it, or never."""

_AMOUNTS = st.integers(1, 6) | st.integers(1, 40)


@frozen(kw_only=True)
class Page:
    """One batch of a history, and by how many seconds the clock has moved since the one before."""

    seconds: int
    moves: tuple[Move, ...]


def accounts() -> st.SearchStrategy[Account]:
    """Give guarded and open accounts of two units."""
    return st.builds(Account, st.sampled_from(UNITS), st.sampled_from(GUARDED + OPEN))


def posts(*, unit: str | None = None) -> st.SearchStrategy[Post]:
    """Give promises and facts; the same ids come again, for the same move mostly."""
    ways = st.sampled_from([(source, target) for source in OPEN + GUARDED for target in GUARDED + OPEN])
    units = st.sampled_from(UNITS) if unit is None else st.just(unit)

    def made(unit: str, way: tuple[str, str], amount: int, kind: int) -> Post:
        source, target = way
        fact = kind % 2 == 0
        name = f"post/{unit}/{source}/{target}/{amount}/{kind}" if kind < _KINDS - 1 else "post/one"
        return Post(id=name, unit=unit, source=source, target=target, amount=amount, fact=fact)

    return st.builds(made, units, ways.filter(lambda way: way[0] != way[1]), _AMOUNTS, st.integers(0, _KINDS - 1))


_KINDS: Final = 6


def ends() -> st.SearchStrategy[Instant | None]:
    """Give ends of holds: none, soon, later."""
    return st.none() | st.integers(0, 120).map(lambda seconds: BEGIN.plus(seconds=seconds))


def hold_ids() -> st.SearchStrategy[str]:
    """Give ids of eight holds."""
    return st.integers(0, 7).map(lambda number: f"hold-{number}")


def holds(*, unit: str | None = None) -> st.SearchStrategy[Hold]:
    """Give promises on guarded accounts, some with a floor of their own."""
    return st.builds(
        Hold,
        id=hold_ids(),
        unit=st.sampled_from(UNITS) if unit is None else st.just(unit),
        source=st.sampled_from(GUARDED),
        target=st.sampled_from(OPEN),
        amount=_AMOUNTS,
        expires=ends(),
        floor=st.none() | st.integers(-3, 3),
    )


def floors(*, unit: str | None = None) -> st.SearchStrategy[Floor]:
    """Give buffers and capped backorders."""
    return st.builds(
        Floor,
        unit=st.sampled_from(UNITS) if unit is None else st.just(unit),
        path=st.sampled_from(GUARDED),
        floor=st.integers(-5, 5),
    )


def settles() -> st.SearchStrategy[Settle]:
    """Give settles of the eight holds, which may exist or not."""
    ids = st.integers(0, 30).map(lambda number: f"settle-{number}")
    return st.builds(Settle, id=ids, hold=hold_ids(), amount=_AMOUNTS, rest=st.sampled_from(Rest))


def moves(*, unit: str | None = None) -> st.SearchStrategy[Move]:
    """Give moves of every sort."""
    return st.one_of(
        posts(unit=unit),
        holds(unit=unit),
        settles(),
        st.builds(Void, hold=hold_ids()),
        st.builds(Extend, hold=hold_ids(), expires=ends()),
        floors(unit=unit),
    )


def batches(*, most: int = 6) -> st.SearchStrategy[tuple[Move, ...]]:
    """Give the moves of one write."""
    return st.lists(moves(), min_size=1, max_size=most).map(tuple)


def histories(*, most: int = 12) -> st.SearchStrategy[tuple[Page, ...]]:
    """Give batches in time, on a clock that now and then steps back; the first puts goods on the shelves."""
    first = Page(
        seconds=0,
        moves=tuple(
            Post(id=f"first/{unit}/{path}", unit=unit, source=OPEN[0], target=path, amount=12, fact=True)
            for unit in UNITS
            for path in GUARDED
        ),
    )
    pages = st.builds(Page, seconds=st.integers(0, 20) | st.integers(-10, 60), moves=batches(most=4))
    return st.lists(pages, max_size=most).map(lambda rest: (first, *rest))
