"""Is a quantity exact, and does it mix only with its own kind?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.quantity import Quantity
from omnicore.kernel.rounding import LIMIT
from omnicore.testing.strategies import kernel as some

SMALL = st.integers(-1_000_000, 1_000_000)


def exact(quantity: Quantity) -> Fraction:
    """Give the quantity as a fraction, the oracle of these tests."""
    return Fraction(quantity.steps, 10**quantity.scale)


@given(some.quantities())
def test_quantity_reads_back_what_it_wrote(quantity: Quantity) -> None:
    """Eight and a half kilograms that are written down and read again are eight and a half kilograms."""
    assert Quantity.parse(quantity.decimal, scale=quantity.scale) == quantity
    assert Fraction(str(quantity)) == exact(quantity)
    assert bool(quantity) == (exact(quantity) != 0)


@given(SMALL, SMALL, st.integers(0, 6), st.integers(-1000, 1000))
def test_quantities_reckon_exactly(left: int, right: int, scale: int, times: int) -> None:
    """What is put together and taken apart again weighs what it weighed."""
    one, other = Quantity(left, scale), Quantity(right, scale)
    assert (one + other) - other == one
    assert exact(one + other) == exact(one) + exact(other)
    assert exact(one * times) == exact(times * one) == exact(one) * times
    assert -one + one == Quantity(0, scale)
    assert (one < other, one <= other, one > other, one >= other) == (
        left < right,
        left <= right,
        left > right,
        left >= right,
    )


def test_quantities_of_different_scale_do_not_mix() -> None:
    """Grams and pieces are never added up or compared, and the complaint says why."""
    grams, pieces = Quantity(8500, 3), Quantity(8)
    assert grams != pieces
    for mix in (Quantity.__add__, Quantity.__sub__, Quantity.__lt__, Quantity.__le__):
        with pytest.raises(Malformed, match="scale 3 and scale 0 do not mix"):
            mix(grams, pieces)
    for broken in ("q + 1", "q - 1", "q < 1", "q <= 1", "q * 1.5", "q * True", "sum([q])"):
        with pytest.raises(TypeError):
            eval(broken, {"q": grams})  # noqa: S307 - mypy refuses to see these written out, which is the point


def test_quantity_shows_what_it_is() -> None:
    """A quantity in a log reads like one."""
    assert repr(Quantity.parse("8.5", scale=3)) == "Quantity(8.500)"
    assert str(Quantity(3)) == "3"


@pytest.mark.parametrize("steps", [True, 1.0, "1", None, LIMIT, -LIMIT])
def test_quantity_refuses_what_is_not_whole(steps: int) -> None:
    """A quantity is a whole number of steps that fits the books."""
    with pytest.raises(Malformed) as bad:
        Quantity(steps)
    assert bad.value.path == "$.steps"


@pytest.mark.parametrize("scale", [True, 1.0, "1", None, -1, 7])
def test_quantity_refuses_a_scale_that_is_none(scale: int) -> None:
    """A scale is a number of decimals from none to six."""
    with pytest.raises(Malformed):
        Quantity(1, scale)
    with pytest.raises(Malformed):
        Quantity.parse("1", scale=scale)


@pytest.mark.parametrize("text", ["8.55", "1e3", "", "８", "9" * 18])
def test_quantity_refuses_what_it_cannot_hold(text: str) -> None:
    """Half a step is refused, not rounded."""
    with pytest.raises(Malformed) as bad:
        Quantity.parse(text, scale=1, path="$.quantity")
    assert bad.value.path == "$.quantity"
