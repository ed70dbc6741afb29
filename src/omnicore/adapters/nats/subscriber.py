"""How is each message of a stream dealt with once, in its order, though the broker may deliver it again?

One message at a time is outstanding, so none overtakes another. It is dealt with in a transaction that also notes it in
the inbox, and acknowledged after that transaction has committed: whoever dies in between gets the message again, and
finds it noted.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from nats.aio.msg import Msg
from nats.errors import TimeoutError as NothingCame
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

from omnicore.adapters.nats import wire
from omnicore.adapters.nats.line import Line
from omnicore.adapters.nats.publisher import check_prefix
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Flow
from omnicore.kernel.parked import Consumer, Handled, receive

_DURABLE = re.compile(r"[A-Za-z0-9_-]+\Z")


class Runs(Protocol):
    """What runs a flow: a host."""

    def run(self, what: Flow[Handled], /) -> Handled:
        """Run a flow."""
        ...


class Awaits(Protocol):
    """What runs a flow without blocking the event loop: a host."""

    async def arun(self, what: Flow[Handled], /) -> Handled:
        """Run a flow."""
        ...


class Subscriber:
    """Pulls a stream's messages for one consumer, under a durable name that is the consumer's own.

    Run one of them per consumer: two would share the messages between them, each still once, but in no order.
    ``retry_seconds`` is how long a message rests whose handler failed by accident; ``options`` go to ``nats.connect``.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        *,
        stream: str,
        consumer: Consumer,
        prefix: str = "omnicore",
        ack_wait_seconds: float = 30,
        retry_seconds: float = 1,
        timeout_seconds: float = 10,
        **options: object,
    ) -> None:
        """Note what to pull; nothing is opened yet.

        Raises: Malformed for a prefix that begins no subject, or a consumer whose name NATS does not take.
        """
        check_prefix(prefix)
        if not _DURABLE.match(consumer.name):
            raise Malformed("$.consumer.name", "must be ASCII letters, digits, - and _")
        self._consumer = consumer
        self._stream = stream
        self._subject = f"{prefix}.>"
        self._config = ConsumerConfig(
            durable_name=consumer.name, ack_policy=AckPolicy.EXPLICIT, ack_wait=ack_wait_seconds, max_ack_pending=1
        )
        self._retry_seconds = retry_seconds
        self._timeout_seconds = timeout_seconds
        self._line = Line(servers, timeout_seconds=timeout_seconds, options=options)
        self._bound: tuple[JetStreamContext, JetStreamContext.PullSubscription] | None = None

    def pull(self, host: Runs, *, limit: int = 100, wait_seconds: float = 1) -> Counter[Handled]:
        """Deal with up to ``limit`` messages, waiting so long for each; gives what became of them.

        Raises: what a handler raises by accident, or the line: the message then comes again.
        """
        done: Counter[Handled] = Counter()
        for _ in range(limit):
            if (message := self._next(wait_seconds)) is None:
                break
            try:
                done[host.run(receive(self._consumer, wire.decode(message.data, message.headers)))] += 1
            except BaseException:
                self._again(message)
                raise
            self._acknowledge(message)
        return done

    async def apull(self, host: Awaits, *, limit: int = 100, wait_seconds: float = 1) -> Counter[Handled]:
        """Do what ``pull`` does without blocking the event loop."""
        done: Counter[Handled] = Counter()
        for _ in range(limit):
            if (message := await asyncio.to_thread(self._next, wait_seconds)) is None:
                break
            try:
                done[await host.arun(receive(self._consumer, wire.decode(message.data, message.headers)))] += 1
            except BaseException:
                await asyncio.to_thread(self._again, message)
                raise
            await asyncio.to_thread(self._acknowledge, message)
        return done

    def close(self) -> None:
        """Give the connection up."""
        self._line.close()

    def _next(self, wait_seconds: float) -> Msg | None:
        return self._line.run(lambda stream: self._fetch(stream, min(wait_seconds, self._timeout_seconds / 2)))

    async def _fetch(self, stream: JetStreamContext, wait_seconds: float) -> Msg | None:
        if self._bound is None or self._bound[0] is not stream:
            subscription = await stream.pull_subscribe(
                self._subject, durable=self._consumer.name, stream=self._stream, config=self._config
            )
            self._bound = stream, subscription
        try:
            (message,) = await self._bound[1].fetch(1, timeout=wait_seconds)
        except NothingCame:
            return None
        return message

    def _acknowledge(self, message: Msg) -> None:
        self._line.run(lambda _: message.ack())

    def _again(self, message: Msg) -> None:
        try:
            self._line.run(lambda _: message.nak(delay=self._retry_seconds))
        except Exception:  # noqa: BLE001 - the line is broken too: the broker delivers again when its wait is over
            return
