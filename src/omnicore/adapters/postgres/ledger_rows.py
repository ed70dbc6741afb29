"""How do the books' rows come out of the database under their lock, and how do they go back?

Guarded accounts are locked in (unit, path) order before anything about them is read: rows that do not exist yet are
made first, so that they can be locked too. Holds are changed under their account's lock only and need none of their
own. Each statement sees what had committed when it began, so what follows the lock sees everything the lock waited for.
"""

from collections.abc import Iterable, Sequence

from attrs import frozen

from omnicore.adapters.columns import BALANCE, ENTRY, HOLD, read_balance, read_entry, read_hold
from omnicore.adapters.postgres.arrays import flags, numbers, texts
from omnicore.adapters.postgres.wire import Query, Result, Steps
from omnicore.kernel.books import Books, Recorded
from omnicore.kernel.errors import Conflict
from omnicore.kernel.ledger import Account, Balance, Entry, Held, Move
from omnicore.kernel.moves import OPEN_ROOTS
from omnicore.kernel.named_rows import named_accounts, named_entries, named_holds
from omnicore.kernel.time import Instant

_OPEN_ROOTS = ", ".join(f"'{root}'" for root in sorted(OPEN_ROOTS))
_ACCOUNTS = f"""
account AS (
  SELECT a.unit, a.path FROM unnest(%(units)s::text[], %(paths)s::text[]) AS a (unit, path)
  UNION SELECT h.unit, p.path FROM unnest(%(holds)s::text[]) AS asked (id)
  JOIN omni_holds AS h ON h.shop = %(shop)s AND h.id = asked.id
  CROSS JOIN LATERAL (VALUES (h.source), (h.target)) AS p (path)
  WHERE split_part(p.path, '/', 1) NOT IN ({_OPEN_ROOTS})
)
"""  # noqa: S608 - the kernel's own words
_GIVEN = "account AS (SELECT a.unit, a.path FROM unnest(%(units)s::text[], %(paths)s::text[]) AS a (unit, path))"
_MAKE = """
WITH {accounts}
INSERT INTO omni_balances (shop, unit, path, posted, held, floor, overcommitted, at)
SELECT %(shop)s, unit, path, 0, 0, 0, FALSE, %(at)s::bigint FROM account ORDER BY unit, path
ON CONFLICT (shop, unit, path) DO NOTHING
RETURNING unit, path
"""
_LOCK = f"""
WITH {{accounts}}
SELECT {BALANCE} FROM account AS a
JOIN omni_balances AS b ON b.shop = %(shop)s AND b.unit = a.unit AND b.path = a.path
ORDER BY b.unit, b.path FOR UPDATE OF b
"""  # noqa: S608 - joined from column lists
_GATHER = f"""
WITH {{accounts}}, instant (at) AS (
  SELECT greatest(%(at)s::bigint, max(b.at)) FROM account AS a
  JOIN omni_balances AS b ON b.shop = %(shop)s AND b.unit = a.unit AND b.path = a.path
)
SELECT {HOLD} FROM unnest(%(holds)s::text[]) AS asked (id)
JOIN omni_holds AS h ON h.shop = %(shop)s AND h.id = asked.id
UNION
SELECT {HOLD} FROM account AS a CROSS JOIN instant AS i
JOIN omni_holds AS h ON h.shop = %(shop)s AND h.unit = a.unit AND h.source = a.path
  AND h.state = 'open' AND h.expires <= i.at
"""  # noqa: S608 - as above
_KNOWN = f"""
SELECT {ENTRY} FROM omni_entries AS e WHERE e.shop = %(shop)s AND e.id = ANY (%(entries)s::text[])
"""  # noqa: S608 - as above

_ASKED = "unnest(%(units)s::text[], %(paths)s::text[]) AS a (unit, path)"
_GUARDED = f"""
SELECT {BALANCE}, (
  SELECT coalesce(sum(h.remaining), 0)::bigint FROM omni_holds AS h
  WHERE h.shop = %(shop)s AND h.unit = b.unit AND h.source = b.path AND h.state = 'open'
    AND h.expires <= greatest(%(at)s::bigint, b.at)
)
FROM {_ASKED} JOIN omni_balances AS b ON b.shop = %(shop)s AND b.unit = a.unit AND b.path = a.path
"""  # noqa: S608 - as above
_OPEN = f"""
SELECT a.unit, a.path,
  (SELECT coalesce(sum(amount), 0) FROM omni_entries AS e
   WHERE e.shop = %(shop)s AND e.unit = a.unit AND e.target = a.path)
  - (SELECT coalesce(sum(amount), 0) FROM omni_entries AS e
     WHERE e.shop = %(shop)s AND e.unit = a.unit AND e.source = a.path)
FROM {_ASKED}
"""  # noqa: S608 - as above
_HOLDS = f"""
SELECT {HOLD} FROM omni_holds AS h WHERE h.shop = %(shop)s AND h.id = ANY (%(holds)s::text[])
"""  # noqa: S608 - as above
_OPEN_HOLDS = f"""
SELECT {HOLD} FROM (SELECT DISTINCT unit, path FROM {_ASKED}) AS a
JOIN omni_holds AS h ON h.shop = %(shop)s AND h.unit = a.unit AND h.source = a.path AND h.state = 'open'
ORDER BY h.since, h.id
"""  # noqa: S608 - as above
_SIDE = f"""
(SELECT {ENTRY} FROM omni_entries AS e
 WHERE e.shop = %(shop)s AND e.unit = %(unit)s AND e.{{side}} = %(path)s AND e.position > %(after)s::bigint
 ORDER BY e.position LIMIT %(limit)s::bigint)
"""  # noqa: S608 - as above
_ENTRIES = (
    f"{_SIDE.format(side='source')} UNION ALL {_SIDE.format(side='target')} ORDER BY position LIMIT %(limit)s::bigint"
)

_PUT_BALANCES = """
UPDATE omni_balances AS b
SET posted = n.posted, held = n.held, floor = n.floor, overcommitted = n.overcommitted, at = %(at)s::bigint
FROM unnest(%(units)s::text[], %(paths)s::text[], %(posted)s::bigint[], %(held)s::bigint[], %(floors)s::bigint[],
  %(over)s::boolean[]) AS n (unit, path, posted, held, floor, overcommitted)
WHERE b.shop = %(shop)s AND b.unit = n.unit AND b.path = n.path
"""
_DROP_BALANCES = f"""
DELETE FROM omni_balances AS b USING {_ASKED} WHERE b.shop = %(shop)s AND b.unit = a.unit AND b.path = a.path
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


# Reads


def balances(shop: str, accounts: Iterable[Account], at: Instant) -> Steps[dict[Account, Balance]]:
    """Give a balance for every account asked; open ones are summed from their entries."""
    asked = list(accounts)
    guarded = [account for account in asked if account.guarded]
    unguarded = [account for account in asked if not account.guarded]
    queries: list[Query] = []
    if guarded:
        queries.append(Query(_GUARDED, {**_pairs(shop, guarded), "at": str(at.micros)}))
    if unguarded:
        queries.append(Query(_OPEN, _pairs(shop, unguarded)))
    found: dict[Account, Balance] = {}
    for query, result in zip(queries, (yield tuple(queries)) if queries else (), strict=True):
        for row in result.rows:
            if query.sql is _GUARDED:
                balance = read_balance(row[:7], lapsed=row[7])
            else:
                balance = Balance(account=Account(row[0], row[1]), posted=int(row[2]))
            found[balance.account] = balance
    return {account: found.get(account) or Balance(account=account) for account in asked}


def holds(shop: str, ids: Iterable[str]) -> Steps[dict[str, Held]]:
    """Give the holds that exist among ``ids``, in the order asked."""
    asked = list(ids)
    if not asked:
        return {}
    (result,) = yield (Query(_HOLDS, {"shop": shop, "holds": texts(asked)}),)
    found = {row[0]: read_hold(row) for row in result.rows}
    return {key: found[key] for key in asked if key in found}


def open_holds(shop: str, accounts: Iterable[Account]) -> Steps[dict[Account, tuple[Held, ...]]]:
    """Give each account's open holds in promise order."""
    found: dict[Account, list[Held]] = {account: [] for account in accounts}
    if found:
        (result,) = yield (Query(_OPEN_HOLDS, _pairs(shop, found)),)
        for row in result.rows:
            held = read_hold(row)
            found[held.account].append(held)
    return {account: tuple(rows) for account, rows in found.items()}


def entries(shop: str, account: Account, *, after: int, limit: int) -> Steps[tuple[Entry, ...]]:
    """Give the numbered entries that touch an account, by position."""
    values = {"shop": shop, "unit": account.unit, "path": account.path, "after": str(after), "limit": str(limit)}
    (result,) = yield (Query(_ENTRIES, values),)
    return tuple(read_entry(row) for row in result.rows)


# The write


@frozen
class Locked:
    """What the books hold under the lock, and which balance rows were made only to be locked."""

    books: Books
    made: frozenset[Account]


def locking(shop: str, moves: Sequence[Move], at: Instant) -> tuple[Query, ...]:
    """Give the statements that lock and gather what ``kernel.books`` needs; ``locked`` reads their results."""
    named = named_holds(moves)
    values = {
        **_pairs(shop, named_accounts(moves, {})),
        "holds": texts(named),
        "entries": texts(named_entries(moves)),
        "at": str(at.micros),
    }
    return tuple(Query(sql, values) for sql in (_STATEMENTS if named else _STATEMENTS_OF_GIVEN))


_STATEMENTS = (*(sql.format(accounts=_ACCOUNTS) for sql in (_MAKE, _LOCK, _GATHER)), _KNOWN)
# Without a hold to name, which accounts are touched is known before anything is read.
_STATEMENTS_OF_GIVEN = (*(sql.format(accounts=_GIVEN) for sql in (_MAKE, _LOCK, _GATHER)), _KNOWN)


def locked(results: Sequence[Result]) -> Locked:
    """Read what ``locking`` found.

    Raises: Conflict when a hold came to be after the accounts to lock were named.
    """
    made, rows, gathered, known = results
    found = {balance.account: balance for balance in map(read_balance, rows.rows)}
    held = {row[0]: read_hold(row) for row in gathered.rows}
    for each in held.values():
        if each.account not in found:
            raise Conflict(f"hold {each.id}")
    fresh = frozenset(Account(unit, path) for unit, path in made.rows)
    return Locked(
        books=Books(
            # A row made just now has no last instant: the books must not see it.
            balances={account: balance for account, balance in found.items() if account not in fresh},
            holds=held,
            entries={row[0]: read_entry(row) for row in known.rows},
        ),
        made=fresh,
    )


def storing(shop: str, recorded: Recorded, made: frozenset[Account]) -> tuple[Query, ...]:
    """Give the statements that store what the books say; ``stored`` judges their results."""
    queries: list[Query] = []
    at = str(recorded.at.micros)
    if rows := recorded.balances:
        values = {
            **_pairs(shop, [row.account for row in rows]),
            "posted": numbers(row.posted for row in rows),
            "held": numbers(row.held for row in rows),
            "floors": numbers(row.floor for row in rows),
            "over": flags(row.overcommitted for row in rows),
            "at": at,
        }
        queries.append(Query(_PUT_BALANCES, values))
    if left := made - {row.account for row in rows}:
        queries.append(Query(_DROP_BALANCES, _pairs(shop, sorted(left))))
    if recorded.holds:
        queries.append(Query(_PUT_HOLDS, _hold_columns(shop, recorded.holds)))
    if recorded.entries:
        queries.append(Query(_PUT_ENTRIES, {**_entry_columns(shop, recorded.entries), "at": at}))
    return tuple(queries)


def stored(recorded: Recorded, queries: Sequence[Query], results: Sequence[Result]) -> None:
    """Judge what the statements of ``storing`` did.

    Raises: Conflict when an id was used meanwhile, on an account that was not locked.
    """
    wanted = {_PUT_HOLDS: len(recorded.holds), _PUT_ENTRIES: len(recorded.entries)}
    for query, result in zip(queries, results, strict=True):
        if result.count != wanted.get(query.sql, result.count):
            raise Conflict("the id of a hold or an entry")


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


def _pairs(shop: str, accounts: Iterable[Account]) -> dict[str, str]:
    rows = list(accounts)
    return {
        "shop": shop,
        "units": texts(account.unit for account in rows),
        "paths": texts(account.path for account in rows),
    }
