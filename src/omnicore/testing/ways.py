"""In which way does the host kit use a host: from a thread, or from an event loop?

The laws are the same. ``InThread`` calls ``host.run``; ``OverLoop`` shows a host that lives in an event loop, on an
asynchronous database, under the same names: each of them awaits the one with an ``a`` before it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol, TypeVar, cast

from attrs import define, field

from omnicore.host import Host, Worked
from omnicore.kernel.errors import OmnicoreError
from omnicore.kernel.flow import Actor, Flow
from omnicore.kernel.process import Process
from omnicore.kernel.runs import Run
from omnicore.kernel.store import AsyncDatabase, Database, Verified
from omnicore.kernel.time import Instant
from omnicore.testing.async_lossy import AsyncLossy, AsyncStopping
from omnicore.testing.bridge import Bridged, Loop
from omnicore.testing.lossy import Lossy, Points, Stopping

R = TypeVar("R")
MakeHost = Callable[..., Host]


class Way(Protocol):
    """How the kit makes hosts on a database, and runs what is asynchronous."""

    def host(self, database: Database, **settings: object) -> Host:
        """Make a host."""
        ...

    def stopping(self, database: Database, points: Points, **settings: object) -> Host:
        """Make a host that may be stopped at a point."""
        ...

    def lossy(self, database: Database, *, answers_lost: int, commits_lost: int, **settings: object) -> Host:
        """Make a host whose commits, or the answers to them, are lost at first."""
        ...

    def run(self, work: Coroutine[object, object, R]) -> R:
        """Run what is asynchronous to its end."""
        ...


@define(eq=False)
class InThread:
    """Hosts on a synchronous database."""

    make_host: MakeHost

    def host(self, database: Database, **settings: object) -> Host:
        """Make a host."""
        return self.make_host(database, **settings)

    def stopping(self, database: Database, points: Points, **settings: object) -> Host:
        """Make a host that may be stopped at a point."""
        return self.make_host(Stopping(database, points), **settings)

    def lossy(self, database: Database, *, answers_lost: int, commits_lost: int, **settings: object) -> Host:
        """Make a host whose commits, or the answers to them, are lost at first."""
        return self.make_host(Lossy(database, answers_lost=answers_lost, commits_lost=commits_lost), **settings)

    def run(self, work: Coroutine[object, object, R]) -> R:
        """Run in an event loop of its own."""
        return asyncio.run(_awaited(work))


async def _awaited(work: Coroutine[object, object, R]) -> R:
    return await work


@define(eq=False)
class OverLoop:
    """Hosts on an asynchronous database that lives in an event loop."""

    make_host: MakeHost
    loop: Loop = field(factory=Loop)

    def host(self, database: Database, **settings: object) -> Host:
        """Make a host."""
        return self._shown(self.make_host(_within(database), **settings))

    def stopping(self, database: Database, points: Points, **settings: object) -> Host:
        """Make a host that may be stopped at a point."""
        return self._shown(self.make_host(AsyncStopping(_within(database), points), **settings))

    def lossy(self, database: Database, *, answers_lost: int, commits_lost: int, **settings: object) -> Host:
        """Make a host whose commits, or the answers to them, are lost at first."""
        lossy = AsyncLossy(_within(database), answers_lost=answers_lost, commits_lost=commits_lost)
        return self._shown(self.make_host(lossy, **settings))

    def run(self, work: Coroutine[object, object, R]) -> R:
        """Run in the database's loop."""
        return self.loop.run(work)

    def _shown(self, host: Host) -> Host:
        return cast(Host, HostInLoop(host, self.loop))


def _within(database: Database) -> AsyncDatabase:
    assert isinstance(database, Bridged)
    return database.database


class HostInLoop:
    """A host that lives in an event loop, as far as the kit uses one."""

    def __init__(self, host: Host, loop: Loop) -> None:
        """Show a host."""
        self._host = host
        self._loop = loop

    def acting(self, actor: Actor, *, purpose: str | None = None) -> "HostInLoop":
        """Act for somebody."""
        return HostInLoop(self._host.acting(actor, purpose=purpose), self._loop)

    def run(self, what: Flow[R] | Process[R], *, command: str | None = None) -> R:
        """Await ``arun``."""
        return self._loop.run(self._host.arun(what, command=command))

    async def arun(self, what: Flow[R] | Process[R], *, command: str | None = None) -> R:
        """Pass on."""
        return await self._host.arun(what, command=command)

    def run_many(self, flows: Sequence[tuple[Flow[R], str | None]]) -> list[R | OmnicoreError]:
        """Await ``arun_many``."""
        return self._loop.run(self._host.arun_many(flows))

    def start(self, process: Process[R], *, command: str | None = None, due: Instant | None = None) -> str:
        """Await ``astart``."""
        return self._loop.run(self._host.astart(process, command=command, due=due))

    def work(self, at: Instant | None = None) -> Worked:
        """Await ``awork``."""
        return self._loop.run(self._host.awork(at))

    async def awork(self, at: Instant | None = None) -> Worked:
        """Pass on."""
        return await self._host.awork(at)

    def look(self, run: str) -> Run | None:
        """Await ``alook``."""
        return self._loop.run(self._host.alook(run))

    def stuck(self) -> tuple[Run, ...]:
        """Await ``astuck``."""
        return self._loop.run(self._host.astuck())

    def retry(self, run: str) -> None:
        """Await ``aretry``."""
        self._loop.run(self._host.aretry(run))

    def verify(self) -> Verified:
        """Await ``averify``."""
        return self._loop.run(self._host.averify())

    @property
    def _threads(self) -> list[object]:
        return list(self._host._threads)  # noqa: SLF001 - one of us
