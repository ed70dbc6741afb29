"""How is one command or question run to its end: transaction, idempotency, and a fresh try after a conflict?

A command that carries a key is run once: its row, in the same transaction, holds a keyed hash of what was asked and the
answer. The same key and request give the stored answer; the same key for another request is refused; a refusal is not
stored, so the key may succeed later. A ``Conflict`` starts the flow afresh, a bounded number of times.
"""

import hmac
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from attrs import field, frozen

from omnicore.host.attempt import Attempt
from omnicore.kernel.errors import Conflict, Malformed, OmnicoreError, Refused
from omnicore.kernel.flow import Actor, Flow, Given
from omnicore.kernel.ids import NewId
from omnicore.kernel.store import Batch, Command, Database, Store
from omnicore.kernel.time import Instant

R = TypeVar("R")
Checkpoint = Callable[[], None]

MAX_TRIES = 8
MAX_COMMAND_CHARS = 200
GROUP = "host.run_many"
_WRONG_TYPE = (AttributeError, LookupError, TypeError, ValueError)
"""What a flow meets when it is handed something of another type than it declares."""


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
class Observation:
    """What ``observe`` is told of each run: which flow, how long, at what cost and how it ended; never its arguments.

    The commands of ``run_many`` are told of as one, called ``host.run_many``, and those that ran alone by their names.
    ``outcome`` is ``ok``, ``replayed`` or the code of a refusal, ``conflict``, ``malformed``, ``cancelled`` or ``bug``.
    """

    flow: str
    micros: int
    statements: int
    retries: int
    outcome: str


@frozen(kw_only=True)
class Engine:
    """What every host of one shop shares: the database, the clock, ids, the secret under which requests are hashed."""

    database: Database
    shop: str
    clock: Callable[[], Instant]
    new_id: NewId
    ticks_micros: Callable[[], int]
    secret: bytes = field(repr=False)
    observe: Callable[[Observation], None] | None
    lease_seconds: int = 60

    def given(self, actor: Actor, purpose: str | None) -> Given:
        """Give what a flow is given now."""
        return Given(
            at=self.clock(), actor=actor, purpose=purpose, shop=self.shop, new_id=self.new_id, blind=self.blind
        )

    def blind(self, text: str) -> str:
        """Give the keyed hash of a text within this shop."""
        return hmac.digest(self.secret, f"{self.shop}\n{text}".encode(), "sha256").hex()

    def run(self, flow: Flow[R], actor: Actor, purpose: str | None, command: str | None, checkpoint: Checkpoint) -> R:
        """Run a question on one snapshot, or a command in one transaction, to its end.

        Raises: Refused, Conflict (after ``MAX_TRIES``), Malformed.
        """
        watch = _Watch(self, flow.definition.name)
        with watch:
            check_command(flow, command)
            while True:
                try:
                    return self._once(flow, self.given(actor, purpose), command, checkpoint, watch)
                except Conflict:
                    watch.retries += 1
                    if watch.retries >= MAX_TRIES:
                        raise
                except _WRONG_TYPE:
                    flow.definition.check(flow.args)  # an argument of another type is bad data, all else a bug
                    raise

    def _once(self, flow: Flow[R], given: Given, command: str | None, checkpoint: Checkpoint, watch: "_Watch") -> R:
        definition = flow.definition
        writing = definition.writes or definition.reveals
        with self.database.writing(self.shop) if writing else self.database.reading(self.shop) as store:
            try:
                request = ""
                if command is not None:
                    request = definition.request(flow.args, shop=self.shop, actor=given.actor, key=self.secret)
                    if (done := store.commands([command]).get(command)) is not None:
                        watch.outcome = "replayed"
                        return definition.load_answer(_same(done, request))
                attempt = Attempt(flow, store, given, checkpoint=checkpoint)
                answer = attempt.run()
                row = None
                if command is not None:
                    row = Command(key=command, request=request, answer=definition.dump_answer(answer), at=given.at)
                if (batch := attempt.batch(command=row, key=command)) is not None:
                    store.write(batch)
                checkpoint()
                return answer
            finally:
                watch.statements += getattr(store, "statements", 0)

    def run_many(
        self, flows: Sequence[tuple[Flow[R], str | None]], actor: Actor, purpose: str | None, checkpoint: Checkpoint
    ) -> list[R | OmnicoreError]:
        """Run many commands as one transaction: their writes merged; who refuses is left out, who conflicts runs alone.

        Every answer stands where its flow stood; a refusal or malformed input stands as the error itself.
        """
        results: dict[int, R | OmnicoreError] = {}
        watch = _Watch(self, GROUP)
        try:
            with watch, self.database.writing(self.shop) as store:
                ready = _Ready(self, store, actor, purpose, checkpoint)
                for place, (flow, command) in enumerate(flows):
                    if (result := ready.add(flow, command)) is not _ALONE:
                        results[place] = result  # type: ignore[assignment] # add gives R, an error or _ALONE
                ready.write()
                watch.statements = getattr(store, "statements", 0)
        except (Conflict, Malformed):  # one of them is to blame, and only alone does it tell which
            results.clear()
        for place, (flow, command) in enumerate(flows):
            if place not in results:
                try:
                    results[place] = self.run(flow, actor, purpose, command, checkpoint)
                except OmnicoreError as error:
                    results[place] = error
        return [results[place] for place in range(len(flows))]


_ALONE = object()


class _Ready:
    """The commands of one group commit whose writes touch different documents."""

    def __init__(self, engine: Engine, store: Store, actor: Actor, purpose: str | None, checkpoint: Checkpoint) -> None:
        self.engine = engine
        self.store = store
        self.given = engine.given(actor, purpose)
        self.checkpoint = checkpoint
        self.batches: list[Batch] = []
        self.taken: set[tuple[str, str]] = set()

    def add(self, flow: Flow[R], command: str | None) -> R | OmnicoreError | object:
        request = ""
        try:
            check_command(flow, command)
            definition = flow.definition
            if command is not None:
                request = definition.request(
                    flow.args, shop=self.engine.shop, actor=self.given.actor, key=self.engine.secret
                )
                if ("", command) in self.taken:
                    return _ALONE
                if (done := self.store.commands([command]).get(command)) is not None:
                    return definition.load_answer(_same(done, request))
            attempt = Attempt(flow, self.store, self.given, checkpoint=self.checkpoint)
            answer = attempt.run()
        except (Conflict, *_WRONG_TYPE):  # alone it tells what is wrong with it
            return _ALONE
        except OmnicoreError as error:
            return error
        row = None
        if command is not None:
            row = Command(key=command, request=request, answer=definition.dump_answer(answer), at=self.given.at)
        batch = attempt.batch(command=row, key=command)
        if batch is None:
            return answer
        places = {(change.kind, change.key) for change in batch.changes} | ({("", command)} if command else set())
        if places & self.taken:
            return _ALONE
        self.taken |= places
        self.batches.append(batch)
        return answer

    def write(self) -> None:
        if self.batches:
            self.store.write(merge(self.batches))


def merge(batches: Sequence[Batch]) -> Batch:
    """Merge batches that touch different documents into one; moves on the same accounts are summed by the ledger."""
    first = batches[0]
    return Batch(
        id=first.id,
        at=max(batch.at for batch in batches),
        by=first.by,
        command=first.command,
        changes=_chained(batch.changes for batch in batches),
        moves=_chained(batch.moves for batch in batches),
        envelopes=_chained(batch.envelopes for batch in batches),
        commands=_chained(batch.commands for batch in batches),
    )


def _chained(parts: Iterable[tuple[R, ...]]) -> tuple[R, ...]:
    return tuple(item for part in parts for item in part)


def _same(done: Command, request: str) -> str:
    if not hmac.compare_digest(done.request.encode(), request.encode()):
        raise KeyReused(command=done.key)
    return done.answer


class _Watch:
    """Times one run and tells ``observe`` how it ended."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.began = 0
        self.retries = 0
        self.statements = 0
        self.outcome = "ok"

    def __enter__(self) -> None:
        if self.engine.observe is not None:
            self.began = self.engine.ticks_micros()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self.engine.observe is None:
            return
        match error:
            case None:
                pass
            case Refused():
                self.outcome = error.code
            case Conflict() | Malformed():
                self.outcome = type(error).__name__.lower()
            case Cancelled():
                self.outcome = "cancelled"
            case _:
                self.outcome = "bug"
        seen = Observation(
            flow=self.name,
            micros=self.engine.ticks_micros() - self.began,
            statements=self.statements,
            retries=self.retries,
            outcome=self.outcome,
        )
        try:
            self.engine.observe(seen)
        except Exception as failed:  # noqa: BLE001 - whoever watches must not change what is watched
            # The command may have committed: its answer, or its refusal, is what the caller must get.
            warnings.warn(f"observe failed: {type(failed).__name__}", RuntimeWarning, stacklevel=2)
