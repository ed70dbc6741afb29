"""After a million random commands, do the books say what counting unit by unit says?

Commands are drawn from a seed over a small world, so that they collide; each is run on a database and on a model that
keeps plain dictionaries. After each, every balance and every hold is compared, and `verify` finds nothing.
"""

import random  # noqa: TID251 - drawn from a seed, so that a failing run can be run again
from contextlib import closing
from itertools import count
from time import monotonic

from attrs import frozen

from omnicore.adapters.memory import Memory
from omnicore.kernel.errors import Conflict, Malformed
from omnicore.kernel.ledger import Held, Move
from omnicore.kernel.store import Batch, Database
from omnicore.kernel.time import Instant
from omnicore.testing.bench import BACK, NOTES, SHELF, same
from omnicore.testing.clock import NOON
from omnicore.testing.crowd import Crowd
from omnicore.testing.figures import Backend, Figure, figure
from omnicore.testing.naive_books import Naive
from omnicore.testing.sabotage import SABOTAGED
from omnicore.testing.sabotage_books import DECISIONS
from omnicore.testing.store_steps import Wait, Write, draw

LENGTH = 30
"""Commands of one history, in a shop of its own."""


def written(database: Database, moves: tuple[Move, ...], *, shop: str, at: Instant, name: str) -> str:
    """Write moves; say whether they were taken."""
    try:
        with database.writing(shop) as store:
            store.write(Batch(id=name, at=at, by="staff:model", moves=moves))
    except (Conflict, Malformed):
        return "refused"
    return "done"


def compare(database: Database, naive: Naive, *, shop: str, at: Instant) -> None:
    """Demand that balances and holds are those of the model.

    Raises: AssertionError.
    """
    with database.reading(shop) as store:
        for account, balance in store.balances([SHELF, BACK], at).items():
            place = (account.unit, account.path)
            found = (balance.posted, balance.held, balance.available)
            same(str(account), found, (naive.posted.get(place, 0), naive.held(place), naive.available(place, at)))
        found_holds = store.holds(list(naive.holds))
        expected = {
            name: {key: hold[key] for key in ("left", "settled", "released", "expired", "state")}
            for name, hold in naive.holds.items()
        }
        same("holds", {name: parts(held) for name, held in found_holds.items()}, expected)


def parts(held: Held) -> dict[str, object]:
    """Give the parts of a hold as the model names them."""
    return {
        "left": held.left,
        "settled": held.settled,
        "released": held.released,
        "expired": held.expired,
        "state": held.state.value,
    }


@frozen(kw_only=True)
class Compared:
    """How many commands were run and how many of them were taken."""

    commands: int
    taken: int


def compared(database: Database, seed: int, *, commands: int, shop: str = "history") -> Compared:
    """Run histories on a database and on the model.

    Raises: AssertionError at the first difference; the seed finds it again.
    """
    source = random.Random(seed)  # noqa: S311 - as the import
    taken = ran = 0
    for history in count():
        naive, name, at = Naive(), f"{shop}-{history}", NOON
        for number, step in enumerate(draw(source, length=LENGTH)):
            if isinstance(step, Wait):
                at = at.plus(seconds=step.seconds)
            elif isinstance(step, Write) and step.moves:
                outcome = written(database, step.moves, shop=name, at=at, name=f"batch-{number}")
                same(f"what became of {step}", outcome, naive.apply(step.moves, at))
                taken += outcome == "done"
                ran += 1
            compare(database, naive, shop=name, at=at)
        with database.reading(name) as store:
            same("differences", store.verify([NOTES]).differences, ())  # type: ignore[list-item] # Kind[Note] is a Kind[object]
        if ran >= commands:
            break
    return Compared(commands=ran, taken=taken)


def share(
    number: int, backend: Backend, seed: int, commands: int, seconds: float | None
) -> tuple[Compared, str | None]:
    """Run this process's share, a thousand commands at a time; gives the first difference, if any."""
    until = None if seconds is None else monotonic() + seconds
    ran = taken = 0
    with closing(backend.open()) as database:
        for part in count():
            mine = seed * 1_000_003 + part * 64 + number
            try:
                found = compared(database, mine, commands=min(1000, commands - ran), shop=f"books-{mine}")
            except AssertionError as difference:
                return Compared(commands=ran, taken=taken), f"compared(database, {mine}): {difference}"
            ran, taken = ran + found.commands, taken + found.taken
            if ran >= commands or (until is not None and monotonic() >= until):
                return Compared(commands=ran, taken=taken), None
    raise AssertionError("count() does not end")


def memory_backend() -> Backend:
    """Give a database in memory, one for each process."""
    return Backend(name="memory", version="", make=Memory)


def books_figure(
    backend: Backend, *, seed: int, commands: int = 1_000_000, processes: int = 2, seconds: float | None = None
) -> Figure:
    """Run commands on a database and on the model, in ``processes`` at once; after ``seconds`` no further thousand.

    Controls: the books of ``testing.sabotage``, each with one mistake in deciding on moves.
    """
    with Crowd(processes) as crowd:
        shares = crowd.all(share, backend, seed, commands // processes, seconds)
    differences = [difference for _, difference in shares if difference is not None]
    missed = [kind.__name__ for kind in DECISIONS if not _caught(SABOTAGED[kind.__name__](), seed)]
    facts: dict[str, int | str] = {
        "commands": sum(each.commands for each, _ in shares),
        "taken": sum(each.taken for each, _ in shares),
        "differences": len(differences),
    }
    if differences:
        facts["first"] = differences[0]
    if missed:
        facts["missed"] = ", ".join(missed)
    return figure(
        "books", holds=not differences, facts=facts, caught=[kind.__name__ not in missed for kind in DECISIONS]
    )


def _caught(database: Database, seed: int) -> bool:
    try:
        compared(database, seed, commands=5000)
    except AssertionError:
        return True
    return False
