"""Orders in time: ``lifecycle`` cases that cancel, cut short or ship units, by ``omnicore.ordering`` and inventory.

Carts, edits, refunds and parcels with states of their own are "not built".
"""

from collections.abc import Mapping
from typing import Final

from omnicore.kernel.errors import Refused
from omnicore.kernel.ids import ChannelId, LineId, NodeId, OrderId, VariantId
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.rounding import Rate
from omnicore.ordering import (
    Charge,
    ChargeKind,
    FulfilmentStatus,
    MoneyFacts,
    NothingChosen,
    Order,
    OrderLine,
    PaymentStatus,
    RateTotal,
    TooMany,
    Totals,
    fulfilment_status,
    moves,
    payment_status,
)
from omnicore.testing.clock import NOON
from tests.acceptance.comparing import AnyOrder, Named, Refusal
from tests.acceptance.reading import Case, Fields, NotBuilt
from tests.acceptance.warehouse import Warehouse, quantity, steps

_HERE: Final = NodeId("here")
_SHIPPING: Final = 500
"""What shipping costs where a case does not say."""
_PRICE: Final = 1000
_MONEY: Final[Mapping[str, str]] = {"payment_authorized": "authorised", "payment_settled": "captured"}
_ORDER_WORDS: Final[Mapping[PaymentStatus, str]] = {
    PaymentStatus.AUTHORISED: "payment_authorized",
    PaymentStatus.PAID: "payment_settled",
    PaymentStatus.CREDIT_OWED: "payment_settled",
}
_SHIPMENT_WORDS: Final[Mapping[FulfilmentStatus, str]] = {
    FulfilmentStatus.UNFULFILLED: "ready",
    FulfilmentStatus.SHIPPED: "shipped",
    FulfilmentStatus.CANCELLED: "cancelled",
}


class _Desk:
    """An order with its money and stock, and what was refused last."""

    def __init__(self, given: Fields) -> None:
        given.text("currency", "")
        with (given.within("order") if "order" in given else Fields({}, "order")).reading() as order:
            self.state = order.text("state", "payment_settled")
            shipped = order.text("shipment_state", given.text("shipment", "ready"))
        if self.state not in _MONEY or shipped not in {"ready", "shipped"}:
            raise NotBuilt(f"an order that is {self.state} and {shipped}")
        rows = given.rows("lines")
        lines = [_line(row) for row in rows] or [_order_line("A", units=1, price=_PRICE)]
        self.order = _order(lines)
        self.agreed = self.order.due.minor
        self.warehouse: Warehouse | None = None
        if "stock" in given:
            with given.within("stock").reading() as stock:
                on_hand, allocated = stock.whole("on_hand"), stock.whole("allocated")
            self.warehouse = Warehouse([_HERE])
            self.warehouse.bring(
                lines[0].id, _HERE, on_hand=steps(str(on_hand)), promised=[(steps(str(allocated)), None)]
            )
        if shipped == "shipped":
            self.ship()
        self.no: Refusal | None = None

    def ship(self) -> None:
        """Hand over whatever is open."""
        units = {line.id: line.open for line in self.order.lines if line.open}
        self.order = moves.ship_units(self.order, units=units, at=NOON)

    def cancel(self, units: Mapping[LineId, int] | None, *, with_shipping: bool) -> None:
        """Cancel units, and give back what was promised for them."""
        charges = [charge.id for charge in self.order.charges] if with_shipping else []
        before = {line.id: line.cancelled for line in self.order.lines}
        self.order = moves.cancel_units(self.order, units=units, charges=charges, at=NOON)
        for line in self.order.lines:
            if self.warehouse and (freed := line.cancelled - before[line.id]):
                self.warehouse.release(line.id, steps(str(freed)))

    def facts(self) -> Named:
        """Give every fact a case may ask for."""
        order = self.order
        money = {_MONEY[self.state]: self.agreed}
        status = payment_status(MoneyFacts(agreed=self.agreed, due=order.due.minor, **money))
        goods = fulfilment_status(order.lines)
        facts = Named(
            refused=self.no,
            total_with_tax=order.due.minor,
            total_change=order.due.minor - self.agreed,
            shipping_with_tax=sum(charge.total for charge in order.charges if not charge.cancelled),
            units_cancelled=sum(line.cancelled for line in order.lines),
            units=AnyOrder(
                state.value for line in order.lines for state, n in moves.units_in(line).items() for _ in range(n)
            ),
        )
        if goods is FulfilmentStatus.CANCELLED:
            facts["order_state"] = "cancelled"
        elif goods is FulfilmentStatus.UNFULFILLED and status in _ORDER_WORDS:
            facts["order_state"] = _ORDER_WORDS[status]
        if goods in _SHIPMENT_WORDS:
            facts["shipment_state"] = _SHIPMENT_WORDS[goods]
        if len(order.lines) == 1:
            facts["line_quantity"] = order.lines[0].ordered - order.lines[0].cancelled
        if self.warehouse:
            on_hand, held = self.warehouse.standing(order.lines[0].id)[_HERE]
            facts["stock"] = Named(on_hand=int(quantity(on_hand)), allocated=int(quantity(held)))
        return facts


def lifecycle(case: Case) -> Named:
    """Let things happen to an order."""
    with case.givens().reading() as given:
        desk = _Desk(given)
    for step in case.steps():
        with step.reading():
            try:
                _happen(desk, step)
            except TooMany as error:
                desk.no = Refusal("quantity_too_great", code=error.code)
            except NothingChosen as error:
                desk.no = Refusal("empty_selection", code=error.code)
            except Refused as error:
                desk.no = Refusal(error.code, code=error.code)
    return desk.facts()


def _happen(desk: _Desk, step: Fields) -> None:
    match step.first:
        case "cancel":
            step.flag("cancel")
            desk.cancel(None, with_shipping=step.flag("cancel_shipping", default=False))
        case "cancel_lines" | "short_ship" as some:
            with_shipping = step.flag("cancel_shipping", default=False)
            with step.within(some).reading() as units:
                chosen = {LineId(sku): units.whole(sku) for sku in units.names()}
            desk.cancel(chosen, with_shipping=with_shipping)
        case "ship":
            step.flag("ship")
            desk.ship()
        case _:
            raise NotBuilt(f"the step {', '.join(step.names())}")


def _line(row: Fields) -> OrderLine:
    with row.reading():
        return _order_line(row.text("sku"), units=row.whole("quantity"), price=row.whole("price", _PRICE))


def _order_line(sku: str, *, units: int, price: int) -> OrderLine:
    return OrderLine(
        id=LineId(sku),
        variant=VariantId(sku),
        title=sku,
        ordered=units,
        unit_price=price,
        total=price * units,
        tax_category="standard",
    )


def _order(lines: list[OrderLine]) -> Order:
    charge = Charge(id=LineId("shipping"), kind=ChargeKind.SHIPPING, total=_SHIPPING, tax_category="standard")
    total = sum(line.total for line in lines) + _SHIPPING
    return Order(
        id=OrderId("order"),
        channel=ChannelId("web"),
        currency="USD",
        basis=TaxBasis.INCLUDED,
        tax_policy="line/half_up",
        lines=tuple(lines),
        charges=(charge,),
        totals=Totals(net=total, tax=0, rates=(RateTotal(reason="standard", rate=Rate(0), net=total, tax=0),)),
        placed_at=NOON,
        changed_at=NOON,
    )
