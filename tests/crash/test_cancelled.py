"""What do fifty buyers at once do to an event loop, and what is left of those who close the window?"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from attrs import define, field

from omnicore.adapters import sqlite
from omnicore.host import Host
from omnicore.inventory import availability
from omnicore.kernel.ids import CartId, LineId, VariantId
from omnicore.kernel.process import Process
from omnicore.kernel.runs import RunState
from omnicore.ordering import Cart, CartLine, order_of_cart, read_orders
from omnicore.payments import PaymentProvider, ProviderName, Tender, TenderId, TenderMethod, amounts_of, payment_of
from omnicore.payments.messages import (
    Answer,
    Authorise,
    Authorised,
    Cancel,
    Cancelled,
    Capture,
    Captured,
    Declined,
    NeedsAction,
    Refund,
    Refunded,
)
from omnicore.scenarios.checkout import CheckedOut, Placed, checkout
from omnicore.scenarios.quote import Quoted, quote
from omnicore.testing import SECRET, Clock, Ids, Points, Stopping
from omnicore.testing.payments import FakeProvider
from omnicore.testing.shop import WEB, open_shop, unit

BUYERS = 50
LAG_SECONDS = 0.05
TRIES = 4
SOCKS = unit("SOCKS-GRY")


class Counted(PaymentProvider):
    """A provider whose calls are points at which a buyer may close the window."""

    def __init__(self, provider: FakeProvider, points: Points) -> None:
        self._provider = provider
        self._points = points

    def authorise(self, key: str, request: Authorise) -> Authorised | Declined | NeedsAction:
        self._points.point()
        answer = self._provider.authorise(key, request)
        self._points.point()
        return answer

    def capture(self, key: str, request: Capture) -> Captured | Declined | NeedsAction:
        return self._provider.capture(key, request)

    def refund(self, key: str, request: Refund) -> Refunded | Declined:
        return self._provider.refund(key, request)

    def cancel(self, key: str, request: Cancel) -> Cancelled | Declined:
        return self._provider.cancel(key, request)

    def lookup(self, key: str) -> Answer | None:
        return self._provider.lookup(key)


@define(eq=False)
class Rush:
    """A shop on SQLite with fifty buyers, each with a quote, who all press the button at once."""

    folder: Path
    clock: Clock = field(factory=Clock)
    provider: FakeProvider = field(factory=FakeProvider)
    ids: Ids = field(factory=Ids)
    host: Host = field(init=False)
    quoted: list[Quoted] = field(init=False)
    before: int = field(init=False)
    database: sqlite.Sqlite = field(init=False)
    longest: float = 0.0
    answers: list[object] = field(factory=list)
    points: list[Points] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.database = sqlite.open(self.folder / "shop.db", migrate=True, synchronous="NORMAL")
        self.host = Host(self.database, secret=SECRET, clock=self.clock, new_id=self.ids, providers=[self.provider])
        open_shop(self.host)
        self.quoted = [self.host.run(quote(cart=self.cart(number))) for number in range(BUYERS)]
        self.host.work()
        self.before = self.free()

    @staticmethod
    def cart(number: int) -> Cart:
        line = CartLine(id=LineId("1"), variant=VariantId("SOCKS-GRY"), quantity=1)
        return Cart(id=CartId(f"cart-{number}"), channel=WEB, lines=(line,))

    def buying(self, number: int) -> Process[CheckedOut]:
        """Give what a buyer runs."""
        offered = self.quoted[number]
        card = Tender(
            id=TenderId("card"), method=TenderMethod.CARD, amount=offered.gross, provider=ProviderName("fake")
        )
        return checkout(quote=offered.quote, shown=offered.gross, tenders=(card,))

    def free(self) -> int:
        return self.host.run(availability(units=(SOCKS,), channel=WEB))[SOCKS]

    def buyer(self, points: Points) -> Host:
        """Give the same host to a buyer of whom the points are counted: worker threads are shared."""
        mine = Host(
            Stopping(self.database, points),
            secret=SECRET,
            clock=self.clock,
            new_id=self.ids,
            providers=[Counted(self.provider, points)],
        )
        mine._threads = self.host._threads
        return mine

    async def run(self, cancel_at: Callable[[int], int]) -> None:
        """Let everybody buy; the window of buyer n is closed at their port call ``cancel_at(n)`` (0: never)."""
        self.host._pool()
        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[object]] = []

        def closing(number: int) -> Callable[[], None]:
            def close() -> None:
                loop.call_soon_threadsafe(tasks[number].cancel)
                time.sleep(0.002)  # in the buyer's thread: the loop gets to hear of it before the next port call

            return close

        for number in range(BUYERS):
            points = Points(stop_at=cancel_at(number), error=None, at_point=closing(number))
            self.points.append(points)
            bought = self.buyer(points).arun(self.buying(number), command=f"buy-{number}")
            tasks.append(asyncio.create_task(bought))
        while not all(task.done() for task in tasks):
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.perf_counter() - began - 0.001)
        self.answers = list(await asyncio.gather(*tasks, return_exceptions=True))

    def settled(self) -> int:
        """Let the worker finish what was left, and count the orders; every one has its goods and its money, once."""
        for _ in range(3):
            self.clock.advance(minutes=2)
            self.host.work()
        assert self.host.verify().differences == ()
        assert self.host.stuck() == ()
        assert self.provider.doubled() == ()
        names = tuple(order_of_cart(self.cart(number).id) for number in range(BUYERS))
        placed = {order.id: order for order in self.host.run(read_orders(orders=names))}
        for number, name in enumerate(names):
            run = self.host.look(f"scenarios.checkout/buy-{number}")
            if name not in placed:
                assert run is None, "what was never recorded has never happened"
                continue
            assert run is not None
            assert run.state is RunState.DONE
            assert amounts_of(self.host.run(payment_of(order=name))).authorised == placed[name].gross
        assert self.before - self.free() == len(placed), "no hold is lost and none is left over"
        asked = [exchange.request.order for exchange in self.provider.exchanges()]
        assert sorted(asked) == sorted(placed)
        return len(placed)

    def close(self) -> None:
        self.host.close()
        self.provider.close()


def test_fifty_buyers_never_hold_the_loop_up(tmp_path: Path) -> None:
    """Fifty checkouts at once, one of them cancelled at each port call: the loop is never held up for 50 ms.

    Nothing is lost or doubled by any of them. The machine may be busy with other things, so of a few tries the best
    counts for the lag, and every one for the rest.
    """
    lags = []
    for attempt in range(TRIES):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        rush = Rush(folder)
        asyncio.run(rush.run(lambda number: number + 1))
        reached = [points for points in rush.points if points.passed >= points.stop_at]
        cancelled = [answer for answer in rush.answers if isinstance(answer, asyncio.CancelledError)]
        assert len(reached) > 20, "a checkout has many port calls"
        assert len(cancelled) >= len(reached) - 2, "only a window closed after the last commit has its answer"
        assert all(isinstance(answer, Placed | asyncio.CancelledError) for answer in rush.answers)
        placed = rush.settled()
        assert placed >= sum(isinstance(answer, Placed) for answer in rush.answers)
        again = [rush.host.run(rush.buying(number), command=f"buy-{number}") for number in range(BUYERS)]
        assert all(isinstance(answer, Placed) for answer in again), "who asks again with the same key gets the order"
        assert rush.settled() == BUYERS
        rush.close()
        lags.append(rush.longest)
        if min(lags) < LAG_SECONDS:
            break
    assert min(lags) < LAG_SECONDS


def test_a_lag_is_seen(tmp_path: Path) -> None:
    """A provider that is called in the loop itself holds it up, and the same measure says so."""

    class InTheLoop(FakeProvider):
        async def authorise(self, key: str, request: Authorise) -> Authorised | Declined | NeedsAction:  # type: ignore[override] # awaited by the host
            time.sleep(2 * LAG_SECONDS)  # noqa: ASYNC251 - the broken control
            return FakeProvider.authorise(self, key, request)

    rush = Rush(tmp_path, provider=InTheLoop())

    async def one() -> None:
        task = asyncio.create_task(rush.host.arun(rush.buying(0), command="buy-0"))
        while not task.done():
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            rush.longest = max(rush.longest, time.perf_counter() - began - 0.001)
        assert isinstance(await task, Placed)

    asyncio.run(one())
    assert rush.longest > LAG_SECONDS
    rush.close()


def test_an_application_finishes_what_another_began(tmp_path: Path) -> None:
    """An application whose worker runs beside its requests finishes the checkouts that were only started before it."""
    rush = Rush(tmp_path)
    runs = [rush.host.start(rush.buying(number), command=f"buy-{number}") for number in range(3)]
    rush.host.close()

    async def application() -> list[object]:
        database = sqlite.open(tmp_path / "shop.db", synchronous="NORMAL")
        host = Host(database, secret=SECRET, clock=rush.clock, new_id=Ids("later"), providers=[rush.provider])
        async with host.working(every_seconds=0):
            for _ in range(2000):
                found = [await asyncio.to_thread(host.look, run) for run in runs]
                if all(run is not None and run.state is not RunState.RUNNING for run in found):
                    break
                await asyncio.sleep(0.005)
        asked: list[object] = [await host.arun(rush.buying(number), command=f"buy-{number}") for number in range(3)]
        assert host.verify().differences == ()
        host.close()
        return asked

    answers = asyncio.run(application())
    assert all(isinstance(answer, Placed) for answer in answers)
    assert [exchange.times for exchange in rush.provider.exchanges()] == [1, 1, 1]
    rush.provider.close()
