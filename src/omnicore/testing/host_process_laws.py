"""What must hold of processes, wherever they are stopped? One function for each law."""

from collections.abc import Callable
from contextlib import suppress
from itertools import count

from omnicore.host import Host, KeyReused, ProcessFailed, Unknown
from omnicore.kernel.errors import Conflict, Refused
from omnicore.kernel.runs import Diverged, RunState
from omnicore.testing.bench import same
from omnicore.testing.host_command_laws import raises
from omnicore.testing.kit_shop import STEP, HostBench, backorder, checkout, deposit, free, receive
from omnicore.testing.lossy import Points, Stopped

Law = Callable[[HostBench], None]
_MOST_POINTS = 1000


def runs_once(bench: HostBench) -> None:
    """A process with a key runs once; the same key for another request is refused."""
    host = bench.host()
    host.run(receive(amount=5))
    for _ in range(2):
        same("the answer", host.run(checkout(order="o1", amount=2, price=500), command="c1"), "o1")
    raises(KeyReused, lambda: host.run(checkout(order="o1", amount=2, price=501), command="c1"))
    done_once(bench, host)


def done_once(bench: HostBench, host: Host) -> None:
    """Demand that ``checkout`` has been done, and done once."""
    same("charges", list(bench.till.charges.values()), [500])
    same("buyers told", list(bench.till.told.values()), ["o1"])
    same("what is left", host.run(free()), 3)
    host.work()
    kit = bench.bench()
    same("what is held", kit.balance().held, 0)
    with kit.reading() as store:
        same("orders in the journal", [row.about for row in store.read() if row.about == "o1"], ["o1"])
    kit.verified()


def resumed_wherever_stopped(bench: HostBench) -> None:
    """A process stopped at any begin, port call, commit or call outside is finished later: nothing lost or doubled."""
    for error in (Stopped, lambda: Conflict("kit"), OSError):
        for stop_at in count(1):
            here = bench.next_shop(f"{getattr(error, '__name__', '')}-{stop_at}")
            host = here.host()
            host.run(receive(amount=5))
            points = here.till.points = Points(stop_at=stop_at, error=error)
            with suppress(Stopped, Conflict, OSError):
                here.stopping(points).run(checkout(order="o1", amount=2, price=500), command="c1")
            here.settle_down(host)
            answer = host.run(checkout(order="o1", amount=2, price=500), command="c1")
            same(f"the answer after a stop at point {stop_at}", answer, "o1")
            done_once(here, host)
            if _over(points):
                break


def _over(points: Points) -> bool:
    if points.passed > _MOST_POINTS:
        raise AssertionError("a process passes points without end")
    return points.passed < points.stop_at


def worker_may_die(bench: HostBench) -> None:
    """A process that was started is finished by the next worker, wherever the one before died."""
    for stop_at in count(1):
        here = bench.next_shop(str(stop_at))
        host = here.host()
        host.run(receive(amount=5))
        run = host.start(checkout(order="o1", amount=2, price=500), command="c1")
        points = here.till.points = Points(stop_at=stop_at)
        with suppress(Stopped):
            here.stopping(points).work()
        here.settle_down(host)
        found = host.look(run)
        same(f"how the run stands after a stop at point {stop_at}", found and found.state, RunState.DONE)
        done_once(here, host)
        if _over(points):
            break


def known_before_outside(bench: HostBench) -> None:
    """No provider is asked before the process is on record, so that a charge without an order is always found."""
    for stop_at in count(1):
        here = bench.next_shop(str(stop_at))
        points = here.till.points = Points(stop_at=stop_at)
        with suppress(Stopped):
            here.stopping(points).run(deposit(order="o1", price=500))
        here.settle_down(here.host())
        placed = here.bench().note("o1") is not None
        same(f"charges and orders after a stop at point {stop_at}", len(here.till.charges), int(placed))
        if _over(points):
            break


def refusals_recorded(bench: HostBench) -> None:
    """A refusal inside a process is its end, also when it is asked again after the reason has gone."""
    host = bench.host()
    host.run(receive(amount=1))
    for amount in (5, 5):
        refused = raises(Refused, lambda: host.run(checkout(order="o1", amount=2, price=500), command="c1"))
        assert isinstance(refused, Refused)
        same("the facts of the refusal", dict(refused.facts), {"available": 1})
        host.run(receive(amount=amount))
    bench.till.refusing = True
    for _ in range(2):
        raises(Refused, lambda: host.run(checkout(order="o2", amount=1, price=500), command="c2"))
    same("how often the till was asked", bench.till.charged, 1)
    same("runs that need somebody", host.stuck(), ())


def same_way_again(bench: HostBench) -> None:
    """A process that went another way after a refusal keeps to it when it is resumed, though the reason has gone."""
    host = bench.host()
    host.run(receive(amount=1))
    bench.till.answers_lost = 1
    raises(Unknown, lambda: host.run(backorder(order="o1", amount=2, price=500), command="c1"))
    host.run(receive(amount=4))
    bench.settle_down(host)
    same("the answer", host.run(backorder(order="o1", amount=2, price=500), command="c1"), "o1")
    same("what is left", host.run(free()), 5)


def unknown_is_asked(bench: HostBench) -> None:
    """Where a provider's answer is lost, it is asked what it did before anything is tried again."""
    host = bench.host()
    host.run(receive(amount=5))
    bench.till.answers_lost = 1
    raises(Unknown, lambda: host.run(checkout(order="o1", amount=2, price=500), command="c1"))
    raises(Conflict, lambda: host.run(checkout(order="o1", amount=2, price=500), command="c1"))
    bench.settle_down(host)
    same("the answer", host.run(checkout(order="o1", amount=2, price=500), command="c1"), "o1")
    same("how often the till was charged and asked", (bench.till.charged, bench.till.looked_up > 0), (1, True))
    done_once(bench, host)


def stuck_and_retried(bench: HostBench) -> None:
    """A process that fails for long is listed, and goes on where it stood when somebody retries it."""
    host = bench.host()
    host.run(receive(amount=5))
    bench.till.down = True
    run = host.start(checkout(order="o1", amount=2, price=500), command="c1")
    for _ in range(20):
        bench.clock.advance(hours=1)
        host.work()
    same("runs that need somebody", [row.id for row in host.stuck()], [run])
    raises(ProcessFailed, lambda: host.run(checkout(order="o1", amount=2, price=500), command="c1"))
    bench.till.down = False
    host.retry(run)
    bench.settle_down(host)
    same("runs that need somebody", host.stuck(), ())
    done_once(bench, host)


def diverged_stops(bench: HostBench) -> None:
    """A process whose code no longer does what its record says stops, and does nothing more."""
    host = bench.host()
    host.run(receive(amount=5))
    bench.till.answers_lost = 1
    raises(Unknown, lambda: host.run(checkout(order="o1", amount=2, price=500), command="c1"))
    STEP["name"] = "reserve goods"
    try:
        bench.settle_down(host)
        same("runs that need somebody", [row.state for row in host.stuck()], [RunState.STUCK])
        raises(Diverged, lambda: host.run(checkout(order="o1", amount=2, price=500), command="c1"))
    finally:
        STEP["name"] = "reserve"
    host.retry(host.stuck()[0].id)
    bench.settle_down(host)
    done_once(bench, host)


def runs_when_due(bench: HostBench) -> None:
    """A process started for later runs when it is due, not before, and once."""
    host = bench.host()
    host.run(receive(amount=5))
    due = bench.clock().plus(seconds=30)
    run = host.start(checkout(order="o1", amount=2, price=500), command="c1", due=due)
    same("the id of the same start", host.start(checkout(order="o1", amount=2, price=500), command="c1"), run)
    bench.clock.advance(seconds=29)
    same("runs moved on too early", host.work().resumed, ())
    bench.clock.advance(seconds=1)
    same("runs moved on when due", host.work().resumed, (run,))
    same("runs moved on again", host.work().resumed, ())
    done_once(bench, host)


LAWS: tuple[Law, ...] = (
    runs_once,
    resumed_wherever_stopped,
    worker_may_die,
    known_before_outside,
    refusals_recorded,
    same_way_again,
    unknown_is_asked,
    stuck_and_retried,
    diverged_stops,
    runs_when_due,
)
