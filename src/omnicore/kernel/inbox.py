"""How does a message that arrives twice have its effect once?

A broker delivers at least once. So the consumer notes each message it has dealt with, by (consumer, source, id), in the
transaction of the effect: the second time the row stands, and two at once meet at its key, where one starts afresh and
finds it. Rows are forgotten after a window; what comes again after that is taken for new, so the window must be longer
than any broker keeps or anybody replays a message.
"""

import hashlib
import json
from collections.abc import Mapping

from attrs import frozen

from omnicore.kernel import codec
from omnicore.kernel.codec_text import bounded
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, find, flow, get, question, write
from omnicore.kernel.ids import checked_id
from omnicore.kernel.journal import CLOUDEVENT_PREFIX, Event, events
from omnicore.kernel.records import Index, Kind, Put
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant

FORGET_BATCH = 500


@frozen(kw_only=True)
class Message:
    """A CloudEvent as a consumer sees it. ``type`` is the stored name for events of omnicore; ``data`` is JSON.

    ``about`` is its subject: messages of one source about one subject have an order. ``time`` is as the source wrote it
    (RFC 3339).
    """

    source: str
    id: str
    type: str
    data: str
    about: str | None = None
    time: str | None = None

    @classmethod
    def of(cls, received: object) -> "Message":
        """Read a CloudEvent, as JSON text, bytes or a mapping; attributes it does not know are let be.

        Raises: Malformed.
        """
        body = codec.parse(received) if isinstance(received, str | bytes) else received
        if not isinstance(body, Mapping):
            raise Malformed("$", "must be a CloudEvent, an object")
        if body.get("specversion") != "1.0":
            raise Malformed("$.specversion", "must be 1.0")
        try:
            bounded(data := body.get("data"))
            text = codec.canonical(data)
        except (TypeError, ValueError):
            raise Malformed("$.data", "must be what JSON can say") from None
        return cls(
            source=_text(body, "source"),
            id=_text(body, "id"),
            type=_text(body, "type").removeprefix(CLOUDEVENT_PREFIX),
            about=_text(body, "subject") if body.get("subject") else None,
            time=_text(body, "time") if body.get("time") else None,
            data=text,
        )

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by again: where it came from, and its id there."""
        return self.source, self.id

    def read(self) -> Event:
        """Give the event itself.

        Raises: Malformed for a type, or a field, that this version does not know.
        """
        if (cls := events().get(self.type)) is None:
            raise Malformed("$.type", "is not an event of this version")
        return codec.loads(self.data, as_=cls)


def _text(body: Mapping[object, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= codec.MAX_ID or not value.isprintable():
        raise Malformed(f"$.{name}", f"must be 1 to {codec.MAX_ID} printable characters")
    return value


@frozen(kw_only=True)
class Receipt:
    """That a consumer has dealt with a message; its key is a hash, because three names are longer than a key may be."""

    key: str
    consumer: str
    at: Instant


INBOX = Kind(
    name="kernel.inbox",
    type=Receipt,
    key=lambda receipt: receipt.key,
    indexes=(Index("at", lambda receipt: [(receipt.at,)]),),
)


def inbox_key(consumer: str, *parts: str) -> str:
    """Give the key of a consumer's row about a message.

    Law: other parts give another key.
    """
    return hashlib.sha256(json.dumps((consumer, *parts)).encode()).hexdigest()


async def first_time(given: Given, *, consumer: str, message: Message) -> Put | None:
    """Give the change that notes a message as dealt with, to be part of the flow's write; None if it has been before.

        if (noted := await first_time(given, consumer="erp", message=message)) is None:
            return
        await write(Writes(changes=(noted, ...)))

    Law: however often and however much at once a message comes, one write that holds its change commits.
    """
    key = inbox_key(checked_id(consumer, "$.consumer"), *message.key)
    if await get(INBOX, key) is not None:
        return None
    return INBOX.put(Receipt(key=key, consumer=consumer, at=given.at))


@question("kernel.received_before")
async def received_before(given: Given, *, until: Instant) -> bool:
    """Whether a message was dealt with before an instant: so that a worker with nothing to forget only reads."""
    return bool((await find(INBOX, "at", until=until, limit=1)).items)


@flow("kernel.forget_received")
async def forget_received(given: Given, *, until: Instant, limit: int) -> int:
    """Forget messages dealt with before an instant; gives how many."""
    page = await find(INBOX, "at", until=until, limit=limit)
    if page.items:
        await write(Writes(changes=tuple(stored.drop() for stored in page.items)))
    return len(page.items)
