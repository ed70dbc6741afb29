"""What becomes of goods and money when a checkout does not come to an order?

Two steps, each a write of its own: what is held is released and what is set aside is let go; what was taken at once is
given back. Somebody else may confirm the same order meanwhile, so each step reads the payment, then whether the order
stands, and writes the payment, as placing does: whoever comes second meets the other's version and looks again.

Law: an order stands with its goods and its money, or neither is kept.
"""

from omnicore.inventory import decide as inventory
from omnicore.inventory import questions
from omnicore.kernel.flow import Given, balances, flow, get, write
from omnicore.kernel.ids import OrderId
from omnicore.kernel.process import step
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.ordering import ORDER
from omnicore.payments import (
    AlreadyCaptured,
    Payment,
    Request,
    amounts_of,
    ask_provider,
    begin_cancel,
    begin_refund,
    captured_accounts,
    load_payment,
)


def unchanged(payment: Stored[Payment]) -> Writes:
    """Write a payment as it is, so that two who act on what it says cannot both."""
    return Writes(changes=(payment.put(payment.value),))


async def let_everything_go(order: OrderId) -> None:
    """Give up what is held and set aside, and give back what was taken at once; for use inside a process."""
    for request in await step("let_go", let_go(order=order)):
        await ask_provider(request)
    for request in await step("give_back", give_back(order=order)):
        await ask_provider(request)


@flow("scenarios.let_go")
async def let_go(given: Given, *, order: OrderId) -> tuple[Request, ...]:
    """Release what is held for an order that does not come about, and begin to cancel what is set aside for it.

    Where the order stands after all, by another confirmation, goods and money are its own.
    """
    payment = await load_payment(order)
    if await get(ORDER, order) is not None:
        return ()
    reservation = await questions.reservation_under(order)
    released = inventory.release(reservation, held=await questions.held_under([reservation]))
    try:
        asked = begin_cancel(payment, at=given.at)
    except AlreadyCaptured:  # all of it was taken at once, and is given back
        await write(released + unchanged(payment))
        return ()
    await write(released + (asked.writes or unchanged(payment)))
    return asked.requests


@flow("scenarios.give_back")
async def give_back(given: Given, *, order: OrderId) -> tuple[Request, ...]:
    """Begin to refund what was taken at once for an order that does not come about."""
    payment = await load_payment(order)
    if await get(ORDER, order) is not None:
        return ()
    amounts = amounts_of(payment.value)
    left = amounts.captured - amounts.refunded - amounts.refunding
    if not left:
        return ()
    funds = await balances(captured_accounts(payment.value))
    asked = begin_refund(payment, refund="let-go", amount=left, funds=funds, at=given.at)
    await write(asked.writes)
    return asked.requests
