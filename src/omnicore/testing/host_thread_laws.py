"""What must hold when many tasks of one event loop use a host at once? One function for each law."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from itertools import count

from omnicore.host import Host
from omnicore.kernel.errors import Refused
from omnicore.testing.bench import same
from omnicore.testing.host_process_laws import done_once
from omnicore.testing.kit_shop import HostBench, checkout, free, receive, sell
from omnicore.testing.lossy import Points

Law = Callable[[HostBench], None]
_TASKS = 50
_PORT_CALLS = 3
"""Where cancelling ``sell`` must roll back: begin, look for the key, read, write."""
_PATIENCE_SECONDS = 5


class _Cancel:
    """Cancels a task at a point in a worker's thread, and waits until the loop has done so."""

    def __init__(self) -> None:
        self.task: asyncio.Task[object] | None = None
        self.loop = asyncio.get_running_loop()
        self.thread = threading.current_thread()

    def __call__(self) -> None:
        assert self.task is not None
        if threading.current_thread() is self.thread:  # an asynchronous database: the point is passed in the loop
            self.task.cancel()
            return
        delivered = threading.Event()

        def deliver() -> None:
            assert self.task is not None
            self.task.cancel()
            # The task wakes in the next turn of the loop and tells its thread; the turn after that is late enough.
            self.loop.call_soon(self.loop.call_soon, delivered.set)

        self.loop.call_soon_threadsafe(deliver)
        delivered.wait(_PATIENCE_SECONDS)


async def _answers(tasks: list[Coroutine[object, object, object]]) -> list[object]:
    return await asyncio.gather(*tasks, return_exceptions=True)


def many_tasks(bench: HostBench) -> None:
    """Of fifty tasks that want one each of thirty, thirty get one and twenty are refused."""
    host = bench.host()
    host.run(receive(amount=30))
    selling = [host.arun(sell(order=f"o{number}", amount=1), command=f"c{number}") for number in range(_TASKS)]
    answers = bench.way.run(_answers(list(selling)))
    sold = [answer for answer in answers if isinstance(answer, str)]
    same("sales", (len(sold), len(set(sold))), (30, 30))
    same("refusals", sum(isinstance(answer, Refused) for answer in answers), 20)
    same("what is left", host.run(free()), 0)
    _end(host)


def cancelled_anywhere(bench: HostBench) -> None:
    """A task cancelled at any port call has done all or nothing, others are not disturbed, and its key tells which."""
    rolled_back = 0
    for stop_at in count(1):
        here = bench.next_shop(str(stop_at))
        here.host().run(receive(amount=_TASKS))
        points = Points(stop_at=stop_at, error=None)
        flaky = here.stopping(points)
        others = here.host()
        bench.way.run(_cancelled(flaky, others, points))
        left = here.host().run(free())
        if left not in {0, 1}:
            raise AssertionError(f"{left} are left after a task was cancelled at point {stop_at}")
        rolled_back += left
        host = here.host()
        same("the answer when asked again", host.run(sell(order="o0", amount=1), command="c0"), "o0")
        same("what is left", host.run(free()), 0)
        here.bench().verified()
        _end(flaky, others)
        if points.passed < stop_at:
            break
    if rolled_back < _PORT_CALLS:
        raise AssertionError(f"cancelled at {rolled_back} points only was a command rolled back")


async def _cancelled(flaky: Host, others: Host, points: Points) -> None:
    cancel = points.at_point = _Cancel()
    task: asyncio.Task[object] = asyncio.create_task(flaky.arun(sell(order="o0", amount=1), command="c0"))
    cancel.task = task
    rest = [others.arun(sell(order=f"o{number}", amount=1), command=f"c{number}") for number in range(1, _TASKS)]
    answers = await _answers(list(rest))
    same("tasks that were not cancelled", answers, [f"o{number}" for number in range(1, _TASKS)])
    (answer,) = await asyncio.gather(task, return_exceptions=True)
    if not (answer == "o0" or isinstance(answer, asyncio.CancelledError)):
        raise AssertionError(f"a cancelled task gave {answer!r}")


def processes_cancelled_anywhere(bench: HostBench) -> None:
    """A process whose task is cancelled at any port call or call outside is finished later: nothing lost or doubled."""
    for stop_at in count(1):
        here = bench.next_shop(str(stop_at))
        host = here.host()
        host.run(receive(amount=5))
        points = here.till.points = Points(stop_at=stop_at, error=None)
        flaky = here.stopping(points)
        here.way.run(_cancelled_process(flaky, points))
        here.settle_down(host)
        answer = host.run(checkout(order="o1", amount=2, price=500), command="c1")
        same(f"the answer after a cancellation at point {stop_at}", answer, "o1")
        done_once(here, host)
        _end(flaky, host)
        if points.passed < stop_at:
            break


async def _cancelled_process(flaky: Host, points: Points) -> None:
    cancel = points.at_point = _Cancel()
    buying = flaky.arun(checkout(order="o1", amount=2, price=500), command="c1")
    cancel.task = asyncio.create_task(buying)
    (answer,) = await asyncio.gather(cancel.task, return_exceptions=True)
    if not (answer == "o1" or isinstance(answer, asyncio.CancelledError)):
        raise AssertionError(f"a cancelled process gave {answer!r}")


def processes_in_a_loop(bench: HostBench) -> None:
    """A process under asyncio does what it does without."""
    host = bench.host()
    host.run(receive(amount=5))

    async def twice() -> list[object]:
        first = await host.arun(checkout(order="o1", amount=2, price=500), command="c1")
        again = await host.arun(checkout(order="o1", amount=2, price=500), command="c1")
        await host.awork()
        return [first, again]

    same("answers", bench.way.run(twice()), ["o1", "o1"])
    same("charges", list(bench.till.charges.values()), [500])
    same("what is left", host.run(free()), 3)
    _end(host)


def _end(*hosts: Host) -> None:
    # Not ``close``: it would close the database, which other laws use.
    for host in hosts:
        for threads in host._threads:  # noqa: SLF001 - one of us
            threads.close()


LAWS: tuple[Law, ...] = (many_tasks, cancelled_anywhere, processes_cancelled_anywhere, processes_in_a_loop)
