"""Is everybody served who waits in a line, once, in turn and with an answer of their own?"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from omnicore.adapters import sqlite
from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.host import Host, KeyReused, NotTaken
from omnicore.host.coalescing import Coalescing
from omnicore.host.line import Caller, Line
from omnicore.kernel.errors import InDoubt, Malformed, Refused
from omnicore.kernel.flow import Flow, Given, Staff, flow
from omnicore.kernel.ids import ActorId
from omnicore.kernel.store import Database
from omnicore.testing import SECRET, Clock, Ids
from omnicore.testing.awaited import Awaited
from omnicore.testing.kit_shop import free, receive, reserve, sell

PATIENCE_SECONDS = 20.0


@flow("test_coalescing.bug")
async def bug(given: Given) -> None:
    """Fail in a way nobody planned."""
    raise ZeroDivisionError


class Gated(Memory):
    """Lets no transaction begin but when told to, and counts them; the next one may be ended from outside."""

    def __init__(self) -> None:
        """Begin with the gate open."""
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.opened = 0
        self.ends: BaseException | None = None

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
        """Wait for the gate."""
        self.opened += 1
        assert self.gate.wait(PATIENCE_SECONDS)
        ends, self.ends = self.ends, None
        if ends is not None:
            raise ends
        with super().writing(shop, serializable=serializable) as store:
            yield store


def shop(database: Database, *, stock: int) -> Host:
    """Open a shop with so many on the shelf."""
    host = Host(database, clock=Clock(), new_id=Ids(), secret=SECRET)
    host.run(receive(amount=stock))
    return host


def until(happened: Callable[[], bool]) -> None:
    """Wait until something has happened in another thread."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.0005)


class Callers:
    """Callers in threads of their own, in the order in which they came."""

    def __init__(self, line: Coalescing) -> None:
        """Nobody has come."""
        self.line = line
        self.threads: list[threading.Thread] = []
        self.outcomes: dict[int, object] = {}

    def come(self, what: Flow[object], command: str | None = None) -> None:
        """Send one more caller, and wait until it stands in line, or leads."""
        nth = len(self.threads)

        def call() -> None:
            try:
                self.outcomes[nth] = self.line.run(what, command=command)
            except BaseException as error:  # noqa: BLE001 - to be looked at
                self.outcomes[nth] = error

        before = waiting(self.line)
        self.threads.append(threading.Thread(target=call, daemon=True))
        self.threads[-1].start()
        if nth:
            until(lambda: waiting(self.line) > before or nth in self.outcomes)

    def answered(self) -> list[object]:
        """Wait for all of them; gives what each got."""
        for thread in self.threads:
            thread.join(PATIENCE_SECONDS)
        assert sorted(self.outcomes) == list(range(len(self.threads))), "somebody was never answered"
        return [self.outcomes[nth] for nth in range(len(self.threads))]


def waiting(line: Coalescing) -> int:
    """Say how many stand in line."""
    return len(line._line._waiting)


@contextmanager
def behind(database: Gated, line: Coalescing) -> Iterator[Callers]:
    """Have somebody's group be under way while others come; it ends when the block does."""
    callers = Callers(line)
    before = database.opened
    database.gate.clear()
    callers.come(receive(amount=1), "first")
    until(lambda: database.opened > before)
    try:
        yield callers
    finally:
        database.gate.set()


def kinds_of(outcomes: Sequence[object]) -> list[object]:
    """Write outcomes down: what was given, or the type of what was raised."""
    return [type(outcome) if isinstance(outcome, BaseException) else outcome for outcome in outcomes]


def test_who_waits_goes_together_in_turn() -> None:
    """Ten who come while a group is under way share the next transaction; the first four get the four there are."""
    database = Gated()
    host = shop(database, stock=3)
    with host.coalescing() as line, behind(database, line) as callers:
        before = database.opened
        for nth in range(10):
            callers.come(reserve(hold=f"h{nth}", amount=1), f"k{nth}")
    assert kinds_of(callers.answered()) == [1, *(f"h{nth}" if nth < 4 else Refused for nth in range(10))]
    assert database.opened == before + 1
    assert host.run(free()) == 0


def test_a_group_has_a_size() -> None:
    """No more go together than was said; the rest are the groups after that."""
    database = Gated()
    host = shop(database, stock=100)
    line = host.coalescing(at_most=4)
    with behind(database, line) as callers:
        before = database.opened
        for nth in range(10):
            callers.come(reserve(hold=f"h{nth}", amount=1), None)
    assert kinds_of(callers.answered()) == [1, *(f"h{nth}" for nth in range(10))]
    assert database.opened == before + 3


def test_who_comes_alone_goes_at_once() -> None:
    """A command that finds nobody waiting is a transaction of its own, and waits for no clock."""
    database = Gated()
    host = shop(database, stock=5)
    line = host.coalescing()
    assert [line.run(sell(order=f"o{nth}", amount=1), command=f"k{nth}") for nth in range(3)] == ["o0", "o1", "o2"]
    assert (database.opened, line.run(free())) == (4, 2)
    with pytest.raises(Malformed):
        line.run(free(), command="k")


def test_one_that_fails_harms_no_other() -> None:
    """A refusal, bad data and a bug are raised to those who caused them; everybody else is served."""
    database = Gated()
    host = shop(database, stock=9)
    line = host.coalescing()
    with behind(database, line) as callers:
        callers.come(sell(order="o1", amount=1), "k1")
        callers.come(sell(order="o2", amount=99), "k2")
        callers.come(sell(order="o3", amount=0), "k3")
        callers.come(bug(), "k4")
        callers.come(sell(order="o5", amount=1), "k1")
        callers.come(sell(order="o6", amount=1), None)
    got = kinds_of(callers.answered())[1:]
    assert got[:4] == ["o1", Refused, Malformed, ZeroDivisionError]
    assert got[4:] == [KeyReused, "o6"]
    assert host.run(free()) == 8


@pytest.mark.parametrize("ends", [KeyboardInterrupt(), SystemExit(), OSError("the disk")])
def test_a_leader_that_dies_strands_nobody(ends: BaseException) -> None:
    """When whoever leads is killed the next one serves the others, and who has no key is told of the doubt."""
    database = Gated()
    host = shop(database, stock=9)
    line = host.coalescing()
    with behind(database, line) as callers:
        callers.come(sell(order="o1", amount=1), "k1")
        callers.come(sell(order="o2", amount=1), "k2")
        callers.come(sell(order="o3", amount=1), None)
        callers.come(sell(order="o4", amount=1), "k4")

        def then() -> None:  # the first group is through, so it is the second one that is ended
            database.ends = ends

        clear_after_one(database, then)
    first, *got = callers.answered()
    assert first == 1
    if isinstance(ends, Exception):
        assert got == [ends] * 4
        assert host.run(free()) == 10
    else:
        assert kinds_of(got) == [type(ends), "o2", InDoubt, "o4"]
        assert host.run(free()) == 8
    assert line.run(sell(order="o1", amount=1), command="k1") == "o1"


def clear_after_one(database: Gated, then: Callable[[], None]) -> None:
    """Let the transaction under way go on, and do something before the next."""
    opened = database.opened
    until(lambda: database.opened == opened)
    writing, begun = database.writing, threading.Event()

    @contextmanager
    def once(shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
        if not begun.is_set():
            begun.set()
            then()
        with writing(shop, serializable=serializable) as store:
            yield store

    database.writing = once  # type: ignore[method-assign] # for one test


def test_a_full_line_takes_no_more() -> None:
    """Whoever would stand behind as many as the line may have is told so at once, and nothing of it happens."""
    database = Gated()
    host = shop(database, stock=9)
    line = host.coalescing(waiting_at_most=2)
    with behind(database, line) as callers:
        for nth in range(2):
            callers.come(sell(order=f"o{nth}", amount=1), None)
        with pytest.raises(NotTaken) as refused:
            line.run(sell(order="late", amount=1))
        assert refused.value.facts == {"reason": "full"}
    assert kinds_of(callers.answered()) == [1, "o0", "o1"]
    assert host.run(free()) == 8


def test_closing_serves_those_in_line() -> None:
    """Closing waits until everybody in line has been answered, and takes nobody more."""
    database = Gated()
    host = shop(database, stock=9)
    line = host.coalescing()
    with behind(database, line) as callers:
        callers.come(sell(order="o1", amount=1), None)
        closing = threading.Thread(target=line.close, daemon=True)
        closing.start()
        until(lambda: line._line._closed)
        with pytest.raises(NotTaken):
            line.run(sell(order="late", amount=1))
        assert closing.is_alive()
    closing.join(PATIENCE_SECONDS)
    assert kinds_of(callers.answered()) == [1, "o1"]


@pytest.mark.parametrize(("at_most", "waiting"), [(0, 1), (1, 0), (True, 1), ("64", 1)])
def test_counts_are_checked(at_most: int, waiting: int) -> None:
    """A line of nobody, or groups of none, are malformed."""
    with pytest.raises(Malformed):
        shop(Memory(), stock=1).coalescing(at_most=at_most, waiting_at_most=waiting)


def sold_out(line: Coalescing, host: Host, *, threads: int, stock: int) -> None:
    """Have threads buy until there is none; everybody's answer is their own and nothing is sold twice.

    Raises: AssertionError.
    """
    bought: list[list[str]] = [[] for _ in range(threads)]

    def buy(who: int) -> None:
        for nth in range(2 * stock):
            try:
                answer = line.run(sell(order=f"{who}-{nth}", amount=1), command=f"k{who}-{nth}")
            except Refused:
                return
            bought[who].append(answer)

    running = [threading.Thread(target=buy, args=(who,), daemon=True) for who in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive(), "somebody was never answered"
    assert bought == [[f"{who}-{nth}" for nth in range(len(each))] for who, each in enumerate(bought)]
    assert (sum(map(len, bought)), host.run(free())) == (stock, 0)
    assert host.verify().differences == ()


def test_threads_sell_out(tmp_path: Path) -> None:
    """Eight threads that buy one by one sell exactly what there is, in memory and on SQLite, in shared transactions."""
    for database in (Memory(), sqlite.open(tmp_path / "shop.db", migrate=True)):
        host = shop(database, stock=60)
        sold_out(host.coalescing(at_most=5), host, threads=8, stock=60)
        host.close()


class Forgetful(Line):
    """Answers whoever leads, and loses the answers of the others."""

    def answer(self, group: Sequence[Caller], outcomes: Sequence[object]) -> None:
        """Answer one."""
        super().answer(group[:1], outcomes[:1])


class Mixed(Line):
    """Hands out the right answers to the wrong callers."""

    def answer(self, group: Sequence[Caller], outcomes: Sequence[object]) -> None:
        """Answer backwards."""
        super().answer(group[::-1], outcomes)


class Twice(Line):
    """Takes the last of a group twice."""

    def begin(self, leader: Caller) -> list[Caller]:
        """Take it once more."""
        group = super().begin(leader)
        return [*group, *group[-1:]]


@pytest.mark.parametrize("broken", [Forgetful, Mixed, Twice])
def test_a_broken_line_is_caught(monkeypatch: pytest.MonkeyPatch, broken: type[Line]) -> None:
    """A line that loses answers, mixes them up or runs a command twice does not pass for a good one."""
    monkeypatch.setattr("tests.host.test_coalescing.PATIENCE_SECONDS", 0.4)
    database = Gated()
    host = shop(database, stock=9)
    line = Coalescing(host, broken(64, 1024))
    with pytest.raises(AssertionError):  # noqa: PT012 - the law of `test_who_waits_goes_together_in_turn`
        with behind(database, line) as callers:
            for nth in range(4):
                callers.come(sell(order=f"o{nth}", amount=1), None)
        assert kinds_of(callers.answered()) == [1, "o0", "o1", "o2", "o3"]
        assert host.run(free()) == 6


# ---------------------------------------------------------------------------------------------------------------- tasks


def beside(database: Memory, *, asynchronous: bool) -> Host:
    """Open a shop for an event loop, on either sort of database."""
    kept = Awaited(database) if asynchronous else database
    return Host(kept, clock=Clock(), new_id=Ids(), secret=SECRET)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_tasks_go_together(*, asynchronous: bool) -> None:
    """A hundred tasks that want one each of forty share a few transactions; the first forty get one."""
    database = Gated()
    shop(database, stock=40)
    database.opened = 0

    async def application() -> Sequence[object]:
        host = beside(database, asynchronous=asynchronous)
        async with host.coalescing(at_most=50) as line:
            many = [line.arun(reserve(hold=f"h{nth}", amount=1), command=f"k{nth}") for nth in range(100)]
            answers = await asyncio.gather(*many, return_exceptions=True)
            assert await line.arun(free()) == 0
        await host.aclose()
        return answers

    assert kinds_of(asyncio.run(application())) == [f"h{nth}" if nth < 40 else Refused for nth in range(100)]
    assert database.opened <= 4


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_cancelled_task_leaves_the_line(*, asynchronous: bool) -> None:
    """A task that is cancelled in line has asked for nothing; one whose group has begun is waited for."""
    database = Gated()
    shop(database, stock=9)

    async def application() -> None:
        host = beside(database, asynchronous=asynchronous)
        line = host.coalescing(at_most=2)
        orders = [asyncio.create_task(line.arun(sell(order=f"o{n}", amount=1), command=f"k{n}")) for n in range(6)]
        await asyncio.sleep(0)  # all of them have asked, and nobody has begun
        orders[0].cancel()  # whoever would lead
        orders[4].cancel()
        got = await asyncio.gather(*orders, return_exceptions=True)
        assert kinds_of(got) == [asyncio.CancelledError, "o1", "o2", "o3", asyncio.CancelledError, "o5"]
        assert await host.arun(free()) == 5
        if not asynchronous:
            database.gate.clear()
            before = database.opened
            late = asyncio.create_task(line.arun(sell(order="late", amount=1), command="late"))
            await asyncio.to_thread(until, lambda: database.opened > before)
            late.cancel()
            await asyncio.sleep(0)
            database.gate.set()
            with pytest.raises(asyncio.CancelledError):
                await late
            assert await line.arun(sell(order="late", amount=1), command="late") == "late"
            assert await host.arun(free()) == 4
        await line.aclose()
        await host.aclose()

    asyncio.run(application())


def test_a_loop_that_ends_strands_no_thread() -> None:
    """Callers in threads are served although the event loop of those before them in line is shut down."""
    database = Gated()
    host = shop(database, stock=9)
    line = host.coalescing(at_most=1)
    asked = threading.Event()

    async def application() -> None:
        database.gate.clear()
        gone = [asyncio.create_task(line.arun(sell(order=f"gone{nth}", amount=1))) for nth in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in gone)
        await asyncio.to_thread(until, lambda: waiting(line) == 2)
        asked.set()

    ending = threading.Thread(target=asyncio.run, args=(application(),), daemon=True)
    ending.start()
    assert asked.wait(PATIENCE_SECONDS)
    callers = Callers(line)
    callers.threads.append(
        threading.Thread(target=lambda: callers.outcomes.update({0: line.run(sell(order="o", amount=1))}))
    )
    callers.threads[0].start()
    database.gate.set()
    assert callers.answered() == ["o"]
    ending.join(PATIENCE_SECONDS)
    assert not ending.is_alive()


def test_everybody_acts_for_themselves() -> None:
    """Those who share a transaction keep their own names in the journal."""
    database = Gated()
    host = shop(database, stock=9)
    line = host.coalescing()
    clerk = line.acting(Staff(ActorId("S1")))
    with behind(database, line) as callers:
        callers.come(sell(order="o1", amount=1), None)
        callers.line = clerk
        callers.come(sell(order="o2", amount=1), None)
    assert kinds_of(callers.answered()) == [1, "o1", "o2"]
    host.number()
    assert [row.by.split(":")[0] for row in host.journal()] == ["system", "staff"]
