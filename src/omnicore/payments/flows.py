"""How is a payment opened, taken, given back and told of: each as a command, for hosts that use payments alone?

A scenario merges the same decisions with those of other contexts. Either way the requests that come back are put to the
provider with ``ask_provider``, from within a process.
"""

from typing import assert_never

from omnicore.kernel.flow import Given, balances, find, flow, get, question, write
from omnicore.kernel.ids import OrderId, TransactionId
from omnicore.kernel.money import Money
from omnicore.kernel.process import call, step
from omnicore.kernel.records import Stored
from omnicore.payments.answers import record_answer
from omnicore.payments.beginning import Asked
from omnicore.payments.decide import begin_cancel, begin_capture, begin_refund, open_payment
from omnicore.payments.errors import UnknownPayment
from omnicore.payments.kinds import PAYMENTS
from omnicore.payments.messages import Answer, Authorise, Cancel, Capture, Refund, Request
from omnicore.payments.model import Payment, ProviderName, Tender, TenderId, captured_accounts
from omnicore.payments.ports import PaymentProvider
from omnicore.payments.routing import RefundOrder


async def load_payment(order: OrderId) -> Stored[Payment]:
    """Load an order's payment, inside a flow.

    Raises: UnknownPayment.
    """
    if (stored := await get(PAYMENTS, order)) is None:
        raise UnknownPayment(order=order)
    return stored


async def _write(asked: Asked) -> tuple[Request, ...]:
    await write(asked.writes)
    return asked.requests


@flow("payments.pay")
async def pay(given: Given, *, order: OrderId, due: Money, tenders: tuple[Tender, ...]) -> tuple[Request, ...]:
    """Open an order's payment over its tenders; gives what to ask the provider.

    Raises: PaymentExists, TendersDoNotAddUp.
    """
    known = await get(PAYMENTS, order)
    return await _write(open_payment(order=order, due=due, tenders=tenders, at=given.at, known=known))


@flow("payments.capture")
async def capture(
    given: Given, *, order: OrderId, tender: TenderId, transaction: TransactionId, amount: Money | None = None
) -> tuple[Request, ...]:
    """Begin to take what a tender has authorised, all that is left of it unless told how much.

    Raises: as ``begin_capture``; UnknownPayment.
    """
    stored = await load_payment(order)
    return await _write(begin_capture(stored, tender=tender, capture=transaction, at=given.at, amount=amount))


@flow("payments.refund")
async def refund(
    given: Given,
    *,
    order: OrderId,
    id: str,
    amount: Money,
    by: RefundOrder = RefundOrder.LAST_FIRST,
) -> tuple[Request, ...]:
    """Begin to give an amount back over the tenders it came by.

    Raises: as ``begin_refund``; UnknownPayment.
    """
    stored = await load_payment(order)
    funds = await balances(captured_accounts(stored.value))
    return await _write(begin_refund(stored, refund=id, amount=amount, funds=funds, at=given.at, order=by))


@flow("payments.cancel")
async def cancel(given: Given, *, order: OrderId) -> tuple[Request, ...]:
    """Begin to let go whatever was set aside for an order and not taken.

    Raises: AlreadyCaptured, UnknownPayment.
    """
    return await _write(begin_cancel(await load_payment(order), at=given.at))


@flow("payments.take_answer")
async def take_answer(given: Given, *, order: OrderId, transaction: TransactionId, answer: Answer) -> None:
    """Record what a provider says of a transaction: the answer to a call, or a message of its own.

    Raises: as ``record_answer``; UnknownPayment.
    """
    await write(record_answer(await load_payment(order), transaction=transaction, answer=answer))


@question("payments.of_order")
async def payment_of(given: Given, *, order: OrderId) -> Payment:
    """Give an order's payment; ``amounts_of`` and ``payment_status`` say how it stands.

    Raises: UnknownPayment.
    """
    return (await load_payment(order)).value


@question("payments.by_reference")
async def payment_by_reference(given: Given, *, provider: ProviderName, reference: str) -> Payment | None:
    """Give the payment a provider's reference belongs to, for messages that name nothing else."""
    found = await find(PAYMENTS, "reference", equal=(provider, reference), limit=1)
    return found.items[0].value if found.items else None


@question("payments.failed")
async def failed_payments(given: Given, *, limit: int = 100) -> tuple[Payment, ...]:
    """Give the payments of which a capture or refund was declined and not tried again, the oldest first.

    ``payment.failed`` names the transactions. ``capture`` and ``refund`` try again under a new id.
    """
    page = await find(PAYMENTS, "failed", limit=limit)
    return tuple({stored.value.order: stored.value for stored in page.items}.values())


async def ask_provider(request: Request) -> Answer:
    """Put one request to the provider and record its answer; for use inside a process, outside any flow.

    Both are recorded by the process under the transaction's id, so a resumed process neither asks nor records twice.
    """
    answer = await _called(request)
    recorded = take_answer(order=request.order, transaction=request.transaction, answer=answer)
    await step(f"record:{request.order}:{request.transaction}", recorded)
    return answer


async def _called(request: Request) -> Answer:
    name = f"ask:{request.order}:{request.transaction}"
    match request:
        case Authorise():
            return await call(name, PaymentProvider.authorise, request)
        case Capture():
            return await call(name, PaymentProvider.capture, request)
        case Refund():
            return await call(name, PaymentProvider.refund, request)
        case Cancel():
            return await call(name, PaymentProvider.cancel, request)
        case _:
            assert_never(request)
