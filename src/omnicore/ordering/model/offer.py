"""What does somebody want, and what was offered for it until when?

A cart is an intent: variants and quantities, nothing agreed, stored by the host if at all. A quote is an offer: priced,
taxed, and good until it expires.
"""

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import CartId, ChannelId, CustomerId, LineId, OrderId, QuoteId, VariantId, checked_id
from omnicore.kernel.money import Money, TaxBasis
from omnicore.kernel.time import Instant
from omnicore.ordering.errors import EmptyOrder
from omnicore.ordering.model.terms import (
    MAX_LINES,
    Charge,
    DeliveryGroup,
    GroupId,
    OrderLine,
    Totals,
    check_count,
    check_size,
    check_terms,
)


@frozen(kw_only=True)
class CartLine:
    """So many units of a variant; ``group`` is the delivery group the buyer chose for them."""

    id: LineId
    variant: VariantId
    quantity: int
    group: GroupId | None = None

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.id, "$.id")
        checked_id(self.variant, "$.variant")
        check_count(self.quantity, "$.quantity", least=1)


@frozen(kw_only=True)
class Cart:
    """An intent to buy in a channel. A cart becomes at most one order.

    Raises:
        EmptyOrder: it has no line.
        Malformed: a line id twice, or more than 5,000 lines.
    """

    id: CartId
    channel: ChannelId
    customer: CustomerId | None = None
    lines: tuple[CartLine, ...]
    groups: tuple[DeliveryGroup, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Check the parts."""
        checked_id(self.id, "$.id")
        checked_id(self.channel, "$.channel")
        check_size(self.lines, MAX_LINES, "$.lines")
        if not self.lines:
            raise EmptyOrder(cart=self.id)
        if len({line.id for line in self.lines}) != len(self.lines):
            raise Malformed("$.lines", "must have an id each")
        if not {line.group for line in self.lines} <= {group.id for group in self.groups} | {None}:
            raise Malformed("$.lines", "must be in groups of the cart")


@frozen(kw_only=True)
class Quote:
    """A frozen offer: what an order of this cart would say, good until before ``expires``."""

    id: QuoteId
    cart: CartId
    channel: ChannelId
    customer: CustomerId | None = None
    currency: str
    basis: TaxBasis
    tax_policy: str
    lines: tuple[OrderLine, ...]
    charges: tuple[Charge, ...] = ()
    groups: tuple[DeliveryGroup, ...] = ()
    totals: Totals
    made_at: Instant
    expires: Instant
    placed: OrderId | None = None
    """The order it has become."""

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed, EmptyOrder.
        """
        checked_id(self.id, "$.id")
        checked_id(self.cart, "$.cart")
        checked_id(self.channel, "$.channel")
        if not self.lines:
            raise EmptyOrder(cart=self.cart)
        if self.expires <= self.made_at:
            raise Malformed("$.expires", "must be after the offer was made")
        if any(line.open != line.ordered for line in self.lines):
            raise Malformed("$.lines", "must be untouched")
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
        """What the buyer would pay."""
        return Money(self.totals.gross, self.currency)
