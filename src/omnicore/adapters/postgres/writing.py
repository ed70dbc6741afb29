"""How is a batch applied in at most two journeys, whatever its size, and not at all when one guard fails?

The first journey stores the command rows and locks the accounts; the books decide; the second stores what they say, the
documents and the events. The order is the library's one lock order, and every guard is a statement that changes fewer
rows than it should. ``write`` then undoes the batch to its savepoint, so that the transaction goes on. ``conclude`` is
the last thing a transaction does: its guards fail by themselves, so COMMIT travels with them and no lock waits for us.
"""

from collections.abc import Sequence

from omnicore.adapters.postgres import document_rows, journal_rows, ledger_lock, ledger_rows
from omnicore.adapters.postgres.quick_holds import Hurry, quick
from omnicore.adapters.postgres.wire import COMMIT, SAVEPOINT, UNDO, Query, Steps, Unsendable, asserted, judge
from omnicore.kernel.audit import overcommitted
from omnicore.kernel.books import Recorded, record
from omnicore.kernel.errors import Conflict
from omnicore.kernel.journal import Envelope
from omnicore.kernel.records import Change
from omnicore.kernel.store import Batch, ordered_changes


def write(shop: str, batch: Batch) -> Steps[None]:
    """Apply a batch whole or not at all.

    Raises: Conflict, Malformed.
    """
    changes = ordered_changes(batch.changes)
    began = False
    try:
        if batch.moves:
            locking = ledger_lock.locking(shop, batch.moves, batch.at)
            first = (SAVEPOINT, *_commands(shop, batch), *locking)
            results = yield first
            began = True
            judge(first, results)
            found = ledger_lock.locked(batch.moves, locking, results[-len(locking) :])
            recorded = record(found.books, batch.moves, batch.at)
            storing = ledger_lock.storing(shop, recorded, found.made)
            made = yield from _overcommitted(shop, storing, recorded, batch)
            rest = (*(() if recorded.overcommitted else storing), *_told(shop, changes, batch.envelopes + made))
        else:
            rest = (SAVEPOINT, *_commands(shop, batch), *_told(shop, changes, batch.envelopes))
        results = (yield rest) if rest else ()
        began = True
        judge(rest, results)
    except Exception as error:  # what is none (a cancelled task, Ctrl-C) ends the whole transaction
        if began or not isinstance(error, Unsendable):
            yield UNDO
        raise


def conclude(shop: str, batch: Batch, hurry: Hurry) -> Steps[None]:
    """Apply a batch and commit, or fail the whole transaction.

    Raises: Conflict, Malformed.
    """
    changes = ordered_changes(batch.changes)
    commands = tuple(map(asserted, _commands(shop, batch)))
    if not batch.moves:
        yield (*commands, *map(asserted, _told(shop, changes, batch.envelopes)), COMMIT)
        return
    if (hold := quick(shop, batch.moves, batch.at)) is not None and hurry.may(hold):
        try:
            yield (*commands, hold, *map(asserted, _told(shop, changes, batch.envelopes)), COMMIT)
        except Conflict:
            hurry.failed(hold)
            raise
        return
    locking = ledger_lock.locking(shop, batch.moves, batch.at)
    results = yield (*commands, *locking)
    found = ledger_lock.locked(batch.moves, locking, results[len(commands) :])
    recorded = record(found.books, batch.moves, batch.at)
    storing = ledger_lock.storing(shop, recorded, found.made)
    made = yield from _overcommitted(shop, storing, recorded, batch)
    rest = (*(() if recorded.overcommitted else storing), *_told(shop, changes, batch.envelopes + made))
    yield (*map(asserted, rest), COMMIT)


def _commands(shop: str, batch: Batch) -> tuple[Query, ...]:
    return (journal_rows.putting_commands(shop, batch.commands),) if batch.commands else ()


def _told(shop: str, changes: Sequence[Change], envelopes: tuple[Envelope, ...]) -> tuple[Query, ...]:
    changing = document_rows.changing(shop, changes) if changes else ()
    return (*changing, journal_rows.putting_events(shop, envelopes)) if envelopes else changing


def _overcommitted(
    shop: str, storing: tuple[Query, ...], recorded: Recorded, batch: Batch
) -> Steps[tuple[Envelope, ...]]:
    """Store the books at once where facts left an account short: which holds are at risk is read from them."""
    if not recorded.overcommitted:
        return ()
    judge(storing, (yield storing))
    holds = yield from ledger_rows.open_holds(shop, recorded.overcommitted)
    return overcommitted(recorded, holds, batch)
