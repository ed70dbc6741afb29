"""What becomes of a message that this version cannot read, or whose handler says no?

It is parked: kept whole, listed with its reason, and tried again when somebody has looked or a newer version runs.
Later messages about the same subject are parked behind it, so that none overtakes it; all others go on.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Protocol

from attrs import evolve, field, frozen

from omnicore.kernel.codec import JsonValue
from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.flow import Definition, Flow, Given, declare, find, flow, get, question, write
from omnicore.kernel.following import captured
from omnicore.kernel.inbox import INBOX, Message, Receipt, first_time, inbox_key
from omnicore.kernel.records import Cursor, Index, Kind, Stored
from omnicore.kernel.relay import check_reader, wanted
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant

Received = str | bytes | Mapping[str, JsonValue]
"""A CloudEvent as it came: JSON text, its bytes, or the parsed object."""

_BEHIND = "waits for an earlier message about the same subject"
_CHUNK_CHARS = 60_000


class Handled(StrEnum):
    """What became of a message."""

    DONE = "done"
    REPEATED = "repeated"
    SKIPPED = "skipped"
    PARKED = "parked"


class MessageHandler(Protocol):
    """What makes the flow that deals with a message: a declared flow whose argument is called ``message``."""

    def __call__(self, *, message: Message) -> Flow[object]:
        """Make the flow for one message."""
        ...


@frozen(kw_only=True)
class Consumer:
    """A handler under a name of its own, for messages whose type begins with one of ``types`` (all).

    The name is what messages are remembered under, so it never changes.
    """

    name: str
    handler: MessageHandler = field(repr=False)
    types: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Check the name and types; raises Malformed."""
        check_reader(self.name, self.types, 1)


@frozen(kw_only=True)
class Parked:
    """A message kept for later: why, since when, after how many tries. ``chunks`` hold it as it came."""

    key: str
    consumer: str
    reason: str
    at: Instant
    attempts: int = 1
    source: str | None = None
    id: str | None = None
    type: str | None = None
    about: str | None = None
    chunks: tuple[str, ...] = field(default=(), repr=False)

    def message(self) -> bytes:
        """Give the message as it came."""
        text: str = json.loads("".join(self.chunks))
        return text.encode("utf-8", "surrogateescape")


def _abouts(parked: Parked) -> list[tuple[str | Instant, ...]]:
    if parked.source is None or parked.about is None:
        return []
    return [(parked.consumer, parked.source, parked.about, parked.at)]


PARKED = Kind(
    name="kernel.parked",
    type=Parked,
    key=lambda parked: parked.key,
    indexes=(
        Index("order", lambda parked: [(parked.consumer, parked.at)]),
        Index("about", _abouts),
    ),
)

_RECEIVE, _RETRY = "kernel.receive", "kernel.retry_parked"
declare(_RECEIVE)
declare(_RETRY)


def receive(consumer: Consumer, received: Received) -> Flow[Handled]:
    """Make the flow that deals with a message once: ``host.run(receive(consumer, body))``, then acknowledge it.

    What the handler writes and the note that it has are one transaction. A message that is ``Malformed`` to this
    version, or whose handler refuses, is parked; whatever else the handler raises is raised, and nothing is noted: let
    the broker deliver it again.
    """
    body = received if isinstance(received, str | bytes) else json.dumps(received, ensure_ascii=False)
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogateescape")

    async def take(given: Given, *, name: str) -> Handled:
        try:
            message = Message.of(raw)
        except Malformed as bad:
            key = inbox_key(name, raw.decode("latin-1"))
            return await _park(given, Parked(key=key, consumer=name, reason=_why(bad), at=given.at), raw)
        if not wanted(message.type, consumer.types):
            return Handled.SKIPPED
        if await first_time(given, consumer=name, message=message) is None:
            return Handled.REPEATED
        parked = _parked(given, name, message)
        if await get(PARKED, parked.key) is not None:
            return Handled.PARKED
        if await _first_about(parked) is not None:
            return await _park(given, evolve(parked, reason=_BEHIND), raw)
        return await _handle(given, consumer, message, lambda why: _park(given, evolve(parked, reason=why), raw))

    return _made(_RECEIVE, take, consumer, name=consumer.name)


def retry_parked(consumer: Consumer, key: str) -> Flow[Handled]:
    """Make the flow that tries a parked message again: done, it is parked no longer.

    Whoever retries several takes them in the order of ``list_parked``.
    """

    async def again(given: Given, *, name: str, key: str) -> Handled:
        stored = await get(PARKED, key)
        if stored is None or stored.value.consumer != name:
            return Handled.REPEATED
        parked = stored.value

        async def keep(why: str) -> Handled:
            tried = evolve(parked, reason=why, attempts=parked.attempts + 1)
            await write(Writes(changes=(stored.put(tried),)))
            return Handled.PARKED

        first = await _first_about(parked)
        if first is not None and first.value.key != key:
            return await keep(_BEHIND)
        try:
            message = Message.of(parked.message())
        except Malformed as bad:
            return await keep(_why(bad))
        return await _handle(given, consumer, message, keep, stored)

    return _made(_RETRY, again, consumer, name=consumer.name, key=key)


@question("kernel.list_parked")
async def list_parked(
    given: Given, *, consumer: str, limit: int = 100, after: Cursor | None = None
) -> tuple[Parked, ...]:
    """List a consumer's parked messages, the oldest first."""
    page = await find(PARKED, "order", equal=(consumer,), limit=limit, after=after)
    return tuple(stored.value for stored in page.items)


@flow("kernel.dismiss_parked")
async def dismiss_parked(given: Given, *, consumer: str, key: str) -> None:
    """Give a parked message up, so that what waits behind it may go on: it counts as dealt with from then on."""
    stored = await get(PARKED, key)
    if stored is not None and stored.value.consumer == consumer:
        noted = INBOX.put(Receipt(key=key, consumer=consumer, at=given.at))
        await write(Writes(changes=(stored.drop(), noted)))


_ANY = Message(source="-", id="-", type="-", data="null")


def _made(flow_name: str, body: Callable[..., Awaitable[Handled]], consumer: Consumer, **args: object) -> Flow[Handled]:
    asked = consumer.handler(message=_ANY).definition  # making a flow runs nothing
    return Flow(definition=Definition(name=flow_name, body=body, serializable=asked.serializable), args=args)


def _parked(given: Given, consumer: str, message: Message) -> Parked:
    return Parked(
        key=inbox_key(consumer, *message.key),
        consumer=consumer,
        reason="",
        at=given.at,
        source=message.source,
        id=message.id,
        type=message.type,
        about=message.about,
    )


async def _handle(
    given: Given,
    consumer: Consumer,
    message: Message,
    park: Callable[[str], Awaitable[Handled]],
    stored: Stored[Parked] | None = None,
) -> Handled:
    noted = await first_time(given, consumer=consumer.name, message=message)
    assert noted is not None
    try:
        _, writes = await captured(consumer.handler(message=message))
    except (Malformed, Refused) as no:
        return await park(_why(no))
    await write(writes + Writes(changes=(noted, *(() if stored is None else (stored.drop(),)))))
    return Handled.DONE


async def _first_about(parked: Parked) -> Stored[Parked] | None:
    """Give the first message parked about the same subject."""
    if parked.source is None or parked.about is None:
        return None
    page = await find(PARKED, "about", equal=(parked.consumer, parked.source, parked.about), limit=1)
    return page.items[0] if page.items else None


async def _park(given: Given, parked: Parked, raw: bytes) -> Handled:
    if await get(PARKED, parked.key) is None:
        text = json.dumps(raw.decode("utf-8", "surrogateescape"))  # escapes whatever a stored text may not hold
        chunks = tuple(text[start : start + _CHUNK_CHARS] for start in range(0, len(text), _CHUNK_CHARS))
        # Later than all that are parked, though the clock stands still or steps back: they are tried in this order.
        newest = await find(PARKED, "order", equal=(parked.consumer,), newest_first=True, limit=1)
        at = max([given.at, *(stored.value.at.plus(micros=1) for stored in newest.items)])
        await write(Writes(changes=(PARKED.put(evolve(parked, at=at, chunks=chunks)),)))
    return Handled.PARKED


def _why(no: Malformed | Refused) -> str:
    return str(no) if isinstance(no, Malformed) else no.code
