"""What is a return policy, and what does it say to a request?

A policy is data with a version and a period. The one in force when the order was placed judges all its returns
(``policy_for``), and every return keeps the version, so a stricter policy never reaches back.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, assert_never

from attrs import frozen

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import checked_id
from omnicore.kernel.money import Money
from omnicore.kernel.rounding import Rate, Rounding
from omnicore.kernel.time import Instant, Period
from omnicore.kernel.verdict import Verdict, all_of, any_of
from omnicore.returns.model import Purchase, PurchaseLine, RequestedLine, ReturnBook, ReturnRequest
from omnicore.returns.rules import MAX_RULES, NO_CUSTOM, Case, CustomRule, Rule, custom_names, judge
from omnicore.returns.states import Approval, Condition, Disposition


@frozen
class NoFee:
    """Giving goods back costs nothing."""


@frozen(kw_only=True)
class FlatFee:
    """A restocking fee of one amount, once an order.

    Raises:
        Malformed: no positive amount.
    """

    amount: Money

    def __attrs_post_init__(self) -> None:
        """Refuse a fee that is none."""
        if type(self.amount) is not Money or self.amount.minor <= 0:
            raise Malformed("$.amount", "must be a positive amount")


@frozen(kw_only=True)
class RateFee:
    """A restocking fee as a share of the value refunded, rounded once over all of the order's returns together.

    Raises:
        Malformed: a share outside 0 to 1.
    """

    rate: Rate
    rounding: Rounding = Rounding.DOWN

    def __attrs_post_init__(self) -> None:
        """Refuse a fee above the goods."""
        if type(self.rate) is not Rate or not 0 <= self.rate.numerator <= self.rate.denominator:
            raise Malformed("$.rate", "must be a share from 0 to 1")


Fee = NoFee | FlatFee | RateFee
codec.tagged(Fee, {"none": NoFee, "flat": FlatFee, "rate": RateFee})


def fee_minor(fee: Fee, value: Money) -> int:
    """Give the fee on all goods refunded so far, worth ``value``, in minor units.

    Law: never above the value, and never falling as the value rises: so what is taken return by return does not depend
    on how the goods are spread over returns.
    """
    match fee:
        case NoFee():
            return 0
        case FlatFee(amount=amount):
            return min(amount, value).minor
        case RateFee(rate=rate, rounding=rounding):
            return min(value.times(rate, rounding), value).minor
        case _:
            assert_never(fee)


class ShippingRefund(StrEnum):
    """When the outward shipping is refunded; at most once an order."""

    NEVER = "never"
    WITH_FIRST = "with_first"
    """With the first refund of the order."""
    WITH_LAST = "with_last"
    """When everything that was bought has come back."""


@frozen(kw_only=True)
class Grading:
    """Where accepted units of a condition go."""

    condition: Condition
    disposition: Disposition


SELLABLE: Final = (
    Grading(condition=Condition.SEALED, disposition=Disposition.RESTOCK),
    Grading(condition=Condition.LIKE_NEW, disposition=Disposition.RESTOCK),
    Grading(condition=Condition.USED, disposition=Disposition.QUARANTINE),
    Grading(condition=Condition.DAMAGED, disposition=Disposition.SCRAP),
)
"""The usual grading: only what can be sold as new goes back on the shelf."""


_ALWAYS: Final = Period()


@frozen(kw_only=True)
class ReturnPolicy:
    """Everything a shop promises about returns. All ``rules`` must hold; without any, everything shipped may come back.

    ``valid`` is the period of placement it applies to. A condition without grading goes to quarantine.

    Raises:
        Malformed: no version, too many rules, or a condition graded twice.
    """

    version: str
    rules: tuple[Rule, ...] = ()
    valid: Period = _ALWAYS
    approval: Approval = Approval.AUTOMATIC
    grading: tuple[Grading, ...] = SELLABLE
    fee: Fee = NoFee()
    shipping: ShippingRefund = ShippingRefund.NEVER

    def __attrs_post_init__(self) -> None:
        """Refuse a policy that cannot be kept."""
        checked_id(self.version, "$.version")
        if type(self.rules) is not tuple or len(self.rules) > MAX_RULES:
            raise Malformed("$.rules", f"must be at most {MAX_RULES}")
        if len({each.condition for each in self.grading}) < len(self.grading):
            raise Malformed("$.grading", "must name each condition once")

    def disposition(self, condition: Condition) -> Disposition:
        """Say where accepted units of a condition go."""
        graded = (each.disposition for each in self.grading if each.condition is condition)
        return next(graded, Disposition.QUARANTINE)


def policy_for(policies: Sequence[ReturnPolicy], *, placed: Instant) -> ReturnPolicy | None:
    """Give the policy in force when an order was placed: the last of those listed whose period holds it."""
    return next((each for each in reversed(policies) if each.valid.contains(placed)), None)


def check_custom(policy: ReturnPolicy, *, custom: Mapping[str, CustomRule]) -> None:
    """Make sure, when a policy is let in, that the host has given every rule it names.

    Raises: Malformed.
    """
    for place, rule in enumerate(policy.rules):
        if custom_names(rule) - set(custom):
            raise Malformed(f"$.rules[{place}]", "names a custom rule this host has not given")


def may_return(
    purchase: Purchase,
    *,
    policy: ReturnPolicy,
    at: Instant,
    request: ReturnRequest | None = None,
    book: ReturnBook | None = None,
    custom: Mapping[str, CustomRule] = NO_CUSTOM,
) -> Verdict:
    """Judge whether goods may come back: those requested, or without a request whether anything at all may.

    ``book`` are the order's returns so far. The verdict's reasons name the line; ``nearest`` is what would have to
    change. Beside the codes of rules: ``returns.shipped`` (more than were shipped), ``returns.units_left`` (more than
    are left).

    Law: a pure function of what it is given; ``request_return`` refuses if and only if this does not hold, unless the
    policy refers to staff.
    """
    if request is None:
        ones = (RequestedLine(line=each.line, units=1) for each in purchase.lines)
        return any_of([_judge_line(purchase, policy, one, None, at, book, custom) for one in ones])
    return all_of(
        [
            units_left(purchase, wanted=request.lines, book=book),
            rules_hold(purchase, policy=policy, at=at, request=request, custom=custom),
        ]
    )


def units_left(purchase: Purchase, *, wanted: Iterable[RequestedLine], book: ReturnBook | None = None) -> Verdict:
    """Judge whether as many units were shipped, and are not on their way back already.

    Raises: Malformed for a line that was not bought.
    """
    units: dict[PurchaseLine, int] = {}
    for each in wanted:
        line = purchase.line(each.line)
        units[line] = units.get(line, 0) + each.units
    return all_of([_units(line, number, book) for line, number in units.items()])


def rules_hold(
    purchase: Purchase,
    *,
    policy: ReturnPolicy,
    at: Instant,
    request: ReturnRequest,
    custom: Mapping[str, CustomRule] = NO_CUSTOM,
) -> Verdict:
    """Judge a request by the policy's rules alone, whatever is left.

    Raises: Malformed for a line that was not bought, or an unknown custom rule.
    """
    cases = (
        Case(
            purchase=purchase,
            line=purchase.line(wanted.line),
            wanted=wanted,
            authorisation=request.authorisation,
            at=at,
        )
        for wanted in request.lines
    )
    return all_of([judge(rule, case, custom=custom) for case in cases for rule in policy.rules])


def _judge_line(
    purchase: Purchase,
    policy: ReturnPolicy,
    wanted: RequestedLine,
    authorisation: str | None,
    at: Instant,
    book: ReturnBook | None,
    custom: Mapping[str, CustomRule],
) -> Verdict:
    request = ReturnRequest(lines=(wanted,), authorisation=authorisation)
    return may_return(purchase, policy=policy, at=at, request=request, book=book, custom=custom)


def _units(line: PurchaseLine, units: int, book: ReturnBook | None) -> Verdict:
    if units > line.shipped:
        return Verdict.no("returns.shipped", line=line.line, units=units, shipped=line.shipped)
    left = line.shipped - (0 if book is None else book.counted_units(line.line))
    verdict = Verdict.yes if units <= left else Verdict.no
    return verdict("returns.units_left", line=line.line, units=units, left=left)
