"""How does money move once a write has decided that it must?

The flow that ships, hands over or takes back writes down what to ask of the provider and, in the same write, the run of
``settle``: the clerk does not wait for a provider, and money moves if and only if that write commits. The host's worker
runs it, and goes on with it after a crash.
"""

from omnicore.kernel.flow import Given, balances
from omnicore.kernel.process import process
from omnicore.kernel.records import Stored
from omnicore.kernel.runs import starting
from omnicore.kernel.store import Writes
from omnicore.ordering import Order, moves
from omnicore.payments import (
    Asked,
    Declined,
    Payment,
    Request,
    amounts_of,
    ask_provider,
    begin_cancel,
    begin_refund,
    captured_accounts,
)


@process("scenarios.settle")
async def settle(given: Given, *, requests: tuple[Request, ...]) -> int:
    """Put requests to their providers and record the answers; gives how many were declined.

    Those are for a person to look at: ``payments.failed_payments`` lists them.
    """
    declined = 0
    for request in requests:
        declined += isinstance(await ask_provider(request), Declined)
    return declined


def settling(asked: Asked, *, id: str, given: Given) -> Writes:
    """Give what was asked as writes: the payment's, and the run that puts it to the provider; ``id`` is the cause."""
    if not asked.requests:
        return asked.writes
    run = starting(settle(requests=asked.requests), id=id, at=given.at, actor=given.actor, purpose=given.purpose)
    return asked.writes + Writes(changes=(run,))


async def freed_money(payment: Stored[Payment] | None, after: Order, *, name: str, given: Given) -> Writes:
    """Have money go back that an order needs no more, as it reads once units of it are cancelled.

    What is set aside is let go once nothing of the order is left; until then the rest of the order is paid from it, and
    what remains is let go by its own expiry. What was taken beyond what is still due is refunded.
    """
    if payment is None:
        return Writes()
    amounts = amounts_of(payment.value)
    over = amounts.captured - amounts.refunded - amounts.refunding - after.due
    if not amounts.captured and moves.is_cancelled(after):
        return settling(begin_cancel(payment, at=given.at), id=name, given=given)
    if over.minor <= 0:
        return Writes()
    funds = await balances(captured_accounts(payment.value))
    return settling(begin_refund(payment, refund=name, amount=over, funds=funds, at=given.at), id=name, given=given)
