"""Where do the rows of ``Memory`` lie, and how is a change to them undone?"""

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import TypeVar

from attrs import define, field

from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Document, IndexRow
from omnicore.kernel.store import Command

K = TypeVar("K")
V = TypeVar("V")
Undo = Callable[[], None]


@define(eq=False)
class Shop:
    """One shop's rows. ``sorted`` keeps each index in order: (sort, key)."""

    documents: dict[tuple[str, str], Document] = field(factory=dict)
    rows: dict[tuple[str, str], tuple[IndexRow, ...]] = field(factory=dict)
    sorted: dict[tuple[str, str], list[tuple[bytes, str]]] = field(factory=dict)
    balances: dict[Account, Balance] = field(factory=dict)
    holds: dict[str, Held] = field(factory=dict)
    open: dict[Account, dict[str, None]] = field(factory=dict)
    entries: dict[str, Entry] = field(factory=dict)
    touching: dict[Account, dict[str, None]] = field(factory=dict)
    journal: dict[str, Envelope] = field(factory=dict)
    unnumbered: dict[str, None] = field(factory=dict)
    unnumbered_entries: dict[str, None] = field(factory=dict)
    numbered: list[str] = field(factory=list)
    position: int = 0
    chain: str = ""
    commands: dict[str, Command] = field(factory=dict)

    def kept(self) -> bool:
        """Whether there is any row."""
        return bool(self.documents or self.balances or self.entries or self.journal or self.commands)


class Rows:
    """One shop's rows in one transaction: every change leaves behind how to undo it."""

    def __init__(self, shop: Shop, *, writable: bool) -> None:
        """See a shop; ``writable`` says whether ``write`` and ``number`` are allowed."""
        self._shop = shop
        self._writable = writable
        self._undo: list[Undo] = []

    def rollback(self) -> None:
        """Undo every change made through this store, newest first."""
        while self._undo:
            self._undo.pop()()

    def _set(self, rows: dict[K, V], key: K, value: V) -> None:
        if key in rows:
            old = rows[key]
            self._undo.append(lambda: rows.__setitem__(key, old))
        else:
            self._undo.append(lambda: rows.__delitem__(key))
        rows[key] = value

    def _unset(self, rows: dict[K, V], key: K) -> None:
        if key in rows:
            old = rows.pop(key)
            self._undo.append(lambda: rows.__setitem__(key, old))

    def _member(self, rows: dict[str, None], key: str, *, present: bool) -> None:
        if present:
            self._set(rows, key, None)
        else:
            self._unset(rows, key)

    def _sort(self, index: list[tuple[bytes, str]], row: tuple[bytes, str]) -> None:
        insort(index, row)
        self._undo.append(lambda: index.remove(row))

    def _unsort(self, place: tuple[str, str], row: tuple[bytes, str]) -> None:
        index = self._shop.sorted[place]
        index.pop(bisect_left(index, row))
        self._undo.append(lambda: insort(index, row))
