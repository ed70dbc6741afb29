"""Does the audit find whatever does not add up?"""

from collections.abc import Callable

import pytest
from attrs import evolve

from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.adapters.memory_rows import Shop
from omnicore.kernel.audit import MAX_DIFFERENCES, Audit, Overcommitted
from omnicore.kernel.ledger import HoldState, Settle
from omnicore.kernel.records import Document
from omnicore.testing.bench import NOTES, SHELF, Bench, Note, Noted


def shop() -> tuple[Memory, Shop]:
    """Prepare a shop in which something of everything has happened."""
    database = Memory()
    bench = Bench(database=database, shop="main")
    bench.receive(9)
    held = bench.hold(4)
    bench.write(moves=[Settle(id="ship", hold=held, amount=1)])
    bench.write(changes=[NOTES.put(Note(key="n", tags=("a", "b")))], events=[Noted(about="n"), Noted(about="m")])
    bench.number()
    return database, database._shops["main"]


def spoil_balance(rows: Shop) -> None:
    """Spoil the balance."""
    rows.balances[SHELF] = evolve(rows.balances[SHELF], posted=1)


def spoil_held(rows: Shop) -> None:
    """Spoil the held."""
    rows.balances[SHELF] = evolve(rows.balances[SHELF], held=0)


def spoil_mark(rows: Shop) -> None:
    """Spoil the mark."""
    rows.balances[SHELF] = evolve(rows.balances[SHELF], overcommitted=True)


def lose_balance(rows: Shop) -> None:
    """Lose the balance."""
    del rows.balances[SHELF]


def lose_entry(rows: Shop) -> None:
    """Lose the entry."""
    rows.entries.pop("ship")


def spoil_hold(rows: Shop) -> None:
    """Spoil the hold."""
    (name,) = rows.holds
    rows.holds[name] = evolve(rows.holds[name], left=9)


def end_hold(rows: Shop) -> None:
    """End the hold."""
    (name,) = rows.holds
    rows.holds[name] = evolve(rows.holds[name], state=HoldState.VOIDED)


def spoil_event(rows: Shop) -> None:
    """Spoil the event."""
    name = rows.numbered[0]
    rows.journal[name] = evolve(rows.journal[name], about="x")


def lose_last_event(rows: Shop) -> None:
    """Lose the last event."""
    rows.numbered.pop()


def spoil_rows(rows: Shop) -> None:
    """Spoil the rows."""
    rows.rows[NOTES.name, "n"] = rows.rows[NOTES.name, "n"][1:]


def spoil_document(rows: Shop) -> None:
    """Spoil the document."""
    rows.documents[NOTES.name, "n"] = evolve(rows.documents[NOTES.name, "n"], body="{}")


SPOILERS: tuple[tuple[Callable[[Shop], None], str], ...] = (
    (spoil_balance, "posted of"),
    (spoil_held, "held of"),
    (spoil_mark, "overcommitted of"),
    (lose_balance, "posted of"),
    (lose_entry, "settled of hold"),
    (spoil_hold, "hold "),
    (end_hold, "ended"),
    (spoil_event, "chain at position 1"),
    (lose_last_event, "chain at its head"),
    (spoil_rows, "index rows of"),
    (spoil_document, "testing.note n"),
)


def test_good_books_are_clean() -> None:
    """Books that add up show no difference, and the audit says how much it has looked at."""
    database, _ = shop()
    with database.reading("main") as store:
        found = store.verify([NOTES])  # type: ignore[list-item] # Kind[Note] is a Kind[object] to a reader
    assert found.differences == ()
    assert (found.documents, found.entries, found.holds, found.events) == (1, 2, 1, 2)


@pytest.mark.parametrize(("spoil", "where"), SPOILERS, ids=lambda value: getattr(value, "__name__", None))
def test_whatever_was_spoiled_is_named(spoil: Callable[[Shop], None], where: str) -> None:
    """A wrong or missing balance, entry, hold, event, index row or document is named."""
    database, rows = shop()
    spoil(rows)
    with database.reading("main") as store:
        found = store.verify([NOTES])  # type: ignore[list-item] # as above
    assert any(where in difference.where for difference in found.differences)


def test_differences_are_bounded() -> None:
    """Of very many differences the first hundred are named."""
    rows = Shop()
    for number in range(MAX_DIFFERENCES + 5):
        document = Document(kind=NOTES.name, key=f"n{number}", version=1, schema=1, body="{}")
        rows.documents[NOTES.name, document.key] = document
        rows.rows[NOTES.name, document.key] = ()
    found = MemoryStore(rows, writable=False).verify([NOTES])  # type: ignore[list-item] # as above
    assert len(found.differences) == MAX_DIFFERENCES


def test_unknown_kinds_are_counted() -> None:
    """Documents of a kind the audit was not told about are counted and left alone."""
    audit = Audit([])
    audit.document(Document(kind="other", key="k", version=1, schema=1, body="{}"), ())
    found = audit.close(events=0, chain="")
    assert (found.documents, found.differences) == (1, ())


def test_overcommitment_is_about_the_account() -> None:
    """Whoever follows an account hears that it is short."""
    assert Overcommitted(unit="u", path="p", short=1, at_risk=()).about == "u at p"
