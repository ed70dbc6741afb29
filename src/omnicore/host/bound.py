"""How is one shop bound to its database, its providers and whoever acts?"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Self

from omnicore.host import system
from omnicore.host.advance import Providers
from omnicore.host.atonce import awaits
from omnicore.host.engine import Engine, check_key
from omnicore.host.observing import Observation
from omnicore.host.place import Here, Place
from omnicore.host.relaying import Readers
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import SYSTEM, Actor
from omnicore.kernel.following import Follower, Handler
from omnicore.kernel.ids import NewId, checked_id
from omnicore.kernel.process import Process
from omnicore.kernel.relay import Publisher, Relay
from omnicore.kernel.runs import Run, begin
from omnicore.kernel.store import AsyncDatabase, Database
from omnicore.kernel.time import Instant

if TYPE_CHECKING:
    from omnicore.host.asynchronous import Threads

NO_SECRET: Final = b"omnicore: no secret"
"""What a host takes on a database that ends with its process, so that examples and tests need none."""
_SHORTEST_SECRET: Final = 16


class Bound:
    """One shop on one database, acting for somebody: what a host is before it does anything."""

    def __init__(
        self,
        database: Database | AsyncDatabase,
        *,
        shop: str = "main",
        providers: Sequence[object] = (),
        observe: Callable[[Observation], None] | None = None,
        clock: Callable[[], Instant] = system.now,
        new_id: NewId | None = None,
        random_bits: Callable[[int], int] = system.random_bits,
        secret: bytes | None = None,
        lease_seconds: int = 60,
        patience_seconds: int = 5,
        command_days: int = 90,
        relays: Mapping[str, Publisher] | Sequence[Relay] = (),
        inbox_days: int = 30,
    ) -> None:
        """Bind a shop to its database; nothing is opened or written yet.

        Raises: Malformed for a secret of fewer than 16 bytes, or none on a durable database, for a shop that is no id,
            for a lease, a patience, an inbox or a memory for commands of no time, or relays that are not named well.
        """
        _check_counts(lease_seconds=lease_seconds, patience_seconds=patience_seconds, command_days=command_days)
        checked_id(shop, "$.shop")
        asynchronous = awaits(database)
        if asynchronous:
            from omnicore.host.asynchronous import pause  # noqa: PLC0415 - only async hosts pay for asyncio
        else:
            pause = system.sleep
        self._engine = Engine(
            database=database,
            shop=shop,
            clock=clock,
            new_id=new_id or system.new_ids(),
            ticks_micros=system.ticks_micros,
            pause=pause,
            random_bits=random_bits,
            secret=_secret_for(database, secret),
            observe=observe,
            lease_seconds=lease_seconds,
            patience_seconds=patience_seconds,
            command_days=command_days,
        )
        self._synchronous = None if asynchronous else Here(self._engine)
        self._providers = Providers.of(tuple(providers))
        self._readers = Readers.of(relays, inbox_days)
        self._threads: list[Threads] = []
        self.actor: Actor = SYSTEM
        self.purpose: str | None = None

    def acting(self, actor: Actor, *, purpose: str | None = None) -> Self:
        """Give the same host acting for somebody; personal data is read for a stated purpose only.

        Raises: Malformed for anything but an actor.
        """
        if not isinstance(actor, Actor):
            raise Malformed("$.actor", "must be an actor, such as Staff(...)")
        other = copy.copy(self)
        other.actor, other.purpose = actor, purpose
        return other

    def follow(self, name: str, handler: Handler, *, types: tuple[str, ...] = (), batch: int = 100) -> None:
        """Have the worker hand a flow what happened, page by page and each event once: how read models are kept.

        Raises: Malformed for a name that is taken.
        """
        self._readers.follow(Follower(name=name, handler=handler, types=types, batch=batch))

    def _here(self, instead: str) -> Here:
        if self._synchronous is None:
            raise AssertionError(f"the database is an asynchronous one: await {instead}")
        return self._synchronous

    def _beside(self) -> Place:
        """Give the place beside an event loop."""
        from omnicore.host.asynchronous import InThreads, OnLoop  # noqa: PLC0415 - only async hosts pay for asyncio

        beside = OnLoop if self._synchronous is None else InThreads
        return beside(self._engine, self._pool())

    def _pool(self) -> "Threads":
        if not self._threads:
            from omnicore.host.asynchronous import Threads  # noqa: PLC0415 - as above

            self._threads.append(Threads())
        return self._threads[0]

    def _begun(self, process: Process[object], command: str | None, due: Instant | None) -> Run:
        check_process(process, command)
        now = self._engine.clock()
        return begin(
            process,
            id=command or self._engine.new_id(),
            at=now,
            actor=self.actor,
            purpose=self.purpose,
            due=due or now,
        )


def check_process(process: object, command: str | None) -> None:
    """Check that something may be run as a process. An empty key would be none at all, and every try a new process.

    Raises: Malformed.
    """
    if not isinstance(process, Process):
        raise Malformed("$", "must be a flow or a process, made by calling one")
    check_key(command)


def _secret_for(database: Database | AsyncDatabase, secret: bytes | None) -> bytes:
    if secret is None and not getattr(database, "durable", False):
        return NO_SECRET
    if secret is None:
        raise Malformed("$.secret", f"must be given for a database that lasts: {_SHORTEST_SECRET} bytes or more")
    if type(secret) is not bytes or len(secret) < _SHORTEST_SECRET:
        raise Malformed("$.secret", f"must be at least {_SHORTEST_SECRET} bytes")
    return secret


def _check_counts(**counts: object) -> None:
    for name, count in counts.items():
        if type(count) is not int or count < 1:
            raise Malformed(f"$.{name}", "must be a whole number of at least 1")
