"""How do many commands share one transaction, and still get what each would get one after another?

They decide in the order given, each from what those before it in the group will leave (``Foretold``), so that as many
are granted as there is stock for, the rest refuse by themselves, and what is written once for all of them passes its
guards. A command that cannot be told exactly within the group ends it: the group is written, and the next one begins
with that command and reads what has come of it. A command that conflicts by itself, or that has a bug, runs alone in
its place. So the answers and the books are those of the commands run one after another.

Where somebody else was faster the group is decided afresh, and where that does not help, in halves: a command that
spoils its group is soon alone, and only alone it tells what is wrong with it.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar, cast

from attrs import frozen

from omnicore.host.engine import Engine, check_command, last_write
from omnicore.host.foreseen import Apart
from omnicore.host.in_turn import Asked, Group, merge
from omnicore.kernel.errors import Conflict, InDoubt, Malformed, OmnicoreError
from omnicore.kernel.flow import Actor, Flow

R = TypeVar("R")

GROUP = "host.run_many"


async def run_many(
    engine: Engine, flows: Sequence[tuple[Flow[R], str | None]], actor: Actor, purpose: str | None
) -> list[R | OmnicoreError]:
    """Run many commands in order, as few transactions as can be.

    Every answer stands where its flow stood; a refusal or malformed input stands as the error itself. What is none of
    omnicore's errors is raised once all have run.
    """
    answers = await run_in_order(engine, [Asked(flow, command, actor, purpose) for flow, command in flows])
    for answer in answers:
        if isinstance(answer, Failed):
            raise answer.error
    return [cast(R | OmnicoreError, answer) for answer in answers]


@frozen
class Failed:
    """A command ended in what is none of omnicore's errors: a bug, or a failure of the driver's."""

    error: Exception


async def run_in_order(engine: Engine, asked: Sequence[Asked]) -> list[object]:
    """Run commands in order; each gives its answer, its error, or how it failed."""
    answers: dict[int, object] = {}
    left, limit, tries, began = list(range(len(asked))), len(asked), 0, engine.ticks_micros()
    repeated: set[str] = set()
    while left:
        part = left[:limit]
        done: Sequence[object] = ()
        if len(part) > 1:
            try:
                done = await _transaction(engine, [asked[place] for place in part], tuple(sorted(repeated)))
            except _Repeated as found:
                repeated |= found.holds
                continue
            except (Conflict, Malformed) as error:
                if isinstance(error, _InDoubtOf):  # who has a key asks again by it, who has none must find out
                    unsure = [place for place in part[: error.count] if asked[place].command is None]
                    answers.update((place, error.doubt) for place in unsure)
                    left = [place for place in left if place not in answers]
                tries += 1
                if tries > 1 or isinstance(error, Malformed) or not await engine.may_try_again(tries, began):
                    limit = len(part) // 2
                continue
        if not done:
            answers[part[0]] = await _alone(engine, asked[part[0]])
        answers.update(zip(part, done, strict=False))
        left = left[max(1, len(done)) :]
        # Whoever is left over has been looked at in vain: fewer are taken next time, so that this stays linear.
        limit = min(max(2, 2 * len(done) if done else limit // 2), len(asked))
    return [answers[place] for place in range(len(asked))]


async def _alone(engine: Engine, one: Asked) -> object:
    try:
        check_command(one.flow, one.command)
        return await engine.run(one.flow, one.actor, one.purpose, one.command)
    except OmnicoreError as error:
        return error
    except Exception as error:  # noqa: BLE001 - told to whoever asked, and to nobody else
        return Failed(error)


class _InDoubtOf(Conflict):
    """The answer to the COMMIT of so many commands was lost."""

    def __init__(self, doubt: InDoubt, count: int) -> None:
        super().__init__(doubt.about)
        self.doubt, self.count = doubt, count


class _Repeated(Conflict):
    """Commands of the group would make holds that there are."""

    def __init__(self, holds: set[str]) -> None:
        super().__init__(f"hold {min(holds)}")
        self.holds = holds


async def _transaction(engine: Engine, asked: Sequence[Asked], repeated: Sequence[str]) -> list[object]:
    """Run as many of the first commands as can share a transaction; may be none.

    Raises: _Repeated for holds that are known and not among those said to be; Conflict, Malformed.
    """
    watch = engine.watch(GROUP)
    # What is no flow is told so when its turn comes.
    definitions = (getattr(one.flow, "definition", None) for one in asked)
    serializable = any(getattr(definition, "serializable", False) for definition in definitions)
    answers: list[object] = []
    group = Group(engine, asked, serializable=serializable)
    try:
        with watch:
            async with engine.writing(serializable=serializable) as store:
                try:
                    await group.begin(store, repeated)
                    with suppress(Apart):
                        for one in group.asking:
                            answers.append(await group.answer(one))
                            if group.foretold.alone:
                                break
                    if found := await group.foretold.repeated():
                        raise _Repeated(found)
                    if group.batches:
                        await last_write(store)(merge(group.batches))
                finally:
                    watch.statements = getattr(store, "statements", 0)
    except InDoubt as doubt:
        raise _InDoubtOf(doubt, len(answers)) from doubt
    finally:
        group.close()
    return answers
