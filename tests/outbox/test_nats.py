"""Does everything get through a real NATS server, once and in order, also when it is killed on the way?"""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from omnicore.adapters.memory import Memory
from omnicore.adapters.nats import Publisher, Subscriber, wire
from omnicore.host import Host
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, flow, write
from omnicore.kernel.inbox import Message
from omnicore.kernel.parked import Consumer, Handled, list_parked
from omnicore.kernel.relay import CloudEvent, Relay
from omnicore.kernel.store import Writes
from omnicore.testing import Clock, Ids
from omnicore.testing.counting import Counted, seen
from omnicore.testing.nats_server import NatsServer, nats_server
from tests.outbox.telling import sell
from tests.outbox.test_inbox import cloudevent


@flow("test_nats.copy")
async def copy(given: Given, *, message: Message) -> None:
    """Tell the consumer's own journal what the message told: an effect whose order and number can be read."""
    happened = message.read()
    assert isinstance(happened, Counted)
    await write(Writes(events=(happened,)))


COPY = Consumer(name="copy", handler=copy)


@pytest.fixture(scope="module")
def running() -> Iterator[NatsServer]:
    """Give the server of these tests."""
    with nats_server() as server:
        yield server


@pytest.fixture
def server(running: NatsServer) -> NatsServer:
    """Give the server, running whatever the test before did to it."""
    if running.pid is None:
        running.start()
    return running


class Service:
    """The consumer's side: a host of its own, which copies what it hears, and what became of each message."""

    def __init__(self, server: NatsServer, name: str, *, ack_wait_seconds: float = 30) -> None:
        self.host = Host(Memory(), new_id=Ids("copy"))
        self.subscriber = Subscriber(
            server.url, stream=name, prefix=name, consumer=COPY, ack_wait_seconds=ack_wait_seconds, retry_seconds=0.01
        )
        self.handled: Counter[Handled] = Counter()

    def pull(self, *, wait_seconds: float = 0.05) -> Counter[Handled]:
        done = self.subscriber.pull(self.host, wait_seconds=wait_seconds)
        self.handled += done
        return done

    def told(self) -> list[tuple[str, int]]:
        self.host.number()
        happened = [envelope.read() for envelope in self.host.journal()]
        return [(each.about, each.count) for each in happened if isinstance(each, Counted)]


def seller(
    server: NatsServer, name: str, *, clock: Clock | None = None, binary: bool = False
) -> tuple[Host, Publisher]:
    """Make the seller's side: a shop that relays to a stream of that name."""
    publisher = Publisher(server.url, prefix=name, binary=binary, timeout_seconds=5)
    publisher.create_stream(name)
    relay = Relay(name="nats", publisher=publisher, batch=20)
    return Host(Memory(), relays=[relay], clock=clock or Clock(), new_id=Ids()), publisher


@pytest.mark.parametrize("binary", [False, True])
def test_events_arrive_once_and_in_order(server: NatsServer, *, binary: bool) -> None:
    """What happened in one service has its effect in another, in order, whichever way it is written on the wire."""
    shop, publisher = seller(server, f"plain-{binary}", binary=binary)
    service = Service(server, f"plain-{binary}")
    sell(shop, *"abacab" * 5)
    assert shop.work().relayed == {"nats": 30}
    service.pull()
    expected = [
        (each.about, each.count) for each in (row.read() for row in shop.journal()) if isinstance(each, Counted)
    ]
    assert service.told() == expected
    assert service.handled == {Handled.DONE: 30}
    publisher.close()
    service.subscriber.close()


def test_the_broker_drops_what_it_has_stored_already(server: NatsServer) -> None:
    """An event published twice within the broker's window is stored once: its id is known again."""
    publisher = Publisher(server.url, prefix="twice")
    publisher.create_stream("twice")
    publisher.publish([cloudevent("e1"), cloudevent("e2"), cloudevent("e1", source="elsewhere")])
    publisher.publish([cloudevent("e1"), cloudevent("e2")])
    service = Service(server, "twice")
    service.pull()
    assert service.handled == {Handled.DONE: 3}
    publisher.close()
    service.subscriber.close()


class Cut:
    """Kills the server at the n-th event that is written for the wire, counting from the last restart."""

    def __init__(self, server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.left = 0
        self.written = 0
        self.restart = False
        encode = wire.encode

        def cutting(event: CloudEvent, *, binary: bool) -> tuple[bytes, dict[str, str]]:
            self.written += 1
            self.left -= 1
            if self.left == 0:
                server.kill()
                if self.restart:
                    server.start()
            return encode(event, binary=binary)

        monkeypatch.setattr(wire, "encode", cutting)


def test_a_server_killed_and_restarted_loses_and_doubles_nothing(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker is killed amid publishing and before acknowledgements: nothing is lost, doubled or overtaken."""
    clock = Clock()
    shop, publisher = seller(server, "killed", clock=clock)
    service = Service(server, "killed", ack_wait_seconds=0.1)
    cut = Cut(server, monkeypatch)
    deliveries: list[str] = []
    decode = wire.decode

    def counting(payload: bytes, headers: dict[str, str] | None) -> bytes:
        deliveries.append((headers or {})["Nats-Msg-Id"])
        if len(deliveries) % 37 == 0:
            server.kill()  # the effect will stand, and the acknowledgement get lost
        return decode(payload, headers)

    monkeypatch.setattr(wire, "decode", counting)
    kills = 0
    for number, after in enumerate((3, 13, 25, 40, 21, 0)):
        cut.left = after
        sell(shop, *(f"o{(number + each) % 7}" for each in range(25)))
        for _ in range(20):
            shop.work()
            if server.pid is None:
                kills += 1
                server.start()
            clock.advance(minutes=10)
            if shop.relays()[0].waiting == 0:
                break
        while True:
            try:
                if not service.pull(wait_seconds=0.2):
                    break
            except (ConnectionError, NatsError):
                pass
            if server.pid is None:
                kills += 1
                server.start()
    wanted = Counter(each.about for each in (row.read() for row in shop.journal()) if isinstance(each, Counted))
    told = seen(service.told(), wanted=wanted)
    assert (told.events, told.lost, told.repeated, told.overtaken) == (150, 0, 0, 0)
    assert kills >= 6
    assert service.handled[Handled.REPEATED] > 0
    assert len(deliveries) > len(set(deliveries)) == 150, "the broker delivered nothing twice: nothing was tested"
    assert cut.written > 150
    publisher.close()
    service.subscriber.close()


def stored(publisher: Publisher, name: str) -> list[str]:
    """Give the ids of the events a stream has stored, in its order."""

    async def read(stream: JetStreamContext) -> list[str]:
        last = (await stream.stream_info(name)).state.last_seq
        found = [await stream.get_msg(name, number) for number in range(1, last + 1)]
        return [Message.of(message.data or b"").id for message in found]

    return publisher._line.run(read)


@pytest.mark.parametrize("all_at_once", [False, True])
def test_no_event_is_stored_before_its_predecessor(server: NatsServer, *, all_at_once: bool) -> None:
    """Where the broker refuses one event about an order, later ones about that order wait; others do not."""
    name = f"refusing-{all_at_once}"
    publisher = Publisher(server.url, prefix=name)
    config = StreamConfig(name=name, subjects=[f"{name}.>"], max_msg_size=2000)
    publisher._line.run(lambda stream: stream.add_stream(config))
    long = cloudevent("e2", about="a", data={"about": "a", "count": 2, "x": "x" * 4000})
    batch = [cloudevent("e1", about="a"), long, cloudevent("e3", about="b"), cloudevent("e4", about="a")]
    if all_at_once:  # the broken control: all events are sent as if each were about something else
        batch = [{**event, "subject": f"s{number}"} for number, event in enumerate(batch)]
    with pytest.raises(Exception, match="exceeds"):
        publisher.publish(batch)
    publisher.publish([cloudevent("e5", about="c")])
    assert stored(publisher, name) == (["e1", "e3", "e4", "e5"] if all_at_once else ["e1", "e3", "e5"])
    publisher.close()


def test_a_line_that_broke_stores_nothing_of_what_comes_after(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the server restarts amid a batch, no later event is stored before those that were lost on the way."""
    publisher = Publisher(server.url, prefix="broke", timeout_seconds=2)
    publisher.create_stream("broke")
    batch = [cloudevent(f"e{number:02}", about=f"a{number}") for number in range(30)]
    cut = Cut(server, monkeypatch)
    cut.left, cut.restart = 15, True
    with pytest.raises((ConnectionError, NatsError, TimeoutError)):
        publisher.publish(batch)
    server.kill()  # the thread that has restarted it will end, and the server with it
    server.start()
    ids = [str(event["id"]) for event in batch]
    there = stored(publisher, "broke")
    assert there == ids[: len(there)]
    publisher.publish(batch)
    assert stored(publisher, "broke") == ids
    publisher.close()


def test_without_a_stream_the_relay_stands_still_in_sight(server: NatsServer) -> None:
    """If nobody has created the stream, nothing is thrown away: the relay says so, and goes on once it is there."""
    clock = Clock()
    publisher = Publisher(server.url, prefix="absent")
    shop = Host(Memory(), relays={"nats": publisher}, clock=clock, new_id=Ids())
    sell(shop, "a")
    shop.work()
    assert shop.relays()[0].error == "NoStreamResponseError"
    publisher.create_stream("absent")
    clock.advance(seconds=2)
    assert shop.work().relayed == {"nats": 1}
    publisher.close()


def test_an_asynchronous_service_publishes_and_pulls(server: NatsServer) -> None:
    """A service on an event loop relays and receives without blocking it."""
    shop, publisher = seller(server, "async")
    service = Service(server, "async")
    sell(shop, "a", "b", "a")

    async def both() -> Counter[Handled]:
        await shop.awork()
        return await service.subscriber.apull(service.host, wait_seconds=0.05)

    assert asyncio.run(both()) == {Handled.DONE: 3}
    assert service.told() == [("a", 1), ("b", 1), ("a", 2)]
    shop.close()
    service.host.close()
    publisher.close()
    service.subscriber.close()


def test_a_message_whose_handler_fails_comes_again(server: NatsServer) -> None:
    """A handler that fails by accident gets the message again, before any later one; one that refuses parks it."""
    publisher = Publisher(server.url, prefix="again")
    publisher.create_stream("again")
    unknown = cloudevent("e3", type="jp.omnicore.testing.counted.v9", about="other")
    publisher.publish([cloudevent("e1"), cloudevent("e2"), unknown])
    failures = [ConnectionError(), ConnectionError()]
    told: list[str] = []

    @flow("test_nats.fails_twice")
    async def fails_twice(given: Given, *, message: Message) -> None:
        message.read()
        if failures:
            raise failures.pop()
        told.append(message.id)

    service = Service(server, "again")
    service.subscriber._consumer = Consumer(name="copy", handler=fails_twice)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            service.pull(wait_seconds=1)
    assert service.pull(wait_seconds=0.3) == {Handled.DONE: 2, Handled.PARKED: 1}
    assert told == ["e1", "e2"]
    (parked,) = service.host.run(list_parked(consumer="copy"))
    assert Message.of(parked.message()).id == "e3"
    publisher.close()
    service.subscriber.close()


@pytest.mark.parametrize("prefix", ["", "a b", "a.>", "*", "a..b", ".a", "a\n"])
def test_odd_names_are_refused_at_once(prefix: str) -> None:
    """A prefix or name that NATS would read as something else is refused before anything is published."""
    with pytest.raises(Malformed):
        Publisher("nats://localhost", prefix=prefix)
    with pytest.raises(Malformed):
        Subscriber("nats://localhost", stream="S", consumer=Consumer(name="a.b", handler=copy))


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)


@examples(_WORDS, _WORDS, _WORDS, st.booleans())
def test_what_goes_over_the_wire_comes_back(id: str, about: str, text: str, binary: bool) -> None:  # noqa: FBT001 - an example
    """An event reads the same on the other side, in any script, structured or binary."""
    if not (id.isprintable() and about.isprintable()):
        return
    event = cloudevent(id, about=about, data={"about": about, "count": 1, "text": text})
    payload, headers = wire.encode(event, binary=binary)
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert Message.of(wire.decode(payload, headers)) == Message.of(event)


def test_data_that_is_no_json_is_kept_whole() -> None:
    """A binary message of another service whose data is no JSON can still be parked, byte for byte."""
    headers = {"ce-specversion": "1.0", "ce-id": "e", "ce-source": "s", "ce-type": "t"}
    assert b'"data_base64": "/w=="' in wire.decode(b"\xff", headers)
    assert wire.decode(b"\xff", None) == b"\xff"
    assert Message.of(wire.decode(b'{"a": 1}', headers)).data == '{"a":1}'


_ORPHAN = """
import sys, signal
from omnicore.testing.nats_server import nats_server
with nats_server() as server:
    print(server.pid, server.folder, flush=True)
    signal.pause()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_server_does_not_outlive_a_killed_test() -> None:
    """When the test that started it is killed, the server ends by itself, and the next one tidies up."""
    command = [sys.executable, "-c", _ORPHAN]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:  # noqa: S603 - this Python, and the lines above
        assert owner.stdout is not None
        words = owner.stdout.readline().split()
        pid, folder = int(words[0]), Path(words[1].decode())
        assert _alive(pid)
        assert folder.exists()
        with nats_server():
            assert folder.exists(), "the files of a running server were taken away"
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    until = time.monotonic() + 10
    while _alive(pid):
        assert time.monotonic() < until, "the server is still running"
        time.sleep(0.01)
    with nats_server():
        assert not folder.exists(), "the killed test's files are still there"


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
