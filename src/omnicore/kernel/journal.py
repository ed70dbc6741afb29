"""What happened, in an order no reader can lose anything behind?

An event is a past-tense fact: a frozen value registered under a stored name, about one aggregate. It is written in the
transaction that made it true, as an ``Envelope`` without a position. One worker per shop numbers committed rows and
chains their hashes; readers page by position, so nothing can commit behind a cursor (reliability.md's relay that polls
ids drawn before commit lost half its events).
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, runtime_checkable

from attrs import frozen

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import Instant

E = TypeVar("E", bound="type[Event]")
CLOUDEVENT_PREFIX = "jp.omnicore."


@runtime_checkable
class Event(Protocol):
    """A past-tense fact; ``about`` is the id of the aggregate it is true of, never personal data."""

    @property
    def about(self) -> str:
        """The aggregate's id."""
        ...


_EVENTS: dict[str, type[Event]] = {}
_NAMES: dict[type[Event], str] = {}


def event(name: str) -> Callable[[E], E]:
    """Register an event class under its stored name, ``context.past_tense.v1``; a name used twice fails at import."""

    def register(cls: E) -> E:
        if name in _EVENTS:
            raise AssertionError(f"two events are called {name}")
        _EVENTS[name] = cls
        _NAMES[cls] = name
        return cls

    return register


def events() -> Mapping[str, type[Event]]:
    """Give every event class declared so far, by stored name."""
    return dict(_EVENTS)


def event_name(happened: Event) -> str:
    """Give the stored name of an event."""
    return _NAMES[type(happened)]


@frozen(kw_only=True)
class Envelope:
    """An event as stored: CloudEvents attributes, who did it and for which command; ``data`` is canonical JSON.

    ``position`` and ``chain`` are None until the shop's worker has numbered the row.
    """

    id: str
    type: str
    about: str
    at: Instant
    by: str
    command: str | None
    data: str
    position: int | None = None
    chain: str | None = None

    def read(self) -> Event:
        """Give the event itself.

        Raises: Malformed when the data does not fit the class; KeyError never: unknown types raise Malformed too.
        """
        if (cls := _EVENTS.get(self.type)) is None:
            raise Malformed("$.type", "is not an event of this version")
        return codec.loads(self.data, as_=cls)

    def cloudevent(self, *, source: str) -> dict[str, codec.JsonValue]:
        """Give the event in the CloudEvents 1.0 JSON format; ``sequence`` is the position."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": source,
            "type": CLOUDEVENT_PREFIX + self.type,
            "subject": self.about,
            "time": self.at.iso(),
            "datacontenttype": "application/json",
            "data": codec.parse(self.data),
            **({} if self.position is None else {"sequence": str(self.position).zfill(20)}),
        }


def link(previous: str, envelope: Envelope) -> str:
    """Chain an envelope to the one before: SHA-256 over the chain so far and every field that must not change.

    Law: any edit, removal or swap of numbered rows changes every later link.
    """
    parts = (
        previous,
        envelope.id,
        envelope.type,
        envelope.about,
        str(envelope.at.micros),
        envelope.by,
        envelope.command or "",
        envelope.data,
    )
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


class Journal(Protocol):
    """Reads of what happened."""

    def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Give numbered envelopes by position, from behind ``after``."""
        ...
