"""How does a CloudEvent look as a NATS message?

By the CloudEvents binding for NATS: structured, the whole event as JSON with a content type that says so; or binary,
the data alone with each attribute in a ``ce-`` header, percent-encoded. Any other content type, or none, is binary.
"""

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote, unquote

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.journal import CLOUDEVENT_PREFIX
from omnicore.kernel.relay import CloudEvent

STRUCTURED = "application/cloudevents+json"
_KIND = "Content-Type"
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


def subject(event: CloudEvent, prefix: str) -> str:
    """Give the subject an event is published under: the prefix and the event's stored type."""
    return f"{prefix}.{str(event['type']).removeprefix(CLOUDEVENT_PREFIX)}"


def message_id(event: CloudEvent) -> str:
    """Give what the broker knows an event by again within its window (``Nats-Msg-Id``)."""
    return quote(f"{event['source']}/{event['id']}", safe=_SAFE)


def encode(event: CloudEvent, *, binary: bool) -> tuple[bytes, dict[str, str]]:
    """Give a message's payload and headers."""
    headers = {"Nats-Msg-Id": message_id(event)}
    if not binary:
        return codec.canonical(dict(event)).encode(), {**headers, _KIND: STRUCTURED}
    attributes = {
        f"ce-{name}": quote(str(value), safe=_SAFE) for name, value in event.items() if name != "data" and value != ""
    }
    return codec.canonical(event.get("data")).encode(), headers | attributes


def decode(payload: bytes, headers: Mapping[str, str] | None) -> bytes:
    """Give the CloudEvent in JSON, whichever way it came; what is neither is given as it came."""
    told = {name.lower(): value for name, value in (headers or {}).items()}
    if told.get(_KIND.lower(), "").startswith("application/cloudevents") or "ce-specversion" not in told:
        return payload
    event: dict[str, codec.JsonValue] = {
        name.removeprefix("ce-"): unquote(value) for name, value in told.items() if name.startswith("ce-")
    }
    try:
        codec.parse(payload)
    except Malformed:
        event["data_base64"] = base64.b64encode(payload).decode()
        return json.dumps(event).encode()
    # The data is put in as it stands: parsed and written again, a number might be another one.
    return json.dumps(event).encode()[:-1] + b', "data": ' + payload + b"}"
