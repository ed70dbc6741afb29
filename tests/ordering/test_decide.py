from itertools import pairwise

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import CustomerId, LineId, OrderId
from omnicore.kernel.journal import event_name, events
from omnicore.kernel.money import Money, total
from omnicore.kernel.records import Put, Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    BUYER,
    ORDER,
    QUOTE,
    Adjustment,
    AlreadyPlaced,
    Buyer,
    Order,
    OrderCancelled,
    OrderPlaced,
    PriceChanged,
    Quote,
    QuoteExpired,
    UnitsCancelled,
    UnitsReturned,
    UnitsShipped,
    decide,
    fold,
    moves,
)
from omnicore.testing.strategies import ordering as some


def kept(order: Order) -> Stored[Order]:
    """Give an order as the store would."""
    return Stored(value=order, version=1, kind=ORDER)


def written(writes: Writes) -> Order:
    """Give the one order that is written."""
    (put,) = [change for change in writes.changes if change.kind == ORDER.name]
    assert isinstance(put, Put)
    return codec.load(codec.parse(put.body), as_=Order)


@st.composite
def chains(draw: st.DrawFn, order: Order) -> list[Order]:
    """Give what becomes of an order in a few steps, each as it would be written."""
    states = [order]
    for at_place in range(draw(st.integers(1, 5))):
        now, at = states[-1], draw(some.moments())
        line = draw(st.sampled_from(now.lines))
        steps: list[Order] = [moves.cancel_units(now, at=at)] if any(each.open for each in now.lines) else []
        if line.open:
            steps.append(moves.ship_units(now, units={line.id: line.open}, at=at))
            steps.append(moves.cancel_units(now, units={line.id: 1}, at=at))
        if line.shipped > line.returned:
            steps.append(moves.return_units(now, units={line.id: 1}, at=at))
        fee = Adjustment(id=f"A{at_place}", at=at, reason="return_fee", amount=100)
        steps.append(moves.adjust_order(now, adjustment=fee, at=at))
        if now.customer is None:
            steps.append(moves.claim_order(now, customer=CustomerId("U9"), at=at))
        states.append(draw(st.sampled_from(steps)))
    return states


@given(some.orders(), st.data())
def test_the_journal_tells_the_whole_story(order: Order, data: st.DataObject) -> None:
    """What the journal tells of an order, told again from its placement, ends in the order as it stands."""
    states = data.draw(chains(order))
    told = [
        (after.changed_at, event)
        for before, after in pairwise(states)
        for event in decide.changed(kept(before), after).events
    ]
    assert fold(order, told=told) == states[-1]
    assert all(event.about == order.id for _, event in told)


@given(some.orders(), st.data())
def test_several_steps_in_one_write_tell_the_same(order: Order, data: st.DataObject) -> None:
    """When several things happen to an order at once, one write and its events say them all."""
    after = data.draw(chains(order))[-1]
    writes = decide.changed(kept(order), after)
    assert fold(order, told=[(after.changed_at, event) for event in writes.events]) == after
    if after != order:
        assert written(writes) == after
    freed = [event.freed for event in writes.events if isinstance(event, UnitsCancelled | UnitsReturned)]
    assert total(freed, order.currency) == after.freed - order.freed
    assert all(money.minor >= 0 for money in freed)


@given(some.orders(untouched=True), some.moments())
def test_each_step_has_its_event(order: Order, at: Instant) -> None:
    """Shipping, cancelling and returning are told as what they are, with the units and the money."""
    line = order.lines[0]
    one = {line.id: 1}
    shipped = decide.ship(kept(order), units=one, at=at)
    assert shipped.events == (UnitsShipped(order=order.id, units=one),)
    back = decide.record_return(kept(written(shipped)), units=one, at=at)
    worth = moves.worth(order, units=one)
    assert back.events == (UnitsReturned(order=order.id, units=one, freed=worth),)
    gone = decide.cancel(kept(order), at=at)
    assert [type(event) for event in gone.events] == [UnitsCancelled, OrderCancelled]
    assert isinstance(gone.events[0], UnitsCancelled)
    assert gone.events[0].freed == order.gross
    assert set(gone.events[0].charges) == {charge.id for charge in order.charges}


@given(some.orders(), some.moments(), some.adjustments(least=1))
def test_saying_it_again_writes_nothing(order: Order, at: Instant, adjustment: Adjustment) -> None:
    """A claim or an adjustment that is on the order already is not written a second time."""
    mine = evolve(order, customer=CustomerId("U1"), adjustments=(adjustment,))
    assert not decide.claim(kept(mine), customer=CustomerId("U1"), buyer=None, at=at)
    assert not decide.adjust(kept(mine), adjustment=adjustment, at=at)


@given(some.orders(untouched=True), some.buyers(), some.moments())
def test_a_claim_takes_the_buyer_along(order: Order, buyer: Buyer, at: Instant) -> None:
    """When a guest's order is claimed, the name and address on it become that customer's to export and erase."""
    guest = evolve(buyer, order=order.id, customer=None)
    stored = Stored(value=guest, version=1, kind=BUYER)
    free = evolve(order, customer=None)
    writes = decide.claim(kept(free), customer=CustomerId("U7"), buyer=stored, at=at)
    (put,) = [change for change in writes.changes if change.kind == BUYER.name]
    assert isinstance(put, Put)
    assert put.subject == "U7"
    assert written(writes).customer == "U7"


@given(st.lists(some.orders(), max_size=4, unique_by=lambda order: order.id), some.buyers())
def test_orders_are_placed_once(orders: list[Order], buyer: Buyer) -> None:
    """Many orders are placed in one write, each told once, and an order that is there is not placed again."""
    writes = decide.place(orders, existing={})
    assert [event.about for event in writes.events] == [order.id for order in orders]
    for order in orders:
        with pytest.raises(AlreadyPlaced) as caught:
            decide.place(orders, existing={order.id: kept(order)})
        assert caught.value.facts["order"] == order.id
        with pytest.raises(Malformed):
            decide.place([*orders, order], existing={})
    with pytest.raises(Malformed):
        decide.place(orders, buyers=[evolve(buyer, order=OrderId("nobody's"))], existing={})


@given(some.orders(most_lines=1))
@settings(max_examples=3)
def test_batches_are_capped(order: Order) -> None:
    """A thousand orders are placed or taken over in one write, not more."""
    many = [order] * 1_001
    with pytest.raises(Malformed):
        decide.place(many, existing={})
    with pytest.raises(Malformed):
        decide.import_orders(many, existing={}, known_buyers={})


@given(some.quotes(), some.moments())
def test_an_offer_is_kept_to_the_yen_and_the_second(quote: Quote, at: Instant) -> None:
    """A buyer gets exactly the total shown until the offer ends, and a named refusal after that or at another total."""
    stored = Stored(value=quote, version=1, kind=QUOTE)
    name = OrderId("O")
    almost = Instant(quote.expires.micros - 1)
    writes = decide.accept(stored, order=name, shown=quote.gross, at=almost, existing={})
    order = written(writes)
    assert (order.gross, order.cart, order.placed_at) == (quote.gross, quote.cart, almost)
    assert [type(event) for event in writes.events] == [OrderPlaced]
    with pytest.raises(QuoteExpired):
        decide.accept(stored, order=name, shown=quote.gross, at=quote.expires, existing={})
    with pytest.raises(PriceChanged) as caught:
        decide.accept(stored, order=name, shown=quote.gross + Money(1, quote.currency), at=almost, existing={})
    assert caught.value.facts["total"] == quote.gross.minor
    with pytest.raises(AlreadyPlaced):
        decide.accept(stored, order=name, shown=quote.gross, at=almost, existing={name: kept(evolve(order, id=name))})
    done = Stored(value=evolve(quote, placed=name), version=2, kind=QUOTE)
    with pytest.raises(AlreadyPlaced):
        decide.accept(done, order=name, shown=quote.gross, at=at, existing={})


@given(some.orders(), some.buyers(), some.buyers())
def test_what_a_buyer_left_out_is_not_forgotten(order: Order, first: Buyer, second: Buyer) -> None:
    """A later import with fewer personal fields never erases what is known of the buyer."""
    was, told = (evolve(each, order=order.id, customer=order.customer) for each in (first, second))
    news = evolve(order, revision=order.revision + 1)
    writes = decide.import_orders(
        [news],
        existing={order.id: kept(order)},
        buyers=[told],
        known_buyers={order.id: Stored(value=was, version=1, kind=BUYER)},
    )
    puts = [change for change in writes.changes if change.kind == BUYER.name]
    after = was
    if puts:
        assert isinstance(puts[0], Put)
        after = codec.load(codec.parse(puts[0].body), as_=Buyer)
    for name in ("name", "phone", "email", "address"):
        assert getattr(after, name) == (getattr(told, name) or getattr(was, name))
    assert after.ship_to == {**was.ship_to, **told.ship_to}


@given(some.orders(), some.buyers())
def test_the_same_import_again_writes_nothing(order: Order, buyer: Buyer) -> None:
    """Importing the same file a second time changes nothing at all."""
    first = decide.import_orders([order], existing={}, buyers=[evolve(buyer, order=order.id)], known_buyers={})
    assert [change.kind for change in first.changes] == [ORDER.name, BUYER.name]
    (put,) = [change for change in first.changes if change.kind == BUYER.name]
    assert isinstance(put, Put)
    known = Stored(value=codec.load(codec.parse(put.body), as_=Buyer), version=1, kind=BUYER)
    again = decide.import_orders(
        [order],
        existing={order.id: kept(order)},
        buyers=[evolve(buyer, order=order.id)],
        known_buyers={order.id: known},
    )
    assert not again


def test_events_can_be_stored() -> None:
    """Every kind of ordering event is registered under a stored name of its own."""
    names = sorted(name for name in events() if name.startswith("ordering."))
    assert len(names) == 9
    units = {LineId("L"): 2}
    shipped = UnitsShipped(order=OrderId("O"), units=units)
    assert event_name(shipped) in names
    assert codec.loads(codec.dumps(shipped, as_=UnitsShipped), as_=UnitsShipped) == shipped
