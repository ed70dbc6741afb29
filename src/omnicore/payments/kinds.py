"""Under which keys is a payment stored, and how is it found from a provider's message?"""

from collections.abc import Iterable

from omnicore.kernel.records import Index, Kind
from omnicore.kernel.time import Instant
from omnicore.payments.model import Payment


def _references(payment: Payment) -> Iterable[tuple[str, str]]:
    providers = {tender.id: tender.provider for tender in payment.tenders}
    for transaction in payment.transactions:
        if transaction.reference is not None:
            yield providers[transaction.tender], transaction.reference


def _failed(payment: Payment) -> Iterable[tuple[Instant]]:
    return [(each.told,) for each in payment.failed if each.told is not None]


PAYMENTS = Kind(
    name="payments.payment",
    type=Payment,
    key=lambda payment: payment.order,
    # A provider's reference belongs to one payment for ever; that several steps of one payment share it is usual.
    # ``failed`` lists what a person must look at: goods have gone or come back, and their money has not moved.
    indexes=(Index("reference", _references, unique=True), Index("failed", _failed)),
)
