"""What is taxed, at which rate, and what does it come to?

Amounts are whole minor units of the sale's currency. A rate belongs to a place, a category and local days; a rate of
zero always says why. The one ``TaxSummary`` of a sale is what order, invoice, mail and refund all print.
"""

import re
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Final, NewType

from attrs import frozen

from omnicore.kernel.currencies import DIGITS
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import checked_id
from omnicore.kernel.money import Money, TaxBasis
from omnicore.kernel.rounding import LIMIT, Rate, Rounding

MAX_LINES: Final = 10_000
"""Lines of one sale, charges included."""
MAX_ROWS: Final = 10_000
"""Dated rates of one table."""
_MAX_UNITS: Final = 10**12
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,12}){0,3}")

TaxCategory = NewType("TaxCategory", str)
"""What kind of thing it is to the tax office: ``standard``, ``reduced``, ``books``; chosen by the catalogue."""


class Taxability(StrEnum):
    """Why a rate is what it is. Only the first two may be above zero."""

    STANDARD = "standard"
    REDUCED = "reduced"
    """A reduced rate (軽減税率); Japanese invoices mark it with an asterisk."""
    ZERO = "zero"
    """Taxed at nothing."""
    EXEMPT = "exempt"
    """Not taxed by law (非課税)."""
    OUT_OF_SCOPE = "out_of_scope"
    """No supply in the sense of the law (不課税): a deposit, a gift card sold."""
    EXPORT = "export"
    REVERSE_CHARGE = "reverse_charge"
    """The buyer owes the tax."""


_TAXED: Final = (Taxability.STANDARD, Taxability.REDUCED)


@frozen(kw_only=True)
class TaxRate:
    """A rate and the reason it applies for: 8 % as the reduced rate is another rate than 8 % as the standard one.

    Raises:
        Malformed: a rate below zero, a rate of zero without a reason, or a reason not to tax with a rate above zero.
    """

    reason: Taxability
    rate: Rate

    def __attrs_post_init__(self) -> None:
        """Refuse a zero that does not say why."""
        if type(self.reason) is not Taxability:
            raise Malformed("$.reason", "must be a taxability")
        if type(self.rate) is not Rate or self.rate.numerator < 0:
            raise Malformed("$.rate", "must be a rate of at least zero")
        if (self.rate.numerator > 0) is not (self.reason in _TAXED):
            raise Malformed("$.reason", "must be standard or reduced above zero, and say why at zero")


@frozen(kw_only=True)
class DatedRate:
    """The rate of a category at a place, from the local day ``first`` until before ``until``; None is open-ended."""

    place: str
    """Country, and parts of it where they tax: ``JP``, ``US-NY``."""
    category: TaxCategory
    rate: TaxRate
    first: date | None = None
    until: date | None = None

    def __attrs_post_init__(self) -> None:
        """Check place, category and days.

        Raises: Malformed.
        """
        check_place(self.place, path="$.place")
        checked_id(self.category, "$.category")
        for name, day in (("first", self.first), ("until", self.until)):
            if day is not None and type(day) is not date:
                raise Malformed(f"$.{name}", "must be a date")
        if self.first is not None and self.until is not None and self.until <= self.first:
            raise Malformed("$.until", "must be after the first day")

    def covers(self, day: date) -> bool:
        """Say whether the rate is in force on a local day."""
        return (self.first is None or self.first <= day) and (self.until is None or day < self.until)


@frozen
class RateTable:
    """Rates as data. Law: at a place, a category has at most one rate on any day.

    Raises:
        Malformed: two rates of one place and category overlap, or there are more than 10,000.
    """

    rows: tuple[DatedRate, ...]

    def __attrs_post_init__(self) -> None:
        """Refuse a table that would answer twice."""
        if type(self.rows) is not tuple or len(self.rows) > MAX_ROWS:
            raise Malformed("$.rows", f"must be at most {MAX_ROWS} dated rates")
        order = sorted(self.rows, key=lambda row: (row.place, row.category, row.first or date.min))
        for row, following in pairwise(order):
            same = (row.place, row.category) == (following.place, following.category)
            if same and (row.until is None or following.first is None or following.first < row.until):
                raise Malformed("$.rows", "rates of one place and category overlap")


class RoundAt(StrEnum):
    """Where tax becomes whole minor units: once per unit, per line, per rate, or once for the whole document.

    To round the sum of unrounded units of a line is to round per line: the sum is the line's exact tax.
    """

    UNIT = "unit"
    LINE = "line"
    RATE = "rate"
    """Once per rate per document: the rule of Japan's qualified invoice (適格請求書)."""
    DOCUMENT = "document"


@frozen(kw_only=True)
class TaxPolicy:
    """Where tax is rounded and by which rule; one per document, and named on it."""

    round_at: RoundAt
    rounding: Rounding

    def __attrs_post_init__(self) -> None:
        """Refuse what names no rule.

        Raises: Malformed.
        """
        if type(self.round_at) is not RoundAt:
            raise Malformed("$.round_at", "must be unit, line, rate or document")
        if type(self.rounding) is not Rounding:
            raise Malformed("$.rounding", "must be a rounding rule")

    @property
    def name(self) -> str:
        """The name under which a document keeps its policy: ``rate/down``."""
        return f"{self.round_at}/{self.rounding}"


@frozen(kw_only=True)
class SaleLine:
    """A line or charge as tax sees it: ``amount`` is for all its units, after discounts, on the basis of the sale.

    A negative amount takes back: a return, a discount that stands as a line of its own.
    """

    id: str
    category: TaxCategory
    amount: int
    units: int = 1
    """Only rounding per unit looks at it; an amount is shared by the units evenly, the odd ones to the first."""

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.id, "$.id")
        checked_id(self.category, "$.category")
        if type(self.amount) is not int or not -LIMIT < self.amount < LIMIT:
            raise Malformed("$.amount", "must be whole minor units")
        if type(self.units) is not int or not 0 < self.units <= _MAX_UNITS:
            raise Malformed("$.units", "must be a whole number of at least 1")


@frozen(kw_only=True)
class Sale:
    """What is to be assessed: lines of one document, all with tax in their amounts or all without.

    ``on`` is the tax point, a local day of the place: a refund is assessed on the day of the original sale.
    """

    currency: str
    basis: TaxBasis
    place: str
    on: date
    lines: tuple[SaleLine, ...]

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        if type(self.currency) is not str or self.currency not in DIGITS:
            raise Malformed("$.currency", "must be an ISO 4217 code")
        if type(self.basis) is not TaxBasis:
            raise Malformed("$.basis", "must say whether tax is included or excluded")
        check_place(self.place, path="$.place")
        if type(self.on) is not date:
            raise Malformed("$.on", "must be a date")
        if type(self.lines) is not tuple or len(self.lines) > MAX_LINES:
            raise Malformed("$.lines", f"must be at most {MAX_LINES} lines")
        if len({line.id for line in self.lines}) != len(self.lines):
            raise Malformed("$.lines", "must have an id each")


@frozen(kw_only=True)
class RateTotal:
    """What a document comes to at one rate. Law: net + tax == gross."""

    rate: TaxRate
    net: int
    tax: int

    @property
    def gross(self) -> int:
        """Net and tax together."""
        return self.net + self.tax


@frozen(kw_only=True)
class LineTax:
    """A line's part of the document's figures. Law: net + tax == gross."""

    line: str
    rate: TaxRate
    net: int
    tax: int

    @property
    def gross(self) -> int:
        """Net and tax together."""
        return self.net + self.tax


@frozen(kw_only=True)
class TaxSummary:
    """Tax by rate and by line, rounded once where the policy says (税率別合計).

    Law: the lines of a rate add up to its total, the totals to the document; net + tax == gross everywhere.
    """

    currency: str
    basis: TaxBasis
    policy: TaxPolicy
    rates: tuple[RateTotal, ...]
    """The highest rate first."""
    lines: tuple[LineTax, ...]
    """In the order of the sale."""

    @property
    def net(self) -> Money:
        """Everything without tax."""
        return Money(sum(row.net for row in self.rates), self.currency)

    @property
    def tax(self) -> Money:
        """All tax."""
        return Money(sum(row.tax for row in self.rates), self.currency)

    @property
    def gross(self) -> Money:
        """What is to be paid."""
        return self.net + self.tax


def check_place(place: str, *, path: str = "$") -> None:
    """Let a place in: ``JP``, ``US-NY``, ``US-NY-NYC``.

    Raises: Malformed.
    """
    if type(place) is not str or not _PLACE.fullmatch(place):
        raise Malformed(path, "must be a country code and its parts, such as JP or US-NY")


def places(place: str) -> Sequence[str]:
    """Give a place and what it lies in, the nearest first: ``US-NY``, ``US``."""
    check_place(place)
    parts = place.split("-")
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
