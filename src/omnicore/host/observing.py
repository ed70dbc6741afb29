"""What is a host's monitoring told of a run, and what can it not spoil?"""

import warnings
from collections.abc import Callable

from attrs import frozen

from omnicore.kernel.errors import Conflict, Malformed, Refused


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


class Watch:
    """Times one run and tells ``observe``, where there is one, how it ended."""

    __slots__ = ("_observe", "_ticks", "began", "name", "outcome", "retries", "statements")

    def __init__(
        self, name: str, ticks_micros: Callable[[], int], observe: Callable[[Observation], None] | None
    ) -> None:
        """Begin to watch a run."""
        self.name: str = name
        self.retries: int = 0
        self.statements: int = 0
        self.outcome: str = "ok"
        self._ticks = ticks_micros
        self._observe = observe
        self.began: int = ticks_micros()

    def micros(self) -> int:
        """Give how long the run has been going on."""
        return self._ticks() - self.began

    def __enter__(self) -> None:
        """Watch."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Tell how it ended."""
        if self._observe is None:
            return
        match error:
            case None:
                pass
            case Refused():
                self.outcome = error.code
            case Conflict() | Malformed():
                self.outcome = type(error).__name__.lower()
            case Exception():
                self.outcome = "bug"
            case _:  # asyncio's and our own cancellation, and whatever else ends a program: all from outside
                self.outcome = "cancelled"
        seen = Observation(
            flow=self.name,
            micros=self.micros(),
            statements=self.statements,
            retries=self.retries,
            outcome=self.outcome,
        )
        try:
            self._observe(seen)
        except Exception as failed:  # noqa: BLE001 - whoever watches must not change what is watched
            # The command may have committed: its answer, or its refusal, is what the caller must get.
            warnings.warn(f"observe failed: {type(failed).__name__}", RuntimeWarning, stacklevel=2)
