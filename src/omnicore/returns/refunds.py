"""How much goes back for which units, to the yen?

Each line was paid once, as a whole. The value of some of its units is the share of all units given back so far, less
what was given back before (``share_so_far``): rounding is never repeated, so however a line's units are spread over
returns, and in whatever order, all of them together are worth exactly what was paid. The fee is counted the same way.
"""

from attrs import frozen

from omnicore.kernel.ids import LineId
from omnicore.kernel.money import Money, share_so_far
from omnicore.returns.model import Purchase, RequestedLine, ReturnBook
from omnicore.returns.policy import ReturnPolicy, ShippingRefund, fee_minor
from omnicore.returns.states import Resolution


@frozen(kw_only=True)
class RefundLine:
    """What units of a line are worth: money for a refund, credit for an exchange."""

    line: LineId
    units: int
    resolution: Resolution
    value: Money


@frozen(kw_only=True)
class RefundAmount:
    """What goes back. Law: ``total == goods - fee + shipping``, and none is negative.

    ``goods`` is the value of the lines to be refunded, ``credit`` that of the lines exchanged, which is no money.
    """

    lines: tuple[RefundLine, ...]
    goods: Money
    fee: Money
    shipping: Money
    credit: Money

    @property
    def total(self) -> Money:
        """The money to give back."""
        return self.goods - self.fee + self.shipping


def refund_amount(
    purchase: Purchase,
    *,
    returning: tuple[RequestedLine, ...],
    policy: ReturnPolicy,
    book: ReturnBook | None = None,
) -> RefundAmount:
    """Work out what goes back for units; ``book`` holds what went back before. A preview and the deed are the same sum.

    Law: over any partition of an order's units into refunds, goods add up to what was paid, the fees to the fee on
    it, and shipping is refunded at most once.

    Raises: Malformed for a line that was not bought, or more units than were.
    """
    book = book or ReturnBook(order=purchase.order)
    currency = purchase.currency
    done = {each.line: book.settled_units(each.line) for each in purchase.lines}
    given = {each.line: book.settled_minor(line=each.line) for each in purchase.lines}
    lines = []
    for each in returning:
        line = purchase.line(each.line)
        done[each.line] += each.units
        so_far = share_so_far(line.paid.minor, done=done[each.line], whole=line.bought)
        value = max(so_far - given[each.line], 0)  # less was paid than has gone back: an edited order owes nothing more
        given[each.line] += value
        lines.append(
            RefundLine(line=each.line, units=each.units, resolution=each.resolution, value=Money(value, currency))
        )
    worth = {
        resolution: sum(each.value.minor for each in lines if each.resolution is resolution)
        for resolution in Resolution
    }
    goods = worth[Resolution.REFUND]
    refunded = Money(book.settled_minor(resolution=Resolution.REFUND) + goods, currency)
    fee = min(max(fee_minor(policy.fee, refunded) - book.fee_minor(), 0), goods)
    everything = all(done[each.line] == each.bought for each in purchase.lines)
    due = any(each.resolution is Resolution.REFUND for each in lines) and (
        policy.shipping is ShippingRefund.WITH_FIRST or (policy.shipping is ShippingRefund.WITH_LAST and everything)
    )
    shipping = max(purchase.shipping.minor - book.shipping_minor(), 0) if due else 0
    return RefundAmount(
        lines=tuple(lines),
        goods=Money(goods, currency),
        fee=Money(fee, currency),
        shipping=Money(shipping, currency),
        credit=Money(worth[Resolution.EXCHANGE], currency),
    )
