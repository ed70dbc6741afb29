"""How is something sold over a store's counter, to somebody or nobody we know?

The goods are gone and the money is in the till, so everything here is a fact: the order is placed with all its units
handed over, the stock leaves the node whatever was promised of it, and the payment is captured. Where that leaves less
than is promised, the ledger names the holds at risk, and ``ship_from_store.rescue`` serves them from elsewhere.

A customer is known by what they show: a member card told to ``parties.record_customers`` gives the id to pass here.
"""

from collections.abc import Mapping

from attrs import evolve, frozen

from omnicore.catalog import Sold, components, load_sold
from omnicore.inventory import movements
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, flow, get, load, write
from omnicore.kernel.ids import CartId, ChannelId, CustomerId, LineId, NodeId, OrderId, VariantId
from omnicore.kernel.money import Money
from omnicore.network import NODES, NodeUnknown
from omnicore.ordering import (
    ORDER,
    Cart,
    CartLine,
    DeliveryGroup,
    GroupId,
    Method,
    order_from,
    order_of_cart,
)
from omnicore.ordering import decide as ordering
from omnicore.payments import ProviderName, Tender, TenderId, TenderMethod, open_payment
from omnicore.scenarios.money import settling
from omnicore.scenarios.quote import price
from omnicore.tax import JAPAN, JAPAN_INVOICE, RateTable, TaxPolicy

COUNTER = GroupId("counter")


@frozen(kw_only=True)
class Receipt:
    """What the till prints: the order, what was paid in all, and the tax in it."""

    order: OrderId
    gross: Money
    tax: Money
    units: Mapping[str, int]
    """The steps of each SKU that left the shelf."""


@flow("scenarios.sell_at_till")
async def sell(
    given: Given,
    *,
    receipt: CartId,
    channel: ChannelId,
    node: NodeId,
    items: Mapping[VariantId, int],
    till: ProviderName,
    method: TenderMethod = TenderMethod.CASH,
    customer: CustomerId | None = None,
    place: str = "JP",
    rates: RateTable = JAPAN,
    policy: TaxPolicy = JAPAN_INVOICE,
    language: str = "ja",
) -> Receipt:
    """Ring up what was carried to a till; ``receipt`` is its number, unique in the shop, and is rung up once.

    Raises: ChannelUnknown, NodeUnknown, ProductUnknown, NotOffered, NoPrice, AlreadyPlaced; Malformed for a method
        that only sets money aside: at a till it is taken.
    """
    if method.authorises:
        raise Malformed("$.method", "must take the money at once")
    if await get(NODES, node) is None:
        raise NodeUnknown(node=node)
    cart = Cart(
        id=receipt,
        channel=channel,
        customer=customer,
        lines=tuple(
            CartLine(id=LineId(str(number)), variant=variant, quantity=count, group=COUNTER)
            for number, (variant, count) in enumerate(items.items(), 1)
        ),
        groups=(DeliveryGroup(id=COUNTER, method=Method.HANDED_OVER, node=node),),
    )
    offered = await price(
        cart,
        given=given,
        shipping=None,
        place=place,
        rates=rates,
        policy=policy,
        language=language,
        expires=given.at.plus(minutes=1),
    )
    sold = await load_sold(items)
    order = order_of_cart(receipt)
    existing = await load(ORDER, [order])
    placed = order_from(offered, order=order, at=given.at)
    placed = evolve(placed, lines=tuple(evolve(line, shipped=line.ordered) for line in placed.lines))
    units = _units_of(items, sold)
    tender = Tender(id=TenderId(method.value), method=method, amount=offered.gross, provider=till)
    asked = open_payment(order=order, due=offered.gross, tenders=[tender], at=given.at)
    await write(
        ordering.place([placed], existing=existing)
        + movements.sell_at_till(node=node, units=units, id=f"till/{order}", reference=order)
        + settling(asked, id=f"till-{order}", given=given)
    )
    return Receipt(order=order, gross=offered.gross, tax=Money(offered.totals.tax, offered.currency), units=units)


def _units_of(items: Mapping[VariantId, int], sold: Mapping[VariantId, Sold]) -> dict[str, int]:
    """Give the steps of each SKU that so many of each variant hand over."""
    units: dict[str, int] = {}
    for variant, count in items.items():
        names = {sku.id: sku.unit for sku in sold[variant].skus}
        for sku, steps in components(sold[variant].variant).items():
            units[names[sku]] = units.get(names[sku], 0) + steps * count
    return units
