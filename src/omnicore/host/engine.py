"""How is one command or question run to its end: transaction, idempotency, and a fresh try after a conflict?

A command that carries a key is run once: its row, in the same transaction, holds a keyed hash of what was asked and the
answer. The same key and request give the stored answer; the same key for another request is refused; a refusal is not
stored, so the key may succeed later. A ``Conflict`` starts the flow afresh, a bounded number of times.

Everything here awaits an ``AsyncDatabase``; a synchronous one is wrapped so that it never has to wait (``AtOnce``).
"""

import hmac
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar, cast

from attrs import evolve, field, frozen

from omnicore.host.atonce import AtOnce, Checkpoint, awaits
from omnicore.host.attempt import Attempt, Replayed
from omnicore.host.observing import Observation, Watch
from omnicore.kernel.errors import Conflict, InDoubt, Malformed, Refused
from omnicore.kernel.flow import Actor, Definition, Flow, Given
from omnicore.kernel.ids import NewId
from omnicore.kernel.journal import Envelope
from omnicore.kernel.records import kinds
from omnicore.kernel.store import AsyncDatabase, AsyncStore, Batch, Command, Database, Verified
from omnicore.kernel.time import Instant

R = TypeVar("R")

MAX_TRIES = 8
MAX_COMMAND_CHARS = 200
PAGE = 1000
WRONG_TYPE = (AttributeError, LookupError, TypeError, ValueError)
"""What a flow meets when it is handed something of another type than it declares."""
_FIRST_PAUSE_BITS = 10


def check_key(command: str | None) -> None:
    """Check a command key, where there is one.

    Raises: Malformed.
    """
    if command is not None and (type(command) is not str or not 0 < len(command) <= MAX_COMMAND_CHARS):
        raise Malformed("$.command", f"must be 1 to {MAX_COMMAND_CHARS} characters")


def check_command(flow: Flow[R], command: str | None) -> None:
    """Check what is to be run, and its key.

    Raises: Malformed for what is no flow, or for a question with a key.
    """
    if not isinstance(flow, Flow):
        raise Malformed("$", "must be a flow")
    check_key(command)
    if command is not None and not flow.definition.writes:
        raise Malformed("$.command", "a question takes no command key")


class Cancelled(BaseException):
    """Whoever waits for a flow has cancelled it; raised at its next port call to roll it back."""


class KeyReused(Refused):
    """A command key was used before, for another request."""

    code = "host.key_reused"
    status = 422


@frozen(kw_only=True)
class Engine:
    """What every host of one shop shares: the database, the clock, ids, the secret under which requests are hashed.

    ``pause`` waits so many microseconds between tries, where the database says that its writers run at once
    (``writers_meet``); how long is drawn from ``random_bits``. ``patience_seconds`` bounds all tries of one command.
    """

    database: Database | AsyncDatabase
    shop: str
    clock: Callable[[], Instant]
    new_id: NewId
    ticks_micros: Callable[[], int]
    pause: Callable[[int], Awaitable[None]]
    random_bits: Callable[[int], int]
    secret: bytes = field(repr=False)
    observe: Callable[[Observation], None] | None
    lease_seconds: int = 60
    patience_seconds: int = 5
    command_days: int = 90
    checkpoint: Checkpoint | None = None
    ports: AsyncDatabase = field(init=False, repr=False)

    @ports.default
    def _wrapped(self) -> AsyncDatabase:
        return self.database if awaits(self.database) else AtOnce(cast(Database, self.database), self.checkpoint)

    def watched(self, checkpoint: Checkpoint) -> "Engine":
        """Give the same engine, but that ``checkpoint`` may end its transactions at any port call."""
        return evolve(self, checkpoint=checkpoint)

    def given(self, actor: Actor, purpose: str | None) -> Given:
        """Give what a flow is given now."""
        return Given(
            at=self.clock(), actor=actor, purpose=purpose, shop=self.shop, new_id=self.new_id, blind=self.blind
        )

    def blind(self, text: str) -> str:
        """Give the keyed hash of a text within this shop."""
        return hmac.digest(self.secret, f"{self.shop}\n{text}".encode(), "sha256").hex()

    def reading(self) -> AbstractAsyncContextManager[AsyncStore]:
        """Open one snapshot."""
        return self.ports.reading(self.shop)

    def writing(self, *, serializable: bool = False) -> AbstractAsyncContextManager[AsyncStore]:
        """Open one transaction that may write."""
        return self.ports.writing(self.shop, serializable=serializable)

    def watch(self, name: str) -> Watch:
        """Begin to watch a run."""
        return Watch(name, self.ticks_micros, self.observe)

    async def run(self, flow: Flow[R], actor: Actor, purpose: str | None, command: str | None) -> R:
        """Run a question on one snapshot, or a command in one transaction, to its end.

        Raises: Refused, Conflict (when fresh tries did not help), Malformed.
        """
        watch = self.watch(flow.definition.name)
        with watch:
            check_command(flow, command)
            while True:
                try:
                    return await self._once(flow, self.given(actor, purpose), command, watch)
                except Conflict as conflict:
                    if command is None and isinstance(conflict, InDoubt):
                        raise  # it may have happened, and there is no key by which to find out
                    watch.retries += 1
                    if not await self.may_try_again(watch.retries, watch.began):
                        raise
                except WRONG_TYPE:
                    flow.definition.check(flow.args)  # an argument of another type is bad data, all else a bug
                    raise

    async def may_try_again(self, tries: int, began: int) -> bool:
        """Whether to try afresh after so many tries since ``began``; waits a little first where writers run at once.

        Patience is for all tries together: another one is made if, being as long as those before, it still fits. So
        whoever has waited for a locked database as long as it may does not wait as long again.
        """
        if not getattr(self.database, "sees_newer", True):
            return False  # in a host's own transaction that keeps to one snapshot: only a new transaction helps
        spent = self.ticks_micros() - began
        if tries >= MAX_TRIES or spent * (tries + 1) > self.patience_seconds * 1_000_000 * tries:
            return False
        if getattr(self.database, "writers_meet", False):
            # Full jitter: those who met once are spread over a millisecond, then over two, then over four, ...
            await self.pause(self.random_bits(_FIRST_PAUSE_BITS + tries - 1))
        return True

    async def _once(self, flow: Flow[R], given: Given, command: str | None, watch: Watch) -> R:
        definition = flow.definition
        if definition.writes or definition.reveals:
            opened = self.ports.writing(self.shop, serializable=definition.serializable)
        else:
            opened = self.ports.reading(self.shop)
        request = "" if command is None else self.request(definition, flow, given.actor)  # before anything is locked
        async with opened as store:
            try:
                # A key that is taken shows when it is written; in a host's own transaction this may be the only try.
                ask_first = watch.retries > 0 or hasattr(self.database, "sees_newer")
                attempt = Attempt(flow, store, given, command=command, ask_first=ask_first)
                try:
                    answer = await attempt.run()
                except Replayed as known:
                    watch.outcome = "replayed"
                    return definition.load_answer(same_request(known.done, request))
                row = None
                if command is not None:
                    row = Command(key=command, request=request, answer=definition.dump_answer(answer), at=given.at)
                if (batch := attempt.batch(command=row, key=command)) is not None:
                    await last_write(store)(batch)
                return answer
            finally:
                if self.observe is not None:
                    watch.statements += getattr(store, "statements", 0)

    async def page(self, after: int) -> tuple[Envelope, ...]:
        """Read a page of the journal, from behind a position."""
        async with self.reading() as store:
            return await store.read(after=after, limit=PAGE)

    async def verify(self) -> Verified:
        """Recompute everything that is derived, on one snapshot."""
        async with self.reading() as store:
            return await store.verify(kinds().values())

    def request(self, definition: Definition[R], flow: Flow[R], actor: Actor) -> str:
        """Hash what is asked and by whom."""
        return definition.request(flow.args, shop=self.shop, actor=actor, key=self.secret)


def last_write(store: AsyncStore) -> Callable[[Batch], Awaitable[None]]:
    """Give how the last thing of a transaction is written: together with COMMIT, where the store can."""
    conclude: Callable[[Batch], Awaitable[None]] | None = getattr(store, "conclude", None)
    return conclude or store.write


def same_request(done: Command, request: str) -> str:
    """Give the answer kept under a key.

    Raises: KeyReused where another request was made under it.
    """
    if not hmac.compare_digest(done.request.encode(), request.encode()):
        raise KeyReused(command=done.key)
    return done.answer
