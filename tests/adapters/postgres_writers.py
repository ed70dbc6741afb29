"""What do the tests of PostgreSQL write, and how do several of them write at once?"""

import threading
from collections.abc import Callable

from omnicore import Given, Writes, flow, question
from omnicore.adapters import postgres
from omnicore.kernel.errors import Conflict
from omnicore.kernel.flow import balances, write
from omnicore.kernel.ledger import Account, Hold, Move, Post
from omnicore.kernel.records import Put
from omnicore.kernel.store import Batch
from omnicore.kernel.time import Instant

NOW = Instant(1_000_000)
UNIT = "sku:TEE-M"
SECRET = b"a secret of the tests"


def receipt(name: str, path: str, amount: int = 1) -> Post:
    """Receive goods at a place."""
    return Post(id=name, unit=UNIT, source="world/supplier", target=path, amount=amount, fact=True)


def hold(name: str, path: str) -> Hold:
    """Promise one unit that lies at a place."""
    return Hold(id=name, unit=UNIT, source=path, target="world/customer", amount=1)


def batch(name: str, *moves: Move, changes: tuple[Put, ...] = ()) -> Batch:
    """Make a batch of moves."""
    return Batch(id=name, at=NOW, by="x", moves=moves, changes=changes)


def at_once(*works: Callable[[], None]) -> list[BaseException]:
    """Do everything at the same time, each in a thread of its own; what was raised."""
    raised: list[BaseException] = []
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        ready.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def writing(
    database: postgres.Postgres, *batches: Batch, met: list[BaseException | None] | None = None
) -> Callable[[], None]:
    """Give work that writes each batch in a transaction of its own, again after a conflict; ``met`` says why."""

    def work() -> None:
        for each in batches:
            for _ in range(50):
                try:
                    with database.writing("main") as store:
                        store.write(each)
                    break
                except Conflict as conflict:
                    if met is not None:
                        met.append(conflict.__cause__)

    return work


@flow("test_postgres.receive")
async def receive(given: Given, *, name: str) -> None:
    """Bring one unit."""
    await write(Writes(moves=(receipt(name, "node/a/on-hand"),)))


@question("test_postgres.on_hand")
async def on_hand(given: Given) -> int:
    """Count the units there."""
    account = Account(UNIT, "node/a/on-hand")
    return (await balances([account]))[account].posted
