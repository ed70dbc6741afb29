"""What must hold of the journal and of numbering, on any database? One function for each law."""

from collections.abc import Callable

from omnicore.kernel.errors import Conflict
from omnicore.kernel.journal import Envelope, link
from omnicore.testing.bench import SHELF, Bench, Noted, same
from omnicore.testing.clock import NOON
from omnicore.testing.store_document_laws import Stop

Law = Callable[[Bench], None]


def _read(bench: Bench) -> tuple[Envelope, ...]:
    with bench.reading() as store:
        return store.read()


def commit_order(bench: Bench) -> None:
    """Events are read in the order in which they were committed, each once, and positions only rise."""
    names = [f"n{number}" for number in (3, 1, 2, 0)]
    for name in names[:2]:
        bench.write(events=[Noted(about=name, text="a"), Noted(about=name, text="b")])
    bench.number()
    for name in names[2:]:
        bench.write(events=[Noted(about=name, text="a"), Noted(about=name, text="b")])
    bench.number()
    rows = _read(bench)
    same("the order of events", [row.about for row in rows], [name for name in names for _ in "ab"])
    positions = [row.position or 0 for row in rows]
    same("positions", positions, sorted(set(positions)))
    with bench.reading() as store:
        paged: list[Envelope] = []
        while page := store.read(after=(paged[-1].position or 0) if paged else 0, limit=3):
            paged += page
    same("events read page by page", tuple(paged), rows)


def numbered_after_commit(bench: Bench) -> None:
    """Nothing has a position before it has committed, so nothing can appear behind a reader."""
    bench.receive(1)
    bench.write(events=[Noted(about="n0")])
    same("events nobody has numbered", _read(bench), ())
    with bench.reading() as store:
        same("entries nobody has numbered", store.entries(SHELF), ())
    same("rows to number", bench.number(), 2)
    same("rows left to number", bench.number(), 0)
    same("events that have been numbered", len(_read(bench)), 1)
    with bench.reading() as store:
        same("entries that have been numbered", len(store.entries(SHELF)), 1)


def numbering_in_steps(bench: Bench) -> None:
    """Numbering goes on where it stopped, keeps to its limit, and leaves no trace when it is rolled back."""
    for number in range(5):
        bench.write(events=[Noted(about=f"n{number}")])
        bench.receive(1)
    try:
        with bench.database.writing(bench.shop) as store:
            store.number(3)
            raise Stop
    except Stop:
        pass
    same("events after numbering was rolled back", _read(bench), ())
    made = []
    while True:
        with bench.database.writing(bench.shop) as store:
            made.append(store.number(3))
        if not made[-1]:
            break
    same("rows numbered in each step", (sum(made), max(made)), (10, 3))
    same("the order of events", [row.about for row in _read(bench)], [f"n{number}" for number in range(5)])
    with bench.reading() as store:
        entries = store.entries(SHELF)
        positions = [row.position or 0 for row in entries]
        same("the order of entries", [row.id for row in entries], sorted(row.id for row in entries))
        same("their positions", positions, sorted(set(positions)))
        same("entries behind the second", store.entries(SHELF, after=positions[1], limit=2), entries[2:4])


def chained(bench: Bench) -> None:
    """Every event carries the hash of all before it."""
    for number in range(4):
        bench.write(events=[Noted(about=f"n{number}", text="あ")])
    bench.number()
    chain = ""
    for row in _read(bench):
        chain = link(chain, row)
        same(f"the link at position {row.position}", row.chain, chain)
    bench.verified()


def event_once(bench: Bench) -> None:
    """An event's id is used once."""
    bench.write(events=[Noted(about="n0")])
    bench.number()
    again = _read(bench)[0]
    bench.refused(Conflict, envelopes=[again])


def old_keys_forgotten(bench: Bench) -> None:
    """Old command keys are forgotten oldest first, a few at a time, and may be used again; younger ones stay."""
    for number in range(5):
        bench.at = NOON.plus(seconds=number)
        bench.write(commands=[f"c{number}"])
    before = NOON.plus(seconds=3)

    def kept() -> list[str]:
        with bench.reading() as store:
            return sorted(store.commands([f"c{number}" for number in range(5)]))

    try:
        with bench.database.writing(bench.shop) as store:
            same("keys forgotten", store.forget(before, 10), 3)
            raise Stop
    except Stop:
        pass
    same("keys after forgetting was rolled back", len(kept()), 5)
    for forgotten, left in ((2, ["c2", "c3", "c4"]), (1, ["c3", "c4"]), (0, ["c3", "c4"])):
        with bench.database.writing(bench.shop) as store:
            same("keys forgotten, at most two", store.forget(before, 2), forgotten)
        same("keys that stay", kept(), left)
    bench.write(commands=["c0"])
    bench.refused(Conflict, commands=["c3"])
    other = Bench(database=bench.database, shop=f"{bench.shop}-other")
    other.write(commands=["c0"])
    with bench.database.writing(bench.shop) as store:
        store.forget(NOON.plus(days=1), 10)
    other.refused(Conflict, commands=["c0"])


LAWS: tuple[Law, ...] = (
    commit_order,
    numbered_after_commit,
    numbering_in_steps,
    chained,
    event_once,
    old_keys_forgotten,
)
