"""What does the host's worker do: resume and start what is due, number what has committed?

A run is taken by writing its next attempt, so of many workers one gets it; the others find another version.
"""

from collections.abc import Generator
from typing import TypeVar

from attrs import evolve, field, frozen

from omnicore.host.advance import Effect, Inside, Providers, advance, ended, postponed, result_of
from omnicore.host.attempt import Attempt
from omnicore.host.engine import Checkpoint, Engine, KeyReused
from omnicore.kernel.errors import Conflict, OmnicoreError, Refused
from omnicore.kernel.flow import Actor, Given, find, flow, get, question, write
from omnicore.kernel.process import Process
from omnicore.kernel.records import Stored
from omnicore.kernel.runs import RUNS, Run, RunMove, RunState, begin
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant

R = TypeVar("R")
BATCH = 100


class ProcessFailed(Refused):
    """A process is stuck: it failed too often, or asked for something else than it is recorded to have done."""

    code = "host.process_stuck"
    status = 500


@frozen(kw_only=True)
class Worked:
    """What one round of work did: runs moved on (by id), and journal rows and entries numbered."""

    resumed: tuple[str, ...] = ()
    failed: tuple[str, ...] = field(default=())
    numbered: int = 0


@question("kernel.read_run")
async def read_run(given: Given, *, id: str) -> Run | None:
    """Read how a run stands."""
    stored = await get(RUNS, id)
    return None if stored is None else stored.value


@question("kernel.list_runs")
async def list_runs(given: Given, *, state: RunState, until: Instant | None, limit: int) -> tuple[Run, ...]:
    """List runs of a state by due time."""
    page = await find(RUNS, "due", equal=(state.value,), until=until, limit=limit)
    return tuple(stored.value for stored in page.items)


@flow("kernel.start_run")
async def start_run(given: Given, *, run: Run) -> str:
    """Write a run that has not begun; the same id again changes nothing.

    Raises: KeyReused when that id was used for another request.
    """
    stored = await get(RUNS, run.id)
    if stored is None:
        await write(Writes(changes=(RUNS.put(run),)))
    else:
        _same_request(stored.value, run)
    return run.id


def _same_request(known: Run, fresh: Run) -> None:
    # Not the version: a process that has ended under an older one answers a client that asks again.
    if (known.args, known.actor) != (fresh.args, fresh.actor):
        raise KeyReused(command=fresh.id)


@flow("kernel.retry_run")
async def retry_run(given: Given, *, id: str) -> None:
    """Put a stuck run back to work, from where it stands.

    Raises: IllegalMove when it is not stuck.
    """
    if (stored := await get(RUNS, id)) is not None:
        run = evolve(stored.value.moved(RunMove.RETRY), attempts=0, due=given.at)
        await write(Writes(changes=(stored.put(run),)))


def run_process(
    engine: Engine, providers: Providers, process: Process[R], actor: Actor, purpose: str | None, command: str | None
) -> Generator[Effect, object, object]:
    """Run a process to its end, or go on with the run its command key began; gives its answer.

    Raises: Refused as the process did, Conflict while somebody else runs it, Unknown while a provider's answer is,
        KeyReused when the command key began another request.
    """
    now = engine.clock()
    fresh = begin(process, id=command or engine.new_id(), at=now, actor=actor, purpose=purpose, due=now)
    stored = yield Inside(work=lambda checkpoint: _read(engine, fresh.id))
    if stored is None:
        run = yield from _advanced(engine, providers, None, fresh)
        return result_of(run)
    assert isinstance(stored, Stored)
    known: Run = stored.value
    _same_request(known, fresh)
    if ended(known):
        return result_of(known)
    if known.state is RunState.STUCK:
        raise known.raised() or ProcessFailed(process=known.id)
    if known.due > now:
        raise Conflict(f"run {fresh.id} is under way")
    run = yield from resume(engine, providers, stored)
    return result_of(run)


def resume(engine: Engine, providers: Providers, stored: Stored[Run]) -> Generator[Effect, object, Run]:
    """Take a due run and move it on.

    Raises: Conflict when another worker has it.
    """
    due = engine.clock().plus(seconds=engine.lease_seconds)
    taken = evolve(stored.value, attempts=stored.value.attempts + 1, due=due)
    version = yield Inside(work=lambda checkpoint: _take(engine, stored, taken, checkpoint))
    assert isinstance(version, int)
    return (yield from _advanced(engine, providers, evolve(stored, version=version), taken))


def _advanced(
    engine: Engine, providers: Providers, stored: Stored[Run] | None, run: Run
) -> Generator[Effect, object, Run]:
    try:
        return (yield from advance(engine, providers, stored, run))
    except Exception:
        yield Inside(work=lambda checkpoint: _postpone(engine, run.id, run))
        raise


def _read(engine: Engine, run_id: str) -> Stored[Run] | None:
    with engine.database.reading(engine.shop) as store:
        document = store.load(RUNS.name, [run_id]).get(run_id)
    return None if document is None else RUNS.read(document)


def _take(engine: Engine, stored: Stored[Run], taken: Run, checkpoint: Checkpoint) -> int:
    with engine.database.writing(engine.shop) as store:
        given = engine.given(taken.actor, taken.purpose)
        attempt = Attempt(start_run(run=taken), store, given, checkpoint=checkpoint)
        batch = attempt.batch(key=taken.id, changes=[stored.put(taken)])
        assert batch is not None
        store.write(batch)
        checkpoint()
    return stored.version + 1


def _postpone(engine: Engine, run_id: str, fresh: Run) -> None:
    """Note a failed attempt, so that the worker tries later and in the end lists the run as stuck."""
    stored = _read(engine, run_id)
    run = fresh if stored is None else stored.value
    if run.state is not RunState.RUNNING:
        return
    later = postponed(run, engine)
    change = RUNS.put(later) if stored is None else stored.put(later)
    try:
        with engine.database.writing(engine.shop) as store:
            given = engine.given(run.actor, run.purpose)
            batch = Attempt(start_run(run=later), store, given).batch(key=run_id, changes=[change])
            assert batch is not None
            store.write(batch)
    except Conflict:
        return  # somebody else has moved it on since: it is theirs


def work(engine: Engine, providers: Providers, at: Instant, actor: Actor) -> Generator[Effect, object, Worked]:
    """Do one round: move on every run due at ``at``, then number what has committed."""
    resumed: list[str] = []
    failed: list[str] = []
    due = yield Inside(
        work=lambda checkpoint: engine.run(
            list_runs(state=RunState.RUNNING, until=at.plus(micros=1), limit=BATCH), actor, None, None, checkpoint
        )
    )
    assert isinstance(due, tuple)
    for run in due:
        stored = yield Inside(work=lambda checkpoint, id=run.id: _read(engine, id))  # type: ignore[misc] # bound early
        assert isinstance(stored, Stored)
        if stored.value.state is not RunState.RUNNING or stored.value.due > at:
            continue  # another worker has taken it since it was listed
        try:
            moved = yield from resume(engine, providers, stored)
            resumed.append(moved.id)
        except OmnicoreError:
            failed.append(run.id)
        except Exception:  # noqa: BLE001 - a provider or a process failed; it is noted on the run and listed when stuck
            failed.append(run.id)
    numbered = yield from number(engine)
    return Worked(resumed=tuple(resumed), failed=tuple(failed), numbered=numbered)


def number(engine: Engine) -> Generator[Effect, object, int]:
    """Give positions to everything that has committed, a page a transaction."""
    numbered = 0
    while made := (yield Inside(work=lambda checkpoint: _number(engine))):
        assert isinstance(made, int)
        numbered += made
    return numbered


def _number(engine: Engine) -> int:
    with engine.database.writing(engine.shop) as store:
        return store.number(BATCH * 10)
