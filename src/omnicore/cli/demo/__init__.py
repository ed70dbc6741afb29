"""``omnicore demo``: an omnichannel day on a real database, ending in books that balance."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from omnicore.cli.demo.day import MORNING, Day
from omnicore.cli.demo.desk import Told
from omnicore.cli.demo.reports import (
    SHOWN,
    ChannelMoney,
    Person,
    money_by_channel,
    people,
    readings,
    stock_by_node,
    totals,
)
from omnicore.cli.demo.words import words
from omnicore.cli.opening import CommandFailed, open_database, open_postgres, said, whole_or_gone
from omnicore.cli.place import in_postgres, named
from omnicore.cli.screen import Ink, Screen
from omnicore.cli.secret import secret_of, told_secret
from omnicore.host import Host
from omnicore.inventory import Stock
from omnicore.kernel.flow import Staff
from omnicore.kernel.store import Database, Verified
from omnicore.testing.clock import Clock
from omnicore.testing.payments import FakeProvider
from omnicore.testing.shop import NODES, ZONE

_SECRET = b"a database that is thrown away"
_BAD = frozenset({"refused", "wrong_code", "claim_refused", "at_risk"})


def demo(screen: Screen, *, database: str | None, language: str, as_json: bool) -> int:
    """Play the day and show the evening. Raises: CommandFailed."""
    with tempfile.TemporaryDirectory() as folder, whole_or_gone(database):
        store = _new(str(Path(folder, "demo.db")) if database is None else database)
        try:
            with said(database or "demo"):
                secret = _SECRET if database is None else secret_of(database, store)
                return _play(screen, store, language, secret=secret, as_json=as_json)
        finally:
            store.close()


def _new(where: str) -> Database:
    """Open a new file, or a database in PostgreSQL that holds no shop's rows; its tables are made if need be."""
    if not in_postgres(where):
        if Path(where).exists():
            raise CommandFailed(f"{where}: exists already; the demo begins with a new file")
        return open_database(where, create=True)
    told_secret(where)  # before a table is made
    store = open_postgres(where, make=True)
    try:
        with said(where):
            taken = any(store.shops())
        if taken:
            raise CommandFailed(f"{named(where)}: holds a shop already; the demo begins with an empty database")
    except BaseException:
        store.close()
        raise
    return store


def _play(screen: Screen, store: Database, language: str, *, secret: bytes | None, as_json: bool) -> int:
    clock = Clock(MORNING)
    host = Host(store, clock=clock, providers=[FakeProvider(clock=clock)], secret=secret)
    story: list[Told] = []

    def tell(line: Told) -> None:
        story.append(line)
        if not as_json:
            screen.say(_line(line, language), Ink.BAD if line.key in _BAD else None)

    Day(host, clock, tell).run()
    table = stock_by_node(host)
    money = host.run(money_by_channel())
    who = people(host.acting(Staff("S1"), purpose="demonstration"))
    reads = readings(host)
    verified = host.verify()
    if as_json:
        screen.say(json.dumps(_as_json(story, table, money, who, reads, verified, language), ensure_ascii=False))
    else:
        _show(screen, table, money, who, reads, verified, language)
    return 1 if verified.differences else 0


def _line(line: Told, language: str) -> str:
    facts = {name: f"{value:,}" if isinstance(value, int) else value for name, value in line.facts.items()}
    return f"{line.at.local(ZONE):%m-%d %H:%M}  {words(line.key, language).format(**facts)}"


def _show(
    screen: Screen,
    table: dict[str, dict[str, Stock]],
    money: tuple[ChannelMoney, ...],
    who: Sequence[Person],
    reads: int,
    verified: Verified,
    language: str,
) -> None:
    def head(key: str) -> str:
        return words(key, language)

    screen.head(head("stock"))
    shown = [[sku, *(str(table[sku][node].on_hand) for node in NODES)] for sku in SHOWN]
    others = totals({sku: row for sku, row in table.items() if sku not in SHOWN})
    shown.append([head("rest"), *(f"{others[node]:,}" for node in NODES)])
    screen.table([head("sku"), *NODES], shown, right=(1, 2, 3))

    screen.head(head("money"))
    columns = ["channel", "orders", "agreed", "tax", "captured", "refunded"]
    screen.table(
        [head(name) for name in columns],
        [
            [it.channel, *(f"{value:,}" for value in (it.orders, it.agreed, it.tax, it.captured, it.refunded))]
            for it in money
        ],
        right=(1, 2, 3, 4, 5),
    )

    screen.head(head("who"))
    screen.table(
        [head(name) for name in ("customer", "name", "account", "identities")],
        [
            [
                f"…{each.customer[-8:]}",
                each.name or head("anonymous"),
                f"…{each.account[-8:]}" if each.account else "-",
                ", ".join(each.identities),
            ]
            for each in who
        ],
    )

    screen.head(head("audit"))
    screen.say(head("revealed").format(reads=reads))
    screen.say(head("verified").format(**_counts(verified)), Ink.BAD if verified.differences else Ink.GOOD)


def _counts(verified: Verified) -> dict[str, int]:
    return {
        "documents": verified.documents,
        "entries": verified.entries,
        "holds": verified.holds,
        "events": verified.events,
        "differences": len(verified.differences),
    }


def _as_json(
    story: list[Told],
    table: dict[str, dict[str, Stock]],
    money: tuple[ChannelMoney, ...],
    who: Sequence[Person],
    reads: int,
    verified: Verified,
    language: str,
) -> dict[str, object]:
    return {
        "story": [
            {"at": line.at.iso(), "event": line.key, "facts": dict(line.facts), "text": _line(line, language)}
            for line in story
        ],
        "stock": {
            sku: {node: {"on_hand": at.on_hand, "held": at.held, "available": at.available} for node, at in row.items()}
            for sku, row in table.items()
        },
        "money": [
            {
                "channel": each.channel,
                "orders": each.orders,
                "agreed": each.agreed,
                "tax": each.tax,
                "captured": each.captured,
                "refunded": each.refunded,
            }
            for each in money
        ],
        "who": [
            {
                "customer": each.customer,
                "named": bool(each.name),
                "account": each.account or None,
                "identities": list(each.identities),
            }
            for each in who
        ],
        "personal_readings": reads,
        "verified": _counts(verified),
        "differences": len(verified.differences),
    }
