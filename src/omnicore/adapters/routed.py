"""How does a host keep one kind of ours, its orders say, in a table of its own?

    shop = Host(Routed(postgres.open(...), {ORDER: Orders()}))

What a document says stands in the host's table, written by the host's ``Mapper`` on the same connection and in the same
transaction. Under which version it stands and by which index it is found stays with us, in a row that says nothing
else: so every version check, unique row and look-up holds as before, and all other kinds are left alone. The host may
read, join and refer to its table as it likes; it changes what a flow reads by a flow, or ``verify`` will name the row.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol, cast

from attrs import evolve

from omnicore.host.within import CannotJoin
from omnicore.kernel.audit import MAX_DIFFERENCES, Audit
from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Change, Document, Found, IndexRow, Kind, Put, Span
from omnicore.kernel.store import Batch, Command, Database, Difference, Store, Verified
from omnicore.kernel.time import Instant

_ELSEWHERE: Final = ""
_PAGE: Final = 500
_STANDING: Final = """
SELECT key, version, schema FROM omni_documents
WHERE shop = :shop AND kind = :kind AND key > :after ORDER BY key LIMIT :limit
"""
_FOUND_BY: Final = """
SELECT key, name, sort, uniq FROM omni_index WHERE shop = :shop AND kind = :kind AND key > :after AND key <= :last
"""


class Sql(Protocol):
    """Statements on the connection and in the transaction that a flow works in."""

    @property
    def shop(self) -> str:
        """The shop the flow works for."""
        ...

    def __call__(self, statement: str, /, **values: str | int | bytes | None) -> list[tuple[Any, ...]]:
        """Run a statement and give its rows; a value is named in it as ``:value``, and ``:shop`` is always there.

        Raises: Conflict when a unique key is taken or a lock is not had.
        """
        ...


class Mapper(Protocol):
    """Keeps the documents of one kind in a table of the host's. A body is JSON, to be given as it was saved."""

    def load(self, sql: Sql, keys: list[str]) -> Mapping[str, str]:
        """Give the bodies of ``keys``."""
        ...

    def save(self, sql: Sql, bodies: Mapping[str, str]) -> None:
        """Insert or replace, by key."""
        ...

    def remove(self, sql: Sql, keys: list[str]) -> None:
        """Remove."""
        ...


class _SqlStore(Store, Protocol):
    """A store that lends its connection."""

    def sql(self, statement: str, /, **values: str | int | bytes | None) -> list[tuple[Any, ...]]: ...


class _Spoken:
    def __init__(self, store: _SqlStore, shop: str) -> None:
        self.shop = shop
        self._store = store

    def __call__(self, statement: str, /, **values: str | int | bytes | None) -> list[tuple[Any, ...]]:
        return self._store.sql(statement, **{"shop": self.shop, **values})


class Routed:
    """A ``Database`` in which some kinds are kept by mappers of the host's; joined or not."""

    def __init__(self, database: Database, mappers: Mapping[Kind[Any], Mapper]) -> None:
        """Take a database on SQLite or PostgreSQL, and a mapper for each kind that is kept elsewhere."""
        self._database = database
        self._kinds = {kind.name: kind for kind in mappers}
        self._mappers = {kind.name: mapper for kind, mapper in mappers.items()}
        self._by_kind = dict(mappers)

    @property
    def sees_newer(self) -> bool:
        """As the database says, where it is a joined one."""
        return bool(getattr(self._database, "sees_newer", True))

    @property
    def durable(self) -> bool:
        """As the database says."""
        return bool(getattr(self._database, "durable", False))

    @property
    def writers_meet(self) -> bool:
        """As the database says."""
        return bool(getattr(self._database, "writers_meet", False))

    def routed(self, database: Database) -> "Routed":
        """Route another database likewise: so ``Host.within`` keeps the same kinds in the same tables."""
        return database if isinstance(database, Routed) else Routed(database, self._by_kind)

    @contextmanager
    def reading(self, shop: str) -> Iterator["RoutedStore"]:
        """Open one snapshot, of both."""
        with self._database.reading(shop) as store:
            yield self._store(store, shop)

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator["RoutedStore"]:
        """Open one transaction, of both."""
        with self._database.writing(shop, serializable=serializable) as store:
            yield self._store(store, shop)

    def _store(self, store: Store, shop: str) -> "RoutedStore":
        if not hasattr(store, "sql"):
            raise CannotJoin("only a database of SQL lends its connection", driver=type(store).__name__)
        return RoutedStore(cast(_SqlStore, store), shop, self._kinds, self._mappers)

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        return self._database.shops()

    def close(self) -> None:
        """Give up the database's connections."""
        self._database.close()


class RoutedStore:
    """A ``Store`` whose documents of some kinds stand in tables of the host's."""

    def __init__(
        self, store: _SqlStore, shop: str, kinds: Mapping[str, Kind[Any]], mappers: Mapping[str, Mapper]
    ) -> None:
        """Work in the transaction that a store works in."""
        self._store = store
        self._kinds = kinds
        self._mappers = mappers
        self._sql = _Spoken(store, shop)

    @property
    def statements(self) -> int:
        """How many statements were sent, the mappers' too."""
        return int(getattr(self._store, "statements", 0))

    # Documents

    def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Give the documents that exist among ``keys``."""
        return {document.key: document for document in self._told(kind, self._store.load(kind, keys).values())}

    def find(self, where: Span) -> Found:
        """Give documents in index order."""
        found = self._store.find(where)
        return evolve(found, documents=tuple(self._told(where.kind, found.documents)))

    def _told(self, kind: str, documents: Iterable[Document]) -> list[Document]:
        standing = list(documents)
        if kind not in self._mappers or not standing:
            return standing
        bodies = self._mappers[kind].load(self._sql, list({document.key: None for document in standing}))
        for document in standing:
            if document.key not in bodies:
                raise AssertionError(f"the host's row of {kind} {document.key} is gone: it was not removed by a flow")
        return [evolve(document, body=bodies[document.key]) for document in standing]

    def write(self, batch: Batch) -> None:
        """Apply a batch whole or not at all, in both: ours first, so that no row of the host's is changed in a race.

        Raises: Conflict, Malformed.
        """
        routed = [change for change in batch.changes if change.kind in self._mappers]
        if not routed:
            self._store.write(batch)
            return
        self._sql("SAVEPOINT omni_routed")
        try:
            self._store.write(evolve(batch, changes=tuple(self._elsewhere(change) for change in batch.changes)))
            for kind in sorted({change.kind for change in routed}):
                self._map(kind, sorted((each for each in routed if each.kind == kind), key=lambda each: each.key))
        except BaseException:
            self._sql("ROLLBACK TO SAVEPOINT omni_routed")
            self._sql("RELEASE SAVEPOINT omni_routed")
            raise
        self._sql("RELEASE SAVEPOINT omni_routed")

    def _elsewhere(self, change: Change) -> Change:
        if isinstance(change, Put) and change.kind in self._mappers:
            return evolve(change, body=_ELSEWHERE)
        return change

    def _map(self, kind: str, changes: list[Change]) -> None:
        mapper = self._mappers[kind]
        if bodies := {change.key: change.body for change in changes if isinstance(change, Put)}:
            mapper.save(self._sql, bodies)
        if gone := [change.key for change in changes if not isinstance(change, Put)]:
            mapper.remove(self._sql, gone)

    # Everything else stays where it is

    def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Give a balance for every account asked."""
        return self._store.balances(accounts, at)

    def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Give the holds that exist among ``ids``."""
        return self._store.holds(ids)

    def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Give each account's open holds in promise order."""
        return self._store.open_holds(accounts)

    def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Give the numbered entries that touch an account."""
        return self._store.entries(account, after=after, limit=limit)

    def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Give numbered envelopes by position, from behind ``after``."""
        return self._store.read(after=after, limit=limit)

    def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Give the command rows that exist among ``keys``."""
        return self._store.commands(keys)

    def number(self, limit: int) -> int:
        """Give positions and chain links to journal rows and entries that have none."""
        return self._store.number(limit)

    def forget(self, before: Instant, limit: int) -> int:
        """Remove command rows older than ``before``, at most ``limit``; how many."""
        return self._store.forget(before, limit)

    # Verifying

    def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Recompute everything derived, the index rows of what stands in the host's tables too."""
        known = list(kinds)
        verified = self._store.verify([kind for kind in known if kind.name not in self._mappers])
        differences = list(verified.differences)
        for kind in known:
            if kind.name in self._mappers:
                differences += self._verify(kind)
        return evolve(verified, differences=tuple(differences[:MAX_DIFFERENCES]))

    def _verify(self, kind: Kind[object]) -> list[Difference]:
        audit = Audit([kind])
        gone: list[Difference] = []
        after, page = "", self._standing(kind, after="")
        while page:
            last = page[-1][0]
            rows: dict[str, list[IndexRow]] = {}
            for key, name, sort, uniq in self._sql(_FOUND_BY, kind=kind.name, after=after, last=last):
                rows.setdefault(key, []).append(IndexRow(index=name, sort=bytes(sort), unique=bool(uniq)))
            bodies = self._mappers[kind.name].load(self._sql, [key for key, _, _ in page])
            for key, version, schema in page:
                if (body := bodies.get(key)) is None:
                    gone.append(Difference(where=f"{kind.name} {key}", found="no row of the host's", expected="one"))
                    continue
                document = Document(kind=kind.name, key=key, version=version, schema=schema, body=body)
                audit.document(document, rows.get(key, ()))
            after, page = last, self._standing(kind, after=last)
        return [*gone, *audit.close(events=0, chain="").differences]

    def _standing(self, kind: Kind[object], *, after: str) -> list[tuple[Any, ...]]:
        return self._sql(_STANDING, kind=kind.name, after=after, limit=_PAGE)
