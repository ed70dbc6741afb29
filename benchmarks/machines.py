"""What does a move of a state machine cost, and what does a machine cost each order that is loaded?

The floor moves a named tuple by a dict table and says what happened; ours moves a frozen value by a ``Machine`` and
says it in a frozen event. A machine of ours is a table that everything shares, so loading an order builds none.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from itertools import cycle, islice
from typing import NamedTuple

from attrs import frozen

from benchmarks.peers import peer
from benchmarks.sizes import Sizes
from benchmarks.targets import Measured
from benchmarks.timing import best, in_turns, spread
from omnicore.kernel.machine import Machine

IDS = ("S1", "S2")


class State(StrEnum):
    PLACED = "placed"
    PAID = "paid"
    ALLOCATED = "allocated"
    PICKED = "picked"
    PACKED = "packed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REOPENED = "reopened"
    CLOSED = "closed"


class Move(StrEnum):
    PAY = "pay"
    ALLOCATE = "allocate"
    PICK = "pick"
    PACK = "pack"
    SHIP = "ship"
    DELIVER = "deliver"
    REOPEN = "reopen"
    RETURN = "return"
    CLOSE = "close"


STATES = tuple(State)[:8]
MOVES = tuple(Move)[:8]
ROUND = tuple(zip(STATES, MOVES, (*STATES[1:], STATES[0]), strict=True))
"""Each state with the move that leads to the next, and from the last back to the first."""
MACHINE = Machine(
    "benchmark_order",
    initial=State.PLACED,
    table={
        **{state: {move: target} for state, move, target in ROUND},
        State.DELIVERED: {Move.REOPEN: State.REOPENED, Move.CLOSE: State.CLOSED},
        State.CLOSED: {},
    },
)


@frozen
class Order:
    """An order that is its state."""

    state: State
    version: int


@frozen
class Moved:
    """What happened to it."""

    source: State
    move: Move
    target: State
    version: int


class Row(NamedTuple):
    """The floor's order."""

    state: str
    version: int


class Step(NamedTuple):
    """The floor's event."""

    source: str
    move: str
    target: str
    version: int


@frozen
class Unmoved:
    """The same order with a text for its state, and nothing that knows about states."""

    state: str
    version: int


class Plain:
    """The least an order can be: neither frozen nor equal by value."""

    __slots__ = ("state", "version")

    def __init__(self, state: str, version: int) -> None:
        """Keep the two."""
        self.state = state
        self.version = version


TABLE = {(source.value, move.value): target.value for source, move, target in ROUND}


def by_table(row: Row, move: str) -> tuple[Row, Step]:
    """Move the floor's order; what is impossible is a KeyError."""
    source, version = row
    target = TABLE[source, move]
    return Row(target, version + 1), Step(source, move, target, version + 1)


def by_machine(order: Order, move: Move) -> tuple[Order, Moved]:
    """Move ours; what is impossible is refused by name."""
    target = MACHINE.move(order.state, move)
    version = order.version + 1
    return Order(target, version), Moved(order.state, move, target, version)


def _transitions(count: int) -> tuple[Callable[[], object], Callable[[], object]] | None:
    if (module := peer("transitions")) is None:
        return None
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    rows = [{"trigger": f"do_{move}", "source": source.value, "dest": target.value} for source, move, target in ROUND]
    states = [state.value for state in STATES]

    class Model:
        """What a machine is tied to."""

    def tied() -> object:
        model = Model()
        module.Machine(model, states=states, transitions=rows, initial="placed", auto_transitions=False)
        return model

    kept = tied()
    names = [f"do_{move.value}" for move in MOVES]

    def moved() -> None:
        for name in islice(cycle(names), count - count % len(names)):
            getattr(kept, name)()

    return moved, lambda: [tied() for _ in range(count // 100 or 1)]


def measure(sizes: Sizes, wanted: frozenset[str]) -> Iterator[Measured]:
    """Measure the targets of machines that are wanted."""
    count = sizes.moves - sizes.moves % len(MOVES)
    told = [move.value for move in MOVES]

    def floor() -> None:
        row = Row("placed", 0)
        for move in islice(cycle(told), count):
            row, _ = by_table(row, move)

    def ours() -> None:
        order = Order(State.PLACED, 0)
        for move in islice(cycle(MOVES), count):
            order, _ = by_machine(order, move)

    theirs = _transitions(count)
    if "S1" in wanted:
        yield _measured("S1", {"floor": floor, "ours": ours}, theirs and theirs[0], count, sizes, per_peer=count)
    if "S2" in wanted:
        made: dict[str, Callable[[], object]] = {
            "floor": lambda: [Unmoved("placed", 0) for _ in range(count)],
            "slots": lambda: [Plain("placed", 0) for _ in range(count)],
            "ours": lambda: [Order(State.PLACED, 0) for _ in range(count)],
        }
        yield _measured("S2", made, theirs and theirs[1], count, sizes, per_peer=count // 100 or 1)


def _measured(
    id_: str,
    works: Mapping[str, Callable[[], object]],
    theirs: Callable[[], object] | None,
    count: int,
    sizes: Sizes,
    *,
    per_peer: int,
) -> Measured:
    found = in_turns({**works, **({} if theirs is None else {"transitions": theirs})}, count=count, passes=sizes.tries)
    quickest = best(found)
    peers = {"transitions": quickest["transitions"] * count / per_peer} if theirs else {}
    more: dict[str, object] = {"spread": spread(found["ours"])}
    if "slots" in quickest:
        more["slots_us"] = round(quickest["slots"], 3)
    return Measured(id=id_, floor_us=quickest["floor"], ours_us=quickest["ours"], peers_us=peers, more=more)
