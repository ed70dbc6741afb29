"""How does code that awaits run where nothing ever waits?

Everything in the host that touches a database is written once, as ``async def`` against ``AsyncDatabase``. A
synchronous ``Database`` is wrapped so that each await has its answer at once, and ``completed`` runs such code to its
end without an event loop. Code that really suspends there is a bug and is told so.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TypeGuard, TypeVar

from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Document, Found, Kind, Span
from omnicore.kernel.store import AsyncDatabase, Batch, Command, Database, Store, Verified
from omnicore.kernel.time import Instant
from omnicore.kernel.together import PortCall

R = TypeVar("R")
Checkpoint = Callable[[], None]
"""Called before BEGIN, each port call and COMMIT; what it raises rolls back."""


def completed(work: Coroutine[object, None, R]) -> R:
    """Run to its end, here and now, what only awaits answers that are there already.

    Raises: AssertionError when it suspends; whatever the work raises.
    """
    try:
        work.send(None)
    except StopIteration as stop:
        answer: R = stop.value
        return answer
    work.close()
    raise AssertionError("awaited something that is not there yet, where there is no event loop: use arun")


def awaits(database: Database | AsyncDatabase) -> TypeGuard[AsyncDatabase]:
    """Whether a database is an asynchronous one."""
    return inspect.iscoroutinefunction(database.close)


class AtOnce:
    """A synchronous ``Database`` as an ``AsyncDatabase`` whose every answer is there at once."""

    def __init__(self, database: Database, checkpoint: Checkpoint | None = None) -> None:
        """Wrap a database; ``checkpoint`` may end a transaction at any port call."""
        self._database = database
        self._checkpoint = checkpoint

    def reading(self, shop: str) -> "_Opened":
        """Open one snapshot."""
        return _Opened(self._database.reading(shop), self._checkpoint)

    def writing(self, shop: str, *, serializable: bool = False) -> "_Opened":
        """Open one transaction that may write."""
        return _Opened(self._database.writing(shop, serializable=serializable), self._checkpoint)

    async def shops(self) -> tuple[str, ...]:
        """Name the shops that have rows here."""
        return tuple(self._database.shops())

    async def close(self) -> None:
        """Close the wrapped database."""
        self._database.close()


class _Opened:
    """One transaction, entered and left as the wrapped one is."""

    __slots__ = ("_checkpoint", "_context")

    def __init__(self, context: AbstractContextManager[Store], checkpoint: Checkpoint | None) -> None:
        self._context = context
        self._checkpoint = checkpoint

    async def __aenter__(self) -> "StoreAtOnce":
        if self._checkpoint is not None:
            self._checkpoint()
        return StoreAtOnce(self._context.__enter__(), self._checkpoint)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if self._checkpoint is None or error is not None:
            return self._context.__exit__(kind, error, trace)
        try:
            self._checkpoint()
        except BaseException as stopped:
            self._context.__exit__(type(stopped), stopped, stopped.__traceback__)
            raise
        return self._context.__exit__(None, None, None)


class StoreAtOnce:
    """A synchronous ``Store`` as an ``AsyncStore`` whose every answer is there at once."""

    __slots__ = ("_checkpoint", "_store")

    def __init__(self, store: Store, checkpoint: Checkpoint | None = None) -> None:
        """Wrap a store."""
        self._store = store
        self._checkpoint = checkpoint

    @property
    def statements(self) -> int:
        """How many statements were sent, where the store counts them."""
        return getattr(self._store, "statements", 0)

    def _passed(self) -> Store:
        if self._checkpoint is not None:
            self._checkpoint()
        return self._store

    async def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Pass on."""
        return self._passed().load(kind, keys)

    async def find(self, where: Span) -> Found:
        """Pass on."""
        return self._passed().find(where)

    async def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Pass on."""
        return self._passed().balances(accounts, at)

    async def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Pass on."""
        return self._passed().holds(ids)

    async def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Pass on."""
        return self._passed().open_holds(accounts)

    async def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Pass on."""
        return self._passed().entries(account, after=after, limit=limit)

    async def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Pass on."""
        return self._passed().read(after=after, limit=limit)

    async def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Pass on."""
        return self._passed().commands(keys)

    async def write(self, batch: Batch) -> None:
        """Pass on."""
        self._passed().write(batch)

    @property
    def conclude(self) -> Callable[[Batch], Awaitable[None]] | None:
        """Pass on, where the store can write and commit at once."""
        conclude: Callable[[Batch], None] | None = getattr(self._store, "conclude", None)
        if conclude is None:
            return None

        async def concluding(batch: Batch) -> None:
            self._passed()
            conclude(batch)

        return concluding

    @property
    def together(self) -> Callable[[Sequence[PortCall]], Awaitable[Sequence[object]]] | None:
        """Pass on, where the store can answer several calls at once."""
        together: Callable[[Sequence[PortCall]], Sequence[object]] | None = getattr(self._store, "together", None)
        if together is None:
            return None

        async def asking(calls: Sequence[PortCall]) -> Sequence[object]:
            self._passed()
            return together(calls)

        return asking

    async def number(self, limit: int) -> int:
        """Pass on."""
        return self._passed().number(limit)

    async def forget(self, before: Instant, limit: int) -> int:
        """Pass on."""
        return self._passed().forget(before, limit)

    async def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Pass on."""
        return self._passed().verify(kinds)
