"""What is the least that anybody could write by hand for the same order, or for the same hold?

An order is its row, a row for each line and for each line's price, a guarded update for each line's stock and a row in
the outbox: eleven statements for three lines, one commit. It has no tax, no reservation, no parcel, no idempotency and
no history of stock. A hold is a guarded update and a row.
"""

import sqlite3
from collections.abc import Sequence

_SHOP = """
create table stock (sku text primary key, available integer not null check (available >= 0), held integer not null);
create table orders (id integer primary key, number text unique, customer text, currency text, total integer,
  status text, placed text, address text);
create table line (id integer primary key, order_id integer, sku text, quantity integer, unit integer, total integer,
  tax text, title text);
create table line_price (id integer primary key, line_id integer, quantity integer, price integer);
create table outbox (id integer primary key, kind text, body text);
create table hold (id integer primary key, sku text not null, quantity integer not null, owner text not null);
create index hold_sku on hold (sku);
"""
_TAKE = "update stock set available = available - ?1, held = held + ?1 where sku = ?2 and available >= ?1"


def create(connection: sqlite3.Connection, stock: dict[str, int]) -> None:
    """Make the tables and put goods on the shelf."""
    connection.executescript(_SHOP)
    connection.executemany("insert into stock values (?, ?, 0)", list(stock.items()))


def place(connection: sqlite3.Connection, first: int, skus: Sequence[str], *, together: int = 1) -> None:
    """Write orders in one transaction, a line for each SKU."""
    connection.execute("begin immediate")
    for number in range(first, first + together):
        for sku in skus:
            assert connection.execute(_TAKE, (2, sku)).rowcount == 1
        total, line = 3080 * len(skus), number * len(skus)
        row = (number, f"N{number}", "C1", "JPY", total, "new", "2026-01-05T03:00:00Z", "A B, x, y, 100-0001 JP")
        connection.execute("insert into orders values (?, ?, ?, ?, ?, ?, ?, ?)", row)
        for nth, sku in enumerate(skus, line):
            values = (nth, number, sku, 2, 1540, 3080, "standard", sku)
            connection.execute("insert into line values (?, ?, ?, ?, ?, ?, ?, ?)", values)
            connection.execute("insert into line_price values (?, ?, 2, 1540)", (nth, nth))
        connection.execute("insert into outbox (kind, body) values ('order.placed', ?)", (f'{{"order":{number}}}',))
    connection.execute("commit")


def hold(connection: sqlite3.Connection, sku: str, owner: str) -> bool:
    """Hold one unit; False when there is none."""
    connection.execute("begin immediate")
    held = connection.execute(_TAKE, (1, sku)).rowcount == 1
    if held:
        connection.execute("insert into hold (sku, quantity, owner) values (?, 1, ?)", (sku, owner))
    connection.execute("commit" if held else "rollback")
    return held


def hold_by_sum(connection: sqlite3.Connection, sku: str, owner: str) -> bool:
    """Hold one unit as the peers do that lock the row and add up what is held: the cost grows with the holds."""
    connection.execute("begin immediate")
    (there,) = connection.execute("select available + held from stock where sku = ?", (sku,)).fetchone()
    (taken,) = connection.execute("select coalesce(sum(quantity), 0) from hold where sku = ?", (sku,)).fetchone()
    held = bool(taken < there)
    if held:
        connection.execute("insert into hold (sku, quantity, owner) values (?, 1, ?)", (sku, owner))
        connection.execute("update stock set available = available - 1, held = held + 1 where sku = ?", (sku,))
    connection.execute("commit" if held else "rollback")
    return held
