"""Laws of state machines."""

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Refused
from omnicore.kernel.machine import BrokenMachine, IllegalMove, Machine, all_machines


class S(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REFUNDED = "re-funded"
    DENIED = "denied"


class M(StrEnum):
    APPROVE = "approve"
    REFUND = "refund"
    DENY = "deny"


class Other(StrEnum):
    APPROVE = "approve"


class Lone(StrEnum):
    ONLY = "only"


TABLE: dict[S, dict[M, S]] = {
    S.REQUESTED: {M.APPROVE: S.APPROVED, M.DENY: S.DENIED},
    S.APPROVED: {M.REFUND: S.REFUNDED, M.APPROVE: S.APPROVED},
    S.REFUNDED: {},
    S.DENIED: {},
}
RETURN = Machine(name="test.return", initial=S.REQUESTED, table=TABLE)


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("move", M)
def test_every_move_is_in_the_table_or_refused(state: S, move: M) -> None:
    """From each state, each move does what the table says or is refused."""
    if move in TABLE[state]:
        assert RETURN.move(state, move) is TABLE[state][move]
        return
    with pytest.raises(IllegalMove) as caught:
        RETURN.move(state, move)
    assert isinstance(caught.value, Refused)
    assert caught.value.problem()["code"] == "kernel.illegal_move"
    assert caught.value.facts == {
        "machine": "test.return",
        "state": state.value,
        "move": move.value,
        "possible": tuple(each.value for each in RETURN.moves(state)),
    }


def test_a_final_state_has_no_moves() -> None:
    """A return that has been refunded or denied is over."""
    assert [state for state in RETURN.states if RETURN.final(state)] == [S.REFUNDED, S.DENIED]
    assert RETURN.moves(S.APPROVED) == (M.REFUND, M.APPROVE)
    assert RETURN.all_moves() == tuple(M)
    assert RETURN in all_machines()
    assert repr(RETURN) == "Machine('test.return')"
    assert Machine(name="test.lone", initial=Lone.ONLY, table={Lone.ONLY: {}}).all_moves() == ()


def test_the_drawing_shows_the_table() -> None:
    """The diagram in the docs is the machine that runs."""
    assert RETURN.mermaid() == (
        "stateDiagram-v2\n"
        '    state "re-funded" as re_funded\n'
        "    [*] --> requested\n"
        "    requested --> approved: approve\n"
        "    requested --> denied: deny\n"
        "    approved --> re_funded: refund\n"
        "    approved --> approved: approve\n"
        "    re_funded --> [*]\n"
        "    denied --> [*]\n"
    )


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({state: row for state, row in TABLE.items() if state is not S.DENIED}, "denied have no row"),
        (TABLE | {S.REQUESTED: {M.APPROVE: S.APPROVED}}, "denied cannot be reached"),
        (
            TABLE | {S.APPROVED: {M.APPROVE: S.APPROVED}, S.DENIED: {M.REFUND: S.REFUNDED}},
            "approved cannot reach a final",
        ),
        (TABLE | {S.DENIED: {Other.APPROVE: S.REFUNDED}}, "several types"),
        (TABLE | {Lone.ONLY: {}}, "only are not states"),
        (TABLE | {S.DENIED: {M.REFUND: Lone.ONLY}}, "only are not states"),
        (TABLE, "two machines"),
    ],
)
def test_a_table_that_cannot_be_right_fails_at_import(table: dict[S, dict[M, S]], complaint: str) -> None:
    """A forgotten state, a state nobody can reach and a dead end are found before anything runs."""
    before = all_machines()
    with pytest.raises(BrokenMachine, match=complaint):
        Machine(name="test.return", initial=S.REQUESTED, table=table)
    assert all_machines() == before


@given(moves=st.lists(st.sampled_from(M), max_size=8))
def test_a_refused_move_changes_nothing(moves: list[M]) -> None:
    """However often the wrong button is pressed, the state is where the last possible move led."""
    state = expected = RETURN.initial
    for move in moves:
        expected = TABLE[expected].get(move, expected)
        try:
            state = RETURN.move(state, move)
        except IllegalMove:
            continue
    assert state is expected
