"""What must hold of a store that offers more than it must: questions answered together, write and COMMIT in one?

A store without them is not judged here: its host asks one question after another, and commits by leaving the block.
"""

from collections.abc import Callable, Sequence

from omnicore.kernel.errors import Conflict
from omnicore.kernel.records import span
from omnicore.kernel.store import Batch
from omnicore.kernel.together import PortCall
from omnicore.testing.bench import BACK, NOTES, SHELF, SUPPLIER, Bench, Note, Noted, same
from omnicore.testing.clock import NOON

Law = Callable[[Bench], None]


def asked_together(bench: Bench) -> None:
    """Several questions asked together get what each of them gets alone."""
    bench.receive(5)
    hold = bench.hold(2)
    notes = [NOTES.put(Note(key=f"n{number}", tags=("a",))) for number in range(3)]
    bench.write(changes=notes, events=[Noted(about="n0")], commands=["c0"])
    bench.number()
    calls: list[PortCall] = [
        ("load", (NOTES.name, ("n0", "n2", "n9")), {}),
        ("commands", (["c0", "c9"],), {}),
        ("balances", ([SHELF, BACK, SUPPLIER], NOON), {}),
        ("find", (span(NOTES.name, "tag", equal=("a",), limit=2),), {}),
        ("load", ("nobody's kind", ("n0",)), {}),
        ("holds", ([hold],), {}),
        ("open_holds", ([SHELF],), {}),
        ("entries", (SHELF,), {"after": 0, "limit": 10}),
        ("read", (), {"after": 0, "limit": 10}),
        ("load", (NOTES.name, ("n1",)), {}),
        ("load", (NOTES.name, ()), {}),
    ]
    with bench.reading() as store:
        together: Callable[[Sequence[PortCall]], Sequence[object]] | None = getattr(store, "together", None)
        if together is None:
            return
        alone = [getattr(store, name)(*args, **named) for name, args, named in calls]
        same("answers given together", list(together(calls)), alone)
        same("answers to nothing", list(together([])), [])


def concluded(bench: Bench) -> None:
    """What is written and committed in one is there, or nothing of it is: whichever part of it fails."""

    def conclude(batch: Batch) -> bool:
        with bench.database.writing(bench.shop) as store:
            concluding: Callable[[Batch], None] | None = getattr(store, "conclude", None)
            if concluding is None:
                return False
            concluding(batch)
            return True

    bench.receive(3)
    first = bench.batch(
        changes=[NOTES.put(Note(key="n0", code="x"))],
        moves=[bench.held(1)],
        events=[Noted(about="n0")],
        commands=["c0"],
    )
    if not conclude(first):
        return
    kept = bench.picture()
    moved = NOTES.put(Note(key="n0"), expected=7)
    for what, batch in {
        "a version": bench.batch(changes=[moved], moves=[bench.held(1)], commands=["c1"]),
        "a unique row": bench.batch(changes=[NOTES.put(Note(key="n1", code="x"))], moves=[bench.held(1)]),
        "a guard": bench.batch(changes=[NOTES.put(Note(key="n1"))], moves=[bench.held(9)], commands=["c1"]),
        "a command key": bench.batch(moves=[bench.held(1)], events=[Noted(about="n1")], commands=["c0"]),
        "a command key alone": bench.batch(commands=["c0"]),
    }.items():
        for _ in range(2):  # a store may take another way after a failure
            try:
                conclude(batch)
            except Conflict:
                pass
            else:
                raise AssertionError(f"{what} that does not hold was concluded")
            same(f"after {what} that does not hold", bench.picture(), kept)
    bench.write(moves=[bench.held(1)])
    bench.verified()


LAWS: tuple[Law, ...] = (asked_together, concluded)
