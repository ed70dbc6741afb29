"""Under which conditions may goods come back?

A rule is data: a closed union with stored names, joined with ``AllOf``, ``AnyOf`` and ``Not``, judged line by line, and
opened to the host's own functions by ``Custom``. Every rule answers with a verdict that says by which facts.

Codes of the conditions: ``returns.window`` (with ``last_day``), ``returns.final_sale``, ``returns.category``,
``returns.authorisation``, ``returns.condition``.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Union, assert_never

from attrs import field, frozen

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import LAST_DAY, Instant
from omnicore.kernel.verdict import Verdict, all_of, any_of, not_
from omnicore.returns.model import MAX_CATEGORIES, Purchase, PurchaseLine, RequestedLine
from omnicore.returns.states import Condition

MAX_DAYS: Final = 36_600
MAX_RULES: Final = 100
"""Rules joined in one place."""
MAX_DEPTH: Final = 8
"""Rules within rules."""
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class WindowStart(StrEnum):
    """From when a window is counted."""

    HANDOVER = "handover"
    """When the buyer got the goods: delivered or collected. Until then the window has not begun, and is open."""
    PLACEMENT = "placement"


class Boundary(StrEnum):
    """What "within N days" means on the last of them; others count differently, so it is said."""

    LAST_DAY_WHOLE = "last_day_whole"
    """The N-th day after counts, until midnight in the purchase's zone: 14 days from the 1st end with the 15th."""
    LAST_DAY_OUT = "last_day_out"
    """The N-th day after is too late, from its first minute: 14 days from the 1st end with the 14th."""
    TO_THE_MOMENT = "to_the_moment"
    """N times 24 hours; exactly N days after is too late."""


@frozen(kw_only=True)
class WithinDays:
    """Within a number of days.

    Law: judged by local dates in the purchase's zone, or to the moment, as ``boundary`` says.

    Raises:
        Malformed: no whole number of days, or none at all where the last is out.
    """

    days: int
    start: WindowStart = WindowStart.HANDOVER
    boundary: Boundary = Boundary.LAST_DAY_WHOLE

    def __attrs_post_init__(self) -> None:
        """Refuse a window that never is."""
        least = 0 if self.boundary is Boundary.LAST_DAY_WHOLE else 1
        if type(self.days) is not int or not least <= self.days <= MAX_DAYS:
            raise Malformed("$.days", f"must be a whole number from {least} to {MAX_DAYS}")


def _check_categories(categories: frozenset[str]) -> None:
    if type(categories) is not frozenset or not 0 < len(categories) <= MAX_CATEGORIES:
        raise Malformed("$.categories", f"must be a set of 1 to {MAX_CATEGORIES}")


@frozen(kw_only=True)
class FinalSale:
    """Not if the line is in one of these categories."""

    categories: frozenset[str]

    def __attrs_post_init__(self) -> None:
        """Refuse a rule about nothing."""
        _check_categories(self.categories)


@frozen(kw_only=True)
class InCategory:
    """Only if the line is in one of these categories."""

    categories: frozenset[str]

    def __attrs_post_init__(self) -> None:
        """Refuse a rule about nothing."""
        _check_categories(self.categories)


@frozen
class NeedsAuthorisation:
    """Only with a number given by the shop beforehand."""


@frozen(kw_only=True)
class InCondition:
    """Only in one of these conditions: as declared with the request, and again as found on arrival.

    A condition nobody has named yet does not stand against the request.
    """

    conditions: frozenset[Condition]

    def __attrs_post_init__(self) -> None:
        """Refuse a rule that nothing can meet."""
        if type(self.conditions) is not frozenset or not self.conditions:
            raise Malformed("$.conditions", "must be a set of at least one")


@frozen(kw_only=True)
class Custom:
    """The host's own rule, by name (``acme.vip_week``), with its arguments.

    Raises:
        Malformed: a name without the host's prefix.
    """

    name: str
    args: Mapping[str, codec.JsonValue] = field(factory=dict, hash=False)

    def __attrs_post_init__(self) -> None:
        """Refuse a name that could become one of ours."""
        if type(self.name) is not str or len(self.name) > 128 or not _NAME.fullmatch(self.name):  # noqa: PLR2004 - as an id
            raise Malformed("$.name", "must be words as acme.vip_week")


@frozen
class AllOf:
    """Only if every one holds; of none, yes."""

    of: "tuple[Rule, ...]"

    def __attrs_post_init__(self) -> None:
        """Refuse rules without end."""
        _check_joined(self.of)


@frozen
class AnyOf:
    """Only if one holds; of none, no."""

    of: "tuple[Rule, ...]"

    def __attrs_post_init__(self) -> None:
        """Refuse rules without end."""
        _check_joined(self.of)


@frozen
class Not:
    """Only if the other does not hold."""

    of: "Rule"

    def __attrs_post_init__(self) -> None:
        """Refuse rules without end."""
        _check_joined((self.of,))


Rule = Union[WithinDays, FinalSale, InCategory, NeedsAuthorisation, InCondition, Custom, AllOf, AnyOf, Not]  # noqa: UP007 - named before its members' fields are resolved
codec.tagged(
    Rule,
    {
        "within_days": WithinDays,
        "final_sale": FinalSale,
        "in_category": InCategory,
        "needs_authorisation": NeedsAuthorisation,
        "in_condition": InCondition,
        "custom": Custom,
        "all_of": AllOf,
        "any_of": AnyOf,
        "not": Not,
    },
)


@frozen(kw_only=True)
class Case:
    """What a rule judges: a line of a purchase, the units wanted back, and when it was asked."""

    purchase: Purchase
    line: PurchaseLine
    wanted: RequestedLine
    authorisation: str | None
    at: Instant


CustomRule = Callable[[Case, Mapping[str, codec.JsonValue]], Verdict]
"""A host's rule: a pure function of the case and the stored arguments."""
NO_CUSTOM: Final[Mapping[str, CustomRule]] = MappingProxyType({})


def judge(rule: Rule, case: Case, *, custom: Mapping[str, CustomRule] = NO_CUSTOM) -> Verdict:
    """Judge one line by one rule.

    Law: the same rule, case and functions give the same verdict, for ever.

    Raises: Malformed for a custom rule the host has not given.
    """
    line = case.line.line
    match rule:
        case WithinDays():
            return _within(rule, case)
        case FinalSale(categories=categories):
            sold = bool(case.line.categories & categories)
            return (Verdict.no if sold else Verdict.yes)("returns.final_sale", line=line)
        case InCategory(categories=categories):
            found = bool(case.line.categories & categories)
            return (Verdict.yes if found else Verdict.no)("returns.category", line=line)
        case NeedsAuthorisation():
            return (Verdict.no if case.authorisation is None else Verdict.yes)("returns.authorisation", line=line)
        case InCondition(conditions=conditions):
            condition = case.wanted.condition
            met = condition is None or condition in conditions
            return (Verdict.yes if met else Verdict.no)(
                "returns.condition", line=line, condition=condition and condition.value
            )
        case Custom(name=name, args=args):
            if name not in custom:
                raise Malformed("$.name", "is not a rule this host has given")
            return custom[name](case, args)
        case AllOf(of=rules):
            return all_of([judge(each, case, custom=custom) for each in rules])
        case AnyOf(of=rules):
            return any_of([judge(each, case, custom=custom) for each in rules])
        case Not(of=inner):
            return not_(judge(inner, case, custom=custom))
        case _:
            assert_never(rule)


def custom_names(rule: Rule) -> frozenset[str]:
    """Name the host's own rules that a rule is made of."""
    match rule:
        case Custom(name=name):
            return frozenset({name})
        case AllOf(of=rules) | AnyOf(of=rules):
            return frozenset(name for each in rules for name in custom_names(each))
        case Not(of=inner):
            return custom_names(inner)
        case _:
            return frozenset()


def _within(rule: WithinDays, case: Case) -> Verdict:
    start = case.purchase.placed if rule.start is WindowStart.PLACEMENT else case.line.handed_over
    line, zone = case.line.line, case.purchase.zone
    if start is None:
        return Verdict.yes("returns.window", line=line, days=rule.days)
    if rule.boundary is Boundary.TO_THE_MOMENT:
        last_moment = start.plus(days=rule.days, micros=-1)
        held, last = case.at <= last_moment, last_moment.local_date(zone)
    else:
        days = rule.days - (rule.boundary is Boundary.LAST_DAY_OUT)
        last = dt.date.fromordinal(min(start.local_date(zone).toordinal() + days, LAST_DAY.toordinal()))
        held = case.at.local_date(zone) <= last
    return (Verdict.yes if held else Verdict.no)("returns.window", line=line, days=rule.days, last_day=last.isoformat())


def _check_joined(rules: "tuple[Rule, ...]") -> None:
    if type(rules) is not tuple or len(rules) > MAX_RULES:
        raise Malformed("$.of", f"must be at most {MAX_RULES} rules")
    if any(_depth(each) >= MAX_DEPTH for each in rules):
        raise Malformed("$.of", f"must not be nested deeper than {MAX_DEPTH}")


def _depth(rule: Rule) -> int:
    match rule:
        case AllOf(of=rules) | AnyOf(of=rules):
            return 1 + max((_depth(each) for each in rules), default=0)
        case Not(of=inner):
            return 1 + _depth(inner)
        case _:
            return 1
