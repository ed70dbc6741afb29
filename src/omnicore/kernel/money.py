"""How much money is it, in which currency, and with tax or without?

Amounts are whole minor units (yen, cents, fils) with the digits of ISO 4217. They add, compare and split exactly; the
only place an amount is rounded is ``times`` with a named rule. Bulk work (``total``, ``split_minor``) runs on ints.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Final, cast

from attrs import frozen

from omnicore.kernel.currencies import DIGITS
from omnicore.kernel.errors import Malformed
from omnicore.kernel.rounding import LEAST, LIMIT, MAX_DIGITS, Rate, Rounding, format_steps, parse_steps, round_div
from omnicore.kernel.text import display_locale

MAX_SHARES: Final = 100_000
"""The most parts one amount is split into."""
_TOO_BIG: Final = f"must be a whole number of at most {MAX_DIGITS} digits"


@frozen(init=False, repr=False)
class Money:
    """A whole number of minor units of one currency: ``Money(1234, "GBP")`` is 12.34 GBP.

    Adding or comparing amounts of different currencies raises and names both; equality is plain ``False``.
    Floats, Decimals and bools are no factors: take a ``Rate`` of an amount with ``times``.

    Raises:
        Malformed: no whole number, more than 18 digits, or not an ISO 4217 code with a minor unit.
    """

    minor: int
    currency: str

    def __init__(self, minor: int, currency: str) -> None:
        """Keep the amount if it is whole, storable and of a known currency."""
        if type(minor) is not int or not LEAST < minor < LIMIT:
            raise Malformed("$.minor", _TOO_BIG)
        if type(currency) is not str or currency not in DIGITS:
            raise Malformed("$.currency", "must be an ISO 4217 code with a minor unit, such as JPY")
        _set_minor(self, minor)
        _set_currency(self, currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Give no money at all."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str, *, path: str = "$") -> "Money":
        """Read an exact ASCII decimal such as ``"12.34"``, with at most the currency's own decimals.

        Law: ``Money.parse(m.decimal, m.currency) == m``.

        Raises:
            Malformed: anything else (exponents, separators, ``+``, spaces, full-width digits, too many decimals).
        """
        if type(currency) is not str or currency not in DIGITS:
            raise Malformed(path, "must be in an ISO 4217 currency with a minor unit, such as JPY")
        money = _new(Money)
        _set_minor(money, parse_steps(text, DIGITS[currency], path))
        _set_currency(money, currency)
        return money

    @property
    def decimal(self) -> str:
        """The exact decimal text with all of the currency's decimals: ``"12.34"``, ``"500"``."""
        return format_steps(self.minor, DIGITS[self.currency])

    def __str__(self) -> str:
        """Give ``"12.34 GBP"``."""
        return f"{self.decimal} {self.currency}"

    def __repr__(self) -> str:
        """Give the amount shortly."""
        return f"Money({self})"

    def __bool__(self) -> bool:
        """Say whether it is any money."""
        return self.minor != 0

    def __add__(self, other: "Money") -> "Money":
        """Add; the currency must be the same."""
        if other.__class__ is not Money:
            return NotImplemented
        if other.currency != self.currency:
            raise _mixed(self, other)
        return _money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Subtract; the currency must be the same."""
        return _money(self.minor - self._minor_of(other), self.currency) if type(other) is Money else NotImplemented

    def __neg__(self) -> "Money":
        """Turn the sign round."""
        return _money(-self.minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        """Take it a whole number of times."""
        return _money(self.minor * times, self.currency) if type(times) is int else NotImplemented

    __rmul__ = __mul__

    def __lt__(self, other: "Money") -> bool:
        """Compare; the currency must be the same."""
        return self._minor_of(other) > self.minor if type(other) is Money else NotImplemented

    def __le__(self, other: "Money") -> bool:
        """Compare; the currency must be the same."""
        return self._minor_of(other) >= self.minor if type(other) is Money else NotImplemented

    def times(self, rate: Rate, rounding: Rounding) -> "Money":
        """Take a rate of it, rounded once to whole minor units by the named rule."""
        minor = round_div(self.minor * rate.numerator, rate.denominator, rounding)
        if not LEAST < minor < LIMIT:
            raise Malformed("$.minor", _TOO_BIG)
        money = _new(Money)
        _set_minor(money, minor)
        _set_currency(money, self.currency)
        return money

    def _minor_of(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise _mixed(self, other)
        return other.minor


# The slots' own setters are twice as fast as the object.__setattr__ of a frozen attrs class, and an amount that comes
# out of arithmetic needs its currency checked no second time.
_set_minor = cast("Callable[[Money, int], None]", vars(Money)["minor"].__set__)
_set_currency = cast("Callable[[Money, str], None]", vars(Money)["currency"].__set__)
_new = object.__new__


def _money(minor: int, currency: str) -> Money:
    """Wrap an int of a currency already known to be good."""
    if not LEAST < minor < LIMIT:
        raise Malformed("$.minor", _TOO_BIG)
    money = _new(Money)
    _set_minor(money, minor)
    _set_currency(money, currency)
    return money


def _mixed(one: Money, other: Money) -> Malformed:
    return Malformed("$.currency", f"{one.currency} and {other.currency} do not mix")


def total(moneys: Iterable[Money], currency: str) -> Money:
    """Add any number of amounts in a currency; none at all is zero.

    Raises:
        Malformed: an amount in another currency.
    """
    result = Money(0, currency)
    minor = 0
    for money in moneys:
        if money.currency != currency:
            raise _mixed(result, money)
        minor += money.minor
    return _money(minor, currency)


def split_minor(total: int, weights: Sequence[int]) -> list[int]:
    """Split a whole amount in proportion to weights, by largest remainder.

    Everybody gets the exact share rounded down; the units left go one each to the largest remainders, the earlier first
    among equals. Weights that are all zero count as equal. A negative amount splits as the mirror of the positive one.

    Law: the shares add up to ``total``; each is less than 1 from exact; a larger weight never gets less; a zero weight
    among others gets nothing; if the weights are lines that add up to at least ``total``, none exceeds its line.

    Raises:
        Malformed: no whole numbers, a negative weight, nothing to split an amount over, or more than 100,000 weights.
    """
    if type(total) is not int:
        raise Malformed("$.total", "must be a whole number")
    count = len(weights)
    if not 0 < count <= MAX_SHARES:
        if count or total:
            raise Malformed("$.weights", f"must be 1 to {MAX_SHARES} weights")
        return []
    for weight in weights:
        if type(weight) is not int or weight < 0:
            raise Malformed("$.weights", "must be whole numbers of at least zero")
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * count, count
    amount = -total if total < 0 else total
    shares = [amount * weight // whole for weight in weights]
    left = amount - sum(shares)
    if left:
        remainders = [amount * weight % whole for weight in weights]
        # A sort is stable, also when reversed: equal remainders stay in their order, so the earlier one comes first.
        for place in sorted(range(count), key=remainders.__getitem__, reverse=True)[:left]:
            shares[place] += 1
    return [-share for share in shares] if total < 0 else shares


def split(total: Money, weights: Sequence[int]) -> tuple[Money, ...]:
    """Split an amount in proportion to weights; see ``split_minor``."""
    return tuple([_money(share, total.currency) for share in split_minor(total.minor, weights)])


def share_so_far(paid: int, *, done: int, whole: int) -> int:
    """Give how much of what was paid belongs to the first ``done`` of ``whole`` units; subtract what was given already.

    A partial refund is ``share_so_far(paid, done=returned_so_far, whole=bought) - refunded``: rounding each return by
    itself refunds too much or too little, the running share does not. Whole units or gross amounts serve alike.

    Law: over any order of returns that ends with everything, the refunds add up to ``paid``; none is negative.

    Raises:
        Malformed: no whole numbers, or not ``0 <= done <= whole``.
    """
    if type(paid) is not int or type(done) is not int or type(whole) is not int:
        raise Malformed("$", "must be whole numbers")
    if not 0 <= done <= whole:
        raise Malformed("$.done", "must be between zero and the whole")
    if done == whole:
        return paid
    return paid * done // whole if paid >= 0 else -(-paid * done // whole)


class TaxBasis(StrEnum):
    """Whether tax is in a price (税込 / 税抜)."""

    INCLUDED = "included"
    EXCLUDED = "excluded"


@frozen(repr=False)
class Price:
    """Money that knows whether tax is in it: 500 yen including tax stays that in the cart, the invoice and the refund.

    Adding or comparing prices of different basis raises, like mixing currencies; equality is plain ``False``.
    """

    money: Money
    basis: TaxBasis

    def __attrs_post_init__(self) -> None:
        """Refuse what is not an amount with a basis."""
        if type(self.money) is not Money:
            raise Malformed("$.money", "must be money")
        if type(self.basis) is not TaxBasis:
            raise Malformed("$.basis", "must say whether tax is included or excluded")

    def __str__(self) -> str:
        """Give ``"500 JPY, tax included"``."""
        return f"{self.money}, tax {self.basis}"

    def __repr__(self) -> str:
        """Give the price shortly."""
        return f"Price({self})"

    def __add__(self, other: "Price") -> "Price":
        """Add; currency and basis must be the same."""
        return Price(self.money + self._money_of(other), self.basis) if type(other) is Price else NotImplemented

    def __sub__(self, other: "Price") -> "Price":
        """Subtract; currency and basis must be the same."""
        return Price(self.money - self._money_of(other), self.basis) if type(other) is Price else NotImplemented

    def __mul__(self, times: int) -> "Price":
        """Take it a whole number of times."""
        return Price(self.money * times, self.basis) if type(times) is int else NotImplemented

    __rmul__ = __mul__

    def __lt__(self, other: "Price") -> bool:
        """Compare; currency and basis must be the same."""
        return self.money < self._money_of(other) if type(other) is Price else NotImplemented

    def __le__(self, other: "Price") -> bool:
        """Compare; currency and basis must be the same."""
        return self.money <= self._money_of(other) if type(other) is Price else NotImplemented

    def _money_of(self, other: "Price") -> Money:
        if other.basis is not self.basis:
            raise Malformed("$.basis", "prices with and without tax do not mix")
        return other.money


def format_money(money: Money, *, locale: str = "ja_JP") -> str:
    """Write an amount for people of a locale, with ISO's digits and never rounded: ``￥1,234``, ``£12.34``.

    Raises:
        Malformed: the locale is unknown.
    """
    from decimal import Decimal  # noqa: PLC0415 - loaded on first use, so that importing the kernel stays cheap

    from babel.numbers import parse_pattern  # noqa: PLC0415 - babel takes 30 ms to import

    known, digits = display_locale(locale), DIGITS[money.currency]
    pattern = parse_pattern(known.currency_formats["standard"].pattern)
    pattern.frac_prec = (digits, digits)  # CLDR's digits differ from ISO's for 13 currencies
    return str(pattern.apply(Decimal(money.decimal), known, currency=money.currency, currency_digits=False))
