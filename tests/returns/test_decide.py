from collections.abc import Sequence
from contextlib import suppress

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.ids import LineId, NodeId, OrderId, ReturnId
from omnicore.kernel.machine import IllegalMove
from omnicore.kernel.money import Money
from omnicore.kernel.records import Document, Put, Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.returns import (
    RETURN_BOOKS,
    RETURN_LINE,
    Approval,
    Arrival,
    Condition,
    Disposition,
    FinalSale,
    InCondition,
    NotExpected,
    NothingToRefund,
    NotReturnable,
    Placement,
    Purchase,
    PurchaseLine,
    RequestedLine,
    Resolution,
    ReturnBook,
    ReturnExists,
    ReturnPolicy,
    ReturnRequest,
    ReturnState,
    TooManyReturned,
    UnknownReturn,
    WithinDays,
    approve,
    cancel_return,
    deny,
    inspect,
    may_return,
    receive,
    request_return,
    settle,
    take_back,
)
from omnicore.returns.states import Origin, ReturnMove
from omnicore.testing.strategies.returns import conditions, purchases, return_policies, return_requests

NOON = Instant.parse("2026-03-01T03:00:00Z")
STORE = NodeId("shibuya")
R1, R2 = ReturnId("R1"), ReturnId("R2")
PLAIN = ReturnPolicy(version="v1")


def bought(units: int = 3, *, shipped: int | None = None, category: str = "shoes") -> Purchase:
    """Give a purchase of one line for 1,000 yen."""
    line = PurchaseLine(
        line=LineId("L1"),
        bought=units,
        shipped=units if shipped is None else shipped,
        paid=Money(1_000, "JPY"),
        handed_over=NOON,
        categories=frozenset({category}),
    )
    return Purchase(order=OrderId("O1"), placed=NOON, zone="Asia/Tokyo", lines=(line,), shipping=Money(0, "JPY"))


def wish(
    units: int = 1, condition: Condition | None = None, resolution: Resolution = Resolution.REFUND
) -> ReturnRequest:
    """Give a request for units of it."""
    line = RequestedLine(line=LineId("L1"), units=units, condition=condition, resolution=resolution)
    return ReturnRequest(lines=(line,))


def arrival(units: int = 1, condition: Condition | None = None) -> Arrival:
    """Give units of it that are here."""
    return Arrival(line=LineId("L1"), units=units, condition=condition)


class Desk:
    """A clerk with one order's book: every decision is written and read back, as a store would."""

    def __init__(self, purchase: Purchase, policy: ReturnPolicy = PLAIN, at: Instant = NOON) -> None:
        self.purchase, self.policy, self.at = purchase, policy, at
        self.stored: Stored[ReturnBook] | None = None
        self.placements: list[Placement] = []

    @property
    def book(self) -> Stored[ReturnBook]:
        if self.stored is None:
            empty = ReturnBook(order=self.purchase.order)
            return Stored(value=empty, version=0, kind=RETURN_BOOKS)
        return self.stored

    def write(self, writes: Writes) -> None:
        (change,) = writes.changes
        assert isinstance(change, Put)
        assert change.expected == self.book.version
        document = Document(
            kind=change.kind, key=change.key, version=change.expected + 1, schema=change.schema, body=change.body
        )
        self.stored = RETURN_BOOKS.read(document)

    def ask(self, name: ReturnId = R1, request: ReturnRequest | None = None) -> None:
        self.write(
            request_return(
                self.stored,
                return_id=name,
                request=request or wish(),
                purchase=self.purchase,
                policy=self.policy,
                at=self.at,
            )
        )

    def receive(self, arrivals: Sequence[Arrival], name: ReturnId = R1) -> tuple[Placement, ...]:
        placed = receive(
            self.book, return_id=name, node=STORE, arrivals=arrivals, purchase=self.purchase, policy=self.policy
        )
        self.write(placed.writes)
        self.placements += placed.placements
        return placed.placements

    def inspect(self, findings: Sequence[Arrival], name: ReturnId = R1) -> tuple[Placement, ...]:
        placed = inspect(self.book, return_id=name, findings=findings, purchase=self.purchase, policy=self.policy)
        self.write(placed.writes)
        self.placements += placed.placements
        return placed.placements

    def settle(self, name: ReturnId = R1) -> int:
        done = settle(self.book, return_id=name, purchase=self.purchase, policy=self.policy)
        self.write(done.writes)
        return done.amount.total.minor

    def states(self, name: ReturnId = R1) -> list[tuple[int, ReturnState]]:
        return [(each.units, each.state) for each in self.book.value.get(name).lines]


@given(
    purchase=purchases(),
    policy=return_policies(),
    days=st.integers(-1, 400),
    data=st.data(),
)
def test_the_screen_and_the_desk_agree(
    purchase: Purchase, policy: ReturnPolicy, days: int, data: st.DataObject
) -> None:
    """A request is refused exactly where the question said no, with the same reasons; or a person is asked."""
    request = data.draw(return_requests(purchase=purchase))
    at = purchase.placed.plus(days=days)
    desk = Desk(purchase, policy, at)
    verdict = may_return(purchase, policy=policy, at=at, request=request)
    try:
        desk.ask(request=request)
    except (NotReturnable, TooManyReturned) as refused:
        assert not verdict
        because = refused.facts["because"]
        assert isinstance(because, tuple)
        assert set(because) <= {reason.code for reason in verdict.because}
        assert desk.stored is None
    else:
        assert verdict or policy.approval is Approval.REFER
        states = {state for _, state in desk.states()}
        approved = bool(verdict) and policy.approval is not Approval.BY_STAFF
        assert states == {ReturnState.APPROVED if approved else ReturnState.REQUESTED}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("ask", "approve", "deny", "cancel", "receive", "inspect", "settle", "take_back")),
        st.integers(0, 3),
        st.integers(1, 3),
        st.none() | conditions(),
    ),
    max_size=25,
)


@given(steps=STEPS, shipped=st.integers(0, 4), approval=st.sampled_from(Approval))
def test_no_history_returns_more_than_was_shipped(
    steps: list[tuple[str, int, int, Condition | None]], shipped: int, approval: Approval
) -> None:
    """Whatever clerks do in whatever order, no more comes back than was shipped, and no more money than was paid."""
    desk = Desk(bought(4, shipped=shipped), evolve(PLAIN, approval=approval))
    refunded = 0
    for command, which, units, condition in steps:
        name = ReturnId(f"R{which}")
        with suppress(Refused):
            refunded += play(desk, command, name, units, condition)
        book = desk.book.value
        assert book.counted_units(LineId("L1")) <= shipped
        assert refunded == book.settled_minor() <= 1_000
        restocked = [each for each in desk.placements if each.disposition is Disposition.RESTOCK]
        came = sum(each.units for each in desk.placements if each.origin is Origin.CUSTOMER)
        assert sum(each.units for each in restocked) <= came <= shipped
        assert all(each.node == STORE for each in restocked)


def play(desk: Desk, command: str, name: ReturnId, units: int, condition: Condition | None) -> int:
    """Issue one command; gives the money it refunds."""
    purchase = desk.purchase
    match command:
        case "ask":
            desk.ask(name, wish(units))
        case "approve":
            desk.write(approve(desk.book, return_id=name, purchase=purchase))
        case "deny":
            desk.write(deny(desk.book, return_id=name))
        case "cancel":
            desk.write(cancel_return(desk.book, return_id=name))
        case "receive":
            desk.receive([arrival(units, condition)], name)
        case "inspect":
            desk.inspect([arrival(units, condition or Condition.SEALED)], name)
        case "settle":
            return desk.settle(name)
        case _:
            taken = take_back(
                desk.stored,
                return_id=name,
                request=wish(units, condition or Condition.USED),
                node=STORE,
                purchase=purchase,
                policy=desk.policy,
                at=desk.at,
            )
            desk.write(taken.writes)
            desk.placements += taken.placements
            return taken.amount.total.minor
    return 0


def test_what_was_not_shipped_is_not_returnable() -> None:
    """Goods that never left are cancelled, not returned."""
    with pytest.raises(NotReturnable) as refused:
        Desk(bought(3, shipped=1)).ask(request=wish(2))
    assert refused.value.facts["because"] == ("returns.shipped",)


def test_units_come_back_once() -> None:
    """A unit on its way back cannot be returned again; once called off, it can."""
    desk = Desk(bought(2))
    desk.ask(request=wish(2))
    with pytest.raises(TooManyReturned) as refused:
        desk.ask(R2)
    assert refused.value.facts["left"] == 0
    desk.write(cancel_return(desk.book, return_id=R1))
    desk.ask(R2)
    with pytest.raises(ReturnExists):
        desk.ask(R2)


def test_two_requests_for_one_unit_meet_at_approval() -> None:
    """Two requests may wait for the same unit, but only one of them is approved."""
    desk = Desk(bought(1), evolve(PLAIN, approval=Approval.BY_STAFF))
    desk.ask(R1)
    desk.ask(R2)
    desk.write(approve(desk.book, return_id=R1, purchase=desk.purchase))
    with pytest.raises(TooManyReturned):
        desk.write(approve(desk.book, return_id=R2, purchase=desk.purchase))
    assert desk.states(R2) == [(1, ReturnState.REQUESTED)]
    desk.write(deny(desk.book, return_id=R2))
    assert desk.states(R2) == [(1, ReturnState.DENIED)]


def test_a_late_return_says_why() -> None:
    """Who comes too late is refused with the last day, whether asked at a screen or at a counter."""
    policy = evolve(PLAIN, rules=(WithinDays(days=14),))
    desk = Desk(bought(), policy, NOON.plus(days=15))
    with pytest.raises(NotReturnable) as refused:
        desk.ask()
    assert refused.value.facts == {
        "order": "O1",
        "policy": "v1",
        "line": "L1",
        "days": 14,
        "last_day": "2026-03-15",
        "because": ("returns.window",),
        "nearest": ("returns.window",),
    }
    with pytest.raises(NotReturnable):
        play(desk, "take_back", R1, 1, Condition.SEALED)


def test_a_person_may_say_yes_where_the_policy_says_no() -> None:
    """Where noes are referred, a late return waits for a person, whose yes is not undone when the goods arrive."""
    policy = evolve(PLAIN, rules=(WithinDays(days=14),), approval=Approval.REFER)
    desk = Desk(bought(), policy, NOON.plus(days=15))
    desk.ask()
    assert desk.states() == [(1, ReturnState.REQUESTED)]
    desk.write(approve(desk.book, return_id=R1, purchase=desk.purchase))
    desk.receive([arrival(condition=Condition.LIKE_NEW)])
    assert desk.states() == [(1, ReturnState.ACCEPTED)]


def test_units_part_ways() -> None:
    """Of three units, one arrives sealed, one unseen and one not at all: each is treated by itself."""
    desk = Desk(bought(3))
    desk.ask(request=wish(3))
    placements = desk.receive([arrival(1, Condition.SEALED), arrival(1)])
    assert [each.disposition for each in placements] == [Disposition.RESTOCK, Disposition.QUARANTINE]
    assert desk.states() == [(1, ReturnState.APPROVED), (1, ReturnState.ACCEPTED), (1, ReturnState.RECEIVED)]
    assert desk.settle() == 333
    (moved,) = desk.inspect([arrival(1, Condition.DAMAGED)])
    assert (moved.origin, moved.disposition) == (Origin.QUARANTINE, Disposition.SCRAP)
    desk.write(cancel_return(desk.book, return_id=R1))
    assert desk.settle() == 333
    assert [state for _, state in desk.states()] == ["cancelled", "refunded", "refunded"]


def test_what_arrives_otherwise_than_agreed_is_rejected() -> None:
    """Goods that may come back only sealed are not refunded when they turn up worn, and are kept apart."""
    policy = evolve(PLAIN, rules=(InCondition(conditions=frozenset({Condition.SEALED})),))
    desk = Desk(bought(), policy)
    desk.ask(request=wish(2, Condition.SEALED))
    (placed,) = desk.receive([arrival(1, Condition.USED)])
    assert placed.disposition is Disposition.QUARANTINE
    assert desk.states() == [(1, ReturnState.APPROVED), (1, ReturnState.REJECTED)]
    desk.receive([arrival(1)])
    assert desk.inspect([arrival(1, Condition.USED)]) == ()
    with pytest.raises(NothingToRefund):
        desk.settle()


def test_rejected_goods_stay_off_the_shelf() -> None:
    """Goods that could be sold but were not to come back so are kept apart, and came back only once."""
    policy = evolve(PLAIN, rules=(InCondition(conditions=frozenset({Condition.SEALED})),))
    desk = Desk(bought(2), policy)
    desk.ask(request=wish(2))
    (placed,) = desk.receive([arrival(1, Condition.LIKE_NEW)])
    assert placed.disposition is Disposition.QUARANTINE
    desk.receive([arrival(1)])
    assert {state for _, state in desk.states()} == {ReturnState.REJECTED, ReturnState.RECEIVED}
    with pytest.raises(TooManyReturned):
        desk.ask(R2)


@given(condition=conditions(), units=st.integers(1, 3))
def test_a_return_over_the_counter_is_one_write(condition: Condition, units: int) -> None:
    """Bought online and given back in a store: goods land in that store, and the money is known, in one write."""
    purchase = bought(3)
    taken = take_back(
        None, return_id=R1, request=wish(units, condition), node=STORE, purchase=purchase, policy=PLAIN, at=NOON
    )
    assert taken.amount.total.minor == 1_000 * units // 3
    (placed,) = taken.placements
    assert placed == Placement(
        line=LineId("L1"),
        units=units,
        node=STORE,
        origin=Origin.CUSTOMER,
        disposition=PLAIN.disposition(condition),
    )
    assert len(taken.writes.changes) == 1


def test_an_exchange_ends_as_exchanged() -> None:
    """Goods swapped for others bring no money back."""
    desk = Desk(bought())
    desk.ask(request=wish(resolution=Resolution.EXCHANGE))
    desk.receive([arrival(condition=Condition.SEALED)])
    assert desk.settle() == 0
    assert desk.states() == [(1, ReturnState.EXCHANGED)]


def test_each_step_happens_once() -> None:
    """Nothing is approved, received or refunded a second time, nor before its turn."""
    desk = Desk(bought(1))
    desk.ask()
    with pytest.raises(IllegalMove):
        deny(desk.book, return_id=R1)
    with pytest.raises(NothingToRefund):
        desk.settle()
    desk.receive([arrival(condition=Condition.SEALED)])
    with pytest.raises(NotExpected) as refused:
        desk.receive([arrival()])
    assert refused.value.facts == {"return_id": "R1", "line": "L1", "units": 1, "expected": 0}
    desk.settle()
    with pytest.raises(NothingToRefund):
        desk.settle()
    with pytest.raises(IllegalMove):
        cancel_return(desk.book, return_id=R1)
    with pytest.raises(UnknownReturn):
        deny(desk.book, return_id=R2)


def test_a_return_is_judged_by_its_own_policy() -> None:
    """A return asked for under one version of the policy is not received or refunded under another."""
    desk = Desk(bought(1))
    desk.ask()
    desk.policy = evolve(PLAIN, version="v2", rules=(FinalSale(categories=frozenset({"shoes"})),))
    for step in (lambda: desk.receive([arrival()]), lambda: desk.inspect([arrival()]), desk.settle):
        with pytest.raises(Malformed):
            step()


def test_gaps_in_what_staff_enter_are_refused() -> None:
    """An inspection that finds nothing, and goods over the counter in no condition, are not entered."""
    desk = Desk(bought(1))
    desk.ask()
    desk.receive([arrival()])
    with pytest.raises(Malformed):
        desk.inspect([arrival()])
    with pytest.raises(Malformed):
        take_back(None, return_id=R2, request=wish(), node=STORE, purchase=bought(), policy=PLAIN, at=NOON)


@pytest.mark.parametrize("state", ReturnState)
@pytest.mark.parametrize("move", ReturnMove)
def test_lines_move_by_the_table(state: ReturnState, move: ReturnMove) -> None:
    """From every state, exactly the moves of the table are possible."""
    if move in RETURN_LINE.moves(state):
        assert RETURN_LINE.move(state, move) in ReturnState
    else:
        with pytest.raises(IllegalMove):
            RETURN_LINE.move(state, move)
