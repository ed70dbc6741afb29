"""How do many commands share one transaction, and still get what each would get alone?

Their writes are merged and committed once. Who refuses is left out; who conflicts, meets another of the group or is
malformed runs alone afterwards, because only alone does it tell what is wrong.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from omnicore.host.attempt import Attempt, Replayed
from omnicore.host.engine import WRONG_TYPE, Engine, check_command, same_request
from omnicore.kernel.errors import Conflict, InDoubt, Malformed, OmnicoreError
from omnicore.kernel.flow import Actor, Flow
from omnicore.kernel.store import AsyncStore, Batch, Command

R = TypeVar("R")

GROUP = "host.run_many"
_ALONE = object()


async def run_many(
    engine: Engine, flows: Sequence[tuple[Flow[R], str | None]], actor: Actor, purpose: str | None
) -> list[R | OmnicoreError]:
    """Run many commands as one transaction; it stands as if alone where one of its flows must.

    Every answer stands where its flow stood; a refusal or malformed input stands as the error itself.
    """
    results: dict[int, R | OmnicoreError] = {}
    watch = engine.watch(GROUP)
    definitions = (
        getattr(flow, "definition", None) for flow, _ in flows
    )  # what is no flow is told so when it is added
    serializable = any(getattr(definition, "serializable", False) for definition in definitions)
    try:
        with watch:
            async with engine.writing(serializable=serializable) as store:
                group = _Group(engine, store, actor, purpose, serializable=serializable)
                for place, (flow, command) in enumerate(flows):
                    if (result := await group.add(flow, command)) is not _ALONE:
                        results[place] = result  # type: ignore[assignment] # add gives R, an error or _ALONE
                await group.write()
                watch.statements = getattr(store, "statements", 0)
    except InDoubt as doubt:  # who has a key asks again by it, who has none must find out
        results = {place: doubt for place, (_, command) in enumerate(flows) if command is None}
    except (Conflict, Malformed):  # one of them is to blame, and only alone does it tell which
        results.clear()
    for place, (flow, command) in enumerate(flows):
        if place not in results:
            try:
                results[place] = await engine.run(flow, actor, purpose, command)
            except OmnicoreError as error:
                results[place] = error
    return [results[place] for place in range(len(flows))]


class _Group:
    """The commands of one group commit whose writes touch different documents."""

    def __init__(
        self, engine: Engine, store: AsyncStore, actor: Actor, purpose: str | None, *, serializable: bool
    ) -> None:
        self.engine = engine
        self.store = store
        self.given = engine.given(actor, purpose)
        self.serializable = serializable
        self.batches: list[Batch] = []
        self.taken: set[tuple[str, str]] = set()

    async def add(self, flow: Flow[R], command: str | None) -> R | OmnicoreError | object:
        request = ""
        try:
            check_command(flow, command)
            definition = flow.definition
            if command is not None:
                request = self.engine.request(definition, flow, self.given.actor)
                if ("", command) in self.taken:
                    return _ALONE
            attempt = Attempt(flow, self.store, self.given, serializable=self.serializable, command=command)
            try:
                answer = await attempt.run()
            except Replayed as known:
                return definition.load_answer(same_request(known.done, request))
        except (Conflict, *WRONG_TYPE):  # alone it tells what is wrong with it
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

    async def write(self) -> None:
        if self.batches:
            await self.store.write(merge(self.batches))


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
