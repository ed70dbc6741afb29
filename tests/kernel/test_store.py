"""Do writes add up?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.records import Change, Drop
from omnicore.kernel.store import Writes, merged, ordered_changes
from omnicore.testing.bench import NOTES, Note, Noted
from omnicore.testing.strategies.ledger import batches


def changes() -> st.SearchStrategy[Change]:
    """Give puts and drops of a few notes."""
    key = st.sampled_from(("a", "b", "c", "d"))
    drops = st.builds(Drop, kind=st.sampled_from(("testing.note", "another.kind")), key=key, expected=st.integers(0, 2))
    return drops | key.map(lambda key: NOTES.put(Note(key=key)))


def writes() -> st.SearchStrategy[Writes]:
    """Give what a flow may write, nothing too."""
    return st.builds(
        Writes,
        changes=st.lists(changes(), max_size=2).map(tuple),
        moves=st.just(()) | batches(most=2),
        events=st.lists(st.sampled_from("abc").map(lambda about: Noted(about=about)), max_size=2).map(tuple),
    )


@given(writes(), writes(), writes())
def test_writes_merge_in_any_grouping(one: Writes, two: Writes, three: Writes) -> None:
    """What several areas write is one write, however it is put together; nothing is the neutral part."""
    assert (one + two) + three == one + (two + three) == merged([one, two, three])
    assert one + Writes() == Writes() + one == one
    assert bool(one) == (one != Writes())
    assert merged([]) == Writes()


@given(st.lists(changes(), max_size=5))
def test_documents_are_written_in_one_order(rows: list[Change]) -> None:
    """Documents are locked by kind and key, and a document that is changed twice in one write is refused."""
    places = [(row.kind, row.key) for row in rows]
    if len(set(places)) < len(places):
        with pytest.raises(Malformed, match=r"\$\.changes"):
            ordered_changes(rows)
    else:
        assert [(row.kind, row.key) for row in ordered_changes(rows)] == sorted(places)
