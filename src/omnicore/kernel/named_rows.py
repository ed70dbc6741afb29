"""Which rows does a batch of moves name, and in which order are they locked? An adapter loads them first."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import assert_never

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ledger import Account, Extend, Floor, Held, Hold, Move, Post, Rest, Settle, Void


def named_holds(moves: Iterable[Move]) -> list[str]:
    """Give the ids of the holds that moves create or end, sorted: what an adapter must load first."""
    named = {move.id for move in moves if isinstance(move, Hold)}
    named |= {move.hold for move in moves if isinstance(move, Settle | Void | Extend)}
    return sorted(named)


def named_entries(moves: Iterable[Move]) -> list[str]:
    """Give the ids of the entries that moves would make, sorted: those an adapter finds are skipped as repeats."""
    return sorted({move.id for move in moves if isinstance(move, Post | Settle)})


def named_accounts(moves: Iterable[Move], holds: Mapping[str, Held]) -> list[Account]:
    """Give the guarded accounts that moves touch, in the one global order (unit, path) in which rows are locked.

    ``holds`` are the rows found for ``named_holds``; a move on an unknown hold is left for ``record`` to refuse.
    """
    found: set[Account] = set()
    for move in moves:
        match move:
            case Post() | Hold():
                found.add(Account(move.unit, move.source))
                found.add(Account(move.unit, move.target))
            case Floor():
                found.add(Account(move.unit, move.path))
            case Settle() | Void() | Extend():
                if (held := holds.get(move.hold)) is not None:
                    found.add(held.account)
                    found.add(Account(held.unit, held.target))
            case _:
                assert_never(move)
    return sorted(account for account in found if account.guarded)


_PHASE: Mapping[type[Move], int] = {Hold: 1, Extend: 2, Post: 3, Settle: 3, Void: 5}


def ordered_moves(moves: Iterable[Move]) -> list[Move]:
    """Give moves in the one order in which they are recorded, so that of several complaints the same one is made.

    Raises: Malformed when one id stands for two moves of the batch, or one account gets two floors.
    """
    keyed = sorted(((_order(move), move) for move in moves), key=lambda row: row[0])
    for (name, move), (next_name, next_move) in pairwise(keyed):
        if name == next_name and move != next_move:
            raise Malformed("$.moves", "one id, or one account's floor, is given twice and differently")
    return [move for _, move in keyed]


def _order(move: Move) -> tuple[int, str]:
    match move:
        case Floor():
            return 0, str(Account(move.unit, move.path))
        case Void() | Extend():
            return _PHASE[type(move)], move.hold
        case Settle(rest=Rest.RELEASE):
            return 4, move.id  # what releases the rest of a hold comes after every settle that still needs it
        case _:
            return _PHASE[type(move)], move.id
