"""Is a host easy to use rightly and hard to use wrongly?"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve

from omnicore.adapters import sqlite
from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.host import Host, KeyReused, Observation, ProcessFailed, system
from omnicore.host.advance import MAX_ATTEMPTS
from omnicore.host.atonce import completed
from omnicore.host.engine import MAX_TRIES, PAGE
from omnicore.host.working import BATCH
from omnicore.kernel import process as kernel_process
from omnicore.kernel.errors import Conflict, Malformed, Refused
from omnicore.kernel.flow import Actor, Flow, Given, Staff, flow, question, write
from omnicore.kernel.ledger import Hold
from omnicore.kernel.process import process, step
from omnicore.kernel.runs import RUNS, Diverged, RunState
from omnicore.kernel.store import Batch, Writes
from omnicore.testing import SECRET, Clock, Ids
from omnicore.testing.bench import CUSTOMER, SHELF, UNIT
from omnicore.testing.kit_shop import FakeTill, checkout, deposit, free, place, receive, sell


@flow("test_host.race")
async def race(given: Given) -> None:
    """Hold what nobody has looked for."""
    promise = Hold(id=given.new_id(), unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=1)
    await write(Writes(moves=(promise,)))


@flow("test_host.bug")
async def bug(given: Given) -> None:
    """Fail in a way nobody planned."""
    raise ZeroDivisionError


@flow("test_host.halve")
async def halve(given: Given, *, amount: int, by: int = 2) -> int:
    """Divide, and fail for zero in a way nobody planned."""
    return amount // by if amount else 1 // amount


@process("test_host.halving")
async def halving(given: Given, *, amount: int, by: int = 2) -> int:
    """Divide in a step."""
    return await step("halve", halve(amount=amount, by=by))


@question("test_host.who")
async def who(given: Given) -> tuple[str, str | None, str]:
    """Say who acts, why and where."""
    return str(given.actor), given.purpose, given.shop


@process("test_host.malformed")
async def bad_process(given: Given, *, key: str) -> None:
    """Run a step that cannot be written."""
    await step("bad", sell(order=key, amount=0))


def shop(*, told: list[Observation] | None = None, till: FakeTill | None = None, clock: Clock | None = None) -> Host:
    """Open a shop."""
    observe = None if told is None else told.append
    return Host(Memory(), clock=clock or Clock(), new_id=Ids(), observe=observe, providers=[till or FakeTill()])


def test_a_host_acts_for_somebody() -> None:
    """A host acting for a clerk shares everything with the host it came from, but says who acts and why."""
    host = shop()
    clerk = host.acting(Staff("s1"), purpose="service")
    assert clerk.run(who()) == ("staff:s1", "service", "main")
    assert host.run(who()) == ("system:omnicore", None, "main")
    clerk.run(receive(amount=2))
    assert host.run(free()) == 2


def test_everything_has_a_default() -> None:
    """A host needs a database and nothing else."""
    host = Host(Memory())
    host.run(receive(amount=2))
    assert host.run(free()) == 2
    assert host.verify().differences == ()
    assert host.look("unknown") is None
    host.retry("unknown")
    host.close()


def test_the_observer_hears_every_end() -> None:
    """The observer hears of answers, refusals, lost races, malformed input and bugs, each by its name."""
    told: list[Observation] = []
    host = shop(told=told)
    host.run(free())
    with pytest.raises(Refused):
        host.run(sell(order="o", amount=1))
    with pytest.raises(Conflict):
        host.run(race())
    with pytest.raises(Malformed):
        host.run(sell(order="o", amount=0))
    with pytest.raises(ZeroDivisionError):
        host.run(bug())
    assert [row.outcome for row in told] == ["ok", "kernel.refused", "conflict", "malformed", "bug"]
    assert [row.retries for row in told] == [0, 0, MAX_TRIES, 0, 0]
    assert all(row.micros >= 0 for row in told)


@pytest.mark.parametrize("command", ["", "x" * 201])
def test_command_keys_have_bounds(command: str) -> None:
    """A command key has from 1 to 200 characters."""
    with pytest.raises(Malformed, match=r"\$\.command"):
        shop().run(receive(amount=1), command=command)


@pytest.mark.parametrize("command", ["", "x" * 201, 5, ["k"]])
def test_every_way_in_checks_the_key(command: str) -> None:
    """A process and a group check a command's key as a command does: an empty key would be a new process each time."""
    host = shop()
    with pytest.raises(Malformed, match=r"\$\.command"):
        host.run(checkout(order="o1", amount=1, price=5), command=command)
    with pytest.raises(Malformed, match=r"\$\.command"):
        host.start(checkout(order="o1", amount=1, price=5), command=command)
    with pytest.raises(Malformed, match=r"\$\.command"):
        host.run(receive(amount=1), command=command)
    group: list[tuple[Flow[object], str | None]] = [(receive(amount=1), command), (receive(amount=1), None)]
    bad, good = host.run_many(group)
    assert (type(bad), good) == (Malformed, 1)


def test_a_question_takes_no_key_in_a_group() -> None:
    """A question asked in a group takes no command key either, so no answer of it is kept."""
    group: list[tuple[Flow[object], str | None]] = [(free(), "k")]
    assert type(shop().run_many(group)[0]) is Malformed


@pytest.mark.parametrize("what", ["x", None, receive, 5])
def test_what_is_no_use_case_is_malformed(what: Flow[int]) -> None:
    """Handing over anything but a flow or a process is malformed, whichever way in it takes."""
    host = shop()
    with pytest.raises(Malformed):
        host.run(what)
    with pytest.raises(Malformed):
        host.start(what)  # type: ignore[arg-type] # on purpose
    assert type(host.run_many([(what, None)])[0]) is Malformed


def test_a_wrong_argument_is_malformed_and_named() -> None:
    """An argument of another type than declared is malformed and named, never a TypeError; a bug stays a bug."""
    host = shop()
    amount: int = "5"  # type: ignore[assignment] # on purpose
    for wrong in (halve(amount=amount), halve(amount=None)):  # type: ignore[arg-type] # on purpose
        with pytest.raises(Malformed, match=r"\$\.amount"):
            host.run(wrong)
        assert type(host.run_many([(wrong, None)])[0]) is Malformed
    with pytest.raises(ZeroDivisionError):
        host.run(halve(amount=0))


def test_a_default_spelled_out_is_the_same_request() -> None:
    """Saying a default aloud is the same request as leaving it out, for a command and for a process."""
    host = shop()
    assert host.run(halve(amount=4), command="k") == host.run(halve(amount=4, by=2), command="k") == 2
    with pytest.raises(KeyReused):
        host.run(halve(amount=4, by=4), command="k")
    assert host.run(halving(amount=4), command="k") == host.run(halving(amount=4, by=2), command="k") == 2
    with pytest.raises(KeyReused):
        host.run(halving(amount=4, by=4), command="k")


def test_a_group_is_observed() -> None:
    """The observer hears of a group of commands too, as one."""
    told: list[Observation] = []
    group: list[tuple[Flow[object], str | None]] = [(receive(amount=1), "a"), (receive(amount=1), "b")]
    shop(told=told).run_many(group)
    assert [(row.flow, row.outcome) for row in told] == [("host.run_many", "ok")]


def test_an_answer_of_a_version_gone_diverges(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ended under a version this program has no more is refused as diverged, never a KeyError."""
    host = shop()
    host.run(halving(amount=4), command="k")
    monkeypatch.delitem(kernel_process._PROCESSES, ("test_host.halving", 1))
    with pytest.raises(Diverged):
        host.run(halving(amount=4), command="k")


def test_a_provider_is_found_by_its_port() -> None:
    """A process whose port nobody implements is a bug that says which one is missing."""
    host = Host(Memory(), clock=Clock(), new_id=Ids())
    with pytest.raises(AssertionError, match="no provider of Till"):
        host.run(deposit(order="o1", price=5))


def of_another_version(database: Memory, clock: Clock, run: str) -> None:
    """Make a run look as if a newer program had started it."""
    with database.writing("main") as store:
        stored = RUNS.read(store.load(RUNS.name, [run])[run])
        later = evolve(stored.value, version=99)
        store.write(Batch(id=f"b-{run}", at=clock(), by="staff:test", changes=(stored.put(later),)))


def test_an_unknown_process_is_left_alone() -> None:
    """A worker without the module of a process names its runs, changes nothing about them and does what is behind."""
    clock, database = Clock(), Memory()
    host = Host(database, clock=clock, new_id=Ids(), providers=[FakeTill()])
    host.run(receive(amount=1))
    unknown = [host.start(checkout(order=f"u{n:03}", amount=1, price=5), command=f"u{n:03}") for n in range(BATCH + 1)]
    for run in unknown:
        of_another_version(database, clock, run)
    clock.advance(seconds=1)
    known = host.start(checkout(order="o1", amount=1, price=5), command="c1")
    before = [host.look(run) for run in unknown]
    clock.advance(seconds=1)
    worked = host.work()
    assert (worked.resumed, worked.failed, worked.unknown) == ((known,), (), tuple(unknown))
    clock.advance(hours=1)
    assert host.work().unknown == tuple(unknown)
    assert [host.look(run) for run in unknown] == before
    with pytest.raises(Diverged):
        host.run(checkout(order="u000", amount=1, price=5), command="u000")
    assert host.look(unknown[0]) == before[0]
    assert host.stuck() == ()


def test_a_step_that_cannot_be_said_gets_stuck() -> None:
    """A process that keeps failing on bad data is listed, not tried for ever."""
    clock = Clock()
    host = shop(clock=clock)
    host.run(receive(amount=1))
    run = host.start(bad_process(key="k"), command="c1")
    for _ in range(MAX_ATTEMPTS + 2):
        host.work()
        clock.advance(hours=1)
    assert [row.state for row in host.stuck()] == [RunState.STUCK]
    assert host.stuck()[0].id == run
    with pytest.raises(ProcessFailed):
        host.run(bad_process(key="k"), command="c1")


def test_a_group_is_one_transaction() -> None:
    """Commands run together are one transaction, but that one which reads what another has changed begins the next."""

    class Counting(Memory):
        opened = 0

        @contextmanager
        def writing(self, shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
            self.opened += 1
            with super().writing(shop) as store:
                yield store

    database = Counting()
    host = Host(database, clock=Clock(), new_id=Ids())
    group: list[tuple[Flow[object], str | None]] = [(receive(amount=n), f"k{n}") for n in range(1, 21)]
    host.run_many(group)
    assert (database.opened, host.run(free())) == (1, 210)
    again: list[tuple[Flow[object], str | None]] = [(receive(amount=1), "same"), (receive(amount=1), "same")]
    assert host.run_many([*again, (receive(amount=1), "other")]) == [1, 1, 1]
    assert (database.opened, host.run(free())) == (2, 212)
    notes: list[tuple[Flow[object], str | None]] = [
        (place(order="o1", hold=None, paid=paid), None) for paid in ("a", "b")
    ]
    first, second = host.run_many([*notes, (receive(amount=1), None)])[:2]
    assert (first, type(second)) == ("o1", Refused)
    assert (database.opened, host.run(free())) == (4, 213)


@pytest.mark.parametrize(("wait_ms", "tries"), [(5000, 1), (1300, 3), (700, 7), (10, MAX_TRIES)])
def test_patience_is_for_all_tries(monkeypatch: pytest.MonkeyPatch, wait_ms: int, tries: int) -> None:
    """Whoever has waited for a locked database as long as the host's patience allows is not made to wait again."""
    now = [0]
    monkeypatch.setattr(system, "ticks_micros", lambda: now[0])

    class Locked(Memory):
        @contextmanager
        def writing(self, shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
            now[0] += wait_ms * 1000
            raise Conflict("database")
            yield

    told: list[Observation] = []
    host = Host(Locked(), clock=Clock(), new_id=Ids(), observe=told.append, patience_seconds=5)
    with pytest.raises(Conflict):
        host.run(receive(amount=1))
    assert [row.retries for row in told] == [tries]
    assert now[0] == tries * wait_ms * 1000 <= 5_000_000


@pytest.mark.parametrize("meet", [True, False])
def test_those_who_met_spread_out(monkeypatch: pytest.MonkeyPatch, *, meet: bool) -> None:
    """Where writers run at once, a lost race is followed by a random wait, at most twice as long each time."""
    waited: list[int] = []

    async def sleep(micros: int) -> None:
        waited.append(micros)

    monkeypatch.setattr(system, "sleep", sleep)

    class Meeting(Memory):
        writers_meet = meet

    host = Host(Meeting(), clock=Clock(), new_id=Ids(), random_bits=lambda count: (1 << count) - 1)
    with pytest.raises(Conflict):
        host.run(race())
    assert waited == ([1023, 2047, 4095, 8191, 16383, 32767, 65535] if meet else [])


def test_the_machine_waits() -> None:
    """A wait is as long as it was asked to be, and a random number has no more bits than asked for."""
    began = time.perf_counter()
    completed(system.sleep(2000))
    assert time.perf_counter() - began >= 0.002
    assert all(0 <= system.random_bits(3) < 8 for _ in range(100))


def test_old_keys_are_forgotten() -> None:
    """The worker forgets a command's key after as many days as the host says, not before, however many there are."""
    clock = Clock()
    host = Host(Memory(), clock=clock, new_id=Ids(), command_days=30)
    many: list[tuple[Flow[object], str | None]] = [(receive(amount=1), f"k{n}") for n in range(PAGE + 1)]
    host.run_many(many)
    clock.advance(days=30)
    assert host.work().forgotten == 0
    assert host.run(receive(amount=1), command="k0") == 1
    assert host.run(free()) == PAGE + 1
    clock.advance(seconds=1)
    assert host.work().forgotten == PAGE + 1
    assert host.run(receive(amount=1), command="k0") == 1
    assert host.run(free()) == PAGE + 2


def test_two_workers_share_the_work() -> None:
    """Of two workers that see the same due process, one runs it."""
    clock, till = Clock(), FakeTill()
    database = Memory()
    one = Host(database, clock=clock, new_id=Ids("a"), providers=[till])
    one.run(receive(amount=5))
    run = one.start(checkout(order="o1", amount=1, price=5), command="c1")
    two = Host(database, clock=clock, new_id=Ids("b"), providers=[till])
    resumed = []

    class Nosy(FakeTill):
        def charge(self, key: str, amount: int) -> str:
            resumed.append(two.work().resumed)
            return till.charge(key, amount)

    nosy = Host(database, clock=clock, new_id=Ids("c"), providers=[Nosy()])
    assert nosy.work().resumed == (run,)
    assert resumed == [()]
    assert till.charged == 1


def test_a_listed_process_may_be_gone() -> None:
    """A worker that finds a listed process taken by another leaves it alone."""
    clock, till = Clock(), FakeTill()
    database = Memory()
    host = Host(database, clock=clock, new_id=Ids(), providers=[till])
    host.run(receive(amount=5))
    runs = [host.start(checkout(order=f"o{n}", amount=1, price=5), command=f"c{n}") for n in range(2)]
    others = Host(database, clock=clock, new_id=Ids("b"), providers=[till])

    class Nosy(FakeTill):
        def charge(self, key: str, amount: int) -> str:
            others.work()
            return till.charge(key, amount)

    nosy = Host(database, clock=clock, new_id=Ids("c"), providers=[Nosy()])
    worked = nosy.work()
    assert (worked.resumed, worked.failed) == ((runs[0],), ())
    assert till.charged == 2
    assert [found.state for run in runs if (found := host.look(run))] == [RunState.DONE] * 2


def test_a_process_that_runs_is_not_run_twice() -> None:
    """Somebody who asks for a process that is under way is told to try later."""
    clock, till = Clock(), FakeTill()
    host = shop(clock=clock, till=till)
    host.run(receive(amount=5))
    asked = []

    class Nosy(FakeTill):
        def charge(self, key: str, amount: int) -> str:
            try:
                host.run(checkout(order="o1", amount=1, price=5), command="c1")
            except Conflict as conflict:
                asked.append(str(conflict))
            return till.charge(key, amount)

    nosy = Host(host._engine.database, clock=clock, new_id=Ids("c"), providers=[Nosy()])
    assert nosy.run(checkout(order="o1", amount=1, price=5), command="c1") == "o1"
    assert asked == ["conflict on run testing.checkout/c1 is under way"]


def test_an_asynchronous_provider_needs_a_loop() -> None:
    """A provider whose methods are coroutines is a bug where there is no event loop."""

    class Slow(FakeTill):
        async def charge(self, key: str, amount: int) -> str:  # type: ignore[override] # wrong on purpose
            return super().charge(key, amount)

    host = Host(Memory(), clock=Clock(), new_id=Ids(), providers=[Slow()])
    with pytest.raises(AssertionError, match="needs arun"):
        host.run(deposit(order="o1", price=5))


def test_a_watcher_that_fails_hides_no_answer() -> None:
    """Monitoring that breaks does not make a sale that went through look as if it had not."""

    def broken(_seen: Observation) -> None:
        raise ZeroDivisionError

    host = Host(Memory(), observe=broken)
    with pytest.warns(RuntimeWarning, match="observe failed: ZeroDivisionError"):
        assert host.look("nothing") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"shop": ""},
        {"shop": 5},
        {"lease_seconds": 0},
        {"lease_seconds": True},
        {"command_days": 0},
        {"patience_seconds": 0.5},
    ],
)
def test_a_host_is_set_up_right_or_not_at_all(wrong: dict[str, object]) -> None:
    """A shop without a name, or a lease of no time, is refused when the host is made, not when it first matters."""
    with pytest.raises(Malformed):
        Host(Memory(), **wrong)  # type: ignore[arg-type] # that is what is tested


def test_a_database_that_lasts_needs_a_secret(tmp_path: Path) -> None:
    """A host on a database that outlives it is told at once that its secret is missing; in memory it needs none."""
    lasting = sqlite.open(tmp_path / "shop.db", migrate=True)
    assert lasting.durable
    with pytest.raises(Malformed, match=r"\$\.secret"):
        Host(lasting)
    Host(lasting, secret=SECRET).close()
    in_memory = sqlite.open(":memory:")
    assert not in_memory.durable
    Host(in_memory).close()
    with pytest.raises(Malformed, match=r"\$\.secret"):
        Host(Memory(), secret=b"fifteen bytes..")


@pytest.mark.parametrize("nobody", [None, "S1", Actor])
def test_somebody_acts(nobody: object) -> None:
    """A host acts for an actor; what events and audit rows would name must be one."""
    with pytest.raises(Malformed):
        Host(Memory()).acting(nobody)  # type: ignore[arg-type] # that is what is tested
    for kind, name in (("clerk", "S1"), ("staff", ""), ("staff", "two\nlines")):
        with pytest.raises(Malformed):
            Actor(kind, name)
