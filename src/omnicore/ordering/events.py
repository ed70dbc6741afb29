"""What has happened to orders? Told in order, these are an order's timeline."""

from collections.abc import Mapping

from attrs import frozen

from omnicore.kernel.ids import CartId, ChannelId, CustomerId, LineId, OrderId, QuoteId
from omnicore.kernel.journal import event
from omnicore.kernel.money import Money
from omnicore.kernel.time import Instant
from omnicore.ordering.model import Adjustment


@event("ordering.quote_made.v1")
@frozen(kw_only=True)
class QuoteMade:
    """An offer has been made."""

    quote: QuoteId
    cart: CartId
    gross: Money
    expires: Instant

    @property
    def about(self) -> str:
        """The quote's id."""
        return self.quote


@event("ordering.order_placed.v1")
@frozen(kw_only=True)
class OrderPlaced:
    """An order has been placed, or taken over from the channel where it was; some units may have moved before."""

    order: OrderId
    channel: ChannelId
    customer: CustomerId | None
    gross: Money
    lines: int
    placed_at: Instant

    @property
    def about(self) -> str:
        """The order's id."""
        return self.order


@event("ordering.order_reimported.v1")
@frozen(kw_only=True)
class OrderReimported:
    """The channel has told a newer version of an order."""

    order: OrderId
    revision: int
    gross: Money

    @property
    def about(self) -> str:
        """The order's id."""
        return self.order


@event("ordering.units_shipped.v1")
@frozen(kw_only=True)
class UnitsShipped:
    """Units have been handed over, to a carrier or to the buyer."""

    order: OrderId
    units: Mapping[LineId, int]

    @property
    def about(self) -> str:
        """The order's id."""
        return self.order


@event("ordering.units_cancelled.v1")
@frozen(kw_only=True)
class UnitsCancelled:
    """Units, and whole charges, have been cancelled; ``freed`` need not be paid any more."""

    order: OrderId
    units: Mapping[LineId, int]
    charges: tuple[LineId, ...]
    freed: Money

    @property
    def about(self) -> str:
        """The order's id."""
        return self.order


@event("ordering.order_cancelled.v1")
@frozen(kw_only=True)
class OrderCancelled:
    """The last unit of an order has been cancelled, so nothing of it was ever handed over."""

    order: OrderId

    @property
    def about(self) -> str:
        """The order's id."""
        return self.order


@event("ordering.units_returned.v1")
@frozen(kw_only=True)
class UnitsReturned:
    """Units have come back; ``freed`` is what was paid for them."""

    order: OrderId
    units: Mapping[LineId, int]
    freed: Money

    @property
    def about(self) -> str:
        """The order's id."""
        return self.order


@event("ordering.order_claimed.v1")
@frozen(kw_only=True)
class OrderClaimed:
    """An order nobody was known for has been found to be a customer's."""

    order: OrderId
    customer: CustomerId

    @property
    def about(self) -> str:
        """The order's id."""
        return self.order


@event("ordering.order_adjusted.v1")
@frozen(kw_only=True)
class OrderAdjusted:
    """Money of an order has been changed after placement."""

    order: OrderId
    adjustment: Adjustment

    @property
    def about(self) -> str:
        """The order's id."""
        return self.order
