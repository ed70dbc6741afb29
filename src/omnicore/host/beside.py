"""What does a host do for code in an event loop: FastAPI, a bot, an asynchronous worker?

The same as for code that waits, under the same names with an ``a`` before them, and on either sort of database: an
asynchronous one is awaited in the loop, a synchronous one works in threads of its own.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar, cast

from omnicore.host.bound import Bound, check_process
from omnicore.host.engine import PAGE
from omnicore.host.grouping import run_many
from omnicore.host.relaying import standings
from omnicore.host.synchronous import MOST_STUCK
from omnicore.host.working import Worked, list_runs, number, read_run, retry_run, run_process, start_run, work
from omnicore.kernel.errors import Conflict, OmnicoreError
from omnicore.kernel.flow import Flow
from omnicore.kernel.journal import Envelope
from omnicore.kernel.process import Process
from omnicore.kernel.relay import Standing, try_again
from omnicore.kernel.runs import Run, RunState
from omnicore.kernel.store import Verified
from omnicore.kernel.time import Instant

R = TypeVar("R")


class Asynchronous(Bound):
    """What a host does beside an event loop, which it never blocks."""

    async def arun(self, what: Flow[R] | Process[R], *, command: str | None = None) -> R:
        """Run a question, a command or a process to its end; see ``run``.

        Cancelling rolls back at any port call. COMMIT, once sent, is waited for: the same key then gives the answer.

        Raises: Refused, Conflict when retries did not help, Malformed, KeyReused, Unknown.
        """
        place = self._beside()
        if isinstance(what, Flow):
            definition = what.definition
            return await place.inside(
                lambda engine: engine.run(what, self.actor, self.purpose, command),
                writes=definition.writes or definition.reveals,
            )
        check_process(what, command)
        return cast(R, await run_process(place, self._providers, what, self.actor, self.purpose, command))

    async def arun_many(self, flows: Sequence[tuple[Flow[R], str | None]]) -> list[R | OmnicoreError]:
        """Run many commands, each with its key or None, in one transaction; each gives its answer or its error."""
        return await self._beside().inside(lambda engine: run_many(engine, flows, self.actor, self.purpose))

    async def astart(self, process: Process[R], *, command: str | None = None, due: Instant | None = None) -> str:
        """Write a process to be run by ``awork``, at once or when due; gives the id of its run."""
        return await self.arun(start_run(run=self._begun(process, command, due)))

    async def awork(self, at: Instant | None = None) -> Worked:
        """Do one round of the worker's duty: resume, start what is due, number, tell of it, forget what is old."""
        now = at or self._engine.clock()
        return await work(self._beside(), self._providers, self._readers, now, self.actor)

    async def anumber(self) -> int:
        """Give positions to what has committed, and run nothing; how many got one."""
        return await number(self._beside())

    async def alook(self, run: str) -> Run | None:
        """Give how a run stands, None for an unknown one."""
        return await self.arun(read_run(id=run))

    async def astuck(self) -> tuple[Run, ...]:
        """List the runs that gave up, at most 1,000; ``aretry`` puts one back to work."""
        return await self.arun(list_runs(state=RunState.STUCK, limit=MOST_STUCK))

    async def aretry(self, run: str) -> None:
        """Put a stuck run back to work."""
        await self.arun(retry_run(id=run))

    async def arelays(self) -> tuple[Standing, ...]:
        """List the relays and followers: how much waits for each, and who stands still at what."""
        return await standings(self._beside(), self._readers, self.actor)

    async def aretry_relay(self, name: str) -> None:
        """End the pause of a relay or follower that failed, once its cause is gone."""
        await self.arun(try_again(name=name))

    async def ajournal(self, *, after: int = 0) -> AsyncIterator[Envelope]:
        """Give what happened, in order of position, from behind ``after``; ``awork`` numbers what has committed."""
        place = self._beside()
        while True:
            page = await place.inside(lambda engine, after=after: engine.page(after), writes=False)  # type: ignore[misc] # bound early
            for envelope in page:
                yield envelope
            if len(page) < PAGE or page[-1].position is None:
                return
            after = page[-1].position

    async def averify(self) -> Verified:
        """Recompute everything that is derived, from everything that is recorded; names the first differences."""
        return await self._beside().inside(lambda engine: engine.verify(), writes=False)

    async def aclose(self) -> None:
        """End the worker threads and give up the database's connections."""
        place, threads = self._beside(), self._pool()
        await place.inside(lambda engine: engine.ports.close())
        self._threads.clear()
        await threads.end()

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
