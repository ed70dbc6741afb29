"""How do the books' rows come out of the database, and how do they go back?

One statement gathers everything ``kernel.books`` needs for a batch, however many moves it has: balances of the accounts
touched, the holds named, the holds lapsed on those accounts, and entries whose id a move repeats. One statement per
table stores what came out.

New holds on accounts that the flow has read already need no gathering: SQLite has one writer, so what this transaction
has read still stands. That their ids are new is found when they are stored; ``Guessed`` then asks for the longer way.
"""

from collections.abc import Iterable

from omnicore.adapters.columns import BALANCE, ENTRY, HOLD, read_balance, read_entry, read_hold
from omnicore.adapters.sqlite.statements import Statements, listed
from omnicore.kernel.books import Books, Recorded, record
from omnicore.kernel.errors import Conflict, Malformed
from omnicore.kernel.ledger import Account, Balance, Entry, Held, Hold, Move
from omnicore.kernel.named_rows import named_accounts, named_entries, named_holds
from omnicore.kernel.time import Instant

_GATHER = f"""
WITH named AS MATERIALIZED (
  SELECT {HOLD} FROM json_each(:holds) AS asked
  CROSS JOIN omni_holds AS h ON h.shop = :shop AND h.id = asked.value
), account (unit, path) AS MATERIALIZED (
  SELECT value ->> 0, value ->> 1 FROM json_each(:accounts)
  UNION SELECT unit, source FROM named
  UNION SELECT unit, target FROM named
), balance AS MATERIALIZED (
  SELECT {BALANCE} FROM account AS a
  CROSS JOIN omni_balances AS b ON b.shop = :shop AND b.unit = a.unit AND b.path = a.path
), instant (at) AS MATERIALIZED (
  SELECT max(:at, coalesce(max(at), :at)) FROM balance
)
SELECT 'balance', {BALANCE}, NULL, NULL, NULL, NULL, NULL, NULL FROM balance AS b
UNION ALL SELECT 'hold', {HOLD} FROM named AS h
UNION ALL SELECT 'hold', {HOLD} FROM instant AS i CROSS JOIN account AS a CROSS JOIN omni_holds AS h
  ON h.shop = :shop AND h.unit = a.unit AND h.source = a.path AND h.state = 'open' AND h.expires <= i.at
UNION ALL SELECT 'entry', {ENTRY}, NULL, NULL, NULL, NULL FROM json_each(:entries) AS asked
  CROSS JOIN omni_entries AS e ON e.shop = :shop AND e.id = asked.value
"""  # noqa: S608 - joined from column lists

_GUARDED = f"""
SELECT {BALANCE}, (
  SELECT coalesce(sum(h.remaining), 0) FROM omni_holds AS h
  WHERE h.shop = :shop AND h.unit = b.unit AND h.source = b.path AND h.state = 'open' AND h.expires <= max(:at, b.at)
)
FROM json_each(:accounts) AS asked
CROSS JOIN omni_balances AS b ON b.shop = :shop AND b.unit = asked.value ->> 0 AND b.path = asked.value ->> 1
"""  # noqa: S608 - as above

_OPEN = """
SELECT a.unit, a.path,
  (SELECT coalesce(sum(amount), 0) FROM omni_entries WHERE shop = :shop AND unit = a.unit AND target = a.path)
  - (SELECT coalesce(sum(amount), 0) FROM omni_entries WHERE shop = :shop AND unit = a.unit AND source = a.path)
FROM (SELECT value ->> 0 AS unit, value ->> 1 AS path FROM json_each(:accounts)) AS a
"""

_HOLDS = f"""
SELECT {HOLD} FROM json_each(:ids) AS asked
CROSS JOIN omni_holds AS h ON h.shop = :shop AND h.id = asked.value
"""  # noqa: S608 - as above

_OPEN_HOLDS = f"""
SELECT {HOLD} FROM (SELECT DISTINCT value ->> 0 AS unit, value ->> 1 AS path FROM json_each(:accounts)) AS a
CROSS JOIN omni_holds AS h INDEXED BY omni_holds_open
  ON h.shop = :shop AND h.unit = a.unit AND h.source = a.path AND h.state = 'open'
ORDER BY h.since, h.id
"""  # noqa: S608 - as above

_SIDE = f"""
SELECT * FROM (
  SELECT {ENTRY} FROM omni_entries AS e
  WHERE e.shop = :shop AND e.unit = :unit AND e.%s = :path AND e.position > :after
  ORDER BY e.position LIMIT :limit
)
"""  # noqa: S608 - as above
_ENTRIES = f"{_SIDE % 'source'} UNION ALL {_SIDE % 'target'} ORDER BY position LIMIT :limit"

_PUT_BALANCE = """
INSERT INTO omni_balances (shop, unit, path, posted, held, floor, overcommitted, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (shop, unit, path) DO UPDATE SET posted = excluded.posted, held = excluded.held, floor = excluded.floor,
  overcommitted = excluded.overcommitted, at = excluded.at
"""
_PUT_HOLD = """
INSERT INTO omni_holds (shop, id, unit, source, target, amount, remaining, settled, released, expired, expires, floor,
  since, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (shop, id) DO UPDATE SET remaining = excluded.remaining, settled = excluded.settled,
  released = excluded.released, expired = excluded.expired, expires = excluded.expires, state = excluded.state
"""
_NEW_HOLD = _PUT_HOLD.partition("ON CONFLICT")[0]
_PUT_ENTRY = """
INSERT INTO omni_entries (shop, id, unit, source, target, amount, at, fact, hold) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


# Reads


def balances(statements: Statements, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
    """Give a balance for every account asked; open ones are summed from their entries."""
    asked = list(accounts)
    found: dict[Account, Balance] = {}
    if guarded := [account for account in asked if account.guarded]:
        for row in statements.rows(_GUARDED, accounts=_pairs(guarded), at=at.micros):
            balance = read_balance(row[:7], lapsed=row[7])
            found[balance.account] = balance
        statements.known.update((account, (found.get(account) or Balance(account=account), at)) for account in guarded)
    if unguarded := [account for account in asked if not account.guarded]:
        for unit, path, posted in statements.rows(_OPEN, accounts=_pairs(unguarded)):
            found[Account(unit, path)] = Balance(account=Account(unit, path), posted=posted)
    return {account: found.get(account) or Balance(account=account) for account in asked}


def holds(statements: Statements, ids: Iterable[str]) -> dict[str, Held]:
    """Give the holds that exist among ``ids``, in the order asked."""
    asked = list(ids)
    if not asked:
        return {}
    found = {row[0]: read_hold(row) for row in statements.rows(_HOLDS, ids=listed(asked))}
    return {key: found[key] for key in asked if key in found}


def open_holds(statements: Statements, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
    """Give each account's open holds in promise order."""
    found: dict[Account, list[Held]] = {account: [] for account in accounts}
    if found:
        for row in statements.rows(_OPEN_HOLDS, accounts=_pairs(found)):
            held = read_hold(row)
            found[held.account].append(held)
    return {account: tuple(rows) for account, rows in found.items()}


def entries(statements: Statements, account: Account, *, after: int, limit: int) -> tuple[Entry, ...]:
    """Give the numbered entries that touch an account, by position."""
    rows = statements.rows(_ENTRIES, unit=account.unit, path=account.path, after=after, limit=limit)
    return tuple(read_entry(row) for row in rows)


# The write


class Guessed(Exception):  # noqa: N818 - caught by whoever writes
    """What was taken for granted may not be so: undo, and post again by the longer way."""


def post(statements: Statements, moves: tuple[Move, ...], at: Instant, *, guess: bool) -> Recorded:
    """Record moves and store what the books say afterwards; with ``guess``, by what has been read where that will do.

    Raises: Guessed, but never without ``guess``; Conflict, Malformed.
    """
    known = _known(statements, moves, at) if guess else None
    statements.known.clear()
    if known is None:
        return _stored(statements, record(_gather(statements, moves, at), moves, at), hold=_PUT_HOLD)
    try:
        return _stored(statements, record(known, moves, at), hold=_NEW_HOLD)
    except (Conflict, Malformed):
        raise Guessed from None


def _known(statements: Statements, moves: tuple[Move, ...], at: Instant) -> Books | None:
    """Give the books as far as they are known, if that is enough: new holds, and nothing lapsed on their accounts."""
    if not all(type(move) is Hold for move in moves):
        return None
    found: dict[Account, Balance] = {}
    for account in named_accounts(moves, {}):
        balance, asked = statements.known.get(account, (None, at))
        if balance is None or balance.lapsed or asked < at or (balance.at is not None and balance.at > at):
            return None
        if balance.at is not None:
            found[account] = balance
    return Books(balances=found, holds={}, entries={})


def _stored(statements: Statements, recorded: Recorded, *, hold: str) -> Recorded:
    shop = statements.shop
    statements.many(
        _PUT_BALANCE,
        [
            (shop, row.account.unit, row.account.path, row.posted, row.held, row.floor, int(row.overcommitted), instant)
            for row in recorded.balances
            if (instant := _micros(row.at)) is not None
        ],
        about="{1} at {2}",
    )
    statements.many(
        hold,
        [
            (
                *(shop, row.id, row.unit, row.source, row.target, row.amount),
                *(row.left, row.settled, row.released, row.expired),
                *(_micros(row.expires), row.floor, row.since.micros, row.state.value),
            )
            for row in recorded.holds
        ],
        about="hold {1}",
    )
    statements.many(
        _PUT_ENTRY,
        [
            (shop, row.id, row.unit, row.source, row.target, row.amount, row.at.micros, int(row.fact), row.hold)
            for row in recorded.entries
        ],
        about="entry {1}",
    )
    return recorded


def _gather(statements: Statements, moves: tuple[Move, ...], at: Instant) -> Books:
    found_balances: dict[Account, Balance] = {}
    found_holds: dict[str, Held] = {}
    found_entries: dict[str, Entry] = {}
    # The accounts of holds named by an end are found by the statement itself.
    for what, *row in statements.rows(
        _GATHER,
        holds=listed(named_holds(moves)),
        accounts=_pairs(named_accounts(moves, {})),
        entries=listed(named_entries(moves)),
        at=at.micros,
    ):
        if what == "balance":
            balance = read_balance(tuple(row[:7]))
            found_balances[balance.account] = balance
        elif what == "hold":
            held = read_hold(tuple(row))
            found_holds[held.id] = held
        else:
            entry = read_entry(tuple(row[:9]))
            found_entries[entry.id] = entry
    return Books(balances=found_balances, holds=found_holds, entries=found_entries)


# Values and columns


def _pairs(accounts: Iterable[Account]) -> str:
    return listed((account.unit, account.path) for account in accounts)


def _micros(at: Instant | None) -> int | None:
    return None if at is None else at.micros
