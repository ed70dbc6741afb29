"""How much of a SKU, exactly?

A quantity is a whole number of a SKU's smallest steps and the number of decimals those steps stand for: rice counted
in grams and sold by the kilogram has scale 3, T-shirts have scale 0. The scale of a SKU is fixed once it was posted.
"""

from typing import Final

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.rounding import LIMIT, MAX_DIGITS, format_steps, parse_steps

MAX_SCALE: Final = 6
"""The finest step is a millionth: a milligram of something sold by the kilogram."""


@frozen(repr=False)
class Quantity:
    """Steps of a SKU's smallest unit, each worth 10**-scale: ``Quantity(8500, 3)`` is 8.500.

    Quantities of different scale count different things: comparing or adding them raises; equality is plain ``False``.
    A difference may be negative; who needs a positive quantity says so.

    Raises:
        Malformed: not whole numbers, more than 18 digits, or a scale outside 0..6.
    """

    steps: int
    scale: int = 0

    def __attrs_post_init__(self) -> None:
        """Refuse what is not an exact, storable count."""
        if type(self.steps) is not int or not -LIMIT < self.steps < LIMIT:
            raise Malformed("$.steps", f"must be a whole number of at most {MAX_DIGITS} digits")
        _check_scale(self.scale)

    @classmethod
    def parse(cls, text: str, *, scale: int = 0, path: str = "$") -> "Quantity":
        """Read an exact ASCII decimal with at most ``scale`` decimals; nothing is rounded."""
        _check_scale(scale)
        return cls(parse_steps(text, scale, path=path), scale)

    @property
    def decimal(self) -> str:
        """The exact decimal text, with all ``scale`` decimals; it parses back."""
        return format_steps(self.steps, self.scale)

    def __str__(self) -> str:
        """Give the exact decimal text."""
        return self.decimal

    def __repr__(self) -> str:
        """Give the quantity shortly."""
        return f"Quantity({self.decimal})"

    def __bool__(self) -> bool:
        """Say whether there is anything."""
        return self.steps != 0

    def __add__(self, other: "Quantity") -> "Quantity":
        """Add; the scale must be the same."""
        return Quantity(self.steps + _steps(self, other), self.scale) if type(other) is Quantity else NotImplemented

    def __sub__(self, other: "Quantity") -> "Quantity":
        """Subtract; the scale must be the same."""
        return Quantity(self.steps - _steps(self, other), self.scale) if type(other) is Quantity else NotImplemented

    def __neg__(self) -> "Quantity":
        """Turn the sign round."""
        return Quantity(-self.steps, self.scale)

    def __mul__(self, times: int) -> "Quantity":
        """Take it a whole number of times."""
        return Quantity(self.steps * times, self.scale) if type(times) is int else NotImplemented

    __rmul__ = __mul__

    def __lt__(self, other: "Quantity") -> bool:
        """Compare; the scale must be the same."""
        return self.steps < _steps(self, other) if type(other) is Quantity else NotImplemented

    def __le__(self, other: "Quantity") -> bool:
        """Compare; the scale must be the same."""
        return self.steps <= _steps(self, other) if type(other) is Quantity else NotImplemented


def _steps(one: Quantity, other: Quantity) -> int:
    """Give the other's steps, when they are steps of the same size."""
    if one.scale != other.scale:
        raise Malformed("$.scale", f"scale {one.scale} and scale {other.scale} do not mix")
    return other.steps


def _check_scale(scale: int) -> None:
    if type(scale) is not int or not 0 <= scale <= MAX_SCALE:
        raise Malformed("$.scale", f"must be a whole number from 0 to {MAX_SCALE}")
