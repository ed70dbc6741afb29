"""Are documents kept, found and upgraded as their kinds say?"""

from collections.abc import Iterator

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.kernel import records
from omnicore.kernel.errors import Malformed
from omnicore.kernel.personal import Personal
from omnicore.kernel.records import (
    MAX_PAGE,
    Cursor,
    Document,
    Drop,
    Index,
    IndexRow,
    Kind,
    Stored,
    cursor,
    span,
)
from omnicore.kernel.sorting import Field, sort_key
from omnicore.testing.bench import NOTES, Bench, Note
from omnicore.testing.strategies.kernel import instants

FIELDS = {
    "text": st.text(st.characters(codec="utf-8"), max_size=6),
    "number": st.integers(-(2**63), 2**63 - 1),
    "instant": instants(),
}


@pytest.fixture(autouse=True)
def _forget_kinds() -> Iterator[None]:
    """Let each test declare kinds of its own."""
    before = dict(records._KINDS)
    yield
    records._KINDS.clear()
    records._KINDS.update(before)


@given(
    st.lists(st.sampled_from(sorted(FIELDS)), max_size=3).flatmap(
        lambda types: st.tuples(*[st.tuples(*[FIELDS[name] for name in types])] * 2)
    )
)
def test_keys_sort_as_tuples_do(pair: tuple[tuple[Field, ...], tuple[Field, ...]]) -> None:
    """Every database sorts index rows as the tuples they stand for, whatever its collation."""
    one, other = pair
    assert (sort_key(one) < sort_key(other)) == (one < other)
    assert (sort_key(one) == sort_key(other)) == (one == other)


@given(FIELDS["text"], FIELDS["text"], FIELDS["number"])
def test_a_shorter_tuple_comes_first(one: str, other: str, number: int) -> None:
    """All rows that begin alike stand together, right behind where a shorter row would stand."""
    where = span("k", "i", equal=(one,))
    inside = where.lower <= sort_key((other, number)) < where.upper
    assert inside == (one == other)


@given(FIELDS["number"], FIELDS["number"], FIELDS["number"])
def test_a_range_ends_before_its_end(since: int, until: int, number: int) -> None:
    """A look-up from one value until another finds the first and not the last."""
    where = span("k", "i", equal=("a",), since=since, until=until)
    assert (where.lower <= sort_key(("a", number)) < where.upper) == (since <= number < until)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, True, 1.5, None, b"x", "\ud800"])
def test_an_index_takes_only_what_every_database_sorts(value: Field) -> None:
    """A field of an index is a whole text, a 64-bit number or an instant."""
    with pytest.raises(Malformed, match=r"\$\.index"):
        sort_key((value,))


@given(st.binary(max_size=8), st.text(st.characters(codec="utf-8")))
def test_a_cursor_comes_back(sort: bytes, key: str) -> None:
    """A page goes on exactly behind the row where the one before ended."""
    assert span("k", "i", after=cursor(sort, key)).after == (sort, key)


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "[1,2]", '["zz","a"]', '["00"]', "[" * 100_000, '{"a":1,"b":2}', "null", '["00","\\ud800"]'],
)
def test_a_foreign_cursor_is_malformed(text: str) -> None:
    """A cursor that is none of ours is refused, and breaks nothing."""
    with pytest.raises(Malformed, match=r"\$\.after"):
        span("k", "i", after=Cursor(text))


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1, True, 1.5])
def test_pages_are_bounded(limit: int) -> None:
    """A page has from one to ten thousand rows."""
    with pytest.raises(Malformed, match=r"\$\.limit"):
        span("k", "i", limit=limit)


def test_a_document_is_found_under_what_it_says() -> None:
    """A document stands once in each index for each tuple its kind gives, in order."""
    rows = NOTES.rows(Note(key="n", tags=("b", "a", "a"), rank=2))
    assert rows == (
        IndexRow(index="tag", sort=sort_key(("a", 2))),
        IndexRow(index="tag", sort=sort_key(("b", 2))),
        IndexRow(index="when", sort=sort_key((Note(key="n").at,))),
    )
    assert NOTES.rows(Note(key="n", code="x"))[0] == IndexRow(index="code", sort=sort_key(("x",)), unique=True)


@pytest.mark.parametrize("key", ["", "x" * 257])
def test_keys_have_bounds(key: str) -> None:
    """A document's key has from 1 to 256 characters."""
    with pytest.raises(Malformed, match=r"\$\.key"):
        NOTES.put(Note(key=key))


@frozen(kw_only=True)
class Card:
    """A document as the first version of a library knows it."""

    id: str
    points: int


@frozen(kw_only=True)
class NewCard:
    """The same document as the next version knows it."""

    id: str
    balance: int
    tier: str = "none"


def first_kind() -> Kind[Card]:
    """Declare the kind as the first version does."""
    records._KINDS.pop("test.card", None)
    return Kind(name="test.card", type=Card, key=lambda card: card.id)


def next_kind() -> Kind[NewCard]:
    """Declare the kind as the next version does: a field renamed, one added."""
    records._KINDS.pop("test.card", None)
    return Kind(
        name="test.card",
        type=NewCard,
        key=lambda card: card.id,
        schema=2,
        upcasters={1: lambda body: {"id": body["id"], "balance": body["points"], "tier": "none"}},
    )


def test_an_older_document_is_upgraded_when_read() -> None:
    """What an older version wrote is read by a newer one, and written in the newer form."""
    old = first_kind().put(Card(id="c", points=7))
    kind = next_kind()
    stored = kind.read(Document(kind="test.card", key="c", version=1, schema=old.schema, body=old.body))
    assert stored.value == NewCard(id="c", balance=7)
    assert stored.put(stored.value).schema == 2


@frozen(kw_only=True)
class Wider:
    """The first version's document with a field it does not know."""

    id: str
    points: int
    tier: str


def test_two_versions_share_a_database() -> None:
    """During a deploy the older version changes documents of the newer one and loses nothing it does not know."""
    bench = Bench(database=Memory(), shop="main")
    records._KINDS.pop("test.card", None)
    newer = Kind(name="test.card", type=Wider, key=lambda card: card.id, schema=2, upcasters={1: dict})
    bench.write(changes=[newer.put(Wider(id="c", points=7, tier="gold"))])
    older = first_kind()
    with bench.reading() as store:
        stored = older.read(store.load("test.card", ["c"])["c"])
    assert stored.value == Card(id="c", points=7)
    bench.write(changes=[stored.put(Card(id="c", points=8))])
    with bench.reading() as store:
        document = store.load("test.card", ["c"])["c"]
    assert (document.version, document.schema) == (2, 2)
    assert newer.read(document).value == Wider(id="c", points=8, tier="gold")
    assert stored.drop() == Drop(kind="test.card", key="c", expected=1)


def test_a_document_that_is_no_object_is_malformed() -> None:
    """A stored text that is not of its kind is refused with a path."""
    for body in ("[]", "3", '{"key":5}'):
        with pytest.raises(Malformed):
            NOTES.read(Document(kind=NOTES.name, key="n", version=1, schema=1, body=body))


def test_kinds_are_declared_once_and_whole() -> None:
    """Two kinds of one name, and a schema without the way to it, fail when the library is imported."""
    first_kind()
    with pytest.raises(AssertionError, match="two kinds"):
        Kind(name="test.card", type=Card, key=lambda card: card.id)
    with pytest.raises(AssertionError, match="upcaster"):
        Kind(name="test.other", type=Card, key=lambda card: card.id, schema=2)
    assert records.kinds()["test.card"].name == "test.card"


@frozen(kw_only=True)
class Person:
    """Somebody, in the vault."""

    id: str
    name: Personal[str]


def test_a_vault_knows_whose_data_it_holds() -> None:
    """Personal data is stored only in kinds that say whose it is, and is found by that."""
    kind = Kind(
        name="test.person",
        type=Person,
        key=lambda person: person.id,
        indexes=(Index("id", lambda person: [(person.id,)]),),
        subject=lambda person: person.id,
    )
    put = kind.put(Person(id="p1", name=Personal("Hana")))
    assert (kind.vault, put.subject) == (True, "p1")
    assert [row.index for row in put.rows] == ["id", "subject"]
    assert "Hana" in put.body
    assert "Hana" not in repr(put)
    assert NOTES.vault is False


def test_a_steady_document_is_read_once_for_each_text() -> None:
    """The same text of a steady kind is the same value again, whoever reads it; another text, or schema, is another."""
    kind = Kind(name="tests.steady", type=Note, key=lambda note: note.key, steady=True)

    def stored(text: str, *, version: int = 1, schema: int = 1) -> Stored[Note]:
        return kind.read(Document(kind=kind.name, key="n", version=version, schema=schema, body=text))

    one = stored('{"key":"n","rank":1}')
    again = stored('{"key":"n","rank":1}', version=2)
    assert again.value is one.value
    assert (one.version, again.version) == (1, 2)
    assert stored('{"key":"n","rank":2}').value == Note(key="n", rank=2)
    newer = stored('{"key":"n","rank":1,"later":true}', schema=2)
    assert (newer.value, newer.rest, one.rest) == (Note(key="n", rank=1), {"later": True}, None)
    for number in range(3 * records.MAX_REMEMBERED):
        stored(f'{{"key":"n","rank":{number}}}')
    assert len(kind._remembered) <= records.MAX_REMEMBERED


def test_nothing_personal_is_remembered() -> None:
    """A kind that holds personal data cannot be steady, so that what is erased stands in no memory of ours."""
    with pytest.raises(AssertionError, match="personal"):
        Kind(name="tests.steady_vault", type=Note, key=lambda note: note.key, subject=lambda note: "s", steady=True)
