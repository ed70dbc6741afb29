"""Which values may ordering's types have? One strategy for each, also for the awkward corners."""

from typing import Final

from hypothesis import strategies as st

from omnicore.kernel.address import PostalAddress
from omnicore.kernel.ids import CartId, ChannelId, CustomerId, LineId, NodeId, OrderId, QuoteId, VariantId
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.personal import Personal
from omnicore.kernel.rounding import Rate
from omnicore.kernel.time import Instant
from omnicore.ordering import (
    Adjustment,
    Buyer,
    Cart,
    CartLine,
    Charge,
    ChargeKind,
    DeliveryGroup,
    GroupId,
    Matched,
    Method,
    MoneyFacts,
    Order,
    OrderLine,
    Quote,
    RateTotal,
    SoldLine,
    Totals,
    match_cancellation,
)
from omnicore.testing.strategies.kernel import ids, tax_bases, texts

PLACED: Final = Instant.parse("2026-11-21T03:00:00Z")
VARIANTS: Final = (VariantId("TEE-M"), VariantId("MUG"), VariantId("茶"))
_NODES: Final = (NodeId("dc"), NodeId("ginza"))


_TITLES: Final = ("T-shirt M", "マグカップ 🍵", "")


_ADDRESSES: Final = (
    PostalAddress(
        country="JP", postal_code="1000001", region="東京都", city="千代田区", street="1-1", recipient="山田"
    ),
    PostalAddress(country="GB", postal_code="SW1A 1AA", city="London", street="1 The Mall", phone="+44 20 0000 0000"),
)


def names() -> st.SearchStrategy[str]:
    """Give ids of orders, carts and quotes, plain ones mostly."""
    return st.sampled_from(("O1", "O2", "O3", "2026-0001")) | ids()


def moments() -> st.SearchStrategy[Instant]:
    """Give instants around the placement of the orders of this module."""
    return st.integers(0, 10**9).map(lambda micros: PLACED.plus(micros=micros))


def delivery_groups(*, id: str = "G0") -> st.SearchStrategy[DeliveryGroup]:
    """Give groups for delivery, pickup, hand-over and download."""
    here = st.builds(
        DeliveryGroup,
        id=st.just(GroupId(id)),
        method=st.sampled_from((Method.PICKUP, Method.HANDED_OVER)),
        node=st.sampled_from(_NODES),
    )
    away = st.builds(DeliveryGroup, id=st.just(GroupId(id)), method=st.sampled_from((Method.DELIVERY, Method.DIGITAL)))
    return here | away


# Strategies are made once, and plain sums come after them: an order is drawn a hundred thousand times in a test run.
_Parts = tuple[int, tuple[int, int, int], int, tuple[int, int], VariantId, str, str]
_PARTS: Final[st.SearchStrategy[_Parts]] = st.tuples(
    st.integers(1, 9),
    st.tuples(*[st.integers(0, 9)] * 3),
    st.integers(0, 5_000),
    st.tuples(*[st.integers(0, 100)] * 2),
    st.sampled_from(VARIANTS),
    st.sampled_from(_TITLES),
    st.sampled_from(("standard", "reduced")),
)


def _line(parts: _Parts, *, id: str, group: GroupId | None = None, untouched: bool) -> OrderLine:
    ordered, moved, unit_price, (discount, tax), variant, title, category = parts
    shipped = 0 if untouched else moved[0] % (ordered + 1)
    total = unit_price * ordered * (100 - discount // 2) // 100
    return OrderLine(
        id=LineId(id),
        variant=variant,
        title=title,
        ordered=ordered,
        unit_price=unit_price,
        total=total,
        tax=total * tax // 1_100,
        tax_category=category,
        group=group,
        shipped=shipped,
        returned=moved[1] % (shipped + 1),
        cancelled=0 if untouched else moved[2] % (ordered - shipped + 1),
    )


def order_lines(*, id: str = "L0", untouched: bool = False) -> st.SearchStrategy[OrderLine]:
    """Give lines of a few units, free ones too, of which any have moved."""
    return _PARTS.map(lambda parts: _line(parts, id=id, untouched=untouched))


_CHARGE: Final = st.tuples(st.sampled_from(ChargeKind), st.integers(0, 2_000), st.sampled_from(("standard", "reduced")))


def _charge(parts: tuple[ChargeKind, int, str], *, id: str) -> Charge:
    kind, total, category = parts
    return Charge(id=LineId(id), kind=kind, total=total, tax=total // 11, tax_category=category)


def charges(*, id: str = "C0") -> st.SearchStrategy[Charge]:
    """Give charges of every kind, none of them cancelled."""
    return _CHARGE.map(lambda parts: _charge(parts, id=id))


def totals(lines: tuple[OrderLine, ...], few: tuple[Charge, ...], basis: TaxBasis) -> Totals:
    """Give what lines and charges add up to, as a tax summary would say it."""
    total = sum(line.total for line in lines) + sum(charge.total for charge in few)
    tax = sum(line.tax for line in lines) + sum(charge.tax for charge in few)
    net = total - tax if basis is TaxBasis.INCLUDED else total
    return Totals(net=net, tax=tax, rates=(RateTotal(reason="standard", rate=Rate.of(1, 10), net=net, tax=tax),))


def adjustments(*, id: str = "A0", least: int = -3) -> st.SearchStrategy[Adjustment]:
    """Give small dated changes of money."""
    return st.builds(
        Adjustment,
        id=st.just(id),
        at=moments(),
        reason=st.sampled_from(("goodwill", "return_fee")),
        amount=st.integers(least, 500).filter(bool),
    )


_ORDER: Final = st.tuples(
    tax_bases(),
    st.none() | delivery_groups(),
    st.lists(_PARTS, min_size=1, max_size=3),
    st.lists(_CHARGE, max_size=2),
    moments(),
    names(),
    st.booleans(),
    st.sampled_from(("web", "rakuten")),
    st.sampled_from((None, CustomerId("U1"), CustomerId("U2"))),
    st.sampled_from(("JPY", "GBP")),
    st.sampled_from(((), ("gift",), ("gift", "vip"))),
)


def orders(*, id: str | None = None, untouched: bool = False, most_lines: int = 3) -> st.SearchStrategy[Order]:
    """Give orders of up to three lines, from carts and channels, of known buyers or not; untouched: just placed."""

    def order(
        parts: tuple[
            TaxBasis,
            DeliveryGroup | None,
            list[_Parts],
            list[tuple[ChargeKind, int, str]],
            Instant,
            str,
            bool,
            str,
            CustomerId | None,
            str,
            tuple[str, ...],
        ],
    ) -> Order:
        basis, group, line_parts, charge_parts, placed_at, name, from_cart, channel, customer, currency, tags = parts
        name = name if id is None else id
        inside = None if group is None else group.id
        lines = tuple(
            _line(each, id=f"L{at}", group=inside, untouched=untouched)
            for at, each in enumerate(line_parts[:most_lines])
        )
        few = tuple(_charge(each, id=f"C{at}") for at, each in enumerate(charge_parts))
        return Order(
            id=OrderId(name),
            channel=ChannelId(channel),
            cart=CartId(name) if from_cart else None,
            external_id=None if from_cart else name,
            customer=customer,
            currency=currency,
            basis=basis,
            tax_policy="rate/down",
            lines=lines,
            charges=few,
            groups=() if group is None else (group,),
            totals=totals(lines, few, basis),
            tags=tags,
            placed_at=placed_at,
            changed_at=placed_at,
        )

    return _ORDER.map(order)


def quotes() -> st.SearchStrategy[Quote]:
    """Give quotes that were made and expire around the placement of the orders of this module."""
    return st.builds(
        lambda order, days, cart, name: Quote(
            id=QuoteId(name),
            cart=CartId(cart),
            channel=order.channel,
            customer=order.customer,
            currency=order.currency,
            basis=order.basis,
            tax_policy=order.tax_policy,
            lines=order.lines,
            charges=order.charges,
            groups=order.groups,
            totals=order.totals,
            made_at=order.placed_at,
            expires=order.placed_at.plus(days=days),
        ),
        orders(untouched=True),
        st.integers(1, 30),
        names(),
        names(),
    )


_CART: Final = st.tuples(
    names(),
    delivery_groups(),
    st.lists(st.tuples(st.sampled_from(VARIANTS), st.integers(1, 9), st.booleans()), min_size=1, max_size=4),
)


def carts() -> st.SearchStrategy[Cart]:
    """Give carts of a few lines."""

    def cart(parts: tuple[str, DeliveryGroup, list[tuple[VariantId, int, bool]]]) -> Cart:
        name, group, lines = parts
        return Cart(
            id=CartId(name),
            channel=ChannelId("web"),
            lines=tuple(
                CartLine(id=LineId(f"L{at}"), variant=variant, quantity=quantity, group=group.id if grouped else None)
                for at, (variant, quantity, grouped) in enumerate(lines)
            ),
            groups=(group,),
        )

    return _CART.map(cart)


def buyers(*, order: str = "O1") -> st.SearchStrategy[Buyer]:
    """Give buyers of whom everything, something or nothing is known."""
    text = st.none() | texts(limit=8).map(Personal)
    address = st.sampled_from(_ADDRESSES).map(Personal)
    return st.builds(
        Buyer,
        order=st.just(OrderId(order)),
        customer=st.none() | st.just(CustomerId("U1")),
        name=text,
        phone=text,
        email=text,
        address=st.none() | address,
        ship_to=st.dictionaries(st.sampled_from(("G0", "G1")), address, max_size=2),
    )


def money_facts() -> st.SearchStrategy[MoneyFacts]:
    """Give what may be known of an order's money."""
    amounts = st.integers(0, 30)
    return st.builds(
        lambda agreed, due, authorised, captured, refunded: MoneyFacts(
            agreed=agreed, due=due, authorised=authorised, captured=captured, refunded=min(refunded, captured)
        ),
        *[amounts] * 5,
    )


def sold_lines() -> st.SearchStrategy[list[SoldLine]]:
    """Give earlier sales, several at one instant too."""
    line = st.builds(
        SoldLine,
        placed_at=st.integers(0, 3).map(lambda days: PLACED.plus(days=days)),
        order=st.sampled_from("ABC").map(OrderId),
        line=st.sampled_from("123").map(LineId),
        units=st.integers(0, 6),
    )
    return st.lists(line, max_size=8, unique_by=lambda sale: (sale.order, sale.line))


def matched() -> st.SearchStrategy[Matched]:
    """Give matches as ``match_cancellation`` makes them."""
    return st.builds(lambda sales, units: match_cancellation(sales, units=units), sold_lines(), st.integers(0, 30))
