"""When do returns say no?"""

from omnicore.kernel.errors import Refused


class NotReturnable(Refused):
    """The policy says no.

    Built from the same verdict that ``may_return`` shows. Facts: ``order``, ``policy``, ``because`` and ``nearest``
    (codes of conditions: ``returns.window``, ``returns.final_sale``, ``returns.shipped``, ``returns.authorisation``,
    ``returns.condition``, ``returns.category``, or the host's own), and those of the deciding conditions, as ``line``
    and ``last_day``.
    """

    code = "returns.not_returnable"


class TooManyReturned(Refused):
    """More units would come back than were shipped and have not come back yet.

    Facts: ``order``, ``policy``, ``line``, ``units``, ``left``.
    """

    code = "returns.too_many_returned"


class NotExpected(Refused):
    """More units arrived, or were inspected, than this return still expects.

    Facts: ``return_id``, ``line``, ``units``, ``expected``.
    """

    code = "returns.not_expected"


class ReturnExists(Refused):
    """The order has a return of that id already; facts: ``return_id``."""

    code = "returns.return_exists"


class UnknownReturn(Refused):
    """There is no such return; facts: ``return_id``."""

    code = "returns.unknown_return"
    status = 404


class NothingToRefund(Refused):
    """No unit of the return has been accepted and not yet refunded; facts: ``return_id``."""

    code = "returns.nothing_to_refund"
