"""What does a typed amount cost over a bare int, and over the money of other libraries?

The floors do the same work on plain ints, or, for the operator, on the smallest class with a currency check. None of
the peers splits an amount, so they have no column there.
"""

import random  # noqa: TID251 - seeded, so that every run has the same amounts
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from benchmarks.peers import peer
from benchmarks.sizes import Sizes
from benchmarks.targets import Measured
from benchmarks.timing import best, in_turns, spread
from omnicore.kernel.money import Money, split_minor, total
from omnicore.kernel.rounding import Rate, Rounding

IDS = ("M1", "M2", "M3", "M4", "M5")
WEIGHTS = (1, 2, 3, 5)
RATE = Rate.parse("0.0825")
TIMES, OVER = 825, 10_000
CENT = Decimal("0.01")
Cases = Mapping[str, Callable[[], object]]


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


def half_even(numerator: int, denominator: int) -> int:
    """Divide and round on plain ints."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (1 if twice > denominator or (twice == denominator and quotient & 1) else 0)


def shares(minor: int) -> list[int]:
    """Split on plain ints, what is left over to the first."""
    whole = sum(WEIGHTS)
    parts = [minor * weight // whole for weight in WEIGHTS]
    for place in range(minor - sum(parts)):
        parts[place] += 1
    return parts


def added(minors: list[int]) -> int:
    """Add ints in a loop."""
    result = 0
    for minor in minors:
        result = result + minor
    return result


def cases(count: int) -> Mapping[str, Cases]:
    """Give what is timed for each target: ``floor``, ``ours`` and the peers that are installed."""
    draw = random.Random(7)  # noqa: S311 - the same amounts in every run, nothing secret
    minors = [draw.randrange(1, 100_000) for _ in range(count)]
    texts = [f"{minor // 100}.{minor % 100:02d}" for minor in minors]
    moneys, slims = [Money(minor, "USD") for minor in minors], [Slim(minor, "USD") for minor in minors]
    found: dict[str, dict[str, Callable[[], object]]] = {
        "M1": {
            "floor": lambda: [int(text.replace(".", "")) for text in texts],
            "ours": lambda: [Money.parse(text, "USD") for text in texts],
        },
        "M2": {"floor": lambda: added(minors), "ours": lambda: total(moneys, "USD")},
        "M3": {"floor": lambda: [one + one for one in slims], "ours": lambda: [one + one for one in moneys]},
        "M4": {
            "floor": lambda: [half_even(minor * TIMES, OVER) for minor in minors],
            "ours": lambda: [money.times(RATE, Rounding.HALF_EVEN) for money in moneys],
        },
        "M5": {
            "floor": lambda: [shares(minor) for minor in minors],
            "ours": lambda: [split_minor(minor, WEIGHTS) for minor in minors],
        },
    }
    for name, build in _builders().items():
        for id_, work in _of_peer(build, texts, rate=Decimal("0.0825"), rounded=name == "prices").items():
            found[id_][name] = work
    return found


def _builders() -> dict[str, Callable[[str], object]]:
    found: dict[str, Callable[[str], object]] = {}
    if (moneyed := peer("moneyed")) is not None:
        found["py-moneyed"] = lambda text: moneyed.Money(text, moneyed.USD)
    if (prices := peer("prices")) is not None:
        found["prices"] = lambda text: prices.Money(Decimal(text), "USD")
    return found


def _of_peer(build: Callable[[str], object], texts: list[str], *, rate: Decimal, rounded: bool) -> Cases:
    # Typed as object: what peers can do is known to them alone.
    amounts: list[object] = [build(text) for text in texts]
    zero = build("0")

    def times() -> object:
        if rounded:
            return [(one * rate).quantize(CENT, ROUND_HALF_EVEN) for one in amounts]  # type: ignore[operator] # as above
        return [(one * rate).round(2) for one in amounts]  # type: ignore[operator,attr-defined] # as above

    return {
        "M1": lambda: [build(text) for text in texts],
        "M2": lambda: sum(amounts, zero),  # type: ignore[call-overload] # as above
        "M3": lambda: [one + one for one in amounts],  # type: ignore[operator] # as above
        "M4": times,
    }


def measure(sizes: Sizes, wanted: frozenset[str]) -> Iterator[Measured]:
    """Measure the targets of money that are wanted."""
    for id_, each in cases(sizes.amounts).items():
        if id_ in wanted:
            found = in_turns(each, count=sizes.amounts, passes=sizes.tries)
            quickest = best(found)
            yield Measured(
                id=id_,
                floor_us=quickest.pop("floor"),
                ours_us=quickest.pop("ours"),
                peers_us=quickest,
                more={"spread": spread(found["ours"])},
            )
