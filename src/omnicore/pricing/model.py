"""What does a variant cost, on which list, from how many units on, and when?

A price list says for whom and when its prices count; a list price is one variant's price on one list. Amounts are whole
minor units of the list's currency, per unit, on the list's tax basis.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from attrs import frozen

from omnicore.kernel.currencies import DIGITS
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, PriceListId, VariantId, checked_id
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.rounding import LIMIT
from omnicore.kernel.time import Period

MAX_BREAKS: Final = 50
"""Quantity breaks of one price."""
MAX_PRECEDENCE: Final = 1_000_000
_MAX_QUANTITY: Final = 10**12
_ALWAYS: Final = Period()


@frozen(kw_only=True)
class PriceList:
    """For whom and when prices count: in one channel or in all (None), in one currency and tax basis, for a period.

    Of two lists that both count, that of the channel beats that of all channels, then the higher ``precedence`` wins.
    """

    id: PriceListId
    channel: ChannelId | None = None
    currency: str
    basis: TaxBasis
    valid: Period = _ALWAYS
    precedence: int = 0

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.id, "$.id")
        if self.channel is not None:
            checked_id(self.channel, "$.channel")
        if type(self.currency) is not str or self.currency not in DIGITS:
            raise Malformed("$.currency", "must be an ISO 4217 code")
        if type(self.basis) is not TaxBasis:
            raise Malformed("$.basis", "must say whether tax is included or excluded")
        if type(self.valid) is not Period:
            raise Malformed("$.valid", "must be a period")
        if type(self.precedence) is not int or abs(self.precedence) > MAX_PRECEDENCE:
            raise Malformed("$.precedence", f"must be a whole number within {MAX_PRECEDENCE}")


@frozen
class Break:
    """From ``at_least`` units on, each of them costs ``unit`` minor units (数量割引)."""

    at_least: int
    unit: int

    def __attrs_post_init__(self) -> None:
        """Check both numbers.

        Raises: Malformed.
        """
        if type(self.at_least) is not int or not 0 < self.at_least <= _MAX_QUANTITY:
            raise Malformed("$.at_least", "must be a whole number of at least 1")
        if type(self.unit) is not int or not 0 <= self.unit < LIMIT:
            raise Malformed("$.unit", "must be whole minor units of at least zero")


@frozen(kw_only=True)
class ListPrice:
    """A variant's price on a list: one break from 1 unit on, and cheaper ones from more units on.

    Law: the unit price never rises with the quantity.

    Raises:
        Malformed: no break at 1, breaks out of order, one dearer than that below it, or more than 50.
    """

    list: PriceListId
    variant: VariantId
    breaks: tuple[Break, ...]

    def __attrs_post_init__(self) -> None:
        """Refuse breaks that leave a quantity without a price or punish buying more."""
        checked_id(self.list, "$.list")
        checked_id(self.variant, "$.variant")
        if type(self.breaks) is not tuple or not 0 < len(self.breaks) <= MAX_BREAKS:
            raise Malformed("$.breaks", f"must be 1 to {MAX_BREAKS} breaks")
        if self.breaks[0].at_least != 1:
            raise Malformed("$.breaks[0].at_least", "must be 1")
        for at, (lower, upper) in enumerate(pairwise(self.breaks), 1):
            if upper.at_least <= lower.at_least:
                raise Malformed(f"$.breaks[{at}].at_least", "must be above that of the break before")
            if upper.unit > lower.unit:
                raise Malformed(f"$.breaks[{at}].unit", "must not be dearer than the break before")

    @property
    def key(self) -> str:
        """The key it is stored under; the length keeps ``a`` + ``b/c`` apart from ``a/b`` + ``c``."""
        return price_key(self.list, self.variant)

    def unit_at(self, quantity: int) -> int:
        """Give the unit price for a quantity of at least 1."""
        if type(quantity) is not int or quantity < 1:
            raise Malformed("$.quantity", "must be a whole number of at least 1")
        return next(each.unit for each in self._from_the_top() if each.at_least <= quantity)

    def _from_the_top(self) -> Iterator[Break]:
        return reversed(self.breaks)


def flat(unit: int) -> tuple[Break, ...]:
    """Give the breaks of a price that is the same for every quantity."""
    return (Break(1, unit),)


def price_key(list_id: PriceListId, variant: VariantId) -> str:
    """Give the key of a list price; the length keeps ``a`` + ``b/c`` apart from ``a/b`` + ``c``."""
    return f"{len(list_id)}:{list_id}/{variant}"
