"""Who goes next, where many wait for one transaction?

A line with a leader: whoever finds nobody leading leads. A leader takes those at the head of the line, itself first,
runs them as one group, hands out the answers and passes the lead to the next in line. So nobody leads for ever, nothing
waits for a clock, and the longer a group takes, the larger is the next one.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, Protocol

from omnicore.host.grouping import Failed
from omnicore.host.in_turn import Asked
from omnicore.kernel.errors import InDoubt, Malformed, OmnicoreError, Refused

OPEN: Final = object()
"""What stands where no answer is yet."""
_CUT_OFF = "a command whose group was cut off"


class NotTaken(Refused):
    """A line takes no more commands: fact ``reason`` is ``full`` or ``closed``; nothing has happened, so try later."""

    code: ClassVar[str] = "host.not_taken"
    status: ClassVar[int] = 503


class Caller(Protocol):
    """Somebody who waits in the line, in a thread or in a task."""

    asked: Asked

    def lead(self) -> None:
        """Be told to lead; called under the line's lock.

        Raises: RuntimeError by one who is gone.
        """
        ...

    def answer(self, outcome: object) -> None:
        """Be given the answer, the error, or how it failed."""
        ...


class InThread:
    """A caller who waits in a thread of its own."""

    def __init__(self, asked: Asked) -> None:
        """Ask."""
        self.asked = asked
        self.outcome: object = OPEN
        self._woken = threading.Event()

    def wait(self) -> None:
        """Wait until there is an answer, or to be told to lead."""
        self._woken.wait()

    def lead(self) -> None:
        """Wake up."""
        self._woken.set()

    def answer(self, outcome: object) -> None:
        """Wake up with it."""
        self.outcome = outcome
        self._woken.set()


class Line:
    """Callers in the order in which they came; safe from any thread.

    Laws: a caller is in one group, once; groups follow each other in the order of the line; a caller that leaves before
    its group begins has asked for nothing; while anybody waits, somebody leads.
    """

    def __init__(self, at_most: int, waiting_at_most: int) -> None:
        """Bound a group and the line.

        Raises: Malformed.
        """
        for name, count in (("at_most", at_most), ("waiting_at_most", waiting_at_most)):
            if type(count) is not int or count < 1:
                raise Malformed(f"$.{name}", "must be a whole number of at least 1")
        self._at_most = at_most
        self._waiting_at_most = waiting_at_most
        self._waiting: deque[Caller] = deque()
        self._leader: Caller | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._drained = threading.Condition(self._lock)

    def join(self, caller: Caller) -> bool:
        """Stand in line; whether the caller leads.

        Raises: NotTaken.
        """
        with self._lock:
            if self._closed or len(self._waiting) >= self._waiting_at_most:
                raise NotTaken(reason="closed" if self._closed else "full")
            self._waiting.append(caller)
            if self._leader is not None:
                return False
            self._leader = caller
            return True

    def leave(self, caller: Caller) -> bool:
        """Leave the line, and the lead; False where the caller's group has begun."""
        with self._lock:
            if caller not in self._waiting:
                return False
            self._waiting.remove(caller)
            if self._leader is caller:
                self._pass_on()
            return True

    def lead(self, leader: Caller, run: Callable[[Sequence[Asked]], Sequence[object]]) -> None:
        """Run the next group, answer it and pass the lead on; nothing for one who has left."""
        group = self.begin(leader)
        try:
            self.answer(group, run([caller.asked for caller in group]) if group else ())
        except BaseException as error:
            self.fail(leader, group, error)
            if not isinstance(error, Exception):
                raise
        finally:
            self.end(leader)

    def begin(self, leader: Caller) -> list[Caller]:
        """Take the next group out of the line; nobody where the caller does not lead any more."""
        with self._lock:
            if self._leader is not leader:
                return []
            return [self._waiting.popleft() for _ in range(min(self._at_most, len(self._waiting)))]

    def answer(self, group: Sequence[Caller], outcomes: Sequence[object]) -> None:
        """Hand out the answers of a group."""
        for caller, outcome in zip(group, outcomes, strict=True):
            caller.answer(outcome)

    def fail(self, leader: Caller, group: Sequence[Caller], error: BaseException) -> None:
        """Tell everybody of a group that could not be run.

        Where only the leader has been ended (Ctrl-C, a loop that is shut down), those with a key go back to the head of
        the line, because a key is done once; who has none must find out.
        """
        if isinstance(error, Exception):
            for caller in group:
                caller.answer(Failed(error))
            return
        with self._lock:
            for caller in reversed(group):
                if caller is leader or caller.asked.command is None:
                    caller.answer(InDoubt(_CUT_OFF))
                else:
                    self._waiting.appendleft(caller)

    def end(self, leader: Caller) -> None:
        """Pass the lead on."""
        with self._lock:
            if self._leader is leader:
                self._pass_on()

    def _pass_on(self) -> None:
        self._leader = None
        while self._waiting:
            self._leader = self._waiting[0]
            try:
                self._leader.lead()
            except RuntimeError:  # its event loop is closed, and it with it
                self._waiting.popleft()
                self._leader = None
            else:
                return
        self._drained.notify_all()

    def close(self) -> None:
        """Take no more, and wait until everybody has been answered."""
        with self._lock:
            self._closed = True
            self._drained.wait_for(lambda: self._leader is None)


def told(outcome: object) -> object:
    """Give an answer, or raise what stands in its place."""
    if isinstance(outcome, Failed):
        raise outcome.error
    if isinstance(outcome, OmnicoreError):
        raise outcome
    return outcome
