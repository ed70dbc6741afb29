"""Returns: ``return_eligibility``, ``return_item`` and ``refund_amount`` cases, by ``omnicore.returns``.

The policy of a case is made of what it is given: a window counted from the order as Solidus counts it, and a return
authorisation where the case speaks of one.
"""

from collections.abc import Mapping
from typing import Final

from attrs import evolve, frozen

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.errors import OmnicoreError
from omnicore.kernel.flow import Given, flow, get, write
from omnicore.kernel.ids import LineId, NodeId, OrderId, ReturnId
from omnicore.kernel.machine import IllegalMove
from omnicore.kernel.money import Money
from omnicore.kernel.verdict import Verdict
from omnicore.returns import (
    RETURN_BOOKS,
    Approval,
    Arrival,
    Boundary,
    Condition,
    Disposition,
    FinalSale,
    Grading,
    NeedsAuthorisation,
    NotReturnable,
    Placement,
    Purchase,
    PurchaseLine,
    RequestedLine,
    Resolution,
    ReturnBook,
    ReturnLine,
    ReturnPolicy,
    ReturnRequest,
    ReturnState,
    Rule,
    WindowStart,
    WithinDays,
    approve_return,
    ask_for_return,
    call_off_return,
    may_return,
    receive,
    refund_amount,
    returns_of,
    settle,
)
from omnicore.testing.clock import NOON, Clock
from tests.acceptance.comparing import Named, Refusal
from tests.acceptance.kinds_distribute import one_step
from tests.acceptance.reading import Case, Fields, NotBuilt

LINE: Final = LineId("line")
ORDER: Final = OrderId("order")
STORE: Final = NodeId("store")
SEALED: Final = Condition.SEALED
FINAL: Final = frozenset({"final"})
_REASONS: Final = {"returns.shipped": "unit_not_shipped", "returns.authorisation": "authorisation_required"}
_ITEM_WORDS: Final[Mapping[ReturnState, Mapping[str, str]]] = {
    ReturnState.REQUESTED: {"reception": "awaiting", "acceptance": "pending"},
    ReturnState.APPROVED: {"reception": "awaiting", "acceptance": "pending"},
    ReturnState.RECEIVED: {"reception": "received", "unit": "returned"},
    ReturnState.ACCEPTED: {"reception": "received", "unit": "returned"},
    ReturnState.CANCELLED: {"reception": "cancelled"},
}
"""What Solidus calls a unit that has come so far."""


@flow("acceptance.receive_return")
async def receive_return(
    given: Given, *, return_id: ReturnId, purchase: Purchase, policy: ReturnPolicy, condition: Condition | None
) -> tuple[Placement, ...]:
    """Receive one unit, and say where it is put."""
    stored = await get(RETURN_BOOKS, purchase.order)
    assert stored is not None, "asked for before"
    arrivals = (Arrival(line=LINE, units=1, condition=condition),)
    placed = receive(stored, return_id=return_id, node=STORE, arrivals=arrivals, purchase=purchase, policy=policy)
    await write(placed.writes)
    return placed.placements


@flow("acceptance.settle_return")
async def settle_return(given: Given, *, return_id: ReturnId, purchase: Purchase, policy: ReturnPolicy) -> Money:
    """Refund or exchange what was accepted, and give the money that goes back."""
    stored = await get(RETURN_BOOKS, purchase.order)
    assert stored is not None, "asked for before"
    settled = settle(stored, return_id=return_id, purchase=purchase, policy=policy)
    await write(settled.writes)
    return settled.amount.total


def purchase_of(*, units: int = 1, shipped: int | None = None, paid: int = 0, currency: str = "USD") -> Purchase:
    """Make a purchase of one line, placed at the clock's noon."""
    line = PurchaseLine(
        line=LINE,
        bought=units,
        shipped=units if shipped is None else shipped,
        paid=Money(paid, currency),
        handed_over=NOON,
        categories=FINAL,
    )
    return Purchase(order=ORDER, placed=NOON, zone="UTC", lines=(line,), shipping=Money.zero(currency))


@frozen
class Counter:
    """A shop on the memory adapter, where one purchase is brought back."""

    purchase: Purchase
    policy: ReturnPolicy
    host: Host

    def ask(self, name: str, resolution: Resolution = Resolution.REFUND) -> ReturnId:
        """Ask to give one unit back."""
        request = ReturnRequest(lines=(RequestedLine(line=LINE, units=1, resolution=resolution),))
        ask = ask_for_return(return_id=ReturnId(name), request=request, purchase=self.purchase, policy=self.policy)
        return self.host.run(ask)

    def receive(self, id: ReturnId, condition: Condition | None = None) -> int:
        """Receive the unit; gives the units put back on the shelf."""
        placements = self.host.run(
            receive_return(return_id=id, purchase=self.purchase, policy=self.policy, condition=condition)
        )
        return sum(each.units for each in placements if each.disposition is Disposition.RESTOCK)

    def settle(self, id: ReturnId) -> Money:
        """Refund what was accepted."""
        return self.host.run(settle_return(return_id=id, purchase=self.purchase, policy=self.policy))

    def book(self) -> ReturnBook:
        """Read the order's returns."""
        return self.host.run(returns_of(order=ORDER))

    def line(self, id: ReturnId) -> ReturnLine:
        """Read the line of a return."""
        return self.book().get(id).lines[0]


def counter(purchase: Purchase, policy: ReturnPolicy) -> Counter:
    """Open a shop."""
    return Counter(purchase, policy, Host(Memory(), clock=Clock()))


def eligibility(case: Case) -> Named:
    """Ask whether a unit may come back."""
    rules: list[Rule] = []
    with one_step(case).reading() as step, case.givens().reading() as given:
        if step.text("check") != "return":
            raise NotBuilt("a check of something else")
        days = 0
        if "window_days" in given:
            rules.append(
                WithinDays(
                    days=given.whole("window_days"), start=WindowStart.PLACEMENT, boundary=Boundary.TO_THE_MOMENT
                )
            )
            days = given.whole("days_since_completed")
        authorisation = None
        if "authorisation" in given:
            rules.append(NeedsAuthorisation())
            authorisation = given.take("authorisation")
        state = given.text("unit_state", "shipped")
        if state not in {"shipped", "on_hand", "backordered"}:
            raise NotBuilt(f"a unit that is {state}")
        purchase = purchase_of(shipped=1 if state == "shipped" else 0)
        policy = ReturnPolicy(version="case", rules=tuple(rules))
        book = _earlier(given, purchase) if "earlier_return" in given else None
    request = ReturnRequest(
        lines=(RequestedLine(line=LINE, units=1),),
        authorisation=None if authorisation is None else str(authorisation),
    )
    verdict = may_return(purchase, policy=policy, at=NOON.plus(days=days), request=request, book=book)
    return _eligible(verdict)


def _eligible(verdict: Verdict) -> Named:
    facts = Named(eligible=bool(verdict))
    words = [_REASONS[each.code] for each in verdict.because if not each.held and each.code in _REASONS]
    if words:
        facts["reason"] = words[0]
    return facts


def _earlier(given: Fields, purchase: Purchase) -> ReturnBook | None:
    """Bring the unit back once before: settled, or called off before it came."""
    if given.peek("earlier_return") is None:
        given.take("earlier_return")
        return None
    with given.within("earlier_return").reading() as earlier:
        reimbursed, state = earlier.flag("reimbursed"), earlier.text("state", "")
    shop = counter(purchase, ReturnPolicy(version="case"))
    before = shop.ask("earlier")
    if state == "cancelled":
        shop.host.run(call_off_return(return_id=before))
    elif reimbursed and state in {"", "reimbursed", "received", "returned"}:
        shop.receive(before, SEALED)
        shop.settle(before)
    else:
        raise NotBuilt(f"an earlier return that is {state or 'under way'}")
    return shop.book()


def return_item(case: Case) -> Named:
    """Follow one unit on its way back."""
    with case.givens().reading() as given:
        start = given.text("reception", "awaiting")
        if given.text("acceptance", "pending") != "pending":
            raise NotBuilt("a unit that has been judged")
        eligible = given.flag("eligible", default=True)
        manual = given.flag("manual_intervention_needed", default=False)
        restock = given.flag("restock", default=True)
        if not given.flag("tracked", default=True):
            raise NotBuilt("untracked goods")
        other = given.text("other_return_item_of_same_unit", "")
        resolution = Resolution.EXCHANGE if "exchange_variant" in given else Resolution.REFUND
        given.take("exchange_variant", None)
    grading = Grading(condition=SEALED, disposition=Disposition.RESTOCK if restock else Disposition.QUARANTINE)
    policy = ReturnPolicy(
        version="case",
        rules=() if eligible else (FinalSale(categories=FINAL),),
        approval=Approval.REFER if manual else Approval.AUTOMATIC,
        grading=(grading,),
    )
    shop = counter(purchase_of(paid=1000), policy)
    if other or start not in {"awaiting", "cancelled"}:
        return _second(case, shop, other, start)
    step = one_step(case)
    with step.reading():
        (move,) = step.names() or ("",)
        step.take(move)
    if move == "attempt_accept":
        return _attempt(shop)
    if not eligible:
        raise NotBuilt(f"the step {move} for a unit that may not come back")
    item = shop.ask("item", resolution)
    facts = Named(refused=None)
    if start == "cancelled":
        shop.host.run(call_off_return(return_id=item))
    try:
        match move:
            case "create":
                wanted = (RequestedLine(line=LINE, units=1, resolution=resolution),)
                facts["amount"] = refund_amount(shop.purchase, returning=wanted, policy=policy).total.minor
            case "receive":
                facts["on_hand_change"] = shop.receive(item, SEALED)
            case "cancel":
                shop.host.run(call_off_return(return_id=item))
            case _:
                raise NotBuilt(f"the step {move}")
    except (OmnicoreError, IllegalMove) as error:
        facts["refused"] = _refusal(error)
    return Named({**facts, **_ITEM_WORDS[shop.line(item).state]})


def _second(case: Case, shop: Counter, other: str, start: str) -> Named:
    """Let the same unit be asked for twice, and come back under the other return first."""
    step = one_step(case)
    with step.reading():
        if (other, start) != ("received", "awaiting") or not step.flag("receive"):
            raise NotBuilt("two returns of one unit")
    waiting = Counter(shop.purchase, evolve(shop.policy, approval=Approval.BY_STAFF), shop.host)
    first, second = waiting.ask("other"), waiting.ask("item")
    shop.host.run(approve_return(return_id=first, purchase=shop.purchase))
    waiting.receive(first)
    try:
        waiting.receive(second)
    except OmnicoreError as error:
        return Named({"refused": _refusal(error), **_ITEM_WORDS[shop.line(second).state]})
    return Named(refused=None)


def _attempt(shop: Counter) -> Named:
    """Ask, and see who says yes."""
    try:
        state = shop.line(shop.ask("item")).state
    except NotReturnable:
        return Named(acceptance="rejected")
    return Named(acceptance="accepted" if state is ReturnState.APPROVED else "manual_intervention_required")


def _refusal(error: OmnicoreError | IllegalMove) -> Refusal:
    code = getattr(error, "code", "illegal_move")
    return Refusal(code, code=code)


def default_refund(case: Case) -> Named:
    """Say what one unit is worth when it comes back."""
    with case.givens().reading() as given, one_step(case).reading() as step:
        if step.text("default_refund") != "one unit":
            raise NotBuilt("refunding something else")
        with given.within("line").reading() as line:
            price, units = line.whole("price"), line.whole("quantity")
        given.whole("shipping_adjustment", 0)  # what comes off shipping is in no line
        resolution = Resolution.EXCHANGE if given.flag("exchange", default=False) else Resolution.REFUND
        purchase = purchase_of(units=units, paid=price * units, currency=given.text("currency"))
    wanted = (RequestedLine(line=LINE, units=1, resolution=resolution),)
    amount = refund_amount(purchase, returning=wanted, policy=ReturnPolicy(version="case"))
    return Named(amount=amount.total.minor)
