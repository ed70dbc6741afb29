"""How do many processes do the same thing at the same moment, and what does each come to?

    with Crowd(16) as crowd:
        answers = crowd.all(buy, backend, "shop-1")     # buy(number, backend, "shop-1") in each process, begun together

The processes are forked from a server of their own that has no threads, live as long as the block and are used again.
"""

import sys
import traceback
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.synchronize import Barrier
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_LONGEST_SECONDS = 120
_MEETING: list[Barrier] = []
"""In a process of a crowd: where all of it meets."""
_PRELOADED = (
    *("omnicore.host", "omnicore.inventory", "omnicore.testing.figures"),
    *("omnicore.adapters.sqlite", "omnicore.adapters.postgres"),  # what is not installed is passed over
)


class CrowdFailed(RuntimeError):  # noqa: N818 - what happened
    """Somebody in the crowd failed by a bug; the message is their traceback."""


def processes() -> ForkServerContext:
    """Give the means to start a process from a clean one, with what every shop needs loaded already."""
    context = get_context("forkserver")
    # A child loads the program it was started by once more; where that is pytest, once for all of them.
    context.set_forkserver_preload([*_PRELOADED, *(["pytest"] if "pytest" in sys.modules else [])])
    return context


class Crowd:
    """So many processes that begin each piece of work together."""

    def __init__(self, size: int) -> None:
        """Say how many; they are started when the block is entered."""
        self.size = size
        self._meeting: Barrier | None = None
        self._members: list[tuple[ForkServerProcess, Connection]] = []

    def __enter__(self) -> Self:
        """Start the processes."""
        context = processes()
        # Kept here: its name is gone when the last reference is, and the processes open it by name.
        meeting = self._meeting = context.Barrier(self.size)
        for number in range(self.size):
            ours, theirs = context.Pipe()
            member = context.Process(target=_member, args=(number, theirs, meeting), daemon=True)
            member.start()
            theirs.close()
            self._members.append((member, ours))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        for member, ours in self._members:
            ours.close()
            member.join(timeout=_LONGEST_SECONDS if error is None else 1)
            if member.is_alive():
                member.kill()
                member.join()

    def all(self, work: Callable[Concatenate[int, P], R], *args: P.args, **settings: P.kwargs) -> list[R]:
        """Have everybody do ``work(number, ...)`` at once; gives what each came to, by number.

        Raises: CrowdFailed when anybody fails.
        """
        for _, ours in self._members:
            ours.send((work, args, settings))
        answers: list[R] = []
        for _, ours in self._members:
            answer, failed = ours.recv()
            if failed is not None:
                raise CrowdFailed(failed)
            answers.append(answer)
        return answers


def meet() -> None:
    """Wait, in a process of a crowd, until all of it has come to this point."""
    for meeting in _MEETING:
        meeting.wait(_LONGEST_SECONDS)


def _member(number: int, line: Connection, meeting: Barrier) -> None:
    _MEETING.append(meeting)
    while True:
        try:
            work, args, settings = line.recv()
        except EOFError:
            return
        try:
            meet()
            line.send((work(number, *args, **settings), None))
        except BaseException:  # noqa: BLE001 - told to who waits for it
            line.send((None, traceback.format_exc()))
