"""What may a flow ask of its store, and what does it get?

The port calls a flow awaits, each one ``Ask`` that its driver answers from the store of the transaction. Bulk first: a
flow that asks in a loop asks wrongly.
"""

from collections.abc import Generator, Iterable
from types import coroutine
from typing import TypeVar, cast

from attrs import frozen

from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Cursor, Document, Found, Kind, Page, Stored, span
from omnicore.kernel.sorting import Field
from omnicore.kernel.store import Writes

T = TypeVar("T")

TOLD = frozenset({"enter", "reveal", "write"})
"""What a driver answers by itself; everything else is asked of the store."""


@frozen(kw_only=True)
class Ask:
    """One port call, as the driver sees it: a method of ``Store`` and its arguments, or ``enter`` / ``reveal``."""

    method: str
    args: tuple[object, ...] = ()


@coroutine
def _ask(request: object) -> Generator[object, object, object]:
    return (yield request)


async def load(kind: Kind[T], keys: Iterable[str]) -> dict[str, Stored[T]]:
    """Load the values that exist among ``keys``; reading a vault kind is audited."""
    documents = cast(dict[str, Document], await _ask(Ask(method="load", args=(kind.name, tuple(sorted(set(keys)))))))
    found = {key: kind.read(document) for key, document in documents.items()}
    await _reveal(kind, found.values())
    return found


async def get(kind: Kind[T], key: str) -> Stored[T] | None:
    """Load one value; prefer ``load`` wherever there may be many."""
    return (await load(kind, [key])).get(key)


async def find(
    kind: Kind[T],
    index: str,
    *,
    equal: tuple[Field, ...] = (),
    since: Field | None = None,
    until: Field | None = None,
    newest_first: bool = False,
    after: Cursor | None = None,
    limit: int = 100,
) -> Page[T]:
    """Find values by an index: equality on a prefix, then ``since <= next field < until``; a vault is audited."""
    where = span(
        kind.name, index, equal=equal, since=since, until=until, newest_first=newest_first, after=after, limit=limit
    )
    found = cast(Found, await _ask(Ask(method="find", args=(where,))))
    items = tuple(kind.read(document) for document in found.documents)
    await _reveal(kind, items)
    return Page(items=items, next=found.next)


async def _reveal(kind: Kind[T], found: Iterable[Stored[T]]) -> None:
    if kind.subject is not None and (subjects := sorted({kind.subject(stored.value) for stored in found})):
        await _ask(Ask(method="reveal", args=(kind.name, tuple(subjects))))


async def balances(accounts: Iterable[Account]) -> dict[Account, Balance]:
    """Read how accounts stand, at the flow's instant; an unknown account stands at zero."""
    return cast(dict[Account, Balance], await _ask(Ask(method="balances", args=(tuple(sorted(set(accounts))),))))


async def holds(ids: Iterable[str]) -> dict[str, Held]:
    """Read the holds that exist among ``ids``; whether time has ended one is ``held.lapsed(given.at)``."""
    return cast(dict[str, Held], await _ask(Ask(method="holds", args=(tuple(sorted(set(ids))),))))


async def open_holds(accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
    """Read the open holds on accounts, in promise order."""
    return cast(
        dict[Account, tuple[Held, ...]], await _ask(Ask(method="open_holds", args=(tuple(sorted(set(accounts))),)))
    )


async def entries(account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
    """Read the numbered entries that touch an account, by position."""
    return cast(tuple[Entry, ...], await _ask(Ask(method="entries", args=(account, after, limit))))


async def read_journal(*, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
    """Read what happened, numbered, by position from behind ``after``."""
    return cast(tuple[Envelope, ...], await _ask(Ask(method="read", args=(after, limit))))


async def write(writes: Writes) -> None:
    """Write once, as the last port call; applied whole when the flow has returned, or not at all."""
    await _ask(Ask(method="write", args=(writes,)))
