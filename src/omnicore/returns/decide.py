"""May a return be asked for, approved, received, inspected and refunded, and what follows?

Each function gives the writes, and beside them what other contexts must do in the same write: ``placements`` for stock,
``amount`` for payments. The order's ``ReturnBook`` is its guard: whoever wrote it first wins, and the other decides
afresh.
"""

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import NodeId, ReturnId
from omnicore.kernel.journal import Event
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.returns.errors import TooManyReturned
from omnicore.returns.events import ReturnDecided, ReturnSettled, UnitsInspected, UnitsReceived
from omnicore.returns.kinds import RETURN_BOOKS
from omnicore.returns.model import (
    Arrival,
    Purchase,
    RequestedLine,
    Return,
    ReturnBook,
    ReturnLine,
    ReturnRequest,
)
from omnicore.returns.policy import ReturnPolicy, units_left
from omnicore.returns.progress import Judging, Placement, inspected, moved_all, placement, received, requested, settled
from omnicore.returns.refunds import RefundAmount
from omnicore.returns.rules import NO_CUSTOM, CustomRule
from omnicore.returns.states import (
    Approval,
    Condition,
    Disposition,
    Origin,
    ReturnMove,
    ReturnState,
)


@frozen(kw_only=True)
class Placed:
    """What to write, and where to put units in the same write."""

    writes: Writes
    placements: tuple[Placement, ...]


@frozen(kw_only=True)
class Settled:
    """What to write, and how much to give back in the same write."""

    writes: Writes
    amount: RefundAmount


@frozen(kw_only=True)
class TakenBack:
    """What to write, where to put the units, and how much to give back, all in the same write."""

    writes: Writes
    placements: tuple[Placement, ...]
    amount: RefundAmount


def request_return(
    stored: Stored[ReturnBook] | None,
    *,
    return_id: ReturnId,
    request: ReturnRequest,
    purchase: Purchase,
    policy: ReturnPolicy,
    at: Instant,
    custom: Mapping[str, CustomRule] = NO_CUSTOM,
) -> Writes:
    """Ask for goods to be taken back: approved at once where policy and ``approval`` allow, else waiting for a person.

    ``stored`` is the order's book as read, None if it has none yet.

    Law: accepted if and only if ``may_return`` holds, or the policy refers its noes to staff and enough units are left.

    Raises: TooManyReturned, NotReturnable, ReturnExists; Malformed for a line that was not bought.
    """
    book = _book(stored, purchase)
    judging = Judging(purchase=purchase, policy=policy, custom=custom)
    change, event = requested(book, return_id=return_id, request=request, at=at, judging=judging)
    return _written(stored, book.with_return(change), event)


def approve(stored: Stored[ReturnBook], *, return_id: ReturnId, purchase: Purchase) -> Writes:
    """Approve what a return still waits for. From here its units count.

    Law: approved and received units of a line never exceed those shipped.

    Raises: UnknownReturn, TooManyReturned, IllegalMove.
    """
    before = stored.value.get(return_id)
    after = moved_all(before, ReturnMove.APPROVE)
    waiting = [each for each in before.lines if each.state is ReturnState.REQUESTED]
    wanted = [RequestedLine(line=each.line, units=each.units) for each in waiting]
    units_left(purchase, wanted=wanted, book=stored.value).or_refuse(TooManyReturned, order=purchase.order)
    return _decided(stored, after, ReturnMove.APPROVE)


def deny(stored: Stored[ReturnBook], *, return_id: ReturnId) -> Writes:
    """Say no to what a return still waits for.

    Raises: UnknownReturn, IllegalMove.
    """
    return _decided(stored, moved_all(stored.value.get(return_id), ReturnMove.DENY), ReturnMove.DENY)


def cancel_return(stored: Stored[ReturnBook], *, return_id: ReturnId) -> Writes:
    """Call off what has not come back yet; its units may be asked for again.

    Raises: UnknownReturn, IllegalMove.
    """
    return _decided(stored, moved_all(stored.value.get(return_id), ReturnMove.CANCEL), ReturnMove.CANCEL)


def receive(
    stored: Stored[ReturnBook],
    *,
    return_id: ReturnId,
    node: NodeId,
    arrivals: Sequence[Arrival],
    purchase: Purchase,
    policy: ReturnPolicy,
    custom: Mapping[str, CustomRule] = NO_CUSTOM,
) -> Placed:
    """Receive approved units at a node. With a condition they are inspected at once; without, they wait in quarantine.

    Raises: UnknownReturn, NotExpected; Malformed for another policy version than the return was judged by.
    """
    judging = Judging(purchase=purchase, policy=policy, custom=custom)
    change, came = received(stored.value.get(return_id), node=node, arrivals=arrivals, judging=judging)
    return Placed(
        writes=_written(stored, stored.value.with_return(change), *_arrived(change, purchase, came)),
        placements=tuple(placement(each, Origin.CUSTOMER) for each in came),
    )


def inspect(
    stored: Stored[ReturnBook],
    *,
    return_id: ReturnId,
    findings: Sequence[Arrival],
    purchase: Purchase,
    policy: ReturnPolicy,
    custom: Mapping[str, CustomRule] = NO_CUSTOM,
) -> Placed:
    """Say in which condition units are that were received without one: accepted or rejected, and put where they belong.

    Raises: UnknownReturn, NotExpected; Malformed for a finding without condition, or another policy version.
    """
    judging = Judging(purchase=purchase, policy=policy, custom=custom)
    change, graded = inspected(stored.value.get(return_id), findings=findings, judging=judging)
    events = [
        UnitsInspected(
            return_id=return_id,
            order=purchase.order,
            line=each.line,
            units=each.units,
            condition=each.condition or Condition.DAMAGED,
            disposition=each.disposition or Disposition.QUARANTINE,
            accepted=each.state is ReturnState.ACCEPTED,
        )
        for each in graded
    ]
    leaving = (each for each in graded if each.disposition is not Disposition.QUARANTINE)
    return Placed(
        writes=_written(stored, stored.value.with_return(change), *events),
        placements=tuple(placement(each, Origin.QUARANTINE) for each in leaving),
    )


def settle(stored: Stored[ReturnBook], *, return_id: ReturnId, purchase: Purchase, policy: ReturnPolicy) -> Settled:
    """Decide the money for every unit accepted and not yet settled; each unit is settled once.

    Raises: UnknownReturn, NothingToRefund; Malformed for another policy version.
    """
    before = stored.value.get(return_id)
    Judging(purchase=purchase, policy=policy, custom=NO_CUSTOM).check(before)
    change, amount = settled(stored.value, before, purchase=purchase, policy=policy)
    writes = _written(stored, stored.value.with_return(change), _valued(change, purchase, amount))
    return Settled(writes=writes, amount=amount)


def take_back(
    stored: Stored[ReturnBook] | None,
    *,
    return_id: ReturnId,
    request: ReturnRequest,
    node: NodeId,
    purchase: Purchase,
    policy: ReturnPolicy,
    at: Instant,
    custom: Mapping[str, CustomRule] = NO_CUSTOM,
) -> TakenBack:
    """Take goods back over the counter (BORIS, 店舗返品): asked for, received and settled in one write.

    The units are in hand, so every line names its condition, and the policy's no is final.

    Raises: TooManyReturned, NotReturnable, ReturnExists; Malformed for a line without condition.
    """
    if any(each.condition is None for each in request.lines):
        raise Malformed("$.lines", "must name the condition of what is in hand")
    judging = Judging(purchase=purchase, policy=policy, custom=custom)
    counter = evolve(judging, policy=evolve(policy, approval=Approval.AUTOMATIC))
    book = _book(stored, purchase)
    asked, event = requested(book, return_id=return_id, request=request, at=at, judging=counter)
    arrivals = [Arrival(line=each.line, units=each.units, condition=each.condition) for each in request.lines]
    here, came = received(asked, node=node, arrivals=arrivals, judging=judging)
    change, amount = settled(book, here, purchase=purchase, policy=policy)
    events: list[Event] = [event, *_arrived(change, purchase, came), _valued(change, purchase, amount)]
    return TakenBack(
        writes=_written(stored, book.with_return(change), *events),
        placements=tuple(placement(each, Origin.CUSTOMER) for each in came),
        amount=amount,
    )


def _book(stored: Stored[ReturnBook] | None, purchase: Purchase) -> ReturnBook:
    return ReturnBook(order=purchase.order) if stored is None else stored.value


def _arrived(change: Return, purchase: Purchase, came: Sequence[ReturnLine]) -> list[UnitsReceived]:
    return [
        UnitsReceived(
            return_id=change.id,
            order=purchase.order,
            line=each.line,
            units=each.units,
            node=place.node,
            condition=each.condition,
            disposition=place.disposition,
        )
        for each in came
        for place in [placement(each, Origin.CUSTOMER)]
    ]


def _valued(change: Return, purchase: Purchase, amount: RefundAmount) -> ReturnSettled:
    return ReturnSettled(
        return_id=change.id,
        order=purchase.order,
        refund=amount.total,
        fee=amount.fee,
        shipping=amount.shipping,
        credit=amount.credit,
    )


def _written(stored: Stored[ReturnBook] | None, book: ReturnBook, *events: Event) -> Writes:
    change = RETURN_BOOKS.put(book) if stored is None else stored.put(book)
    return Writes(changes=(change,), events=events)


def _decided(stored: Stored[ReturnBook], change: Return, move: ReturnMove) -> Writes:
    event = ReturnDecided(return_id=change.id, order=stored.value.order, move=move)
    return _written(stored, stored.value.with_return(change), event)
