"""How does a quote whose goods are held become an order?

What is set aside or taken must cover it; the holds become allocations without an end, the nodes get their work. The
payment is read first and written as it is, so that a checkout which is being let go and one that is being placed meet
on it: see ``letting_go``.
"""

from attrs import evolve, frozen

from omnicore.inventory import Reservation, questions
from omnicore.inventory import decide as inventory
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, flow, get, load, together, write
from omnicore.kernel.ids import CustomerId, OrderId, QuoteId
from omnicore.kernel.ledger import Held, Void
from omnicore.kernel.money import Money
from omnicore.kernel.process import step
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.ordering import ORDER, QUOTE, AlreadyPlaced, Quote, QuoteUnknown, order_of_cart
from omnicore.ordering import decide as ordering
from omnicore.payments import Payment, Step, amounts_of, load_payment
from omnicore.scenarios.letting_go import let_everything_go, unchanged
from omnicore.scenarios.promising import Shelves, load_shelves, plan, promise


class NotPaid(Refused):
    """What is set aside or taken does not cover the order yet."""

    code = "scenarios.not_paid"
    status = 402


class NotReserved(Refused):
    """The goods of this cart are held, and its money is set aside, for another quote."""

    code = "scenarios.not_reserved"


@frozen(kw_only=True)
class Placed:
    """The order stands: paid for, its goods promised without an end, its work with the nodes."""

    order: OrderId
    gross: Money


async def place_or_let_go(order: OrderId, quote: QuoteId, customer: CustomerId | None) -> Placed:
    """Place an order, or give up what is held and set aside for it; for use inside a process."""
    try:
        return await step("place", place(quote=quote, customer=customer))
    except Refused:
        await let_everything_go(order)
        raise


@flow("scenarios.place")
async def place(given: Given, *, quote: QuoteId, customer: CustomerId | None = None) -> Placed:
    """Turn a reserved quote into its order; goods whose hold has ended meanwhile are promised afresh if they are there.

    Raises: AlreadyPlaced, QuoteUnknown, QuoteExpired, NotReserved, NotPaid, OutOfStock.
    """
    stored = await load_quote(quote)
    offered, order = stored.value, order_of_cart(stored.value.cart)
    payment, reservation, existing = await together(
        load_payment(order),  # before the goods, and written below: see ``letting_go``
        questions.reservation_under(order),
        load(ORDER, [order]),
    )
    held = await questions.held_under([reservation])
    if order in existing:
        raise AlreadyPlaced(order=order)
    check_reserved(reservation.value, quote=quote)
    check_paid(payment.value)
    if held and all(each.live(given.at) for each in held.values()):
        allocations = reservation.value.allocations
        promised = inventory.extend([reservation], held=held, at=given.at, expires=None)
    else:
        again = promise(
            offered.lines, offered.groups, shelves=await shelves_of(offered), into=emptied(reservation), expires=None
        )
        allocations, promised = again.allocations, again.writes + _freed(held, given.at)
    known = evolve(stored, value=evolve(offered, customer=offered.customer or customer))
    accepted = ordering.accept(known, order=order, shown=offered.gross, at=given.at, existing=existing)
    planned = plan(order, offered.lines, offered.groups, allocations, at=given.at)
    await write(promised + accepted + planned + unchanged(payment))
    return Placed(order=order, gross=offered.gross)


def missing_minor(payment: Payment) -> int:
    """Give what is not covered of what is due; what is being let go or given back covers nothing."""
    amounts = amounts_of(payment)
    leaving = sum(each.amount.minor for each in payment.steps(Step.CANCEL) if each.told is None)
    covered = amounts.authorised + amounts.captured - amounts.refunded - amounts.refunding
    return max(amounts.due.minor - covered.minor + leaving, 0)


def check_paid(payment: Payment) -> None:
    """Refuse a payment that does not cover what is due.

    Raises: NotPaid.
    """
    if missing := missing_minor(payment):
        raise NotPaid(order=payment.order, due=payment.due.minor, missing=missing)


def check_reserved(reservation: Reservation, *, quote: QuoteId) -> None:
    """Refuse a quote that is not the one whose goods are held: of two quotes of a cart, the dearer is not paid for.

    Raises: NotReserved.
    """
    if reservation.reference != quote:
        raise NotReserved(quote=quote, order=reservation.id)


async def load_quote(quote: QuoteId) -> Stored[Quote]:
    """Read a quote.

    Raises: QuoteUnknown.
    """
    if (stored := await get(QUOTE, quote)) is None:
        raise QuoteUnknown(quote=quote)
    return stored


async def shelves_of(offered: Quote) -> Shelves:
    """Read what promising a quote needs."""
    return await load_shelves({line.variant for line in offered.lines}, channel=offered.channel)


def emptied(stored: Stored[Reservation]) -> Stored[Reservation]:
    """Give a reservation as it is written once what it listed counts no more."""
    return evolve(stored, value=evolve(stored.value, allocations=()))


def _freed(held: dict[str, Held], at: Instant) -> Writes:
    return Writes(moves=tuple(Void(hold=name) for name, each in sorted(held.items()) if each.live(at)))
