"""What do documents of the past make of the orders: which sales are placed, and which does a cancellation take back?"""

from collections.abc import Mapping, Sequence

from attrs import frozen

from omnicore.inventory import accounts
from omnicore.kernel.ids import ChannelId, CustomerId, LineId, OrderId, SkuId, VariantId
from omnicore.kernel.ledger import Post
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.records import Stored
from omnicore.kernel.rounding import Rate
from omnicore.kernel.store import Writes, merged
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    Order,
    OrderLine,
    RateTotal,
    Take,
    Totals,
    match_cancellation,
    moves,
    order_of_channel,
    sold_lines,
)
from omnicore.ordering import decide as ordering
from omnicore.scenarios.past_documents import DOCUMENTS, ImportedDocument, PastDocument, PastLine, PastLineClass, minor


@frozen(kw_only=True)
class Past:
    """What was read: orders that stand where new ones would, sales that may be taken back, and who the buyers are."""

    orders: Mapping[str, Stored[Order]]
    customers: Mapping[str, CustomerId]
    writes: Writes


class Book:
    """Orders while documents are taken in one after the other, each seeing the sales of those before it."""

    def __init__(self, channel: ChannelId, currency: str, past: Past) -> None:
        """Begin with what was read."""
        self.channel = channel
        self.currency = currency
        self.past = past
        self.orders: dict[OrderId, Order] = {stored.value.id: stored.value for stored in past.orders.values()}
        self.fresh: dict[OrderId, Order] = {}
        self.documents: list[ImportedDocument] = []
        self.posts: list[Post] = []
        self.sales: dict[tuple[CustomerId, VariantId, int], set[OrderId]] = {}
        for order in self.orders.values():
            self.index(order)

    def index(self, order: Order) -> None:
        """Enter an order's lines, so that a cancellation finds them."""
        if order.customer is not None:
            for line in order.lines:
                self.sales.setdefault((order.customer, line.variant, line.unit_price), set()).add(order.id)

    def take_in(self, key: str, document: PastDocument) -> ImportedDocument:
        """Class a document's lines, place its sales and take back what it cancels."""
        customer = None if document.customer is None else self.past.customers.get(document.customer)
        classes: list[PastLineClass] = []
        takes: list[Take] = []
        sold: list[OrderLine] = []
        for number, line in enumerate(document.lines):
            match line.kind:
                case "sale":
                    classes.append(PastLineClass.SALE)
                    sold.append(_order_line(number, line))
                    self.post(key, number, line, accounts.HISTORY, accounts.CUSTOMER)
                case "cancellation":
                    matched = self.cancel(customer, line, at=document.at)
                    takes += matched
                    found = PastLineClass.CANCELLATION_MATCHED if matched else PastLineClass.CANCELLATION_UNMATCHED
                    classes.append(found)
                    self.post(key, number, line, accounts.CUSTOMER, accounts.HISTORY)
                case _:
                    classes.append(PastLineClass(line.kind))
        order = self.place(document, customer, sold) if sold else None
        imported = ImportedDocument(
            key=key,
            channel=self.channel,
            number=document.number,
            at=document.at,
            classes=tuple(classes),
            order=order,
            takes=tuple(takes),
        )
        self.documents.append(imported)
        return imported

    def post(self, key: str, number: int, line: PastLine, source: str, target: str) -> None:
        """Move a line's units; ``number`` is its place in the document with this ``key``."""
        self.posts.append(
            Post(
                id=f"history/{key[:32]}/{number}",
                unit=accounts.sku_unit(SkuId(line.variant)),
                source=source,
                target=target,
                amount=abs(line.units),
                fact=True,
            )
        )

    def cancel(self, customer: CustomerId | None, line: PastLine, *, at: Instant) -> list[Take]:
        """Take units back from earlier sales, all of them or none."""
        if customer is None:
            return []
        price = minor(line.price_micros)
        candidates = [self.orders[each] for each in self.sales.get((customer, line.variant, price), ())]
        earlier = [order for order in candidates if order.placed_at <= at]
        matched = match_cancellation(sold_lines(earlier, variant=line.variant, unit_price=price), units=-line.units)
        if matched.rest:
            return []
        for take in matched.takes:
            self.orders[take.order] = moves.return_units(self.orders[take.order], units={take.line: take.units}, at=at)
        return list(matched.takes)

    def place(self, document: PastDocument, customer: CustomerId | None, lines: Sequence[OrderLine]) -> OrderId:
        """Place the order of a document's sales; lines under a number that has one make an order of their own."""
        external = document.number
        if order_of_channel(self.channel, external) in self.orders:
            external = document.continued(self.channel)
        gross = sum(line.total for line in lines)
        order = Order(
            id=order_of_channel(self.channel, external),
            channel=self.channel,
            external_id=external,
            customer=customer,
            currency=self.currency,
            basis=TaxBasis.INCLUDED,
            tax_policy="as told",
            lines=tuple(lines),
            totals=Totals(net=gross, tax=0, rates=(RateTotal(reason="as_told", rate=Rate.of(0, 1), net=gross, tax=0),)),
            placed_at=document.at,
            changed_at=document.at,
        )
        self.orders[order.id] = self.fresh[order.id] = order
        self.index(order)
        return order.id

    def writes(self) -> Writes:
        """Give everything that was made and changed, as one write."""
        placed = [self.orders[order] for order in self.fresh]
        changed = [ordering.changed(stored, self.orders[stored.value.id]) for stored in self.past.orders.values()]
        return merged(
            [
                ordering.place(placed, existing={}) if placed else Writes(),
                *changed,
                Writes(changes=tuple(map(DOCUMENTS.put, self.documents)), moves=tuple(self.posts)),
            ]
        )


def _order_line(number: int, line: PastLine) -> OrderLine:
    return OrderLine(
        id=LineId(str(number + 1)),
        variant=line.variant,
        title=line.title,
        ordered=line.units,
        unit_price=minor(line.price_micros),
        total=minor(line.units * line.price_micros),
        tax_category="as_told",
        shipped=line.units,
    )
