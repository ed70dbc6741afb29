"""How does a host serve asyncio without ever blocking its loop?

With an asynchronous database everything is awaited in the loop itself. With a synchronous one a whole flow, BEGIN to
COMMIT, runs in one worker thread; writers queue for a single one, because the database has one writer anyway.
Cancelling rolls back at the next port call and before COMMIT; once COMMIT is sent it is waited for, so the caller never
guesses: whoever was cancelled and asks again with the same key is told what became of it.
"""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar, cast

from omnicore.host.atonce import Checkpoint, completed
from omnicore.host.engine import Cancelled, Engine

R = TypeVar("R")
_THREADS = 4


async def pause(micros: int) -> None:
    """Wait, and let others run."""
    await asyncio.sleep(micros / 1_000_000)


class Threads:
    """The worker threads of one host: one for writers, a few for questions and for synchronous providers."""

    def __init__(self) -> None:
        """Start none; threads are made when first needed."""
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="omnicore-writer")
        self._others = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="omnicore-reader")

    async def run(self, work: Callable[[Checkpoint], R], *, writes: bool) -> R:
        """Run work in a thread; a cancelled task waits until the thread has rolled back or committed."""
        stop = threading.Event()

        def checkpoint() -> None:
            if stop.is_set():
                raise Cancelled

        executor: Executor = self._writer if writes else self._others
        future = asyncio.get_running_loop().run_in_executor(executor, work, checkpoint)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop.set()
            while not future.done():
                try:
                    await asyncio.wait([future])
                except asyncio.CancelledError:
                    continue
            if not future.cancelled():
                future.exception()
            raise

    async def call(self, work: Callable[[], object]) -> object:
        """Call a provider: awaited in the loop where it is asynchronous, else in a thread, where it may block."""
        if inspect.iscoroutinefunction(work):
            return await cast(Awaitable[object], work())
        result = await self.run(lambda checkpoint: work(), writes=False)
        return await result if inspect.isawaitable(result) else result

    async def end(self) -> None:
        """Let the threads end, and the loop go on meanwhile."""
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Let the threads end."""
        self._writer.shutdown(wait=True)
        self._others.shutdown(wait=True)


class InThreads:
    """A place beside an event loop, with a synchronous database: transactions in a worker thread each."""

    def __init__(self, engine: Engine, threads: Threads) -> None:
        """Work with an engine in worker threads."""
        self.engine = engine
        self._threads = threads

    async def inside(self, work: Callable[[Engine], Awaitable[R]], *, writes: bool = True) -> R:
        """Do the work in the writers' thread, or in one of the readers'."""
        return await self._threads.run(
            lambda checkpoint: completed(_awaited(work, self.engine.watched(checkpoint))), writes=writes
        )

    async def outside(self, work: Callable[[], object]) -> object:
        """Call the provider."""
        return await self._threads.call(work)


class OnLoop:
    """A place in an event loop, with an asynchronous database."""

    def __init__(self, engine: Engine, threads: Threads) -> None:
        """Work with an engine in the loop; synchronous providers get a thread."""
        self.engine = engine
        self._threads = threads

    async def inside(self, work: Callable[[Engine], Awaitable[R]], *, writes: bool = True) -> R:
        """Do the work."""
        return await work(self.engine)

    async def outside(self, work: Callable[[], object]) -> object:
        """Call the provider."""
        return await self._threads.call(work)


def _awaited(work: Callable[[Engine], Awaitable[R]], engine: Engine) -> Coroutine[object, None, R]:
    async def do() -> R:
        return await work(engine)

    return do()
