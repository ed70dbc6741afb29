from collections.abc import Iterator
from typing import cast

import pytest
from attrs import evolve
from hypothesis import given, settings

from omnicore import ordering
from omnicore.adapters.memory import Memory
from omnicore.host import Host, Observation
from omnicore.kernel.address import PostalAddress
from omnicore.kernel.errors import Conflict
from omnicore.kernel.flow import Staff
from omnicore.kernel.ids import CartId, ChannelId, CustomerId, LineId, OrderId, QuoteId, VariantId
from omnicore.kernel.money import Money, TaxBasis
from omnicore.kernel.personal import Personal
from omnicore.kernel.rounding import Rate
from omnicore.kernel.store import Database
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    Adjustment,
    AlreadyPlaced,
    Buyer,
    Order,
    OrderLine,
    OrderUnknown,
    Quote,
    QuoteExpired,
    QuoteUnknown,
    RateTotal,
    Totals,
    order_of_cart,
    order_of_channel,
)
from omnicore.testing.strategies import ordering as some

NOW = Instant.parse("2026-11-21T03:00:00Z")
WEB, ME = ChannelId("web"), CustomerId("U1")
TEE = LineId("L1")
SEEN: list[Observation] = []


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Instant:
        return self.now


CLOCK = Clock()


@pytest.fixture
def shop() -> Iterator[Host]:
    """Give an empty shop at noon."""
    SEEN.clear()
    CLOCK.now = NOW
    host = Host(Memory(), clock=CLOCK, observe=SEEN.append)
    yield host
    assert not host.verify().differences
    host.close()


def order(number: int, *, customer: CustomerId | None = ME, units: int = 2) -> Order:
    """Make an order of T-shirts at 500 yen, tax included, taken over from a marketplace."""
    line = OrderLine(
        id=TEE,
        variant=VariantId("TEE"),
        title="Tシャツ",
        ordered=units,
        unit_price=500,
        total=500 * units,
        tax=45 * units,
        tax_category="standard",
    )
    rate = RateTotal(reason="standard", rate=Rate.of(1, 10), net=455 * units, tax=45 * units)
    return Order(
        id=order_of_channel(WEB, str(number)),
        channel=WEB,
        external_id=str(number),
        customer=customer,
        currency="JPY",
        basis=TaxBasis.INCLUDED,
        tax_policy="rate/down",
        lines=(line,),
        totals=Totals(net=455 * units, tax=45 * units, rates=(rate,)),
        placed_at=NOW.plus(minutes=number),
        changed_at=NOW.plus(minutes=number),
    )


def quote(name: str, cart: str) -> Quote:
    """Make an offer of two T-shirts, good for an hour."""
    terms = order(0)
    return Quote(
        id=QuoteId(name),
        cart=CartId(cart),
        channel=WEB,
        customer=ME,
        currency="JPY",
        basis=terms.basis,
        tax_policy=terms.tax_policy,
        lines=terms.lines,
        totals=terms.totals,
        made_at=NOW,
        expires=NOW.plus(hours=1),
    )


def read(shop: Host, id_: OrderId) -> Order:
    """Give an order as the shop has it."""
    (found,) = shop.run(ordering.read_orders(orders=(id_,)))
    return found


def test_a_cart_becomes_one_order(shop: Host) -> None:
    """Two offers for one cart, accepted twice each, make one order at the total that was shown."""
    for name in ("Q1", "Q2"):
        shop.run(ordering.offer(quote=quote(name, "C1")))
    made = shop.run(ordering.accept(quote=QuoteId("Q1"), shown=Money(1000, "JPY")))
    assert made == order_of_cart(CartId("C1"))
    for name in ("Q1", "Q2"):
        with pytest.raises(AlreadyPlaced) as caught:
            shop.run(ordering.accept(quote=QuoteId(name), shown=Money(1000, "JPY")))
        assert caught.value.facts["order"] == made
    assert read(shop, made).gross == Money(1000, "JPY")
    with pytest.raises(QuoteUnknown):
        shop.run(ordering.accept(quote=QuoteId("?"), shown=Money(1000, "JPY")))


def test_an_offer_ends_by_time_alone(shop: Host) -> None:
    """An hour later the offer cannot be accepted, though nobody has withdrawn it."""
    shop.run(ordering.offer(quote=quote("Q1", "C1")))
    CLOCK.now = NOW.plus(hours=1)
    with pytest.raises(QuoteExpired):
        shop.run(ordering.accept(quote=QuoteId("Q1"), shown=Money(1000, "JPY")))


def test_the_database_keeps_orders_single(shop: Host) -> None:
    """Even with another id, a second order of the same cart or the same marketplace number cannot be stored."""
    placed = evolve(order(1), cart=CartId("C1"))
    shop.run(ordering.place(orders=(placed,)))
    for other in (evolve(order(2), cart=CartId("C1")), evolve(order(1), id=OrderId("other"))):
        with pytest.raises(Conflict):
            shop.run(ordering.place(orders=(other,)))


def test_a_day_of_an_order(shop: Host) -> None:
    """An order of three is shipped in part, cancelled in part and returned in part, and every figure follows."""
    placed = order(1, units=3)
    shop.run(ordering.place(orders=(placed,)))
    shop.run(ordering.ship(order=placed.id, units={TEE: 2}))
    shop.run(ordering.cancel(order=placed.id))
    shop.run(ordering.record_return(order=placed.id, units={TEE: 1}))
    shop.run(ordering.adjust(order=placed.id, adjustment=Adjustment(id="A", at=NOW, reason="goodwill", amount=-100)))
    now = read(shop, placed.id)
    line = now.lines[0]
    assert (line.open, line.shipped, line.returned, line.cancelled) == (0, 2, 1, 1)
    assert (now.gross, now.freed, now.due) == (Money(1500, "JPY"), Money(1000, "JPY"), Money(400, "JPY"))
    assert ordering.fulfilment_status(now.lines) is ordering.FulfilmentStatus.PARTIALLY_RETURNED
    shop.work()
    with cast(Database, shop._engine.database).reading("main") as store:
        told = [(each.at, each.read()) for each in store.read() if each.about == placed.id]
    assert ordering.fold(placed, told=told) == now


def test_an_unknown_order_is_refused(shop: Host) -> None:
    """Nothing happens to an order that is not there."""
    nowhere = OrderId("?")
    adjustment = Adjustment(id="A", at=NOW, reason="goodwill", amount=-1)
    for act in (
        ordering.ship(order=nowhere, units={TEE: 1}),
        ordering.cancel(order=nowhere),
        ordering.record_return(order=nowhere, units={TEE: 1}),
        ordering.claim(order=nowhere, customer=ME),
        ordering.adjust(order=nowhere, adjustment=adjustment),
    ):
        with pytest.raises(OrderUnknown):
            shop.run(act)
    assert shop.run(ordering.read_orders(orders=(nowhere,))) == ()


def test_a_guest_claims_an_order(shop: Host) -> None:
    """A guest's order becomes theirs with its address, and stands in their list from then on."""
    guest = order(1, customer=None)
    address = Personal(PostalAddress(country="JP", city="千代田区"))
    buyer = Buyer(order=guest.id, name=Personal("山田 花子"), ship_to={"G": address})
    shop.run(ordering.place(orders=(guest,), buyers=(buyer,)), command="web-1")
    assert shop.run(ordering.orders_of(customer=ME)).orders == ()
    clerk = shop.acting(Staff("S1"), purpose="claim of a guest order")
    clerk.run(ordering.claim(order=guest.id, customer=ME))
    assert clerk.run(ordering.read_buyers(orders=(guest.id,))) == (evolve(buyer, customer=ME),)
    assert [each.id for each in shop.run(ordering.orders_of(customer=ME)).orders] == [guest.id]


def test_a_customer_s_orders_are_paged_newest_first(shop: Host) -> None:
    """A customer's orders come newest first, page by page, none twice and none left out."""
    shop.run(ordering.place(orders=tuple(order(number) for number in range(5))))
    first = shop.run(ordering.orders_of(customer=ME, limit=3))
    rest = shop.run(ordering.orders_of(customer=ME, limit=3, after=first.next))
    assert [each.external_id for each in (*first.orders, *rest.orders)] == ["4", "3", "2", "1", "0"]
    assert rest.next is None


def test_an_import_of_many_costs_as_many_statements_as_of_one(shop: Host) -> None:
    """Fifty marketplace orders are taken over with the statements of one, and a second import changes nothing."""
    for first, count in ((0, 1), (100, 50)):
        batch = tuple(order(number) for number in range(first, first + count))
        buyers = tuple(Buyer(order=each.id, name=Personal("購入者")) for each in batch)
        shop.run(ordering.import_orders(orders=batch, buyers=buyers))
    assert len({seen.statements for seen in SEEN}) == 1
    before = shop.verify()
    shop.run(ordering.import_orders(orders=tuple(order(number) for number in range(100, 150))))
    assert shop.verify() == before


@given(some.orders())
@settings(max_examples=10)
def test_any_order_can_be_placed_and_read(some_order: Order) -> None:
    """What was placed is what is read."""
    host = Host(Memory(), clock=lambda: NOW)
    host.run(ordering.place(orders=(some_order,)))
    assert read(host, some_order.id) == some_order
    host.close()
