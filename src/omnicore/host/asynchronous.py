"""How does a synchronous database serve asyncio without ever blocking its loop?

A whole flow, BEGIN to COMMIT, runs in one worker thread; writers queue for a single one, because the database has one
writer anyway. Cancelling sets a flag that the flow meets at its next port call and before COMMIT, where it rolls back;
once COMMIT is sent it is waited for, so the caller never guesses.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from omnicore.host.advance import Effect, Inside
from omnicore.host.engine import Cancelled, Checkpoint

R = TypeVar("R")
_READERS = 4


class Threads:
    """The worker threads of one host: one for writers, a few for questions and for synchronous providers."""

    def __init__(self) -> None:
        """Start none; threads are made when first needed."""
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="omnicore-writer")
        self._readers = ThreadPoolExecutor(max_workers=_READERS, thread_name_prefix="omnicore-reader")

    async def run(self, work: Callable[[Checkpoint], R], *, writes: bool) -> R:
        """Run work in a thread; a cancelled task waits until the thread has rolled back or committed."""
        stop = threading.Event()

        def checkpoint() -> None:
            if stop.is_set():
                raise Cancelled

        executor = self._writer if writes else self._readers
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

    async def drive(self, steps: Generator[Effect, object, R]) -> R:
        """Drive a process: transactions in the writer's thread, providers awaited, or in a thread where they block."""
        answer: object = None
        error: Exception | None = None
        try:
            while True:
                effect = steps.throw(error) if error else steps.send(answer)
                answer, error = None, None
                try:
                    answer = await self._do(effect)
                except Exception as raised:  # noqa: BLE001 - handed to the process, which decides
                    error = raised
        except StopIteration as stop:
            result: R = stop.value
            return result
        finally:
            steps.close()

    async def _do(self, effect: Effect) -> object:
        if isinstance(effect, Inside):
            return await self.run(effect.work, writes=True)
        outside = effect.work
        result = await self.run(lambda checkpoint: outside(), writes=False)
        return await result if inspect.isawaitable(result) else result

    def close(self) -> None:
        """Let the threads end."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
