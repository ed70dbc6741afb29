"""What if the machine stops, or the answer is lost, at exactly this point? Wrappers round any database."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from attrs import define

from omnicore.kernel.errors import Conflict, InDoubt
from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Document, Found, Kind, Span
from omnicore.kernel.store import Batch, Command, Database, Store, Verified
from omnicore.kernel.time import Instant


class Stopped(BaseException):
    """The process was killed here, as by kill -9: nothing catches it and nothing tidies up."""


@define(eq=False)
class Points:
    """Counts the points at which a process may be stopped, and fails at one of them (0: at none).

    ``error`` makes what is raised there; ``at_point`` is called there first.
    """

    stop_at: int = 0
    error: Callable[[], BaseException] | None = Stopped
    at_point: Callable[[], None] | None = None
    passed: int = 0

    def point(self) -> None:
        """Pass a point, or fail there.

        Raises: Stopped, or what ``error`` makes.
        """
        self.passed += 1
        if self.passed == self.stop_at:
            if self.at_point is not None:
                self.at_point()
            if self.error is not None:
                raise self.error()


class Lossy:
    """A ``Database`` that commits, and then for the first so many writes says that it does not know."""

    def __init__(self, database: Database, *, answers_lost: int = 0, commits_lost: int = 0) -> None:
        """Wrap a database; ``commits_lost`` come first and roll back, ``answers_lost`` follow and commit."""
        self._database = database
        self._answers_lost = answers_lost
        self._commits_lost = commits_lost

    def reading(self, shop: str) -> AbstractContextManager[Store]:
        """Open one snapshot."""
        return self._database.reading(shop)

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        """Open one transaction.

        Raises: Conflict where the commit is lost, InDoubt where only its answer is.
        """
        with self._database.writing(shop, serializable=serializable) as store:
            yield Watched(store, lambda: None)  # which cannot commit by itself, or no commit could be lost here
            if self._commits_lost:
                self._commits_lost -= 1
                raise Conflict("a commit that was lost")
        if self._answers_lost:
            self._answers_lost -= 1
            raise InDoubt("an answer that was lost")

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        return self._database.shops()

    def close(self) -> None:
        """Close the wrapped database."""
        self._database.close()


class Stopping:
    """A ``Database`` that passes a point before each begin, port call and commit, and after each commit."""

    def __init__(self, database: Database, points: Points) -> None:
        """Wrap a database."""
        self._database = database
        self._points = points

    @contextmanager
    def reading(self, shop: str) -> Iterator[Store]:
        """Open one snapshot."""
        self._points.point()
        with self._database.reading(shop) as store:
            yield Watched(store, self._points.point)

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        """Open one transaction."""
        self._points.point()
        with self._database.writing(shop, serializable=serializable) as store:
            yield Watched(store, self._points.point)
            self._points.point()
        self._points.point()

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        return self._database.shops()

    def close(self) -> None:
        """Close the wrapped database."""
        self._database.close()


class Watched:
    """A ``Store`` that calls ``point`` before every call is passed on."""

    def __init__(self, store: Store, point: Callable[[], None]) -> None:
        """Wrap a store."""
        self._store = store
        self._point = point

    def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Pass on."""
        self._point()
        return self._store.load(kind, keys)

    def find(self, where: Span) -> Found:
        """Pass on."""
        self._point()
        return self._store.find(where)

    def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Pass on."""
        self._point()
        return self._store.balances(accounts, at)

    def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Pass on."""
        self._point()
        return self._store.holds(ids)

    def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Pass on."""
        self._point()
        return self._store.open_holds(accounts)

    def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Pass on."""
        self._point()
        return self._store.entries(account, after=after, limit=limit)

    def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Pass on."""
        self._point()
        return self._store.read(after=after, limit=limit)

    def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Pass on."""
        self._point()
        return self._store.commands(keys)

    def write(self, batch: Batch) -> None:
        """Pass on."""
        self._point()
        self._store.write(batch)

    def number(self, limit: int) -> int:
        """Pass on."""
        self._point()
        return self._store.number(limit)

    def forget(self, before: Instant, limit: int) -> int:
        """Pass on."""
        self._point()
        return self._store.forget(before, limit)

    def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Pass on."""
        self._point()
        return self._store.verify(kinds)
