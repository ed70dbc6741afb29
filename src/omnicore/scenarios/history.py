"""How do the orders of years before become ours, so that every line of their export is accounted for?

History is a fact: it moves ``world/history`` to ``world/customer``, never a node's stock, and refuses nothing that can
be read. Each document of the source (an invoice, or the lines of it that stand together) is kept with the class of
every line, under a key made of its contents, so a second run changes nothing and a run that died goes on where it was.

A cancellation takes back earlier sales of the same customer, variant and unit price, newest first, over everything
imported before, splitting as needed; one that finds too few units takes back none and is named unmatched.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from attrs import evolve, frozen

from omnicore.inventory import accounts
from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, find, flow, load, write
from omnicore.kernel.ids import ChannelId, CustomerId, LineId, OrderId, SkuId, VariantId
from omnicore.kernel.ledger import Post
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.personal import Personal
from omnicore.kernel.records import MAX_PAGE, Index, Kind, Stored
from omnicore.kernel.rounding import Rate, Rounding, round_div
from omnicore.kernel.store import Writes, merged
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    MAX_LINES,
    ORDER,
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
from omnicore.parties import IdentityKind, Seen, Teller, ToldIdentity, decide_customers, load_known

MAX_DOCUMENTS = 200
"""Documents imported by one write."""
_MICROS_PER_MINOR = 10_000
"""Source prices are exact millionths; orders keep hundredths (the currencies of history have two digits)."""


class PastLineClass(StrEnum):
    """What became of a line of history; every line ends in exactly one class."""

    SALE = "sale"
    CANCELLATION_MATCHED = "cancellation_matched"
    CANCELLATION_UNMATCHED = "cancellation_unmatched"
    CHARGE = "charge"
    ADJUSTMENT = "adjustment"
    REFUSED = "refused"


@frozen(kw_only=True)
class PastLine:
    """A line of the source: ``kind`` is what it is before earlier sales are looked at (``cancellation`` included)."""

    kind: str
    variant: VariantId
    title: str
    units: int
    price_micros: int


@frozen(kw_only=True)
class PastDocument:
    """Lines of the source that stand together under one number: who bought, when, and in which words."""

    number: str
    at: Instant
    customer: str | None
    lines: tuple[PastLine, ...]

    def key(self, channel: ChannelId) -> str:
        """Name the document by its contents: the same lines again are the same document."""
        body = codec.canonical(codec.dump(self, as_=PastDocument))
        return hashlib.sha256(f"{channel}\n{body}".encode()).hexdigest()


@frozen(kw_only=True)
class ImportedDocument:
    """A document as it was taken in: ``classes`` names each line's class in order, ``order`` what its sales became."""

    key: str
    channel: ChannelId
    number: str
    at: Instant
    classes: tuple[PastLineClass, ...]
    order: OrderId | None
    takes: tuple[Take, ...] = ()


DOCUMENTS = Kind(
    name="scenarios.past_document",
    type=ImportedDocument,
    key=lambda document: document.key,
    indexes=(Index("number", lambda document: [(document.channel, document.number)]),),
)


@frozen(kw_only=True)
class Taken:
    """What became of the documents of one write, in order: classes by line, and whether each was new."""

    classes: tuple[tuple[PastLineClass, ...], ...]
    new: tuple[bool, ...]


@flow("scenarios.import_history")
async def import_history(
    given: Given, *, channel: ChannelId, currency: str, documents: tuple[PastDocument, ...]
) -> Taken:
    """Take documents of the past in, at most 200 in one write; those taken in before change nothing.

    Raises: Malformed.
    """
    if not 0 < len(documents) <= MAX_DOCUMENTS:
        raise Malformed("$.documents", f"must be 1 to {MAX_DOCUMENTS}")
    keys = [document.key(channel) for document in documents]
    known = {key: stored.value for key, stored in (await load(DOCUMENTS, keys)).items()}
    fresh = {key: document for key, document in zip(keys, documents, strict=True) if key not in known}
    writes = Writes()
    if fresh:
        past = await _read_past(given, channel, tuple(fresh.values()))
        book = _Book(channel, currency, past)
        for key, document in fresh.items():
            known[key] = book.take_in(key, document)
        writes = past.writes + book.writes()
    await write(writes)
    return Taken(classes=tuple(known[key].classes for key in keys), new=tuple(key in fresh for key in keys))


@frozen(kw_only=True)
class _Past:
    """What was read: orders that stand where new ones would, sales that may be taken back, and who the buyers are."""

    orders: Mapping[str, Stored[Order]]
    customers: Mapping[str, CustomerId]
    writes: Writes


async def _read_past(given: Given, channel: ChannelId, documents: Sequence[PastDocument]) -> _Past:
    buyers = sorted({document.customer for document in documents if document.customer is not None})
    earliest = {
        buyer: min(document.at for document in documents if document.customer == buyer) for buyer in buyers
    }
    seen = [
        Seen(
            told_at=earliest[buyer],
            by=Teller.CHANNEL,
            basis=f"history/{channel}",
            identities=(
                ToldIdentity(kind=IdentityKind.MARKETPLACE_BUYER, value=Personal(buyer), realm=channel),
            ),
        )
        for buyer in buyers
    ]
    known = await load_known(seen, at=given.at, blind=given.blind)
    recorded = decide_customers(seen, known=known, at=given.at, new_id=given.new_id, blind=given.blind)
    customers = {
        buyer: customer for buyer, customer in zip(buyers, recorded.customers, strict=True) if customer is not None
    }
    orders = dict(await load(ORDER, [order_of_channel(channel, each) for each in _external_ids(channel, documents)]))
    for customer, variant, unit_price in sorted(_cancelled(documents, customers)):
        page = await find(
            ORDER, "sold", equal=(customer, variant, unit_price), newest_first=True, limit=MAX_PAGE
        )
        orders |= {stored.value.id: stored for stored in page.items}
    return _Past(orders=orders, customers=customers, writes=recorded.writes)


def _external_ids(channel: ChannelId, documents: Iterable[PastDocument]) -> list[str]:
    return [name for document in documents for name in (document.number, _continued(channel, document))]


def _continued(channel: ChannelId, document: PastDocument) -> str:
    """Name the order of lines that came later under a number that has one already."""
    return f"{document.number}~{document.key(channel)[:12]}"


def _cancelled(
    documents: Iterable[PastDocument], customers: Mapping[str, CustomerId]
) -> set[tuple[str, str, int]]:
    return {
        (customers[document.customer], line.variant, minor(line.price_micros))
        for document in documents
        if document.customer in customers and document.customer is not None
        for line in document.lines
        if line.kind == "cancellation"
    }


def minor(micros: int) -> int:
    """Round exact millionths to the minor units an order keeps, half up."""
    return round_div(micros, _MICROS_PER_MINOR, Rounding.HALF_UP)


class _Book:
    """Orders while documents are taken in one after the other, each seeing the sales of those before it."""

    def __init__(self, channel: ChannelId, currency: str, past: _Past) -> None:
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
        if order.customer is not None:
            for line in order.lines:
                self.sales.setdefault((order.customer, line.variant, line.unit_price), set()).add(order.id)

    def take_in(self, key: str, document: PastDocument) -> ImportedDocument:
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
        matched = match_cancellation(
            sold_lines(earlier, variant=line.variant, unit_price=price), units=-line.units
        )
        if matched.rest:
            return []
        for take in matched.takes:
            self.orders[take.order] = moves.return_units(
                self.orders[take.order], units={take.line: take.units}, at=at
            )
        return list(matched.takes)

    def place(self, document: PastDocument, customer: CustomerId | None, lines: Sequence[OrderLine]) -> OrderId:
        external = document.number
        if order_of_channel(self.channel, external) in self.orders:
            external = _continued(self.channel, document)
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
            totals=Totals(
                net=gross, tax=0, rates=(RateTotal(reason="as_told", rate=Rate.of(0, 1), net=gross, tax=0),)
            ),
            placed_at=document.at,
            changed_at=document.at,
        )
        self.orders[order.id] = self.fresh[order.id] = order
        self.index(order)
        return order.id

    def writes(self) -> Writes:
        placed = [self.orders[order] for order in self.fresh]
        changed = [
            ordering.changed(stored, self.orders[stored.value.id])
            for stored in self.past.orders.values()
        ]
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


def split_long(document: PastDocument) -> tuple[PastDocument, ...]:
    """Cut a document into parts that an order can hold."""
    lines = document.lines
    return tuple(
        evolve(document, lines=lines[start : start + MAX_LINES]) for start in range(0, len(lines), MAX_LINES)
    )
