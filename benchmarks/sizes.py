"""How much is measured: enough to compare, or just enough to see that everything runs?"""

from attrs import frozen


@frozen(kw_only=True)
class Sizes:
    """How many things are done in a pass, and how many passes there are."""

    amounts: int
    moves: int
    orders: int
    imports: int
    stock: int
    tries: int
    """Passes of what only computes: many short ones, so that one of them goes undisturbed."""
    passes: int
    processes: int
    rows: tuple[int, ...]
    """Rows reserved, for the growth curve of a hot SKU."""
    lines: tuple[int, ...]
    """Lines of an order, for its growth curve; the first and the last are compared by O4."""
    stored: tuple[int, ...]
    """Orders stored, for the growth curve of placing one."""


FULL = Sizes(
    amounts=2_000,
    moves=2_000,
    orders=200,
    imports=6,
    stock=2_000,
    tries=60,
    passes=7,
    processes=8,
    rows=(250, 1_000, 4_000, 16_000),
    lines=(1, 3, 10, 30, 100),
    stored=(1_000, 10_000, 100_000),
)
TINY = Sizes(
    amounts=50,
    moves=80,
    orders=2,
    imports=1,
    stock=6,
    tries=2,
    passes=1,
    processes=2,
    rows=(4, 8),
    lines=(1, 4),
    stored=(2, 4),
)
