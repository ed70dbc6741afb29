"""How does every row of a shop reach the audit without being kept?

Tables are read by primary key, a page at a time, inside one snapshot; documents come with the index rows that lie
between the first and the last of their page. Memory grows with the number of accounts only (``kernel.audit``).
"""

from collections.abc import Iterable

from attrs import evolve

from omnicore.adapters.columns import (
    BALANCE,
    ENTRY,
    ENVELOPE,
    HOLD,
    Row,
    read_balance,
    read_entry,
    read_envelope,
    read_hold,
)
from omnicore.adapters.postgres.journal_rows import HEAD
from omnicore.adapters.postgres.wire import Query, Steps
from omnicore.kernel.audit import MAX_DIFFERENCES, Audit
from omnicore.kernel.records import Document, IndexRow, Kind
from omnicore.kernel.store import Difference, Verified

PAGE = 2000

_BALANCES = f"""
SELECT {BALANCE} FROM omni_balances AS b WHERE b.shop = %(shop)s AND (b.unit, b.path) > (%(first)s, %(second)s)
ORDER BY b.unit, b.path LIMIT {PAGE}
"""  # noqa: S608 - joined from column lists
_HOLDS = f"""
SELECT {HOLD}, (
  SELECT coalesce(sum(e.amount), 0)::bigint FROM omni_entries AS e WHERE e.shop = h.shop AND e.hold = h.id
)
FROM omni_holds AS h WHERE h.shop = %(shop)s AND h.id > %(first)s ORDER BY h.id LIMIT {PAGE}
"""  # noqa: S608 - as above
_ENTRIES = f"""
SELECT {ENTRY} FROM omni_entries AS e WHERE e.shop = %(shop)s AND e.id > %(first)s ORDER BY e.id LIMIT {PAGE}
"""  # noqa: S608 - as above
_DOCUMENTS = f"""
SELECT kind, key, version, schema, body FROM omni_documents
WHERE shop = %(shop)s AND (kind, key) > (%(first)s, %(second)s) ORDER BY kind, key LIMIT {PAGE}
"""  # noqa: S608 - as above
_INDEX = """
SELECT kind, key, name, sort, uniq FROM omni_index
WHERE shop = %(shop)s AND (kind, key) > (%(first)s, %(second)s)
"""
# Two statements, because one that asks "or is this the last page?" reads all pages that follow.
_INDEX_BETWEEN = _INDEX + "AND (kind, key) <= (%(third)s, %(fourth)s)"
_JOURNAL = f"""
SELECT {ENVELOPE} FROM omni_journal WHERE shop = %(shop)s AND position > %(after)s::bigint
ORDER BY position LIMIT {PAGE}
"""  # noqa: S608 - as above
_EVENTS = "SELECT count(*) FROM omni_journal WHERE shop = %(shop)s"

_Place = tuple[str, str]


def verify(shop: str, kinds: Iterable[Kind[object]]) -> Steps[Verified]:
    """Recompute balances, index rows and the chain; name the differences."""
    audit = Audit(kinds)
    place: _Place | None = ("", "")
    while place is not None:
        rows = yield from _page(_BALANCES, shop, place)
        for row in rows:
            audit.balance(read_balance(row))
        place = (rows[-1][0], rows[-1][1]) if len(rows) == PAGE else None
    place = ("", "")
    while place is not None:
        rows = yield from _page(_HOLDS, shop, place)
        for row in rows:
            audit.hold(read_hold(row[:13]), row[13])
        place = (rows[-1][0], "") if len(rows) == PAGE else None
    place = ("", "")
    while place is not None:
        rows = yield from _page(_ENTRIES, shop, place)
        for row in rows:
            audit.entry(read_entry(row))
        place = (rows[-1][0], "") if len(rows) == PAGE else None
    orphans = yield from _documents(shop, audit)
    chain = yield from _journal(shop, audit)
    (counted,) = yield (Query(_EVENTS, {"shop": shop}),)
    verified = audit.close(events=counted.rows[0][0], chain=chain)
    return evolve(verified, differences=(*verified.differences, *orphans)[:MAX_DIFFERENCES])


def _page(sql: str, shop: str, place: _Place) -> Steps[list[Row]]:
    (result,) = yield (Query(sql, {"shop": shop, "first": place[0], "second": place[1]}),)
    return list(result.rows)


def _documents(shop: str, audit: Audit) -> Steps[list[Difference]]:
    orphans: list[Difference] = []
    place: _Place | None = ("", "")
    while place is not None:
        rows = yield from _page(_DOCUMENTS, shop, place)
        last = len(rows) < PAGE
        until = ("", "") if last else (rows[-1][0], rows[-1][1])
        values = {"shop": shop, "first": place[0], "second": place[1], "third": until[0], "fourth": until[1]}
        (found,) = yield (Query(_INDEX if last else _INDEX_BETWEEN, values),)
        index: dict[_Place, list[IndexRow]] = {}
        for kind, key, name, sort, uniq in found.rows:
            index.setdefault((kind, key), []).append(IndexRow(index=name, sort=sort, unique=uniq))
        for kind, key, version, schema, body in rows:
            document = Document(kind=kind, key=key, version=version, schema=schema, body=body)
            audit.document(document, tuple(index.pop((kind, key), ())))
        orphans += [
            Difference(where=f"index rows of {kind} {key}", found="a row", expected="none") for kind, key in index
        ]
        place = None if last else until
    return orphans[:MAX_DIFFERENCES]


def _journal(shop: str, audit: Audit) -> Steps[str]:
    after: int | None = 0
    while after is not None:
        (page,) = yield (Query(_JOURNAL, {"shop": shop, "after": str(after)}),)
        for row in page.rows:
            audit.envelope(read_envelope(row))
        after = page.rows[-1][7] if len(page.rows) == PAGE else None
    (head,) = yield (Query(HEAD, {"shop": shop}),)
    return str(head.rows[0][1]) if head.rows else ""
