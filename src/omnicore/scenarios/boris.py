"""How does something bought online come back over a store's counter (BORIS, 店舗返品)?

Judged, received, put where its condition says and refunded to the tenders it was paid by, in one write: the policy's
verdict, the return's book, the order's counts, the stock of the receiving store and the refund's first half agree or
none of them happens. The provider is asked when that write has committed.

Law: the purchase a policy sees loses no unit and no yen of the order: lines and shipping add up to its gross.
"""

from collections.abc import Iterable, Mapping

from attrs import frozen

from omnicore.catalog import Sold, components, load_sold
from omnicore.fulfilment import PARCELS, PICKUPS, Parcel, ParcelState, Pickup, PickupState
from omnicore.inventory import ScrapReason, Shelf, movements
from omnicore.kernel.flow import Given, balances, find, flow, get, question, write
from omnicore.kernel.ids import LineId, NodeId, OrderId, ReturnId, VariantId
from omnicore.kernel.money import Money, TaxBasis, share_so_far
from omnicore.kernel.records import MAX_PAGE
from omnicore.kernel.store import Writes, merged
from omnicore.kernel.time import Instant
from omnicore.kernel.verdict import Verdict, all_of
from omnicore.network import CHANNELS, NODES, ChannelUnknown, NodeUnknown
from omnicore.ordering import ORDER, Method, Order, OrderLine, OrderUnknown
from omnicore.ordering import decide as ordering
from omnicore.payments import PAYMENTS, begin_refund, captured_accounts
from omnicore.returns import (
    RETURN_BOOKS,
    Disposition,
    NotReturnable,
    Placement,
    Purchase,
    PurchaseLine,
    RequestedLine,
    ReturnPolicy,
    ReturnRequest,
    may_return,
    take_back,
)
from omnicore.scenarios.money import settling


@frozen(kw_only=True)
class Returned:
    """What a return over the counter has come to: its id, and what goes back."""

    return_id: ReturnId
    refund: Money


@question("scenarios.may_return")
async def may_return_in_store(
    given: Given, *, order: OrderId, lines: tuple[RequestedLine, ...], policy: ReturnPolicy
) -> Verdict:
    """Say whether lines of an order may come back now, with the reasons and what is nearest to holding.

    Raises: OrderUnknown.
    """
    stored = await get(ORDER, order)
    if stored is None:
        raise OrderUnknown(order=order)
    if not (handed := _any_sold(stored.value, lines)).holds:
        return handed
    sold = await load_sold({line.variant for line in stored.value.lines})
    purchase = await _purchase(stored.value, sold)
    book = await get(RETURN_BOOKS, order)
    request = ReturnRequest(lines=lines)
    known = None if book is None else book.value
    return may_return(purchase, policy=policy, at=given.at, request=request, book=known)


@flow("scenarios.return_in_store")
async def return_in_store(
    given: Given, *, order: OrderId, lines: tuple[RequestedLine, ...], node: NodeId, policy: ReturnPolicy
) -> Returned:
    """Take lines of an order back at a store; every line names the condition of what is in hand.

    Raises: OrderUnknown, NodeUnknown, NotReturnable, TooManyReturned, RefundExceedsCaptured.
    """
    stored = await get(ORDER, order)
    if stored is None:
        raise OrderUnknown(order=order)
    if await get(NODES, node) is None:  # stock nobody can ever promise or find again would lie there
        raise NodeUnknown(node=node)
    _any_sold(stored.value, lines).or_refuse(NotReturnable, order=order, policy=policy.version)
    sold = await load_sold({line.variant for line in stored.value.lines})
    purchase = await _purchase(stored.value, sold)
    book = await get(RETURN_BOOKS, order)
    payment = await get(PAYMENTS, order)
    funds = await balances(captured_accounts(payment.value) if payment else ())
    name = ReturnId(given.new_id())
    taken = take_back(
        book,
        return_id=name,
        request=ReturnRequest(lines=lines),
        node=node,
        purchase=purchase,
        policy=policy,
        at=given.at,
    )
    units: dict[LineId, int] = {}
    for each in taken.placements:
        units[each.line] = units.get(each.line, 0) + each.units
    writes = taken.writes + ordering.record_return(stored, units=units, at=given.at)
    writes += merged(_put_away(stored.value, taken.placements, sold=sold, name=name))
    refund = taken.amount.total
    if payment is not None and refund:
        asked = begin_refund(payment, refund=name, amount=refund, funds=funds, at=given.at)
        writes += settling(asked, id=f"return-{name}", given=given)
    await write(writes)
    return Returned(return_id=name, refund=refund)


def _any_sold(order: Order, lines: Iterable[RequestedLine]) -> Verdict:
    """Judge whether anything was sold of each line: a line that was cancelled whole is no part of the purchase."""
    units = {wanted.line: wanted.units for wanted in lines}
    gone = [line.id for line in order.lines if line.id in units and line.cancelled == line.ordered]
    return all_of(Verdict.no("returns.shipped", line=line, units=units[line], shipped=0) for line in gone)


async def _purchase(order: Order, sold: Mapping[VariantId, Sold]) -> Purchase:
    channel = await get(CHANNELS, order.channel)
    if channel is None:
        raise ChannelUnknown(channel=order.channel)
    parcels = await find(PARCELS, "order", equal=(order.id,), limit=MAX_PAGE)
    pickups = await find(PICKUPS, "order", equal=(order.id,), limit=MAX_PAGE)
    return purchase_of(
        order,
        zone=channel.value.zone,
        categories={variant: each.product.category for variant, each in sold.items()},
        parcels=[each.value for each in parcels.items],
        pickups=[each.value for each in pickups.items],
    )


def purchase_of(
    order: Order,
    *,
    zone: str,
    categories: Mapping[VariantId, str],
    parcels: Iterable[Parcel],
    pickups: Iterable[Pickup],
) -> Purchase:
    """Map an order to what returns must know of it; ``categories`` are the products' own, for rules that name them.

    Law: bought units are ordered less cancelled; paid amounts and shipping add up to the order's due before returns.
    """
    got: dict[LineId, Instant] = {}
    for parcel in parcels:
        if parcel.state is ParcelState.DELIVERED and parcel.delivered_at is not None:
            for item in parcel.items:
                got[item.line] = max(got.get(item.line, parcel.delivered_at), parcel.delivered_at)
    for pickup in pickups:
        if pickup.state is PickupState.COLLECTED and pickup.collected_at is not None:
            for item in pickup.items:
                got[item.line] = max(got.get(item.line, pickup.collected_at), pickup.collected_at)
    carried = {group.id for group in order.groups if group.method is Method.HANDED_OVER}
    currency = order.currency
    return Purchase(
        order=order.id,
        placed=order.placed_at,
        zone=zone,
        lines=tuple(
            PurchaseLine(
                line=line.id,
                bought=line.ordered - line.cancelled,
                shipped=line.shipped,
                paid=Money(_paid(line, basis=order.basis), currency),
                handed_over=order.placed_at if line.group in carried else got.get(line.id),
                categories=frozenset({categories.get(line.variant, "")} - {""}),
            )
            for line in order.lines
            if line.cancelled < line.ordered
        ),
        shipping=Money(sum(each.gross(order.basis) for each in order.charges if not each.cancelled), currency),
    )


def _paid(line: OrderLine, *, basis: TaxBasis) -> int:
    return line.gross(basis) - share_so_far(line.gross(basis), done=line.cancelled, whole=line.ordered)


def _put_away(
    order: Order, placements: Iterable[Placement], *, sold: dict[VariantId, Sold], name: str
) -> Iterable[Writes]:
    """Turn placements of line units into stock: every component of every unit comes in at the receiving node."""
    variant = {line.id: sold[line.variant] for line in order.lines}
    for number, each in enumerate(placements):
        names = {sku.id: sku.unit for sku in variant[each.line].skus}
        units = {names[sku]: steps * each.units for sku, steps in components(variant[each.line].variant).items()}
        shelf = Shelf.ON_HAND if each.disposition is Disposition.RESTOCK else Shelf.QUARANTINE
        yield movements.restock(node=each.node, units=units, shelf=shelf, id=f"return/{name}/{number}", reference=name)
        if each.disposition is Disposition.SCRAP:
            yield movements.scrap(
                node=each.node,
                units=units,
                reason=ScrapReason.DAMAGED,
                shelf=shelf,
                id=f"return/{name}/{number}/scrap",
            )
