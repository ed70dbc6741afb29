"""How does an offer become an order that is paid, promised and on its way to be picked, whatever fails in between?

A process around the provider's calls: *reserve* holds the goods for a while and writes the payment down, each tender is
put to its provider, and *place* turns the quote into an order, the holds into allocations without an end and gives the
nodes their work. A tender that is declined lets everything go. Every answer is recorded before the next step begins, so
a process killed anywhere goes on where it was: nothing is lost, doubled or charged twice.

Personal data takes no part in it: the buyer's is told beforehand (``buyer.tell_buyer``) and stays in the vault.
"""

from attrs import evolve, frozen

from omnicore.inventory import RESERVATIONS, Reservation, questions
from omnicore.inventory import decide as inventory
from omnicore.kernel import codec
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, flow, get, load, write
from omnicore.kernel.ids import CustomerId, OrderId, QuoteId, TransactionId
from omnicore.kernel.ledger import Held, Void
from omnicore.kernel.money import Money
from omnicore.kernel.process import process, step
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    ORDER,
    QUOTE,
    AlreadyPlaced,
    PriceChanged,
    Quote,
    QuoteExpired,
    QuoteUnknown,
    order_of_cart,
)
from omnicore.ordering import decide as ordering
from omnicore.payments import (
    PAYMENTS,
    Declined,
    NeedsAction,
    Payment,
    PaymentDeclined,
    Request,
    Step,
    Tender,
    amounts_of,
    ask_provider,
    load_payment,
    open_payment,
    reopen_payment,
    take_answer,
)
from omnicore.scenarios.letting_go import let_everything_go, unchanged
from omnicore.scenarios.promising import Shelves, load_shelves, plan, promise


class CheckoutUnderWay(Refused):
    """Another checkout of the same cart holds its goods."""

    code = "scenarios.checkout_under_way"


class NotPaid(Refused):
    """What is set aside or taken does not cover the order yet."""

    code = "scenarios.not_paid"
    status = 402


@frozen(kw_only=True)
class Placed:
    """The order stands: paid for, its goods promised without an end, its work with the nodes."""

    order: OrderId
    gross: Money


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
        return waiting
    return await _place(reserved.order, quote, customer)


@process("scenarios.confirm")
async def confirm(given: Given, *, quote: QuoteId, customer: CustomerId | None = None) -> Placed:
    """Place the order of a checkout that waited for its buyer, once the provider has told that they acted.

    Raises: NotPaid; OutOfStock when the goods were held no longer and are gone: the money has then been let go.
    """
    return await _place(await step("paid", paid_order(quote=quote)), quote, customer)


async def _place(order: OrderId, quote: QuoteId, customer: CustomerId | None) -> Placed:
    try:
        return await step("place", place(quote=quote, customer=customer))
    except Refused:
        await let_everything_go(order)
        raise


@flow("scenarios.reserve")
async def reserve(
    given: Given, *, quote: QuoteId, shown: Money, tenders: tuple[Tender, ...], hold_minutes: int
) -> Reserved:
    """Hold what a quote offers and write its payment down.

    Raises: as ``checkout``, but for what providers say.
    """
    stored = await _quote(quote)
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
    shelves = await _shelves(offered)
    until = given.at.plus(minutes=hold_minutes)
    promised = promise(
        offered.lines,
        offered.groups,
        shelves=shelves,
        into=Reservation(id=order, channel=offered.channel) if before is None else _emptied(before),
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


@flow("scenarios.paid_order")
async def paid_order(given: Given, *, quote: QuoteId) -> OrderId:
    """Give the order of a quote that is covered by what is set aside and taken.

    Raises: NotPaid, QuoteUnknown, UnknownPayment.
    """
    order = order_of_cart((await _quote(quote)).value.cart)
    _check_paid((await load_payment(order)).value)
    return order


def _check_paid(payment: Payment) -> None:
    """Refuse a payment that does not cover what is due; what is being let go or given back covers nothing."""
    amounts = amounts_of(payment)
    leaving = sum(each.amount.minor for each in payment.steps(Step.CANCEL) if each.told is None)
    covered = amounts.authorised + amounts.captured - amounts.refunded - amounts.refunding
    if covered.minor - leaving < amounts.due.minor:
        raise NotPaid(order=payment.order, due=amounts.due.minor, covered=max(covered.minor - leaving, 0))


@flow("scenarios.place")
async def place(given: Given, *, quote: QuoteId, customer: CustomerId | None = None) -> Placed:
    """Turn a reserved quote into its order; goods whose hold has ended meanwhile are promised afresh if they are there.

    Raises: AlreadyPlaced, QuoteUnknown, QuoteExpired, NotPaid, OutOfStock.
    """
    stored = await _quote(quote)
    offered, order = stored.value, order_of_cart(stored.value.cart)
    payment = await load_payment(order)  # before the goods, and written below: see ``letting_go``
    reservation = await questions.reservation_under(order)
    held = await questions.held_under([reservation])
    existing = await load(ORDER, [order])
    if order in existing:
        raise AlreadyPlaced(order=order)
    _check_paid(payment.value)
    if held and all(each.live(given.at) for each in held.values()):
        allocations = reservation.value.allocations
        promised = inventory.extend([reservation], held=held, at=given.at, expires=None)
    else:
        again = promise(
            offered.lines, offered.groups, shelves=await _shelves(offered), into=_emptied(reservation), expires=None
        )
        allocations, promised = again.allocations, again.writes + _freed(held, given.at)
    known = evolve(stored, value=evolve(offered, customer=offered.customer or customer))
    accepted = ordering.accept(known, order=order, shown=offered.gross, at=given.at, existing=existing)
    planned = plan(order, offered.lines, offered.groups, allocations, at=given.at)
    await write(promised + accepted + planned + unchanged(payment))
    return Placed(order=order, gross=offered.gross)


async def _quote(quote: QuoteId) -> Stored[Quote]:
    if (stored := await get(QUOTE, quote)) is None:
        raise QuoteUnknown(quote=quote)
    return stored


async def _shelves(offered: Quote) -> Shelves:
    return await load_shelves({line.variant for line in offered.lines}, channel=offered.channel)


def _emptied(stored: Stored[Reservation]) -> Stored[Reservation]:
    """Give a reservation as it is written once what it listed counts no more."""
    return evolve(stored, value=evolve(stored.value, allocations=()))


def _freed(held: dict[str, Held], at: Instant) -> Writes:
    return Writes(moves=tuple(Void(hold=name) for name, each in sorted(held.items()) if each.live(at)))
