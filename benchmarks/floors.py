"""What is the least that anybody could write by hand for the same order, or for the same hold?

An order is its row, a row for each line and for each line's price, a guarded update for each line's stock and a row in
the outbox: eleven statements for three lines, one commit. It has no tax, no reservation, no parcel, no idempotency and
no history of stock. A hold is a guarded update and a row. Statements are written with ``?``; a driver has its own mark.
"""

import sqlite3
from collections.abc import Sequence
from typing import Protocol

SHOP = (
    """create table stock (sku text primary key, available bigint not null check (available >= 0),
  held bigint not null)""",
    """create table orders (id bigint primary key, number text unique, customer text, currency text, total bigint,
  status text, placed text, address text)""",
    """create table line (id bigint primary key, order_id bigint, sku text, quantity bigint, unit bigint, total bigint,
  tax text, title text)""",
    "create table line_price (id bigint primary key, line_id bigint, quantity bigint, price bigint)",
    "create table outbox (id bigint primary key, kind text, body text)",
    "create table hold (id {serial}, sku text not null, quantity bigint not null, owner text not null)",
    "create index hold_sku on hold (sku)",
)
STOCK = "insert into stock values (?, ?, 0)"
TAKE = "update stock set available = available - ?, held = held + ? where sku = ? and available >= ?"
ORDER = "insert into orders values (?, ?, ?, ?, ?, ?, ?, ?)"
LINE = "insert into line values (?, ?, ?, ?, ?, ?, ?, ?)"
PRICE = "insert into line_price values (?, ?, ?, ?)"
EVENT = "insert into outbox values (?, ?, ?)"
HOLD = "insert into hold (sku, quantity, owner) values (?, 1, ?)"
FREE = "select available from stock where sku = ?"
THERE = "select available + held from stock where sku = ?"
TAKEN = "select coalesce(sum(quantity), 0) from hold where sku = ?"

Statement = tuple[str, tuple[str | int, ...]]


def order(number: int, skus: Sequence[str]) -> list[Statement]:
    """Give the statements of one order; the first, a guarded update for each line, must each change a row."""
    first = number * len(skus)
    when, where = "2026-01-05T03:00:00Z", "A B, x, y, 100-0001 JP"
    statements: list[Statement] = [(TAKE, (2, 2, sku, 2)) for sku in skus]
    statements.append((ORDER, (number, f"N{number}", "C1", "JPY", 3080 * len(skus), "new", when, where)))
    for nth, sku in enumerate(skus, first):
        statements.append((LINE, (nth, number, sku, 2, 1540, 3080, "standard", sku)))
        statements.append((PRICE, (nth, nth, 2, 1540)))
    statements.append((EVENT, (number, "order.placed", f'{{"order":{number}}}')))
    return statements


class Floor(Protocol):
    """A connection on which orders and holds are written by hand."""

    def create(self, stock: dict[str, int]) -> None:
        """Make the tables and put goods on the shelf."""
        ...

    def place(self, numbers: Sequence[int], skus: Sequence[str]) -> None:
        """Write orders in one transaction, a line for each SKU, as quickly as this database can be written."""
        ...

    def hold(self, sku: str, owner: str) -> bool:
        """Hold one unit; False when there is none."""
        ...

    def hold_many(self, sku: str, owner: str, wanted: int) -> int:
        """Hold so many units for one each, in one transaction, or as many as there are; how many."""
        ...

    def hold_by_sum(self, sku: str, owner: str) -> bool:
        """Hold one unit as those do who lock the row and add up what is held: the cost grows with the holds."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class SqliteFloor:
    """By hand on SQLite, in WAL mode."""

    def __init__(self, place: str, *, synchronous: str, patience_ms: int) -> None:
        """Open the file."""
        self._connection = sqlite3.connect(place, isolation_level=None, timeout=patience_ms / 1000)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute(f"pragma synchronous = {synchronous}")

    def create(self, stock: dict[str, int]) -> None:
        """Make the tables and put goods on the shelf."""
        for statement in SHOP:
            text = statement.format(serial="integer primary key").replace("bigint primary", "integer primary")
            self._connection.execute(text)
        self._connection.executemany(STOCK, list(stock.items()))

    def place(self, numbers: Sequence[int], skus: Sequence[str]) -> None:
        """Write orders in one transaction."""
        run = self._connection.execute
        run("begin immediate")
        for number in numbers:
            for sql, values in order(number, skus):
                if run(sql, values).rowcount != 1:
                    raise AssertionError("the floor has run out of stock")
        run("commit")

    def hold(self, sku: str, owner: str) -> bool:
        """Hold one unit."""
        run = self._connection.execute
        run("begin immediate")
        held = run(TAKE, (1, 1, sku, 1)).rowcount == 1
        if held:
            run(HOLD, (sku, owner))
        run("commit" if held else "rollback")
        return held

    def hold_many(self, sku: str, owner: str, wanted: int) -> int:
        """Hold units in one transaction."""
        run = self._connection.execute
        run("begin immediate")
        ((free,),) = run(FREE, (sku,)).fetchall()
        held = min(wanted, int(free))
        if held:
            run(TAKE, (held, held, sku, held))
            self._connection.executemany(HOLD, [(sku, f"{owner}:{nth}") for nth in range(held)])
        run("commit")
        return held

    def hold_by_sum(self, sku: str, owner: str) -> bool:
        """Hold one unit by adding up."""
        run = self._connection.execute
        run("begin immediate")
        (there,), (taken,) = run(THERE, (sku,)).fetchone(), run(TAKEN, (sku,)).fetchone()
        held = bool(taken < there)
        if held:
            run(HOLD, (sku, owner))
            run(TAKE, (1, 1, sku, 1))
        run("commit" if held else "rollback")
        return held

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()
