"""How is a promise on one hot account made in one statement?

Where a batch only holds, and on one account, nothing need be read: the guard is in the update itself, and the holds are
inserted if and only if it changed the row, else the statement fails. So the row is locked for no longer than the
statement and its COMMIT take, which is what bounds a flash sale. The statement fails where something else is due first:
holds that time has ended, an id that is known, a guard that fails. The next try takes the ordinary way, which sees to
all of it.
"""

from collections.abc import Sequence

from omnicore.adapters.postgres.arrays import numbers, texts
from omnicore.adapters.postgres.wire import Query
from omnicore.kernel.ledger import Hold, Move
from omnicore.kernel.moves import MAX_AMOUNT
from omnicore.kernel.time import Instant

_HOLD = """
WITH held AS (
  UPDATE omni_balances AS b
  SET held = b.held + %(amount)s::bigint, overcommitted = FALSE, at = greatest(b.at, %(at)s::bigint)
  WHERE b.shop = %(shop)s AND b.unit = %(unit)s AND b.path = %(path)s
    AND b.posted - b.held - %(amount)s::bigint >= greatest(b.floor, %(floor)s::bigint)
    AND b.held + %(amount)s::bigint <= %(most)s::bigint
    AND NOT EXISTS (
      SELECT 1 FROM omni_holds AS h WHERE h.shop = %(shop)s AND h.unit = %(unit)s AND h.source = %(path)s
        AND h.state = 'open' AND h.expires <= greatest(b.at, %(at)s::bigint)
    )
  RETURNING b.at
), done AS (
INSERT INTO omni_holds (shop, id, unit, source, target, amount, remaining, settled, released, expired, expires, floor,
  since, state)
SELECT %(shop)s, n.id, %(unit)s, %(path)s, n.target, n.amount, n.amount, 0, 0, 0, n.expires, n.floor, held.at, 'open'
FROM held CROSS JOIN unnest(%(ids)s::text[], %(targets)s::text[], %(amounts)s::bigint[], %(expires)s::bigint[],
  %(floors)s::bigint[]) AS n (id, target, amount, expires, floor)
ON CONFLICT (shop, id) DO NOTHING
RETURNING 1
)
SELECT 1 / (count(*) = %(expects)s::bigint)::integer FROM done
"""


_MOST_NOTED = 10_000


class Hurry:
    """Where the quick way has just failed: the next write there takes the ordinary one, which sees to what is due.

    So does the next try of the same holds: on a busy account others would always be the next.
    """

    def __init__(self) -> None:
        """Nowhere yet."""
        self._failed: set[tuple[str, object]] = set()

    def may(self, hold: Query) -> bool:
        """Whether the quick way may be taken."""
        for mark in _marks(hold):
            if mark in self._failed:
                self._failed.discard(mark)
                return False
        return True

    def failed(self, hold: Query) -> None:
        """Note that it failed."""
        if len(self._failed) > _MOST_NOTED:  # those who never came back; a note that is lost costs one try
            self._failed.clear()
        self._failed.update(_marks(hold))


def _marks(hold: Query) -> tuple[tuple[str, object], ...]:
    values = hold.values or {}
    return (hold.about, values["ids"]), (hold.about, values["shop"])


def quick(shop: str, moves: Sequence[Move], at: Instant) -> Query | None:
    """Give the statement for a batch that only holds, on one account; None for any other."""
    holds = [move for move in moves if isinstance(move, Hold)]
    if not holds or len(holds) != len(moves):
        return None
    first = holds[0]
    if any((hold.unit, hold.source) != (first.unit, first.source) for hold in holds):
        return None
    if len({hold.id for hold in holds}) != len(holds):
        return None  # a repeat within the batch: whether it is the same promise is for the books to say
    if any(hold.expires is not None and hold.expires <= at for hold in holds):
        return None  # over before it begins, by a clock that may yet prove to be behind the account's
    amount = sum(hold.amount for hold in holds)
    if amount > MAX_AMOUNT:
        return None
    values = {
        "shop": shop,
        "unit": first.unit,
        "path": first.source,
        "at": str(at.micros),
        "amount": str(amount),
        "most": str(MAX_AMOUNT),
        "floor": str(max((hold.floor for hold in holds if hold.floor is not None), default=-MAX_AMOUNT)),
        "ids": texts(hold.id for hold in holds),
        "targets": texts(hold.target for hold in holds),
        "amounts": numbers(hold.amount for hold in holds),
        "expires": numbers(None if hold.expires is None else hold.expires.micros for hold in holds),
        "floors": numbers(hold.floor for hold in holds),
        "expects": str(len(holds)),
    }
    return Query(_HOLD, values, about=f"{first.unit} at {first.source}")
