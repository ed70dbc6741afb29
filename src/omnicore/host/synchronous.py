"""What does a host do for code that waits in its thread: a script, a worker, Django, Celery?"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, cast

from omnicore.host.atonce import completed
from omnicore.host.bound import Bound, check_process
from omnicore.host.engine import PAGE
from omnicore.host.grouping import run_many
from omnicore.host.relaying import standings
from omnicore.host.working import Worked, list_runs, number, read_run, retry_run, run_process, start_run, work
from omnicore.kernel.errors import OmnicoreError
from omnicore.kernel.flow import Flow
from omnicore.kernel.journal import Envelope
from omnicore.kernel.process import Process
from omnicore.kernel.relay import Standing, try_again
from omnicore.kernel.runs import Run, RunState
from omnicore.kernel.store import Verified
from omnicore.kernel.time import Instant

R = TypeVar("R")
MOST_STUCK = 1000


class Synchronous(Bound):
    """What a host on a synchronous database does; an asynchronous one has ``Asynchronous`` alone."""

    def run(self, what: Flow[R] | Process[R], *, command: str | None = None) -> R:
        """Run a question, a command or a process to its end.

        With a ``command`` key it happens once: the same key and request give the same answer again.

        Raises: Refused, Conflict when retries did not help, Malformed, KeyReused, Unknown.
        """
        here = self._here("arun")
        if isinstance(what, Flow):
            return completed(here.engine.run(what, self.actor, self.purpose, command))
        check_process(what, command)
        return cast(R, completed(run_process(here, self._providers, what, self.actor, self.purpose, command)))

    def run_many(self, flows: Sequence[tuple[Flow[R], str | None]]) -> list[R | OmnicoreError]:
        """Run many commands, each with its key or None, in one transaction; each gives its answer or its error."""
        return completed(run_many(self._here("arun_many").engine, flows, self.actor, self.purpose))

    def start(self, process: Process[R], *, command: str | None = None, due: Instant | None = None) -> str:
        """Write a process to be run by ``work``, at once or when due; gives the id of its run."""
        here = self._here("astart")
        run = self._begun(process, command, due)
        return completed(here.engine.run(start_run(run=run), self.actor, self.purpose, None))

    def work(self, at: Instant | None = None) -> Worked:
        """Do one round of the worker's duty: resume, start what is due, number, tell of it, forget what is old."""
        here, now = self._here("awork"), at or self._engine.clock()
        return completed(work(here, self._providers, self._readers, now, self.actor))

    def number(self) -> int:
        """Give positions to what has committed, and run nothing: for tools that have no providers; how many got one."""
        return completed(number(self._here("anumber")))

    def look(self, run: str) -> Run | None:
        """Give how a run stands, None for an unknown one."""
        self._here("alook")
        return self.run(read_run(id=run))

    def stuck(self) -> tuple[Run, ...]:
        """List the runs that gave up, at most 1,000; ``retry`` puts one back to work."""
        self._here("astuck")
        return self.run(list_runs(state=RunState.STUCK, limit=MOST_STUCK))

    def retry(self, run: str) -> None:
        """Put a stuck run back to work."""
        self._here("aretry")
        self.run(retry_run(id=run))

    def relays(self) -> tuple[Standing, ...]:
        """List the relays and followers: how much waits for each, and who stands still at what."""
        return completed(standings(self._here("arelays"), self._readers, self.actor))

    def retry_relay(self, name: str) -> None:
        """End the pause of a relay or follower that failed, once its cause is gone."""
        self._here("aretry_relay")
        self.run(try_again(name=name))

    def journal(self, *, after: int = 0) -> Iterator[Envelope]:
        """Give what happened, in order of position, from behind ``after``; ``work`` numbers what has committed."""
        engine = self._here("ajournal").engine
        return _pages(lambda behind: completed(engine.page(behind)), after)

    def verify(self) -> Verified:
        """Recompute everything that is derived, from everything that is recorded; names the first differences."""
        return completed(self._here("averify").engine.verify())

    def close(self) -> None:
        """End the worker threads and give up the database's connections."""
        ports = self._here("aclose").engine.ports
        while self._threads:
            self._threads.pop().close()
        completed(ports.close())


def _pages(read: Callable[[int], tuple[Envelope, ...]], after: int) -> Iterator[Envelope]:
    while True:
        page = read(after)
        yield from page
        if len(page) < PAGE or page[-1].position is None:
            return
        after = page[-1].position
