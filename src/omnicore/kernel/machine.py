"""Which states can a thing be in, and which moves lead from one to another?

A machine is a table with a row for every state; an empty row is a final state. It is shared by all things it describes:
a thing holds only its state, and a move is two look-ups. The table says what is *possible*; whether a possible move is
*allowed* now (paid in full, window open) is for the context's decisions. Building a machine checks it, so importing a
package is its first test.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from omnicore.kernel.errors import Refused

S = TypeVar("S", bound=StrEnum)
M = TypeVar("M", bound=StrEnum)


class IllegalMove(Refused):
    """The table has no such move from this state; facts: ``machine``, ``state``, ``move``, ``possible``."""

    code = "kernel.illegal_move"


class BrokenMachine(AssertionError):  # noqa: N818 - names the bug
    """A machine's table contradicts itself: a bug in the declaration."""


_MACHINES: "dict[str, Machine[StrEnum, StrEnum]]" = {}


class Machine(Generic[S, M]):
    """A state machine as data: ``table`` maps each state to its moves, and each move to the state it leads to.

    Law: every state has a row, can be reached from ``initial``, and is final or can reach a final state; names are
    unique.

    Raises:
        BrokenMachine: if the table breaks the law.
    """

    __slots__ = ("_table", "initial", "name", "states")

    def __init__(self, name: str, *, initial: S, table: Mapping[S, Mapping[M, S]]) -> None:
        """Check the table and enter the machine into the register."""
        self.name: str = name
        self.initial: S = initial
        self.states: tuple[S, ...] = tuple(type(initial))
        self._table: dict[S, dict[M, S]] = {state: dict(row) for state, row in table.items()}
        self._check()
        if name in _MACHINES:
            raise BrokenMachine(f"two machines are called {name}")
        _MACHINES[name] = self  # type: ignore[assignment]  # the register only reads; reading is safe for any states and moves

    def move(self, state: S, by: M) -> S:
        """Give the state that a move leads to.

        Raises:
            IllegalMove: if the table has no such move.
        """
        row = self._table[state]
        if by in row:
            return row[by]
        possible = tuple(each.value for each in row)
        raise IllegalMove(machine=self.name, state=state.value, move=by.value, possible=possible)

    def moves(self, state: S) -> tuple[M, ...]:
        """Name the moves that are possible from a state, in the order of the table."""
        return tuple(self._table[state])

    def all_moves(self) -> tuple[M, ...]:
        """Name every move of the machine's moves, possible somewhere or not."""
        used = [move for row in self._table.values() for move in row]
        return tuple(type(used[0])) if used else ()

    def final(self, state: S) -> bool:
        """Say whether no move leads out of a state."""
        return not self._table[state]

    def mermaid(self) -> str:
        """Draw the machine as a Mermaid ``stateDiagram-v2``; the same table gives the same text."""
        lines = ["stateDiagram-v2"]
        lines += [
            f'    state "{state.value}" as {_node(state)}' for state in self.states if _node(state) != state.value
        ]
        lines.append(f"    [*] --> {_node(self.initial)}")
        for state, row in self._table.items():
            lines += [f"    {_node(state)} --> {_node(target)}: {move.value}" for move, target in row.items()]
            lines += [] if row else [f"    {_node(state)} --> [*]"]
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        return f"Machine({self.name!r})"

    def _check(self) -> None:
        without_row = [state for state in self.states if state not in self._table]
        strangers = [state for state in self._table if type(state) is not type(self.initial)]
        targets = {state: set(row.values()) for state, row in self._table.items()}
        strangers += [target for row in targets.values() for target in row if target not in self.states]
        self._complain(without_row, "have no row")
        self._complain(strangers, "are not states of this machine")
        self._complain(set(self.states) - _reached({self.initial}, targets), "cannot be reached")
        sources = {state: {other for other in self.states if state in targets[other]} for state in self.states}
        finals = {state for state in self.states if self.final(state)}
        self._complain(set(self.states) - _reached(finals, sources), "cannot reach a final state")
        if len({type(move) for row in self._table.values() for move in row}) > 1:
            raise BrokenMachine(f"machine {self.name}: moves are of several types")

    def _complain(self, states: Iterable[S], complaint: str) -> None:
        names = sorted(str(state) for state in states)
        if names:
            raise BrokenMachine(f"machine {self.name}: {', '.join(names)} {complaint}")


def all_machines() -> "tuple[Machine[StrEnum, StrEnum], ...]":
    """Give every machine built so far, by name; the diagrams and the exhaustive test go through them."""
    return tuple(_MACHINES[name] for name in sorted(_MACHINES))


def _reached(start: set[S], edges: Mapping[S, set[S]]) -> set[S]:
    reached: set[S] = set()
    waiting = set(start)
    while waiting:
        reached |= waiting
        waiting = {target for state in waiting for target in edges[state]} - reached
    return reached


def _node(state: StrEnum) -> str:
    return re.sub(r"\W", "_", state.value)
