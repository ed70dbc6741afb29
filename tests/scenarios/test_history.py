"""Is every line of the past accounted for, however it is cut, repeated or interrupted?"""

from collections import Counter
from contextlib import suppress

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import MemoryStore
from omnicore.host import Host
from omnicore.inventory import accounts
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, find, question
from omnicore.kernel.ids import ChannelId, CustomerId, SkuId, VariantId
from omnicore.kernel.ledger import Account
from omnicore.kernel.records import Found, Span
from omnicore.kernel.time import Instant
from omnicore.ordering import ORDER, Order, order_of_channel
from omnicore.scenarios.history import (
    DOCUMENTS,
    ImportedDocument,
    PastDocument,
    PastLine,
    PastLineClass,
    Taken,
    import_history,
    split_long,
)
from omnicore.testing import Clock, Ids, Points, Stopped, Stopping, Weak
from omnicore.testing.strategies.scenarios import past_documents
from tests.scenarios.story import read_balances

PAST = ChannelId("past")
SALE = PastLineClass.SALE
MATCHED = PastLineClass.CANCELLATION_MATCHED
UNMATCHED = PastLineClass.CANCELLATION_UNMATCHED
DECEMBER = Instant.parse("2010-12-01T08:26:00Z")


@question("tests.read_past")
async def read_past(given: Given) -> tuple[tuple[Order, ...], tuple[ImportedDocument, ...]]:
    """Read every order and every document."""
    orders = await find(ORDER, "placed", limit=1000)
    documents = await find(DOCUMENTS, "number", equal=(PAST,), limit=1000)
    return (
        tuple(sorted((each.value for each in orders.items), key=lambda order: order.id)),
        tuple(sorted((each.value for each in documents.items), key=lambda document: document.key)),
    )


def a_host(database: Weak) -> Host:
    """Make a host that may read what it is told again of a buyer."""
    host = Host(database, clock=Clock(), new_id=Ids("past"))
    return host.acting(host.actor, purpose="import")


def taken(host: Host, *documents: PastDocument) -> Taken:
    """Take documents in."""
    return host.run(import_history(channel=PAST, currency="GBP", documents=documents))


def state(host: Host) -> tuple[object, ...]:
    """Everything an import leaves, but for how customers are called here."""
    orders, documents = host.run(read_past())
    booked = sorted({order.customer for order in orders if order.customer is not None})
    names = {customer: min(o.id for o in orders if o.customer == customer) for customer in booked}
    units = [accounts.sku_unit(SkuId(variant)) for variant in ("22423", "85123A")]
    paths = [Account(each, path) for each in units for path in (accounts.HISTORY, accounts.CUSTOMER)]
    assert host.verify().differences == ()
    return (
        tuple(
            evolve(order, customer=None if order.customer is None else CustomerId(names[order.customer]))
            for order in orders
        ),
        documents,
        tuple(balance.posted for balance in host.run(read_balances(accounts=tuple(paths)))),
    )


def line(kind: str, units: int, *, variant: str = "22423", price: int = 2_550_000) -> PastLine:
    """Write a line of the past."""
    return PastLine(kind=kind, variant=VariantId(variant), title="CAKESTAND", units=units, price_micros=price)


def document(number: str, *lines: PastLine, days: int = 0, customer: str | None = "17850") -> PastDocument:
    """Write an invoice of the past."""
    return PastDocument(number=number, at=DECEMBER.plus(days=days), customer=customer, lines=lines)


def test_a_cancellation_takes_back_the_newest_sales() -> None:
    """Seven cancelled of nine sold: all four of the later invoice and three of the earlier one."""
    host = a_host(Weak())
    taken(host, document("1", line("sale", 5)), document("2", line("sale", 4), days=1))
    answer = taken(host, document("C3", line("cancellation", -7), days=2))
    assert answer.classes == ((MATCHED,),)
    orders, documents = host.run(read_past())
    returned = {order.external_id: order.lines[0].returned for order in orders}
    assert returned == {"1": 3, "2": 4}
    takes = [(take.order, take.units) for each in documents for take in each.takes]
    assert takes == [(order_of_channel(PAST, "2"), 4), (order_of_channel(PAST, "1"), 3)]


@pytest.mark.parametrize(("units", "most"), [(1, 2), (40, 42), (150, 170), (299, 300), (300, 300)])
def test_a_cancellation_reads_about_as_many_orders_as_it_takes_back_from(
    units: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A buyer's long past is not read to take back the newest sale, and is read to its end where that is asked."""
    host = a_host(Weak())
    for start in range(0, 300, 100):
        taken(host, *(document(str(1000 + day), line("sale", 1), days=day) for day in range(start, start + 100)))
    seen: list[str] = []
    find_in_memory = MemoryStore.find

    def watched(store: MemoryStore, where: Span) -> Found:
        found = find_in_memory(store, where)
        seen.extend(row.key for row in found.documents if where.kind == ORDER.name)
        return found

    monkeypatch.setattr(MemoryStore, "find", watched)
    cancelled = document("C", line("cancellation", -units), days=400)
    assert taken(host, cancelled).classes == ((MATCHED,),)
    monkeypatch.undo()
    assert units <= len(seen) <= most
    assert len(set(seen)) == len(seen)
    orders, _ = host.run(read_past())
    returned = [order.lines[0].returned for order in sorted(orders, key=lambda order: order.placed_at)]
    assert returned == [0] * (300 - units) + [1] * units


@pytest.mark.parametrize(
    "cancelled",
    [
        document("C", line("cancellation", -6), days=2),
        document("C", line("cancellation", -1), days=2, customer="13047"),
        document("C", line("cancellation", -1), days=2, customer=None),
        document("C", line("cancellation", -1, price=2_560_000), days=2),
        document("C", line("cancellation", -1, variant="85123A"), days=2),
        document("C", line("cancellation", -1), days=-1),
    ],
)
def test_a_cancellation_without_its_sale_takes_nothing_back(cancelled: PastDocument) -> None:
    """Too many units, another buyer, price, article, or from before the sale: unmatched, and every sale stands."""
    host = a_host(Weak())
    taken(host, document("1", line("sale", 5)))
    assert taken(host, cancelled).classes == ((UNMATCHED,),)
    orders, _ = host.run(read_past())
    assert [order.lines[0].returned for order in orders if order.external_id == "1"] == [0]


@pytest.mark.parametrize(("customer", "orders"), [("17850", [[5, 2]]), ("13047", [[2], [5]]), (None, [[2], [5]])])
def test_lines_that_come_later_under_a_number_are_not_lost(customer: str | None, orders: list[list[int]]) -> None:
    """Where an invoice's lines stand apart they are one order all the same; another buyer's are one of their own."""
    host = a_host(Weak())
    more = document("1", line("sale", 2, variant="85123A"), customer=customer)
    for chunk in ([document("1", line("sale", 5))], [more], [more]):
        taken(host, *chunk)
    found, documents = host.run(read_past())
    assert sorted([row.ordered for row in order.lines] for order in found) == orders
    assert len({each.order for each in documents}) == len(orders)


@given(past_documents())
def test_every_line_has_one_class_and_amounts_add_up(documents: tuple[PastDocument, ...]) -> None:
    """Each line ends in one class, and what was sold less what was cancelled is what moved to customers."""
    host = a_host(Weak())
    answer = taken(host, *documents)
    moved: Counter[str] = Counter()
    for told, classes in zip(
        {each.key(PAST): each for each in documents}.values(), _by_key(documents, answer), strict=True
    ):
        assert len(classes) == len(told.lines)
        for row, found in zip(told.lines, classes, strict=True):
            expected = (
                {SALE} if row.kind == "sale" else {MATCHED, UNMATCHED} if row.kind == "cancellation" else {row.kind}
            )
            assert found in expected
            if row.kind in {"sale", "cancellation"}:
                moved[row.variant] += row.units
    for variant in ("22423", "85123A"):
        account = Account(accounts.sku_unit(SkuId(variant)), accounts.CUSTOMER)
        (balance,) = host.run(read_balances(accounts=(account,)))
        assert balance.posted == moved[variant]
    orders, kept = host.run(read_past())
    returned = {order.id: sum(row.returned for row in order.lines) for order in orders}
    assert {order: units for order, units in returned.items() if units} == _taken_back(kept)
    assert host.verify().differences == ()


def _by_key(documents: tuple[PastDocument, ...], answer: Taken) -> list[tuple[PastLineClass, ...]]:
    return list({each.key(PAST): found for each, found in zip(documents, answer.classes, strict=True)}.values())


def _taken_back(kept: tuple[ImportedDocument, ...]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for each in kept:
        for take in each.takes:
            found[take.order] += take.units
    return dict(found)


@given(past_documents(), st.integers(1, 8))
def test_chunks_of_any_size_give_the_same_books(documents: tuple[PastDocument, ...], size: int) -> None:
    """The same export in one write, in chunks of any size, and one by one, leaves the same orders and balances."""
    whole, chunked = a_host(Weak()), a_host(Weak())
    taken(whole, *documents)
    for start in range(0, len(documents), size):
        taken(chunked, *documents[start : start + size])
    assert state(whole) == state(chunked)


@given(past_documents())
def test_a_second_run_writes_nothing(documents: tuple[PastDocument, ...]) -> None:
    """The same export again gives the same classes and writes not one row."""
    database = Weak()
    host = a_host(database)
    first = taken(host, *documents)
    before = repr(state(host)), counted(database)
    again = taken(host, *documents)
    assert again.classes == first.classes
    assert not any(again.new)
    assert (repr(state(host)), counted(database)) == before


def counted(database: Weak) -> tuple[int, int, int]:
    """Count documents, entries and events."""
    with database.reading("main") as store:
        seen = store.verify(())
    return seen.documents, seen.entries, seen.events


@given(past_documents(most=5), st.integers(1, 3))
def test_a_run_killed_anywhere_and_run_again_equals_one_run(documents: tuple[PastDocument, ...], size: int) -> None:
    """Killed at any read, write or commit of an import in chunks, and run again: as if it had never been killed."""
    whole = a_host(Weak())
    chunks = [documents[start : start + size] for start in range(0, len(documents), size)]
    for chunk in chunks:
        taken(whole, *chunk)
    wanted = state(whole)
    for stop_at in range(1, 1000, 7):
        database, points = Weak(), Points(stop_at=stop_at)
        killed = Host(Stopping(database, points), clock=Clock(), new_id=Ids("killed"))
        with suppress(Stopped):
            for chunk in chunks:
                taken(killed.acting(killed.actor, purpose="import"), *chunk)
        again = a_host(database)
        for chunk in chunks:
            taken(again, *chunk)
        assert state(again) == wanted
        if points.passed < stop_at:
            return


def test_a_long_document_is_cut() -> None:
    """A document of more lines than an order holds is cut into parts that lose none of them."""
    long = document("1", *[line("sale", 1)] * 12_001)
    parts = split_long(long)
    assert [len(part.lines) for part in parts] == [5000, 5000, 2001]
    assert sum((part.lines for part in parts), ()) == long.lines


def test_an_empty_or_endless_import_is_refused() -> None:
    """None, or more than 200 documents at once, is refused."""
    host = a_host(Weak())
    for many in ((), tuple(document(str(number), line("sale", 1)) for number in range(201))):
        with pytest.raises(Malformed):
            taken(host, *many)
