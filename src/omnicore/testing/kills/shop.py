"""What does a process of the shop consist of that may be killed: its host, the line to its provider, and a count?"""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from omnicore.host import Host
from omnicore.inventory import availability, reserved
from omnicore.kernel.flow import Given, Staff, holds, question
from omnicore.kernel.ids import OrderId
from omnicore.kernel.ledger import Held, HoldState
from omnicore.kernel.store import Database
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
    Refund,
    Refunded,
)
from omnicore.testing.clock import SECRET, Clock, Ids
from omnicore.testing.lossy import Points
from omnicore.testing.payments import FakeProvider
from omnicore.testing.shop import WEB


@question("kills.holds")
async def read_holds(given: Given, *, ids: tuple[str, ...]) -> tuple[Held, ...]:
    """Read the holds that exist."""
    return tuple((await holds(ids)).values())


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Counter(Points):
    """Counts points, and kills this process at one of them (0: at none)."""

    def __init__(self) -> None:
        """Count from none, and kill at none."""
        super().__init__(error=None, at_point=_die)
        self.calls: list[int] = []
        self.seams: list[int] = []

    def begin(self, kill_at: int) -> None:
        """Count from here on."""
        self.passed = 0
        self.stop_at = kill_at

    def call(self) -> None:
        """Pass a point just before or after a provider's call."""
        self.point()
        self.calls.append(self.passed)

    def seam(self) -> None:
        """Remember that the next point is between two halves of what should be whole."""
        self.seams.append(self.passed + 1)


class Telephone(PaymentProvider):
    """The line to the provider, which may be cut before a call goes out and before its answer is heard.

    ``forgetful`` is the broken control: a line that makes up its own keys, so that nobody recognises a call again.
    """

    def __init__(self, provider: FakeProvider, counter: Counter, *, forgetful: bool) -> None:
        """Lay a line to a provider."""
        self._provider = provider
        self._counter = counter
        self._forgetful = forgetful

    @contextmanager
    def _line(self, key: str) -> Iterator[str]:
        self._counter.call()
        yield f"{key}/{os.getpid()}" if self._forgetful else key
        self._counter.call()

    def authorise(self, key: str, request: Authorise) -> Authorised | Declined | NeedsAction:
        """Set money aside."""
        with self._line(key) as name:
            return self._provider.authorise(name, request)

    def capture(self, key: str, request: Capture) -> Captured | Declined | NeedsAction:
        """Take money."""
        with self._line(key) as name:
            return self._provider.capture(name, request)

    def refund(self, key: str, request: Refund) -> Refunded | Declined:
        """Give money back."""
        with self._line(key) as name:
            return self._provider.refund(name, request)

    def cancel(self, key: str, request: Cancel) -> Cancelled | Declined:
        """Let money go."""
        with self._line(key) as name:
            return self._provider.cancel(name, request)

    def lookup(self, key: str) -> Answer | None:
        """Tell what became of a key."""
        with self._line(key) as name:
            return self._provider.lookup(name)


class Shop:
    """A process of the shop: its database, the provider's own file, and a clock."""

    def __init__(
        self, database: Database, *, shop: str, folder: Path, ids: str, counter: Counter, forgetful: bool = False
    ) -> None:
        """Open the doors; ``ids`` begins the ids of this process, so that no two processes make the same."""
        self.clock: Clock = Clock()
        self.provider: FakeProvider = FakeProvider(folder / f"{shop}.provider", clock=self.clock, on_disk=False)
        self._database, self._shop = database, shop
        self.host: Host = Host(
            database,
            secret=SECRET,
            shop=shop,
            clock=self.clock,
            new_id=Ids(ids),
            providers=[Telephone(self.provider, counter, forgetful=forgetful)],
        )

    @property
    def clerk(self) -> Host:
        """The host as a clerk uses it, for a stated purpose."""
        return self.host.acting(Staff("S1"), purpose="trade")

    def close(self) -> None:
        """Close the doors."""
        self.host.close()
        self.provider.close()

    # What is seen

    def amiss(self) -> list[str]:
        """Let the worker finish, and say what is not as it must be in any shop."""
        self.host.work()
        complaints = [f"difference: {each}" for each in self.host.verify().differences]
        complaints += [f"stuck: {run.id}" for run in self.host.stuck()]
        return complaints + [f"doubled: {each.key}" for each in self.provider.doubled()]

    def free(self, units: Sequence[str]) -> dict[str, int]:
        """Say what may still be promised on the web."""
        return dict(self.host.run(availability(units=tuple(units), channel=WEB)))

    def holds_of(self, order: OrderId) -> tuple[Held, ...]:
        """Give the holds of an order."""
        allocations = self.host.run(reserved(reservation=order)).allocations
        return self.host.run(read_holds(ids=tuple(each.hold for each in allocations)))

    def open_holds(self, order: OrderId) -> list[str]:
        """Name the holds of an order that have not ended."""
        return [each.id for each in self.holds_of(order) if each.state is HoldState.OPEN]

    def calls(self) -> list[str]:
        """Name what the provider was asked for, each thing once for its key."""
        return [type(each.request).__name__ for each in self.provider.exchanges()]

    def happened(self) -> list[str]:
        """Name what the journal tells of, in order."""
        with self._database.reading(self._shop) as store:
            return [row.type for row in store.read(limit=10_000)]


def differing(*rows: tuple[str, object, object]) -> list[str]:
    """Name what is not what it must be: name, what was found, what it must be."""
    return [f"{name}: {found!r}, not {wanted!r}" for name, found, wanted in rows if found != wanted]


def less(before: Mapping[str, int], taken: Mapping[str, int]) -> dict[str, int]:
    """Give how many of each are left."""
    return {name: steps - taken.get(name, 0) for name, steps in before.items()}
