import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import CartId, ChannelId, CustomerId, LineId, OrderId
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    Adjustment,
    ImportContradicts,
    Order,
    Quote,
    moves,
    order_from,
    order_of_cart,
    order_of_channel,
)
from omnicore.ordering.placing import join_imports
from omnicore.testing.strategies import ordering as some


@given(some.names(), some.names(), some.names(), some.names())
def test_two_orders_never_meet_on_one_id(channel: str, external: str, other_channel: str, other_external: str) -> None:
    """Orders of other channels, other numbers or other carts get other ids, and the same order the same."""
    one = order_of_channel(ChannelId(channel), external)
    other = order_of_channel(ChannelId(other_channel), other_external)
    assert (one == other) is ((channel, external) == (other_channel, other_external))
    assert order_of_cart(CartId(channel)) not in {one, other}
    assert (order_of_cart(CartId(channel)) == order_of_cart(CartId(external))) is (channel == external)


@given(some.quotes(), some.moments())
def test_an_order_says_what_was_offered(quote: Quote, at: Instant) -> None:
    """The order has every line, charge and figure of the offer it was made from."""
    order = order_from(quote, order=OrderId("O"), at=max(at, quote.made_at))
    for name in ("cart", "channel", "customer", "currency", "basis", "lines", "charges", "groups", "totals", "gross"):
        assert getattr(order, name) == getattr(quote, name)


@st.composite
def stories(draw: st.DrawFn) -> list[Order]:
    """Tell an order as its channel does: snapshot after snapshot, with units shipped and cancelled in between."""
    order = evolve(draw(some.orders(untouched=True)), cart=None, external_id="X")
    told = [order]
    for revision in range(1, draw(st.integers(1, 4))):
        at = draw(some.moments())
        left = [line.id for line in order.lines if line.open]
        if left:
            step = draw(st.sampled_from((moves.ship_units, moves.cancel_units)))
            order = step(order, units={draw(st.sampled_from(left)): 1}, at=at)
        order = evolve(order, revision=revision)
        told.append(order)
    return told


@given(stories(), st.data())
def test_imports_in_any_order_end_in_the_newest(told: list[Order], data: st.DataObject) -> None:
    """However often and in whatever order a channel tells of an order, it ends as the newest telling has it."""
    known: dict[OrderId, Order] = {}
    mixed = data.draw(st.permutations(told + told[:2]))
    for batch in (mixed[:2], mixed[2:]):
        known |= join_imports(batch, known=known)
    assert list(known.values()) == [told[-1]]
    assert not join_imports(told, known=known)


@given(stories(), some.adjustments())
def test_what_we_know_survives_an_import(told: list[Order], adjustment: Adjustment) -> None:
    """A newer telling keeps our shipped units, our customer, tags and adjustments."""
    first = told[0]
    whole = {line.id: line.ordered for line in first.lines}
    fee = evolve(adjustment, amount=abs(adjustment.amount))
    kept = moves.adjust_order(evolve(first, customer=CustomerId("ours"), tags=("vip",)), adjustment=fee, at=fee.at)
    ours = moves.ship_units(kept, units=whole, at=first.placed_at)
    news = evolve(first, revision=9, customer=None, tags=("late",))
    after = join_imports([news], known={first.id: ours})[first.id]
    assert (after.customer, after.tags, after.revision) == ("ours", ("vip", "late"), 9)
    assert after.adjustments == (fee,)
    assert [line.shipped for line in after.lines] == [line.ordered for line in first.lines]


@given(stories())
def test_an_import_cannot_undo_what_happened(told: list[Order]) -> None:
    """A newer telling without a line we have shipped, or with fewer units than went out, is refused."""
    first = told[0]
    line = first.lines[0]
    shipped = moves.ship_units(first, units={line.id: line.ordered}, at=first.placed_at)
    renamed = evolve(first, revision=1, lines=(evolve(line, id=LineId("new")), *first.lines[1:]))
    cancelled = evolve(moves.cancel_units(first, units={line.id: 1}, charges=(), at=first.placed_at), revision=1)
    for news in (renamed, cancelled):
        with pytest.raises(ImportContradicts) as caught:
            join_imports([news], known={first.id: shipped})
        assert caught.value.facts["line"] == line.id
    assert join_imports([renamed], known={first.id: first})
    with pytest.raises(Malformed):
        join_imports([evolve(first, revision=1, external_id="Y")], known={first.id: first})
