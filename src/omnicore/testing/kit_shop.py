"""Which business does the host kit do? A shelf, a till outside, orders as notes: a shop that can just go wrong."""

from typing import Protocol

from attrs import define, field

from omnicore.host import Host, Observation
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, balances, flow, get, holds, question, write
from omnicore.kernel.ledger import Hold, Post, Settle
from omnicore.kernel.process import call, process, step
from omnicore.kernel.store import Database, Writes
from omnicore.testing.bench import CUSTOMER, NOTES, SHELF, SUPPLIER, UNIT, Bench, Note, Noted, same
from omnicore.testing.clock import SECRET, Clock, Ids
from omnicore.testing.lossy import Points
from omnicore.testing.ways import Way

STEP = {"name": "reserve"}
"""What the first step of ``checkout`` is called; changing it stands for code changed under a running process."""


@flow("testing.receive")
async def receive(given: Given, *, amount: int) -> int:
    """Put goods on the shelf."""
    goods = Post(id=given.new_id(), unit=UNIT, source=SUPPLIER.path, target=SHELF.path, amount=amount, fact=True)
    await write(Writes(moves=(goods,)))
    return amount


@flow("testing.reserve")
async def reserve(given: Given, *, hold: str, amount: int) -> str:
    """Hold goods on the shelf.

    Raises: Refused where too few are free.
    """
    shelf = (await balances([SHELF]))[SHELF]
    if shelf.available < amount:
        raise Refused(available=shelf.available)
    promise = Hold(id=hold, unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=amount)
    await write(Writes(moves=(promise,)))
    return hold


@flow("testing.sell")
async def sell(given: Given, *, order: str, amount: int) -> str:
    """Take goods from the shelf under an id that is new at every try, so that doing it twice would show.

    Raises: Refused where too few are free.
    """
    shelf = (await balances([SHELF]))[SHELF]
    if shelf.available < amount:
        raise Refused(available=shelf.available)
    out = Post(id=given.new_id(), unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=amount)
    await write(Writes(moves=(out,), events=(Noted(about="sale", text=order),)))
    return order


@flow("testing.place")
async def place(given: Given, *, order: str, hold: str | None, paid: str) -> str:
    """Write an order, once for its business key, and ship what is held for it."""
    if await get(NOTES, order) is not None:
        raise Refused(order=order)
    note = Note(key=order, code=order, tags=(paid,))
    held = (await holds([hold])).get(hold) if hold else None
    moves = (Settle(id=given.new_id(), hold=held.id, amount=held.amount),) if held else ()
    await write(Writes(changes=(NOTES.put(note),), moves=moves, events=(Noted(about=order),)))
    return order


@question("testing.free")
async def free(given: Given) -> int:
    """Say how much may still be promised."""
    return (await balances([SHELF]))[SHELF].available


class Till(Protocol):
    """Takes money, outside; idempotent by key."""

    def charge(self, key: str, amount: int) -> str:
        """Take money; gives a reference."""
        ...

    def tell(self, key: str, order: str) -> None:
        """Tell the buyer."""
        ...

    def lookup(self, key: str) -> str | None:
        """Give the reference of a charge that was made under a key."""
        ...


@process("testing.checkout")
async def checkout(given: Given, *, order: str, amount: int, price: int) -> str:
    """Hold, charge, place, tell."""
    hold = await step(STEP["name"], reserve(hold=given.new_id(), amount=amount))
    paid = await call("charge", Till.charge, price)
    placed = await step("place", place(order=order, hold=hold, paid=paid))
    await call("tell", Till.tell, placed)
    return placed


@process("testing.deposit")
async def deposit(given: Given, *, order: str, price: int) -> str:
    """Charge first, then place: a process that begins outside."""
    paid = await call("charge", Till.charge, price)
    return await step("place", place(order=order, hold=None, paid=paid))


@process("testing.backorder")
async def backorder(given: Given, *, order: str, amount: int, price: int) -> str:
    """Hold what is there, or else charge for what is to come: a process that goes another way after a refusal."""
    try:
        hold: str | None = await step("reserve", reserve(hold=given.new_id(), amount=amount))
    except Refused:
        hold = None
    paid = await call("charge", Till.charge, price)
    return await step("place", place(order=order, hold=hold, paid=paid))


@define(eq=False)
class FakeTill(Till):
    """A till that remembers; it may be down, refuse, or lose its answers."""

    points: Points = field(factory=Points)
    charges: dict[str, int] = field(factory=dict)
    told: dict[str, str] = field(factory=dict)
    charged: int = 0
    looked_up: int = 0
    down: bool = False
    refusing: bool = False
    answers_lost: int = 0

    def charge(self, key: str, amount: int) -> str:
        """Take money once for each key."""
        self.points.point()
        self.charged += 1
        if self.down:
            raise TimeoutError
        if self.refusing:
            raise Refused("declined")
        same("the amount charged under one key", self.charges.setdefault(key, amount), amount)
        if self.answers_lost:
            self.answers_lost -= 1
            raise TimeoutError
        self.points.point()
        return f"paid {key}"

    def tell(self, key: str, order: str) -> None:
        """Tell the buyer once for each key."""
        self.points.point()
        self.told[key] = order
        self.points.point()

    def lookup(self, key: str) -> str | None:
        """Look a charge up."""
        self.looked_up += 1
        return f"paid {key}" if key in self.charges else None


@define(eq=False, kw_only=True)
class HostBench:
    """One shop with five on the shelf, its till, its clock and what ``observe`` was told."""

    way: Way
    shop: str
    database: Database
    clock: Clock = field(factory=Clock)
    till: FakeTill = field(factory=FakeTill)
    ids: Ids = field(factory=Ids)
    told: list[Observation] = field(factory=list)

    def _settings(self) -> dict[str, object]:
        return {
            "shop": self.shop,
            "providers": [self.till],
            "clock": self.clock,
            "new_id": self.ids,
            "observe": self.told.append,
            "secret": SECRET,
        }

    def host(self) -> Host:
        """Make a host on the database."""
        return self.way.host(self.database, **self._settings())

    def stopping(self, points: Points) -> Host:
        """Make a host that may be stopped at any begin, port call and commit."""
        return self.way.stopping(self.database, points, **self._settings())

    def lossy(self, *, answers_lost: int = 0, commits_lost: int = 0) -> Host:
        """Make a host whose commits, or the answers to them, are lost at first."""
        return self.way.lossy(self.database, answers_lost=answers_lost, commits_lost=commits_lost, **self._settings())

    def next_shop(self, name: str) -> "HostBench":
        """Go on in an empty shop beside this one."""
        return HostBench(way=self.way, shop=f"{self.shop}-{name}", database=self.database)

    def bench(self) -> Bench:
        """Look at the shop through its store."""
        return Bench(database=self.database, shop=self.shop, at=self.clock())

    def settle_down(self, host: Host) -> None:
        """Let time pass and the worker work until nothing is due."""
        for _ in range(4):
            self.clock.advance(minutes=10)
            host.work()
