"""How does a flow become part of a transaction that the host application has opened itself?

    with connection:  # the host's own transaction
        connection.execute("INSERT INTO parcels ...")
        shop.within(sqlite.joined(connection)).run(inventory.receive(...), command="po-1")

A *joined* database is an open transaction of the host's, seen as a ``Database``: it never commits. A flow in it runs in
a savepoint, so a refusal takes back what the flow did and leaves the host's rows. What the flow wrote is there when the
host commits, its command key too, and is gone when the host rolls back. A process cannot run there, because it must not
call anybody before the host has committed: ``start`` writes it, and ``work`` runs it then.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar, cast

from omnicore.kernel.errors import Malformed, OmnicoreError, Refused
from omnicore.kernel.flow import Actor, Flow
from omnicore.kernel.process import Process
from omnicore.kernel.store import Database
from omnicore.kernel.time import Instant

if TYPE_CHECKING:
    from omnicore.host import Host

R = TypeVar("R")


class NoTransaction(Refused):
    """The host has no transaction open to take part in."""

    code: ClassVar[str] = "host.no_transaction"
    status: ClassVar[int] = 500

    def __init__(self, message: str = "no transaction is open here: begin one, or use host.run", **facts: str) -> None:
        """Say what to do."""
        super().__init__(message, **facts)


class IsolationTooWeak(Refused):
    """The host's transaction is less isolated than the command needs: facts ``found`` and ``needed``."""

    code: ClassVar[str] = "host.isolation_too_weak"
    status: ClassVar[int] = 500


class CannotJoin(Refused):
    """The host's connection is of a driver or database that omnicore does not speak: fact ``driver``."""

    code: ClassVar[str] = "host.cannot_join"
    status: ClassVar[int] = 500


class Joined(Database, Protocol):
    """A ``Database`` inside an open transaction of the host's: ``writing`` is a savepoint, and nothing ever commits."""

    @property
    def sees_newer(self) -> bool:
        """Whether a fresh read sees what others have committed since; if not, a ``Conflict`` is not tried again."""
        ...


def alike(own: object, database: Joined) -> Joined:
    """Give a joined database with the same kinds in the host's own tables as the one the host has otherwise."""
    routed = getattr(own, "routed", None)
    return database if routed is None else cast(Joined, routed(database))


class Within:
    """A host inside the host application's own transaction; made by ``Host.within``."""

    def __init__(self, host: "Host") -> None:
        """Take a host that works on a joined database."""
        self._host = host

    def acting(self, actor: Actor, *, purpose: str | None = None) -> "Within":
        """Give the same acting for somebody.

        Raises: Malformed for anything but an actor.
        """
        return Within(self._host.acting(actor, purpose=purpose))

    def run(self, flow: Flow[R], *, command: str | None = None) -> R:
        """Run a question or a command in a savepoint; what it writes commits or is gone with the host's transaction.

        Raises: Refused, and the host's rows stand; Conflict when only a new transaction can help; Malformed, for a
            process too; NoTransaction, IsolationTooWeak; KeyReused.
        """
        if isinstance(flow, Process):
            raise Malformed("$", "must be a flow: inside your own transaction a process is not run but started")
        return self._host.run(flow, command=command)

    def run_many(self, flows: Sequence[tuple[Flow[R], str | None]]) -> list[R | OmnicoreError]:
        """Run many commands, each with its key or None; each gives its answer or its error."""
        return self._host.run_many(flows)

    def start(self, process: Process[R], *, command: str | None = None, due: Instant | None = None) -> str:
        """Write a process to be run by ``work`` when the host has committed, or later when due; gives its run's id.

        Law: nobody outside is called unless the host commits.
        """
        return self._host.start(process, command=command, due=due)
