"""Which single values may cross the border, and in what exact spelling?

Every function here takes one value and gives it back checked (or respelled), or raises ``Malformed`` at ``$``. Types
are exact: ``True`` is not an int, a float is nothing at all. What is written passes the same checks as what is read, so
nothing is ever stored that could not be loaded again.
"""

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction

from omnicore.kernel.errors import Malformed

MAX_TEXT = 65_536
"""Characters in one text."""
MAX_ID = 255
"""Characters in one id, code or key of a mapping."""
MAX_INT = 2**63 - 1
"""What a database's integer holds; also the bound of money and quantities."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
# An exponent must be bounded before any conversion: int(Decimal("1e999999")) takes 40 seconds (reliability E12).
DECIMAL_PATTERN = r"-?[0-9]{1,15}(\.[0-9]{1,6})?"
DATE_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
FRACTION_PATTERN = r"-?[0-9]{1,18}/[0-9]{1,18}"
_DECIMAL = re.compile(DECIMAL_PATTERN)
_DATE = re.compile(DATE_PATTERN)
_FRACTION = re.compile(FRACTION_PATTERN)
_DECIMAL_DIGITS = 15
_DECIMAL_PLACES_SEEN = 60


def text(value: object) -> str:
    """Check a text: ``str``, at most ``MAX_TEXT`` characters, no control but newline and tab, no lone surrogate.

    Raises:
        Malformed: otherwise.
    """
    if type(value) is not str:
        raise Malformed("$", "must be text")
    if len(value) > MAX_TEXT:
        raise Malformed("$", f"is longer than {MAX_TEXT} characters")
    if not value.isprintable() and _FORBIDDEN.search(value):  # isprintable is the fast yes for almost every text
        raise Malformed("$", "contains a control character or a lone surrogate")
    return value


def identifier(value: object, *, limit: int = MAX_ID) -> str:
    """Check an id or code: 1 to ``limit`` printable characters without a space at either end.

    Raises:
        Malformed: otherwise.
    """
    if type(value) is not str:
        raise Malformed("$", "must be text")
    if not value:
        raise Malformed("$", "is empty")
    if len(value) > limit:
        raise Malformed("$", f"is longer than {limit} characters")
    if not value.isprintable() or value[0] == " " or value[-1] == " ":
        raise Malformed("$", "must be printable, without a space at either end")
    return value


def key(value: object) -> str:
    """Check a mapping's key: a text of at most ``MAX_ID`` characters.

    Raises:
        Malformed: otherwise.
    """
    if type(value) is not str or len(value) > MAX_ID:
        raise Malformed("$", f"keys must be text of at most {MAX_ID} characters")
    return text(value)


def integer(value: object) -> int:
    """Check a whole number: exact ``int``, within 64 bits.

    Raises:
        Malformed: otherwise; ``True`` and ``1.0`` are not integers.
    """
    if type(value) is not int:
        raise Malformed("$", "must be a whole number")
    if not -MAX_INT <= value <= MAX_INT:
        raise Malformed("$", "does not fit in 64 bits")
    return value


def boolean(value: object) -> bool:
    """Check a truth value: ``True`` or ``False`` and nothing that resembles them.

    Raises:
        Malformed: otherwise.
    """
    if value is True or value is False:
        return value
    raise Malformed("$", "must be true or false")


def null(value: object) -> None:
    """Check that there is nothing.

    Raises:
        Malformed: otherwise.
    """
    if value is not None:
        raise Malformed("$", "must be null")


def read_decimal(value: object) -> Decimal:
    """Read a decimal from text: up to 15 ASCII digits before the point, up to 6 behind it; ``-0`` is ``0``.

    Raises:
        Malformed: otherwise; exponents, NaN, digits of other scripts and JSON numbers are refused.
    """
    if type(value) is not str or len(value) > MAX_ID or not _DECIMAL.fullmatch(value):
        raise Malformed("$", "must be a decimal in text, as -12.50")
    return Decimal(value) or Decimal(0)


def write_decimal(value: object) -> str:
    """Write a decimal in its one canonical spelling: no exponent, no trailing zero, no ``-0``.

    Raises:
        Malformed: if the number could not be read again (not finite, too many digits).
    """
    if type(value) is not Decimal or not value.is_finite():
        raise Malformed("$", "must be a finite decimal")
    if not value:
        return "0"
    exponent = value.as_tuple().exponent
    if value.adjusted() < _DECIMAL_DIGITS and type(exponent) is int and exponent >= -_DECIMAL_PLACES_SEEN:
        spelled = format(value, "f")
        spelled = spelled.rstrip("0").rstrip(".") if "." in spelled else spelled
        if _DECIMAL.fullmatch(spelled):
            return spelled
    raise Malformed("$", "has too many digits")


def read_date(value: object) -> date:
    """Read a calendar date written ``YYYY-MM-DD``.

    Raises:
        Malformed: otherwise, or if there is no such day.
    """
    if type(value) is not str or len(value) > MAX_ID or not _DATE.fullmatch(value):
        raise Malformed("$", "must be a date as 2025-03-31")
    try:
        return date.fromisoformat(value)
    except ValueError:
        reason = "is not a day of the calendar"
    raise Malformed("$", reason)


def write_date(value: object) -> str:
    """Write a calendar date; an instant is not one.

    Raises:
        Malformed: if the value is not exactly a ``date``.
    """
    if type(value) is not date:
        raise Malformed("$", "must be a date")
    return value.isoformat()


def read_fraction(value: object) -> Fraction:
    """Read an exact ratio written ``3/40``.

    Raises:
        Malformed: otherwise, or if the denominator is zero.
    """
    if type(value) is not str or len(value) > MAX_ID or not _FRACTION.fullmatch(value):
        raise Malformed("$", "must be a fraction in text, as 3/40")
    numerator, denominator = value.split("/")
    if not int(denominator):
        raise Malformed("$", "has a zero denominator")
    return Fraction(int(numerator), int(denominator))


def write_fraction(value: object) -> str:
    """Write an exact ratio in lowest terms.

    Raises:
        Malformed: if either part has more than 18 digits.
    """
    if type(value) is not Fraction or max(abs(value.numerator), value.denominator) >= 10**18:
        raise Malformed("$", "must be a fraction of at most 18 digits in each part")
    return f"{value.numerator}/{value.denominator}"
