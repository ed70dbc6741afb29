"""How are command rows and events stored, numbered and read?

Events and entries are written without a position. Numbering is the work of one worker per shop: it takes committed rows
in the order of their rowid, which is the order of writing, so nothing can appear behind a position already read.
"""

from collections.abc import Iterable

from omnicore.adapters.columns import ENVELOPE, read_envelope
from omnicore.adapters.sqlite.statements import Statements, listed
from omnicore.kernel.journal import Envelope, link
from omnicore.kernel.store import Command
from omnicore.kernel.time import Instant

_COMMANDS = """
SELECT c.key, c.request, c.answer, c.at FROM json_each(:keys) AS asked
CROSS JOIN omni_commands AS c ON c.shop = :shop AND c.key = asked.value
"""
_PUT_COMMAND = "INSERT INTO omni_commands (shop, key, request, answer, at) VALUES (?, ?, ?, ?, ?)"
_FORGET = """
DELETE FROM omni_commands WHERE shop = :shop AND key IN (
  SELECT key FROM omni_commands WHERE shop = :shop AND at < :before ORDER BY at, key LIMIT :limit
) RETURNING key
"""
_PUT_EVENT = "INSERT INTO omni_journal (shop, id, type, about, at, by, command, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

_READ = f"""
SELECT {ENVELOPE} FROM omni_journal WHERE shop = :shop AND position > :after ORDER BY position LIMIT :limit
"""  # noqa: S608 - joined from the column list above
_UNNUMBERED = f"""
SELECT seq, {ENVELOPE} FROM omni_journal WHERE shop = :shop AND position IS NULL ORDER BY seq LIMIT :limit
"""  # noqa: S608 - as above
_UNNUMBERED_ENTRIES = """
SELECT seq FROM omni_entries WHERE shop = :shop AND position IS NULL ORDER BY seq LIMIT :limit
"""
_NUMBER = "UPDATE omni_journal SET position = ?, chain = ? WHERE seq = ?"
_NUMBER_ENTRY = "UPDATE omni_entries SET position = ? WHERE seq = ?"
HEAD = "SELECT position, chain FROM omni_heads WHERE shop = :shop"
_PUT_HEAD = """
INSERT INTO omni_heads (shop, position, chain) VALUES (?, ?, ?)
ON CONFLICT (shop) DO UPDATE SET position = excluded.position, chain = excluded.chain
"""


def commands(statements: Statements, keys: Iterable[str]) -> dict[str, Command]:
    """Give the command rows that exist among ``keys``, in the order asked."""
    asked = list(keys)
    if not asked:
        return {}
    found = {
        key: Command(key=key, request=request, answer=answer, at=Instant(at))
        for key, request, answer, at in statements.rows(_COMMANDS, keys=listed(asked))
    }
    return {key: found[key] for key in asked if key in found}


def put_commands(statements: Statements, rows: Iterable[Command]) -> None:
    """Store command rows, by key.

    Raises: Conflict when a key is taken.
    """
    shop = statements.shop
    statements.many(
        _PUT_COMMAND,
        [(shop, row.key, row.request, row.answer, row.at.micros) for row in sorted(rows, key=lambda row: row.key)],
        about="command {1}",
    )


def forget(statements: Statements, before: Instant, limit: int) -> int:
    """Remove command rows of before an instant, the oldest first; how many."""
    return len(statements.rows(_FORGET, before=before.micros, limit=limit))


def put_events(statements: Statements, rows: Iterable[Envelope]) -> None:
    """Store events without a position.

    Raises: Conflict when an id is taken.
    """
    shop = statements.shop
    statements.many(
        _PUT_EVENT,
        [(shop, row.id, row.type, row.about, row.at.micros, row.by, row.command, row.data) for row in rows],
        about="event {1}",
    )


def read(statements: Statements, *, after: int, limit: int) -> tuple[Envelope, ...]:
    """Give numbered envelopes by position."""
    return tuple(read_envelope(row) for row in statements.rows(_READ, after=after, limit=limit))


def head(statements: Statements) -> tuple[int, str]:
    """Give the last position given and the chain's last link."""
    position, chain = next(iter(statements.rows(HEAD)), (0, ""))
    return int(position), str(chain)


def number(statements: Statements, limit: int) -> int:
    """Give positions and links to events, then positions to entries, at most ``limit``; how many got one."""
    first, chain = head(statements)
    position = first
    linked: list[tuple[int, str, int]] = []
    for seq, *row in statements.rows(_UNNUMBERED, limit=limit):
        position, chain = position + 1, link(chain, read_envelope(tuple(row)))
        linked.append((position, chain, seq))
    statements.many(_NUMBER, linked, about="journal")
    rest = limit - len(linked)
    waiting = statements.rows(_UNNUMBERED_ENTRIES, limit=rest) if rest > 0 else []
    placed = [(position + nth, seq) for nth, (seq,) in enumerate(waiting, 1)]
    statements.many(_NUMBER_ENTRY, placed, about="journal")
    position += len(placed)
    if position > first:
        statements.many(_PUT_HEAD, [(statements.shop, position, chain)], about="journal")
    return position - first
