"""Do tests get a time and ids of their own?"""

from omnicore.kernel.time import Instant
from omnicore.testing import Clock, Ids


def test_a_clock_moves_only_when_told() -> None:
    """A test's clock stands still until it is moved, and may be moved back."""
    clock = Clock(Instant(0))
    assert (clock(), clock()) == (Instant(0), Instant(0))
    assert clock.advance(seconds=2) == clock() == Instant(2_000_000)
    assert clock.advance(days=-1) == Instant(2_000_000 - 86_400_000_000)
    clock.set(Instant(7))
    assert clock() == Instant(7)


def test_ids_count_up() -> None:
    """A test's ids are the same in every run, and sort in the order they were made."""
    ids = Ids("order")
    made = [ids() for _ in range(12)]
    assert made[0] == "order-000001"
    assert made == sorted(set(made))
