"""How are documents and their index rows found and changed?

Rows are locked in (kind, key) order, a change is guarded by its version in the statement itself, and how many rows were
changed tells whether every guard held. Index rows that go are taken away before any is put, so only the end state of a
batch must be unique; rows that stay are left alone.
"""

from collections.abc import Iterable, Sequence

from omnicore.adapters.columns import Row
from omnicore.adapters.postgres.arrays import blobs, flags, numbers, texts
from omnicore.adapters.postgres.wire import Query, Steps, Value
from omnicore.kernel.records import Change, Document, Found, Put, Span, cursor

_LOAD = """
SELECT key, version, schema, body FROM omni_documents
WHERE shop = %(shop)s AND kind = %(kind)s AND key = ANY (%(keys)s::text[])
"""
_LOAD_KINDS = """
SELECT d.* FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS a (kind, key) CROSS JOIN LATERAL (
  SELECT kind, key, version, schema, body FROM omni_documents AS d
  WHERE d.shop = %(shop)s AND d.kind = a.kind AND d.key = a.key OFFSET 0
) AS d
"""
_FIND = """
SELECT i.sort, d.* FROM (
  SELECT sort, key FROM omni_index
  WHERE shop = %(shop)s AND kind = %(kind)s AND name = %(name)s AND {range} LIMIT %(limit)s::bigint
) AS i CROSS JOIN LATERAL (
  SELECT key, version, schema, body FROM omni_documents AS d
  WHERE d.shop = %(shop)s AND d.kind = %(kind)s AND d.key = i.key OFFSET 0
) AS d {order}
"""
_FIND_OLDEST = _FIND.format(
    range="(sort, key) > (%(sort)s::bytea, %(key)s) AND sort < %(bound)s::bytea ORDER BY sort, key",
    order="ORDER BY i.sort, i.key",
)
_FIND_NEWEST = _FIND.format(
    range="(sort, key) < (%(sort)s::bytea, %(key)s) AND sort >= %(bound)s::bytea ORDER BY sort DESC, key DESC",
    order="ORDER BY i.sort DESC, i.key DESC",
)

_CHANGED = """
unnest(%(kinds)s::text[], %(keys)s::text[], %(expected)s::bigint[]) AS c (kind, key, expected)
"""
_LOCK = f"""
SELECT d.version FROM (SELECT c.kind, c.key FROM {_CHANGED} ORDER BY c.kind, c.key) AS c CROSS JOIN LATERAL (
  SELECT version FROM omni_documents AS d
  WHERE d.shop = %(shop)s AND d.kind = c.kind AND d.key = c.key FOR UPDATE
) AS d
"""  # noqa: S608 - joined from the text above
_NEW = """
INSERT INTO omni_documents (shop, kind, key, version, schema, body)
SELECT %(shop)s, c.kind, c.key, 1, c.schema, c.body
FROM unnest(%(kinds)s::text[], %(keys)s::text[], %(schemas)s::bigint[], %(bodies)s::text[])
  AS c (kind, key, schema, body)
ON CONFLICT (shop, kind, key) DO NOTHING
"""
_REPLACE = """
UPDATE omni_documents AS d SET version = c.expected + 1, schema = c.schema, body = c.body
FROM unnest(%(kinds)s::text[], %(keys)s::text[], %(expected)s::bigint[], %(schemas)s::bigint[], %(bodies)s::text[])
  AS c (kind, key, expected, schema, body)
WHERE d.shop = %(shop)s AND d.kind = c.kind AND d.key = c.key AND d.version = c.expected
  AND d.kind = ANY (%(kinds)s::text[]) AND d.key = ANY (%(keys)s::text[])
"""
_DROP = f"""
DELETE FROM omni_documents AS d USING {_CHANGED}
WHERE d.shop = %(shop)s AND d.kind = c.kind AND d.key = c.key AND d.version = c.expected
  AND d.kind = ANY (%(kinds)s::text[]) AND d.key = ANY (%(keys)s::text[])
"""  # noqa: S608 - as above

_ROWS = """
unnest(%(rkinds)s::text[], %(rkeys)s::text[], %(names)s::text[], %(sorts)s::bytea[], %(uniqs)s::boolean[])
  AS n (kind, key, name, sort, uniq)
"""
_TAKE = f"""
DELETE FROM omni_index AS i USING unnest(%(kinds)s::text[], %(keys)s::text[]) AS c (kind, key)
WHERE i.shop = %(shop)s AND i.kind = c.kind AND i.key = c.key
  AND i.kind = ANY (%(kinds)s::text[]) AND i.key = ANY (%(keys)s::text[])
  AND (i.kind, i.key, i.name, i.sort, i.uniq) NOT IN (SELECT n.kind, n.key, n.name, n.sort, n.uniq FROM {_ROWS})
"""  # noqa: S608 - as above
_GIVE = f"""
INSERT INTO omni_index (shop, kind, key, name, sort, uniq)
SELECT %(shop)s, n.kind, n.key, n.name, n.sort, n.uniq FROM {_ROWS}
ON CONFLICT (shop, kind, name, sort, key) DO NOTHING
"""  # noqa: S608 - as above


def load(shop: str, kind: str, keys: Iterable[str]) -> Steps[dict[str, Document]]:
    """Give the documents that exist among ``keys``, in the order asked."""
    asked = list(keys)
    if not asked:
        return {}
    (result,) = yield (Query(_LOAD, {"shop": shop, "kind": kind, "keys": texts(asked)}),)
    found = {row[0]: _document(kind, row) for row in result.rows}
    return {key: found[key] for key in asked if key in found}


def load_kinds(shop: str, asked: Sequence[tuple[str, Sequence[str]]]) -> Steps[list[dict[str, Document]]]:
    """Give the documents that exist among keys of several kinds, in one statement."""
    places = [(kind, key) for kind, keys in asked for key in keys]
    if not places:
        return [{} for _ in asked]
    values: dict[str, Value] = {
        "shop": shop,
        "kinds": texts(kind for kind, _ in places),
        "keys": texts(key for _, key in places),
    }
    (result,) = yield (Query(_LOAD_KINDS, values),)
    found = {(row[0], row[1]): _document(row[0], row[1:]) for row in result.rows}
    return [{key: found[kind, key] for key in keys if (kind, key) in found} for kind, keys in asked]


def find(shop: str, where: Span) -> Steps[Found]:
    """Give one page of documents in index order."""
    low, high = (where.lower, ""), (where.upper, "")
    if where.newest_first:
        sql, bound = _FIND_NEWEST, where.lower
        sort, key = high if where.after is None else min(high, where.after)
    else:
        sql, bound = _FIND_OLDEST, where.upper
        sort, key = low if where.after is None else max(low, where.after)
    values: dict[str, Value] = {
        "shop": shop,
        "kind": where.kind,
        "name": where.index,
        "sort": sort,
        "key": key,
        "bound": bound,
        "limit": str(where.limit + 1),
    }
    (result,) = yield (Query(sql, values),)
    page = result.rows[: where.limit]
    return Found(
        documents=tuple(_document(where.kind, row[1:]) for row in page),
        next=cursor(page[-1][0], page[-1][1]) if len(result.rows) > where.limit else None,
    )


def _document(kind: str, row: Row) -> Document:
    key, version, schema, body = row
    return Document(kind=kind, key=key, version=version, schema=schema, body=body)


def changing(shop: str, changes: Sequence[Change]) -> tuple[Query, ...]:
    """Give the statements that apply changes, in (kind, key) order; a version that has moved is a ``Conflict``."""
    puts = [change for change in changes if isinstance(change, Put)]
    known = [change for change in changes if change.expected]
    queries: list[Query] = []
    if len(known) > 1:
        queries.append(Query(_LOCK, _places(shop, known)))
    if replaced := [put for put in puts if put.expected]:
        queries.append(_guarded(_REPLACE, _places(shop, replaced) | _bodies(replaced), replaced))
    if dropped := [change for change in known if not isinstance(change, Put)]:
        queries.append(_guarded(_DROP, _places(shop, dropped), dropped))
    if new := [put for put in puts if not put.expected]:
        queries.append(_guarded(_NEW, _places(shop, new) | _bodies(new), new))
    rows = _index_rows(puts)
    if known:
        queries.append(Query(_TAKE, _places(shop, known) | rows))
    if any(put.rows for put in puts):
        queries.append(Query(_GIVE, {"shop": shop, **rows}))
    return tuple(queries)


def _guarded(sql: str, values: dict[str, Value], changes: Sequence[Change]) -> Query:
    only = changes[0]
    about = f"{only.kind} {only.key}" if len(changes) == 1 else f"one of several documents, from {only.kind} {only.key}"
    return Query(sql, values, expects=len(changes), about=about)


def _places(shop: str, changes: Sequence[Change]) -> dict[str, Value]:
    return {
        "shop": shop,
        "kinds": texts(change.kind for change in changes),
        "keys": texts(change.key for change in changes),
        "expected": numbers(change.expected for change in changes),
    }


def _bodies(puts: Sequence[Put]) -> dict[str, Value]:
    return {"schemas": numbers(put.schema for put in puts), "bodies": texts(put.body for put in puts)}


def _index_rows(puts: Sequence[Put]) -> dict[str, Value]:
    rows = [(put, row) for put in puts for row in put.rows]
    return {
        "rkinds": texts(put.kind for put, _ in rows),
        "rkeys": texts(put.key for put, _ in rows),
        "names": texts(row.index for _, row in rows),
        "sorts": blobs(row.sort for _, row in rows),
        "uniqs": flags(row.unique for _, row in rows),
    }
