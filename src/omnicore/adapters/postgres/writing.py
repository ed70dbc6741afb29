"""How is a batch applied in two journeys, whatever its size, and taken back whole when one guard fails?

The first journey stores the command rows and locks the accounts; the books decide; the second stores what they say, the
documents and the events. The order is the library's one lock order. Guards are statements that change fewer rows than
asked: the batch is then undone to its savepoint, so the transaction goes on. A savepoint that was not needed is left to
the end of the transaction: to release it, one would have to wait for the guards first.
"""

from collections.abc import Sequence

from omnicore.adapters.postgres import document_rows, journal_rows, ledger_lock, ledger_rows
from omnicore.adapters.postgres.wire import SAVEPOINT, UNDO, Query, Result, Steps, Unsendable
from omnicore.kernel.audit import overcommitted
from omnicore.kernel.books import Recorded, record
from omnicore.kernel.errors import Conflict
from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account
from omnicore.kernel.records import Change
from omnicore.kernel.store import Batch, ordered_changes


def write(shop: str, batch: Batch) -> Steps[None]:
    """Apply a batch whole or not at all.

    Raises: Conflict, Malformed.
    """
    changes = ordered_changes(batch.changes)
    began = False
    try:
        recorded: Recorded | None = None
        made = frozenset[Account]()
        if batch.moves:
            locking = ledger_lock.locking(shop, batch.moves, batch.at)
            results = yield (SAVEPOINT, *_commands(shop, batch), *locking)
            began = True
            _taken(batch, results)
            found = ledger_lock.locked(batch.moves, locking, results[-len(locking) :])
            recorded, made = record(found.books, batch.moves, batch.at), found.made
            first: tuple[Query, ...] = ()
        else:
            first = (SAVEPOINT, *_commands(shop, batch))
        envelopes = batch.envelopes
        if recorded is not None and recorded.overcommitted:
            envelopes += yield from _overcommitted(shop, recorded, made, batch)
            recorded = None
        yield from _store(shop, batch, first, recorded, made, changes, envelopes)
    except Exception as error:  # what is none (a cancelled task, Ctrl-C) ends the whole transaction
        if began or not isinstance(error, Unsendable):
            yield UNDO
        raise


def _commands(shop: str, batch: Batch) -> tuple[Query, ...]:
    return (journal_rows.putting_commands(shop, batch.commands),) if batch.commands else ()


def _taken(batch: Batch, results: Sequence[Result]) -> None:
    # The savepoint is the first result, the command rows, where there are any, the second.
    if batch.commands and results[1].count != len(batch.commands):
        only = batch.commands[0].key
        raise Conflict(f"command {only}" if len(batch.commands) == 1 else "one of several commands")


def _overcommitted(
    shop: str, recorded: Recorded, made: frozenset[Account], batch: Batch
) -> Steps[tuple[Envelope, ...]]:
    """Store the books first: which holds are at risk is read from what they say now."""
    storing = ledger_lock.storing(shop, recorded, made)
    ledger_lock.stored(recorded, storing, (yield storing))
    holds = yield from ledger_rows.open_holds(shop, recorded.overcommitted)
    return overcommitted(recorded, holds, batch)


def _store(
    shop: str,
    batch: Batch,
    first: tuple[Query, ...],
    recorded: Recorded | None,
    made: frozenset[Account],
    changes: Sequence[Change],
    envelopes: tuple[Envelope, ...],
) -> Steps[None]:
    storing = ledger_lock.storing(shop, recorded, made) if recorded is not None else ()
    changing = document_rows.changing(shop, changes) if changes else ()
    events = (journal_rows.putting_events(shop, envelopes),) if envelopes else ()
    results = yield (*first, *storing, *changing, *events)
    if first:
        _taken(batch, results)
    rest = results[len(first) :]
    if recorded is not None:
        ledger_lock.stored(recorded, storing, rest[: len(storing)])
    if changes:
        document_rows.changed(changes, changing, rest[len(storing) : len(storing) + len(changing)])
    if envelopes and rest[len(storing) + len(changing)].count != len(envelopes):
        raise Conflict("the id of an event")
