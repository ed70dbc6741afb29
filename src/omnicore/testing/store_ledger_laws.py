"""What must hold of everything counted, on any database? One function for each law."""

from collections.abc import Callable

from omnicore.kernel.audit import Overcommitted
from omnicore.kernel.errors import Conflict, Malformed
from omnicore.kernel.ledger import Extend, Floor, HoldState, Post, Rest, Settle, Void
from omnicore.kernel.shortage import AtRisk
from omnicore.testing.bench import BACK, CUSTOMER, SHELF, SUPPLIER, UNIT, Bench, same

Law = Callable[[Bench], None]


def _sale(bench: Bench, amount: int, *, fact: bool = False) -> Post:
    return Post(id=bench.new_id("out-"), unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=amount, fact=fact)


def _settle(bench: Bench, hold: str, amount: int, *, rest: Rest = Rest.KEEP) -> Settle:
    return Settle(id=bench.new_id("ship-"), hold=hold, amount=amount, rest=rest)


def guard(bench: Bench) -> None:
    """No promise takes more than is there and free, by holding or by moving it away."""
    bench.receive(5)
    bench.hold(3)
    bench.refused(Conflict, moves=[bench.held(3)])
    bench.refused(Conflict, moves=[_sale(bench, 3)])
    bench.refused(Conflict, moves=[bench.held(1), bench.held(2)])
    bench.write(moves=[bench.held(1), _sale(bench, 1)])
    bench.refused(Conflict, moves=[bench.held(1)])
    same("what is free on an empty shelf", bench.balance().available, 0)


def end_state_counts(bench: Bench) -> None:
    """A write is judged by its end: what it brings may be promised in it, in whatever order it is said."""
    goods = Post(id="in", unit=UNIT, source=SUPPLIER.path, target=SHELF.path, amount=4, fact=True)
    bench.write(moves=[bench.held(4), goods])
    same("what is free afterwards", bench.balance().available, 0)


def floors(bench: Bench) -> None:
    """A floor above zero keeps a buffer, one below zero is a capped backorder, a hold's own floor is for it alone."""
    bench.receive(5)
    bench.write(moves=[Floor(unit=UNIT, path=SHELF.path, floor=2)])
    bench.refused(Conflict, moves=[bench.held(4)])
    bench.hold(3)
    bench.write(moves=[Floor(unit=UNIT, path=SHELF.path, floor=-1)])
    bench.refused(Conflict, moves=[bench.held(4)])
    bench.hold(2)
    bench.refused(Conflict, moves=[bench.held(1, floor=0)])
    bench.hold(1, floor=-1)


def expiry_by_time(bench: Bench) -> None:
    """A hold past its end counts no more, though nobody swept; nor is it given back twice."""
    bench.receive(5)
    bench.hold(5, seconds=10)
    bench.at = bench.at.plus(seconds=9)
    bench.refused(Conflict, moves=[bench.held(1)])
    bench.at = bench.at.plus(seconds=1)
    same("what is free when the hold has lapsed", bench.balance().available, 5)
    bench.hold(2)
    same("what is free after the next hold", bench.balance().available, 3)
    same("what is held after the next hold", bench.balance().held, 2)
    bench.write(moves=[_sale(bench, 3)])
    bench.refused(Conflict, moves=[bench.held(1)])
    bench.verified()


def clock_steps_back(bench: Bench) -> None:
    """A clock that steps back revives nothing that has expired and reorders no entry."""
    bench.receive(5)
    first = bench.hold(5, seconds=10)
    bench.at = bench.at.plus(seconds=10)
    bench.hold(4)
    bench.at = bench.at.plus(seconds=-8)
    same("what is free in the eyes of a slow clock", bench.balance().available, 1)
    bench.refused(Conflict, moves=[bench.held(2)])
    bench.refused(Conflict, moves=[_settle(bench, first, 2)])
    bench.hold(1)
    bench.number()
    with bench.reading() as store:
        held = store.open_holds([SHELF])[SHELF]
        balance = store.balances([SHELF], bench.at)[SHELF]
    same("the promises begin in order", [row.since for row in held], sorted(row.since for row in held))
    same("the account's last instant", balance.at, bench.at.plus(seconds=8))


def settled_once(bench: Bench) -> None:
    """Each unit of a hold ends once: settled, released, voided or expired; a second end is refused."""
    bench.receive(9)
    hold = bench.hold(5)
    ship = _settle(bench, hold, 3)
    bench.write(moves=[ship])
    bench.write(moves=[ship])
    same("what left after the same settle came twice", bench.balance().posted, 6)
    bench.refused(Conflict, moves=[_settle(bench, hold, 3)])
    bench.write(moves=[_settle(bench, hold, 2)])
    for ended in (_settle(bench, hold, 1), Void(hold=hold), Extend(hold=hold, expires=None)):
        bench.refused(Conflict, moves=[ended])
    money = bench.hold(4)
    bench.write(moves=[_settle(bench, money, 1, rest=Rest.RELEASE)])
    bench.refused(Conflict, moves=[_settle(bench, money, 1)])
    same("what is free after a settle that released the rest", bench.balance().available, 3)
    other = bench.hold(3)
    bench.write(moves=[Void(hold=other)])
    bench.refused(Conflict, moves=[Void(hold=other)])
    bench.refused(Conflict, moves=[_settle(bench, other, 1)])
    bench.refused(Conflict, moves=[Void(hold="unknown")])
    with bench.reading() as store:
        states = [held.state for held in store.holds([hold, money, other]).values()]
    same("how the holds ended", sorted(states), [HoldState.SETTLED, HoldState.SETTLED, HoldState.VOIDED])


def late_settle(bench: Bench) -> None:
    """A settle after expiry goes through where the goods are still free, and is refused where they are not."""
    bench.receive(5)
    late, lost = bench.hold(3, seconds=10), bench.hold(2, seconds=10)
    bench.at = bench.at.plus(seconds=10)
    bench.write(moves=[_settle(bench, late, 3)])
    bench.hold(2)
    bench.refused(Conflict, moves=[_settle(bench, lost, 2)])
    bench.refused(Conflict, moves=[_settle(bench, late, 1)])
    bench.refused(Conflict, moves=[Extend(hold=lost, expires=None)])
    bench.write(moves=[Void(hold=lost)])
    with bench.reading() as store:
        held = store.holds([late])[late]
    same("the parts of a hold settled late", (held.settled, held.expired, held.left), (3, 0, 0))


def extended(bench: Bench) -> None:
    """A hold that is extended in time counts until its new end."""
    bench.receive(2)
    hold = bench.hold(2, seconds=10)
    bench.write(moves=[Extend(hold=hold, expires=bench.at.plus(seconds=20))])
    bench.at = bench.at.plus(seconds=15)
    bench.refused(Conflict, moves=[bench.held(1)])
    bench.at = bench.at.plus(seconds=5)
    bench.hold(1)


def facts_land(bench: Bench) -> None:
    """A fact is recorded whatever was promised, and the holds it puts at risk are named, last promised first."""
    bench.receive(5)
    first, second = bench.hold(2), bench.hold(3)
    bench.write(moves=[_sale(bench, 4, fact=True)])
    balance = bench.balance()
    same("an account that facts left short", (balance.posted, balance.overcommitted), (1, True))
    bench.number()
    with bench.reading() as store:
        told = [envelope.read() for envelope in store.read()]
    risks = (AtRisk(hold=first, short=1), AtRisk(hold=second, short=3))
    same("who is told", told, [Overcommitted(unit=UNIT, path=SHELF.path, short=4, at_risk=risks)])
    bench.refused(Conflict, moves=[bench.held(1)])
    bench.refused(Conflict, moves=[_settle(bench, first, 2)])
    bench.write(moves=[_settle(bench, first, 1)])
    bench.receive(9)
    same("an account that has enough again", bench.balance().overcommitted, False)  # noqa: FBT003 - a value
    bench.verified()


def once_by_id(bench: Bench) -> None:
    """The same move twice is once; an id that names another move is malformed."""
    goods = Post(id="in", unit=UNIT, source=SUPPLIER.path, target=SHELF.path, amount=4, fact=True)
    hold = bench.held(1)
    for _ in range(2):
        bench.write(moves=[goods, hold])
    balance = bench.balance()
    same("a shelf that got the same moves twice", (balance.posted, balance.held), (4, 1))
    other = Post(id="in", unit=UNIT, source=SUPPLIER.path, target=SHELF.path, amount=5, fact=True)
    bench.refused(Malformed, moves=[other])


def sums_to_zero(bench: Bench) -> None:
    """What is gone from one place has come to another; open accounts stand at the sum of their entries."""
    bench.receive(7)
    bench.receive(2, at=BACK)
    bench.write(moves=[_sale(bench, 3)])
    bench.write(moves=[Post(id="move", unit=UNIT, source=SHELF.path, target=BACK.path, amount=2)])
    with bench.reading() as store:
        found = store.balances([SHELF, BACK, SUPPLIER, CUSTOMER], bench.at)
    same("where everything stands", [found[row].posted for row in (SHELF, BACK, SUPPLIER, CUSTOMER)], [2, 4, -9, 3])


def promise_order(bench: Bench) -> None:
    """Open holds are listed in the order they were promised, each account's for itself."""
    bench.receive(9)
    made = []
    for _ in range(3):
        made.append(bench.hold(1))
        bench.at = bench.at.plus(seconds=1)
    bench.write(moves=[Void(hold=made[1])])
    with bench.reading() as store:
        found = store.open_holds([SHELF, BACK])
        same("open holds", [held.id for held in found[SHELF]], [made[0], made[2]])
        same("open holds where there are none", found[BACK], ())
        same("holds that do not exist", set(store.holds([made[0], "unknown"])), {made[0]})


LAWS: tuple[Law, ...] = (
    guard,
    end_state_counts,
    floors,
    expiry_by_time,
    clock_steps_back,
    settled_once,
    late_settle,
    extended,
    facts_land,
    once_by_id,
    sums_to_zero,
    promise_order,
)
