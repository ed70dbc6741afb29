"""What does an order cost over hand-written SQL? Ratios within one run; ``uv run python benchmarks/orders.py``.

Both sides write a three-line order with its stock promised, durably (WAL, synchronous FULL). The floor is the least
anybody could write by hand: an order row, three line rows, three guarded updates and an outbox row in one transaction.
Ours is ``scenarios.import_orders``: the order with its tax, a hold for each line, the parcel, their index rows, events
and the command key, one order a transaction and fifty; then the cart-to-placed checkout with its provider.
"""

import json
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from omnicore.adapters import sqlite
from omnicore.host import Host, Observation
from omnicore.inventory import receive
from omnicore.kernel.ids import CartId, LineId, VariantId
from omnicore.kernel.time import Instant
from omnicore.ordering import Cart, CartLine
from omnicore.parties import Seen, Teller
from omnicore.payments import ProviderName as Provider
from omnicore.payments import Tender, TenderId, TenderMethod
from omnicore.scenarios.checkout import checkout
from omnicore.scenarios.order_import import ToldLine, ToldOrder, import_orders
from omnicore.scenarios.quote import quote
from omnicore.testing.clock import SECRET, Clock
from omnicore.testing.payments import FakeProvider
from omnicore.testing.shop import DC, MARKET, WEB, open_shop, unit

ORDERS = 200
ROUNDS = 3
SKUS = ("SOCKS-GRY", "SOCKS-NVY", "TENU-WAVE")
AT = Instant.parse("2026-01-05T03:00:00Z")

_FLOOR = """
create table stock (sku text primary key, available integer not null check (available >= 0), held integer not null);
create table orders (id integer primary key, number text unique, total integer, placed text, body text);
create table line (id integer primary key, order_id integer, sku text, quantity integer, unit integer, total integer);
create table outbox (id integer primary key, kind text, body text);
"""


def floor(path: Path) -> Callable[[int], None]:
    """Give a function that writes the n-th order by hand."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.executescript(_FLOOR)
    connection.executemany("insert into stock values (?, 1000000000, 0)", [(sku,) for sku in SKUS])

    def place(number: int) -> None:
        connection.execute("begin immediate")
        for sku in SKUS:
            done = connection.execute(
                "update stock set available = available - 2, held = held + 2 where sku = ? and available >= 2", (sku,)
            )
            assert done.rowcount == 1
        connection.execute("insert into orders values (?, ?, 9240, '2026-01-05', 'A B, x, y')", (number, f"N{number}"))
        for at, sku in enumerate(SKUS):
            connection.execute("insert into line values (?, ?, ?, 2, 1540, 3080)", (number * 3 + at, number, sku))
        connection.execute("insert into outbox (kind, body) values ('order.placed', ?)", (f"N{number}",))
        connection.execute("commit")

    return place


def told(number: int) -> ToldOrder:
    """Make the n-th order as a channel would tell it."""
    lines = tuple(
        ToldLine(id=LineId(str(at)), variant=VariantId(sku), units=2, unit_price=1540, total=3080)
        for at, sku in enumerate(SKUS)
    )
    return ToldOrder(
        external_id=f"N{number}",
        placed_at=AT,
        lines=lines,
        seen=Seen(told_at=AT, by=Teller.CHANNEL, basis=f"N{number}"),
    )


def timed(work: Callable[[int], None], count: int, first: int) -> float:
    """Time ``count`` calls; microseconds each."""
    began = perf_counter()
    for number in range(first, first + count):
        work(number)
    return (perf_counter() - began) / count * 1e6


def main() -> int:
    """Measure round by round, so that noise hits all alike; print a table, or JSON lines with ``--json``."""
    statements: Counter[str] = Counter()

    def observe(seen: Observation) -> None:
        statements[seen.flow] = seen.statements

    with tempfile.TemporaryDirectory() as folder:
        place = floor(Path(folder, "floor.db"))
        host = Host(
            sqlite.open(str(Path(folder, "ours.db")), migrate=True),
            secret=SECRET,
            clock=Clock(),
            providers=[FakeProvider()],
            observe=observe,
        )
        open_shop(host)
        host.run(receive(node=DC, units={unit(sku): 10**9 for sku in SKUS}))

        def single(number: int) -> None:
            host.run(import_orders(channel=MARKET, orders=(told(number),)), command=f"N{number}")

        def fifty(number: int) -> None:
            orders = tuple(told(10**6 + number * 50 + at) for at in range(50))
            host.run(import_orders(channel=MARKET, orders=orders), command=f"B{number}")

        def whole(number: int) -> None:
            cart = Cart(
                id=CartId(f"cart-{number}"),
                channel=WEB,
                lines=tuple(
                    CartLine(id=LineId(str(at)), variant=VariantId(sku), quantity=2) for at, sku in enumerate(SKUS)
                ),
            )
            offer = host.run(quote(cart=cart))
            card = Tender(id=TenderId("card"), method=TenderMethod.CARD, amount=offer.gross, provider=Provider("card"))
            host.run(checkout(quote=offer.quote, shown=offer.gross, tenders=(card,)), command=f"C{number}")

        rows: dict[str, list[float]] = {"floor": [], "order": [], "of fifty": [], "checkout": []}
        for turn in range(ROUNDS):
            rows["floor"].append(timed(place, ORDERS, turn * ORDERS))
            rows["order"].append(timed(single, ORDERS, turn * ORDERS))
            rows["of fifty"].append(timed(fifty, 10, turn * 10) / 50)
            rows["checkout"].append(timed(whole, 40, turn * 40))
        assert not host.verify().differences
        host.close()
    base = median(rows["floor"])
    for name, found in rows.items():
        row = {"id": name, "ours_us": round(median(found), 1), "ratio": round(median(found) / base, 2)}
        print(json.dumps(row) if "--json" in sys.argv else f"{name:10} {row['ours_us']:>10} us  {row['ratio']:>6}x")
    counted = {flow: statements[flow] for flow in ("scenarios.import_orders", "scenarios.quote")}
    print(json.dumps(counted) if "--json" in sys.argv else f"statements: {counted}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
