"""What is the least that anybody could write by hand on PostgreSQL, with psycopg and durably?

An order is one journey: all its statements are sent at once (pipeline mode), and a guard that fails is found in the
answers. ``place_by_turns`` sends them one by one and waits for each, as most hand-written code does. A hold is one
statement that commits by itself.
"""

from collections.abc import Sequence

import psycopg

from benchmarks.floors import FREE, HOLD, SHOP, STOCK, TAKE, TAKEN, order

_HOLD = """
with taken as (
  update stock set available = available - 1, held = held + 1 where sku = %s and available >= 1 returning sku
) insert into hold (sku, quantity, owner) select sku, 1, %s from taken
"""
_HOLD_MANY = "insert into hold (sku, quantity, owner) select %s, 1, %s || ':' || n from generate_series(1, %s) as n"
_LOCK = "select available + held from stock where sku = %s for update"


def _marked(sql: str) -> str:
    return sql.replace("?", "%s")


class PostgresFloor:
    """By hand on PostgreSQL, with ``synchronous_commit = on``."""

    def __init__(self, conninfo: str) -> None:
        """Connect."""
        self._connection = psycopg.connect(conninfo, autocommit=True)
        self._connection.execute("set synchronous_commit = on")

    def create(self, stock: dict[str, int]) -> None:
        """Make the tables and put goods on the shelf."""
        for statement in SHOP:
            self._connection.execute(statement.format(serial="bigserial primary key"))
        with self._connection.cursor() as cursor:
            cursor.executemany(_marked(STOCK), list(stock.items()))

    def place(self, numbers: Sequence[int], skus: Sequence[str]) -> None:
        """Write orders in one journey."""
        cursors = []
        with self._connection.pipeline():
            self._connection.execute("begin")
            for number in numbers:
                cursors += [self._connection.execute(_marked(sql), values) for sql, values in order(number, skus)]
            self._connection.execute("commit")
        if any(cursor.rowcount != 1 for cursor in cursors):
            raise AssertionError("the floor has run out of stock")

    def place_by_turns(self, numbers: Sequence[int], skus: Sequence[str]) -> None:
        """Write orders statement by statement."""
        with self._connection.transaction():
            for number in numbers:
                for sql, values in order(number, skus):
                    if self._connection.execute(_marked(sql), values).rowcount != 1:
                        raise AssertionError("the floor has run out of stock")

    def hold(self, sku: str, owner: str) -> bool:
        """Hold one unit."""
        return self._connection.execute(_HOLD, (sku, owner)).rowcount == 1

    def hold_many(self, sku: str, owner: str, wanted: int) -> int:
        """Hold units in one transaction, all rows by one statement."""
        run = self._connection.execute
        run("begin")
        ((free,),) = run(_marked(FREE) + " for update", (sku,)).fetchall()
        held = min(wanted, int(free))
        if held:
            run(_marked(TAKE), (held, held, sku, held))
            run(_HOLD_MANY, (sku, owner, held))
        run("commit")
        return held

    def hold_by_sum(self, sku: str, owner: str) -> bool:
        """Hold one unit by adding up under the row's lock."""
        run = self._connection.execute
        run("begin")
        there, taken = run(_LOCK, (sku,)).fetchone(), run(_marked(TAKEN), (sku,)).fetchone()
        held = bool(there and taken and taken[0] < there[0])
        if held:
            run(_marked(HOLD), (sku, owner))
            run(_marked(TAKE), (1, 1, sku, 1))
        run("commit" if held else "rollback")
        return held

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()
