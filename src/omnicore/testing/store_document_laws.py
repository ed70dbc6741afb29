"""What must hold of documents, indexes, command keys and transactions? One function for each law."""

import threading
from collections.abc import Callable

from attrs import evolve

from omnicore.kernel.errors import Conflict, Malformed
from omnicore.kernel.ledger import Post
from omnicore.kernel.records import Drop, span
from omnicore.testing.bench import CUSTOMER, NOTES, SHELF, UNIT, Bench, Note, Noted, same, walk
from omnicore.testing.lossy import Lossy

Law = Callable[[Bench], None]
PATIENCE_SECONDS = 0.05


class Stop(BaseException):
    """Thrown by the kit inside a transaction."""


def whole_or_nothing(bench: Bench) -> None:
    """A write is applied whole or not at all, whichever part of it fails."""
    bench.receive(2)
    bench.write(changes=[NOTES.put(Note(key="n0", code="taken"))], commands=["c0"])
    good = NOTES.put(Note(key="n1", tags=("a",)))
    event = Noted(about="n1")
    hold = bench.held(1)
    too_much = bench.held(5)
    for changes, moves, commands in (
        ([good, NOTES.put(Note(key="n2"), expected=3)], [hold], ["c1"]),
        ([good, NOTES.put(Note(key="n2", code="taken"))], [hold], ["c1"]),
        ([good], [hold, too_much], ["c1"]),
        ([good], [hold], ["c0", "c1"]),
    ):
        bench.refused(Conflict, changes=changes, moves=moves, commands=commands, events=[event])
    bench.write(changes=[good], moves=[hold], commands=["c1"], events=[event])
    before = bench.picture()
    with bench.database.writing(bench.shop) as store:
        for bad in (NOTES.put(Note(key="n2"), expected=3), NOTES.put(Note(key="n2", code="taken"))):
            try:
                store.write(bench.batch(changes=[bad], moves=[bench.held(1)], commands=["c2"], events=[event]))
            except Conflict:
                continue
            raise AssertionError("a write that must raise Conflict was accepted")
    same("what a write left that failed in a transaction that went on", bench.picture(), before)


def version_conflict(bench: Bench) -> None:
    """A document is replaced or removed only where the version that was read still stands."""
    bench.refused(Conflict, changes=[NOTES.put(Note(key="n0"), expected=1)])
    bench.write(changes=[NOTES.put(Note(key="n0"))])
    bench.refused(Conflict, changes=[NOTES.put(Note(key="n0", rank=1))])
    bench.write(changes=[NOTES.put(Note(key="n0", rank=1), expected=1)])
    for stale in (1, 3):
        bench.refused(Conflict, changes=[NOTES.put(Note(key="n0", rank=2), expected=stale)])
        bench.refused(Conflict, changes=[Drop(kind=NOTES.name, key="n0", expected=stale)])
    bench.write(changes=[Drop(kind=NOTES.name, key="n0", expected=2)])
    bench.refused(Conflict, changes=[Drop(kind=NOTES.name, key="n0", expected=2)])
    same("a document that was removed", bench.note("n0"), None)


def changed_once(bench: Bench) -> None:
    """One write changes a document at most once."""
    bench.refused(Malformed, changes=[NOTES.put(Note(key="n0")), NOTES.put(Note(key="n0"), expected=1)])


def unique_index(bench: Bench) -> None:
    """No two documents stand under one unique tuple, at the end of any write."""
    bench.write(changes=[NOTES.put(Note(key="n1", code="x"))])
    bench.refused(Conflict, changes=[NOTES.put(Note(key="n0", code="x"))])
    bench.refused(Conflict, changes=[NOTES.put(Note(key="n2", code="y")), NOTES.put(Note(key="n3", code="y"))])
    bench.write(changes=[NOTES.put(Note(key="n0", code="y"))])
    swap = [NOTES.put(Note(key="n0", code="x"), expected=1), NOTES.put(Note(key="n1", code="y"), expected=1)]
    bench.write(changes=swap)
    bench.write(changes=[Drop(kind=NOTES.name, key="n0", expected=2), NOTES.put(Note(key="n4", code="x"))])


def rows_in_order(bench: Bench) -> None:
    """A look-up gives documents in the order of their tuples and then keys, or exactly the other way round."""
    ranks = {"n3": 5, "n0": -7, "n2": 0, "n5": 10**12, "n1": -(10**12), "n4": 0}
    for key, rank in ranks.items():
        bench.write(changes=[NOTES.put(Note(key=key, tags=("t",), rank=rank, at=bench.at.plus(micros=rank)))])
    right = sorted(ranks, key=lambda key: (ranks[key], key))
    with bench.reading() as store:
        for newest_first in (False, True):
            page = store.find(span(NOTES.name, "tag", equal=("t",), newest_first=newest_first))
            found = [document.key for document in page.documents]
            same("the order of a look-up", found, right[::-1] if newest_first else right)
        found = [row.key for row in store.find(span(NOTES.name, "tag", equal=("t",), since=-7, until=5)).documents]
        same("a range from a number until before another", found, ["n0", "n2", "n4"])
        where = span(NOTES.name, "when", since=bench.at, until=bench.at.plus(micros=1))
        same("a range of instants", [row.key for row in store.find(where).documents], ["n2", "n4"])


def paging_over_ties(bench: Bench) -> None:
    """Pages of any size, forwards or backwards, give every row once, also where many tuples are equal."""
    for number in range(7):
        bench.write(changes=[NOTES.put(Note(key=f"n{number}", tags=("t", "u"), rank=number // 4))])
    with bench.reading() as store:
        for newest_first in (False, True):
            whole = walk(store, "tag", newest_first=newest_first, limit=100)
            same("rows of an index", len(whole), 14)
            for limit in (1, 2, 3, 7, 13, 14):
                paged = walk(store, "tag", newest_first=newest_first, limit=limit)
                same(f"an index read in pages of {limit}", paged, whole)


def no_row_left_behind(bench: Bench) -> None:
    """A document is found only under what it says now."""
    bench.write(changes=[NOTES.put(Note(key="n0", tags=("a", "b")))])
    bench.write(changes=[NOTES.put(Note(key="n0", tags=("b",)), expected=1)])
    with bench.reading() as store:
        same("what is found under a former tag", store.find(span(NOTES.name, "tag", equal=("a",))).documents, ())
        same("what is found under a kept tag", len(store.find(span(NOTES.name, "tag", equal=("b",))).documents), 1)


def command_key_unique(bench: Bench) -> None:
    """A command key is taken once; whoever comes second changes nothing, whether it looked before or not."""
    bench.write(changes=[NOTES.put(Note(key="n0"))], commands=["c0"])
    bench.refused(Conflict, changes=[NOTES.put(Note(key="n1"))], commands=["c0"])
    with bench.reading() as store:
        same("the keys that are taken", set(store.commands(["c0", "c1"])), {"c0"})


def refusal_not_kept(bench: Bench) -> None:
    """A key that was asked for in a transaction that then failed is free."""
    try:
        with bench.database.writing(bench.shop) as store:
            store.commands(["c0"])
            raise Malformed("$", "refused by the kit")
    except Malformed:
        pass
    with bench.reading() as store:
        same("the keys that are taken after a refusal", store.commands(["c0"]), {})
    bench.write(commands=["c0"])


def answer_lost(bench: Bench) -> None:
    """Where the answer to a commit is lost, the key tells that it happened, and nothing is done twice."""
    bench.receive(5)
    for lost in (0, 1):
        key = f"c{lost}"
        database = Lossy(bench.database, answers_lost=lost)
        for _ in range(3):
            try:
                with database.writing(bench.shop) as store:
                    if key not in store.commands([key]):
                        out = Post(
                            id=bench.new_id("out-"), unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=1
                        )
                        store.write(bench.batch(moves=[out], commands=[key]))
                break
            except Conflict:
                continue
        same("what is on the shelf after a command that was tried again", bench.balance().posted, 4 - lost)


def rolled_back(bench: Bench) -> None:
    """Any exception undoes a transaction, and what it wrote is seen inside it until then."""
    bench.receive(3)
    bench.write(changes=[NOTES.put(Note(key="n0", tags=("a",), code="x"))])
    before = bench.picture()
    for error in (Conflict("kit"), Stop(), ValueError("kit")):
        try:
            with bench.database.writing(bench.shop) as store:
                put = [NOTES.put(Note(key="n0", tags=("b",)), expected=1), NOTES.put(Note(key="n1", code="x"))]
                hold = bench.held(2, seconds=5)
                store.write(bench.batch(changes=put, moves=[hold], events=[Noted(about="n0")], commands=["c0"]))
                inside = store.balances([SHELF], bench.at)[SHELF].available
                same("what a transaction sees of its own write", (inside, len(store.load(NOTES.name, ["n1"]))), (1, 1))
                raise error
        except (Conflict, Stop, ValueError):
            pass
        same("what a rolled back transaction left", bench.picture(), before)


def questions_do_not_write(bench: Bench) -> None:
    """A snapshot takes no write."""
    accepted = True
    try:
        with bench.reading() as store:
            store.write(bench.batch(changes=[NOTES.put(Note(key="n0"))]))
    except Exception:  # noqa: BLE001 - an adapter may refuse with any bug-like error
        accepted = False
    if accepted:
        raise AssertionError("a write was accepted in a snapshot")
    same("what it wrote", bench.note("n0"), None)


def snapshot(bench: Bench) -> None:
    """A reader sees one instant: nothing that commits while it reads."""
    bench.receive(5)
    bench.write(changes=[NOTES.put(Note(key="n0"))])

    def sell() -> None:
        out = Post(id="out", unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=5)
        bench.write(moves=[out], changes=[NOTES.put(Note(key="n0", rank=9), expected=1)])

    seller = threading.Thread(target=sell)
    with bench.reading() as store:
        first = store.balances([SHELF], bench.at)[SHELF].posted
        seller.start()
        seller.join(PATIENCE_SECONDS)  # it may have to wait for the reader
        document = store.load(NOTES.name, ["n0"])["n0"]
        second = store.balances([SHELF], bench.at)[SHELF].posted
    seller.join()
    same("two reads of one snapshot", (first, second, document.version), (5, 5, 1))
    same("what was sold meanwhile", bench.balance().posted, 0)


def uncommitted_unseen(bench: Bench) -> None:
    """Nobody sees what has not committed."""
    seen: list[int] = []

    def look() -> None:
        seen.append(bench.balance().posted)

    reader = threading.Thread(target=look)
    try:
        with bench.database.writing(bench.shop) as store:
            goods = Post(id="in", unit=UNIT, source="world/supplier", target=SHELF.path, amount=5, fact=True)
            store.write(bench.batch(moves=[goods]))
            reader.start()
            reader.join(PATIENCE_SECONDS)
            raise Stop
    except Stop:
        pass
    reader.join()
    same("what others saw of a write that was rolled back", seen, [0])


def shops_isolated(bench: Bench) -> None:
    """Shops in one database share nothing: keys, unique tuples, accounts, ids, positions."""
    other = Bench(database=bench.database, shop=f"{bench.shop}-other")
    for one in (bench, other):
        one.receive(3)
        one.write(changes=[NOTES.put(Note(key="n0", code="x"))], commands=["c0"], events=[Noted(about="n0")])
        one.number()
    same("what two shops that did the same show", other.picture(), bench.picture())
    other.write(changes=[Drop(kind=NOTES.name, key="n0", expected=1)])
    if bench.note("n0") is None:
        raise AssertionError("a document was removed from another shop")
    shops = set(bench.database.shops())
    same("the shops that have rows and are not named", {bench.shop, other.shop} - shops, set())
    same("a shop that was never written to is named", f"{bench.shop}-never" in shops, False)  # noqa: FBT003 - a value


def verify_sees(bench: Bench) -> None:
    """Verify finds an index row that is wrong, one that is missing and a document that cannot be read."""
    good = NOTES.put(Note(key="n0", tags=("a",)))
    other = NOTES.put(Note(key="n0", tags=("b",)))
    for number, rows in enumerate(((), other.rows)):
        bench.write(changes=[evolve(good, key=f"n{number}", rows=rows)])
    bench.write(changes=[evolve(good, key="n2", body='{"key":7}')])
    with bench.reading() as store:
        found = store.verify([NOTES])  # type: ignore[list-item] # Kind[Note] is a Kind[object] to a reader
    missed = [key for key in ("n0", "n1", "n2") if not any(key in difference.where for difference in found.differences)]
    same("wrong documents that verify missed", missed, [])


LAWS: tuple[Law, ...] = (
    whole_or_nothing,
    version_conflict,
    changed_once,
    unique_index,
    rows_in_order,
    paging_over_ties,
    no_row_left_behind,
    command_key_unique,
    refusal_not_kept,
    answer_lost,
    rolled_back,
    questions_do_not_write,
    shops_isolated,
    verify_sees,
)

THREAD_LAWS: tuple[Law, ...] = (snapshot, uncommitted_unseen)
