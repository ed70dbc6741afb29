"""What is agreed: lines, charges, where they go, and what the tax summary says they come to?

All money is whole minor units of one currency. Line and charge totals stand on the tax basis of the order or quote they
are in; ``Totals`` are the figures of the tax summary, which nobody computes again.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NewType

from attrs import frozen

from omnicore.kernel.currencies import DIGITS
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, NodeId, VariantId, checked_id
from omnicore.kernel.money import TaxBasis, share_so_far
from omnicore.kernel.rounding import LIMIT, Rate
from omnicore.kernel.text import clean_text

MAX_LINES: Final = 5_000
"""Lines of one order, quote or cart."""
MAX_CHARGES: Final = 100
MAX_GROUPS: Final = 100
MAX_UNITS: Final = 10**12
"""Units of one line: room for grams of something sold by the tonne."""
MAX_TITLE: Final = 500

GroupId = NewType("GroupId", str)


def check_count(value: int, path: str, *, least: int = 0) -> None:
    """Let a count in: whole, at least ``least``, at most ``MAX_UNITS``.

    Raises: Malformed.
    """
    if type(value) is not int or not least <= value <= MAX_UNITS:
        raise Malformed(path, f"must be a whole number from {least} to {MAX_UNITS}")


def check_minor(value: int, path: str, *, least: int = 0) -> None:
    """Let an amount in minor units in: whole, storable, at least ``least``.

    Raises: Malformed.
    """
    if type(value) is not int or not least <= value < LIMIT:
        raise Malformed(path, "must be whole minor units" + ("" if least else " of at least zero"))


@frozen(kw_only=True)
class OrderLine:
    """A variant and how many units of it, at what was agreed, and what has become of the units.

    ``shipped`` counts every unit ever handed over, those that came back included.

    Law: ordered == open + cancelled + shipped, shipped >= returned, none below zero.
    """

    id: LineId
    variant: VariantId
    title: str
    """What the buyer read: a snapshot."""
    ordered: int
    unit_price: int
    """Before discounts, on the order's basis."""
    total: int
    """For all units, after discounts, on the order's basis."""
    tax: int = 0
    """This line's part of the order's tax."""
    tax_category: str
    group: GroupId | None = None
    """The delivery group the line belongs to."""
    shipped: int = 0
    returned: int = 0
    cancelled: int = 0

    def __attrs_post_init__(self) -> None:
        """Check the parts and the law.

        Raises: Malformed.
        """
        checked_id(self.id, "$.id")
        checked_id(self.variant, "$.variant")
        clean_text(self.title, path="$.title", limit=MAX_TITLE)
        checked_id(self.tax_category, "$.tax_category")
        check_count(self.ordered, "$.ordered", least=1)
        check_minor(self.unit_price, "$.unit_price")
        check_minor(self.total, "$.total")
        check_minor(self.tax, "$.tax")
        check_count(self.shipped, "$.shipped")
        check_count(self.returned, "$.returned")
        check_count(self.cancelled, "$.cancelled")
        if self.shipped + self.cancelled > self.ordered:
            raise Malformed("$.ordered", "must cover what was shipped and cancelled")
        if self.returned > self.shipped:
            raise Malformed("$.returned", "must have been shipped")

    @property
    def open(self) -> int:
        """Units still owed to the buyer."""
        return self.ordered - self.shipped - self.cancelled

    @property
    def gone(self) -> int:
        """Units the buyer no longer pays for: cancelled or returned."""
        return self.cancelled + self.returned

    def gross(self, basis: TaxBasis) -> int:
        """What was agreed for all units, tax included."""
        return self.total if basis is TaxBasis.INCLUDED else self.total + self.tax

    def freed(self, basis: TaxBasis) -> int:
        """How much of the gross belongs to units that are gone.

        Law: it never falls as units go, in whatever order, and is the whole gross when all are gone.
        """
        return share_so_far(self.gross(basis), done=self.gone, whole=self.ordered) if self.gone else 0


class ChargeKind(StrEnum):
    """What a charge is for."""

    SHIPPING = "shipping"
    COLLECT = "collect"
    """Cash on delivery (代引手数料)."""
    HANDLING = "handling"
    GIFT_WRAP = "gift_wrap"
    OTHER = "other"


@frozen(kw_only=True)
class Charge:
    """What is paid beside the goods, on the order's basis; with a tax category of its own."""

    id: LineId
    kind: ChargeKind
    total: int
    tax: int = 0
    tax_category: str
    cancelled: bool = False

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.id, "$.id")
        checked_id(self.tax_category, "$.tax_category")
        if type(self.kind) is not ChargeKind:
            raise Malformed("$.kind", "must be a kind of charge")
        check_minor(self.total, "$.total")
        check_minor(self.tax, "$.tax")
        if type(self.cancelled) is not bool:
            raise Malformed("$.cancelled", "must be true or false")

    def gross(self, basis: TaxBasis) -> int:
        """What was agreed, tax included."""
        return self.total if basis is TaxBasis.INCLUDED else self.total + self.tax


class Method(StrEnum):
    """How goods reach the buyer."""

    DELIVERY = "delivery"
    PICKUP = "pickup"
    """Collected at a store (店舗受取)."""
    HANDED_OVER = "handed_over"
    """Carried away from the till."""
    DIGITAL = "digital"


@frozen(kw_only=True)
class DeliveryGroup:
    """Lines that go to one place by one method: to the address the buyer gave for this group, or to a node."""

    id: GroupId
    method: Method
    node: NodeId | None = None
    """Where the goods are collected or handed over."""

    def __attrs_post_init__(self) -> None:
        """Refuse a pickup that is nowhere.

        Raises: Malformed.
        """
        checked_id(self.id, "$.id")
        if type(self.method) is not Method:
            raise Malformed("$.method", "must be a method")
        if self.node is not None:
            checked_id(self.node, "$.node")
        if (self.method in {Method.PICKUP, Method.HANDED_OVER}) is not (self.node is not None):
            raise Malformed("$.node", "must be given for pickup and hand-over, and only there")


@frozen(kw_only=True)
class RateTotal:
    """What the document comes to at one tax rate, as its tax summary says."""

    reason: str
    rate: Rate
    net: int
    tax: int


@frozen(kw_only=True)
class Totals:
    """The figures of the order's tax summary. Law: net + tax == gross, and the rates add up to net and tax."""

    net: int
    tax: int
    rates: tuple[RateTotal, ...]

    def __attrs_post_init__(self) -> None:
        """Check the law.

        Raises: Malformed.
        """
        check_minor(self.net, "$.net")
        check_minor(self.tax, "$.tax")
        if (sum(row.net for row in self.rates), sum(row.tax for row in self.rates)) != (self.net, self.tax):
            raise Malformed("$.rates", "must add up to net and tax")

    @property
    def gross(self) -> int:
        """What is to be paid."""
        return self.net + self.tax


def check_size(things: Sequence[object], most: int, path: str) -> None:
    """Cap a collection that came from outside.

    Raises: Malformed.
    """
    if type(things) is not tuple or len(things) > most:
        raise Malformed(path, f"must be at most {most}")


def check_terms(
    *,
    currency: str,
    basis: TaxBasis,
    lines: tuple[OrderLine, ...],
    charges: tuple[Charge, ...],
    groups: tuple[DeliveryGroup, ...],
    totals: Totals,
) -> None:
    """Let the terms of an order or quote in.

    Law: the totals of lines and charges add up to net or gross, by the basis, and their tax to the tax; ids are used
    once; every line is in a group that exists, or in none.

    Raises: Malformed.
    """
    if type(currency) is not str or currency not in DIGITS:
        raise Malformed("$.currency", "must be an ISO 4217 code")
    if type(basis) is not TaxBasis:
        raise Malformed("$.basis", "must say whether tax is included or excluded")
    check_size(lines, MAX_LINES, "$.lines")
    check_size(charges, MAX_CHARGES, "$.charges")
    check_size(groups, MAX_GROUPS, "$.groups")
    ids = {line.id for line in lines}
    ids.update([charge.id for charge in charges])
    if len(ids) != len(lines) + len(charges):
        raise Malformed("$.lines", "and charges must have an id each")
    known: set[GroupId | None] = {group.id for group in groups}
    if len(known) != len(groups):
        raise Malformed("$.groups", "must have an id each")
    if not {line.group for line in lines} <= known | {None}:
        raise Malformed("$.lines", "must be in groups of the order")
    total = sum([line.total for line in lines]) + sum([charge.total for charge in charges])
    if total != (totals.gross if basis is TaxBasis.INCLUDED else totals.net):
        raise Malformed("$.totals", "must be what lines and charges add up to")
    if sum([line.tax for line in lines]) + sum([charge.tax for charge in charges]) != totals.tax:
        raise Malformed("$.totals.tax", "must be what lines and charges add up to")
