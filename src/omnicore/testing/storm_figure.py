"""While processes are killed at random under load, and the database crashes, is anything lost or done twice?

Each buyer's command is sent under one key until it is answered, whoever is killed meanwhile. In the end there are as
many orders as units, each buyer who was told of an order has exactly that one, and stock and journal say the same.
"""

import random  # noqa: TID251 - drawn from a seed, so that a failing run can be run again
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from time import sleep

from attrs import define, field, frozen

from omnicore.host import Host
from omnicore.kernel.errors import Conflict, OmnicoreError, Refused
from omnicore.kernel.records import MAX_PAGE, Cursor, span
from omnicore.kernel.store import Database, Store
from omnicore.testing.bench import NOTES, SHELF
from omnicore.testing.broken_databases import LateCommit
from omnicore.testing.clock import SECRET
from omnicore.testing.crowd import CrowdFailed, processes
from omnicore.testing.figure_flows import buy, stock
from omnicore.testing.figures import Backend, Figure, figure, tried_until

_PAUSE_SECONDS = 0.01


def serve(line: Connection, backend: Backend, shop: str, name: str, buyers: Sequence[int]) -> None:
    """Serve buyers one after the other, telling of each answer; a database that is away is waited for."""
    with closing(Host(_opened(backend), secret=SECRET, shop=shop)) as host:
        for buyer in buyers:
            answer: str | None = None
            while True:
                try:
                    answer = host.run(buy(buyer=f"buyer-{buyer}"), command=f"buy-{buyer}")
                except Conflict:
                    sleep(_PAUSE_SECONDS)
                    continue
                except Refused:
                    answer = None
                break
            line.send((buyer, answer))
    line.send((name, None))


def _opened(backend: Backend) -> Database:
    while True:
        try:
            return backend.open()
        except OmnicoreError:
            sleep(_PAUSE_SECONDS)


@define(eq=False)
class Server:
    """A process that serves its share of the buyers, and takes up again where the killed one stopped."""

    backend: Backend
    shop: str
    number: int
    buyers: list[int]
    lives: int = 0
    done: bool = False
    _line: Connection | None = None
    _process: ForkServerProcess | None = None

    def start(self, answered: dict[int, str | None]) -> None:
        """Serve who has no answer yet."""
        context = processes()
        left = [buyer for buyer in self.buyers if buyer not in answered]
        self.lives += 1
        self._line, theirs = context.Pipe(duplex=False)
        args = (theirs, self.backend, self.shop, f"done-{self.number}", left)
        self._process = context.Process(target=serve, args=args, daemon=True)
        self._process.start()
        theirs.close()

    @property
    def line(self) -> Connection:
        """Where its answers come from."""
        assert self._line is not None
        return self._line

    def heard(self, answered: dict[int, str | None]) -> None:
        """Take one answer.

        Raises: CrowdFailed where nobody has killed it and it is gone.
        """
        try:
            buyer, answer = self.line.recv()
        except (EOFError, OSError):
            raise CrowdFailed("a process that nobody has killed is gone; it said why on stderr") from None
        if isinstance(buyer, str):
            self.done = True
        else:
            answered[buyer] = answer

    def kill(self, answered: dict[int, str | None]) -> None:
        """Kill it, hear what it had said (what was cut off in the middle was not said), and start another."""
        assert self._process is not None
        self._process.kill()
        self._process.join()
        with suppress(EOFError, OSError):
            while self.line.poll():
                buyer, answer = self.line.recv()
                if not isinstance(buyer, str):
                    answered[buyer] = answer
        self.line.close()
        self.start(answered)

    def end(self) -> None:
        """Wait for it."""
        assert self._process is not None
        self._process.join()
        self.line.close()


@frozen(kw_only=True)
class Storm:
    """What a storm left: what buyers were told, and what the books say."""

    told: int
    refused: int
    orders: int
    held: int
    events: int
    lost: int
    doubled: int
    differences: int
    kills: int
    crashes: int = field(default=0)


def storm(
    backend: Backend,
    shop: str,
    *,
    dice: random.Random,
    buyers: int,
    units: int,
    kills: int,
    size: int,
    crash: Callable[[], None] | None = None,
    crashes: int = 0,
) -> Storm:
    """Serve buyers with ``size`` processes while killing them, and the database, at random moments."""
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        host.run(stock(amount=units))
    answered: dict[int, str | None] = {}
    servers = [Server(backend, shop, number, list(range(number, buyers, size))) for number in range(size)]
    # Each blow falls after so many answers, and then at any moment of the next few.
    blows = sorted([(dice.randrange(buyers), "kill") for _ in range(kills)])
    blows = sorted(blows + [(dice.randrange(buyers), "crash") for _ in range(crashes)])
    for server in servers:
        server.start(answered)
    while not all(server.done for server in servers):
        lines = {server.line: server for server in servers if not server.done}
        for line in wait(list(lines), timeout=1):
            assert isinstance(line, Connection)
            lines[line].heard(answered)
        while blows and len(answered) >= blows[0][0]:
            _, blow = blows.pop(0)
            sleep(dice.uniform(0, 0.004))
            if blow == "crash":
                assert crash is not None
                crash()
            elif going := [server for server in servers if not server.done]:
                dice.choice(going).kill(answered)
    for server in servers:
        server.end()
    made = sum(server.lives - 1 for server in servers)
    with closing(Host(backend.open(), secret=SECRET, shop=shop)) as host:
        differences = len(host.verify().differences)
        host.work()
        events = sum(1 for each in host.journal() if each.type == "testing.noted.v1")
    with closing(backend.open()) as database, database.reading(shop) as store:
        return _judged(store, answered, events, differences, made, crashes)


def _judged(
    store: Store, answered: dict[int, str | None], events: int, differences: int, kills: int, crashes: int
) -> Storm:
    told = {buyer: answer for buyer, answer in answered.items() if answer is not None}
    orders: dict[str, list[str]] = {}
    after: Cursor | None = None
    while True:
        page = store.find(span(NOTES.name, "tag", after=after, limit=MAX_PAGE))
        for document in page.documents:
            note = NOTES.read(document).value
            orders.setdefault(note.tags[0], []).append(note.key)
        if (after := page.next) is None:
            break
    return Storm(
        told=len(told),
        refused=len(answered) - len(told),
        orders=sum(map(len, orders.values())),
        held=sum(held.left for held in store.open_holds([SHELF])[SHELF]),
        events=events,
        lost=sum(answer not in orders.get(f"buyer-{buyer}", ()) for buyer, answer in told.items()),
        doubled=sum(len(each) - 1 for each in orders.values()),
        differences=differences,
        kills=kills,
        crashes=crashes,
    )


def storm_figure(
    backend: Backend,
    *,
    seed: int,
    buyers: int = 12_000,
    units: int = 10_000,
    kills: int = 500,
    processes: int = 4,
    crash: Callable[[], None] | None = None,
    crashes: int = 0,
    controls: bool = True,
) -> Figure:
    """Let ``processes`` serve buyers, killing one of them ``kills`` times and the database ``crashes`` times.

    Control: a database that answers before it has committed; who was told of an order must find it gone.
    """
    dice = random.Random(seed)  # noqa: S311 - as the import
    name = f"storm-{seed}"
    seen = storm(
        backend,
        name,
        dice=dice,
        buyers=buyers,
        units=units,
        kills=kills,
        size=processes,
        crash=crash,
        crashes=crashes,
    )
    late = backend.by(LateCommit)

    def caught(number: int) -> bool:
        shop = f"{name}-control-{number}"
        return storm(late, shop, dice=dice, buyers=200, units=400, kills=8, size=processes).lost > 0

    granted = min(buyers, units)
    right = seen.told == seen.orders == seen.held == seen.events == granted
    return figure(
        "random kills",
        holds=right
        and not seen.lost
        and not seen.doubled
        and not seen.differences
        and seen.refused == buyers - granted,
        facts={
            "buyers": buyers,
            "units": units,
            "kills": seen.kills,
            "database crashes": seen.crashes,
            "orders": seen.orders,
            "held": seen.held,
            "events": seen.events,
            "told": seen.told,
            "refused": seen.refused,
            "lost": seen.lost,
            "doubled": seen.doubled,
            "differences": seen.differences,
        },
        caught=[tried_until(caught)] if controls else [],
    )
