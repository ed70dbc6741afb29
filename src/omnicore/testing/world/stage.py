"""On what does the workload act: which host, clock and provider, which dice, and what does it remember?"""

import random  # noqa: TID251 - the world is drawn from a seed, so that a failing run can be run again
from collections import Counter
from typing import Final, TypeVar

from attrs import define, field

from omnicore.fulfilment import Parcel
from omnicore.host import Host, KeyReused
from omnicore.inventory import receive
from omnicore.kernel.errors import Conflict, Refused
from omnicore.kernel.flow import Flow, Shopper, Staff
from omnicore.kernel.ids import CustomerId, LineId, NodeId, OrderId, QuoteId, VariantId
from omnicore.kernel.money import Money
from omnicore.kernel.process import Process
from omnicore.kernel.time import Instant
from omnicore.ordering import Cart
from omnicore.payments import ProviderName
from omnicore.scenarios.order_import import ToldOrder
from omnicore.testing.bench import same
from omnicore.testing.clock import Clock
from omnicore.testing.payments import FakeProvider
from omnicore.testing.shop import GIFT, unit
from omnicore.testing.world.auditor import Auditor

R = TypeVar("R")

CLERK: Final = Staff("S1")
PROVIDER: Final = ProviderName("fake")
HOLD_MINUTES: Final = 30
POPULAR: Final = (
    *("SHIRT-WHT-M", "SOCKS-NVY", "UMB-NVY", "UMB-BEI", "TEA-HOJ-100", "TEA-SEN-100", "CUP-CEL", "POT-KYU-L"),
    GIFT,
)
"""What the world trades in: few enough that buyers, tills and clerks meet at the same shelves."""
SKUS: Final = tuple(unit(name) for name in POPULAR if name != GIFT)
_REMEMBERED: Final = 60
_OFTEN, _SELDOM, _YOUTH = 0.3, 0.005, 5


def made_of(variant: str) -> dict[str, int]:
    """Give what a variant of the shop hands over: steps by unit."""
    return {unit("TEA-SEN-100"): 1, unit("CUP-CEL"): 2} if variant == GIFT else {unit(variant): 1}


@define(kw_only=True, eq=False)
class Basket:
    """A cart on its way to becoming an order: its quote, what is paid for it, and how often that was tried."""

    cart: Cart
    order: OrderId
    quote: QuoteId
    gross: Money
    tries: int = 0
    waits_for: tuple[str, ...] = ()
    """Keys of checkouts that were asked for and not answered."""


@define(kw_only=True, eq=False)
class Stage:
    """One shop with its clerk, its dice, and everything the workload may come back to."""

    host: Host
    clock: Clock
    provider: FakeProvider
    dice: random.Random
    auditor: Auditor
    done: Counter[str] = field(factory=Counter)
    """Commands that were accepted, by name."""
    refused: Counter[str] = field(factory=Counter)
    """Refusals, by code."""
    numbers: int = 0
    once: list[tuple[str, Flow[object], object]] = field(factory=list)
    """Commands with their keys and first answers."""
    quoted: list[Basket] = field(factory=list)
    waiting: list[Basket] = field(factory=list)
    unsure: list[Basket] = field(factory=list)
    placed: list[OrderId] = field(factory=list)
    customers: list[CustomerId] = field(factory=list)
    emails: list[str] = field(factory=list)
    packed: list[Parcel] = field(factory=list)
    sent: list[Parcel] = field(factory=list)
    delivered: list[OrderId] = field(factory=list)
    transfers: list[tuple[str, dict[str, int]]] = field(factory=list)
    imported: list[ToldOrder] = field(factory=list)
    short: list[OrderId] = field(factory=list)

    @property
    def clerk(self) -> Host:
        """The host as the clerk uses it, for a stated purpose."""
        return self.host.acting(CLERK, purpose="trade")

    @property
    def stranger(self) -> Host:
        """The host as somebody uses it who states no purpose."""
        return self.host.acting(Shopper("nobody"))

    @property
    def at(self) -> Instant:
        """What time it is."""
        return self.clock()

    def number(self) -> int:
        """Give a number that was not given before."""
        self.numbers += 1
        return self.numbers

    def chance(self, of: float) -> bool:
        """Throw the dice."""
        return self.dice.random() < of

    def basket(self, *, most: int) -> dict[VariantId, int]:
        """Draw a few variants and how many units of each."""
        names = self.dice.sample(POPULAR, self.dice.randint(1, most))
        return {VariantId(name): self.dice.choice((1, 1, 1, 2, 3)) for name in names}

    def note_lines(self, order: OrderId, lines: dict[LineId, tuple[str, int]], *, revision: int = 0) -> None:
        """Tell the auditor what was asked for in an order: variant and units by line."""
        self.auditor.orders.told_lines[order, revision] = {line: units for line, (_, units) in lines.items()}
        for line, (variant, _) in lines.items():
            self.auditor.variants[order, line] = variant

    def ask(self, what: Flow[R]) -> R:
        """Ask a question that has an answer."""
        return self.clerk.run(what)

    def run(self, what: Flow[R], *, key: bool = False, by: Host | None = None) -> R | None:
        """Run a command or question; None when it was refused. A key is of the world's own making.

        Now and then a refusal is looked into: asked for again it is the same, and has not changed anything.
        """
        name, host = what.definition.name, by or self.clerk
        command = f"once-{self.number()}" if key else None
        try:
            answer = host.run(what, command=command)
        except Refused as refused:
            self.refused[refused.code] += 1
            if self._looks("refusals looked into"):
                self._look_into(what, host, command, refused.code)
            return None
        self.done[name] += 1
        if command is not None:
            self.once = [*self.once[-_REMEMBERED:], (command, what, answer)]
        return answer

    def _looks(self, name: str) -> bool:
        """Say whether to compare the whole shop before and after: often while it is young and that is cheap."""
        if not self.chance(_OFTEN if self.done[name] < _YOUTH else _SELDOM):
            return False
        self.done[name] += 1
        return True

    def _look_into(self, what: Flow[R], host: Host, command: str | None, code: str) -> None:
        before = self.host.verify()
        try:
            host.run(what, command=command)
        except Refused as refused:
            same("the refusal of the same again", refused.code, code)
        else:
            raise AssertionError(f"what was refused as {code} is accepted")
        same(f"what the refusal {code} left behind", self.host.verify(), before)

    def did(self, what: Flow[None], *, key: bool = False) -> bool:
        """Run a command that has no answer; says whether it was accepted."""
        name = what.definition.name
        before = self.done[name]
        self.run(what, key=key)
        return self.done[name] > before

    def carry_on(self, process: Process[R], *, key: str) -> R | None:
        """Run a process under a key; None when it was refused or nobody knows yet what became of it.

        Raises: Conflict for the latter.
        """
        name = process.definition.name
        try:
            answer = self.clerk.run(process, command=key)
        except Refused as refused:
            self.refused[refused.code] += 1
            return None
        except Conflict:
            self.done[f"{name} unanswered"] += 1
            raise
        self.done[name] += 1
        return answer

    # What a client does that got no answer, or repeats itself

    def repeat(self) -> None:
        """Send a command again under its key: the answer is the first one, and nothing happens."""
        if not self.once:
            return
        command, what, first = self.dice.choice(self.once)
        before = self.host.verify() if self._looks("repeats looked into") else None
        same(f"the answer to {command} again", self.clerk.run(what, command=command), first)
        self.done["repeated"] += 1
        if before is not None:
            same(f"what {command} again left behind", self.host.verify(), before)

    def reuse(self) -> None:
        """Send another command under a key that was used: it is refused."""
        if not self.once:
            return
        command, _, _ = self.dice.choice(self.once)
        other = receive(node=NodeId("dc-funabashi"), units={SKUS[0]: 1_000_000 + self.number()})
        try:
            self.clerk.run(other, command=command)
        except KeyReused as refused:
            self.refused[refused.code] += 1
        else:
            raise AssertionError(f"{command} was taken for two requests")

    def pass_time(self) -> None:
        """Let minutes pass, seldom days."""
        if self.chance(0.05):
            self.clock.advance(days=self.dice.randint(1, 12))
        else:
            self.clock.advance(minutes=self.dice.randint(1, 45))

    def work(self) -> None:
        """Let the shop's worker do a round."""
        self.host.work()
