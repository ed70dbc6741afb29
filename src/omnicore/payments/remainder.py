"""What is left to pay, with and without tax, once a tender has covered a part?"""

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.money import Money
from omnicore.kernel.rounding import Rate, Rounding


@frozen(kw_only=True)
class Remainder:
    """What is left to pay: ``gross`` of it, of which ``net`` is without tax."""

    net: Money
    gross: Money


def left_to_pay(*, net: Money, gross: Money, tendered: Money, rounding: Rounding = Rounding.HALF_UP) -> Remainder:
    """Take a tender (a gift card, cash) off a total; the net part shrinks in proportion to the gross.

    Law: ``gross - left.gross == min(tendered, gross)``; nothing tendered leaves everything, all of it leaves nothing.

    Raises: Malformed for negative amounts, a net above the gross, or mixed currencies.
    """
    if min(net.minor, tendered.minor) < 0 or gross < net:
        raise Malformed("$", "must be amounts of at least zero, the net not above the gross")
    left = gross - min(tendered, gross)
    if not left:
        return Remainder(net=left, gross=left)
    return Remainder(net=net.times(Rate.of(left.minor, gross.minor), rounding), gross=left)
