"""What does a command of a group see of its store?

What the store says, as it will be once those before it in the group have written. Everything is read once for the whole
group, and what its commands ask first is asked in one journey. A document that the group has changed, or an index over
one, cannot be told within the group (``Apart``); nor is anything said after the store itself has failed.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import cast

from omnicore.host.attempt import ask_together
from omnicore.host.foreseen import Apart, Foreseen
from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Account, Balance, Entry, Held
from omnicore.kernel.records import Change, Document, Found, Span, kinds
from omnicore.kernel.store import AsyncStore, Batch, Command
from omnicore.kernel.time import Instant
from omnicore.kernel.together import PortCall


class Foretold:
    """Answers what a flow may ask, as the ``AsyncStore`` of the group's transaction does."""

    def __init__(self, at: Instant) -> None:
        """Know nothing yet; ``at`` is the instant of the group."""
        self._store: AsyncStore | None = None
        self._at = at
        self._ledger = Foreseen(at)
        self._documents: dict[tuple[str, str], Document | None] = {}
        self._found: dict[Span, Found] = {}
        self._open: dict[Account, tuple[Held, ...]] = {}
        self._changed: set[tuple[str, str]] = set()
        self._kinds: set[str] = set()
        self.failed: Exception | None = None
        """What the store failed with: the transaction is over, whatever a command makes of it."""

    @property
    def alone(self) -> bool:
        """Whether nothing may join the group any more."""
        return self._ledger.alone

    async def begin(self, store: AsyncStore, keys: Sequence[str], calls: Sequence[PortCall]) -> dict[str, Command]:
        """Read what the first questions need, in one journey; gives the command rows that exist among ``keys``."""
        self._store = store
        found = await self._read(calls, [("commands", (keys,), {})] if keys else [])
        return cast(dict[str, Command], found[0]) if keys else {}

    async def foresee(self, batch: Batch, minted: Collection[str], *, first: bool) -> None:
        """Let a command's writes be seen by those after it.

        Raises: Apart.
        """
        places = {(change.kind, change.key) for change in batch.changes}
        if places and (not places.isdisjoint(self._changed) or any(map(self._frees, batch.changes))):
            raise Apart
        if batch.moves and not self._ledger.foresee_hold(batch.moves, minted):
            while any(needed := self._ledger.missing(batch.moves)):
                ids, accounts = needed
                await self._read([("holds", (ids,), {}), ("balances", (accounts, self._at), {})])
            self._ledger.foresee(batch.moves, minted, first=first)
        if places:
            self._changed |= places
            self._kinds.update(kind for kind, _ in places)

    def _frees(self, change: Change) -> bool:
        """Whether a change may free what is unique, and an earlier one of the group may have wanted it."""
        if change.expected == 0 or change.kind not in self._kinds:
            return False
        kind = kinds().get(change.kind)
        return kind is None or any(index.unique for index in kind.indexes)

    async def repeated(self) -> set[str]:
        """Give the holds that were taken for new ones and are known: what followed them was foretold wrongly."""
        ids = self._ledger.assumed
        if not ids:
            return set()
        (found,) = await self._asked([("holds", (tuple(sorted(ids)),), {})])
        return set(cast(dict[str, Held], found))

    async def _read(self, calls: Sequence[PortCall], more: Sequence[PortCall] = ()) -> Sequence[object]:
        """Read what calls ask for and is not known yet, with ``more``, whose answers are given."""
        accounts: dict[Account, None] = {}
        holds: dict[str, None] = {}
        opens: dict[Account, None] = {}
        loads: dict[str, dict[str, None]] = {}
        spans: dict[Span, None] = {}
        for name, args, _ in calls:
            asked = cast(Sequence[str], args[0]) if args else ()
            match name:
                case "balances":
                    accounts.update(dict.fromkeys(self._ledger.unread(cast(Sequence[Account], asked))))
                case "holds":
                    holds.update(dict.fromkeys(self._ledger.unread_holds(asked)))
                case "open_holds":
                    each = cast(Sequence[Account], asked)
                    opens.update(dict.fromkeys(account for account in each if account not in self._open))
                    accounts.update(dict.fromkeys(self._ledger.unread(opens)))
                case "load":
                    kind, keys = cast(tuple[str, Sequence[str]], args)
                    new = [key for key in keys if (kind, key) not in self._documents]
                    if new:
                        loads.setdefault(kind, {}).update(dict.fromkeys(new))
                case "find":
                    span = cast(Span, args[0])
                    if span not in self._found:
                        spans[span] = None
                case _:
                    pass
        asking: list[PortCall] = list(more)
        asking += [("balances", (tuple(sorted(accounts)), self._at), {})] if accounts else []
        asking += [("holds", (tuple(sorted(holds)),), {})] if holds else []
        asking += [("open_holds", (tuple(sorted(opens)),), {})] if opens else []
        asking += [("load", (kind, tuple(sorted(keys))), {}) for kind, keys in sorted(loads.items())]
        asking += [("find", (span,), {}) for span in spans]
        answers = list(await self._asked(asking))
        for (name, args, _), answer in zip(asking[len(more) :], answers[len(more) :], strict=True):
            self._keep(name, args, answer)
        return answers[: len(more)]

    async def _asked(self, asking: Sequence[PortCall]) -> Sequence[object]:
        if not asking:
            return ()
        try:
            return await ask_together(self._store, asking)
        except Exception as error:
            self.failed = error
            raise

    def _keep(self, name: str, args: tuple[object, ...], answer: object) -> None:
        match name:
            case "balances":
                self._ledger.keep(cast(dict[Account, Balance], answer).values())
            case "holds":
                self._ledger.keep_holds(cast(Sequence[str], args[0]), cast(dict[str, Held], answer).values())
            case "open_holds":
                self._open.update(cast(dict[Account, tuple[Held, ...]], answer))
            case "load":
                kind, keys = cast(tuple[str, Sequence[str]], args)
                documents = cast(dict[str, Document], answer)
                self._documents.update(((kind, key), documents.get(key)) for key in keys)
            case _:
                self._found[cast(Span, args[0])] = cast(Found, answer)

    async def together(self, calls: Sequence[PortCall]) -> Sequence[object]:
        """Answer several port calls, with one journey for what is not known yet."""
        await self._read(calls)
        return [await getattr(self, name)(*args, **named) for name, args, named in calls]

    async def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Give the documents that exist among ``keys``.

        Raises: Apart.
        """
        asked = tuple(keys)
        if any((kind, key) in self._changed for key in asked):
            raise Apart
        await self._read([("load", (kind, asked), {})])
        return {key: found for key in asked if (found := self._documents[kind, key]) is not None}

    async def find(self, where: Span) -> Found:
        """Give documents in index order.

        Raises: Apart.
        """
        if where.kind in self._kinds:
            raise Apart
        await self._read([("find", (where,), {})])
        return self._found[where]

    async def balances(self, accounts: Iterable[Account], at: Instant) -> dict[Account, Balance]:
        """Give how accounts will stand; ``at`` is the instant of the group.

        Raises: Apart.
        """
        asked = tuple(accounts)
        if self._ledger.unread(asked):
            await self._read([("balances", (asked, at), {})])
        return {account: self._ledger.balance(account) for account in asked}

    async def holds(self, ids: Iterable[str]) -> dict[str, Held]:
        """Give the holds that will exist among ``ids``.

        Raises: Apart.
        """
        asked = tuple(ids)
        await self._read([("holds", (asked,), {})])
        return {name: held for name in asked if (held := self._ledger.held(name)) is not None}

    async def open_holds(self, accounts: Iterable[Account]) -> dict[Account, tuple[Held, ...]]:
        """Give the holds that will be open on accounts.

        Raises: Apart.
        """
        asked = tuple(accounts)
        await self._read([("open_holds", (asked,), {})])
        return {account: self._ledger.open_holds(account, self._open[account]) for account in asked}

    # What a group has written has no position yet, so what is read by position is as it was.

    async def entries(self, account: Account, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Give the numbered entries that touch an account."""
        call: PortCall = ("entries", (account,), {"after": after, "limit": limit})
        return cast(tuple[Entry, ...], (await self._asked([call]))[0])

    async def read(self, *, after: int = 0, limit: int = 1000) -> tuple[Envelope, ...]:
        """Give numbered envelopes by position."""
        return cast(tuple[Envelope, ...], (await self._asked([("read", (), {"after": after, "limit": limit})]))[0])
