"""How do the orders of years before become ours, so that every line of their export is accounted for?

History is a fact: it moves ``world/history`` to ``world/customer``, never a node's stock, and refuses nothing that can
be read. Each document of the source (an invoice, or the lines of it that stand together) is kept with the class of
every line, under a key made of its contents, so a second run changes nothing and a run that died goes on where it was.

A cancellation takes back earlier sales of the same customer, variant and unit price, newest first, over everything
imported before, splitting as needed; one that finds too few units takes back none and is named unmatched.
"""

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, find, flow, load, write
from omnicore.kernel.ids import ChannelId, CustomerId, VariantId
from omnicore.kernel.personal import Personal
from omnicore.kernel.records import Cursor, Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.ordering import ORDER, Order, order_of_channel
from omnicore.parties import IdentityKind, Seen, Teller, ToldIdentity, decide_customers, load_known
from omnicore.scenarios.past_documents import (
    DOCUMENTS,
    ImportedDocument,
    PastDocument,
    PastLine,
    PastLineClass,
    minor,
    split_long,
)
from omnicore.scenarios.past_orders import Book, Past, left_at

__all__ = [
    "DOCUMENTS",
    "MAX_DOCUMENTS",
    "ImportedDocument",
    "PastDocument",
    "PastLine",
    "PastLineClass",
    "Taken",
    "import_history",
    "minor",
    "split_long",
]

MAX_DOCUMENTS = 200
"""Documents imported by one write."""

_FIRST_LOOK = 2
_MAX_LOOK = 500
"""Orders read at a time when sales are looked for: nearly all cancellations are of the newest, a few go back far."""


@frozen(kw_only=True)
class Taken:
    """What became of the documents of one write, in order: classes by line, and whether each was new."""

    classes: tuple[tuple[PastLineClass, ...], ...]
    new: tuple[bool, ...]


@flow("scenarios.import_history", serializable=True)
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
        book = Book(channel, currency, past)
        for key, document in fresh.items():
            known[key] = book.take_in(key, document)
        writes = past.writes + book.writes()
    await write(writes)
    return Taken(classes=tuple(known[key].classes for key in keys), new=tuple(key in fresh for key in keys))


async def _read_past(given: Given, channel: ChannelId, documents: Sequence[PastDocument]) -> Past:
    buyers = sorted({document.customer for document in documents if document.customer is not None})
    earliest = {buyer: min(document.at for document in documents if document.customer == buyer) for buyer in buyers}
    seen = [
        Seen(
            told_at=earliest[buyer],
            by=Teller.CHANNEL,
            basis=f"history/{channel}",
            identities=(ToldIdentity(kind=IdentityKind.MARKETPLACE_BUYER, value=Personal(buyer), realm=channel),),
        )
        for buyer in buyers
    ]
    known = await load_known(seen, at=given.at, blind=given.blind)
    recorded = decide_customers(seen, known=known, at=given.at, new_id=given.new_id, blind=given.blind)
    customers = {
        buyer: customer for buyer, customer in zip(buyers, recorded.customers, strict=True) if customer is not None
    }
    orders = dict(await load(ORDER, [order_of_channel(channel, each) for each in _external_ids(channel, documents)]))
    for sought, wanted in sorted(_cancelled(documents, customers).items()):
        orders |= await _earlier_sales(*sought, wanted)
    return Past(orders=orders, customers=customers, writes=recorded.writes)


async def _earlier_sales(
    customer: CustomerId, variant: VariantId, price_micros: int, wanted: Sequence[tuple[Instant, int]]
) -> dict[str, Stored[Order]]:
    """Read sales newest first until those before every cancellation hold all the units that are taken back."""
    orders: dict[str, Stored[Order]] = {}
    first, last = min(wanted)[0], max(wanted)[0]
    missing = sum(units for _, units in wanted)
    after: Cursor | None = None
    limit = _FIRST_LOOK
    while True:
        page = await find(
            ORDER,
            "sold",
            equal=(customer, variant, minor(price_micros)),
            until=last.plus(micros=1),
            newest_first=True,
            after=after,
            limit=limit,
        )
        for stored in page.items:
            orders[stored.value.id] = stored
            if stored.value.placed_at <= first:
                missing -= sum(line.units for line in left_at(stored.value, variant=variant, price_micros=price_micros))
        if missing <= 0 or page.next is None:
            return orders
        after, limit = page.next, min(4 * limit, _MAX_LOOK)


def _external_ids(channel: ChannelId, documents: Iterable[PastDocument]) -> list[str]:
    return [name for document in documents for name in (document.number, document.continued(channel))]


def _cancelled(
    documents: Iterable[PastDocument], customers: Mapping[str, CustomerId]
) -> dict[tuple[CustomerId, VariantId, int], list[tuple[Instant, int]]]:
    """Gather when and how many units are taken back, by customer, variant and unit price."""
    wanted: dict[tuple[CustomerId, VariantId, int], list[tuple[Instant, int]]] = {}
    for document in documents:
        buyer = customers.get(document.customer or "")
        for line in document.lines:
            if line.kind == "cancellation" and buyer is not None:
                sought = (buyer, line.variant, line.price_micros)
                wanted.setdefault(sought, []).append((document.at, -line.units))
    return wanted
