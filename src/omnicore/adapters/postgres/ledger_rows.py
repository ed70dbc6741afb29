"""How are the books read: balances, holds and entries, without a lock? ``ledger_lock`` is the other half."""

from collections.abc import Iterable

from omnicore.adapters.columns import BALANCE, ENTRY, HOLD, read_balance, read_entry, read_hold
from omnicore.adapters.postgres.arrays import texts
from omnicore.adapters.postgres.wire import Query, Steps
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.time import Instant

_ASKED = "unnest(%(units)s::text[], %(paths)s::text[]) AS a (unit, path)"
_GUARDED = f"""
SELECT {BALANCE}, (
  SELECT coalesce(sum(h.remaining), 0)::bigint FROM omni_holds AS h
  WHERE h.shop = %(shop)s AND h.unit = b.unit AND h.source = b.path AND h.state = 'open'
    AND h.expires <= greatest(%(at)s::bigint, b.at)
)
FROM {_ASKED} JOIN omni_balances AS b ON b.shop = %(shop)s AND b.unit = ANY (%(units)s::text[])
  AND b.path = ANY (%(paths)s::text[]) AND b.unit = a.unit AND b.path = a.path
"""  # noqa: S608 - as above
_OPEN = f"""
SELECT a.unit, a.path,
  (SELECT coalesce(sum(amount), 0) FROM omni_entries AS e
   WHERE e.shop = %(shop)s AND e.unit = a.unit AND e.target = a.path)
  - (SELECT coalesce(sum(amount), 0) FROM omni_entries AS e
     WHERE e.shop = %(shop)s AND e.unit = a.unit AND e.source = a.path)
FROM {_ASKED}
"""  # noqa: S608 - as above
HOLDS = f"""
SELECT {HOLD} FROM omni_holds AS h WHERE h.shop = %(shop)s AND h.id = ANY (%(holds)s::text[])
"""  # noqa: S608 - as above
_OPEN_HOLDS = f"""
SELECT {HOLD} FROM (SELECT DISTINCT unit, path FROM {_ASKED}) AS a
JOIN omni_holds AS h ON h.shop = %(shop)s AND h.unit = ANY (%(units)s::text[]) AND h.source = ANY (%(paths)s::text[])
  AND h.unit = a.unit AND h.source = a.path AND h.state = 'open'
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


def balances(shop: str, accounts: Iterable[Account], at: Instant) -> Steps[dict[Account, Balance]]:
    """Give a balance for every account asked; open ones are summed from their entries."""
    asked = list(accounts)
    guarded = [account for account in asked if account.guarded]
    unguarded = [account for account in asked if not account.guarded]
    queries: list[Query] = []
    if guarded:
        queries.append(Query(_GUARDED, {**pairs(shop, guarded), "at": str(at.micros)}))
    if unguarded:
        queries.append(Query(_OPEN, pairs(shop, unguarded)))
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
    (result,) = yield (Query(HOLDS, {"shop": shop, "holds": texts(asked)}),)
    found = {row[0]: read_hold(row) for row in result.rows}
    return {key: found[key] for key in asked if key in found}


def open_holds(shop: str, accounts: Iterable[Account]) -> Steps[dict[Account, tuple[Held, ...]]]:
    """Give each account's open holds in promise order."""
    found: dict[Account, list[Held]] = {account: [] for account in accounts}
    if found:
        (result,) = yield (Query(_OPEN_HOLDS, pairs(shop, found)),)
        for row in result.rows:
            held = read_hold(row)
            found[held.account].append(held)
    return {account: tuple(rows) for account, rows in found.items()}


def entries(shop: str, account: Account, *, after: int, limit: int) -> Steps[tuple[Entry, ...]]:
    """Give the numbered entries that touch an account, by position."""
    values = {"shop": shop, "unit": account.unit, "path": account.path, "after": str(after), "limit": str(limit)}
    (result,) = yield (Query(_ENTRIES, values),)
    return tuple(read_entry(row) for row in result.rows)


def pairs(shop: str, accounts: Iterable[Account]) -> dict[str, str]:
    """Give the values of a shop's accounts, as columns."""
    rows = list(accounts)
    return {
        "shop": shop,
        "units": texts(account.unit for account in rows),
        "paths": texts(account.path for account in rows),
    }
