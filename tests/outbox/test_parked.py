"""What becomes of a message that this version cannot read?"""

import json

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.codec import JsonValue
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, flow, write
from omnicore.kernel.inbox import Message
from omnicore.kernel.journal import Event, event_name, events
from omnicore.kernel.parked import (
    Consumer,
    Handled,
    Received,
    dismiss_parked,
    list_parked,
    receive,
    retry_parked,
)
from omnicore.kernel.store import Writes
from omnicore.testing import Clock, Ids
from omnicore.testing.counting import Counted
from tests.outbox.test_inbox import cloudevent

SAW: list[tuple[str, str]] = []
CLOSED: list[str] = []


class Closed(Refused):
    """The books are closed."""

    code = "test_parked.closed"


@flow("test_parked.see")
async def see(given: Given, *, message: Message) -> None:
    """Remember who was seen, unless the books are closed."""
    happened = message.read()
    if happened.about in CLOSED:
        raise Closed
    SAW.append((happened.about, message.id))
    await write(Writes(events=(Counted(about=happened.about, count=1),)))


ERP = Consumer(name="erp", handler=see)
TYPE = "jp.omnicore.testing.counted.v1"


@pytest.fixture
def shop() -> Host:
    """Give a consumer's host."""
    SAW.clear()
    CLOSED.clear()
    return Host(Memory(), clock=Clock(), new_id=Ids())


def test_parked_messages_keep_the_order_they_came_in() -> None:
    """Parked messages are listed in the order of their arrival, though the clock stands still or steps back."""
    clock = Clock()
    host = Host(Memory(), clock=clock, new_id=Ids())
    for number in range(12):
        host.run(receive(ERP, cloudevent(f"e{number}", type="x.v9", about=f"a{number}")))
        clock.advance(seconds=-(number % 3))
    assert [parked.id for parked in host.run(list_parked(consumer="erp"))] == [f"e{number}" for number in range(12)]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (cloudevent(type="jp.omnicore.testing.counted.v2"), "$.type: is not an event of this version"),
        (cloudevent(type="com.example.else"), "$.type: is not an event of this version"),
        (cloudevent(data={"about": "card", "count": 1, "colour": "red"}), "$.colour: is not a known key"),
        (cloudevent(data={"about": "card"}), "$.count: is missing"),
        (cloudevent(specversion="2.0"), "$.specversion: must be 1.0"),
        (cloudevent(id=""), "$.id: must be 1 to 255 printable characters"),
        ("not JSON\x00", "$: is not JSON at line 1, column 1"),
        (b'{"specversion": "1.0", "x": "\xff"}', "$: is not JSON at line 1, column 1"),
        ("[1, 2]", "$: must be a CloudEvent, an object"),
        (json.dumps({**cloudevent(), "data": {"rate": 1.5, "long": "x" * 200_000}}), None),
    ],
)
def test_what_cannot_be_read_is_parked_whole(shop: Host, message: Received, reason: str | None) -> None:
    """A message of an unknown type, version or shape is kept as it came, with its reason, and not lost."""
    assert shop.run(receive(ERP, message)) is Handled.PARKED
    assert shop.run(receive(ERP, message)) is Handled.PARKED
    (parked,) = shop.run(list_parked(consumer="erp"))
    if reason is not None:
        assert parked.reason == reason
    kept = parked.message()
    if isinstance(message, str | bytes):
        assert kept == (message if isinstance(message, bytes) else message.encode())
    else:
        assert json.loads(kept) == message
    assert SAW == []
    assert shop.verify().differences == ()


def test_a_newer_version_reads_what_was_parked(shop: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a version runs that knows the type, parked messages are done in their order, and once."""
    newer = "jp.omnicore.testing.counted.v2"
    for number in range(3):
        shop.run(receive(ERP, cloudevent(f"e{number}", type=newer)))
    known = {**events(), "testing.counted.v2": Counted}
    monkeypatch.setattr("omnicore.kernel.inbox.events", lambda: known)
    waiting = shop.run(list_parked(consumer="erp"))
    assert shop.run(retry_parked(ERP, waiting[1].key)) is Handled.PARKED, "it overtook an earlier one"
    assert [shop.run(retry_parked(ERP, parked.key)) for parked in waiting] == [Handled.DONE] * 3
    assert SAW == [("card", "e0"), ("card", "e1"), ("card", "e2")]
    assert shop.run(list_parked(consumer="erp")) == ()
    assert shop.run(receive(ERP, cloudevent("e1", type=newer))) is Handled.REPEATED
    assert shop.run(retry_parked(ERP, waiting[0].key)) is Handled.REPEATED


def test_what_follows_about_the_same_subject_waits_behind(shop: Host) -> None:
    """No message overtakes a parked one about the same order; those about other orders go on."""
    CLOSED.append("card")
    assert shop.run(receive(ERP, cloudevent("e1"))) is Handled.PARKED
    CLOSED.clear()
    assert shop.run(receive(ERP, cloudevent("e2"))) is Handled.PARKED
    assert shop.run(receive(ERP, cloudevent("e3", about="other"))) is Handled.DONE
    assert shop.run(receive(ERP, cloudevent("e4", source="elsewhere"))) is Handled.DONE
    waiting = shop.run(list_parked(consumer="erp"))
    assert [parked.reason for parked in waiting] == [
        "test_parked.closed",
        "waits for an earlier message about the same subject",
    ]
    assert [shop.run(retry_parked(ERP, parked.key)) for parked in waiting] == [Handled.DONE] * 2
    assert SAW == [("other", "e3"), ("card", "e4"), ("card", "e1"), ("card", "e2")]


def test_a_parked_message_may_be_given_up(shop: Host) -> None:
    """A parked message that will never be right is dismissed by somebody, and what waits behind it goes on."""
    CLOSED.append("card")
    shop.run(receive(ERP, cloudevent("e1")))
    shop.run(receive(ERP, cloudevent("e2")))
    first, second = shop.run(list_parked(consumer="erp"))
    shop.run(retry_parked(ERP, first.key))
    assert shop.run(list_parked(consumer="erp"))[0].attempts == 2
    CLOSED.clear()
    other = Consumer(name="other", handler=see)
    shop.run(dismiss_parked(consumer="other", key=first.key))
    assert shop.run(retry_parked(other, first.key)) is Handled.REPEATED
    assert len(shop.run(list_parked(consumer="erp"))) == 2, "another consumer's name touched it"
    shop.run(dismiss_parked(consumer="erp", key=first.key))
    assert shop.run(retry_parked(ERP, second.key)) is Handled.DONE
    assert shop.run(receive(ERP, cloudevent("e1"))) is Handled.REPEATED
    assert SAW == [("card", "e2")]


def test_a_consumer_skips_what_it_did_not_ask_for(shop: Host) -> None:
    """A consumer of some types lets all others pass, known or not, and parks nothing of them."""
    some = Consumer(name="some", handler=see, types=("testing.",))
    assert shop.run(receive(some, cloudevent(type="com.example.else"))) is Handled.SKIPPED
    assert shop.run(receive(some, cloudevent())) is Handled.DONE
    assert shop.run(list_parked(consumer="some")) == ()


def test_what_breaks_by_accident_is_not_parked(shop: Host) -> None:
    """A handler that fails by accident leaves nothing behind, so that the broker delivers the message again."""

    @flow("test_parked.breaks")
    async def breaks(given: Given, *, message: Message) -> None:
        await write(Writes(events=(Counted(about="card", count=1),)))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        shop.run(receive(Consumer(name="erp", handler=breaks), cloudevent()))
    assert shop.run(list_parked(consumer="erp")) == ()
    assert shop.run(receive(ERP, cloudevent())) is Handled.DONE


def test_an_event_reads_back_what_was_told() -> None:
    """What the journal tells as a CloudEvent is read as the same event on the other side."""
    happened: Event = Counted(about="card", count=3)
    message = Message.of(json.dumps(cloudevent(data={"about": "card", "count": 3})))
    assert message.read() == happened
    assert message.type == event_name(happened)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@examples(
    st.binary(max_size=40)
    | st.text(max_size=40)
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("specversion", "id", "source", "type", "subject", "sequence", "data"), _JSON)
    )
    | _JSON.map(lambda data: {**cloudevent(), "data": data})
)
def test_no_message_is_lost_whatever_it_is(message: bytes | str | dict[str, JsonValue]) -> None:
    """Whatever arrives is done or parked: nothing that a stranger sends stops a consumer."""
    fresh = Host(Memory(), clock=Clock(), new_id=Ids())
    answer = fresh.run(receive(ERP, message))
    assert answer in {Handled.DONE, Handled.PARKED}
    assert len(fresh.run(list_parked(consumer="erp"))) == (answer is Handled.PARKED)
