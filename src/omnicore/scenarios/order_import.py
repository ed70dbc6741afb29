"""How does an order that was placed and paid elsewhere become ours: a marketplace's, a partner's, a call centre's?

The channel's word stands: prices, quantities and its own id are taken over, their tax is assessed as our documents
need it, the customer is created or found again (an anonymised buyer is a customer without a name, known by channel and
buyer id), and the goods are promised and given to nodes. Many orders are one write.

Law: importing the same orders any number of times, in any order, gives one order each, at its newest revision.
"""

from collections.abc import Mapping

from attrs import evolve, frozen

from omnicore.catalog import ProductUnknown, Sold
from omnicore.inventory import OutOfStock, Reservation
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, flow, get, load, together, write
from omnicore.kernel.ids import ChannelId, CustomerId, LineId, OrderId, VariantId
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.network import CHANNELS, Channel, ChannelUnknown
from omnicore.ordering import BUYER, ORDER, Buyer, Order, OrderLine, order_of_channel
from omnicore.ordering import decide as ordering
from omnicore.parties import Seen, decide_customers, load_known
from omnicore.scenarios.promising import Shelves, load_shelves, plan, promise
from omnicore.scenarios.quote import sale_of, title_of, totals_of
from omnicore.tax import JAPAN, JAPAN_INVOICE, RateTable, SaleLine, TaxCategory, TaxPolicy, assess

MAX_ORDERS = 500
"""Orders imported by one command."""


@frozen(kw_only=True)
class ToldLine:
    """A line as the channel tells it: ``total`` is for all units, in minor units, on the channel's tax basis."""

    id: LineId
    variant: VariantId
    units: int
    unit_price: int
    total: int


@frozen(kw_only=True)
class ToldOrder:
    """An order as the channel tells it; ``revision`` counts its versions there, ``seen`` is what it tells of its buyer.

    ``buyer`` is kept with the order, in the vault; its order id is filled in here.
    """

    external_id: str
    revision: int = 0
    placed_at: Instant
    lines: tuple[ToldLine, ...]
    seen: Seen
    buyer: Buyer | None = None


@frozen(kw_only=True)
class Imported:
    """The orders by the channel's id, which of them are short of stock, and of which a newer revision was taken over.

    Both kinds wait for ``promise_again``: the short ones until goods come, the revised ones at once.
    """

    orders: Mapping[str, OrderId]
    short: tuple[OrderId, ...]
    revised: tuple[OrderId, ...] = ()


@flow("scenarios.import_orders")
async def import_orders(
    given: Given,
    *,
    channel: ChannelId,
    orders: tuple[ToldOrder, ...],
    place: str = "JP",
    rates: RateTable = JAPAN,
    policy: TaxPolicy = JAPAN_INVOICE,
    language: str = "ja",
) -> Imported:
    """Take orders over from a channel, at most 500, in a constant number of statements.

    A new order whose goods cannot be promised is placed all the same, because it was sold; it is named as short.

    Raises: ChannelUnknown, ProductUnknown, NoPool, ImportContradicts, Malformed.
    """
    if not 0 < len(orders) <= MAX_ORDERS:
        raise Malformed("$.orders", f"must be 1 to {MAX_ORDERS}")
    ids = {told.external_id: order_of_channel(channel, told.external_id) for told in orders}
    found, shelves, existing = await together(
        _channel(channel),
        load_shelves({line.variant for told in orders for line in told.lines}, channel=channel),
        load(ORDER, ids.values()),
    )
    seen = [_seen_again(told.seen, existing.get(ids[told.external_id])) for told in orders]
    known, known_buyers = await together(
        load_known(seen, at=given.at, blind=given.blind),
        load(BUYER, [ids[told.external_id] for told in orders if told.buyer is not None]),
    )
    recorded = decide_customers(seen, known=known, at=given.at, new_id=given.new_id, blind=given.blind)
    taken = [
        order_of(
            told,
            channel=found,
            customer=customer,
            sold=shelves.sold,
            place=place,
            rates=rates,
            policy=policy,
            language=language,
        )
        for told, customer in zip(orders, recorded.customers, strict=True)
    ]
    buyers = [evolve(told.buyer, order=ids[told.external_id]) for told in orders if told.buyer is not None]
    writes = recorded.writes + ordering.import_orders(
        taken, existing=existing, buyers=buyers, known_buyers=known_buyers
    )
    fresh: dict[OrderId, Order] = {}
    for order in taken:  # of several versions told at once, the newest is what is promised
        if order.id not in existing and (order.id not in fresh or order.revision > fresh[order.id].revision):
            fresh[order.id] = order
    promised, short = _promised(tuple(fresh.values()), shelves=shelves, at=given.at)
    await write(writes + promised)
    revised = {
        order.id for order in taken if order.id in existing and order.revision > existing[order.id].value.revision
    }
    return Imported(orders=ids, short=short, revised=tuple(sorted(revised)))


async def _channel(id_: ChannelId) -> Channel:
    if (stored := await get(CHANNELS, id_)) is None:
        raise ChannelUnknown(channel=id_)
    return stored.value


def _seen_again(seen: Seen, stored: Stored[Order] | None) -> Seen:
    """Book a newer version of an order on whom its first was booked, also when it comes anonymised."""
    if stored is None or stored.value.customer is None:
        return seen
    return evolve(seen, customer=stored.value.customer)


def _promised(orders: tuple[Order, ...], *, shelves: Shelves, at: Instant) -> tuple[Writes, tuple[OrderId, ...]]:
    """Promise each order in turn from what the ones before it leave; those that are short are named."""
    writes, short = Writes(), list[OrderId]()
    for order in orders:
        into = Reservation(id=order.id, channel=order.channel)
        try:
            promised = promise(order.lines, order.groups, shelves=shelves, into=into, expires=None)
        except OutOfStock:
            short.append(order.id)
            continue
        shelves = shelves.less(promised.allocations)
        writes += promised.writes + plan(order.id, order.lines, order.groups, promised.allocations, at=at)
    return writes, tuple(short)


def order_of(
    told: ToldOrder,
    *,
    channel: Channel,
    customer: CustomerId | None,
    sold: Mapping[VariantId, Sold],
    place: str,
    rates: RateTable,
    policy: TaxPolicy,
    language: str,
) -> Order:
    """Give a channel's order in our words, purely.

    Law: no unit and no yen is lost: lines keep their units, and add up to the order's gross or net as told.

    Raises: ProductUnknown, NoRate, Malformed.
    """
    for line in told.lines:
        if line.variant not in sold:
            raise ProductUnknown(product=line.variant)
    category = {line.id: sold[line.variant].product.tax_category for line in told.lines}
    sale_lines = [
        SaleLine(id=line.id, category=TaxCategory(category[line.id]), amount=line.total, units=line.units)
        for line in told.lines
    ]
    sale = sale_of(sale_lines, channel=channel, place=place, at=told.placed_at)
    summary = assess(sale, rates=rates, policy=policy)
    tax = {each.line: each.tax for each in summary.lines}
    return Order(
        id=order_of_channel(channel.id, told.external_id),
        channel=channel.id,
        external_id=told.external_id,
        revision=told.revision,
        customer=customer,
        currency=channel.currency,
        basis=channel.shows,
        tax_policy=policy.name,
        lines=tuple(
            OrderLine(
                id=line.id,
                variant=line.variant,
                title=title_of(sold[line.variant], language=language),
                ordered=line.units,
                unit_price=line.unit_price,
                total=line.total,
                tax=tax[line.id],
                tax_category=category[line.id],
            )
            for line in told.lines
        ),
        totals=totals_of(summary),
        placed_at=told.placed_at,
        changed_at=told.placed_at,
    )
