"""What does a flow see of SQLite? One shop, inside one transaction that somebody else opens and ends.

The store runs on any ``Connection``: ours, or a host's own inside the host's transaction.
"""

from collections.abc import Iterable, Sequence
from typing import cast

from omnicore.adapters.sqlite import document_rows, journal_rows, ledger_rows
from omnicore.adapters.sqlite.statements import Connection, Row, Statements, Value
from omnicore.adapters.sqlite.verifying import verify
from omnicore.kernel.audit import overcommitted
from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Change, Document, Found, Kind, Span
from omnicore.kernel.store import Batch, Command, Verified, ordered_changes
from omnicore.kernel.time import Instant
from omnicore.kernel.together import PortCall


class SqliteStore:
    """A ``Store`` over one connection that is inside a transaction."""

    def __init__(self, connection: Connection, shop: str, *, writable: bool) -> None:
        """See a shop; ``writable`` says whether ``write`` and ``number`` are allowed."""
        self._statements = Statements(connection, shop)
        self._writable = writable

    @property
    def statements(self) -> int:
        """How many statements were sent; many rows of one statement count once, transaction control does not."""
        return self._statements.count

    def sql(self, statement: str, /, **values: Value) -> list[Row]:
        """Run a statement of the host's own in this transaction, and give its rows; values are named ``:value``.

        Raises: Conflict when a unique key is taken or the database is locked; whatever else SQLite says, as it is.
        """
        return self._statements.told(statement, **values)

    # Records

    def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Give the documents that exist among ``keys``."""
        return document_rows.load(self._statements, kind, keys)

    def find(self, where: Span) -> Found:
        """Give documents in index order."""
        return document_rows.find(self._statements, where)

    # Ledger

    def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Give a balance for every account asked."""
        return ledger_rows.balances(self._statements, accounts, at)

    def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Give the holds that exist among ``ids``."""
        return ledger_rows.holds(self._statements, ids)

    def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Give each account's open holds in promise order."""
        return ledger_rows.open_holds(self._statements, accounts)

    def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Give the numbered entries that touch an account."""
        return ledger_rows.entries(self._statements, account, after=after, limit=limit)

    # Journal and commands

    def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Give numbered envelopes by position, from behind ``after``."""
        return journal_rows.read(self._statements, after=after, limit=limit)

    def commands(self, keys: Iterable[str]) -> dict[str, Command]:
        """Give the command rows that exist among ``keys``."""
        return journal_rows.commands(self._statements, keys)

    def together(self, calls: Sequence[PortCall]) -> Sequence[object]:
        """Answer several port calls; documents of several kinds are one statement."""
        loads = [place for place, (name, _, _) in enumerate(calls) if name == "load"]
        asked = [cast(tuple[str, Sequence[str]], calls[place][1]) for place in loads]
        found: dict[int, object] = dict(
            zip(loads, document_rows.load_kinds(self._statements, asked) if asked else (), strict=True)
        )
        for place, (name, args, named) in enumerate(calls):
            if place not in found:
                found[place] = getattr(self, name)(*args, **named)
        return [found[place] for place in range(len(calls))]

    # Writing

    def write(self, batch: Batch) -> None:
        """Apply a batch whole or not at all.

        Raises: Conflict, Malformed.
        """
        self._may_write()
        changes = ordered_changes(batch.changes)
        try:
            self._apply(batch, changes, guess=True)
        except ledger_rows.Guessed:
            self._apply(batch, changes, guess=False)

    def _apply(self, batch: Batch, changes: Sequence[Change], *, guess: bool) -> None:
        self._statements.savepoint()
        try:
            journal_rows.put_commands(self._statements, batch.commands)
            envelopes = batch.envelopes + self._post(batch, guess=guess)
            if changes:
                document_rows.change(self._statements, changes)
            journal_rows.put_events(self._statements, envelopes)
        except BaseException:
            self._statements.undo()
            raise
        self._statements.keep()

    def _post(self, batch: Batch, *, guess: bool) -> tuple[Envelope, ...]:
        if not batch.moves:
            return ()
        recorded = ledger_rows.post(self._statements, batch.moves, batch.at, guess=guess)
        return overcommitted(recorded, self.open_holds(recorded.overcommitted), batch)

    def number(self, limit: int) -> int:
        """Give positions and chain links to journal rows and entries that have none."""
        self._may_write()
        return journal_rows.number(self._statements, limit)

    def forget(self, before: Instant, limit: int) -> int:
        """Remove command rows of before an instant, the oldest first and at most ``limit``; how many."""
        self._may_write()
        return journal_rows.forget(self._statements, before, limit)

    def _may_write(self) -> None:
        if not self._writable:
            raise AssertionError("a question may not write")

    def verify(self, kinds: Iterable[Kind[object]]) -> Verified:
        """Recompute balances, index rows and the chain; name the differences."""
        return verify(self._statements, kinds)
