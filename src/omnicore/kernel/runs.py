"""How does a process stand, and what has it done so far?

A ``Run`` is the record of one process: its arguments, the trail of outcomes, and when it is due. It is an ordinary
document, so a step's flow and the run's next line are one write, and its version is the fencing number: whoever lost
the lease finds another version and stops.
"""

from enum import StrEnum

from attrs import evolve, frozen

from omnicore.kernel import codec
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Actor
from omnicore.kernel.machine import Machine
from omnicore.kernel.process import Process
from omnicore.kernel.records import Index, Kind, Put
from omnicore.kernel.time import Instant

MAX_TRAIL = 1000


class Diverged(Refused):
    """A process, run again, asked for something else than its record says; its code changed without a version."""

    code = "process.diverged"
    status = 500


class RunState(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    STUCK = "stuck"


class RunMove(StrEnum):
    """What may happen to a run."""

    FINISH = "finish"
    REFUSE = "refuse"
    STOP = "stop"
    RETRY = "retry"


RUN = Machine(
    name="process",
    initial=RunState.RUNNING,
    table={
        RunState.RUNNING: {
            RunMove.FINISH: RunState.DONE,
            RunMove.REFUSE: RunState.REFUSED,
            RunMove.STOP: RunState.STUCK,
        },
        RunState.STUCK: {RunMove.RETRY: RunState.RUNNING},
        RunState.DONE: {},
        RunState.REFUSED: {},
    },
)


@frozen(kw_only=True)
class Refusal:
    """A refusal as recorded: what is needed to raise the same one again."""

    code: str
    message: str
    facts: dict[str, str | int | bool | None | tuple[str, ...]]

    @classmethod
    def of(cls, refused: Refused) -> "Refusal":
        """Record a refusal."""
        return cls(code=refused.code, message=refused.message, facts=dict(refused.facts))

    def rebuild(self) -> Refused:
        """Make the refusal again, of the same class where this version still has it."""
        return Refused.rebuild(self.code, self.message, self.facts)


@frozen(kw_only=True)
class Outcome:
    """One line of the trail: a step or call by name, the hash of what it asked, and its answer (JSON) or refusal."""

    name: str
    request: str
    answer: str | None = None
    refusal: Refusal | None = None


@frozen(kw_only=True)
class Run:
    """One process under way or ended. ``args`` and ``answer`` are canonical JSON and hold no personal data."""

    id: str
    process: str
    version: int
    args: str
    actor: Actor
    purpose: str | None
    since: Instant
    due: Instant
    state: RunState = RunState.RUNNING
    attempts: int = 0
    trail: tuple[Outcome, ...] = ()
    answer: str | None = None
    refusal: Refusal | None = None

    def moved(self, by: RunMove, *, answer: str | None = None, refusal: Refusal | None = None) -> "Run":
        """Give the run in its next state.

        Raises: IllegalMove.
        """
        return evolve(self, state=RUN.move(self.state, by), answer=answer, refusal=refusal)

    def raised(self) -> Refused | None:
        """Give the refusal the run ended in, if it did."""
        return self.refusal.rebuild() if self.refusal else None


RUNS = Kind(
    name="kernel.run",
    type=Run,
    key=lambda run: run.id,
    indexes=(Index("due", lambda run: [(run.state.value, run.due)]),),
)


def begin(
    process: Process[object],
    *,
    id: str,
    at: Instant,
    actor: Actor,
    purpose: str | None,
    due: Instant,
) -> Run:
    """Make the run of a process that has not done anything yet."""
    return Run(
        id=f"{process.definition.name}/{id}",
        process=process.definition.name,
        version=process.definition.version,
        args=codec.dumps(process.definition.dump(process.args), as_=dict[str, codec.JsonValue]),
        actor=actor,
        purpose=purpose,
        since=at,
        due=due,
    )


def starting(
    process: Process[object],
    *,
    id: str,
    at: Instant,
    actor: Actor,
    purpose: str | None = None,
    due: Instant | None = None,
) -> Put:
    """Make the change that starts a process with the write it is part of, at ``due`` (at once when None).

    Law: the process runs if and only if the write commits.
    """
    return RUNS.put(begin(process, id=id, at=at, actor=actor, purpose=purpose, due=due or at))
