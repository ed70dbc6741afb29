"""Where ports get implementations, and flows and processes are run.

The rule for users, in one sentence: a question, a command or a process you wait for goes to ``run`` / ``arun``, one
that may run later to ``start``, and a thread, a cron job or ``lifespan`` calls ``work``. Each is a transaction of its
own; a process that begins if and only if a flow commits is part of that flow's ``Writes`` (``kernel.runs.starting``).
"""

import copy
from typing import TYPE_CHECKING

from attrs import evolve

from omnicore.host.advance import Unknown
from omnicore.host.beside import Asynchronous
from omnicore.host.engine import KeyReused
from omnicore.host.line import Line, NotTaken
from omnicore.host.observing import Observation
from omnicore.host.place import Here
from omnicore.host.synchronous import Synchronous
from omnicore.host.within import Joined, Within, alike
from omnicore.host.working import ProcessFailed, Worked

if TYPE_CHECKING:
    from omnicore.host.coalescing import Coalescing

__all__ = ["Host", "KeyReused", "NotTaken", "Observation", "ProcessFailed", "Unknown", "Worked"]


class Host(Synchronous, Asynchronous):
    """One shop on one database, acting for somebody.

    ``providers`` implement the ports of processes by inheriting them; ``observe`` is told of every run, never its
    arguments. ``secret`` keys the hashes of requests and the marks by which e-mails, phones, cards and pickup codes are
    found again, so that nobody can guess them back from a stolen database: give your own, and keep it for ever, because
    under another one no customer is known again. A durable database is not served without one.

    A command's key is kept for ``command_days``, which must be at least as long as any client tries again; what must be
    unique for ever rests on business keys. ``patience_seconds`` is for all tries of a command together.

    On a synchronous database every name works, those with an ``a`` before them from an event loop; an asynchronous
    database has these alone.
    """

    def coalescing(self, *, at_most: int = 64, waiting_at_most: int = 1024) -> "Coalescing":
        """Give a line in which commands that many callers want at once share transactions of ``at_most`` each.

        For rows that everybody wants: a flash sale. Whoever would be behind ``waiting_at_most`` others is refused.

        Raises: Malformed for counts below one.
        """
        from omnicore.host.coalescing import Coalescing  # noqa: PLC0415 - only who coalesces pays for asyncio

        return Coalescing(self, Line(at_most, waiting_at_most))

    def within(self, database: Joined) -> Within:
        """Give the same host inside a transaction that the host application has opened itself, on a joined database."""
        engine = evolve(self._engine, database=alike(self._engine.database, database))
        other = copy.copy(self)
        other._engine, other._synchronous = engine, Here(engine)  # noqa: SLF001 - another one of this class
        return Within(other)
