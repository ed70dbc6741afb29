"""How do guarded accounts come out of the database under their lock, and how do they go back?

Accounts are locked in (unit, path) order before anything about them is read: rows that do not exist yet are made first,
so that they can be locked too. Holds are changed under their account's lock only and need none of their own. Each
statement sees what had committed when it began, so what follows the lock sees everything the lock waited for.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from omnicore.adapters.columns import BALANCE, ENTRY, HOLD, read_balance, read_entry, read_hold
from omnicore.adapters.postgres.arrays import flags, numbers, texts
from omnicore.adapters.postgres.ledger_rows import HOLDS, pairs
from omnicore.adapters.postgres.wire import Query, Result
from omnicore.kernel.books import Books, Recorded
from omnicore.kernel.errors import Conflict
from omnicore.kernel.ledger import Account, Balance, Entry, Extend, Held, Hold, Move, Settle, Void
from omnicore.kernel.moves import OPEN_ROOTS
from omnicore.kernel.named_rows import named_accounts, named_entries, named_holds
from omnicore.kernel.time import Instant

_OPEN_ROOTS = ", ".join(f"'{root}'" for root in sorted(OPEN_ROOTS))
_GIVEN = "unnest(%(units)s::text[], %(paths)s::text[]) AS a (unit, path)"
# The accounts of a hold that is only named are found by the statement itself.
_NAMED = f"""(
  SELECT g.unit, g.path FROM unnest(%(units)s::text[], %(paths)s::text[]) AS g (unit, path)
  UNION SELECT h.unit, p.path FROM omni_holds AS h
  CROSS JOIN LATERAL (VALUES (h.source), (h.target)) AS p (path)
  WHERE h.shop = %(shop)s AND h.id = ANY (%(ends)s::text[])
    AND split_part(p.path, '/', 1) NOT IN ({_OPEN_ROOTS})
)"""  # noqa: S608 - the kernel's own words
_FOUND = f"{_NAMED} AS a"
# A join alone may be planned as reading all of a shop's rows, while tables are young: this leaves no such choice.
_AMONG_GIVEN = "ANY (%(units)s::text[]) AND {row}.{path} = ANY (%(paths)s::text[])"
_AMONG_FOUND = f"""ANY (ARRAY(SELECT f.unit FROM {_NAMED} AS f))
  AND {{row}}.{{path}} = ANY (ARRAY(SELECT f.path FROM {_NAMED} AS f))"""  # noqa: S608 - as above
_MAKE = """
INSERT INTO omni_balances (shop, unit, path, posted, held, floor, overcommitted, at)
SELECT %(shop)s, a.unit, a.path, 0, 0, 0, FALSE, %(at)s::bigint FROM {accounts} ORDER BY a.unit, a.path
ON CONFLICT (shop, unit, path) DO NOTHING
RETURNING unit, path
"""
_LOCK = f"""
SELECT {BALANCE} FROM {{accounts}}
JOIN omni_balances AS b ON b.shop = %(shop)s AND b.unit = {{balance}} AND b.unit = a.unit AND b.path = a.path
ORDER BY b.unit, b.path FOR UPDATE OF b
"""  # noqa: S608 - joined from column lists
_LAPSED = f"""
SELECT {HOLD} FROM {{accounts}}
JOIN omni_holds AS h ON h.shop = %(shop)s AND h.unit = {{hold}} AND h.unit = a.unit AND h.source = a.path
  AND h.state = 'open' AND h.expires <= (
    SELECT greatest(%(at)s::bigint, max(b.at)) FROM {{accounts}}
    JOIN omni_balances AS b ON b.shop = %(shop)s AND b.unit = {{balance}} AND b.unit = a.unit AND b.path = a.path
  )
"""  # noqa: S608 - as above
_KNOWN = f"""
SELECT {ENTRY} FROM omni_entries AS e WHERE e.shop = %(shop)s AND e.id = ANY (%(entries)s::text[])
"""  # noqa: S608 - as above

_PUT_BALANCES = """
UPDATE omni_balances AS b
SET posted = n.posted, held = n.held, floor = n.floor, overcommitted = n.overcommitted, at = %(at)s::bigint
FROM unnest(%(units)s::text[], %(paths)s::text[], %(posted)s::bigint[], %(held)s::bigint[], %(floors)s::bigint[],
  %(over)s::boolean[]) AS n (unit, path, posted, held, floor, overcommitted)
WHERE b.shop = %(shop)s AND b.unit = ANY (%(units)s::text[]) AND b.path = ANY (%(paths)s::text[])
  AND b.unit = n.unit AND b.path = n.path
"""
_DROP_BALANCES = f"""
DELETE FROM omni_balances AS b USING {_GIVEN}
WHERE b.shop = %(shop)s AND b.unit = ANY (%(units)s::text[]) AND b.path = ANY (%(paths)s::text[])
  AND b.unit = a.unit AND b.path = a.path
"""  # noqa: S608 - as above
_PUT_HOLDS = """
INSERT INTO omni_holds (shop, id, unit, source, target, amount, remaining, settled, released, expired, expires, floor,
  since, state)
SELECT %(shop)s, n.* FROM unnest(%(ids)s::text[], %(units)s::text[], %(sources)s::text[], %(targets)s::text[],
  %(amounts)s::bigint[], %(remaining)s::bigint[], %(settled)s::bigint[], %(released)s::bigint[], %(expired)s::bigint[],
  %(expires)s::bigint[], %(floors)s::bigint[], %(since)s::bigint[], %(states)s::text[]) AS n
ON CONFLICT (shop, id) DO UPDATE SET remaining = excluded.remaining, settled = excluded.settled,
  released = excluded.released, expired = excluded.expired, expires = excluded.expires, state = excluded.state
WHERE omni_holds.unit = excluded.unit AND omni_holds.source = excluded.source
"""
_PUT_ENTRIES = """
INSERT INTO omni_entries (shop, id, unit, source, target, amount, at, fact, hold)
SELECT %(shop)s, n.id, n.unit, n.source, n.target, n.amount, %(at)s::bigint, n.fact, n.hold
FROM unnest(%(ids)s::text[], %(units)s::text[], %(sources)s::text[], %(targets)s::text[], %(amounts)s::bigint[],
  %(facts)s::boolean[], %(holds)s::text[]) AS n (id, unit, source, target, amount, fact, hold)
ON CONFLICT (shop, id) DO NOTHING
"""


@frozen
class Locked:
    """What the books hold under the lock, and which balance rows were made only to be locked."""

    books: Books
    made: frozenset[Account]


def _over(accounts: str, among: str) -> Iterator[str]:
    balance, hold = among.format(row="b", path="path"), among.format(row="h", path="source")
    return (sql.format(accounts=accounts, balance=balance, hold=hold) for sql in (_MAKE, _LOCK, _LAPSED))


_MAKE_GIVEN, _LOCK_GIVEN, _LAPSED_GIVEN = _over(_GIVEN, _AMONG_GIVEN)
_MAKE_FOUND, _LOCK_FOUND, _LAPSED_FOUND = _over(_FOUND, _AMONG_FOUND)
_LOCKS: Final = frozenset({_LOCK_GIVEN, _LOCK_FOUND})
_MAKES: Final = frozenset({_MAKE_GIVEN, _MAKE_FOUND})


def locking(shop: str, moves: Sequence[Move], at: Instant) -> tuple[Query, ...]:
    """Give the statements that lock and gather what ``kernel.books`` needs; ``locked`` reads their results."""
    values = {**pairs(shop, named_accounts(moves, {})), "at": str(at.micros)}
    if ends := _ended(moves):
        values["ends"] = texts(ends)
    # What only holds needs rows that stand already, or its guard fails; other moves may be an account's first.
    makes = any(not isinstance(move, Hold) for move in moves)
    make, lock, lapsed = (
        (_MAKE_FOUND, _LOCK_FOUND, _LAPSED_FOUND) if ends else (_MAKE_GIVEN, _LOCK_GIVEN, _LAPSED_GIVEN)
    )
    queries = [Query(make, values)] if makes else []
    queries += [Query(lock, values), Query(lapsed, values)]
    if named := named_holds(moves):
        queries.append(Query(HOLDS, {"shop": shop, "holds": texts(named)}))
    if entries := named_entries(moves):
        queries.append(Query(_KNOWN, {"shop": shop, "entries": texts(entries)}))
    return tuple(queries)


def _ended(moves: Iterable[Move]) -> list[str]:
    return sorted({move.hold for move in moves if isinstance(move, Settle | Void | Extend)})


def locked(moves: Sequence[Move], queries: Sequence[Query], results: Sequence[Result]) -> Locked:
    """Read what ``locking`` found.

    Raises: Conflict when a hold came to be after the accounts to lock were named.
    """
    balances: dict[Account, Balance] = {}
    held: dict[str, Held] = {}
    known: dict[str, Entry] = {}
    made = frozenset[Account]()
    for query, result in zip(queries, results, strict=True):
        if query.sql in _MAKES:
            made = frozenset(Account(unit, path) for unit, path in result.rows)
        elif query.sql in _LOCKS:
            balances = {balance.account: balance for balance in map(read_balance, result.rows)}
        elif query.sql is _KNOWN:
            known = {row[0]: read_entry(row) for row in result.rows}
        else:
            held.update((row[0], read_hold(row)) for row in result.rows)
    # Such a hold may come from an account that was locked for another move, and go to one that was not.
    for name in _ended(moves):
        if name in held and not set(named_accounts([Void(hold=name)], held)) <= balances.keys():
            raise Conflict(f"hold {name}")
    # A row made just now has no last instant: the books must not see it.
    books = Books(
        balances={account: balance for account, balance in balances.items() if account not in made},
        holds=held,
        entries=known,
    )
    return Locked(books=books, made=made)


def storing(shop: str, recorded: Recorded, made: frozenset[Account]) -> tuple[Query, ...]:
    """Give the statements that store what the books say.

    An account that is not there, or an id that was used meanwhile on another account, is a ``Conflict``.
    """
    queries: list[Query] = []
    at = str(recorded.at.micros)
    if rows := recorded.balances:
        values = {
            **pairs(shop, [row.account for row in rows]),
            "posted": numbers(row.posted for row in rows),
            "held": numbers(row.held for row in rows),
            "floors": numbers(row.floor for row in rows),
            "over": flags(row.overcommitted for row in rows),
            "at": at,
        }
        queries.append(Query(_PUT_BALANCES, values, expects=len(rows), about=f"{rows[0].account}"))
    if left := made - {row.account for row in rows}:
        queries.append(Query(_DROP_BALANCES, pairs(shop, sorted(left))))
    if recorded.holds:
        holds = recorded.holds
        queries.append(Query(_PUT_HOLDS, _hold_columns(shop, holds), expects=len(holds), about=f"hold {holds[0].id}"))
    if recorded.entries:
        entries = recorded.entries
        columns = {**_entry_columns(shop, entries), "at": at}
        queries.append(Query(_PUT_ENTRIES, columns, expects=len(entries), about=f"entry {entries[0].id}"))
    return tuple(queries)


def _hold_columns(shop: str, rows: Sequence[Held]) -> dict[str, str]:
    return {
        "shop": shop,
        "ids": texts(row.id for row in rows),
        "units": texts(row.unit for row in rows),
        "sources": texts(row.source for row in rows),
        "targets": texts(row.target for row in rows),
        "amounts": numbers(row.amount for row in rows),
        "remaining": numbers(row.left for row in rows),
        "settled": numbers(row.settled for row in rows),
        "released": numbers(row.released for row in rows),
        "expired": numbers(row.expired for row in rows),
        "expires": numbers(None if row.expires is None else row.expires.micros for row in rows),
        "floors": numbers(row.floor for row in rows),
        "since": numbers(row.since.micros for row in rows),
        "states": texts(row.state.value for row in rows),
    }


def _entry_columns(shop: str, rows: Sequence[Entry]) -> dict[str, str]:
    return {
        "shop": shop,
        "ids": texts(row.id for row in rows),
        "units": texts(row.unit for row in rows),
        "sources": texts(row.source for row in rows),
        "targets": texts(row.target for row in rows),
        "amounts": numbers(row.amount for row in rows),
        "facts": flags(row.fact for row in rows),
        "holds": texts(row.hold for row in rows),
    }
