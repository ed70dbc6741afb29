"""What is left when the shop's process is killed at one of its statements, and another takes over?

Run as a program of its own: it prepares a shop on SQLite once, and for every point forks a process that is killed there
(``kill -9``, by itself, in the middle of a statement or of a provider's call) and one that goes on with what is left.
Each point's findings are printed as one line of JSON; ``tests/crash/test_kill.py`` says what they must be.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from omnicore.adapters import sqlite
from omnicore.fulfilment import pack
from omnicore.fulfilment.questions import delivery
from omnicore.host import Host
from omnicore.inventory import availability, reserved
from omnicore.kernel.errors import Conflict, Refused
from omnicore.kernel.ids import CartId, LineId, VariantId
from omnicore.kernel.ledger import HoldState
from omnicore.kernel.store import Database
from omnicore.ordering import Cart, CartLine, QuoteExpired, order_of_cart, read_orders
from omnicore.payments import (
    Answer,
    Authorise,
    Authorised,
    Cancel,
    Cancelled,
    Capture,
    Captured,
    Declined,
    NeedsAction,
    PaymentProvider,
    ProviderName,
    Refund,
    Refunded,
    Tender,
    TenderId,
    TenderMethod,
    amounts_of,
    payment_of,
)
from omnicore.scenarios.checkout import Placed, checkout
from omnicore.scenarios.quote import Quoted, quote
from omnicore.scenarios.ship_from_store import send
from omnicore.testing import SECRET, Clock, Ids
from omnicore.testing.payments import FakeProvider
from omnicore.testing.shop import WEB, open_shop, unit
from tests.scenarios.story import read_holds, tracking

WANTED = {"SHIRT-WHT-M": 2, "TEA-GIFT": 1}
UNITS = {unit("SHIRT-WHT-M"): 2, unit("TEA-SEN-100"): 1, unit("CUP-CEL"): 2}
CART = Cart(
    id=CartId("cart"),
    channel=WEB,
    lines=tuple(
        CartLine(id=LineId(variant), variant=VariantId(variant), quantity=quantity)
        for variant, quantity in WANTED.items()
    ),
)
ORDER = order_of_cart(CART.id)


class Counter:
    """Counts points, and kills this process at one of them (0: at none)."""

    def __init__(self, kill_at: int = 0) -> None:
        self.kill_at = kill_at
        self.passed = 0
        self.calls: list[int] = []

    def __call__(self, *_: object) -> None:
        self.passed += 1
        if self.passed == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def call(self) -> None:
        """Pass a point just before or after a provider's call."""
        self()
        self.calls.append(self.passed)


class Telephone(PaymentProvider):
    """The line to the provider, which may be cut before a call goes out and before its answer is heard.

    ``forgetful`` is the broken control: a line that makes up its own keys, so that nobody recognises a call again.
    """

    def __init__(self, provider: FakeProvider, counter: Counter, *, forgetful: bool) -> None:
        self._provider = provider
        self._counter = counter
        self._forgetful = forgetful

    @contextmanager
    def _line(self, key: str) -> Iterator[str]:
        self._counter.call()
        yield f"{key}/{os.getpid()}" if self._forgetful else key
        self._counter.call()

    def authorise(self, key: str, request: Authorise) -> Authorised | Declined | NeedsAction:
        with self._line(key) as name:
            return self._provider.authorise(name, request)

    def capture(self, key: str, request: Capture) -> Captured | Declined | NeedsAction:
        with self._line(key) as name:
            return self._provider.capture(name, request)

    def refund(self, key: str, request: Refund) -> Refunded | Declined:
        with self._line(key) as name:
            return self._provider.refund(name, request)

    def cancel(self, key: str, request: Cancel) -> Cancelled | Declined:
        with self._line(key) as name:
            return self._provider.cancel(name, request)

    def lookup(self, key: str) -> Answer | None:
        with self._line(key) as name:
            return self._provider.lookup(name)


class Shop:
    """A process of the shop: its database file, the provider's own file, and a clock."""

    def __init__(self, folder: Path, *, ids: str, counter: Counter, forgetful: bool) -> None:
        self.clock = Clock()
        self.provider = FakeProvider(folder / "provider.db", clock=self.clock)
        self.host = Host(
            sqlite.open(folder / "shop.db", synchronous="NORMAL"),
            secret=SECRET,
            clock=self.clock,
            new_id=Ids(ids),
            providers=[Telephone(self.provider, counter, forgetful=forgetful)],
        )

    def close(self) -> None:
        self.host.close()
        self.provider.close()

    def buy(self, quoted: Quoted) -> object:
        tender = Tender(
            id=TenderId("card"), method=TenderMethod.CARD, amount=quoted.gross, provider=ProviderName("fake")
        )
        process = checkout(quote=quoted.quote, shown=quoted.gross, tenders=(tender,))
        return self.host.run(process, command="buy")

    def ship(self) -> None:
        for parcel in self.host.run(delivery(order=ORDER)).parcels:
            self.host.run(pack(parcels=(parcel.id,)), command=f"pack-{parcel.id}")
            self.host.run(send(parcel=parcel.id, tracking=tracking(parcel.id)), command=f"send-{parcel.id}")

    def found(self, before: dict[str, int]) -> list[str]:
        """Say what is not as it must be once everything is bought and sent, exactly once."""
        complaints = self.amiss()
        orders = self.host.run(read_orders(orders=(ORDER,)))
        if not orders:
            return [*complaints, "lost: the order"]
        amounts = amounts_of(self.host.run(payment_of(order=ORDER)))
        allocations = self.host.run(reserved(reservation=ORDER)).allocations
        holds = self.host.run(read_holds(ids=tuple(each.hold for each in allocations)))
        settled: dict[str, int] = {}
        for each in holds:
            settled[each.unit] = settled.get(each.unit, 0) + each.settled
        parcels = self.host.run(delivery(order=ORDER)).parcels
        return complaints + differing(
            ("availability", self.free(), {name: before[name] - steps for name, steps in UNITS.items()}),
            ("shipped steps", settled, UNITS),
            ("open holds", [each.id for each in holds if each.state is HoldState.OPEN], []),
            ("captured", amounts.captured, orders[0].gross),
            ("still set aside", amounts.authorised.minor, 0),
            ("charged by the provider", self.provider.taken_minor(ORDER), orders[0].gross.minor),
            ("calls", self.calls(), ["Authorise"] + ["Capture"] * len(parcels)),
            ("orders placed", self.journal().count("ordering.order_placed.v1"), 1),
        )

    def let_go(self, before: dict[str, int]) -> list[str]:
        """Say what is not as it must be when it was too late to buy: as if nobody had asked."""
        wanted: list[str] = [name for name in self.calls() if name not in {"Authorise", "Cancel"}]
        return self.amiss() + differing(
            ("availability", self.free(), before),
            ("orders", self.host.run(read_orders(orders=(ORDER,))), ()),
            ("calls beside setting aside and letting go", wanted, []),
            ("calls in pairs", self.calls().count("Authorise"), self.calls().count("Cancel")),
        )

    def amiss(self) -> list[str]:
        self.host.work()
        complaints = [f"difference: {each}" for each in self.host.verify().differences]
        complaints += [f"stuck: {run.id}" for run in self.host.stuck()]
        return complaints + [f"doubled: {each.key}" for each in self.provider.doubled()]

    def free(self) -> dict[str, int]:
        return dict(self.host.run(availability(units=tuple(UNITS), channel=WEB)))

    def calls(self) -> list[str]:
        return [type(each.request).__name__ for each in self.provider.exchanges()]

    def journal(self) -> list[str]:
        with cast(Database, self.host._engine.database).reading("main") as store:
            return [row.type for row in store.read(limit=10_000)]


def differing(*rows: tuple[str, object, object]) -> list[str]:
    """Name what is not what it must be."""
    return [f"{name}: {found!r}, not {wanted!r}" for name, found, wanted in rows if found != wanted]


def watched(counter: Counter) -> None:
    """Pass a point before every statement that any connection of this process runs, the provider's own too."""
    connect = sqlite3.connect

    def connecting(*args: object, **settings: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **settings)  # type: ignore[call-overload] # passed on
        connection.set_trace_callback(counter)
        return connection

    sqlite3.connect = connecting  # type: ignore[assignment] # in a process that is about to die


def forked(work: Callable[[], object]) -> str | None:
    """Do work in a process of its own; gives what it returned as JSON, None if it was killed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        status = 1
        try:
            with os.fdopen(write, "w") as answer:
                answer.write(json.dumps(work()))
            status = 0
        except BaseException:  # noqa: BLE001 - a child that lets anything out would go on as the parent
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended):
        assert os.WTERMSIG(ended) == signal.SIGKILL
        return None
    assert ended == 0, "a process of the shop failed"
    return text


class Matrix:
    """Every point of one story, on a shop that was prepared once."""

    def __init__(self, folder: Path, *, forgetful: bool, idle_minutes: int) -> None:
        self.folder = folder
        self.forgetful = forgetful
        self.idle_minutes = idle_minutes
        self.template = folder / "template"
        self.template.mkdir()
        prepared = forked(self.prepare)
        assert prepared is not None
        self.before: dict[str, int] = json.loads(prepared)

    def prepare(self) -> dict[str, int]:
        sqlite.migrate(self.template / "shop.db")
        shop = Shop(self.template, ids="prepare", counter=Counter(), forgetful=False)
        open_shop(shop.host)
        shop.host.work()
        free = shop.free()
        shop.close()
        return free

    def story(self, here: Path, counter: Counter, *, kill_at: int) -> dict[str, object]:
        shop = Shop(here, ids="first", counter=counter, forgetful=self.forgetful)
        quoted = shop.host.run(quote(cart=CART), command="quote")
        shop.close()
        watched(counter)  # the offer stands; from here on the process may be killed
        counter.passed, counter.kill_at, counter.calls = 0, kill_at, []
        shop = Shop(here, ids="second", counter=counter, forgetful=self.forgetful)
        shop.buy(quoted)
        shop.host.work()
        bought = counter.passed
        shop.ship()
        shop.host.work()
        return {"points": counter.passed, "calls": counter.calls, "bought": bought}

    def go_on(self, here: Path, *, idle_minutes: int) -> list[str]:
        """Take over in a new process: the buyer and the clerk ask again with the keys they asked with."""
        shop = Shop(here, ids="later", counter=Counter(), forgetful=self.forgetful)
        try:
            shop.clock.advance(minutes=idle_minutes)
            quoted = shop.host.run(quote(cart=CART), command="quote")
            try:
                placed = shop.buy(quoted)
            except QuoteExpired:
                return shop.let_go(self.before)
            except (Conflict, Refused) as refused:
                return [f"the buyer's own request again: {refused}"]
            shop.ship()
            shop.clock.advance(minutes=10)
            again = differing(("the answer", placed, Placed(order=ORDER, gross=quoted.gross)))
            return again + shop.found(self.before)
        finally:
            shop.close()

    def point(self, kill_at: int) -> dict[str, object]:
        """Kill at a point, take over, and say what was found."""
        here = self.folder / f"{kill_at}"
        shutil.copytree(self.template, here)
        first = forked(lambda: self.story(here, Counter(), kill_at=kill_at))
        found = forked(lambda: self.go_on(here, idle_minutes=self.idle_minutes))
        shutil.rmtree(here)
        assert found is not None, "the process that takes over lives"
        return {
            "point": kill_at,
            "killed": first is None,
            "story": None if first is None else json.loads(first),
            "complaints": json.loads(found),
        }


def main(folder: str, step: str, line: str, idle_minutes: str) -> None:
    """Kill at every ``step``-th statement of the checkout and at all provider calls; print a line for each point.

    Of what follows the checkout, a third as many are tried, or all where all of the checkout's are; 0 tries none.
    """
    matrix = Matrix(Path(folder), forgetful=line == "forgetful", idle_minutes=int(idle_minutes))
    whole = matrix.point(0)
    print(json.dumps(whole), flush=True)  # noqa: T201 - a program's answer
    story = whole["story"]
    assert isinstance(story, dict)
    points = {point for call in story["calls"] for point in (call, call + 1)}
    if int(step):
        points |= set(range(1, story["bought"], int(step)))
        points |= set(range(story["bought"], story["points"] + 1, 1 if step == "1" else 3 * int(step)))
    for kill_at in sorted(points):
        print(json.dumps(matrix.point(kill_at)), flush=True)  # noqa: T201 - a program's answer


if __name__ == "__main__":
    main(*sys.argv[1:])
