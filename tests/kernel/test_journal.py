"""Can what happened be changed afterwards without anybody noticing?"""

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from omnicore.kernel import journal
from omnicore.kernel.audit import Audit
from omnicore.kernel.errors import Malformed
from omnicore.kernel.journal import Envelope, Event, event, event_name, events, link
from omnicore.kernel.time import Instant
from omnicore.testing.bench import Noted
from omnicore.testing.strategies.kernel import instants, texts

WORD = texts(limit=8)


def envelopes() -> st.SearchStrategy[Envelope]:
    """Give events as stored."""
    return st.builds(
        Envelope,
        id=WORD,
        type=st.sampled_from(("a.b.v1", "a.c.v1")),
        about=WORD,
        at=instants(),
        by=WORD,
        command=st.none() | WORD.filter(bool),
        data=WORD,
    )


def chained(rows: list[Envelope]) -> list[Envelope]:
    """Number and link rows as a worker does."""
    chain, made = "", []
    for position, row in enumerate(rows, 1):
        chain = link(chain, row)
        made.append(evolve(row, position=position, chain=chain))
    return made


def broken(rows: list[Envelope], *, head: str) -> bool:
    """Ask the audit whether anything was changed."""
    audit = Audit([])
    for row in rows:
        audit.envelope(row)
    return bool(audit.close(events=len(rows), chain=head).differences)


@given(st.lists(envelopes(), min_size=2, max_size=6, unique_by=lambda row: row.id), st.data())
def test_any_change_is_noticed(rows: list[Envelope], data: st.DataObject) -> None:
    """Whoever edits, removes or swaps what is in the journal is found out."""
    numbered = chained(rows)
    head = numbered[-1].chain or ""
    assert not broken(numbered, head=head)
    place = data.draw(st.integers(0, len(rows) - 1))
    assert broken(numbered[:place] + numbered[place + 1 :], head=head)
    other = data.draw(st.integers(0, len(rows) - 1).filter(lambda other: other != place))
    swapped = list(numbered)
    swapped[place], swapped[other] = numbered[other], numbered[place]
    assert broken(swapped, head=head)
    edited = list(numbered)
    row = numbered[place]
    for forged in (
        evolve(row, id=row.id + "x"),
        evolve(row, type=row.type + "x"),
        evolve(row, about=row.about + "x"),
        evolve(row, by=row.by + "x"),
        evolve(row, command=(row.command or "") + "x"),
        evolve(row, data=row.data + "x"),
    ):
        edited[place] = forged
        assert broken(edited, head=head)
    edited[place] = evolve(numbered[place], at=Instant(numbered[place].at.micros + 1))
    assert broken(edited, head=head)
    edited[place] = evolve(numbered[place], chain="0" * 64)
    assert broken(edited, head=head)


@given(st.lists(WORD, min_size=2, max_size=2), st.lists(WORD, min_size=2, max_size=2))
@example(["ab", "c"], ["a", "bc"])
def test_no_two_rows_look_alike_in_the_chain(one: list[str], other: list[str]) -> None:
    """Text cannot be shifted from one field to the next without changing the chain."""
    row = Envelope(id="i", type="t", about="", at=Instant(0), by="", command=None, data="{}")
    links = [link("", evolve(row, about=pair[0], by=pair[1])) for pair in (one, other)]
    assert (links[0] == links[1]) == (one == other)


def test_an_event_is_read_back() -> None:
    """An event is stored under its declared name and read back as it was."""
    row = Envelope(
        id="i", type="testing.noted.v1", about="n", at=Instant(0), by="staff:s", command=None, data='{"about":"n"}'
    )
    assert row.read() == Noted(about="n")
    assert event_name(Noted(about="n")) == "testing.noted.v1"
    assert events()["testing.noted.v1"] is Noted
    assert isinstance(Noted(about="n"), Event)


@pytest.mark.parametrize(("kind", "data"), [("gone.v1", "{}"), ("testing.noted.v1", "[]")])
def test_an_event_of_another_version_is_malformed(kind: str, data: str) -> None:
    """An event this version does not know, or cannot read, is reported as such."""
    row = Envelope(id="i", type=kind, about="n", at=Instant(0), by="s", command=None, data=data)
    with pytest.raises(Malformed):
        row.read()


def test_event_names_are_unique(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two events of one name fail when the library is imported."""
    monkeypatch.setattr(journal, "_EVENTS", dict(journal._EVENTS))
    with pytest.raises(AssertionError, match="two events"):
        event("testing.noted.v1")(Noted)


def test_an_event_travels_as_a_cloud_event() -> None:
    """Others read our events in the CloudEvents 1.0 form; the position orders them as text."""
    row = Envelope(id="i", type="a.b.v1", about="n", at=Instant(0), by="s", command=None, data='{"x":1}')
    told = row.cloudevent(source="/shops/main")
    assert told == {
        "specversion": "1.0",
        "id": "i",
        "source": "/shops/main",
        "type": "jp.omnicore.a.b.v1",
        "subject": "n",
        "time": "1970-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {"x": 1},
    }
    assert evolve(row, position=7).cloudevent(source="/")["sequence"] == "00000000000000000007"
