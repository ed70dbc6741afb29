"""May a flow do only what a flow may do?"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import cast

import pytest
from attrs import frozen

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel import codec, journal, records
from omnicore.kernel import flow as flows
from omnicore.kernel.access import Access, Accessed, PurposeMissing
from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.flow import (
    SYSTEM,
    Actor,
    Device,
    Given,
    Shopper,
    Staff,
    balances,
    entries,
    find,
    flow,
    get,
    holds,
    load,
    open_holds,
    question,
    write,
)
from omnicore.kernel.ledger import Hold, Post
from omnicore.kernel.personal import Personal, PersonalOutsideVault
from omnicore.kernel.records import Kind
from omnicore.kernel.store import Database, Writes
from omnicore.testing import Clock, Ids
from omnicore.testing.bench import CUSTOMER, NOTES, SHELF, SUPPLIER, UNIT, Note, Noted


@pytest.fixture(autouse=True)
def _forget_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each test declare flows and kinds of its own."""
    monkeypatch.setattr(flows, "_NAMES", set(flows._NAMES))
    monkeypatch.setattr(records, "_KINDS", dict(records._KINDS))
    monkeypatch.setattr(journal, "_EVENTS", dict(journal._EVENTS))
    return iter([None])


@pytest.fixture
def host() -> Host:
    """Open an empty shop."""
    return Host(Memory(), clock=Clock(), new_id=Ids())


def note(key: str) -> Writes:
    """Write a note."""
    return Writes(changes=(NOTES.put(Note(key=key)),))


def test_a_flow_writes_once(host: Host) -> None:
    """A second write, and a read after the write, are bugs and change nothing."""

    @flow("test.twice")
    async def twice(given: Given) -> None:
        await write(note("a"))
        await write(note("b"))

    @flow("test.read_after")
    async def read_after(given: Given) -> None:
        await write(note("a"))
        await get(NOTES, "a")

    @flow("test.inner_after")
    async def inner_after(given: Given) -> None:
        await write(note("a"))
        await twice()

    for broken in (twice(), read_after(), inner_after()):
        with pytest.raises(AssertionError, match="writes once"):
            host.run(broken)
    assert host.verify().documents == 0


def test_a_question_only_asks(host: Host) -> None:
    """A question that writes is a bug, also where the flow it awaits does the writing."""

    @flow("test.store_note")
    async def store_note(given: Given) -> None:
        await write(note("a"))

    @question("test.writes")
    async def writes(given: Given) -> None:
        await write(note("a"))

    @question("test.writes_inside")
    async def writes_inside(given: Given) -> None:
        await store_note()

    for broken in (writes(), writes_inside()):
        with pytest.raises(AssertionError, match="is a question"):
            host.run(broken)
    assert host.verify().documents == 0


def test_a_flow_awaits_only_ports(host: Host) -> None:
    """A flow that awaits something else is a bug; one that is handed to asyncio stops at its first port."""

    @flow("test.sleeps")
    async def sleeps(given: Given) -> None:
        await asyncio.sleep(0)

    with pytest.raises(AssertionError, match="only await ports"):
        host.run(sleeps())

    async def alone() -> None:
        await sleeps()

    with pytest.raises(RuntimeError, match="Task got bad yield"):
        asyncio.run(alone())


def test_calling_a_flow_runs_nothing(host: Host) -> None:
    """A flow is a value: its name and arguments, run as often as it is handed over."""
    ran = []

    @flow("test.counts")
    async def counts(given: Given, *, by: int = 1) -> int:
        ran.append(by)
        return by

    made = counts(by=3)
    assert ran == []
    assert dict(made.args) == {"by": 3}
    assert (host.run(made), host.run(made)) == (3, 3)
    with pytest.raises(TypeError):
        host.run(counts(of=3))  # type: ignore[call-arg] # wrong on purpose


def test_a_flow_inside_a_flow_is_one_transaction(host: Host) -> None:
    """A flow awaited by another shares its instant and its one write."""

    @question("test.when")
    async def when(given: Given) -> str:
        return given.at.iso()

    @flow("test.outer")
    async def outer(given: Given) -> bool:
        same = await when() == given.at.iso()
        await write(note("a"))
        return same

    assert host.run(outer()) is True


def test_every_port_can_be_read(host: Host) -> None:
    """A flow reads documents, indexes, balances, holds and entries, each in bulk."""

    @flow("test.fill")
    async def fill(given: Given) -> None:
        moves = (
            Post(id="in", unit=UNIT, source=SUPPLIER.path, target=SHELF.path, amount=5, fact=True),
            Hold(id="h", unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=2),
        )
        changes = (NOTES.put(Note(key="a", tags=("t",))), NOTES.put(Note(key="b", tags=("t",))))
        await write(Writes(changes=changes, moves=moves, events=(Noted(about="a"),)))

    @question("test.read_all")
    async def read_all(given: Given) -> tuple[str, ...]:
        many = await load(NOTES, ["b", "a", "b", "none"])
        page = await find(NOTES, "tag", equal=("t",), newest_first=True, limit=1)
        rest = await find(NOTES, "tag", equal=("t",), newest_first=True, after=page.next)
        shelf = (await balances([SHELF, SHELF]))[SHELF]
        found = await entries(SHELF)
        return (
            *many,
            *(stored.value.key for stored in (*page.items, *rest.items)),
            f"{shelf.posted}-{shelf.held}",
            *(await holds(["h", "none"])),
            *(held.id for held in (await open_holds([SHELF]))[SHELF]),
            *(entry.id for entry in found),
            *(entry.id for entry in await entries(SHELF, after=found[0].position or 0, limit=1)),
        )

    host.run(fill())
    host.work()
    assert host.run(read_all()) == ("a", "b", "b", "a", "5-2", "h", "h", "in")
    assert host.run(read_all()) == asyncio.run(host.arun(read_all()))
    host.close()


@frozen(kw_only=True)
class Person:
    """Somebody, in the vault."""

    id: str
    name: Personal[str]


def vault() -> Kind[Person]:
    """Declare a vault."""
    return Kind(name="test.person", type=Person, key=lambda person: person.id, subject=lambda person: person.id)


def test_looking_into_the_vault_leaves_a_trace(host: Host) -> None:
    """Personal data is read for a stated purpose, and each time who, whose, which fields and why is kept."""
    people = vault()

    @flow("test.register")
    async def register(given: Given, *, id: str, name: Personal[str]) -> None:
        await write(Writes(changes=(people.put(Person(id=id, name=name)),)))

    @question("test.name_of", reveals=True)
    async def name_of(given: Given, *, id: str) -> int:
        found = await get(people, id)
        by_subject = await find(people, "subject", equal=(id,))
        return len(found.value.name.reveal()) + len(by_subject.items) if found else 0

    @question("test.peek")
    async def peek(given: Given, *, id: str) -> bool:
        return await get(people, id) is not None

    clerk = host.acting(Staff("s1"), purpose="service")
    clerk.run(register(id="p1", name=Personal("Hana")), command="c1")
    clerk.run(register(id="p1", name=Personal("Hana")), command="c1")
    assert clerk.run(name_of(id="p1")) == 5
    assert clerk.run(name_of(id="nobody")) == 0
    with pytest.raises(PurposeMissing):
        host.run(name_of(id="p1"))
    with pytest.raises(AssertionError, match="reveals=True"):
        clerk.run(peek(id="p1"))
    host.work()
    with cast(Database, host._engine.database).reading("main") as store:
        rows = store.read()
    written = Accessed(
        subject="p1",
        kind="test.person",
        fields=("$.name",),
        access=Access.WRITTEN,
        flow="test.register",
        purpose="service",
    )
    told = [row.read() for row in rows]
    assert told[0] == written
    assert [(row.access, row.flow) for row in told[1:] if isinstance(row, Accessed)] == [(Access.READ, "test.name_of")]
    assert {row.about for row in told} == {"p1"}
    assert {row.by for row in rows} == {"staff:s1"}
    assert "Hana" not in repr(rows)


def test_answers_hold_no_personal_data(host: Host) -> None:
    """A command whose answer would be stored with personal data in it is a bug, and changes nothing."""

    @flow("test.echo")
    async def echo(given: Given, *, name: Personal[str]) -> Personal[str]:
        await write(note("a"))
        return name

    with pytest.raises(PersonalOutsideVault):
        host.run(echo(name=Personal("Hana")), command="c1")
    assert host.verify().documents == 0


def test_flows_have_names_of_their_own() -> None:
    """Two flows of one name fail when the library is imported."""

    async def body(given: Given) -> None:
        """Do nothing."""

    flow("test.same")(body)
    with pytest.raises(AssertionError, match="two flows"):
        question("test.same")(body)


def test_arguments_come_back_as_they_were() -> None:
    """What a flow was asked is stored by the types of its signature and read back equal."""

    @flow("test.typed")
    async def typed(given: Given, *, units: Mapping[str, int], notes: tuple[Note, ...] = ()) -> int:
        return 0

    made = typed(units={"a": 1}, notes=(Note(key="n"),))
    stored = made.definition.dump(made.args)
    text = codec.dumps(stored, as_=dict[str, codec.JsonValue])
    assert made.definition.load(codec.loads(text, as_=dict[str, codec.JsonValue])) == dict(made.args)
    with pytest.raises(Malformed):
        made.definition.load({"other": 1})
    assert made.definition.load_answer(made.definition.dump_answer(7)) == 7


def test_a_request_is_who_asks_for_what() -> None:
    """The hash of a request is equal for equal requests only: flow, arguments, shop, actor; and it needs the secret."""

    @flow("test.asked")
    async def asked(given: Given, *, n: int, name: Personal[str]) -> None:
        """Do nothing."""

    def hashed(n: int = 1, name: str = "Hana", shop: str = "main", actor: Actor = SYSTEM, salt: str = "k") -> str:
        made, key = asked(n=n, name=Personal(name)), salt.encode() * 16
        return made.definition.request(made.args, shop=shop, actor=actor, key=key)

    others = [hashed(n=2), hashed(name="Kei"), hashed(shop="b"), hashed(actor=Staff("s")), hashed(salt="l")]
    assert hashed() == hashed()
    assert len({hashed(), *others}) == 6


def test_actors_say_what_they_are() -> None:
    """Events name who acted by kind and id."""
    assert [str(actor) for actor in (Staff("1"), Device("2"), Shopper("3"), SYSTEM)] == [
        "staff:1",
        "device:2",
        "buyer:3",
        "system:omnicore",
    ]


def test_a_mark_finds_again_what_it_does_not_show(host: Host) -> None:
    """Equal texts have equal marks within a shop, other shops have others, and a mark does not show the text."""

    @question("test.mark")
    async def mark(given: Given, *, of: str) -> str:
        return given.blind(of)

    other = Host(Memory(), shop="other")
    assert host.run(mark(of="a@b")) == host.run(mark(of="a@b")) != host.run(mark(of="a@c"))
    assert host.run(mark(of="a@b")) != other.run(mark(of="a@b"))
    assert "a@b" not in host.run(mark(of="a@b"))


def test_a_refused_flow_wrote_nothing(host: Host) -> None:
    """A flow that refuses after its write has written nothing."""

    @flow("test.regrets")
    async def regrets(given: Given) -> None:
        await write(note("a"))
        raise Refused

    with pytest.raises(Refused):
        host.run(regrets())
    assert host.verify().documents == 0


def test_arguments_of_another_type_are_named() -> None:
    """A host that hands over the wrong kind of thing is told which argument it was."""
    asked = wanted(amount=3)
    definition = asked.definition
    definition.check({"amount": 3})
    with pytest.raises(Malformed) as refused:
        definition.check({"amount": "three"})
    assert refused.value.path == "$.amount"
    with pytest.raises(Malformed):
        definition.request({"amount": "three"}, shop="s", actor=SYSTEM, key=b"0123456789abcdef")


@flow("tests.flow.wanted")
async def wanted(given: Given, *, amount: int) -> int:
    """Give the amount back."""
    return amount
