"""What do documents of the past make of the orders: which sales are placed, and which does a cancellation take back?"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from attrs import evolve, frozen

from omnicore.inventory import accounts
from omnicore.kernel.ids import ChannelId, CustomerId, LineId, OrderId, SkuId, VariantId
from omnicore.kernel.ledger import Post
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.records import Stored
from omnicore.kernel.rounding import Rate
from omnicore.kernel.store import Writes, merged
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    MAX_LINES,
    Order,
    OrderLine,
    OrderReimported,
    RateTotal,
    SoldLine,
    Take,
    Totals,
    match_cancellation,
    moves,
    order_of_channel,
    sold_lines,
)
from omnicore.ordering import decide as ordering
from omnicore.scenarios.past_documents import (
    DOCUMENTS,
    ImportedDocument,
    PastDocument,
    PastLine,
    PastLineClass,
    finer,
    minor,
)


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
        self.fresh: list[OrderId] = []
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
        sold: list[PastLine] = []
        for number, line in enumerate(document.lines):
            match line.kind:
                case "sale":
                    classes.append(PastLineClass.SALE)
                    sold.append(line)
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
        price = line.price_micros
        candidates = [self.orders[each] for each in self.sales.get((customer, line.variant, minor(price)), ())]
        earlier = [order for order in candidates if order.placed_at <= at]
        sold = [each for order in earlier for each in left_at(order, variant=line.variant, price_micros=price)]
        matched = match_cancellation(sold, units=-line.units)
        if matched.rest:
            return []
        by_order: dict[OrderId, dict[LineId, int]] = {}
        for take in matched.takes:
            by_order.setdefault(take.order, {})[take.line] = take.units
        for id_, units in by_order.items():
            self.orders[id_] = moves.return_units(self.orders[id_], units=units, at=at)
        return list(matched.takes)

    def place(self, document: PastDocument, customer: CustomerId | None, lines: Sequence[PastLine]) -> OrderId:
        """Place a document's sales: the number's order takes them in, or, where it cannot, one of their own is made.

        An order is one buyer's and has so many lines at most.
        """
        id_ = order_of_channel(self.channel, document.number)
        known = self.orders.get(id_)
        if known is not None and known.customer == customer and len(known.lines) + len(lines) <= MAX_LINES:
            every = (*known.lines, *_order_lines(lines, behind=len(known.lines)))
            order = evolve(known, revision=known.revision + 1, lines=every, totals=_totals(every))
        else:
            external = document.number if known is None else document.continued(self.channel)
            order = self.begin(document, external, customer, _order_lines(lines, behind=0))
            self.fresh.append(order.id)
        self.orders[order.id] = order
        self.index(order)
        return order.id

    def begin(
        self, document: PastDocument, external: str, customer: CustomerId | None, lines: tuple[OrderLine, ...]
    ) -> Order:
        """Make an order whose goods have been handed over."""
        return Order(
            id=order_of_channel(self.channel, external),
            channel=self.channel,
            external_id=external,
            customer=customer,
            currency=self.currency,
            basis=TaxBasis.INCLUDED,
            tax_policy="as told",
            lines=lines,
            totals=_totals(lines),
            placed_at=document.at,
            changed_at=document.at,
        )

    def writes(self) -> Writes:
        """Give everything that was made and changed, as one write."""
        placed = [self.orders[order] for order in self.fresh]
        return merged(
            [
                ordering.place(placed, existing={}) if placed else Writes(),
                *(self.changed(stored) for stored in self.past.orders.values()),
                Writes(changes=tuple(map(DOCUMENTS.put, self.documents)), moves=tuple(self.posts)),
            ]
        )

    def changed(self, stored: Stored[Order]) -> Writes:
        """Give what has become of an order that stood before: lines that came later, units that came back."""
        before, after = stored.value, self.orders[stored.value.id]
        if len(before.lines) == len(after.lines):
            return ordering.changed(stored, after)
        # The story goes on from the order as it was told again, which is where its returns are counted from.
        lines = tuple(
            evolve(now, returned=was.returned if was else 0) for now, was in zip_longest(after.lines, before.lines)
        )
        told = evolve(stored, value=evolve(after, lines=lines, changed_at=before.changed_at))
        events = ordering.changed(told, after).events
        again = OrderReimported(order=after.id, revision=after.revision, gross=after.gross)
        return Writes(changes=(stored.put(after),), events=(again, *events))


def _totals(lines: Sequence[OrderLine]) -> Totals:
    gross = sum([line.total for line in lines])
    return Totals(net=gross, tax=0, rates=(RateTotal(reason="as_told", rate=Rate.of(0, 1), net=gross, tax=0),))


def _order_lines(lines: Sequence[PastLine], *, behind: int) -> tuple[OrderLine, ...]:
    return tuple(
        OrderLine(
            id=LineId(f"{number}{finer(line.price_micros)}"),
            variant=line.variant,
            title=line.title,
            ordered=line.units,
            unit_price=minor(line.price_micros),
            total=minor(line.units * line.price_micros),
            tax_category="as_told",
            shipped=line.units,
        )
        for number, line in enumerate(lines, start=behind + 1)
    )


def left_at(order: Order, *, variant: VariantId, price_micros: int) -> tuple[SoldLine, ...]:
    """Give the lines of an order that sold a variant at exactly this unit price and have units left."""
    tail = finer(price_micros)
    sold = sold_lines([order], variant=variant, unit_price=minor(price_micros))
    return tuple(line for line in sold if line.line.partition("@")[2] == tail[1:])
