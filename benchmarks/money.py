"""What does a typed amount cost over a bare int? Ratios within one run; ``uv run python benchmarks/money.py``.

The floors do the same work on plain ints, or, for the operator, on the smallest class with a currency check.
"""

import random  # noqa: TID251 - seeded, so that every run has the same amounts
import sys
from collections.abc import Callable
from time import perf_counter

from omnicore.kernel.money import Money, split_minor, total
from omnicore.kernel.rounding import Rate, Rounding

COUNT = 20_000
ROUNDS = 9
WEIGHTS = (1, 2, 3, 5)
RATE = Rate.parse("0.0825")
TIMES, OVER = 825, 10_000
_DRAW = random.Random(7)  # noqa: S311 - the same amounts in every run, nothing secret
MINORS = [_DRAW.randrange(1, 100_000) for _ in range(COUNT)]
TEXTS = [f"{minor // 100}.{minor % 100:02d}" for minor in MINORS]
MONEYS = [Money(minor, "USD") for minor in MINORS]


class Slim:
    """The least a typed amount can be."""

    __slots__ = ("currency", "minor")

    def __init__(self, minor: int, currency: str) -> None:
        """Keep the two."""
        self.minor = minor
        self.currency = currency

    def __add__(self, other: "Slim") -> "Slim":
        """Add, with a currency check."""
        if other.__class__ is not Slim or other.currency != self.currency:
            raise TypeError
        return Slim(self.minor + other.minor, self.currency)


SLIMS = [Slim(minor, "USD") for minor in MINORS]


def _loop_sum() -> int:
    result = 0
    for minor in MINORS:
        result = result + minor
    return result


def _half_even(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (1 if twice > denominator or (twice == denominator and quotient & 1) else 0)


def _shares(minor: int) -> list[int]:
    whole = sum(WEIGHTS)
    parts = [minor * weight // whole for weight in WEIGHTS]
    for place in range(minor - sum(parts)):
        parts[place] += 1
    return parts


CASES: tuple[tuple[str, float, Callable[[], object], Callable[[], object]], ...] = (
    (
        "M1 build from text",
        5,
        lambda: [int(t.replace(".", "")) for t in TEXTS],
        lambda: [Money.parse(t, "USD") for t in TEXTS],
    ),
    ("M2 total of many", 5, _loop_sum, lambda: total(MONEYS, "USD")),
    ("M3 a + b", 2, lambda: [a + a for a in SLIMS], lambda: [a + a for a in MONEYS]),
    (
        "M4 times a rate, rounded",
        4,
        lambda: [_half_even(minor * TIMES, OVER) for minor in MINORS],
        lambda: [money.times(RATE, Rounding.HALF_EVEN) for money in MONEYS],
    ),
    (
        "M5 split over 4 weights",
        3,
        lambda: [_shares(minor) for minor in MINORS],
        lambda: [split_minor(minor, WEIGHTS) for minor in MINORS],
    ),
)


def micros_each(work: Callable[[], object]) -> float:
    """Time one pass, in microseconds per amount."""
    start = perf_counter()
    work()
    return (perf_counter() - start) * 1e6 / COUNT


def main() -> None:
    """Take turns between floor and ours, keep the best of each, print the ratios."""
    for name, target, floor, ours in CASES:
        best_floor = best_ours = float("inf")
        for _ in range(ROUNDS):
            best_floor = min(best_floor, micros_each(floor))
            best_ours = min(best_ours, micros_each(ours))
        ratio = best_ours / best_floor
        verdict = "ok" if ratio <= target else "OVER"
        figures = f"floor {best_floor:6.3f} us  ours {best_ours:6.3f} us  {ratio:5.2f}x  (target {target}x)"
        sys.stdout.write(f"{name:26} {figures} {verdict}\n")


if __name__ == "__main__":
    main()
