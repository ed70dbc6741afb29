"""Does a host on an asynchronous database do what it does on a synchronous one, and is a cancelled task safe there?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from omnicore.adapters.memory import Memory
from omnicore.host import Host, KeyReused, Observation
from omnicore.host.atonce import completed
from omnicore.kernel.errors import Conflict, Refused
from omnicore.kernel.process import Process
from omnicore.kernel.runs import RunState
from omnicore.kernel.store import AsyncStore
from omnicore.testing import AsyncLossy, Awaited, Clock, Ids, check_async_host, check_async_store
from omnicore.testing.awaited import AwaitedStore
from omnicore.testing.kit_shop import FakeTill, checkout, deposit, free, receive, reserve, sell
from omnicore.testing.sabotage import SABOTAGED


def shop(database: Memory | None = None, till: FakeTill | None = None, *, clock: Clock | None = None) -> Host:
    """Open a shop on an asynchronous database."""
    awaited = Awaited(database or Memory())
    return Host(awaited, clock=clock or Clock(), new_id=Ids(), providers=[till or FakeTill()])


def test_the_kits_pass_on_an_asynchronous_database() -> None:
    """An asynchronous database is judged by the laws of the synchronous ones, store and host."""
    assert check_async_store(lambda: Awaited(Memory()), examples=3).steps
    assert "processes_cancelled_anywhere" in check_async_host(lambda: Awaited(Memory())).laws


@pytest.mark.parametrize("name", ["RollbackLost", "SnapshotTorn", "NoVersionCheck"])
def test_a_broken_asynchronous_database_is_caught(name: str) -> None:
    """What is broken in a database is found behind an event loop too."""
    with pytest.raises(AssertionError):
        check_async_store(lambda: Unqueued(SABOTAGED[name]()), examples=3)


class Unqueued(Awaited):
    """Lets a reader in beside a writer: what isolation there is, is the wrapped database's own."""

    @asynccontextmanager
    async def reading(self, shop: str) -> AsyncIterator[AsyncStore]:
        with self._database.reading(shop) as store:
            yield AwaitedStore(store)


class CommitsCancelled(Awaited):
    """Commits what a cancelled task has written so far: the broken control."""

    @asynccontextmanager
    async def writing(self, shop: str, *, serializable: bool = False) -> AsyncIterator[AsyncStore]:
        async with self._alone():
            cancelled = None
            with self._database.writing(shop) as store:
                try:
                    yield AwaitedStore(store)
                except asyncio.CancelledError as error:
                    cancelled = error
            if cancelled is not None:
                raise cancelled


def test_a_cancelled_task_that_commits_is_caught() -> None:
    """A database that commits although its task was cancelled does not pass the kit."""
    with pytest.raises(AssertionError, match=r"cancelled_anywhere.*(?s:.*)a command rolled back"):
        check_async_host(lambda: CommitsCancelled(Memory()))


def test_every_name_works() -> None:
    """A host on an asynchronous database runs, groups, starts, works, lists, tries again, tells and verifies."""
    clock, till = Clock(), FakeTill()
    host = shop(till=till, clock=clock)

    async def application() -> None:
        await host.arun(receive(amount=5), command="in")
        with pytest.raises(KeyReused):
            await host.arun(receive(amount=6), command="in")
        group = [(reserve(hold="h1", amount=2), "k1"), (reserve(hold="h2", amount=9), "k2")]
        first, second = await host.arun_many(group)
        assert (first, type(second)) == ("h1", Refused)
        till.down = True
        run = await host.astart(checkout(order="o1", amount=1, price=5), command="c1")
        for _ in range(20):
            clock.advance(hours=1)
            await host.awork()
        assert [stuck.id for stuck in await host.astuck()] == [run]
        till.down = False
        await host.aretry(run)
        assert (await host.awork()).resumed == (run,)
        found = await host.alook(run)
        assert found is not None
        assert found.state is RunState.DONE
        assert [row.about async for row in host.ajournal()] == ["o1"]
        assert await host.anumber() == 0
        assert (await host.averify()).differences == ()
        assert await host.arun(free()) == 2
        await host.aclose()

    asyncio.run(application())


def test_a_synchronous_database_has_every_name_too() -> None:
    """From an event loop a host on a synchronous database is used under the same names."""
    host = Host(Memory(), clock=Clock(), new_id=Ids(), providers=[FakeTill()])

    async def application() -> None:
        await host.arun_many([(receive(amount=5), "in")])
        run = await host.astart(checkout(order="o1", amount=1, price=5))
        assert (await host.awork()).resumed == (run,)
        assert await host.alook(run) is not None
        assert await host.astuck() == ()
        assert [row.about async for row in host.ajournal()] == ["o1"]
        assert (await host.averify()).differences == ()
        await host.aretry("unknown")
        await host.aclose()

    asyncio.run(application())


def test_a_synchronous_name_says_which_to_await() -> None:
    """Whoever calls ``run`` on an asynchronous database is told to await ``arun``, and so for every name."""
    host = shop()
    process: Process[str] = checkout(order="o1", amount=1, price=5)
    wrong = {
        "arun": lambda: host.run(free()),
        "arun_many": lambda: host.run_many([]),
        "astart": lambda: host.start(process),
        "awork": host.work,
        "anumber": host.number,
        "alook": lambda: host.look("r"),
        "astuck": host.stuck,
        "aretry": lambda: host.retry("r"),
        "ajournal": host.journal,
        "averify": host.verify,
        "aclose": host.close,
    }
    for name, call in wrong.items():
        with pytest.raises(AssertionError, match=f"await {name}$"):
            call()


def test_what_really_waits_is_told_so_without_a_loop() -> None:
    """Code that really waits where there is no event loop is a bug, told as one, and is not left half-way."""
    ended = []

    async def waits() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            ended.append(1)

    with pytest.raises(AssertionError, match="use arun"):
        completed(waits())
    assert ended == [1]


def test_providers_are_awaited_or_get_a_thread() -> None:
    """A process calls an asynchronous provider in the loop and a synchronous one beside it, where it may block."""
    loops: list[bool] = []

    def in_loop() -> bool:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        return True

    class Slow(FakeTill):
        async def charge(self, key: str, amount: int) -> str:  # type: ignore[override] # awaited by the host
            loops.append(in_loop())
            await asyncio.sleep(0)
            return FakeTill.charge(self, key, amount)

        def tell(self, key: str, order: str) -> None:
            loops.append(in_loop())

    host = shop(till=Slow())

    async def application() -> None:
        await host.arun(receive(amount=5))
        assert await host.arun(checkout(order="o1", amount=1, price=5), command="c1") == "o1"
        await host.aclose()

    asyncio.run(application())
    assert loops == [True, False]


class SlowCommit(Awaited):
    """Commits, and waits for the answer whatever happens to the task: what an adapter promises."""

    committing: asyncio.Event

    @asynccontextmanager
    async def writing(self, shop: str, *, serializable: bool = False) -> AsyncIterator[AsyncStore]:
        async with self._alone():
            with self._database.writing(shop) as store:
                yield AwaitedStore(store)
            self.committing.set()
            answer = asyncio.ensure_future(asyncio.sleep(0.01))
            try:
                await asyncio.shield(answer)
            except asyncio.CancelledError:
                await answer
                raise


def test_an_answer_that_committed_is_found_again() -> None:
    """A task cancelled while COMMIT is under way ends as cancelled, and the same key then gives what was committed."""
    told: list[Observation] = []

    async def application() -> None:
        database = SlowCommit(Memory())
        database.committing = asyncio.Event()
        host = Host(database, clock=Clock(), new_id=Ids(), observe=told.append)
        await host.arun(receive(amount=5))
        database.committing.clear()
        task = asyncio.create_task(host.arun(sell(order="o1", amount=1), command="c1"))
        await database.committing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await host.arun(free()) == 4
        assert await host.arun(sell(order="o1", amount=1), command="c1") == "o1"
        assert await host.arun(free()) == 4

    asyncio.run(application())
    assert [row.outcome for row in told] == ["ok", "cancelled", "ok", "replayed", "ok"]


def test_the_worker_works_in_the_background() -> None:
    """While an application runs on an asynchronous database, what it starts is done beside it."""
    host = shop()

    async def application() -> RunState:
        await host.arun(receive(amount=5))
        run = await host.astart(deposit(order="o1", price=5))
        async with host.working(every_seconds=0):
            for _ in range(1000):
                await asyncio.sleep(0)
                found = await host.alook(run)
                if found is not None and found.state is not RunState.RUNNING:
                    return found.state
        raise AssertionError("the worker did nothing")

    assert asyncio.run(application()) is RunState.DONE


def test_conflicts_are_tried_again() -> None:
    """A command that loses a race on an asynchronous database is decided afresh, a bounded number of times."""
    database = Memory()

    async def application() -> None:
        await Host(Awaited(database), clock=Clock(), new_id=Ids("a")).arun(receive(amount=5))
        flaky = Host(AsyncLossy(Awaited(database), commits_lost=3), clock=Clock(), new_id=Ids("b"))
        assert await flaky.arun(sell(order="o1", amount=1)) == "o1"
        never = Host(AsyncLossy(Awaited(database), commits_lost=1000), clock=Clock(), new_id=Ids("c"))
        with pytest.raises(Conflict):
            await never.arun(sell(order="o2", amount=1))

    asyncio.run(application())
