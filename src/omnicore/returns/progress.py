"""How do units of a return move on, and what do they leave behind on the way?

A line is split where its units part ways: of three approved shirts two may arrive sealed and one stay in the post. All
functions give new values; ``decide`` joins them and says what is written.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve, frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, NodeId, ReturnId
from omnicore.kernel.money import Money
from omnicore.kernel.time import Instant
from omnicore.returns.errors import NotExpected, NothingToRefund, NotReturnable, ReturnExists, TooManyReturned
from omnicore.returns.events import ReturnRequested
from omnicore.returns.model import Arrival, Purchase, RequestedLine, Return, ReturnBook, ReturnLine, ReturnRequest
from omnicore.returns.policy import ReturnPolicy, rules_hold, units_left
from omnicore.returns.refunds import RefundAmount, refund_amount
from omnicore.returns.rules import CustomRule
from omnicore.returns.states import (
    RETURN_LINE,
    Approval,
    Condition,
    Disposition,
    Origin,
    Resolution,
    ReturnMove,
    ReturnState,
)

_CLOSING: Final = {Resolution.REFUND: ReturnMove.REFUND, Resolution.EXCHANGE: ReturnMove.EXCHANGE}


@frozen(kw_only=True)
class Placement:
    """Units to put somewhere at a node: what a scenario turns into stock moves of the line's SKUs.

    From the customer they come in; from quarantine they only change place. Law: each unit comes in once, and is
    restocked at most once, at the node that received it, and only if its condition is graded so.
    """

    line: LineId
    units: int
    node: NodeId
    origin: Origin
    disposition: Disposition


@frozen(kw_only=True)
class Judging:
    """By what arriving units are judged: the purchase, the policy the return was asked under, and the host's rules."""

    purchase: Purchase
    policy: ReturnPolicy
    custom: Mapping[str, CustomRule]

    def check(self, change: Return) -> None:
        """Refuse another policy version than the return was judged by.

        Raises: Malformed.
        """
        if self.policy.version != change.policy:
            raise Malformed("$.policy", "must be the version the return was judged by")


def moved_all(change: Return, move: ReturnMove) -> Return:
    """Move every line that can make a move; the others have gone another way.

    Raises: IllegalMove if none can.
    """
    if not any(move in RETURN_LINE.moves(each.state) for each in change.lines):
        RETURN_LINE.move(change.lines[0].state, move)
    lines = (stepped(each, move) if move in RETURN_LINE.moves(each.state) else each for each in change.lines)
    return evolve(change, lines=tuple(lines))


def stepped(line: ReturnLine, *moves: ReturnMove) -> ReturnLine:
    """Move a line on by the machine.

    Raises: IllegalMove.
    """
    for move in moves:
        line = evolve(line, state=RETURN_LINE.move(line.state, move))
    return line


def taken_out(change: Return, *, line: LineId, units: int, state: ReturnState) -> tuple[Return, tuple[ReturnLine, ...]]:
    """Take units of a line that are in a state out of a return, splitting what is too large; the first go first.

    Law: the units of what is left and of what was taken add up to those before.

    Raises: NotExpected if fewer are in that state.
    """
    expected = sum(each.units for each in change.lines if each.line == line and each.state is state)
    if units > expected:
        raise NotExpected(return_id=change.id, line=line, units=units, expected=expected)
    stay: list[ReturnLine] = []
    taken: list[ReturnLine] = []
    for each in change.lines:
        goes = min(units, each.units) if each.line == line and each.state is state else 0
        units -= goes
        if goes:
            taken.append(evolve(each, units=goes))
        if goes < each.units:
            stay.append(evolve(each, units=each.units - goes) if goes else each)
    return evolve(change, lines=tuple(stay)), tuple(taken)


def requested(
    book: ReturnBook, *, return_id: ReturnId, request: ReturnRequest, at: Instant, judging: Judging
) -> tuple[Return, ReturnRequested]:
    """Open a return if units are left and the policy lets it; approved, or waiting for a person.

    Raises: ReturnExists, TooManyReturned, NotReturnable, Malformed.
    """
    if any(each.id == return_id for each in book.returns):
        raise ReturnExists(return_id=return_id)
    purchase, policy = judging.purchase, judging.policy
    left = units_left(purchase, wanted=request.lines, book=book)
    too_many = any(each.code == "returns.units_left" for each in left.because)
    left.or_refuse(TooManyReturned if too_many else NotReturnable, order=book.order, policy=policy.version)
    verdict = rules_hold(purchase, policy=policy, at=at, request=request, custom=judging.custom)
    if policy.approval is not Approval.REFER:
        verdict.or_refuse(NotReturnable, order=book.order, policy=policy.version)
    approved = bool(verdict) and policy.approval is not Approval.BY_STAFF
    nothing = Money.zero(purchase.currency)
    asked = Return(
        id=return_id,
        policy=policy.version,
        requested_at=at,
        authorisation=request.authorisation,
        lines=tuple(
            ReturnLine(
                line=each.line,
                units=each.units,
                state=RETURN_LINE.initial,
                resolution=each.resolution,
                reason=each.reason,
                condition=each.condition,
            )
            for each in request.lines
        ),
        fee=nothing,
        shipping=nothing,
    )
    event = ReturnRequested(
        return_id=return_id,
        order=book.order,
        policy=policy.version,
        approved=approved,
        because=tuple(dict.fromkeys(each.code for each in verdict.because)),
    )
    return moved_all(asked, ReturnMove.APPROVE) if approved else asked, event


def received(
    change: Return, *, node: NodeId, arrivals: Sequence[Arrival], judging: Judging
) -> tuple[Return, tuple[ReturnLine, ...]]:
    """Receive approved units at a node, and inspect those whose condition is known; gives the lines that came in.

    Raises: NotExpected, Malformed.
    """
    judging.check(change)
    came: list[ReturnLine] = []
    for arrival in arrivals:
        change, lines = taken_out(change, line=arrival.line, units=arrival.units, state=ReturnState.APPROVED)
        for each in lines:
            here = evolve(stepped(each, ReturnMove.RECEIVE), node=node, disposition=Disposition.QUARANTINE)
            came.append(here if arrival.condition is None else _graded(here, change, arrival.condition, judging))
    return evolve(change, lines=(*change.lines, *came)), tuple(came)


def inspected(
    change: Return, *, findings: Sequence[Arrival], judging: Judging
) -> tuple[Return, tuple[ReturnLine, ...]]:
    """Grade units that wait for inspection; gives the lines that were graded.

    Raises: NotExpected; Malformed for a finding without condition.
    """
    judging.check(change)
    graded: list[ReturnLine] = []
    for found in findings:
        if found.condition is None:
            raise Malformed("$.condition", "must be found by an inspection")
        change, lines = taken_out(change, line=found.line, units=found.units, state=ReturnState.RECEIVED)
        graded += [_graded(each, change, found.condition, judging) for each in lines]
    return evolve(change, lines=(*change.lines, *graded)), tuple(graded)


def settled(
    book: ReturnBook, change: Return, *, purchase: Purchase, policy: ReturnPolicy
) -> tuple[Return, RefundAmount]:
    """Value every accepted unit of a return.

    Raises: NothingToRefund.
    """
    waiting = [each for each in change.lines if each.state is ReturnState.ACCEPTED]
    if not waiting:
        raise NothingToRefund(return_id=change.id)
    returning = tuple(RequestedLine(line=each.line, units=each.units, resolution=each.resolution) for each in waiting)
    amount = refund_amount(purchase, returning=returning, policy=policy, book=book)
    values = iter(amount.lines)
    lines = tuple(
        evolve(stepped(each, _CLOSING[each.resolution]), value=next(values).value)
        if each.state is ReturnState.ACCEPTED
        else each
        for each in change.lines
    )
    paid = evolve(change, lines=lines, fee=change.fee + amount.fee, shipping=change.shipping + amount.shipping)
    return paid, amount


def placement(line: ReturnLine, origin: Origin) -> Placement:
    """Say where the units of a line that is here go."""
    assert line.node is not None, "what was received has a node"
    assert line.disposition is not None, "and a place there"
    return Placement(line=line.line, units=line.units, node=line.node, origin=origin, disposition=line.disposition)


def _graded(here: ReturnLine, change: Return, condition: Condition, judging: Judging) -> ReturnLine:
    accepted = _as_agreed(here, change, condition, judging)
    return evolve(
        stepped(here, ReturnMove.ACCEPT if accepted else ReturnMove.REJECT),
        condition=condition,
        disposition=judging.policy.disposition(condition) if accepted else Disposition.QUARANTINE,
    )


def _as_agreed(here: ReturnLine, change: Return, condition: Condition, judging: Judging) -> bool:
    """Judge by the rules as on the day of the request, with the condition found; only the condition can be new."""
    if condition is here.condition:
        return True
    found = RequestedLine(line=here.line, units=here.units, condition=condition)
    verdict = rules_hold(
        judging.purchase,
        policy=judging.policy,
        at=change.requested_at,
        request=ReturnRequest(lines=(found,), authorisation=change.authorisation),
        custom=judging.custom,
    )
    # Staff may have approved against another rule (a day late); that is not held against the goods now.
    return bool(verdict) or all(each.held or each.code != "returns.condition" for each in verdict.because)
