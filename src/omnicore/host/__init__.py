"""Where ports get implementations, and flows and processes are run.

The rule for users, in one sentence: a question, a command or a process you wait for goes to ``run`` / ``arun``, one
that may run later to ``start``, and a thread, a cron job or ``lifespan`` calls ``work``. Each is a transaction of its
own; a process that begins if and only if a flow commits is part of that flow's ``Writes`` (``kernel.runs.starting``).
"""

import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar, cast

from omnicore.host import system
from omnicore.host.advance import Effect, Inside, Providers, Unknown
from omnicore.host.engine import Engine, KeyReused, Observation, check_key
from omnicore.host.working import (
    ProcessFailed,
    Worked,
    list_runs,
    number,
    read_run,
    retry_run,
    run_process,
    start_run,
    work,
)
from omnicore.kernel.errors import Conflict, Malformed, OmnicoreError
from omnicore.kernel.flow import SYSTEM, Actor, Flow
from omnicore.kernel.ids import NewId, checked_id
from omnicore.kernel.journal import Envelope
from omnicore.kernel.process import Process
from omnicore.kernel.records import kinds
from omnicore.kernel.runs import Run, RunState, begin
from omnicore.kernel.store import Database, Verified
from omnicore.kernel.time import Instant

if TYPE_CHECKING:
    from omnicore.host.asynchronous import Threads

__all__ = ["Host", "KeyReused", "Observation", "ProcessFailed", "Unknown", "Worked"]

R = TypeVar("R")
_PAGE = 1000
_SHORTEST_SECRET = 16


def _go_on() -> None:
    return None


def _check_process(process: object, command: str | None) -> None:
    """Check that something may be run as a process. An empty key would be none at all, and every try a new process."""
    if not isinstance(process, Process):
        raise Malformed("$", "must be a flow or a process, made by calling one")
    check_key(command)


class Host:
    """One shop on one database, acting for somebody.

    ``providers`` implement the ports of processes by inheriting them; ``observe`` is told of every run, never its
    arguments. ``secret`` keys the hashes of requests and the marks by which e-mails, phones, cards and pickup codes are
    found again, so that nobody can guess them back from a stolen database: give your own, and keep it for ever, because
    under another one no customer is known again.
    """

    def __init__(
        self,
        database: Database,
        *,
        shop: str = "main",
        providers: Sequence[object] = (),
        observe: Callable[[Observation], None] | None = None,
        clock: Callable[[], Instant] = system.now,
        new_id: NewId | None = None,
        secret: bytes = b"omnicore: no secret",
        lease_seconds: int = 60,
    ) -> None:
        """Bind a shop to its database; nothing is opened or written yet.

        Raises: Malformed for a secret of fewer than 16 bytes, a shop that is no id, or a lease of no time.
        """
        if type(secret) is not bytes or len(secret) < _SHORTEST_SECRET:
            raise Malformed("$.secret", f"must be at least {_SHORTEST_SECRET} bytes")
        if type(lease_seconds) is not int or lease_seconds < 1:
            raise Malformed("$.lease_seconds", "must be a whole number of at least 1")
        checked_id(shop, "$.shop")
        self._engine = Engine(
            database=database,
            shop=shop,
            clock=clock,
            new_id=new_id or system.new_ids(),
            ticks_micros=system.ticks_micros,
            secret=secret,
            observe=observe,
            lease_seconds=lease_seconds,
        )
        self._providers = Providers.of(tuple(providers))
        self._threads: list[Threads] = []
        self.actor: Actor = SYSTEM
        self.purpose: str | None = None

    def acting(self, actor: Actor, *, purpose: str | None = None) -> "Host":
        """Give the same host acting for somebody; personal data is read for a stated purpose only.

        Raises: Malformed for anything but an actor.
        """
        if not isinstance(actor, Actor):
            raise Malformed("$.actor", "must be an actor, such as Staff(...)")
        other = object.__new__(Host)
        other._engine, other._providers, other._threads = self._engine, self._providers, self._threads
        other.actor, other.purpose = actor, purpose
        return other

    # Synchronous

    def run(self, what: Flow[R] | Process[R], *, command: str | None = None) -> R:
        """Run a question, a command or a process to its end.

        With a ``command`` key it happens once: the same key and request give the same answer again.

        Raises: Refused, Conflict when retries did not help, Malformed, KeyReused, Unknown.
        """
        if isinstance(what, Flow):
            return self._engine.run(what, self.actor, self.purpose, command, _go_on)
        return cast(R, _drive(self._process(what, command)))

    def run_many(self, flows: Sequence[tuple[Flow[R], str | None]]) -> list[R | OmnicoreError]:
        """Run many commands, each with its key or None, in one transaction; each gives its answer or its error."""
        return self._engine.run_many(flows, self.actor, self.purpose, _go_on)

    def start(self, process: Process[R], *, command: str | None = None, due: Instant | None = None) -> str:
        """Write a process to be run by ``work``, at once or when due; gives the id of its run."""
        _check_process(process, command)
        now = self._engine.clock()
        run = begin(
            process,
            id=command or self._engine.new_id(),
            at=now,
            actor=self.actor,
            purpose=self.purpose,
            due=due or now,
        )
        return self.run(start_run(run=run))

    def work(self, at: Instant | None = None) -> Worked:
        """Do one round of the worker's duty: resume and start what is due, number what has committed."""
        return _drive(self._work(at))

    def number(self) -> int:
        """Give positions to what has committed, and run nothing: for tools that have no providers; how many got one."""
        return _drive(number(self._engine))

    def look(self, run: str) -> Run | None:
        """Give how a run stands, None for an unknown one."""
        return self.run(read_run(id=run))

    def stuck(self) -> tuple[Run, ...]:
        """List the runs that gave up, at most 1,000; ``retry`` puts one back to work."""
        return self.run(list_runs(state=RunState.STUCK, until=None, limit=1000))

    def retry(self, run: str) -> None:
        """Put a stuck run back to work."""
        self.run(retry_run(id=run))

    def journal(self, *, after: int = 0) -> Iterator[Envelope]:
        """Give what happened, in order of position, from behind ``after``; ``work`` numbers what has committed."""
        while True:
            with self._engine.database.reading(self._engine.shop) as store:
                page = store.read(after=after, limit=_PAGE)
            yield from page
            if len(page) < _PAGE or page[-1].position is None:
                return
            after = page[-1].position

    def verify(self) -> Verified:
        """Recompute everything that is derived, from everything that is recorded; names the first differences."""
        with self._engine.database.reading(self._engine.shop) as store:
            return store.verify(kinds().values())

    def close(self) -> None:
        """End the worker threads and give up the database's connections."""
        while self._threads:
            self._threads.pop().close()
        self._engine.database.close()

    # Asynchronous

    async def arun(self, what: Flow[R] | Process[R], *, command: str | None = None) -> R:
        """Do what ``run`` does without blocking the event loop; cancelling rolls back unless COMMIT was sent."""
        if isinstance(what, Flow):
            definition = what.definition
            return await self._pool().run(
                lambda checkpoint: self._engine.run(what, self.actor, self.purpose, command, checkpoint),
                writes=definition.writes or definition.reveals,
            )
        return cast(R, await self._pool().drive(self._process(what, command)))

    async def awork(self, at: Instant | None = None) -> Worked:
        """Do what ``work`` does without blocking the event loop."""
        return await self._pool().drive(self._work(at))

    @asynccontextmanager
    async def working(self, *, every_seconds: int = 1) -> AsyncIterator[None]:
        """Work in the background while the block is open: ``lifespan=lambda app: host.working()``.

        A round that meets a ``Conflict`` (a database locked by somebody else) is left to the next one. Whatever else
        ends the work is raised when the block is left.
        """
        import asyncio  # noqa: PLC0415 - only async hosts pay for it

        async def rounds() -> None:
            while True:
                with suppress(Conflict):
                    await self.awork()
                await asyncio.sleep(every_seconds)

        task = asyncio.create_task(rounds())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled() and (failed := task.exception()) is not None:
                raise failed

    def _pool(self) -> "Threads":
        if not self._threads:
            from omnicore.host.asynchronous import Threads  # noqa: PLC0415 - only async hosts pay for asyncio

            self._threads.append(Threads())
        return self._threads[0]

    def _process(self, process: Process[R], command: str | None) -> Generator[Effect, object, object]:
        _check_process(process, command)
        return run_process(self._engine, self._providers, process, self.actor, self.purpose, command)

    def _work(self, at: Instant | None) -> Generator[Effect, object, Worked]:
        return work(self._engine, self._providers, at or self._engine.clock(), self.actor)


def _drive(steps: Generator[Effect, object, R]) -> R:
    """Drive a process from synchronous code."""
    answer: object = None
    error: Exception | None = None
    try:
        while True:
            effect = steps.throw(error) if error else steps.send(answer)
            answer, error = None, None
            try:
                if isinstance(effect, Inside):
                    answer = effect.work(_go_on)
                else:
                    answer = effect.work()
                    if inspect.isawaitable(answer):
                        raise AssertionError("an asynchronous provider needs arun")
            except Exception as raised:  # noqa: BLE001 - handed to the process, which decides
                error = raised
    except StopIteration as stop:
        result: R = stop.value
        return result
    finally:
        steps.close()
