"""What would a perfect database do? The model every other adapter is compared with.

Everything lives in dictionaries under one lock: a transaction is the lock held, a rollback is an undo list replayed
backwards. Good for tests, examples and small tools; gone when the process ends.
"""

import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from heapq import nsmallest
from itertools import islice

from attrs import evolve

from omnicore.adapters.memory_rows import Rows, Shop
from omnicore.kernel.audit import Audit, overcommitted
from omnicore.kernel.books import Books, Recorded, record
from omnicore.kernel.errors import Conflict
from omnicore.kernel.journal import Envelope, link
from omnicore.kernel.ledger import Account, Balance, Entry, Held, HoldState, Move
from omnicore.kernel.named_rows import named_accounts, named_entries, named_holds
from omnicore.kernel.records import Document, Drop, Found, Kind, Put, Span, cursor
from omnicore.kernel.store import Batch, Command, Verified, ordered_changes
from omnicore.kernel.time import Instant


class Memory:
    """A ``Database`` in memory; any number of shops."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.RLock()
        self._shops: dict[str, Shop] = {}

    @contextmanager
    def reading(self, shop: str) -> Iterator["MemoryStore"]:
        """Open one snapshot; it excludes writers while it is open."""
        with self._lock:
            yield self.store(self._shops.get(shop) or Shop(), writable=False)

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator["MemoryStore"]:
        """Open one transaction, always alone; any exception undoes it."""
        with self._lock:
            rows = self._shops.get(shop) or self._shops.setdefault(shop, Shop())
            store = self.store(rows, writable=True)
            try:
                yield store
            except BaseException:
                store.rollback()
                raise

    def shops(self) -> Iterator[str]:
        """Name the shops that have been written to."""
        with self._lock:
            return iter(sorted(name for name, shop in self._shops.items() if shop.kept()))

    def close(self) -> None:
        """Do nothing: there is nothing to give up."""

    @staticmethod
    def store(shop: Shop, *, writable: bool) -> "MemoryStore":
        """Make the store of one transaction; a test overrides this to break it."""
        return MemoryStore(shop, writable=writable)


class MemoryStore(Rows):
    """A ``Store`` over one shop's dictionaries."""

    @staticmethod
    def decide(books: Books, moves: Sequence[Move], at: Instant) -> Recorded:
        """Apply the rule of the books; a test overrides this to break it."""
        return record(books, moves, at)

    # Records

    def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Give the documents that exist among ``keys``."""
        found = ((key, self._shop.documents.get((kind, key))) for key in keys)
        return {key: document for key, document in found if document is not None}

    def find(self, where: Span) -> Found:
        """Give documents in index order."""
        rows = self._shop.sorted.get((where.kind, where.index), [])
        start, stop = bisect_left(rows, (where.lower, "")), bisect_left(rows, (where.upper, ""))
        window = rows[start:stop]
        if where.newest_first:
            window.reverse()
        if where.after is not None:
            after = where.after
            window = [row for row in window if (row < after if where.newest_first else row > after)]
        page = window[: where.limit]
        documents = tuple(self._shop.documents[where.kind, key] for _, key in page)
        return Found(documents=documents, next=cursor(*page[-1]) if len(window) > where.limit else None)

    # Ledger

    def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Give a balance for every account asked."""
        return {account: self._balance(account, at) for account in accounts}

    def _balance(self, account: Account, at: Instant) -> Balance:
        if not account.guarded:
            touching = (self._shop.entries[key] for key in self._shop.touching.get(account, ()))
            posted = sum(entry.amount if entry.target == account.path else -entry.amount for entry in touching)
            return Balance(account=account, posted=posted)
        balance = self._shop.balances.get(account) or Balance(account=account)
        at = at if balance.at is None else max(at, balance.at)
        return evolve(balance, lapsed=sum(held.left for held in self._open(account) if held.lapsed(at)))

    def _open(self, account: Account) -> list[Held]:
        return [self._shop.holds[key] for key in self._shop.open.get(account, ())]

    def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Give the holds that exist among ``ids``."""
        return {key: self._shop.holds[key] for key in ids if key in self._shop.holds}

    def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Give each account's open holds in promise order."""
        return {
            account: tuple(sorted(self._open(account), key=lambda held: (held.since, held.id))) for account in accounts
        }

    def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Give the numbered entries that touch an account."""
        touching = (self._shop.entries[key] for key in self._shop.touching.get(account, ()))
        numbered = [(entry.position, entry) for entry in touching if entry.position is not None]
        return tuple(entry for position, entry in sorted(numbered, key=lambda row: row[0]) if position > after)[:limit]

    # Journal and commands

    def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Give numbered envelopes by position, from behind ``after``."""
        journal, numbered = self._shop.journal, self._shop.numbered
        start = bisect_right(numbered, after, key=lambda row: journal[row].position or 0)
        return tuple(journal[row] for row in numbered[start : start + limit])

    def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Give the command rows that exist among ``keys``."""
        return {key: self._shop.commands[key] for key in keys if key in self._shop.commands}

    # Writing

    def write(self, batch: Batch) -> None:
        """Apply a batch whole or not at all.

        Raises: Conflict, Malformed.
        """
        if not self._writable:
            raise AssertionError("a question may not write")
        changes = ordered_changes(batch.changes)
        mark = len(self._undo)
        try:
            for command in sorted(batch.commands, key=lambda row: row.key):
                if command.key in self._shop.commands:
                    raise Conflict(f"command {command.key}")
                self._set(self._shop.commands, command.key, command)
            envelopes = batch.envelopes + self._record(batch)
            for change in changes:
                self._take(change)
            for change in changes:
                if isinstance(change, Put):
                    self._put(change)
            for envelope in envelopes:
                if envelope.id in self._shop.journal:
                    raise Conflict(f"event {envelope.id}")
                self._set(self._shop.journal, envelope.id, envelope)
                self._set(self._shop.unnumbered, envelope.id, None)
        except BaseException:
            while len(self._undo) > mark:
                self._undo.pop()()
            raise

    def _record(self, batch: Batch) -> tuple[Envelope, ...]:
        if not batch.moves:
            return ()
        shop = self._shop
        named = self.holds(named_holds(batch.moves))
        accounts = named_accounts(batch.moves, named)
        at = max([batch.at, *(row.at for key in accounts if (row := shop.balances.get(key)) and row.at is not None)])
        lapsed = {held.id: held for account in accounts for held in self._open(account) if held.lapsed(at)}
        books = Books(
            balances={account: shop.balances[account] for account in accounts if account in shop.balances},
            holds=named | lapsed,
            entries={key: shop.entries[key] for key in named_entries(batch.moves) if key in shop.entries},
        )
        recorded = self.decide(books, batch.moves, batch.at)
        for balance in recorded.balances:
            self._set(shop.balances, balance.account, balance)
        for held in recorded.holds:
            self._set(shop.holds, held.id, held)
            self._member(shop.open.setdefault(held.account, {}), held.id, present=held.state is HoldState.OPEN)
        for entry in recorded.entries:
            self._set(shop.entries, entry.id, entry)
            self._set(shop.unnumbered_entries, entry.id, None)
            for path in (entry.source, entry.target):
                self._set(shop.touching.setdefault(Account(entry.unit, path), {}), entry.id, None)
        return overcommitted(recorded, self.open_holds(recorded.overcommitted), batch)

    def _take(self, change: Put | Drop) -> None:
        # Every old row goes before any new one comes, so only a batch's end state must be unique.
        shop, place = self._shop, (change.kind, change.key)
        stands = shop.documents.get(place)
        if (stands.version if stands else 0) != change.expected:
            raise Conflict(f"{change.kind} {change.key}")
        for row in shop.rows.get(place, ()):
            self._unsort((change.kind, row.index), (row.sort, change.key))
        self._unset(shop.documents, place)
        self._unset(shop.rows, place)

    def _put(self, change: Put) -> None:
        shop, place = self._shop, (change.kind, change.key)
        for row in change.rows:
            index = shop.sorted.setdefault((change.kind, row.index), [])
            at = bisect_left(index, (row.sort, ""))
            if row.unique and at < len(index) and index[at][0] == row.sort:
                raise Conflict(f"{change.kind} by {row.index}")
            self._sort(index, (row.sort, change.key))
        document = Document(
            kind=change.kind, key=change.key, version=change.expected + 1, schema=change.schema, body=change.body
        )
        self._set(shop.documents, place, document)
        self._set(shop.rows, place, change.rows)

    def number(self, limit: int) -> int:
        """Give positions and chain links to journal rows and entries that have none."""
        shop, before = self._shop, self._shop.position
        waiting, waiting_entries = list(shop.unnumbered), list(shop.unnumbered_entries)
        self._undo.append(lambda: self._reorder(waiting, waiting_entries))
        for key in list(islice(shop.unnumbered, limit)):
            position, chain = shop.position + 1, link(shop.chain, shop.journal[key])
            self._set(shop.journal, key, evolve(shop.journal[key], position=position, chain=chain))
            self._unset(shop.unnumbered, key)
            self._undo.append(lambda: self._drop_last(shop))
            shop.numbered.append(key)
            self._head(position, chain)
        for key in list(islice(shop.unnumbered_entries, limit - (shop.position - before))):
            self._set(shop.entries, key, evolve(shop.entries[key], position=shop.position + 1))
            self._unset(shop.unnumbered_entries, key)
            self._head(shop.position + 1, shop.chain)
        return shop.position - before

    def forget(self, before: Instant, limit: int) -> int:
        """Remove command rows of before an instant, the oldest first and at most ``limit``; how many."""
        if not self._writable:
            raise AssertionError("a question may not write")
        old = nsmallest(limit, ((row.at, row.key) for row in self._shop.commands.values() if row.at < before))
        for _, key in old:
            self._unset(self._shop.commands, key)
        return len(old)

    def _reorder(self, waiting: list[str], waiting_entries: list[str]) -> None:
        # Put back one by one, rows would come last: what waits for a number waits in the order of its commit.
        self._shop.unnumbered = dict.fromkeys(waiting)
        self._shop.unnumbered_entries = dict.fromkeys(waiting_entries)

    @staticmethod
    def _drop_last(shop: Shop) -> None:
        shop.numbered.pop()

    def _head(self, position: int, chain: str) -> None:
        shop, old = self._shop, (self._shop.position, self._shop.chain)

        def undo() -> None:
            shop.position, shop.chain = old

        self._undo.append(undo)
        shop.position, shop.chain = position, chain

    def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Recompute balances, index rows and the chain; name the differences."""
        shop, audit = self._shop, Audit(kinds)
        settled: Counter[str] = Counter()
        for entry in shop.entries.values():
            audit.entry(entry)
            settled[entry.hold or ""] += entry.amount
        for held in shop.holds.values():
            audit.hold(held, settled[held.id])
        for balance in shop.balances.values():
            audit.balance(balance)
        for place, document in shop.documents.items():
            audit.document(document, shop.rows[place])
        for key in shop.numbered:
            audit.envelope(shop.journal[key])
        return audit.close(events=len(shop.journal), chain=shop.chain)
