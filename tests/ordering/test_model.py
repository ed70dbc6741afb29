import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, NodeId
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.records import Document
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    BUYER,
    ORDER,
    QUOTE,
    Adjustment,
    Buyer,
    Cart,
    Charge,
    DeliveryGroup,
    EmptyOrder,
    GroupId,
    Method,
    Order,
    OrderLine,
    Quote,
)
from omnicore.testing.strategies import ordering as some


def stored(kind_name: str, key: str, body: str) -> Document:
    """Make the document an adapter would give back."""
    return Document(kind=kind_name, key=key, version=1, schema=1, body=body)


@given(some.orders(), some.quotes(), some.buyers())
def test_orders_quotes_and_buyers_can_be_stored(order: Order, quote: Quote, buyer: Buyer) -> None:
    """An order, a quote and a buyer are read back exactly as they were written."""
    put_order, put_quote, put_buyer = ORDER.put(order), QUOTE.put(quote), BUYER.put(buyer)
    assert ORDER.read(stored(put_order.kind, put_order.key, put_order.body)).value == order
    assert QUOTE.read(stored(put_quote.kind, put_quote.key, put_quote.body)).value == quote
    assert codec.load(codec.parse(put_buyer.body), as_=Buyer) == buyer
    assert put_buyer.subject == (buyer.customer or f"order:{buyer.order}")


@given(some.carts())
def test_carts_can_be_sent(cart: Cart) -> None:
    """A cart arrives exactly as it was sent."""
    assert codec.loads(codec.dumps(cart, as_=Cart), as_=Cart) == cart


@given(some.buyers())
def test_nothing_of_a_buyer_is_shown(buyer: Buyer) -> None:
    """A buyer written to a log shows no name, number or address, and an order holds none."""
    assert "PostalAddress(" not in repr(buyer)
    for each in (buyer.name, buyer.phone, buyer.email):
        if each is not None and len(each.reveal().strip()) > 4:
            assert each.reveal() not in repr(buyer)
    assert codec.personal_fields(Order) == ()


@given(some.order_lines())
def test_every_unit_is_somewhere(line: OrderLine) -> None:
    """What was ordered is open, cancelled or shipped, and nothing comes back that was not shipped."""
    assert line.ordered == line.open + line.cancelled + line.shipped
    assert line.shipped >= line.returned
    assert min(line.open, line.cancelled, line.shipped, line.returned) >= 0


@given(some.order_lines(untouched=True), st.data())
def test_counts_that_do_not_add_up_are_refused(line: OrderLine, data: st.DataObject) -> None:
    """No line can say that more was shipped and cancelled than ordered, or more came back than went out."""
    shipped = data.draw(st.integers(0, line.ordered))
    with pytest.raises(Malformed):
        evolve(line, shipped=shipped, cancelled=line.ordered - shipped + 1)
    with pytest.raises(Malformed):
        evolve(line, shipped=shipped, returned=shipped + 1)


FIGURES = ("ordered", "unit_price", "total", "tax", "shipped", "returned", "cancelled")


@given(some.order_lines(), st.sampled_from(FIGURES), st.sampled_from((-1, True, 1.0, "1", None)))
def test_no_figure_is_negative_or_a_fraction(line: OrderLine, name: str, bad: int) -> None:
    """No price, quantity or total of a line is below zero or anything but a whole number."""
    with pytest.raises(Malformed) as caught:
        evolve(line, **{name: bad})  # type: ignore[arg-type]  # the names are of ints, and the values bad on purpose
    assert caught.value.path == f"$.{name}"


@given(some.orders(), st.sampled_from((-1, 1)))
def test_totals_that_do_not_add_up_are_refused(order: Order, step: int) -> None:
    """An order whose lines and charges do not come to its total, or to its tax, cannot exist."""
    line = order.lines[0]
    for other in (evolve(line, total=max(line.total + step, 0)), evolve(line, tax=max(line.tax + step, 0))):
        if other != line:
            with pytest.raises(Malformed):
                evolve(order, lines=(other, *order.lines[1:]))
    with pytest.raises(Malformed):
        evolve(order.totals, net=order.totals.net + 1)


@given(some.orders())
def test_lines_and_charges_make_the_total(order: Order) -> None:
    """The lines and charges of an order, tax included, come to what the buyer agreed to pay."""
    parts = [line.gross(order.basis) for line in order.lines] + [each.gross(order.basis) for each in order.charges]
    assert sum(parts) == order.gross.minor == order.totals.net + order.totals.tax
    if order.basis is TaxBasis.EXCLUDED:
        assert sum(line.total for line in order.lines) + sum(c.total for c in order.charges) == order.totals.net


@given(some.orders(untouched=True), some.quotes(), some.carts())
def test_an_order_needs_a_line(order: Order, quote: Quote, cart: Cart) -> None:
    """There is no empty cart, quote or order."""
    for empty in (lambda: evolve(order, lines=()), lambda: evolve(quote, lines=()), lambda: evolve(cart, lines=())):
        with pytest.raises(EmptyOrder):
            empty()


@given(some.orders(), some.carts())
def test_ids_are_used_once(order: Order, cart: Cart) -> None:
    """No two lines, charges or groups of an order share a name, and no line goes to a group that is not there."""
    first = order.lines[0]
    for lines in ((first, first), (evolve(first, group=GroupId("nowhere")), *order.lines[1:])):
        with pytest.raises(Malformed):
            evolve(order, lines=lines)
    with pytest.raises(Malformed):
        evolve(order, groups=(DeliveryGroup(id=GroupId("G0"), method=Method.DELIVERY),) * 2)
    with pytest.raises(Malformed):
        evolve(cart, lines=(cart.lines[0], cart.lines[0]))
    with pytest.raises(Malformed):
        evolve(cart, lines=(evolve(cart.lines[0], group=GroupId("nowhere")),))


@given(some.orders(most_lines=1))
@settings(max_examples=1)
def test_collections_are_capped(order: Order) -> None:
    """An order has at most five thousand lines."""
    many = tuple(evolve(order.lines[0], id=LineId(f"N{at}")) for at in range(5_001))
    with pytest.raises(Malformed) as caught:
        evolve(order, lines=many)
    assert caught.value.reason == "must be at most 5000"


def test_a_pickup_is_somewhere() -> None:
    """Goods to be collected are collected at a node, and goods to be delivered are not."""
    with pytest.raises(Malformed):
        DeliveryGroup(id=GroupId("G"), method=Method.PICKUP)
    with pytest.raises(Malformed):
        DeliveryGroup(id=GroupId("G"), method=Method.DELIVERY, node=NodeId("ginza"))


@given(some.quotes())
def test_an_offer_is_untouched_and_ends(quote: Quote) -> None:
    """An offer ends after it was made, and nothing of it has been shipped."""
    with pytest.raises(Malformed):
        evolve(quote, expires=quote.made_at)
    with pytest.raises(Malformed):
        evolve(quote, lines=(evolve(quote.lines[0], shipped=1), *quote.lines[1:]))


@given(some.orders())
def test_time_does_not_step_back(order: Order) -> None:
    """An order has not changed before it was placed."""
    with pytest.raises(Malformed):
        evolve(order, changed_at=Instant(order.placed_at.micros - 1))


@given(some.charges(), some.adjustments())
def test_kinds_and_reasons_are_checked(charge: Charge, adjustment: Adjustment) -> None:
    """A charge is of a known kind, and an adjustment changes something."""
    with pytest.raises(Malformed):
        evolve(charge, kind="bribe")  # type: ignore[arg-type]  # bad on purpose
    with pytest.raises(Malformed):
        evolve(adjustment, amount=0)
