"""How does an exact number become whole units?

Rates are exact rationals, amounts are whole numbers of the smallest unit, and the rule that closes the gap between
the two is named where it is used. No float and no Decimal takes part, so no context, exponent or NaN can get in.
"""

from enum import StrEnum
from math import gcd
from typing import Final, assert_never

from attrs import frozen

from omnicore.kernel.errors import Malformed

MAX_DIGITS: Final = 18
"""Digits of an amount, a quantity, or either side of a rate: what a signed 64-bit column holds with room to spare."""
LIMIT: Final = 10**MAX_DIGITS
"""Amounts, quantities and both sides of a rate lie strictly between ``LEAST`` and ``LIMIT``."""
LEAST: Final = -LIMIT
_LONGEST_DECIMAL: Final = MAX_DIGITS + 3  # a sign, a point and the zero before it
_LONGEST_RATE: Final = 2 * MAX_DIGITS + 4


class Rounding(StrEnum):
    """What happens to the part of a unit that is left over.

    All but ``FLOOR`` and ``CEILING`` treat a negative amount as the mirror of the positive one, so taking a charge
    back takes back exactly what was charged.
    """

    DOWN = "down"
    """Drop it (切り捨て): 1.9 -> 1, -1.9 -> -1."""
    UP = "up"
    """Fill it up (切り上げ): 1.1 -> 2, -1.1 -> -2."""
    HALF_UP = "half_up"
    """To the nearest, a half away from zero (四捨五入): 2.5 -> 3, -2.5 -> -3."""
    HALF_DOWN = "half_down"
    """To the nearest, a half towards zero (五捨六入): 2.5 -> 2, -2.5 -> -2."""
    HALF_EVEN = "half_even"
    """To the nearest, a half to the even neighbour, as banks do: 2.5 -> 2, 3.5 -> 4."""
    FLOOR = "floor"
    """Towards minus infinity: -1.1 -> -2."""
    CEILING = "ceiling"
    """Towards plus infinity: -1.9 -> -1."""


# Looking a member up in its enum costs as much as the division; mypy still proves that none is forgotten.
_DOWN: Final = Rounding.DOWN
_UP: Final = Rounding.UP
_HALF_UP: Final = Rounding.HALF_UP
_HALF_DOWN: Final = Rounding.HALF_DOWN
_HALF_EVEN: Final = Rounding.HALF_EVEN
_FLOOR: Final = Rounding.FLOOR
_CEILING: Final = Rounding.CEILING


def round_div(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Divide whole numbers and round to a whole number as the rule says.

    Law: the answer is less than 1 away from the exact quotient, and equal to it when that is whole.

    Raises:
        Malformed: the denominator is not positive.
    """
    if denominator <= 0:
        raise Malformed("$.denominator", "must be positive")
    below, rest = divmod(numerator, denominator)
    if not rest:
        return below
    past_half = rest + rest - denominator
    if rounding is _HALF_UP:
        up = past_half > 0 or (past_half == 0 and below >= 0)
    elif rounding is _DOWN:
        up = below < 0
    elif rounding is _HALF_EVEN:
        up = past_half > 0 or (past_half == 0 and below % 2 == 1)
    elif rounding is _UP:
        up = below >= 0
    elif rounding is _HALF_DOWN:
        up = past_half > 0 or (past_half == 0 and below < 0)
    elif rounding is _FLOOR:
        up = False
    elif rounding is _CEILING:
        up = True
    else:
        assert_never(rounding)
    return below + 1 if up else below


@frozen
class Rate:
    """An exact ratio in lowest terms: a tax rate, a share, a price factor. ``str`` is exact and parses back.

    ``Rate.of(8, 100)``, ``Rate.parse("0.08")``, ``Rate.parse("8%")`` and ``Rate.percent("8")`` are the same value.

    Raises:
        Malformed: not whole numbers, not in lowest terms (use ``Rate.of``), or more than 18 digits on a side.
    """

    numerator: int
    denominator: int = 1

    def __attrs_post_init__(self) -> None:
        """Refuse what is not an exact, small, reduced ratio."""
        numerator, denominator = self.numerator, self.denominator
        if type(numerator) is not int or not -LIMIT < numerator < LIMIT:
            raise Malformed("$.numerator", f"must be a whole number of at most {MAX_DIGITS} digits")
        if type(denominator) is not int or not 0 < denominator < LIMIT:
            raise Malformed("$.denominator", f"must be a positive whole number of at most {MAX_DIGITS} digits")
        if gcd(numerator, denominator) != 1:
            raise Malformed("$", "must be in lowest terms")

    @classmethod
    def of(cls, numerator: int, denominator: int = 1) -> "Rate":
        """Give the ratio of two whole numbers, reduced; the denominator must be positive."""
        if type(numerator) is not int or type(denominator) is not int or denominator <= 0:
            raise Malformed("$", "must be a ratio of whole numbers with a positive denominator")
        common = gcd(numerator, denominator)
        return cls(numerator // common, denominator // common)

    @classmethod
    def parse(cls, text: str, *, path: str = "$") -> "Rate":
        """Read ``"0.08"``, ``"8%"``, ``"-2.5%"`` or ``"1/3"``; ASCII digits, no exponent, at most 40 characters."""
        if type(text) is not str or len(text) > _LONGEST_RATE or not text.isascii():
            raise Malformed(path, f"must be a rate of at most {_LONGEST_RATE} characters")
        over, slash, under = text.partition("/")
        if slash:
            if not over.removeprefix("-").isdigit() or not under.isdigit() or not int(under):
                raise Malformed(path, "must be a ratio such as 1/3")
            numerator, denominator = int(over), int(under)
        else:
            plain = text.removesuffix("%")
            whole, point, fraction = plain.partition(".")
            if not whole.removeprefix("-").isdigit() or (point and not fraction.isdigit()):
                raise Malformed(path, "must be a rate such as 0.08, 8% or 1/3")
            numerator = int(whole + fraction)
            denominator = 10 ** len(fraction) * (1 if plain is text or plain == text else 100)
        try:
            return cls.of(numerator, denominator)
        except Malformed as bad:
            raise Malformed(path, bad.reason) from None

    @classmethod
    def percent(cls, text: str, *, path: str = "$") -> "Rate":
        """Read a percentage without its sign: ``Rate.percent("8")`` is 8 %."""
        return cls.parse(text + "%" if type(text) is str and "%" not in text and "/" not in text else "", path=path)

    def __str__(self) -> str:
        """Give the exact decimal when there is one of at most 18 decimals, else the ratio: ``0.08``, ``1/3``."""
        digits = 0
        while 10**digits % self.denominator and digits < MAX_DIGITS:
            digits += 1
        if 10**digits % self.denominator:
            return f"{self.numerator}/{self.denominator}"
        return format_steps(self.numerator * 10**digits // self.denominator, digits)

    def __add__(self, other: "Rate") -> "Rate":
        """Add exactly: 1 + 8 % is 1.08."""
        if type(other) is not Rate:
            return NotImplemented
        return Rate.of(
            self.numerator * other.denominator + other.numerator * self.denominator,
            self.denominator * other.denominator,
        )

    def __neg__(self) -> "Rate":
        """Turn the sign round."""
        return Rate(-self.numerator, self.denominator)

    def __sub__(self, other: "Rate") -> "Rate":
        """Subtract exactly: 1 - 30 % is 0.7."""
        return self + -other if type(other) is Rate else NotImplemented

    def __mul__(self, other: "Rate") -> "Rate":
        """Multiply exactly."""
        if type(other) is not Rate:
            return NotImplemented
        return Rate.of(self.numerator * other.numerator, self.denominator * other.denominator)

    def __truediv__(self, other: "Rate") -> "Rate":
        """Divide exactly: the tax inside a price is ``rate / (Rate(1) + rate)`` of it."""
        if type(other) is not Rate:
            return NotImplemented
        if not other.numerator:
            raise Malformed("$", "cannot divide by a rate of zero")
        sign = 1 if other.numerator > 0 else -1
        return Rate.of(sign * self.numerator * other.denominator, sign * self.denominator * other.numerator)

    def __lt__(self, other: "Rate") -> bool:
        """Compare exactly."""
        return _compare(self, other) < 0 if type(other) is Rate else NotImplemented

    def __le__(self, other: "Rate") -> bool:
        """Compare exactly."""
        return _compare(self, other) <= 0 if type(other) is Rate else NotImplemented


def _compare(left: Rate, right: Rate) -> int:
    """Give the sign of ``left - right``, by cross-multiplication."""
    return left.numerator * right.denominator - right.numerator * left.denominator


def apply(rate: Rate, minor: int, rounding: Rounding) -> int:
    """Take a rate of an amount in minor units, rounded once to whole minor units.

    Raises:
        Malformed: the amount is not a whole number.
    """
    if type(minor) is not int:
        raise Malformed("$.minor", "must be a whole number")
    return round_div(minor * rate.numerator, rate.denominator, rounding)


def parse_steps(text: str, digits: int, path: str = "$") -> int:
    """Read an exact decimal as whole steps of 10**-digits: ``("12.34", 2)`` is 1234.

    ASCII ``-?[0-9]+(.[0-9]+)?`` of at most 18 digits; fewer decimals than ``digits`` are filled with zeros.

    Raises:
        Malformed: anything else, also more decimals than ``digits``: nothing is rounded here.
    """
    if type(text) is not str or len(text) > _LONGEST_DECIMAL or not text.isascii():
        raise Malformed(path, f"must be an exact decimal text of at most {MAX_DIGITS} digits")
    whole, point, fraction = text.partition(".")
    figures = whole + fraction
    if not figures.isdigit() or not whole or not (fraction or not point):
        unsigned = whole.removeprefix("-")
        if not unsigned.isdigit() or (point and not fraction.isdigit()):
            raise Malformed(path, "must be a decimal number such as 12.34, without exponent, sign + or separators")
    steps = int(figures)
    missing = digits - len(fraction)
    if missing:
        if missing < 0:
            raise Malformed(path, f"must have at most {digits} decimals")
        steps *= 10**missing
    if LEAST < steps < LIMIT:
        return steps
    raise Malformed(path, f"must have at most {MAX_DIGITS} digits")


def format_steps(steps: int, digits: int) -> str:
    """Write steps of 10**-digits as an exact decimal: ``(1234, 2)`` is ``"12.34"``; it parses back."""
    if not digits:
        return str(steps)
    text = str(abs(steps)).rjust(digits + 1, "0")
    return f"{'-' if steps < 0 else ''}{text[:-digits]}.{text[-digits:]}"
