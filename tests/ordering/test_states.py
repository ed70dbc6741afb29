import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.machine import IllegalMove
from omnicore.kernel.time import Instant
from omnicore.ordering import UNITS, Order, TooMany, UnitMove, UnitState, moves
from omnicore.testing.strategies import ordering as some

TABLE = {
    (UnitState.OPEN, UnitMove.SHIP): UnitState.SHIPPED,
    (UnitState.OPEN, UnitMove.CANCEL): UnitState.CANCELLED,
    (UnitState.SHIPPED, UnitMove.RETURN): UnitState.RETURNED,
}


@pytest.mark.parametrize("state", UnitState)
@pytest.mark.parametrize("move", UnitMove)
def test_a_unit_moves_by_the_table_only(state: UnitState, move: UnitMove) -> None:
    """An open unit is shipped or cancelled, a shipped one comes back, and nothing else ever happens to a unit."""
    if (state, move) in TABLE:
        assert UNITS.move(state, move) is TABLE[state, move]
    else:
        with pytest.raises(IllegalMove):
            UNITS.move(state, move)


@given(
    st.sampled_from(UnitState),
    st.sampled_from(UnitMove),
    some.orders(untouched=True, most_lines=2),
    some.moments(),
    st.integers(1, 9),
)
def test_an_order_moves_its_units_by_the_table_only(
    state: UnitState, move: UnitMove, order: Order, at: Instant, count: int
) -> None:
    """A line whose units are all in one state lets them move as the table says; otherwise it refuses."""
    line = order.lines[0]
    line = evolve(
        line,
        shipped=line.ordered if state in {UnitState.SHIPPED, UnitState.RETURNED} else 0,
        returned=line.ordered if state is UnitState.RETURNED else 0,
        cancelled=line.ordered if state is UnitState.CANCELLED else 0,
    )
    order = evolve(order, lines=(line, *order.lines[1:]))
    steps = {
        UnitMove.SHIP: moves.ship_units,
        UnitMove.CANCEL: moves.cancel_units,
        UnitMove.RETURN: moves.return_units,
    }
    if (state, move) in TABLE and count <= line.ordered:
        there = moves.units_in(steps[move](order, units={line.id: count}, at=at).lines[0])
        assert there[TABLE[state, move]] == count
        assert there[state] == line.ordered - count
    else:
        with pytest.raises(TooMany) as caught:
            steps[move](order, units={line.id: count}, at=at)
        assert caught.value.facts["left"] == (line.ordered if (state, move) in TABLE else 0)
