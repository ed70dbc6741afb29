"""What is the contract with a buyer, and what has happened to it since?

What is agreed never changes after placement: only the counts of units move, charges are cancelled whole, and
adjustments are added with their date.
"""

from typing import Final

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import CartId, ChannelId, CustomerId, OrderId, checked_id
from omnicore.kernel.money import Money, TaxBasis
from omnicore.kernel.rounding import LIMIT
from omnicore.kernel.time import Instant
from omnicore.ordering.errors import EmptyOrder
from omnicore.ordering.model.terms import (
    Charge,
    DeliveryGroup,
    OrderLine,
    Totals,
    check_count,
    check_minor,
    check_size,
    check_terms,
)

MAX_ADJUSTMENTS: Final = 1_000
MAX_TAGS: Final = 50


@frozen(kw_only=True)
class Adjustment:
    """A dated change of money on an order after placement: positive charges more, negative gives back; tax in it."""

    id: str
    at: Instant
    reason: str
    """A code, never free text: ``goodwill``, ``price_match``, ``marketplace_fee``."""
    amount: int
    tax: int = 0

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.id, "$.id")
        checked_id(self.reason, "$.reason")
        check_minor(self.amount, "$.amount", least=1 - LIMIT)
        check_minor(self.tax, "$.tax", least=1 - LIMIT)
        if not self.amount:
            raise Malformed("$.amount", "must not be zero")


@frozen(kw_only=True)
class Order:
    """The contract: what a buyer ordered in a channel, on which terms, and how far it is.

    Law: the totals of lines and charges add up to the order's net or gross, by its basis, and their tax to its tax.
    """

    id: OrderId
    channel: ChannelId
    external_id: str | None = None
    """What the channel calls the order; at most one order per channel and such id."""
    revision: int = 0
    """The channel's version of what was imported; the newest counts."""
    cart: CartId | None = None
    customer: CustomerId | None = None
    currency: str
    basis: TaxBasis
    tax_policy: str
    """Where and how tax was rounded, as the tax policy's name says."""
    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...] = ()
    groups: tuple[DeliveryGroup, ...] = ()
    totals: Totals
    adjustments: tuple[Adjustment, ...] = ()
    tags: tuple[str, ...] = ()
    """Codes for staff to slice by; nothing personal."""
    placed_at: Instant
    changed_at: Instant
    """The instant of the last change; never steps back."""

    def __attrs_post_init__(self) -> None:
        """Check the parts and the law.

        Raises: Malformed, EmptyOrder.
        """
        checked_id(self.id, "$.id")
        checked_id(self.channel, "$.channel")
        if self.external_id is not None:
            checked_id(self.external_id, "$.external_id")
        if self.cart is not None:
            checked_id(self.cart, "$.cart")
        if self.customer is not None:
            checked_id(self.customer, "$.customer")
        check_count(self.revision, "$.revision")
        if self.changed_at < self.placed_at:
            raise Malformed("$.changed_at", "must not be before placement")
        if not self.lines:
            raise EmptyOrder(order=self.id)
        check_size(self.adjustments, MAX_ADJUSTMENTS, "$.adjustments")
        check_size(self.tags, MAX_TAGS, "$.tags")
        check_terms(
            currency=self.currency,
            basis=self.basis,
            lines=self.lines,
            charges=self.charges,
            groups=self.groups,
            totals=self.totals,
        )

    @property
    def gross(self) -> Money:
        """What was agreed at placement; nothing that happens later changes it."""
        return Money(self.totals.gross, self.currency)

    @property
    def freed(self) -> Money:
        """What no longer has to be paid: the parts of cancelled and returned units, and cancelled charges."""
        lines = sum([line.freed(self.basis) for line in self.lines])
        return Money(lines + sum([c.gross(self.basis) for c in self.charges if c.cancelled]), self.currency)

    @property
    def adjusted(self) -> Money:
        """What adjustments add up to."""
        return Money(sum([each.amount for each in self.adjustments]), self.currency)

    @property
    def due(self) -> Money:
        """What the buyer owes in all: what was agreed, less what is freed, adjusted; never below zero."""
        return max(self.gross - self.freed + self.adjusted, Money(0, self.currency))
