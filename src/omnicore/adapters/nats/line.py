"""How does a client of asyncio serve code of any sort, and give up at once when its server dies?

One thread runs one event loop with one connection. The connection is never mended underneath us: a client that
reconnects by itself would send what comes later although what came before was lost on the way. When it breaks, whatever
is under way fails, and the next work begins on a new connection.
"""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.js import JetStreamContext

R = TypeVar("R")
Work = Callable[[JetStreamContext], Awaitable[R]]

_LOOK_SECONDS = 0.05


class LineBroken(ConnectionError):  # noqa: N818 - says what happened
    """The connection to NATS broke while work was under way; nobody knows how much of it was done."""


class Line:
    """A connection to NATS; ``options`` go to ``nats.connect`` (credentials, TLS, name)."""

    def __init__(self, servers: str | Sequence[str], *, timeout_seconds: float, options: Mapping[str, object]) -> None:
        """Note where to connect; nothing is opened yet."""
        self._servers = servers if isinstance(servers, str) else list(servers)
        self._timeout_seconds = timeout_seconds
        self._options = dict(options)
        self._one_at_a_time = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = 0
        self._client: Client | None = None
        self._stream: JetStreamContext | None = None

    def run(self, work: Work[R]) -> R:
        """Do work on the connection, from any thread, and wait for it.

        Raises: LineBroken, TimeoutError, or what the work raises; the connection is given up then.
        """
        with self._one_at_a_time:
            future = asyncio.run_coroutine_threadsafe(self._connected(work), self._running())
            try:
                return future.result()
            except BaseException:
                future.cancel()
                raise

    def close(self) -> None:
        """Give the connection up and end the thread."""
        with self._one_at_a_time:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
            if loop is None or thread is None or self._process != os.getpid():
                return
            asyncio.run_coroutine_threadsafe(self._drop(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._process != os.getpid():  # a thread is not carried over a fork
            self._client = self._stream = None
            self._process = os.getpid()
            self._loop = asyncio.new_event_loop()
            self._loop.set_exception_handler(_ignored)
            self._thread = threading.Thread(target=self._loop.run_forever, name="omnicore-nats", daemon=True)
            self._thread.start()
        return self._loop

    async def _connected(self, work: Work[R]) -> R:
        if self._client is None or not self._client.is_connected:
            await self._connect()
        client = self._client
        assert client is not None
        assert self._stream is not None
        task = asyncio.ensure_future(_within(self._timeout_seconds, work(self._stream)))
        try:
            while not (await asyncio.wait({task}, timeout=_LOOK_SECONDS))[0]:
                if not client.is_connected:  # looked at, because a client that fails while it closes tells nobody
                    raise LineBroken("the connection to NATS broke")
            return task.result()
        except BaseException:
            await self._drop()
            raise

    async def _connect(self) -> None:
        await self._drop()

        async def ignored(_: Exception) -> None:
            """The error is raised where the work waits, so it need not be written to a log as well."""

        options: dict[str, Any] = {"connect_timeout": self._timeout_seconds, **self._options}
        options |= {"max_reconnect_attempts": 1, "reconnect_time_wait": 0}  # of the first connect: each server is tried
        options |= {"allow_reconnect": False, "error_cb": ignored}
        self._client = client = Client()
        try:
            await _within(self._timeout_seconds, client.connect(self._servers, **options))
        except BaseException:
            await self._drop()
            raise
        self._stream = client.jetstream(timeout=self._timeout_seconds)

    async def _drop(self) -> None:
        client, self._client, self._stream = self._client, None, None
        if client is not None:
            with suppress(Exception):
                await _within(self._timeout_seconds, client.close())
            # A client that cannot write its last words leaves its socket open.
            if (transport := client._transport) is not None:  # noqa: SLF001 - nothing public closes it then
                with suppress(Exception):
                    transport.close()  # type: ignore[no-untyped-call] # nats-py has not typed it
        # The loop is this line's own: whatever still runs on it belongs to the client that is gone.
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0)  # sockets are closed by the loop's next round


def _ignored(loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
    """Let be what the client's own tasks complain of: the error is raised where the work waits."""


async def _within(seconds: float, work: Awaitable[R] | Coroutine[Any, Any, R]) -> R:
    async with asyncio.timeout(seconds):
        return await work
