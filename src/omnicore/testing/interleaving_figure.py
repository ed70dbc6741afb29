"""Under every order of two commands' port calls there is, do the promises hold, and how many orders are there?

Flows run on a store that is weaker than any real one: a read sees the latest commit at that very moment, or the state
at the flow's begin. What holds under every schedule here, with any commit or any answer lost, holds on any database.
"""

from collections.abc import Callable, Sequence
from functools import cache

from attrs import frozen

from omnicore.host import Host
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, balances, find, flow, get, holds, write
from omnicore.kernel.ledger import Hold, HoldState, Post, Settle, Void
from omnicore.kernel.store import Writes
from omnicore.testing.bench import CUSTOMER, NOTES, SHELF, SUPPLIER, UNIT, Note
from omnicore.testing.clock import NOON, Clock, Ids
from omnicore.testing.figures import Figure, figure
from omnicore.testing.kit_shop import receive
from omnicore.testing.simulation import Outcome, Pass, Play, View, Weak, interleavings


@flow("world.hold")
async def hold(given: Given, *, id: str, amount: int) -> str:
    """Hold goods, having looked at the shelf, for a minute.

    Raises: Refused where too few are free.
    """
    shelf = (await balances([SHELF]))[SHELF]
    if shelf.available < amount:
        raise Refused(available=shelf.available)
    promise = Hold(
        id=id, unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=amount, expires=given.at.plus(seconds=60)
    )
    await write(Writes(moves=(promise,)))
    return id


@flow("world.ship")
async def ship(given: Given, *, id: str, amount: int) -> str:
    """Settle a hold, having looked at it.

    Raises: Refused where it has ended.
    """
    found = (await holds([id])).get(id)
    if found is None or not found.live(given.at):
        raise Refused(hold=id)
    await write(Writes(moves=(Settle(id=f"ship-{id}", hold=id, amount=amount),)))
    return id


@flow("world.cancel")
async def cancel(given: Given, *, id: str) -> str:
    """Void a hold, having looked at it.

    Raises: Refused where it has ended.
    """
    found = (await holds([id])).get(id)
    if found is None or not found.live(given.at):
        raise Refused(hold=id)
    await write(Writes(moves=(Void(hold=id),)))
    return id


@flow("world.count")
async def count(given: Given, *, found: int) -> int:
    """Count the shelf: what is there is a fact, whatever was promised."""
    there = (await balances([SHELF]))[SHELF].posted
    if found == there:
        return 0
    ends = (SHELF.path, "world/count") if found < there else ("world/count", SHELF.path)
    change = Post(id=given.new_id(), unit=UNIT, source=ends[0], target=ends[1], amount=abs(found - there), fact=True)
    await write(Writes(moves=(change,)))
    return found - there


@flow("world.take_in")
async def take_in(given: Given, *, external: str) -> str:
    """Take an order in, once for its number elsewhere, under an id of our own."""
    known = (await find(NOTES, "code", equal=(external,))).items
    if known:
        return known[0].value.key
    key = given.new_id()
    await get(NOTES, key)
    out = Post(id=f"out-{key}", unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=1)
    await write(Writes(changes=(NOTES.put(Note(key=key, code=external)),), moves=(out,)))
    return key


@flow("world.count_out")
async def count_out(given: Given) -> None:
    """Take one out under an id that is new at every try."""
    await balances([SHELF])
    out = Post(id=given.new_id(), unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=1, fact=True)
    await write(Writes(moves=(out,)))


@flow("world.blind_hold")
async def blind_hold(_given: Given, *, id: str) -> str:
    """Take the last piece without the guard: the broken control.

    Raises: Refused where none was there when it looked.
    """
    if (await balances([SHELF]))[SHELF].available < 1:
        raise Refused(available=0)
    change = Post(id=id, unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=1, fact=True)
    await write(Writes(moves=(change,)))
    return id


def shelf_with(amount: int, *held: int) -> Weak:
    """Prepare a shelf, and holds of a minute on it."""
    return _prepared(amount, held).copied()


@cache
def _prepared(amount: int, held: tuple[int, ...]) -> Weak:
    """Prepare a shelf once, to be copied for each schedule."""
    database = Weak()
    host = Host(database, clock=Clock(), new_id=Ids())
    host.run(receive(amount=amount))
    for number, part in enumerate(held):
        host.run(hold(id=f"h{number}", amount=part))
    return database


@frozen(kw_only=True)
class Race:
    """Commands that meet, and what must be true however they do."""

    name: str
    plays: Sequence[Play | Pass]
    stock: int
    held: tuple[int, ...] = ()
    right: Callable[[Outcome], bool]


def _shelf(outcome: Outcome) -> tuple[int, int]:
    with outcome.database.reading("main") as store:
        row = store.balances([SHELF], outcome.clock())[SHELF]
        return row.posted, row.held - row.lapsed


def _one_end(outcome: Outcome) -> bool:
    with outcome.database.reading("main") as store:
        ended = store.holds(["h0"])["h0"]
    shipped = ended.state is HoldState.SETTLED
    return outcome.succeeded == 1 and _shelf(outcome) == (2 if shipped else 5, 0)


def _never_both(outcome: Outcome) -> bool:
    got, _, shipped = (not isinstance(answer, Refused) for answer in outcome.answers)
    return got + shipped <= 1 and _shelf(outcome)[0] == (0 if shipped else 2)


def _taken_in_once(outcome: Outcome) -> bool:
    with outcome.database.reading("main") as store:
        left = store.balances([SUPPLIER], NOON)[SUPPLIER].posted
    return outcome.answers[0] == outcome.answers[1] and _shelf(outcome) == (4, 0) and left == -5  # noqa: PLR2004 - of five


def _holds(number: int, amount: int) -> tuple[Play, ...]:
    return tuple(Play(flow=hold(id=f"h{each}", amount=amount), command=f"c{each}") for each in range(number))


RACES = (
    *(
        Race(
            name=f"two holds of two on {stock}",
            plays=_holds(2, 2),
            stock=stock,
            right=lambda outcome, stock=stock: outcome.succeeded == stock // 2 and _shelf(outcome)[1] == stock // 2 * 2,  # type: ignore[misc] # bound early
        )
        for stock in (1, 2, 3, 4)
    ),
    Race(
        name="three holds of one on one",
        plays=[Play(flow=hold(id=f"h{each}", amount=1)) for each in range(3)],
        stock=1,
        right=lambda outcome: outcome.succeeded == 1 and _shelf(outcome) == (1, 1),
    ),
    Race(
        name="ship and cancel",
        plays=[Play(flow=ship(id="h0", amount=3), command="c0"), Play(flow=cancel(id="h0"), command="c1")],
        stock=5,
        held=(3,),
        right=_one_end,
    ),
    Race(
        name="ship, hold and the hold's end",
        plays=[Play(flow=hold(id="new", amount=2)), Pass(seconds=61), Play(flow=ship(id="h0", amount=2))],
        stock=2,
        held=(2,),
        right=_never_both,
    ),
    Race(
        name="count and hold",
        plays=[Play(flow=count(found=1), command="c0"), Play(flow=hold(id="h0", amount=3), command="c1")],
        stock=4,
        right=lambda outcome: outcome.answers[0] == -3 and _shelf(outcome)[0] == 1,  # noqa: PLR2004 - one of four
    ),
    Race(
        name="one order taken in twice",
        plays=[Play(flow=take_in(external="A-1")), Play(flow=take_in(external="A-1"))],
        stock=5,
        right=_taken_in_once,
    ),
)
"""What meets in a shop."""

BROKEN = (
    Race(
        name="two that forget the guard",
        plays=[Play(flow=blind_hold(id="a")), Play(flow=blind_hold(id="b"))],
        stock=1,
        right=lambda outcome: outcome.succeeded <= 1,
    ),
    Race(
        name="a command without a key whose answer is lost",
        plays=[Play(flow=count_out())],
        stock=5,
        right=lambda outcome: _shelf(outcome)[0] == 4,  # noqa: PLR2004 - of five
    ),
)
"""What must be caught."""


_PAIR = 2


def played(race: Race, *, faults: int) -> tuple[int, list[str]]:
    """Play a race under every schedule, on either view of the store; gives how many, and those that went wrong."""
    schedules = 0
    wrong: list[str] = []
    for view in View:
        outcomes = interleavings(
            race.plays, prepare=lambda: shelf_with(race.stock, *race.held), view=view, faults=faults
        )
        for outcome in outcomes:
            schedules += 1
            host = Host(outcome.database, clock=outcome.clock)
            if not race.right(outcome) or host.verify().differences:
                wrong.append(f"{race.name}, {view}: {' '.join(outcome.schedule)}")
    return schedules, wrong


def interleaving_figure(*, races: Sequence[Race] = RACES, lossy: bool = True) -> Figure:
    """Play races under every schedule; those of two commands, where ``lossy``, with any commit or answer lost too.

    Controls: a hold without the guard, and a command without a key whose answer is lost.
    """
    schedules = 0
    wrong: list[str] = []
    for race in races:
        small = lossy and len(race.plays) == _PAIR
        for lost in (0, 1) if small else (0,):
            number, found = played(race, faults=lost)
            schedules += number
            wrong += found
    facts: dict[str, int | str] = {"races": len(races), "schedules": schedules, "wrong": len(wrong)}
    if wrong:
        facts["first"] = wrong[0]
    return figure(
        "interleavings",
        holds=not wrong,
        facts=facts,
        caught=[bool(played(race, faults=1)[1]) for race in BROKEN],
    )
