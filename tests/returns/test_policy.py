import pytest
from attrs import evolve
from hypothesis import given

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, OrderId
from omnicore.kernel.money import Money
from omnicore.kernel.time import Instant, Period
from omnicore.returns import (
    AllOf,
    Condition,
    Custom,
    Disposition,
    FinalSale,
    Grading,
    NeedsAuthorisation,
    Purchase,
    PurchaseLine,
    RequestedLine,
    ReturnPolicy,
    ReturnRequest,
    WithinDays,
    check_custom,
    may_return,
    policy_for,
)
from omnicore.testing.strategies.returns import purchases, return_policies

NOON = Instant.parse("2026-03-01T03:00:00Z")


def bought(*categories: str) -> Purchase:
    """Give a purchase of one unit in each category."""
    lines = tuple(
        PurchaseLine(
            line=LineId(f"L{number}"),
            bought=1,
            shipped=1,
            paid=Money(500, "JPY"),
            handed_over=NOON,
            categories=frozenset({category}),
        )
        for number, category in enumerate(categories, start=1)
    )
    return Purchase(order=OrderId("O1"), placed=NOON, zone="Asia/Tokyo", lines=lines, shipping=Money(0, "JPY"))


@given(purchase=purchases(), policy=return_policies())
def test_something_may_come_back_if_one_unit_may(purchase: Purchase, policy: ReturnPolicy) -> None:
    """A shop shows "return something" exactly when at least one unit of one line may be returned."""
    at = purchase.placed.plus(days=10)
    singly = [
        may_return(
            purchase,
            policy=policy,
            at=at,
            request=ReturnRequest(lines=(RequestedLine(line=line.line, units=1),)),
        ).holds
        for line in purchase.lines
    ]
    assert may_return(purchase, policy=policy, at=at).holds == any(singly)


@given(policy=return_policies())
def test_policies_are_stored_as_data(policy: ReturnPolicy) -> None:
    """A policy read back is the policy that was written."""
    assert codec.loads(codec.dumps(policy, as_=ReturnPolicy), as_=ReturnPolicy) == policy


def test_every_line_must_pass_and_the_guilty_one_is_named() -> None:
    """Of a request for shoes and underwear, the refusal names the line that stands against it, and only that."""
    policy = ReturnPolicy(version="v1", rules=(WithinDays(days=14), FinalSale(categories=frozenset({"underwear"}))))
    both = ReturnRequest(lines=tuple(RequestedLine(line=LineId(name), units=1) for name in ("L1", "L2")))
    verdict = may_return(bought("shoes", "underwear"), policy=policy, at=NOON, request=both)
    assert [(reason.code, reason.facts["line"]) for reason in verdict.because] == [("returns.final_sale", "L2")]


def test_lines_asked_for_twice_count_together() -> None:
    """Asking for one unit twice is asking for two."""
    twice = ReturnRequest(lines=(RequestedLine(line=LineId("L1"), units=1),) * 2)
    verdict = may_return(bought("shoes"), policy=ReturnPolicy(version="v1"), at=NOON, request=twice)
    assert [reason.code for reason in verdict.nearest] == ["returns.shipped"]


def test_an_authorisation_opens_a_return() -> None:
    """Where a number given beforehand is needed, the same goods come back with it and not without it."""
    policy = ReturnPolicy(version="v1", rules=(NeedsAuthorisation(),))
    line = (RequestedLine(line=LineId("L1"), units=1),)
    for number, holds in (("RA1", True), (None, False)):
        request = ReturnRequest(lines=line, authorisation=number)
        assert may_return(bought("shoes"), policy=policy, at=NOON, request=request).holds is holds


def test_the_policy_of_the_day_of_purchase_applies() -> None:
    """A policy made stricter later does not reach back to orders placed before."""
    old = ReturnPolicy(version="v1", valid=Period(None, NOON))
    new = ReturnPolicy(version="v2", valid=Period(NOON, None))
    sale = ReturnPolicy(version="sale", valid=Period(NOON.plus(days=5), NOON.plus(days=6)))
    policies = (old, new, sale)
    assert policy_for(policies, placed=NOON.plus(micros=-1)) is old
    assert policy_for(policies, placed=NOON) is new
    assert policy_for(policies, placed=NOON.plus(days=5)) is sale
    assert policy_for((old,), placed=NOON) is None


def test_unknown_rules_are_found_when_the_policy_is_let_in() -> None:
    """A policy naming a rule that nobody has written is refused before a customer has to wait for it."""
    policy = ReturnPolicy(version="v1", rules=(NeedsAuthorisation(), AllOf((Custom(name="acme.vip"),))))
    with pytest.raises(Malformed, match=r"\$\.rules\[1\]"):
        check_custom(policy, custom={})
    check_custom(evolve(policy, rules=()), custom={})


def test_what_nobody_graded_is_kept_apart() -> None:
    """Goods in a condition the policy is silent about do not go back on the shelf."""
    silent = ReturnPolicy(version="v1", grading=())
    assert silent.disposition(Condition.SEALED) is Disposition.QUARANTINE
    assert ReturnPolicy(version="v1").disposition(Condition.SEALED) is Disposition.RESTOCK


def test_impossible_policies_are_refused() -> None:
    """A policy without a version, with too many rules, or of two minds about a condition does not get in."""
    sealed = Grading(condition=Condition.SEALED, disposition=Disposition.SCRAP)
    with pytest.raises(Malformed):
        ReturnPolicy(version="")
    with pytest.raises(Malformed):
        ReturnPolicy(version="v1", rules=(NeedsAuthorisation(),) * 101)
    with pytest.raises(Malformed):
        ReturnPolicy(version="v1", grading=(sealed, sealed))
