"""What happens if these flows run at once, in this order of their port calls, or in any?

Flows are stepped call by call on a store that is weaker than the real ones: a read sees the latest commit at that very
moment, or the state at the flow's begin; only the write is atomic. Commits may be lost, or their answers dropped, and
the flow is then run again with its key, as a client does. What holds here under every schedule holds on any database.
A flow that is declared ``serializable`` gets what it asks for: its commit is a ``Conflict`` if what it has read would
read otherwise by then.

    for outcome in interleavings([Play(flow=hold(...)), Play(flow=hold(...))], prepare=shelf_with_one):
        assert ...
"""

import copy
import hmac
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from enum import StrEnum
from typing import cast

from attrs import define, field, fields, frozen

from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.adapters.memory_rows import Shop
from omnicore.host.atonce import StoreAtOnce, completed
from omnicore.host.attempt import Attempt
from omnicore.host.bound import NO_SECRET
from omnicore.host.engine import MAX_TRIES
from omnicore.kernel.asking import TOLD
from omnicore.kernel.errors import Conflict, OmnicoreError
from omnicore.kernel.flow import SYSTEM, Ask, Flow, Given
from omnicore.kernel.store import Batch, Command, Store
from omnicore.kernel.together import TOGETHER
from omnicore.testing.clock import Clock, Ids

MOST_SCHEDULES = 100_000


class View(StrEnum):
    """What a flow's reads see: the latest commit at each read, or the state at the flow's begin."""

    LATEST = "latest"
    SNAPSHOT = "snapshot"


class Weak(Memory):
    """A ``Memory`` that can be read without any isolation; fill it through a ``Host`` like any other."""

    def view(self, shop: str, how: View) -> MemoryStore:
        """Look at a shop without a lock."""
        rows = self._shops.setdefault(shop, Shop())
        return MemoryStore(_copied(rows) if how is View.SNAPSHOT else rows, writable=False)

    def copied(self) -> "Weak":
        """Give a copy that goes its own way: prepare once, play every schedule on a copy."""
        other = Weak()
        other._shops = {name: _copied(rows) for name, rows in self._shops.items()}
        return other


def _copied(rows: Shop) -> Shop:
    # Two levels of containers; what they hold is frozen.
    copied = copy.copy(rows)
    for column in fields(Shop):
        if isinstance(table := getattr(rows, column.name), dict):
            inner = {key: copy.copy(row) if isinstance(row, dict | list) else row for key, row in table.items()}
            setattr(copied, column.name, inner)
        elif isinstance(table, list):
            setattr(copied, column.name, list(table))
    return copied


@frozen(kw_only=True)
class Play:
    """A flow to run, with its command key or None; without a key, a lost answer is asked for again blindly."""

    flow: Flow[object]
    command: str | None = None


@frozen(kw_only=True)
class Pass:
    """Time that passes, at any moment of the schedule."""

    seconds: int


@frozen(kw_only=True)
class Outcome:
    """How one schedule went: for each play its answer or error, who moved when and how, and the database afterwards."""

    answers: tuple[object, ...]
    schedule: tuple[str, ...]
    database: Weak
    clock: Clock

    @property
    def succeeded(self) -> int:
        """How many flows gave an answer."""
        return sum(not isinstance(answer, OmnicoreError) for answer in self.answers)


Choose = Callable[[Sequence[str]], int]
"""Picks one of the moves that are possible now: ``0:load``, ``1:write``, ``1:write, answer lost``, ..."""


_Read = tuple[object, object]
"""A port call, and what it gave."""


@define(eq=False, kw_only=True)
class _World:
    database: Weak
    shop: str
    view: View
    faults: int
    choose: Choose
    begins: bool
    clock: Clock = field(factory=Clock)
    new_id: Ids = field(factory=Ids)

    def play(self, play: Play | Pass) -> Generator[str, None, object]:
        """Run a play; yields the name of each move before it is made."""
        if isinstance(play, Pass):
            yield "time passes"
            return self.clock.advance(seconds=play.seconds)
        last = Conflict("simulation")
        for _ in range(MAX_TRIES):
            try:
                return (yield from self.tried(play))
            except Conflict as conflict:
                last = conflict
        return last

    def tried(self, play: Play) -> Generator[str, None, object]:
        if self.begins:
            yield "begin"
        given = Given(
            at=self.clock(),
            actor=SYSTEM,
            purpose="simulation",
            shop=self.shop,
            new_id=self.new_id,
            blind=lambda text: hmac.digest(NO_SECRET, f"{self.shop}\n{text}".encode(), "sha256").hex(),
        )
        store: Store = self.database.view(self.shop, self.view)
        definition, key = play.flow.definition, play.command
        if key is not None:
            yield "commands"
            if (done := store.commands([key]).get(key)) is not None:
                return definition.load_answer(done.answer)
        attempt = Attempt(play.flow, StoreAtOnce(store), given)
        read: list[_Read] = []
        try:
            answer = yield from self.asked(attempt, read)
        except Conflict:
            raise
        except OmnicoreError as error:
            return error
        row = None
        if key is not None:
            request = definition.request(play.flow.args, shop=self.shop, actor=SYSTEM, key=NO_SECRET)
            row = Command(key=key, request=request, answer=definition.dump_answer(answer), at=given.at)
        if (batch := attempt.batch(command=row, key=key)) is not None:
            yield "write"
            self.commit(batch, play.flow if definition.serializable else None, given, read)
        return answer

    @staticmethod
    def asked(attempt: Attempt[object], read: list[_Read]) -> Generator[str, None, object]:
        steps = attempt.start()
        answer: object = None
        try:
            while True:
                request = steps.send(answer)
                if isinstance(request, Ask) and request.method in TOLD:
                    answer = attempt.told(request)
                    continue
                # A weak store answers each question at an instant of its own, even those asked together.
                together = isinstance(request, Ask) and request.method == TOGETHER
                answers = []
                for each in cast(Ask, request).args if together else (request,):
                    yield each.method if isinstance(each, Ask) else "bug"
                    answers.append(_answered(attempt, each))
                    read.append((each, answers[-1]))
                answer = tuple(answers) if together else answers[0]
        except StopIteration as stop:
            return stop.value
        finally:
            steps.close()

    def commit(self, batch: Batch, alone: Flow[object] | None, given: Given, read: Sequence[_Read]) -> None:
        fates = ("committed", "commit lost", "answer lost")
        fate = fates[self.choose(fates)] if self.faults else fates[0]
        if fate != fates[0]:
            self.faults -= 1
        if fate == "commit lost":
            raise Conflict(fate)
        with self.database.writing(self.shop) as store:
            if alone is not None:
                again = Attempt(alone, StoreAtOnce(store), given)
                if any(_answered(again, request) != answer for request, answer in read):
                    raise Conflict("serialisation")
            store.write(batch)
        if fate == "answer lost":
            raise Conflict(fate)


def _answered(attempt: Attempt[object], request: object) -> object:
    return completed(cast(Coroutine[object, None, object], attempt.asked(request)))


def simulate(
    plays: Sequence[Play | Pass],
    *,
    database: Weak,
    choose: Choose,
    view: View = View.LATEST,
    faults: int = 0,
    shop: str = "main",
    clock: Clock | None = None,
) -> Outcome:
    """Run plays at once, in the order ``choose`` picks; of all commits, ``faults`` may be lost or lose their answer.

    A refusal or malformed input stands as the error itself among the answers; so does a conflict that retries did not
    help. Any other exception is a bug, and ends the simulation.
    """
    made: list[str] = []

    def pick(options: Sequence[str]) -> int:
        picked = choose(options)
        made.append(options[picked])
        return picked

    world = _World(
        database=database,
        shop=shop,
        view=view,
        faults=faults,
        choose=pick,
        # When a flow begins only matters where something is fixed then: its snapshot, its instant.
        begins=view is View.SNAPSHOT or any(isinstance(play, Pass) for play in plays),
        clock=clock or Clock(),
        new_id=Ids("sim"),
    )
    running = [world.play(play) for play in plays]
    answers: dict[int, object] = {}
    moves: dict[int, str] = {}
    try:
        for number, steps in enumerate(running):
            _step(number, steps, moves, answers)
        while moves:
            waiting = sorted(moves)
            picked = waiting[pick([f"{number}:{moves[number]}" for number in waiting])]
            _step(picked, running[picked], moves, answers)
    finally:
        for steps in running:
            steps.close()
    ordered = tuple(answers[number] for number in range(len(plays)))
    return Outcome(answers=ordered, schedule=tuple(made), database=database, clock=world.clock)


def _step(number: int, steps: Generator[str, None, object], moves: dict[int, str], answers: dict[int, object]) -> None:
    try:
        moves[number] = next(steps)
    except StopIteration as stop:
        moves.pop(number, None)
        answers[number] = stop.value


def interleavings(
    plays: Sequence[Play | Pass],
    *,
    prepare: Callable[[], Weak],
    view: View = View.LATEST,
    faults: int = 0,
    shop: str = "main",
    most: int = MOST_SCHEDULES,
) -> Iterator[Outcome]:
    """Run plays under every schedule there is, each on a fresh database from ``prepare``; gives each outcome.

    Raises: AssertionError when there are more than ``most`` schedules, so that "all" is never "some".
    """
    path: list[int] = []
    for _ in range(most):
        widths: list[int] = []

        def choose(options: Sequence[str], path: list[int] = path, widths: list[int] = widths) -> int:
            widths.append(len(options))
            if len(path) < len(widths):
                path.append(0)
            return path[len(widths) - 1]

        yield simulate(plays, database=prepare(), choose=choose, view=view, faults=faults, shop=shop)
        while path and path[-1] + 1 == widths[len(path) - 1]:
            path.pop()
        if not path:
            return
        path[-1] += 1
    raise AssertionError(f"there are more than {most} schedules: play fewer flows, or fewer faults")
