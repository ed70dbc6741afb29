import datetime as dt
from typing import assert_type

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, OrderId
from omnicore.kernel.money import Money
from omnicore.kernel.time import Instant, Window
from omnicore.kernel.verdict import Verdict
from omnicore.returns import (
    AllOf,
    AnyOf,
    Boundary,
    Case,
    Condition,
    Custom,
    FinalSale,
    InCategory,
    InCondition,
    NeedsAuthorisation,
    Not,
    Purchase,
    PurchaseLine,
    RequestedLine,
    Rule,
    WindowStart,
    WithinDays,
    judge,
)
from omnicore.returns.rules import MAX_DEPTH, MAX_RULES, custom_names
from omnicore.testing.strategies.kernel import instants, zones
from omnicore.testing.strategies.returns import custom_rules, purchases, rules

NOON = Instant.parse("2026-03-01T03:00:00Z")


def case(
    *,
    at: Instant = NOON,
    handed_over: Instant | None = NOON,
    zone: str = "Asia/Tokyo",
    categories: frozenset[str] = frozenset(),
    condition: Condition | None = None,
    authorisation: str | None = None,
) -> Case:
    """Give a case to judge."""
    line = PurchaseLine(
        line=LineId("L1"), bought=1, shipped=1, paid=Money(500, "JPY"), handed_over=handed_over, categories=categories
    )
    purchase = Purchase(order=OrderId("O1"), placed=NOON, zone=zone, lines=(line,), shipping=Money(0, "JPY"))
    wanted = RequestedLine(line=LineId("L1"), units=1, condition=condition)
    return Case(purchase=purchase, line=line, wanted=wanted, authorisation=authorisation, at=at)


@given(
    start=instants(first_year=1990, last_year=2040),
    later=st.integers(0, 70 * 24 * 3600),
    days=st.integers(0, 60),
    zone=zones(),
)
def test_the_last_day_counts_whole(start: Instant, later: int, days: int, zone: str) -> None:
    """On the last day of the window a return is taken until midnight of the store's own clock."""
    at = start.plus(seconds=later)
    first = start.local_date(zone)
    last = first + dt.timedelta(days=days)
    assume(at.local_date(zone) >= first)
    verdict = judge(WithinDays(days=days), case(at=at, handed_over=start, zone=zone))
    assert verdict.holds == Window.through(first, last, zone=zone).contains(at)
    assert verdict.because[0].facts["last_day"] == last.isoformat()


@given(start=instants(first_year=1990, last_year=2040), days=st.integers(1, 400), zone=zones())
def test_exactly_n_days_later_is_too_late_where_so_agreed(start: Instant, days: int, zone: str) -> None:
    """Counted to the moment, a return is in time until the very instant that N times 24 hours have passed."""
    rule = WithinDays(days=days, boundary=Boundary.TO_THE_MOMENT)
    end = start.plus(days=days)
    assert judge(rule, case(at=end.plus(micros=-1), handed_over=start, zone=zone))
    assert not judge(rule, case(at=end, handed_over=start, zone=zone))


@given(start=instants(first_year=2020, last_year=2030), days=st.integers(1, 40), later=st.integers(0, 42))
def test_a_window_without_its_last_day_is_one_shorter(start: Instant, days: int, later: int) -> None:
    """Where the N-th day is too late, the window is that of one day less with its last day whole."""
    here = case(at=start.plus(days=later), handed_over=start)
    out = judge(WithinDays(days=days, boundary=Boundary.LAST_DAY_OUT), here)
    assert out.holds == judge(WithinDays(days=days - 1), here).holds


def test_the_window_counts_from_delivery_or_from_placement() -> None:
    """What arrived late may come back late, unless the policy counts from the order; what is under way still may."""
    late = case(at=NOON.plus(days=20), handed_over=NOON.plus(days=10))
    assert judge(WithinDays(days=14), late)
    assert not judge(WithinDays(days=14, start=WindowStart.PLACEMENT), late)
    assert judge(WithinDays(days=14), case(at=NOON.plus(days=20), handed_over=None))


def test_a_closed_window_says_its_last_day() -> None:
    """Whoever comes too late is told which day was the last."""
    verdict = judge(WithinDays(days=14), case(at=NOON.plus(days=15)))
    assert verdict == Verdict.no("returns.window", line="L1", days=14, last_day="2026-03-15")
    assert [reason.code for reason in verdict.nearest] == ["returns.window"]


@pytest.mark.parametrize(
    ("rule", "holds", "otherwise"),
    [
        (FinalSale(categories=frozenset({"sale"})), case(), case(categories=frozenset({"sale", "shoes"}))),
        (InCategory(categories=frozenset({"sale"})), case(categories=frozenset({"sale", "shoes"})), case()),
        (NeedsAuthorisation(), case(authorisation="RA1"), case()),
        (
            InCondition(conditions=frozenset({Condition.SEALED})),
            case(condition=Condition.SEALED),
            case(condition=Condition.USED),
        ),
        (AllOf(()), case(), None),
        (AnyOf(()), None, case()),
        (Not(NeedsAuthorisation()), case(), case(authorisation="RA1")),
    ],
)
def test_each_rule_says_yes_and_no(rule: Rule, holds: Case | None, otherwise: Case | None) -> None:
    """Every rule of the vocabulary lets through what it should, and nothing else."""
    assert holds is None or judge(rule, holds).holds
    assert otherwise is None or not judge(rule, otherwise).holds


def test_a_condition_nobody_has_named_is_judged_later() -> None:
    """A buyer who does not say in which condition goods are is not refused for it; the inspection will see."""
    assert judge(InCondition(conditions=frozenset({Condition.SEALED})), case())


@given(inner=st.lists(rules(), max_size=3), purchase=purchases(), at=instants())
def test_joined_rules_follow_logic(inner: list[Rule], purchase: Purchase, at: Instant) -> None:
    """Rules joined by all, any and not mean what they say, and the same question has the same answer."""
    line = purchase.lines[0]
    wanted = RequestedLine(line=line.line, units=1)
    here = Case(purchase=purchase, line=line, wanted=wanted, authorisation=None, at=at)
    each = [judge(rule, here).holds for rule in inner]
    assert judge(AllOf(tuple(inner)), here).holds == all(each)
    assert judge(AnyOf(tuple(inner)), here).holds == any(each)
    assert judge(Not(AllOf(tuple(inner))), here).holds != all(each)
    assert judge(AllOf(tuple(inner)), here) == judge(AllOf(tuple(inner)), here)


@given(rule=rules() | custom_rules())
def test_rules_are_stored_as_data(rule: Rule) -> None:
    """A policy read back from the books is the policy that was written."""
    assert codec.loads(codec.dumps(rule, as_=Rule), as_=Rule) == rule


def test_stored_names_are_not_class_names() -> None:
    """The wording of a stored rule is fixed, whatever our classes are called."""
    rule = AnyOf((WithinDays(days=30), Not(FinalSale(categories=frozenset({"sale"})))))
    assert codec.dump(rule, as_=Rule) == {
        "kind": "any_of",
        "of": [
            {"kind": "within_days", "days": 30, "start": "handover", "boundary": "last_day_whole"},
            {"kind": "not", "of": {"kind": "final_sale", "categories": ["sale"]}},
        ],
    }


def test_a_host_brings_rules_of_its_own() -> None:
    """A host's own rule is stored by name and judged by the host's function; a name nobody gave is refused as data."""
    rule = AllOf((Custom(name="acme.vip_week", args={"tier": "gold"}), Not(Custom(name="acme.never"))))

    def vip(here: Case, args: object) -> Verdict:
        assert_type(here, Case)
        return Verdict.yes("acme.vip", gold=args == {"tier": "gold"})

    given_rules = {"acme.vip_week": vip, "acme.never": lambda _case, _args: Verdict.no("acme.never")}
    assert judge(rule, case(), custom=given_rules).because[0].facts == {"gold": True}
    assert custom_names(rule) == {"acme.vip_week", "acme.never"}
    with pytest.raises(Malformed):
        judge(rule, case())


def test_impossible_rules_are_refused() -> None:
    """A window of no days, a rule about nothing and rules without end do not get in."""
    deep: Rule = NeedsAuthorisation()
    for _ in range(MAX_DEPTH - 1):
        deep = Not(deep)
    for make in (
        lambda: WithinDays(days=-1),
        lambda: WithinDays(days=True),
        lambda: WithinDays(days=0, boundary=Boundary.TO_THE_MOMENT),
        lambda: FinalSale(categories=frozenset()),
        lambda: InCategory(categories=frozenset()),
        lambda: InCondition(conditions=frozenset()),
        lambda: Custom(name="window"),
        lambda: AllOf((NeedsAuthorisation(),) * (MAX_RULES + 1)),
        lambda: Not(Not(deep)),
        lambda: AnyOf((AllOf((deep,)),)),
    ):
        with pytest.raises(Malformed):
            make()
