"""Which columns does a row of the books have, and which value do they make?

A query names its tables ``b`` (balances), ``h`` (holds) and ``e`` (entries), takes a column list from here and hands
each row to the reader of that list.
"""

from typing import Any

from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held, HoldState
from omnicore.kernel.time import Instant

Row = tuple[Any, ...]
"""What a driver gives back is typed by the schema alone."""

BALANCE = "b.unit, b.path, b.posted, b.held, b.floor, b.overcommitted, b.at"
HOLD = (
    "h.id, h.unit, h.source, h.target, h.amount, h.remaining, h.settled, h.released, h.expired, h.expires, h.floor, "
    "h.since, h.state"
)
ENTRY = "e.id, e.unit, e.source, e.target, e.amount, e.at, e.fact, e.hold, e.position"


def _instant(micros: int | None) -> Instant | None:
    return None if micros is None else Instant(micros)


def read_balance(row: Row, *, lapsed: int = 0) -> Balance:
    """Make a balance of its columns."""
    unit, path, posted, held, floor, over, at = row
    return Balance(
        account=Account(unit, path),
        posted=posted,
        held=held,
        lapsed=lapsed,
        floor=floor,
        overcommitted=bool(over),
        at=Instant(at),
    )


def read_hold(row: Row) -> Held:
    """Make a hold of its columns."""
    key, unit, source, target, amount, left, settled, released, expired, expires, floor, since, state = row
    return Held(
        id=key,
        unit=unit,
        source=source,
        target=target,
        amount=amount,
        left=left,
        settled=settled,
        released=released,
        expired=expired,
        expires=_instant(expires),
        floor=floor,
        since=Instant(since),
        state=HoldState(state),
    )


def read_entry(row: Row) -> Entry:
    """Make an entry of its columns."""
    key, unit, source, target, amount, at, fact, hold, position = row
    return Entry(
        id=key,
        unit=unit,
        source=source,
        target=target,
        amount=amount,
        at=Instant(at),
        fact=bool(fact),
        hold=hold,
        position=position,
    )


ENVELOPE = "id, type, about, at, by, command, data, position, chain"


def read_envelope(row: Row) -> Envelope:
    """Make an envelope of its columns."""
    key, kind, about, at, by, command, data, position, chain = row
    return Envelope(
        id=key,
        type=kind,
        about=about,
        at=Instant(at),
        by=by,
        command=command,
        data=data,
        position=position,
        chain=chain,
    )
