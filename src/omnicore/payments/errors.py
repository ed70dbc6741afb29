"""When does payments say no?"""

from omnicore.kernel.errors import Refused


class TendersDoNotAddUp(Refused):
    """The tenders are not what is due; facts: ``due``, ``tendered``, ``currency`` (minor units)."""

    code = "payments.tenders_do_not_add_up"
    status = 422


class PaymentExists(Refused):
    """The order has its payment already; an order has one. Facts: ``order``."""

    code = "payments.payment_exists"


class UnknownPayment(Refused):
    """The order has no payment; facts: ``order``."""

    code = "payments.unknown_payment"
    status = 404


class UnknownTender(Refused):
    """The payment has no such tender; facts: ``order``, ``tender``."""

    code = "payments.unknown_tender"
    status = 404


class UnknownTransaction(Refused):
    """The payment has no such transaction; facts: ``order``, ``transaction``."""

    code = "payments.unknown_transaction"
    status = 404


class AlreadyBegun(Refused):
    """A transaction of that id was begun before, by somebody who asks for it; facts: ``order``, ``transaction``."""

    code = "payments.already_begun"


class NotAuthorised(Refused):
    """The tender has no authorisation that was granted and stands; facts: ``order``, ``tender``."""

    code = "payments.not_authorised"


class CaptureExceedsAuthorised(Refused):
    """More would be captured than was authorised; facts: ``order``, ``tender``, ``asked``, ``left``, ``currency``."""

    code = "payments.capture_exceeds_authorised"


class AlreadyCaptured(Refused):
    """What was captured is refunded, not cancelled; facts: ``order``."""

    code = "payments.already_captured"


class AlreadyCancelled(Refused):
    """The tender was cancelled, so nothing more is captured from it; facts: ``order``, ``tender``."""

    code = "payments.already_cancelled"


class RefundExceedsCaptured(Refused):
    """More would go back than was captured and is here; facts: ``order, asked, left, pending, currency``.

    ``pending`` is what providers have been asked to take and have not answered yet: with some of it, try again later.
    """

    code = "payments.refund_exceeds_captured"


class PaymentDeclined(Refused):
    """The provider said no; facts: ``order``, ``transaction``, ``reason`` (the provider's code)."""

    code = "payments.payment_declined"
    status = 402


class ReferenceDiffers(Refused):
    """One transaction succeeded twice under different references: money may have moved twice, and a person must look.

    Facts: ``order``, ``transaction``, ``known``, ``told``.
    """

    code = "payments.reference_differs"
