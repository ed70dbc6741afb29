"""What was ordered, handed over, cancelled, returned and paid, counted order by order from what was told and happened?

Plain dictionaries and nothing of the code under test but its events, questions and answers; money is judged against
the provider's own record as well.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import define, field

from omnicore.host import Host
from omnicore.kernel.ids import LineId, OrderId
from omnicore.kernel.journal import Event
from omnicore.ordering import (
    OrderPlaced,
    OrderReimported,
    UnitsCancelled,
    UnitsReturned,
    UnitsShipped,
    read_orders,
)
from omnicore.payments import (
    ActionNeeded,
    Captured,
    PaymentOpened,
    Refunded,
    Step,
    TransactionDeclined,
    TransactionState,
    TransactionSucceeded,
    payment_of,
)
from omnicore.testing.bench import same
from omnicore.testing.payments import FakeProvider

Lines = Mapping[LineId, int]
Deed = tuple[str, str]
"""An order and the name of a transaction."""


@define(eq=False)
class Counted:
    """One order as the auditor counts it: units by line, and its gross in minor units."""

    gross: int
    ordered: dict[LineId, int]
    shipped: Counter[LineId] = field(factory=Counter)
    cancelled: Counter[LineId] = field(factory=Counter)
    returned: Counter[LineId] = field(factory=Counter)
    freed: int = 0


@define(eq=False)
class OrderBooks:
    """The auditor's books of orders and money."""

    orders: dict[OrderId, Counted] = field(factory=dict)
    told_lines: dict[tuple[str, int], Lines] = field(factory=dict)
    """Units by line, as commands asked for them, by order and revision."""
    told_gross: dict[str, int] = field(factory=dict)
    """What answers said that orders come to."""
    told_refund: Counter[str] = field(factory=Counter)
    """What answers to returns said is given back, by order."""
    over_counter: set[str] = field(factory=set)
    """Orders whose units were handed over as they were placed."""
    by_message: set[Deed] = field(factory=set)
    """Captures that a provider's message told of, which its record of calls does not show."""
    due: dict[OrderId, int] = field(factory=dict)
    succeeded: dict[Deed, tuple[Step, int]] = field(factory=dict)
    declined: set[str] = field(factory=set)
    unsettled: set[Deed] = field(factory=set)
    """Steps that wait for a buyer."""
    _by_hand: set[Deed] = field(factory=set)
    _touched: set[OrderId] = field(factory=set)

    def hear(self, event: Event) -> None:
        """Take an event in, in order of position."""
        match event:
            case OrderPlaced():
                self._placed(event)
            case OrderReimported():
                order = self._order(event.order)
                order.ordered = dict(self.told_lines[event.order, event.revision])
                order.gross = event.gross.minor
            case UnitsShipped():
                self._order(event.order).shipped.update(event.units)
            case UnitsCancelled():
                order = self._order(event.order)
                order.cancelled.update(event.units)
                order.freed += event.freed.minor
            case UnitsReturned():
                self._order(event.order).returned.update(event.units)
            case PaymentOpened():
                self.due[event.order] = event.due.minor
                self._touched.add(event.order)
            case TransactionSucceeded():
                self._moved(event)
            case TransactionDeclined():
                self.declined.add(event.order)
            case ActionNeeded():
                self.unsettled.add((event.order, event.transaction))
            case _:
                pass

    def _order(self, order: OrderId) -> Counted:
        self._touched.add(order)
        return self.orders[order]

    def _placed(self, event: OrderPlaced) -> None:
        assert event.order not in self.orders, f"order {event.order} was placed twice"
        ordered = dict(self.told_lines[event.order, 0])
        same(f"lines of {event.order}", event.lines, len(ordered))
        counted = Counted(event.gross.minor, ordered)
        if event.order in self.over_counter:
            counted.shipped.update(ordered)
        self.orders[event.order] = counted
        self._touched.add(event.order)

    def _moved(self, event: TransactionSucceeded) -> None:
        deed = (event.order, event.transaction)
        assert deed not in self.succeeded, f"{deed} has succeeded twice"
        self.unsettled.discard(deed)
        self.succeeded[deed] = (event.step, event.amount.minor)
        self._touched.add(event.order)
        if event.reference is None:
            self._by_hand.add(deed)

    def moved(self, order: str, step: Step) -> int:
        """Add up what was taken, or given back, for an order, in minor units."""
        return self._sums()[order, step]

    def _sums(self) -> Counter[tuple[str, Step]]:
        found: Counter[tuple[str, Step]] = Counter()
        for (order, _), (step, amount) in self.succeeded.items():
            found[order, step] += amount
        return found

    def check(self, host: Host, provider: FakeProvider, *, at_the_end: bool) -> None:
        """Compare with what the shop and the provider say now; in the end every order is looked at.

        Raises: AssertionError.
        """
        touched = tuple(sorted({*self.orders, *self.due} if at_the_end else self._touched))
        self._touched.clear()
        sums = self._sums()
        self._check_orders(host, touched)
        for order in touched:
            if order in self.due:
                self._check_payment(host, order, sums)
            if at_the_end and order in self.orders:
                self._check_settled(order, sums)
        self._check_provider(provider, at_the_end=at_the_end)

    def _check_orders(self, host: Host, touched: Iterable[OrderId]) -> None:
        wanted = tuple(order for order in touched if order in self.orders)
        read = {order.id: order for order in host.run(read_orders(orders=wanted))}
        for name in wanted:
            ours, theirs = self.orders[name], read[name]
            same(f"gross of {name}", theirs.gross.minor, ours.gross)
            same(f"gross of {name} as answered", self.told_gross.get(name, ours.gross), ours.gross)
            same(f"lines of {name}", {line.id: line.ordered for line in theirs.lines}, ours.ordered)
            for line in theirs.lines:
                here = f"line {line.id} of {name}"
                same(f"shipped: {here}", line.shipped, ours.shipped[line.id])
                same(f"cancelled: {here}", line.cancelled, ours.cancelled[line.id])
                same(f"returned: {here}", line.returned, ours.returned[line.id])
                same(f"ordered: {here}", line.open + line.cancelled + line.shipped, line.ordered)
                assert min(line.open, line.shipped - line.returned) >= 0, f"more than there was: {here}"

    def _check_payment(self, host: Host, order: OrderId, sums: Mapping[tuple[str, Step], int]) -> None:
        payment = host.run(payment_of(order=order))
        for step in (Step.CAPTURE, Step.REFUND):
            theirs = [each for each in payment.transactions if each.step is step]
            done = sum(each.amount.minor for each in theirs if each.state is TransactionState.SUCCEEDED)
            same(f"{step.value} of {order}", done, sums.get((order, step), 0))
        captured, refunded = sums.get((order, Step.CAPTURE), 0), sums.get((order, Step.REFUND), 0)
        assert refunded <= captured, f"{order} was given back {refunded} of {captured}"
        gross = self.orders[order].gross if order in self.orders else self.due[order]
        if order in self.orders:  # an attempt that came to nothing may be paid and given back any number of times
            assert captured - refunded <= gross, f"{order} was charged {captured - refunded} of {gross}"

    def _check_settled(self, order: OrderId, sums: Mapping[tuple[str, Step], int]) -> None:
        """Demand that what has been handed over whole is paid whole, and what came back is given back."""
        waits = any(owner == order for owner, _ in self.unsettled)
        if order in self.declined or order not in self.due or waits:
            return
        ours = self.orders[order]
        took, gave = sums.get((order, Step.CAPTURE), 0), sums.get((order, Step.REFUND), 0)
        back = self.told_refund[order]
        assert gave >= back, f"{order} was given back {gave}, and its returns said {back}"
        if all(ours.shipped[line] + ours.cancelled[line] == units for line, units in ours.ordered.items()):
            same(f"kept of {order}", took - gave, ours.gross - ours.freed - back)

    def _check_provider(self, provider: FakeProvider, *, at_the_end: bool) -> None:
        steps = {Captured: Step.CAPTURE, Refunded: Step.REFUND}
        theirs: dict[Deed, tuple[Step, int]] = {}
        for each in provider.exchanges():
            if (step := steps.get(type(each.answer))) is not None:
                deed = (each.request.order, each.request.transaction)
                assert deed not in theirs, f"the provider was made to do {deed} twice"
                theirs[deed] = (step, each.request.amount.minor)
        apart = self._by_hand | self.by_message
        ours = {
            deed: moved
            for deed, moved in self.succeeded.items()
            if moved[0] in {Step.CAPTURE, Step.REFUND} and deed not in apart
        }
        known = theirs if at_the_end else {deed: moved for deed, moved in theirs.items() if deed in ours}
        same("money moved as the provider has it", known, ours)
