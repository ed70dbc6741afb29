"""Does a database do what ``Memory`` does, step by step, whatever is asked of it?

Steps are plain data, drawn from a seed over a small world so that they often collide. The same steps are run on both;
after each, everything the ports show is compared. A failing run is shortened before it is shown.
"""

import random  # noqa: TID251 - it is handed in, seeded
from collections.abc import Callable, Iterator, Sequence
from typing import assert_never

from attrs import frozen

from omnicore.kernel.errors import Conflict, OmnicoreError
from omnicore.kernel.ledger import Extend, Floor, Hold, Move, Post, Rest, Settle, Void
from omnicore.kernel.records import Change, Drop
from omnicore.kernel.store import Database
from omnicore.testing.bench import BACK, CUSTOMER, NOTES, SHELF, SUPPLIER, UNIT, Bench, Note, Noted, same


@frozen(kw_only=True)
class NoteChange:
    """Put a note (or drop it, ``note=None``) where the version is off by ``off`` from what stands."""

    key: str
    note: Note | None
    off: int


@frozen(kw_only=True)
class Write:
    """Write all this in one transaction, and roll it back where ``fails``; as its ``last`` act where it can end it."""

    changes: tuple[NoteChange, ...] = ()
    moves: tuple[Move, ...] = ()
    events: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    fails: bool = False
    last: bool = False


@frozen(kw_only=True)
class Wait:
    """Let time pass; a clock may also step back."""

    seconds: int


@frozen(kw_only=True)
class Number:
    """Number up to ``limit`` rows, and roll it back where ``fails``."""

    limit: int
    fails: bool = False


@frozen(kw_only=True)
class Forget:
    """Forget the command keys of more than so many seconds ago, at most ``limit``."""

    seconds: int
    limit: int


Step = Write | Wait | Number | Forget


class _Abandoned(BaseException):
    """Thrown inside a transaction to abandon it."""


def draw(source: random.Random, *, length: int) -> list[Step]:
    """Draw steps; the first puts goods on a shelf, so that much of what follows is accepted."""
    first = Post(id="e-first", unit=UNIT, source=SUPPLIER.path, target=SHELF.path, amount=12, fact=True)
    return [Write(moves=(first,)), *(_step(source) for _ in range(length))]


def _step(source: random.Random) -> Step:
    match source.randrange(10):
        case 0:
            return Wait(seconds=source.choice((1, 10, 30, -20)))
        case 1:
            return Number(limit=source.choice((1, 2, 100)), fails=not source.randrange(5))
        case 2 if not source.randrange(3):
            return Forget(seconds=source.choice((0, 15, -5)), limit=100)
        case _:
            return Write(
                changes=tuple(_change(source, key) for key in source.sample(range(6), k=source.choice((0, 0, 1, 2)))),
                moves=tuple(_move(source) for _ in range(source.choice((0, 1, 1, 2, 3)))),
                events=tuple(f"n{source.randrange(6)}" for _ in range(source.choice((0, 0, 1, 2)))),
                commands=tuple(f"c{number}" for number in source.sample(range(8), k=source.choice((0, 0, 0, 1)))),
                fails=not source.randrange(10),
                last=bool(source.randrange(2)),
            )


def _change(source: random.Random, number: int) -> NoteChange:
    note = Note(
        key=f"n{number}",
        tags=tuple(source.sample(("a", "b", "あ", "a\x00"), k=source.randrange(3))),
        rank=source.choice((-1, 0, 0, 7)),
        at=NOTES_AT[source.randrange(len(NOTES_AT))],
        code=source.choice((None, None, "x", "y", "z")),
    )
    gone = not source.randrange(5)
    return NoteChange(key=note.key, note=None if gone else note, off=source.choice((0, 0, 0, 0, 1, -1)))


NOTES_AT = tuple(Note(key="n").at.plus(seconds=seconds) for seconds in (0, 0, 5, -5))


def _move(source: random.Random) -> Move:
    amount = source.choice((1, 1, 2, 3, 5, 20))
    hold = f"hold-{source.randrange(8)}"
    shelf = source.choice((SHELF, SHELF, BACK)).path
    match source.randrange(10):
        case 0 | 1:
            ways = ((SUPPLIER.path, shelf), (shelf, CUSTOMER.path), (SHELF.path, BACK.path))
            way = source.choice(ways)
            name = f"e-{source.randrange(30)}-{way[1]}-{amount}"
            return Post(id=name, unit=UNIT, source=way[0], target=way[1], amount=amount, fact=bool(source.randrange(2)))
        case 2 | 3 | 4:
            seconds = source.choice((None, 5, 20))
            return Hold(
                id=hold,
                unit=UNIT,
                source=shelf,
                target=CUSTOMER.path,
                amount=amount,
                expires=None if seconds is None else Note(key="n").at.plus(seconds=seconds + source.randrange(60)),
                floor=source.choice((None, None, 3)),
            )
        case 5 | 6 | 7:
            return Settle(id=f"s-{source.randrange(30)}", hold=hold, amount=amount, rest=source.choice(tuple(Rest)))
        case 8:
            extended = Extend(hold=hold, expires=source.choice((None, Note(key="n").at.plus(seconds=90))))
            return source.choice((Void(hold=hold), extended))
        case _:
            return Floor(unit=UNIT, path=shelf, floor=source.choice((-5, 0, 0, 2)))


def run(step: Step, bench: Bench) -> str:
    """Run one step; gives what came of it."""
    try:
        match step:
            case Wait(seconds=seconds):
                bench.at = bench.at.plus(seconds=seconds)
            case Number(limit=limit, fails=fails):
                with bench.database.writing(bench.shop) as store:
                    made = store.number(limit)
                    if fails:
                        raise _Abandoned
                return f"numbered {made}"
            case Forget(seconds=seconds, limit=limit):
                with bench.database.writing(bench.shop) as store:
                    return f"forgot {store.forget(bench.at.plus(seconds=-seconds), limit)}"
            case Write():
                with bench.same_ids() as again:
                    try:
                        _write(step, bench)
                    except Conflict:
                        if not step.last:
                            raise
                        again()  # a store may first try a way that cannot say what is wrong
                        _write(step, bench)
            case _:
                assert_never(step)
    except _Abandoned:
        return "abandoned"
    except OmnicoreError as error:
        return type(error).__name__
    return "done"


def _write(step: Write, bench: Bench) -> None:
    with bench.database.writing(bench.shop) as store:
        stands = store.load(NOTES.name, [change.key for change in step.changes])
        changes: list[Change] = []
        for change in step.changes:
            document = stands.get(change.key)
            expected = max((document.version if document else 0) + change.off, 0)
            if change.note is not None:
                changes.append(NOTES.put(change.note, expected=expected))
            elif expected:
                changes.append(Drop(kind=NOTES.name, key=change.key, expected=expected))
        write = getattr(store, "conclude", store.write) if step.last and not step.fails else store.write
        write(
            bench.batch(
                changes=changes,
                moves=step.moves,
                events=[Noted(about=about) for about in step.events],
                commands=step.commands,
            )
        )
        if step.fails:
            raise _Abandoned


def compare(steps: Sequence[Step], database: Database, model: Database, *, shop: str) -> None:
    """Run steps on both databases and compare every outcome and everything that can be read afterwards.

    Raises: AssertionError.
    """
    ours, theirs = Bench(database=database, shop=shop), Bench(database=model, shop=shop)
    for number, step in enumerate(steps):
        expected, found = run(step, theirs), run(step, ours)
        same(f"outcome of step {number}", found, expected)
        same(f"after step {number}", ours.picture(), theirs.picture())


def shortened(steps: list[Step], fails: Callable[[list[Step]], bool], *, patience: int = 200) -> list[Step]:
    """Leave out steps that a failure does not need; ``patience`` bounds the number of tries."""
    tries = iter(range(patience))
    for size in (8, 4, 2, 1):
        for start in _starts(steps, size):
            shorter = steps[:start] + steps[start + size :]
            if next(tries, None) is not None and shorter and fails(shorter):
                steps = shorter
    return steps


def _starts(steps: Sequence[Step], size: int) -> Iterator[int]:
    return iter(range(len(steps) - size, -1, -1))
