"""Which values may the types of returns have?"""

from hypothesis import strategies as st

from omnicore.kernel.ids import LineId, NodeId, OrderId, ReturnId
from omnicore.kernel.money import Money
from omnicore.kernel.rounding import Rate
from omnicore.returns import (
    AllOf,
    AnyOf,
    Approval,
    Arrival,
    Boundary,
    Condition,
    Custom,
    Disposition,
    Fee,
    FinalSale,
    FlatFee,
    Grading,
    InCategory,
    InCondition,
    NeedsAuthorisation,
    NoFee,
    Not,
    Origin,
    Placement,
    Purchase,
    PurchaseLine,
    RateFee,
    RefundAmount,
    RefundLine,
    RequestedLine,
    Resolution,
    Return,
    ReturnBook,
    ReturnLine,
    ReturnPolicy,
    ReturnRequest,
    ReturnState,
    Rule,
    ShippingRefund,
    WindowStart,
    WithinDays,
)
from omnicore.testing.strategies.kernel import instants, periods, roundings, zones

_CATEGORIES = ("shoes", "underwear", "sale", "food")
_MOST_YEN = 10**6


def plain_ids() -> st.SearchStrategy[str]:
    """Give ids as shops make them."""
    return st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)


def conditions() -> st.SearchStrategy[Condition]:
    """Give every condition."""
    return st.sampled_from(Condition)


def categories(*, least: int = 0) -> st.SearchStrategy[frozenset[str]]:
    """Give a few categories."""
    return st.frozensets(st.sampled_from(_CATEGORIES), min_size=least)


def yen(*, least: int = 0, most: int = _MOST_YEN) -> st.SearchStrategy[Money]:
    """Give amounts in yen."""
    return st.integers(least, most).map(lambda minor: Money(minor, "JPY"))


@st.composite
def purchase_lines(draw: st.DrawFn, *, line: LineId | None = None) -> PurchaseLine:
    """Give lines of a few units, some of them shipped, at any amount, free ones too."""
    bought = draw(st.integers(1, 8))
    return PurchaseLine(
        line=LineId(draw(plain_ids())) if line is None else line,
        bought=bought,
        shipped=draw(st.integers(0, bought) | st.just(bought)),
        paid=draw(yen()),
        handed_over=draw(st.none() | instants(first_year=2020, last_year=2030)),
        categories=draw(categories()),
    )


@st.composite
def purchases(draw: st.DrawFn, *, zone: str | None = None) -> Purchase:
    """Give purchases of one to three lines, ``L1`` and on."""
    count = draw(st.integers(1, 3))
    return Purchase(
        order=OrderId(draw(plain_ids())),
        placed=draw(instants(first_year=2020, last_year=2030)),
        zone=draw(zones()) if zone is None else zone,
        lines=tuple(draw(purchase_lines(line=LineId(f"L{number}"))) for number in range(1, count + 1)),
        shipping=draw(yen(most=2_000)),
    )


@st.composite
def requested_lines(draw: st.DrawFn, *, purchase: Purchase | None = None) -> RequestedLine:
    """Give lines of a request, of a purchase or of any."""
    names = [each.line for each in purchase.lines] if purchase else [LineId("L1"), LineId("L2")]
    return RequestedLine(
        line=draw(st.sampled_from(names)),
        units=draw(st.integers(1, 4)),
        condition=draw(st.none() | conditions()),
        resolution=draw(st.sampled_from(Resolution)),
        reason=draw(st.sampled_from((None, "wrong_size"))),
    )


@st.composite
def return_requests(draw: st.DrawFn, *, purchase: Purchase | None = None) -> ReturnRequest:
    """Give requests, for more than there is too."""
    lines = draw(st.lists(requested_lines(purchase=purchase), min_size=1, max_size=3))
    return ReturnRequest(lines=tuple(lines), authorisation=draw(st.none() | plain_ids()))


def arrivals() -> st.SearchStrategy[Arrival]:
    """Give units that are here."""
    return st.builds(
        Arrival,
        line=plain_ids().map(LineId),
        units=st.integers(1, 9),
        condition=st.none() | conditions(),
    )


def windows_of_days() -> st.SearchStrategy[WithinDays]:
    """Give windows of every kind."""
    return st.builds(
        WithinDays, days=st.integers(1, 400), start=st.sampled_from(WindowStart), boundary=st.sampled_from(Boundary)
    )


def rules() -> st.SearchStrategy[Rule]:
    """Give rules, nested a little, without any of the host's own."""
    plain = st.one_of(
        windows_of_days(),
        st.builds(FinalSale, categories=categories(least=1)),
        st.builds(InCategory, categories=categories(least=1)),
        st.builds(NeedsAuthorisation),
        st.builds(InCondition, conditions=st.frozensets(conditions(), min_size=1)),
    )
    joined: st.SearchStrategy[Rule] = st.recursive(
        plain,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda few: AllOf(tuple(few))),
            st.lists(inner, max_size=3).map(lambda few: AnyOf(tuple(few))),
            inner.map(Not),
        ),
        max_leaves=5,
    )
    return joined


def custom_rules() -> st.SearchStrategy[Custom]:
    """Give rules of a host's own."""
    return st.builds(Custom, name=st.just("acme.vip_week"), args=st.just({"tier": "gold", "days": [1, 2]}))


def fees() -> st.SearchStrategy[Fee]:
    """Give every kind of fee."""
    share = st.integers(0, 100).map(lambda percent: Rate.of(percent, 100))
    flat = st.builds(FlatFee, amount=yen(least=1, most=2_000))
    return st.just(NoFee()) | flat | st.builds(RateFee, rate=share, rounding=roundings())


def gradings() -> st.SearchStrategy[tuple[Grading, ...]]:
    """Give gradings, with conditions left out."""
    one = st.builds(Grading, condition=conditions(), disposition=st.sampled_from(Disposition))
    return st.lists(one, unique_by=lambda grading: grading.condition, max_size=4).map(tuple)


def return_policies(*, ruled: bool = True) -> st.SearchStrategy[ReturnPolicy]:
    """Give policies; without rules, everything shipped may come back."""
    return st.builds(
        ReturnPolicy,
        version=plain_ids(),
        rules=st.lists(rules(), max_size=3).map(tuple) if ruled else st.just(()),
        valid=periods(),
        approval=st.sampled_from(Approval),
        grading=gradings(),
        fee=fees(),
        shipping=st.sampled_from(ShippingRefund),
    )


def return_lines() -> st.SearchStrategy[ReturnLine]:
    """Give lines of a return in any state."""
    return st.builds(
        ReturnLine,
        line=plain_ids().map(LineId),
        units=st.integers(1, 9),
        state=st.sampled_from(ReturnState),
        resolution=st.sampled_from(Resolution),
        reason=st.sampled_from((None, "wrong_size")),
        condition=st.none() | conditions(),
        node=st.none() | plain_ids().map(NodeId),
        disposition=st.none() | st.sampled_from(Disposition),
        value=st.none() | yen(),
    )


def returns() -> st.SearchStrategy[Return]:
    """Give returns in any state; for storing and reading, not for their history."""
    return st.builds(
        Return,
        id=plain_ids().map(ReturnId),
        policy=plain_ids(),
        requested_at=instants(),
        authorisation=st.none() | plain_ids(),
        lines=st.lists(return_lines(), min_size=1, max_size=3).map(tuple),
        fee=yen(),
        shipping=yen(),
    )


def return_books() -> st.SearchStrategy[ReturnBook]:
    """Give the returns of an order; for storing and reading, not for their history."""
    few = st.lists(returns(), max_size=3, unique_by=lambda each: each.id).map(tuple)
    return st.builds(ReturnBook, order=plain_ids().map(OrderId), returns=few)


def placements() -> st.SearchStrategy[Placement]:
    """Give units to put somewhere."""
    return st.builds(
        Placement,
        line=plain_ids().map(LineId),
        units=st.integers(1, 9),
        node=plain_ids().map(NodeId),
        origin=st.sampled_from(Origin),
        disposition=st.sampled_from(Disposition),
    )


def refund_lines() -> st.SearchStrategy[RefundLine]:
    """Give what units of a line may be worth."""
    return st.builds(
        RefundLine,
        line=plain_ids().map(LineId),
        units=st.integers(1, 9),
        resolution=st.sampled_from(Resolution),
        value=yen(),
    )


def refund_amounts() -> st.SearchStrategy[RefundAmount]:
    """Give what may go back; for storing and reading, its parts do not add up."""
    return st.builds(
        RefundAmount,
        lines=st.lists(refund_lines(), max_size=3).map(tuple),
        goods=yen(),
        fee=yen(),
        shipping=yen(),
        credit=yen(),
    )
