"""What does the host's worker do: resume and start what is due, number what has committed and tell of it, and forget?

A run is taken by writing its next attempt, so of many workers one gets it; the others find another version.
"""

from contextlib import suppress
from functools import partial
from typing import TypeVar

from attrs import evolve, field, frozen

from omnicore.host.advance import Providers, advance, declared, ended, postponed, result_of
from omnicore.host.attempt import Attempt
from omnicore.host.engine import PAGE, Engine, KeyReused
from omnicore.host.place import Place
from omnicore.host.relaying import Readers, tell
from omnicore.kernel.errors import Conflict, OmnicoreError, Refused
from omnicore.kernel.flow import Actor, Given, find, flow, get, question, write
from omnicore.kernel.process import Process, processes
from omnicore.kernel.records import Cursor, Page, Put, Stored
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
    """What one round of work did: runs moved on (by id), rows and entries numbered, events told, old keys forgotten.

    ``unknown`` names runs that are due and of a process, or a version of one, that this program does not declare: a
    worker without a module, or an older one during a deploy. They are left as they are, for one that does.
    """

    resumed: tuple[str, ...] = ()
    failed: tuple[str, ...] = field(default=())
    unknown: tuple[str, ...] = field(default=())
    numbered: int = 0
    forgotten: int = 0
    relayed: dict[str, int] = field(factory=dict)
    followed: dict[str, int] = field(factory=dict)


@question("kernel.read_run")
async def read_run(given: Given, *, id: str) -> Run | None:
    """Read how a run stands."""
    stored = await get(RUNS, id)
    return None if stored is None else stored.value


@question("kernel.list_runs")
async def list_runs(given: Given, *, state: RunState, limit: int) -> tuple[Run, ...]:
    """List runs of a state by due time."""
    page = await find(RUNS, "due", equal=(state.value,), limit=limit)
    return tuple(stored.value for stored in page.items)


@question("kernel.due_runs")
async def due_runs(given: Given, *, until: Instant, after: Cursor | None, limit: int) -> Page[Run]:
    """List runs under way that are due before an instant, oldest first."""
    return await find(RUNS, "due", equal=(RunState.RUNNING.value,), until=until, after=after, limit=limit)


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


async def run_process(
    place: Place, providers: Providers, process: Process[R], actor: Actor, purpose: str | None, command: str | None
) -> object:
    """Run a process to its end, or go on with the run its command key began; gives its answer.

    Raises: Refused as the process did, Conflict while somebody else runs it, Unknown while a provider's answer is,
        KeyReused when the command key began another request.
    """
    now = place.engine.clock()
    fresh = begin(process, id=command or place.engine.new_id(), at=now, actor=actor, purpose=purpose, due=now)
    stored = await place.inside(partial(_read, fresh.id))
    if stored is None:
        return result_of(await _advanced(place, providers, None, fresh))
    known = stored.value
    _same_request(known, fresh)
    if ended(known):
        return result_of(known)
    if known.state is RunState.STUCK:
        raise known.raised() or ProcessFailed(process=known.id)
    if known.due > now:
        raise Conflict(f"run {fresh.id} is under way")
    return result_of(await resume(place, providers, stored))


async def resume(place: Place, providers: Providers, stored: Stored[Run]) -> Run:
    """Take a due run and move it on.

    Raises: Conflict when another worker has it, Diverged where this program does not know its process.
    """
    declared(stored.value)
    due = place.engine.clock().plus(seconds=place.engine.lease_seconds)
    taken = evolve(stored.value, attempts=stored.value.attempts + 1, due=due)
    version = await place.inside(partial(_take, stored, taken))
    return await _advanced(place, providers, evolve(stored, version=version), taken)


async def _advanced(place: Place, providers: Providers, stored: Stored[Run] | None, run: Run) -> Run:
    try:
        return await advance(place, providers, stored, run)
    except Exception:
        await place.inside(partial(_postpone, run))
        raise


async def _read(run_id: str, engine: Engine) -> Stored[Run] | None:
    async with engine.reading() as store:
        document = (await store.load(RUNS.name, [run_id])).get(run_id)
    return None if document is None else RUNS.read(document)


async def _take(stored: Stored[Run], taken: Run, engine: Engine) -> int:
    await _put(taken, stored.put(taken), engine)
    return stored.version + 1


async def _postpone(fresh: Run, engine: Engine) -> None:
    """Note a failed attempt, so that the worker tries later and in the end lists the run as stuck."""
    stored = await _read(fresh.id, engine)
    run = fresh if stored is None else stored.value
    if run.state is not RunState.RUNNING:
        return
    later = postponed(run, engine)
    with suppress(Conflict):  # somebody else has moved it on since: it is theirs
        await _put(later, RUNS.put(later) if stored is None else stored.put(later), engine)


async def _put(run: Run, change: Put, engine: Engine) -> None:
    async with engine.writing() as store:
        batch = Attempt(start_run(run=run), store, engine.given(run.actor, run.purpose)).batch(
            key=run.id, changes=[change]
        )
        assert batch is not None
        await store.write(batch)


async def work(place: Place, providers: Providers, readers: Readers, at: Instant, actor: Actor) -> Worked:
    """Do one round: move on every run due at ``at``, number what has committed, tell of it, forget old command keys."""
    resumed: list[str] = []
    failed: list[str] = []
    unknown: list[str] = []
    for run in await _due(place, at, actor, unknown):
        stored = await place.inside(partial(_read, run.id))
        assert stored is not None
        if stored.value.state is not RunState.RUNNING or stored.value.due > at:
            continue  # another worker has taken it since it was listed
        try:
            moved = await resume(place, providers, stored)
            resumed.append(moved.id)
        except OmnicoreError:
            failed.append(run.id)
        except Exception:  # noqa: BLE001 - a provider or a process failed; it is noted on the run and listed when stuck
            failed.append(run.id)
    numbered = await number(place)
    told = await tell(place, readers, actor)
    return Worked(
        resumed=tuple(resumed),
        failed=tuple(failed),
        unknown=tuple(unknown),
        numbered=numbered,
        forgotten=await forget(place, at),
        relayed=told.relayed,
        followed=told.followed,
    )


async def _due(place: Place, at: Instant, actor: Actor, unknown: list[str]) -> list[Run]:
    """List what is due, oldest first; names what is of no process known here, and looks behind it for more."""
    found: list[Run] = []
    known, after = processes(), None
    while True:
        asked = due_runs(until=at.plus(micros=1), after=after, limit=BATCH)
        page = await place.inside(lambda engine, asked=asked: engine.run(asked, actor, None, None), writes=False)  # type: ignore[misc] # bound early
        for stored in page.items:
            run = stored.value
            if (run.process, run.version) in known:
                found.append(run)
            else:
                unknown.append(run.id)
        if page.next is None or len(found) >= BATCH:
            return found
        after = page.next


async def number(place: Place) -> int:
    """Give positions to everything that has committed, a page a transaction."""
    numbered = 0
    while made := await place.inside(_number):
        numbered += made
    return numbered


async def _number(engine: Engine) -> int:
    async with engine.writing() as store:
        return await store.number(BATCH * 10)


async def forget(place: Place, at: Instant) -> int:
    """Forget the keys of commands that no client asks for again, a page a transaction."""
    before, forgotten = at.plus(days=-place.engine.command_days), 0
    while made := await place.inside(partial(_forget, before)):
        forgotten += made
        if made < PAGE:
            break
    return forgotten


async def _forget(before: Instant, engine: Engine) -> int:
    async with engine.writing() as store:
        return await store.forget(before, PAGE)
