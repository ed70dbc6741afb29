"""Does this database keep the promises of ``Store``? A plain function for any test runner, or none."""

import random  # noqa: TID251 - steps are drawn alike every time, from a seed
from collections.abc import Callable

from attrs import frozen

from omnicore.adapters.memory import Memory
from omnicore.kernel.store import AsyncDatabase, Database
from omnicore.testing import store_asking_laws, store_document_laws, store_journal_laws, store_ledger_laws
from omnicore.testing.bench import Bench, Make
from omnicore.testing.bridge import Bridged, Loop
from omnicore.testing.store_steps import Step, compare, draw, shortened

LAWS = (
    *store_document_laws.LAWS,
    *store_ledger_laws.LAWS,
    *store_journal_laws.LAWS,
    *store_asking_laws.LAWS,
)
THREADS = "threads"
"""For ``unless``: the database is used from one thread only."""


@frozen(kw_only=True)
class Checked:
    """What a kit has checked: its laws by name, how many random steps, and what it was told to leave out."""

    laws: tuple[str, ...]
    steps: int = 0
    left_out: frozenset[str] = frozenset()


def check_store(
    make: Make, *, examples: int = 20, length: int = 15, seed: int = 0, unless: frozenset[str] = frozenset()
) -> Checked:
    """Judge a database: every law of the ports, then ``examples`` runs of random steps compared with ``Memory``.

    ``make`` opens an empty database, which is closed in the end; each law works in a shop of its own. ``seed`` draws
    other steps; ``unless`` names what the database does not offer: ``{"threads"}``.

    Raises: AssertionError, naming the law, or the shortest run of steps that was found to differ.
    """
    database = make()
    try:
        laws = LAWS if THREADS in unless else (*LAWS, *store_document_laws.THREAD_LAWS)
        for law in laws:
            try:
                law(Bench(database=database, shop=law.__name__))
            except Exception as broken:
                raise AssertionError(f"{law.__name__}: {law.__doc__}\n{type(broken).__name__}: {broken}") from broken
        source = random.Random(seed)  # noqa: S311 - as above
        for example in range(examples):
            _compared(draw(source, length=length), database, name=f"seed {seed}, example {example}")
    finally:
        database.close()
    return Checked(laws=tuple(law.__name__ for law in laws), steps=examples * (length + 1), left_out=unless)


def check_async_store(
    make: Callable[[], AsyncDatabase], *, examples: int = 20, length: int = 15, seed: int = 0
) -> Checked:
    """Judge an asynchronous database by the same laws; each transaction is a task of one event loop.

    ``make`` is called in that loop, and what it opens is closed there in the end.

    Raises: AssertionError, as ``check_store`` does.
    """
    loop = Loop()

    async def made() -> AsyncDatabase:
        return make()

    try:
        return check_store(lambda: Bridged(loop.run(made()), loop), examples=examples, length=length, seed=seed)
    finally:
        loop.close()


def _compared(steps: list[Step], database: Database, *, name: str) -> None:
    tries = iter(range(1_000_000))

    def difference(run: list[Step]) -> str | None:
        try:
            compare(run, database, Memory(), shop=f"{name}, try {next(tries)}")
        except Exception as broken:  # noqa: BLE001 - whatever an adapter raises here is its failure
            return f"{type(broken).__name__}: {broken}"
        return None

    if difference(steps) is not None:
        short = shortened(steps, lambda run: difference(run) is not None)
        shown = "\n".join(f"  {number}: {step}" for number, step in enumerate(short))
        raise AssertionError(f"{name}: differs from Memory after these steps\n{shown}\n{difference(short)}")
