"""How is an asynchronous database judged by laws that are written for a synchronous one?

An event loop runs in a thread of its own. ``Bridged`` shows a database that lives there as a synchronous one: each
transaction is one task of the loop, opened, used and ended in it as a host does; threads that use it at once are tasks
that run at once. One set of laws judges both sorts.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TypeVar, cast

from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Document, Found, Kind, Span
from omnicore.kernel.store import AsyncDatabase, AsyncStore, Batch, Command, Store, Verified
from omnicore.kernel.time import Instant

R = TypeVar("R")
_PATIENCE_SECONDS = 60
_Asked = tuple[Callable[[AsyncStore], Awaitable[object]], Future[object]]


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        """Start it."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="omnicore-loop", daemon=True)
        self._thread.start()

    def begin(self, work: Coroutine[object, object, R]) -> Future[R]:
        """Begin a task."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[object, object, R]) -> R:
        """Run a task to its end."""
        return self.begin(work).result(_PATIENCE_SECONDS)

    def tell(self, work: Callable[[], object]) -> None:
        """Have something done in the loop's thread, soon."""
        self._loop.call_soon_threadsafe(work)

    def close(self) -> None:
        """Stop it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_SECONDS)
        self._loop.close()


class Bridged:
    """An ``AsyncDatabase`` that lives in a loop, as a ``Database``."""

    def __init__(self, database: AsyncDatabase, loop: Loop) -> None:
        """Bridge to a database that was made in the loop."""
        self.database = database
        self._loop = loop

    def reading(self, shop: str) -> "_Transaction":
        """Open one snapshot."""
        return _Transaction(lambda: self.database.reading(shop), self._loop)

    def writing(self, shop: str, *, serializable: bool = False) -> "_Transaction":
        """Open one transaction that may write."""
        return _Transaction(lambda: self.database.writing(shop, serializable=serializable), self._loop)

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        return iter(self._loop.run(self.database.shops()))

    def close(self) -> None:
        """Close the database."""
        self._loop.run(self.database.close())


class _Transaction:
    """One transaction, which one task of the loop opens, serves and ends."""

    def __init__(self, opened: Callable[[], AbstractAsyncContextManager[AsyncStore]], loop: Loop) -> None:
        self._opened = opened
        self._loop = loop
        self._calls: asyncio.Queue[_Asked | BaseException | None] = asyncio.Queue()

    async def _serve(self, ready: Future[None]) -> None:
        try:
            async with self._opened() as store:
                ready.set_result(None)
                while (asked := await self._calls.get()) is not None:
                    if isinstance(asked, BaseException):
                        raise asked
                    work, answer = asked
                    try:
                        answer.set_result(await work(store))
                    except BaseException as error:  # noqa: BLE001 - it is the caller's, who decides whether to go on
                        answer.set_exception(error)
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    def _ask(self, work: Callable[[AsyncStore], Awaitable[object]]) -> object:
        answer: Future[object] = Future()
        self._loop.tell(lambda: self._calls.put_nowait((work, answer)))
        return answer.result(_PATIENCE_SECONDS)

    def __enter__(self) -> Store:
        ready: Future[None] = Future()
        self._task = self._loop.begin(self._serve(ready))
        ready.result(_PATIENCE_SECONDS)
        return _BridgedStore(self._ask)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.tell(lambda: self._calls.put_nowait(error))
        try:
            self._task.result(_PATIENCE_SECONDS)
        except BaseException as ended:
            if ended is not error:
                raise


class _BridgedStore:
    """The store of a transaction that lives in a loop."""

    def __init__(self, ask: Callable[[Callable[[AsyncStore], Awaitable[object]]], object]) -> None:
        self._ask = ask

    def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        return cast(dict[str, Document], self._ask(lambda store: store.load(kind, keys)))

    def find(self, where: Span) -> Found:
        return cast(Found, self._ask(lambda store: store.find(where)))

    def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        return cast(dict[Account, Balance], self._ask(lambda store: store.balances(accounts, at)))

    def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        return cast(dict[str, Held], self._ask(lambda store: store.holds(ids)))

    def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        return cast(dict[Account, tuple[Held, ...]], self._ask(lambda store: store.open_holds(accounts)))

    def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        return cast(tuple[Entry, ...], self._ask(lambda store: store.entries(account, after=after, limit=limit)))

    def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        return cast(tuple[Envelope, ...], self._ask(lambda store: store.read(after=after, limit=limit)))

    def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        return cast(dict[str, Command], self._ask(lambda store: store.commands(keys)))

    def write(self, batch: Batch) -> None:
        self._ask(lambda store: store.write(batch))

    def number(self, limit: int) -> int:
        return cast(int, self._ask(lambda store: store.number(limit)))

    def forget(self, before: Instant, limit: int) -> int:
        return cast(int, self._ask(lambda store: store.forget(before, limit)))

    def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        return cast(Verified, self._ask(lambda store: store.verify(kinds)))
