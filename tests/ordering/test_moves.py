from collections.abc import Mapping

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.ids import CustomerId, LineId
from omnicore.kernel.money import Money, total
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    Adjustment,
    AlreadyClaimed,
    LineUnknown,
    NothingChosen,
    NothingOpen,
    Order,
    OverAdjusted,
    TooMany,
    moves,
)
from omnicore.testing.strategies import ordering as some

STEPS = {"ship": moves.ship_units, "cancel": moves.cancel_units, "return": moves.return_units}


def terms(order: Order) -> object:
    """Give what was agreed, without what has happened since."""
    lines = tuple(evolve(line, shipped=0, returned=0, cancelled=0) for line in order.lines)
    charges = tuple(evolve(charge, cancelled=False) for charge in order.charges)
    return evolve(order, lines=lines, charges=charges, changed_at=order.placed_at)


some_units = st.dictionaries(st.sampled_from(["L0", "L1", "L2", "nowhere"]).map(LineId), st.integers(1, 9), max_size=3)
some_steps = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), some_units, some.moments()), max_size=8)


@given(some.orders(), some_steps)
def test_moving_units_changes_nothing_that_was_agreed(
    order: Order, steps: list[tuple[str, Mapping[LineId, int], Instant]]
) -> None:
    """Whatever happens to the goods, prices stay as agreed, every unit is somewhere, and time never steps back."""
    now = order
    for name, units, at in steps:
        try:
            after = STEPS[name](now, units=units, at=at)
        except Refused:
            continue
        assert terms(after) == terms(order)
        assert after.gross == order.gross
        assert after.changed_at >= max(at, now.changed_at)
        assert after.due <= now.due
        for line in after.lines:
            assert sum(moves.units_in(line).values()) == line.ordered
        now = after


@given(some.orders(), some_units, some.moments(), st.sampled_from(sorted(STEPS)))
def test_a_refusal_says_why(order: Order, units: Mapping[LineId, int], at: Instant, name: str) -> None:
    """A step is refused only for a line that is not there, for more units than there are, or for none."""
    lines = {line.id: line for line in order.lines}
    there = {id_: line.shipped - line.returned if name == "return" else line.open for id_, line in lines.items()}
    wrong = [id_ for id_, count in units.items() if count > there.get(id_, 0)]
    if units and not wrong:
        STEPS[name](order, units=units, at=at)
        return
    with pytest.raises((LineUnknown, TooMany) if wrong else NothingChosen) as caught:
        STEPS[name](order, units=units, at=at)
    if wrong:
        assert caught.value.facts["line"] == wrong[0]
        assert caught.value.facts.get("left", 0) == there.get(wrong[0], 0)
        assert isinstance(caught.value, TooMany) is (wrong[0] in lines)


@given(some.orders(untouched=True), some.moments())
def test_a_cancelled_order_is_worth_nothing(order: Order, at: Instant) -> None:
    """Cancelling everything leaves nothing to pay, charges included, and cannot be done twice."""
    after = moves.cancel_units(order, at=at)
    assert after.due == Money(0, order.currency)
    assert after.freed == order.gross
    assert moves.is_cancelled(after)
    with pytest.raises(NothingOpen):
        moves.cancel_units(after, at=at)


@given(some.orders(untouched=True), some.moments(), st.data())
def test_cancelling_piece_by_piece_frees_the_same(order: Order, at: Instant, data: st.DataObject) -> None:
    """However an order is cancelled, unit by unit in any order, the money freed is the money paid, to the yen."""
    pieces = [line.id for line in order.lines for _ in range(line.ordered)]
    freed, now = [], order
    for piece in data.draw(st.permutations(pieces)):
        worth = moves.worth(now, units={piece: 1})
        after = moves.cancel_units(now, units={piece: 1}, charges=(), at=at)
        assert after.freed - now.freed == worth
        freed.append(worth)
        now = after
    charges = total([Money(each.gross(order.basis), order.currency) for each in order.charges], order.currency)
    assert total(freed, order.currency) + charges == order.gross
    if order.charges:
        now = moves.cancel_units(now, units={}, charges=[charge.id for charge in order.charges], at=at)
    assert now.due.minor == 0


@given(some.orders(untouched=True), some.moments())
def test_a_partly_shipped_order_keeps_its_charges(order: Order, at: Instant) -> None:
    """The shipping fee stays when something was shipped and the rest is cancelled."""
    shipped = moves.ship_units(order, units={order.lines[0].id: 1}, at=at)
    if any(line.open for line in shipped.lines):
        after = moves.cancel_units(shipped, at=at)
        assert not any(charge.cancelled for charge in after.charges)
        assert all(line.open == 0 for line in after.lines)


@given(some.orders(untouched=True), some.moments())
def test_returning_everything_frees_all_goods(order: Order, at: Instant) -> None:
    """When all goods were shipped and came back, only the charges are left to pay."""
    whole = {line.id: line.ordered for line in order.lines}
    after = moves.return_units(moves.ship_units(order, units=whole, at=at), units=whole, at=at)
    assert after.due.minor == sum(charge.gross(order.basis) for charge in order.charges)


@given(some.orders(), some.moments())
def test_an_order_is_claimed_once(order: Order, at: Instant) -> None:
    """A guest's order becomes one customer's; saying so again changes nothing, and nobody else can have it."""
    mine, other = CustomerId("me"), CustomerId("other")
    free = evolve(order, customer=None)
    claimed = moves.claim_order(free, customer=mine, at=at)
    assert claimed.customer == mine
    assert moves.claim_order(claimed, customer=mine, at=at) is claimed
    with pytest.raises(AlreadyClaimed):
        moves.claim_order(claimed, customer=other, at=at)


@given(some.orders(), some.adjustments(), some.moments())
def test_an_adjustment_changes_the_money_due(order: Order, adjustment: Adjustment, at: Instant) -> None:
    """Goodwill and fees change what is due by exactly their amount, once, and never take it below zero."""
    left = order.due.minor
    if left + adjustment.amount < 0:
        with pytest.raises(OverAdjusted) as caught:
            moves.adjust_order(order, adjustment=adjustment, at=at)
        assert caught.value.facts["left"] == left
        return
    after = moves.adjust_order(order, adjustment=adjustment, at=at)
    assert after.due.minor == left + adjustment.amount
    assert after.gross == order.gross
    assert moves.adjust_order(after, adjustment=adjustment, at=at) is after
    with pytest.raises(Malformed):
        moves.adjust_order(after, adjustment=evolve(adjustment, amount=adjustment.amount + 1000), at=at)


@given(some.orders(), some.moments(), st.sampled_from((0, -1, True, 1.5)))
def test_units_are_whole_and_positive(order: Order, at: Instant, bad: int) -> None:
    """Nothing is shipped minus once, and no half of a thing."""
    with pytest.raises(Malformed):
        moves.ship_units(order, units={order.lines[0].id: bad}, at=at)


@given(some.orders(untouched=True), some.moments())
def test_what_is_not_there_is_worth_nothing(order: Order, at: Instant) -> None:
    """Units that are gone, and charges that were never made, are refused and not valued."""
    line = order.lines[0]
    with pytest.raises(TooMany):
        moves.worth(order, units={line.id: line.ordered + 1})
    with pytest.raises(LineUnknown):
        moves.worth(order, units={LineId("nowhere"): 1})
    if order.charges and len(order.lines) > 1:
        named = moves.cancel_units(order, units={}, charges=[order.charges[0].id], at=at)
        assert order.due.minor - named.due.minor == order.charges[0].gross(order.basis)
    with pytest.raises(LineUnknown):
        moves.cancel_units(order, charges=[LineId("nowhere")], at=at)
