"""What becomes of a checkout whose buyer must act first: pass 3-D Secure, pay a konbini slip?

The goods are held for a while. When the provider tells that the buyer has acted (``payments.take_answer``), the host
runs ``confirm``. Shortly before the hold ends the checkout ends by itself: paid for, it is placed; else everything is
let go. A process never waits for people: ``checkout`` leaves behind the run of ``end_waiting``, due at that time.
"""

from attrs import frozen

from omnicore.inventory import questions
from omnicore.kernel.flow import Given, flow, get, question, write
from omnicore.kernel.ids import CustomerId, OrderId, QuoteId
from omnicore.kernel.process import process, step
from omnicore.kernel.runs import starting
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.ordering import ORDER, order_of_cart
from omnicore.payments import load_payment
from omnicore.scenarios.letting_go import let_everything_go
from omnicore.scenarios.placing import (
    Placed,
    check_paid,
    check_reserved,
    load_quote,
    missing_minor,
    place_or_let_go,
)

GRACE_MINUTES = 1
"""So long before the hold ends, a waiting checkout is ended: while its goods and its offer still stand."""


@process("scenarios.confirm")
async def confirm(given: Given, *, quote: QuoteId, customer: CustomerId | None = None) -> Placed:
    """Place the order of a checkout that waited for its buyer, once the provider has told that they acted.

    Raises: NotPaid, NotReserved; OutOfStock when the goods were held no longer and are gone: the money is then let go.
    """
    return await place_or_let_go(await step("paid", paid_order(quote=quote)), quote, customer)


@process("scenarios.end_waiting")
async def end_waiting(given: Given, *, quote: QuoteId, customer: CustomerId | None = None) -> Placed | None:
    """End a checkout whose buyer had to act, before its goods are held no longer: paid for, it is placed; else let go.

    Started by the checkout itself; gives None where nothing came, or where it was confirmed before.

    Raises: OutOfStock when it was paid for too late, and its goods are gone: the money has then been let go.
    """
    standing = await step("standing", how_it_stands(quote=quote))
    if standing.placed or not standing.reserved:
        return None
    if standing.paid:
        return await place_or_let_go(standing.order, quote, customer)
    await let_everything_go(standing.order)
    return None


@flow("scenarios.expect")
async def expect(given: Given, *, quote: QuoteId, customer: CustomerId | None, until: Instant) -> None:
    """Have a checkout that waits for its buyer ended when its hold is."""
    ending = end_waiting(quote=quote, customer=customer)
    ending_at = max(given.at, until.plus(minutes=-GRACE_MINUTES))
    run = starting(ending, id=given.new_id(), at=given.at, actor=given.actor, purpose=given.purpose, due=ending_at)
    await write(Writes(changes=(run,)))


@frozen(kw_only=True)
class Standing:
    """How a checkout stands: whether its order is placed; if not, whether its goods are the ones held, and paid for."""

    order: OrderId
    placed: bool
    reserved: bool
    paid: bool


@question("scenarios.how_it_stands")
async def how_it_stands(given: Given, *, quote: QuoteId) -> Standing:
    """Say how the checkout of a quote stands.

    Raises: QuoteUnknown, UnknownPayment.
    """
    order = order_of_cart((await load_quote(quote)).value.cart)
    payment = await load_payment(order)
    reservation = await questions.reservation_under(order)
    return Standing(
        order=order,
        placed=await get(ORDER, order) is not None,
        reserved=reservation.value.reference == quote,
        paid=not missing_minor(payment.value),
    )


@flow("scenarios.paid_order")
async def paid_order(given: Given, *, quote: QuoteId) -> OrderId:
    """Give the order of a quote that is covered by what is set aside and taken.

    Raises: NotPaid, NotReserved, QuoteUnknown, UnknownPayment.
    """
    order = order_of_cart((await load_quote(quote)).value.cart)
    payment = await load_payment(order)
    check_reserved((await questions.reservation_under(order)).value, quote=quote)
    check_paid(payment.value)
    return order
