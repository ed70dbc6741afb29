"""How are documents and their index rows found and changed?

A change is guarded by its version in the statement itself. Index rows are compared with those stored, so a document
that changes nothing it is found by costs no index write; all that go are taken away before any is put, so only the end
state of a batch must be unique.
"""

from collections.abc import Iterable, Sequence
from typing import NoReturn

from omnicore.adapters.sqlite.statements import Row, Statements, listed
from omnicore.kernel.errors import Conflict
from omnicore.kernel.records import Change, Document, Drop, Found, IndexRow, Put, Span, cursor

_LOAD = """
SELECT d.key, d.version, d.schema, d.body
FROM json_each(:keys) AS asked
CROSS JOIN omni_documents AS d ON d.shop = :shop AND d.kind = :kind AND d.key = asked.value
"""

_LOAD_KINDS = """
SELECT d.kind, d.key, d.version, d.schema, d.body
FROM json_each(:places) AS asked
CROSS JOIN omni_documents AS d ON d.shop = :shop AND d.kind = asked.value ->> 0 AND d.key = asked.value ->> 1
"""

_FIND = """
SELECT i.sort, d.key, d.version, d.schema, d.body
FROM omni_index AS i
CROSS JOIN omni_documents AS d ON d.shop = i.shop AND d.kind = i.kind AND d.key = i.key
WHERE i.shop = :shop AND i.kind = :kind AND i.name = :name AND
"""

# One bound on (sort, key) and one on sort alone: a page starts at its cursor by the primary key, however deep it lies.
_FIND_OLDEST = _FIND + "(i.sort, i.key) > (:sort, :key) AND i.sort < :bound ORDER BY i.sort, i.key LIMIT :limit"
_FIND_NEWEST = (
    _FIND + "(i.sort, i.key) < (:sort, :key) AND i.sort >= :bound ORDER BY i.sort DESC, i.key DESC LIMIT :limit"
)

_PUT = """
INSERT INTO omni_documents (shop, kind, key, version, schema, body)
SELECT ?1, ?2, ?3, ?4 + 1, ?5, ?6
WHERE ?4 = 0 OR EXISTS (SELECT 1 FROM omni_documents WHERE shop = ?1 AND kind = ?2 AND key = ?3 AND version = ?4)
ON CONFLICT (shop, kind, key) DO UPDATE
SET version = excluded.version, schema = excluded.schema, body = excluded.body
WHERE version = ?4
"""
_DROP = "DELETE FROM omni_documents WHERE shop = ? AND kind = ? AND key = ? AND version = ?"

_VERSIONS = """
SELECT d.kind, d.key, d.version
FROM json_each(:places) AS asked
CROSS JOIN omni_documents AS d ON d.shop = :shop AND d.kind = asked.value ->> 0 AND d.key = asked.value ->> 1
"""
_ROWS = """
SELECT i.kind, i.key, i.name, i.sort, i.uniq
FROM json_each(:places) AS asked
CROSS JOIN omni_index AS i ON i.shop = :shop AND i.kind = asked.value ->> 0 AND i.key = asked.value ->> 1
"""
_TAKE = "DELETE FROM omni_index WHERE shop = ? AND kind = ? AND key = ? AND name = ? AND sort = ?"
_GIVE = "INSERT INTO omni_index (shop, kind, key, name, sort, uniq) VALUES (?, ?, ?, ?, ?, ?)"

_Place = tuple[str, str]


def load(statements: Statements, kind: str, keys: Iterable[str]) -> dict[str, Document]:
    """Give the documents that exist among ``keys``, in the order asked."""
    asked = list(keys)
    if not asked:
        return {}
    found = {row[0]: _document(kind, row) for row in statements.rows(_LOAD, kind=kind, keys=listed(asked))}
    return {key: found[key] for key in asked if key in found}


def load_kinds(statements: Statements, asked: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, Document]]:
    """Give the documents that exist among keys of several kinds, in one statement."""
    places = [(kind, key) for kind, keys in asked for key in keys]
    if not places:
        return [{} for _ in asked]
    rows = statements.rows(_LOAD_KINDS, places=listed(places))
    found = {(row[0], row[1]): _document(row[0], row[1:]) for row in rows}
    return [{key: found[kind, key] for key in keys if (kind, key) in found} for kind, keys in asked]


def find(statements: Statements, where: Span) -> Found:
    """Give one page of documents in index order."""
    low, high = (where.lower, ""), (where.upper, "")
    if where.newest_first:
        sql, bound = _FIND_NEWEST, where.lower
        sort, key = high if where.after is None else min(high, where.after)
    else:
        sql, bound = _FIND_OLDEST, where.upper
        sort, key = low if where.after is None else max(low, where.after)
    rows = statements.rows(
        sql, kind=where.kind, name=where.index, sort=sort, key=key, bound=bound, limit=where.limit + 1
    )
    page = rows[: where.limit]
    return Found(
        documents=tuple(_document(where.kind, row[1:]) for row in page),
        next=cursor(page[-1][0], page[-1][1]) if len(rows) > where.limit else None,
    )


def _document(kind: str, row: Row) -> Document:
    key, version, schema, body = row
    return Document(kind=kind, key=key, version=version, schema=schema, body=body)


def change(statements: Statements, changes: Sequence[Change]) -> None:
    """Apply changes, given in (kind, key) order.

    Raises:
        Conflict: a version has moved, or a unique index row is taken.
    """
    shop = statements.shop
    stored = _stored_rows(statements, [(row.kind, row.key) for row in changes if row.expected])
    puts = [row for row in changes if isinstance(row, Put)]
    put = statements.many(
        _PUT, [(shop, row.kind, row.key, row.expected, row.schema, row.body) for row in puts], about="{1} {2}"
    )
    drops = [row for row in changes if isinstance(row, Drop)]
    dropped = statements.many(_DROP, [(shop, row.kind, row.key, row.expected) for row in drops], about="{1} {2}")
    if put + dropped != len(changes):
        _name_moved(statements, changes)
    gone: list[tuple[str, str, IndexRow]] = []
    new: list[tuple[str, str, IndexRow]] = []
    for row in changes:
        before = stored.get((row.kind, row.key), frozenset())
        after = frozenset(row.rows) if isinstance(row, Put) else frozenset()
        gone += [(row.kind, row.key, index) for index in before - after]
        if isinstance(row, Put):
            new += [(row.kind, row.key, index) for index in row.rows if index not in before]
    statements.many(_TAKE, [(shop, kind, key, row.index, row.sort) for kind, key, row in gone], about="{1} {2}")
    statements.many(
        _GIVE,
        [(shop, kind, key, row.index, row.sort, int(row.unique)) for kind, key, row in new],
        about="{1} by {3}",
    )


def _stored_rows(statements: Statements, places: list[_Place]) -> dict[_Place, frozenset[IndexRow]]:
    if not places:
        return {}
    found: dict[_Place, set[IndexRow]] = {}
    for kind, key, name, sort, uniq in statements.rows(_ROWS, places=listed(places)):
        found.setdefault((kind, key), set()).add(IndexRow(index=name, sort=sort, unique=bool(uniq)))
    return {place: frozenset(rows) for place, rows in found.items()}


def _name_moved(statements: Statements, changes: Sequence[Change]) -> NoReturn:
    # What this batch has put itself is taken back first, so that the versions read are those the batch met.
    statements.undo()
    statements.savepoint()
    places = listed((row.kind, row.key) for row in changes)
    stands = {(kind, key): version for kind, key, version in statements.rows(_VERSIONS, places=places)}
    for row in changes:
        if stands.get((row.kind, row.key), 0) != row.expected:
            raise Conflict(f"{row.kind} {row.key}")
    raise AssertionError("the database changed fewer documents than it was asked to")
