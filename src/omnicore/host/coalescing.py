"""How do many callers who want the same row at once share one transaction?

    sale = host.coalescing()
    sale.run(reserve(...), command=key)          # from as many threads as there are
    await sale.arun(reserve(...), command=key)   # from as many tasks as there are

While a group is under way, whoever comes waits in a line (``Line``), and all of them go together as the next group. Who
comes alone goes at once. Each is answered as if it had run alone, in the order in which they came.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, cast

from omnicore.host.atonce import completed
from omnicore.host.engine import check_command
from omnicore.host.grouping import run_in_order
from omnicore.host.in_turn import Asked
from omnicore.host.line import OPEN, InThread, Line, told
from omnicore.kernel.flow import Actor, Flow

if TYPE_CHECKING:
    from omnicore.host import Host

R = TypeVar("R")


class Coalescing:
    """A host whose waiting commands go together, up to so many in a transaction.

    Laws: each command happens once, and each caller gets its own answer; they are decided in the order in which they
    came; one that is refused, malformed or fails harms no other.
    """

    def __init__(self, host: "Host", line: Line) -> None:
        """Run a host's commands by a line."""
        self._host = host
        self._line = line
        self._drivers: set[asyncio.Task[None]] = set()

    def acting(self, actor: Actor, *, purpose: str | None = None) -> "Coalescing":
        """Give the same line for somebody else.

        Raises: Malformed for anything but an actor.
        """
        return Coalescing(self._host.acting(actor, purpose=purpose), self._line)

    def run(self, flow: Flow[R], *, command: str | None = None) -> R:
        """Run a command in the next group, and wait for its answer; a question is asked at once.

        Raises: Refused, Conflict, Malformed, KeyReused as ``Host.run``; NotTaken where the line is full or closed.
        """
        check_command(flow, command)
        if not flow.definition.writes:
            return self._host.run(flow)
        engine = self._host._here("arun").engine  # noqa: SLF001 - a part of the host
        caller = InThread(self._asked(flow, command))
        leads = self._line.join(caller)
        try:
            if not leads:
                caller.wait()
            if caller.outcome is OPEN:
                self._line.lead(caller, lambda asked: completed(run_in_order(engine, asked)))
        except BaseException:
            self._line.leave(caller)  # Ctrl-C while it waits
            raise
        return cast(R, told(caller.outcome))

    async def arun(self, flow: Flow[R], *, command: str | None = None) -> R:
        """As ``run``, from an event loop, on either sort of database.

        Cancelling takes the command out of the line; once its group has begun the group is waited for, and the same key
        then gives the answer.

        Raises: as ``run``.
        """
        check_command(flow, command)
        if not flow.definition.writes:
            return await self._host.arun(flow)
        caller = _InTask(self._asked(flow, command), self._drive)
        if self._line.join(caller):
            caller.lead()
        await caller.wait(self._line)
        return cast(R, told(caller.outcome))

    def _asked(self, flow: Flow[R], command: str | None) -> Asked:
        return Asked(flow, command, self._host.actor, self._host.purpose)

    def _drive(self, leader: "_InTask") -> None:
        """Run the next group in a task of its own, so that no caller's cancellation ends it for the others."""
        task = asyncio.get_running_loop().create_task(self._led_by(leader))
        self._drivers.add(task)
        task.add_done_callback(self._drivers.discard)

    async def _led_by(self, leader: "_InTask") -> None:
        group = self._line.begin(leader)
        try:
            if group:
                place, asked = self._host._beside(), [caller.asked for caller in group]  # noqa: SLF001 - as above
                self._line.answer(group, await place.inside(lambda engine: run_in_order(engine, asked)))
        except BaseException as error:
            self._line.fail(leader, group, error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._line.end(leader)

    def close(self) -> None:
        """Take no more commands, and wait until those in line have been answered; the host stays open."""
        self._line.close()

    async def aclose(self) -> None:
        """As ``close``, from an event loop."""
        await asyncio.to_thread(self._line.close)

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    async def __aenter__(self) -> Self:
        """Give itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.aclose()


class _InTask:
    """A caller who waits in a task."""

    def __init__(self, asked: Asked, drive: Callable[["_InTask"], None]) -> None:
        self.asked = asked
        self.outcome: object = OPEN
        self._drive = drive
        self._loop = asyncio.get_running_loop()
        self._woken = self._loop.create_future()

    async def wait(self, line: Line) -> None:
        """Wait for the answer; cancelled, leave the line, or wait for the group and be cancelled then."""
        cancelled: asyncio.CancelledError | None = None
        while self.outcome is OPEN:
            try:
                await self._woken
            except asyncio.CancelledError as error:
                if line.leave(self):
                    raise
                cancelled = error
                self._woken = self._loop.create_future()
        if cancelled is not None:
            raise cancelled

    def lead(self) -> None:
        """Have a task run the next group, in the caller's own loop."""
        self._loop.call_soon_threadsafe(self._drive, self)

    def answer(self, outcome: object) -> None:
        """Wake up with it, from whichever thread."""
        self.outcome = outcome
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            self._wake()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)
