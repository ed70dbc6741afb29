"""Killed at every one of its statements and calls, does a story of the shop still end as it must, once?"""

import gc
import json
import os
import random  # noqa: TID251 - drawn from a seed, so that a failing run can be run again
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from attrs import evolve, frozen

from omnicore.adapters.memory import Memory
from omnicore.testing.broken_databases import HalfByHalf
from omnicore.testing.crowd import Crowd
from omnicore.testing.figures import Backend, Figure, figure
from omnicore.testing.kills.shop import Counter, Shop
from omnicore.testing.kills.stories import STORIES, UNITS
from omnicore.testing.lossy import Stopping
from omnicore.testing.shop import open_shop


@frozen(kw_only=True)
class Plan:
    """One story on one backend: who tells it, where the provider's files are, and what is broken on purpose."""

    backend: Backend
    story: str
    folder: Path
    name: str
    """Begins the names of databases and shops, so that no two plans share one."""
    forgetful: bool = False
    idle_minutes: int = 2


@frozen(kw_only=True)
class Point:
    """What was found after a kill at a point (0: no kill): how many points there were, and which were at a call.

    ``seams`` are the points between the halves of writes, for the control.
    """

    point: int
    killed: bool
    complaints: tuple[str, ...]
    points: int = 0
    calls: tuple[int, ...] = ()
    seams: tuple[int, ...] = ()


def forked(work: Callable[[], object]) -> object | None:
    """Do work in a process of its own; gives what it came to, None if it was killed.

    Raises: RuntimeError when it failed in any other way.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        text = ""
        try:
            text = json.dumps({"came_to": work()})
        except BaseException:  # noqa: BLE001 - a child that lets anything out would go on as the parent
            text = json.dumps({"failed": traceback.format_exc()})
        finally:
            with os.fdopen(write, "w") as answer:
                answer.write(text)
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL:
        return None
    came: dict[str, object] = json.loads(text)
    if "failed" in came:
        raise RuntimeError(f"a process of the shop failed: {came['failed']}")
    return came["came_to"]


class Stage:
    """Where one process of a crowd tells a story again and again: a database of its own, prepared once.

    A backend that lends no spare database gets a shop of its own for each telling, prepared each time.
    """

    def __init__(self, plan: Plan, number: int) -> None:
        """Prepare the shop, and tell the story in memory once: who is forked then has learnt to read and write."""
        self.plan = plan
        self.number = number
        self.free: dict[str, int] = {}
        self._told = 0
        spare = plan.backend.spare
        self._own = spare.copied(f"{plan.name}-{number}") if spare else plan.backend
        memory = Memory()
        lines = [Backend(name="memory", version="", make=lambda: memory, watch=lambda _: None)]
        for backend in (*lines, *([self._own] if spare else [])):
            self._prepare(backend, "main")
        told(lines[0], plan, "main", self._files("main"), 0)
        assert not taken_over(lines[0], plan, "main", self._files("main"), self.free)
        if self._own.spare is not None:
            self._own.spare.mark()
        gc.collect()
        gc.freeze()  # what is never collected is never copied

    def _files(self, shop: str) -> Path:
        return self.plan.folder / f"{self.number}-{shop}"

    def _prepare(self, backend: Backend, shop: str) -> None:
        files = self._files(shop)
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        first = Shop(backend.open(), shop=shop, folder=files, ids="first", counter=Counter())
        open_shop(first.host)
        self.free = first.free(list(UNITS))
        STORIES[self.plan.story].before(first)
        first.close()
        shutil.copytree(files, f"{files}.mark", dirs_exist_ok=True)

    def killed_at(self, plan: Plan, kill_at: int) -> Point:
        """Kill at a point, take over, and say what was found."""
        self._told += 1
        backend, shop = evolve(self._own, sabotage=plan.backend.sabotage), "main"
        if self._own.spare is None:
            shop = f"{plan.name}-{self.number}-{self._told}"
            self._prepare(self._own, shop)
        else:
            self._own.spare.restore()
        files = self._files(shop)
        shutil.rmtree(files)
        shutil.copytree(f"{files}.mark", files)
        first = forked(lambda: told(backend, plan, shop, files, kill_at))
        story: dict[str, object] = first if isinstance(first, dict) else {}
        found = forked(lambda: taken_over(backend, plan, shop, files, self.free))
        assert isinstance(found, list), "the process that takes over lives"
        return Point(
            point=kill_at,
            killed=first is None,
            complaints=tuple(found),
            points=int(str(story.get("points", 0))),
            calls=tuple(story.get("calls", ())),  # type: ignore[arg-type] # written by `told`
            seams=tuple(story.get("seams", ())),  # type: ignore[arg-type] # as above
        )

    def close(self) -> None:
        """Give the database back."""
        if self._own.spare is not None:
            self._own.spare.drop()


def told(backend: Backend, plan: Plan, shop: str, files: Path, kill_at: int) -> dict[str, object]:
    """Tell the story in this process, which is killed at a point; gives how many points there were if it was not."""
    counter = Counter()
    # A database that nobody can watch is a host's own: every call of a store is a point then.
    around = (lambda database: Stopping(database, counter)) if backend.watch is None else None
    if backend.watch is not None:
        backend.watch(counter.point)
    counter.begin(kill_at)
    database = backend.open(wrapped=around)
    if isinstance(database, HalfByHalf):
        database.between = counter.seam
    second = Shop(database, shop=shop, folder=files, ids="second", counter=counter, forgetful=plan.forgetful)
    STORIES[plan.story].act(second)
    return {"points": counter.passed, "calls": counter.calls, "seams": counter.seams}


def taken_over(backend: Backend, plan: Plan, shop: str, files: Path, free: dict[str, int]) -> list[str]:
    """Take over in a new process with what the killed one left; gives what is amiss."""
    later = Shop(backend.open(), shop=shop, folder=files, ids="later", counter=Counter(), forgetful=plan.forgetful)
    try:
        later.clock.advance(minutes=plan.idle_minutes)
        return STORIES[plan.story].told_again(later, free)
    except Exception as failed:  # noqa: BLE001 - whatever it is, who takes over must not meet it
        return [f"failed: {type(failed).__name__}: {failed}"]
    finally:
        later.close()


_STAGES: list[Stage] = []
"""In a process of a crowd: where it tells its story."""


def prepared(number: int, plan: Plan) -> None:
    """Prepare the stage, in each process of a crowd."""
    _STAGES.append(Stage(plan, number))


def whole(_number: int, plan: Plan) -> Point:
    """Tell the story to its end, in each process of a crowd."""
    return _STAGES[-1].killed_at(plan, 0)


def share(number: int, plan: Plan, points: Sequence[int], of: int, seconds: float | None = None) -> list[Point]:
    """Do this process's share of the points, as many as there is time for."""
    until = None if seconds is None else monotonic() + seconds
    return [_STAGES[-1].killed_at(plan, point) for point in points[number::of] if until is None or monotonic() < until]


def struck(_number: int) -> None:
    """Strike the stage, in each process of a crowd."""
    _STAGES.pop().close()


@frozen(kw_only=True)
class Matrix:
    """What was found at the points of one plan."""

    unkilled: Point
    killed: tuple[Point, ...]

    @property
    def complaints(self) -> dict[int, tuple[str, ...]]:
        """What was amiss, by point; a process that was not killed where it should be is amiss too."""
        found = {each.point: each.complaints for each in (self.unkilled, *self.killed) if each.complaints}
        return found | {each.point: ("not killed",) for each in self.killed if not each.killed}


def matrix(crowd: Crowd, plan: Plan, *, every: int = 1, seed: int = 0, seconds: float | None = None) -> Matrix:
    """Kill at every ``every``-th point, from one the seed says on, and at all the provider's calls (0: only there).

    In an order drawn from the seed, so that where there is time for some only, they are others in the next run.
    """
    unkilled, *others = crowd.all(whole, plan)
    assert all(each.points == unkilled.points for each in others), "a story told twice has the same points"
    chosen = {point for call in unkilled.calls for point in (call, call + 1) if point <= unkilled.points}
    if every:
        chosen |= set(range(1 + seed % every, unkilled.points + 1, every))
    drawn = random.Random(seed).sample(sorted(chosen), len(chosen))  # noqa: S311 - as the import
    shares = crowd.all(share, plan, drawn, crowd.size, seconds)
    return Matrix(unkilled=unkilled, killed=tuple(point for few in shares for point in few))


def kill_figure(
    backend: Backend,
    story: str,
    *,
    seed: int,
    every: int = 1,
    processes: int = 2,
    idle_minutes: int = 2,
    controls: bool = True,
    seconds: float | None = None,
) -> Figure:
    """Kill at every ``every``-th point of a story (the seed says which), and at each call of the provider.

    ``seconds`` bounds it on a busy machine: the figure says at how many of the points there was time for a kill.

    Controls: a database that writes in two transactions, and a line to the provider that makes up its own keys.
    """
    with tempfile.TemporaryDirectory() as folder, Crowd(processes) as crowd:
        plan = Plan(
            backend=backend,
            story=story,
            folder=Path(folder),
            name=f"kill-{story}-{seed}-{idle_minutes}",
            idle_minutes=idle_minutes,
        )
        crowd.all(prepared, plan)
        found = matrix(crowd, plan, every=every, seed=seed, seconds=seconds)
        caught = [_caught_in_halves(crowd, plan)] if controls else []
        if controls and STORIES[story].calls_a_provider:
            forgotten = matrix(crowd, evolve(plan, forgetful=True, idle_minutes=2), every=0).complaints.values()
            caught.append(any(line.startswith("doubled") for lines in forgotten for line in lines))
        crowd.all(struck)
    first = min(found.complaints.items(), default=None)
    return figure(
        f"kills: {story}",
        holds=not found.complaints,
        facts={
            "points": found.unkilled.points,
            "killed at": len(found.killed),
            "provider calls": len(found.unkilled.calls) // 2,
            "lost, doubled or wrong": len(found.complaints),
            **({"first": f"point {first[0]}: {'; '.join(first[1])}"} if first else {}),
        },
        caught=caught,
    )


def _caught_in_halves(crowd: Crowd, plan: Plan) -> bool:
    """Kill between the halves of writes, one of them in each process at a time, until one is found."""
    broken = evolve(plan, backend=plan.backend.by(HalfByHalf), idle_minutes=2)
    unkilled, *_ = crowd.all(whole, broken)
    for first in range(0, len(unkilled.seams), crowd.size):
        shares = crowd.all(share, broken, unkilled.seams[first : first + crowd.size], crowd.size)
        if any(point.complaints for shared in shares for point in shared):
            return True
    return False
