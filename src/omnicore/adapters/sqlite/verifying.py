"""How does every row of a shop reach the audit without being kept?

Tables are read as streams on one snapshot; documents and their index rows come in the same order and are joined as they
pass, so memory grows with the number of accounts only (``kernel.audit``).
"""

from collections.abc import Iterable, Iterator

from attrs import evolve

from omnicore.adapters.columns import BALANCE, ENTRY, ENVELOPE, HOLD, read_balance, read_entry, read_envelope, read_hold
from omnicore.adapters.sqlite.journal_rows import head
from omnicore.adapters.sqlite.statements import Row, Statements
from omnicore.kernel.audit import MAX_DIFFERENCES, Audit
from omnicore.kernel.records import Document, IndexRow, Kind
from omnicore.kernel.store import Difference, Verified

# In the order of the file: an index would give the entries of one shop in an order that reads every page many times.
_ENTRIES = f"SELECT {ENTRY} FROM omni_entries AS e NOT INDEXED WHERE e.shop = :shop"  # noqa: S608 - a column list
_HOLDS = f"""
SELECT {HOLD}, (SELECT coalesce(sum(amount), 0) FROM omni_entries AS e WHERE e.shop = h.shop AND e.hold = h.id)
FROM omni_holds AS h WHERE h.shop = :shop
"""  # noqa: S608 - joined from a column list
_BALANCES = f"SELECT {BALANCE} FROM omni_balances AS b WHERE b.shop = :shop"  # noqa: S608 - joined from a column list
_DOCUMENTS = "SELECT kind, key, version, schema, body FROM omni_documents WHERE shop = :shop ORDER BY kind, key"
_INDEX = "SELECT kind, key, name, sort, uniq FROM omni_index WHERE shop = :shop ORDER BY kind, key"
_JOURNAL = f"""
SELECT {ENVELOPE} FROM omni_journal WHERE shop = :shop AND position IS NOT NULL ORDER BY position
"""  # noqa: S608 - joined from a column list
_EVENTS = "SELECT count(*) FROM omni_journal WHERE shop = :shop"


def verify(statements: Statements, kinds: Iterable[Kind[object]]) -> Verified:
    """Recompute balances, index rows and the chain; name the differences."""
    audit = Audit(kinds)
    for row in statements.stream(_ENTRIES):
        audit.entry(read_entry(row))
    for row in statements.stream(_HOLDS):
        audit.hold(read_hold(row[:13]), row[13])
    for row in statements.stream(_BALANCES):
        audit.balance(read_balance(row))
    orphans: list[Difference] = []
    index = _Index(statements.stream(_INDEX))
    for kind, key, version, schema, body in statements.stream(_DOCUMENTS):
        orphans += index.before((kind, key))
        document = Document(kind=kind, key=key, version=version, schema=schema, body=body)
        audit.document(document, tuple(index.at((kind, key))))
    orphans += index.before(None)
    for row in statements.stream(_JOURNAL):
        audit.envelope(read_envelope(row))
    verified = audit.close(events=statements.rows(_EVENTS)[0][0], chain=head(statements)[1])
    return evolve(verified, differences=(*verified.differences, *orphans)[:MAX_DIFFERENCES])


class _Index:
    """The index rows of a shop, document by document."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: Iterator[Row] = iter(rows)
        self._next = next(self._rows, None)

    def _take(self) -> Row | None:
        row, self._next = self._next, next(self._rows, None)
        return row

    def before(self, place: tuple[str, str] | None) -> Iterator[Difference]:
        """Give the rows that no document stands behind: a host's own SQL, with foreign keys off, can leave them."""
        while self._next is not None and (place is None or (self._next[0], self._next[1]) < place):
            yield Difference(where=f"index rows of {self._next[0]} {self._next[1]}", found="a row", expected="none")
            self._take()

    def at(self, place: tuple[str, str]) -> Iterator[IndexRow]:
        """Give the rows of one document."""
        while self._next is not None and (self._next[0], self._next[1]) == place:
            yield IndexRow(index=self._next[2], sort=self._next[3], unique=bool(self._next[4]))
            self._take()
