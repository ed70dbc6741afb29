"""How does an offer become an order that is paid, promised and on its way to be picked, whatever fails in between?

A process around the provider's calls: *reserve* holds the goods for a while and writes the payment down, each tender is
put to its provider, and *place* turns the quote into an order, the holds into allocations without an end and gives the
nodes their work. A tender that is declined lets everything go. Every answer is recorded before the next step begins, so
a process killed anywhere goes on where it was: nothing is lost, doubled or charged twice.

Personal data takes no part in it: the buyer's is told beforehand (``buyer.tell_buyer``) and stays in the vault.
"""

from attrs import evolve, frozen

from omnicore.inventory import RESERVATIONS, Reservation, questions
from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.flow import Given, flow, get, write
from omnicore.kernel.ids import CustomerId, OrderId, QuoteId, TransactionId
from omnicore.kernel.money import Money
from omnicore.kernel.process import process, step
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    ORDER,
    AlreadyPlaced,
    PriceChanged,
    Quote,
    QuoteExpired,
    order_of_cart,
)
from omnicore.payments import (
    PAYMENTS,
    Declined,
    NeedsAction,
    PaymentDeclined,
    Request,
    Tender,
    ask_provider,
    open_payment,
    reopen_payment,
    take_answer,
)
from omnicore.scenarios.letting_go import let_everything_go
from omnicore.scenarios.placing import NotPaid, Placed, emptied, load_quote, place, place_or_let_go, shelves_of
from omnicore.scenarios.promising import promise
from omnicore.scenarios.waiting import confirm, end_waiting, expect, paid_order

__all__ = [
    "CheckedOut",
    "CheckoutUnderWay",
    "NotPaid",
    "Placed",
    "Reserved",
    "Waiting",
    "checkout",
    "confirm",
    "end_waiting",
    "paid_order",
    "place",
    "reserve",
]


class CheckoutUnderWay(Refused):
    """Another checkout of the same cart holds its goods."""

    code = "scenarios.checkout_under_way"


@frozen(kw_only=True)
class Waiting:
    """The buyer must act first, at ``url``, for ``transaction``; the goods are held until ``until``. Then confirm."""

    order: OrderId
    transaction: TransactionId
    url: str
    until: Instant


CheckedOut = Placed | Waiting
codec.tagged(CheckedOut, {"placed": Placed, "waiting": Waiting})


@frozen(kw_only=True)
class Reserved:
    """What the first step has secured: the order's id, until when the goods are held, and what to ask providers."""

    order: OrderId
    until: Instant
    requests: tuple[Request, ...]


@process("scenarios.checkout")
async def checkout(
    given: Given,
    *,
    quote: QuoteId,
    shown: Money,
    tenders: tuple[Tender, ...],
    customer: CustomerId | None = None,
    hold_minutes: int = 30,
) -> CheckedOut:
    """Check out a quote at the total its buyer was shown, paying by tenders that add up to it.

    Raises:
        QuoteUnknown, QuoteExpired, PriceChanged, AlreadyPlaced, CheckoutUnderWay, OutOfStock, TendersDoNotAddUp: and
            nothing has been asked of a provider.
        PaymentDeclined: and whatever was held or set aside has been let go.
    """
    reserved = await step("reserve", reserve(quote=quote, shown=shown, tenders=tenders, hold_minutes=hold_minutes))
    waiting: Waiting | None = None
    for number, request in enumerate(reserved.requests, start=1):
        answer = await ask_provider(request)
        if isinstance(answer, Declined):
            for rest in reserved.requests[number:]:  # never asked, and not to stand in the way of the next try
                never = Declined(reason="not_asked", at=answer.at)
                skipped = take_answer(order=rest.order, transaction=rest.transaction, answer=never)
                await step(f"skip:{rest.transaction}", skipped)
            await let_everything_go(reserved.order)
            raise PaymentDeclined(order=reserved.order, transaction=request.transaction, reason=answer.reason)
        if isinstance(answer, NeedsAction) and waiting is None:
            waiting = Waiting(
                order=reserved.order, transaction=request.transaction, url=answer.url, until=reserved.until
            )
    if waiting is not None:
        await step("expect", expect(quote=quote, customer=customer, until=reserved.until))
        return waiting
    return await place_or_let_go(reserved.order, quote, customer)


@flow("scenarios.reserve")
async def reserve(
    given: Given, *, quote: QuoteId, shown: Money, tenders: tuple[Tender, ...], hold_minutes: int
) -> Reserved:
    """Hold what a quote offers and write its payment down.

    Raises: as ``checkout``, but for what providers say.
    """
    if type(hold_minutes) is not int or hold_minutes < 1:
        raise Malformed("$.hold_minutes", "must be a whole number from 1")
    stored = await load_quote(quote)
    offered, order = stored.value, order_of_cart(stored.value.cart)
    if offered.placed is not None or await get(ORDER, order) is not None:
        raise AlreadyPlaced(order=order)
    if given.at >= offered.expires:
        raise QuoteExpired(quote=offered.id, expired=offered.expires.iso())
    if shown != offered.gross:
        raise PriceChanged(quote=offered.id, shown=shown.minor, total=offered.gross.minor)
    before = await get(RESERVATIONS, order)
    if before is not None:
        held = await questions.held_under([before])
        if any(each.live(given.at) for each in held.values()):
            raise CheckoutUnderWay(order=order)
    known = await get(PAYMENTS, order)
    shelves = await shelves_of(offered)
    until = given.at.plus(minutes=hold_minutes)
    promised = promise(
        offered.lines,
        offered.groups,
        shelves=shelves,
        into=_into(before, order=order, offered=offered),
        expires=until,
    )
    if known is None:
        asked = open_payment(order=order, due=offered.gross, tenders=tenders, at=given.at)
    else:
        asked = reopen_payment(known, due=offered.gross, tenders=tenders, at=given.at)
    # Whoever is paying has until the goods are free again, even where the offer would have ended before.
    kept = Writes(changes=(stored.put(evolve(offered, expires=max(until, offered.expires))),))
    await write(promised.writes + asked.writes + kept)
    return Reserved(order=order, until=until, requests=asked.requests)


def _into(before: Stored[Reservation] | None, *, order: OrderId, offered: Quote) -> Stored[Reservation] | Reservation:
    """Give the reservation of an order for this very quote: no other quote of the cart is placed on it."""
    if before is None:
        return Reservation(id=order, channel=offered.channel, reference=offered.id)
    fresh = emptied(before)
    return evolve(fresh, value=evolve(fresh.value, reference=offered.id))
