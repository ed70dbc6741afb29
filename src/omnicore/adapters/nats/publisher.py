"""How does a batch of events get safely into a JetStream stream, in its order?

All acknowledgements of a batch are waited for together, and only then has ``publish`` returned. Within the batch an
event waits for the one before it about the same subject, so that none is stored whose predecessor was not.
"""

import asyncio
import re
from collections.abc import Sequence
from functools import partial

from nats.js import JetStreamContext
from nats.js.api import PubAck, StreamConfig

from omnicore.adapters.nats import wire
from omnicore.adapters.nats.line import Line
from omnicore.kernel.errors import Malformed
from omnicore.kernel.relay import CloudEvent

_PREFIX = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z")
DUPLICATE_WINDOW_SECONDS = 120


def check_prefix(prefix: str) -> None:
    """Check the beginning of subjects.

    Raises: Malformed.
    """
    if not _PREFIX.match(prefix):
        raise Malformed("$.prefix", "must be names of ASCII letters, digits, - and _, with points between")


class Publisher:
    """Publishes to JetStream: ``Host(..., relays={"nats": Publisher("nats://localhost:4222")})``.

    An event goes out under ``<prefix>.<type>``, structured or, with ``binary``, with its attributes in headers. Its
    ``Nats-Msg-Id`` lets the broker drop what comes twice within the stream's window. ``timeout_seconds`` is for a whole
    batch, and stays well below the host's lease. ``options`` go to ``nats.connect``.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        *,
        prefix: str = "omnicore",
        binary: bool = False,
        timeout_seconds: float = 10,
        **options: object,
    ) -> None:
        """Note where to publish; the connection is opened by the first batch.

        Raises: Malformed for a prefix that begins no subject.
        """
        check_prefix(prefix)
        self._prefix = prefix
        self._binary = binary
        self._line = Line(servers, timeout_seconds=timeout_seconds, options=options)

    def create_stream(self, name: str, *, duplicate_window_seconds: float = DUPLICATE_WINDOW_SECONDS) -> None:
        """Create a stream for all events of this prefix, where it is not there yet; bigger set-ups make their own."""
        config = StreamConfig(name=name, subjects=[f"{self._prefix}.>"], duplicate_window=duplicate_window_seconds)
        self._line.run(lambda stream: stream.add_stream(config))

    def publish(self, events: Sequence[CloudEvent], /) -> None:
        """Publish a batch, and return when the broker has stored all of it.

        Raises: whatever went wrong; then any of the batch may have been stored or not.
        """
        if events:
            self._line.run(partial(self._publish, tuple(events)))

    def close(self) -> None:
        """Give the connection up."""
        self._line.close()

    async def _publish(self, events: tuple[CloudEvent, ...], stream: JetStreamContext) -> None:
        sent: list[asyncio.Task[PubAck]] = []
        last: dict[object, asyncio.Task[PubAck]] = {}
        try:
            for event in events:
                about = event.get("subject")
                if about in last:
                    await last[about]
                payload, headers = wire.encode(event, binary=self._binary)
                asked = stream.publish(wire.subject(event, self._prefix), payload, headers=headers)
                last[about] = stored = asyncio.ensure_future(asked)
                sent.append(stored)
                await asyncio.sleep(0)  # the task writes its message now, so messages leave in the order of the batch
            await asyncio.gather(*sent)
        finally:
            for stored in sent:
                if stored.done() and not stored.cancelled():
                    stored.exception()  # one error is raised; the others need not be reported as forgotten
                else:
                    stored.cancel()
