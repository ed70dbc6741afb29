"""What was bought, as far as returns must know; and what has come back of it?

``Purchase`` is the narrow input a scenario maps an order to. Expected of the mapping, and tested as a law there:

* ``bought`` counts a line's units without those cancelled; ``shipped`` those that have left us for the buyer, by
  parcel, by pickup or over the counter. A line is what was sold (a bundle is one line); its SKUs are the scenario's
  to know.
* ``paid`` is everything the buyer owes or has paid for the ``bought`` units of the line: after all discounts, allotted
  ones included, and *with* tax, whether prices were shown with or without it. ``shipping`` is the same for shipping and
  other charges that a policy may refund. So the lines and ``shipping`` add up to the order's total, to the yen.
* ``handed_over`` is when the buyer got the line: delivered, collected, or taken away; the last time, where it came in
  parts; None while it is under way.
* ``zone`` is the time zone whose days count: the store's, or the shop's.

All returns of an order stand in one document, its ``ReturnBook``, because everything that limits them is limited per
order: units, refunded value, fee and shipping. One version then guards them all against two clerks at once. A ledger
account per line would need a row for every line ever shipped, and would still leave value, fee and shipping unguarded.
"""

import re
from collections.abc import Iterable
from typing import Final

from attrs import evolve, frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, NodeId, OrderId, ReturnId, checked_id
from omnicore.kernel.money import Money
from omnicore.kernel.time import Instant, checked_zone
from omnicore.returns.errors import UnknownReturn
from omnicore.returns.states import Condition, Disposition, Resolution, ReturnState

MAX_LINES: Final = 2_000
"""Lines of one purchase, and of one request."""
MAX_RETURNS: Final = 200
"""Returns of one order."""
MAX_CATEGORIES: Final = 100
_MAX_UNITS: Final = 10**12
_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}")
_UNCOUNTED: Final = (ReturnState.REQUESTED, ReturnState.DENIED, ReturnState.CANCELLED)
_SETTLED: Final = (ReturnState.REFUNDED, ReturnState.EXCHANGED)


def check_units(units: int, path: str, *, least: int = 1) -> None:
    """Refuse what is no whole number of units.

    Raises: Malformed.
    """
    if type(units) is not int or not least <= units <= _MAX_UNITS:
        raise Malformed(path, f"must be a whole number from {least} to {_MAX_UNITS}")


@frozen(kw_only=True)
class PurchaseLine:
    """A line as returns see it; see the module for what each field must hold.

    Raises:
        Malformed: units out of order (0 <= shipped <= bought), or a negative amount.
    """

    line: LineId
    bought: int
    shipped: int
    paid: Money
    handed_over: Instant | None = None
    categories: frozenset[str] = frozenset()

    def __attrs_post_init__(self) -> None:
        """Refuse a line that cannot have been."""
        checked_id(self.line, "$.line")
        check_units(self.bought, "$.bought")
        check_units(self.shipped, "$.shipped", least=0)
        if self.shipped > self.bought:
            raise Malformed("$.shipped", "must not be more than was bought")
        if type(self.paid) is not Money or self.paid.minor < 0:
            raise Malformed("$.paid", "must be an amount of at least zero")
        if type(self.categories) is not frozenset or len(self.categories) > MAX_CATEGORIES:
            raise Malformed("$.categories", f"must be a set of at most {MAX_CATEGORIES}")


@frozen(kw_only=True)
class Purchase:
    """What was bought in one order; see the module for what each field must hold.

    Raises:
        Malformed: no line, a line twice, several currencies, or no such zone.
    """

    order: OrderId
    placed: Instant
    zone: str
    lines: tuple[PurchaseLine, ...]
    shipping: Money

    def __attrs_post_init__(self) -> None:
        """Refuse a purchase whose parts do not fit together."""
        checked_id(self.order, "$.order")
        checked_zone(self.zone)
        if type(self.lines) is not tuple or not 0 < len(self.lines) <= MAX_LINES:
            raise Malformed("$.lines", f"must be 1 to {MAX_LINES}")
        if len({each.line for each in self.lines}) < len(self.lines):
            raise Malformed("$.lines", "must name each line once")
        if type(self.shipping) is not Money or self.shipping.minor < 0:
            raise Malformed("$.shipping", "must be an amount of at least zero")
        if any(each.paid.currency != self.shipping.currency for each in self.lines):
            raise Malformed("$.lines", "must be paid in one currency")

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.shipping.currency

    def line(self, line: LineId) -> PurchaseLine:
        """Give a line.

        Raises: Malformed if it was not bought.
        """
        for each in self.lines:
            if each.line == line:
                return each
        raise Malformed("$.line", "is not a line of the purchase")


@frozen(kw_only=True)
class RequestedLine:
    """Units of a line that a buyer wants to give back. ``reason`` is a code of the shop's, such as ``wrong_size``.

    Raises:
        Malformed: no positive number of units, or a reason that is no plain word.
    """

    line: LineId
    units: int
    condition: Condition | None = None
    resolution: Resolution = Resolution.REFUND
    reason: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what nobody can ask for."""
        checked_id(self.line, "$.line")
        check_units(self.units, "$.units")
        if self.reason is not None and (type(self.reason) is not str or not _REASON.fullmatch(self.reason)):
            raise Malformed("$.reason", "must be a plain word such as wrong_size")


@frozen(kw_only=True)
class ReturnRequest:
    """What a buyer wants to give back; ``authorisation`` is the shop's number for it, given beforehand.

    Raises:
        Malformed: no line, or too many.
    """

    lines: tuple[RequestedLine, ...]
    authorisation: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse an empty request."""
        if type(self.lines) is not tuple or not 0 < len(self.lines) <= MAX_LINES:
            raise Malformed("$.lines", f"must be 1 to {MAX_LINES}")
        if self.authorisation is not None:
            checked_id(self.authorisation, "$.authorisation")


@frozen(kw_only=True)
class Arrival:
    """Units of a line that are here, and what an inspection found; no condition: not looked at yet.

    Raises:
        Malformed: no positive number of units.
    """

    line: LineId
    units: int
    condition: Condition | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot arrive."""
        checked_id(self.line, "$.line")
        check_units(self.units, "$.units")


@frozen(kw_only=True)
class ReturnLine:
    """Units of a line that have come equally far; a line is split where its units part ways.

    ``value`` is what they were refunded or credited, before any fee.
    """

    line: LineId
    units: int
    state: ReturnState
    resolution: Resolution = Resolution.REFUND
    reason: str | None = None
    condition: Condition | None = None
    node: NodeId | None = None
    disposition: Disposition | None = None
    value: Money | None = None


@frozen(kw_only=True)
class Return:
    """One return: its lines, the policy version it was judged by, and what was refunded beside the goods."""

    id: ReturnId
    policy: str
    requested_at: Instant
    authorisation: str | None
    lines: tuple[ReturnLine, ...]
    fee: Money
    shipping: Money


@frozen(kw_only=True)
class ReturnBook:
    """Every return of one order."""

    order: OrderId
    returns: tuple[Return, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse a book without an end."""
        if len(self.returns) > MAX_RETURNS:
            raise Malformed("$.returns", f"must be at most {MAX_RETURNS}")

    def get(self, return_id: ReturnId) -> Return:
        """Give a return.

        Raises: UnknownReturn.
        """
        for each in self.returns:
            if each.id == return_id:
                return each
        raise UnknownReturn(return_id=return_id)

    def with_return(self, changed: Return) -> "ReturnBook":
        """Give the book with a return in place of the one of its id, or added."""
        others = tuple(changed if each.id == changed.id else each for each in self.returns)
        known = any(each.id == changed.id for each in self.returns)
        return evolve(self, returns=others if known else (*others, changed))

    def counted_units(self, line: LineId) -> int:
        """Give the units of a line that are approved, here, or done with: they cannot come back again."""
        return sum(each.units for each in self._lines() if each.line == line and each.state not in _UNCOUNTED)

    def settled_units(self, line: LineId) -> int:
        """Give the units of a line that were refunded or exchanged."""
        return sum(each.units for each in self._lines() if each.line == line and each.state in _SETTLED)

    def settled_minor(self, *, line: LineId | None = None, resolution: Resolution | None = None) -> int:
        """Give the value refunded and exchanged so far, in minor units: of a line or all, of one resolution or both."""
        return sum(
            each.value.minor
            for each in self._lines()
            if each.value is not None and line in {None, each.line} and resolution in {None, each.resolution}
        )

    def fee_minor(self) -> int:
        """Give the fees taken so far, in minor units."""
        return sum(each.fee.minor for each in self.returns)

    def shipping_minor(self) -> int:
        """Give the shipping refunded so far, in minor units."""
        return sum(each.shipping.minor for each in self.returns)

    def _lines(self) -> Iterable[ReturnLine]:
        return (line for each in self.returns for line in each.lines)
