"""How are command rows and events stored, numbered and read?

Events and entries are written without a position. Numbering takes rows that have committed, one worker at a time under
the lock of the shop's head, in the order in which they were written; a transaction that stays open for an hour is
numbered when it commits, behind what was numbered before, so nothing appears behind a position already read. Events of
one aggregate are written under its document's lock, so among them the order of writing is the order of commits.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from omnicore.adapters.columns import ENVELOPE, read_envelope
from omnicore.adapters.postgres.arrays import numbers, texts
from omnicore.adapters.postgres.wire import Query, Steps
from omnicore.kernel.journal import Envelope, link
from omnicore.kernel.store import Command
from omnicore.kernel.time import Instant

_COMMANDS = """
SELECT key, request, answer, at FROM omni_commands WHERE shop = %(shop)s AND key = ANY (%(keys)s::text[])
"""
_PUT_COMMANDS = """
INSERT INTO omni_commands (shop, key, request, answer, at)
SELECT %(shop)s, n.key, n.request, n.answer, n.at
FROM unnest(%(keys)s::text[], %(requests)s::text[], %(answers)s::text[], %(ats)s::bigint[])
  AS n (key, request, answer, at)
ON CONFLICT (shop, key) DO NOTHING
"""
_FORGET = """
DELETE FROM omni_commands WHERE shop = %(shop)s AND key = ANY (ARRAY(
  SELECT key FROM omni_commands WHERE shop = %(shop)s AND at < %(before)s::bigint ORDER BY at LIMIT %(limit)s::bigint
))
"""
_PUT_EVENTS = """
INSERT INTO omni_journal (shop, id, type, about, at, by, command, data)
SELECT %(shop)s, n.id, n.type, n.about, n.at, n.by, n.command, n.data
FROM unnest(%(ids)s::text[], %(types)s::text[], %(abouts)s::text[], %(ats)s::bigint[], %(bys)s::text[],
  %(commands)s::text[], %(datas)s::text[]) AS n (id, type, about, at, by, command, data)
ON CONFLICT (shop, id) DO NOTHING
"""

_AT_ONCE: Final = 100
_READ = f"""
SELECT {ENVELOPE} FROM omni_journal WHERE shop = %(shop)s AND position > %(after)s::bigint
ORDER BY position LIMIT %(limit)s::bigint
"""  # noqa: S608 - joined from the column list above
HEAD = "SELECT position, chain FROM omni_heads WHERE shop = %(shop)s"
_MAKE_HEAD = """
INSERT INTO omni_heads (shop, position, chain) VALUES (%(shop)s, 0, '') ON CONFLICT (shop) DO NOTHING
"""
_LOCK_HEAD = HEAD + " FOR UPDATE"
_UNNUMBERED = f"""
SELECT {ENVELOPE} FROM omni_journal WHERE shop = %(shop)s AND position IS NULL ORDER BY seq LIMIT %(limit)s::bigint
"""  # noqa: S608 - as above
_UNNUMBERED_ENTRIES = """
SELECT id FROM omni_entries WHERE shop = %(shop)s AND position IS NULL ORDER BY seq LIMIT %(limit)s::bigint
"""
# By their names: asked for rows without a position, the planner reads all that wait, once for each.
_NUMBER = """
UPDATE omni_journal AS j SET position = n.position, chain = n.chain
FROM unnest(%(ids)s::text[], %(positions)s::bigint[], %(chains)s::text[]) AS n (id, position, chain)
WHERE j.shop = %(shop)s AND j.id = ANY (%(ids)s::text[]) AND j.id = n.id AND coalesce(j.position, 0) = 0
"""
_NUMBER_ENTRIES = """
UPDATE omni_entries AS e SET position = n.position
FROM unnest(%(ids)s::text[], %(positions)s::bigint[]) AS n (id, position)
WHERE e.shop = %(shop)s AND e.id = ANY (%(ids)s::text[]) AND e.id = n.id AND coalesce(e.position, 0) = 0
"""
_PUT_HEAD = "UPDATE omni_heads SET position = %(position)s::bigint, chain = %(chain)s WHERE shop = %(shop)s"


def commands(shop: str, keys: Iterable[str]) -> Steps[dict[str, Command]]:
    """Give the command rows that exist among ``keys``, in the order asked."""
    asked = list(keys)
    if not asked:
        return {}
    (result,) = yield (Query(_COMMANDS, {"shop": shop, "keys": texts(asked)}),)
    found = {row[0]: Command(key=row[0], request=row[1], answer=row[2], at=Instant(row[3])) for row in result.rows}
    return {key: found[key] for key in asked if key in found}


def putting_commands(shop: str, rows: Iterable[Command]) -> Query:
    """Give the statement that stores command rows, by key; one that is taken is a ``Conflict``."""
    ordered = sorted(rows, key=lambda row: row.key)
    values = {
        "shop": shop,
        "keys": texts(row.key for row in ordered),
        "requests": texts(row.request for row in ordered),
        "answers": texts(row.answer for row in ordered),
        "ats": numbers(row.at.micros for row in ordered),
    }
    about = f"command {ordered[0].key}" if len(ordered) == 1 else "one of several commands"
    return Query(_PUT_COMMANDS, values, expects=len(ordered), about=about)


def forget(shop: str, before: Instant, limit: int) -> Steps[int]:
    """Remove command rows older than ``before``, oldest first, at most ``limit``; how many."""
    (result,) = yield (Query(_FORGET, {"shop": shop, "before": str(before.micros), "limit": str(limit)}),)
    return result.count


def putting_events(shop: str, rows: Sequence[Envelope]) -> Query:
    """Give the statement that stores events without a position; an id that is taken is a ``Conflict``."""
    values = {
        "shop": shop,
        "ids": texts(row.id for row in rows),
        "types": texts(row.type for row in rows),
        "abouts": texts(row.about for row in rows),
        "ats": numbers(row.at.micros for row in rows),
        "bys": texts(row.by for row in rows),
        "commands": texts(row.command for row in rows),
        "datas": texts(row.data for row in rows),
    }
    return Query(_PUT_EVENTS, values, expects=len(rows), about="the id of an event")


def read(shop: str, *, after: int, limit: int) -> Steps[tuple[Envelope, ...]]:
    """Give numbered envelopes by position."""
    (result,) = yield (Query(_READ, {"shop": shop, "after": str(after), "limit": str(limit)}),)
    return tuple(read_envelope(row) for row in result.rows)


def number(shop: str, limit: int) -> Steps[int]:
    """Give positions and links to events, then positions to entries, at most ``limit``; how many got one."""
    # The head is locked before the rows are read, so that a second worker sees what the first has numbered.
    _, head, waiting = yield (
        Query(_MAKE_HEAD, {"shop": shop}),
        Query(_LOCK_HEAD, {"shop": shop}),
        Query(_UNNUMBERED, {"shop": shop, "limit": str(limit)}),
    )
    first, chain = head.rows[0]
    position = first
    ids: list[str] = []
    chains: list[str] = []
    for row in waiting.rows:
        chain = link(chain, read_envelope(row))
        ids.append(row[0])
        chains.append(chain)
    queries = _numbering(shop, _NUMBER, ids, position, chains)
    position += len(ids)
    rest = limit - len(ids)
    if rest > 0:
        (entries,) = yield (Query(_UNNUMBERED_ENTRIES, {"shop": shop, "limit": str(rest)}),)
        moved = [row[0] for row in entries.rows]
        queries += _numbering(shop, _NUMBER_ENTRIES, moved, position)
        position += len(moved)
    if queries:
        queries.append(Query(_PUT_HEAD, {"shop": shop, "position": str(position), "chain": chain}))
        yield tuple(queries)
    return int(position - first)


def _numbering(shop: str, sql: str, ids: Sequence[str], position: int, chains: Sequence[str] = ()) -> list[Query]:
    """Give the statements that number rows from behind a position, few rows each: their lists are joined in a loop."""
    queries: list[Query] = []
    for first in range(0, len(ids), _AT_ONCE):
        part = ids[first : first + _AT_ONCE]
        places = range(position + first + 1, position + first + 1 + len(part))
        values = {"shop": shop, "ids": texts(part), "positions": numbers(places)}
        if chains:
            values["chains"] = texts(chains[first : first + _AT_ONCE])
        queries.append(Query(sql, values))
    return queries
