import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.ordering import Order, SoldLine, match_cancellation, sold_lines
from omnicore.testing.strategies import ordering as some


@given(some.sold_lines(), st.integers(0, 40))
def test_cancelled_units_are_conserved(sales: list[SoldLine], units: int) -> None:
    """Every cancelled unit is matched to a sale or reported as left over, and no sale gives more than it sold."""
    found = match_cancellation(sales, units=units)
    assert sum(take.units for take in found.takes) + found.rest == units
    left = {(sale.order, sale.line): sale.units for sale in sales}
    for take in found.takes:
        assert 0 < take.units <= left.pop((take.order, take.line))
    if found.rest:
        assert sum(take.units for take in found.takes) == sum(sale.units for sale in sales)


@given(some.sold_lines(), st.integers(0, 40))
def test_the_newest_sale_is_cancelled_first(sales: list[SoldLine], units: int) -> None:
    """No older sale is touched while a newer one still has units."""
    found = match_cancellation(sales, units=units)
    taken = {(take.order, take.line): take.units for take in found.takes}
    for sale in sales:
        if taken.get((sale.order, sale.line), 0) < sale.units:
            older = [each for each in sales if each.placed_at < sale.placed_at]
            assert not any((each.order, each.line) in taken for each in older)


@given(some.sold_lines(), st.integers(0, 40), st.data())
def test_the_order_of_rows_does_not_matter(sales: list[SoldLine], units: int, data: st.DataObject) -> None:
    """The same sales in another order are cancelled in the same way."""
    assert match_cancellation(data.draw(st.permutations(sales)), units=units) == match_cancellation(sales, units=units)


@given(some.sold_lines(), st.integers(0, 20), st.integers(0, 20))
def test_cancelling_in_two_steps_is_cancelling_at_once(sales: list[SoldLine], first: int, second: int) -> None:
    """Two cancellations one after the other take the same units as one over both."""
    one = match_cancellation(sales, units=first)
    taken = {(take.order, take.line): take.units for take in one.takes}
    left = [
        SoldLine(
            placed_at=sale.placed_at,
            order=sale.order,
            line=sale.line,
            units=sale.units - taken.get((sale.order, sale.line), 0),
        )
        for sale in sales
    ]
    two = match_cancellation(left, units=second)
    for take in two.takes:
        taken[take.order, take.line] = taken.get((take.order, take.line), 0) + take.units
    whole = match_cancellation(sales, units=first + second)
    assert taken == {(take.order, take.line): take.units for take in whole.takes}
    assert one.rest + two.rest == whole.rest


@given(st.lists(some.orders(), max_size=4, unique_by=lambda order: order.id))
def test_only_what_is_left_of_a_sale_can_be_cancelled(orders: list[Order]) -> None:
    """Earlier sales are found by variant and unit price, with the units that are neither cancelled nor returned."""
    lines = {(order.id, line.id): line for order in orders for line in order.lines}
    found: dict[tuple[str, str], int] = {}
    for variant, unit_price in {(line.variant, line.unit_price) for line in lines.values()}:
        for sale in sold_lines(orders, variant=variant, unit_price=unit_price):
            assert (lines[sale.order, sale.line].variant, lines[sale.order, sale.line].unit_price) == (
                variant,
                unit_price,
            )
            found[sale.order, sale.line] = sale.units
    assert found == {
        key: line.ordered - line.cancelled - line.returned
        for key, line in lines.items()
        if line.ordered > line.cancelled + line.returned
    }


@pytest.mark.parametrize("bad", [-1, True, 1.5])
def test_units_are_whole(bad: int) -> None:
    """A cancellation of minus one, or of half a thing, is bad data."""
    with pytest.raises(Malformed):
        match_cancellation([], units=bad)
