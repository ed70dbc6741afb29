"""How does one flow run once, inside one transaction?

An ``Attempt`` answers a flow's port calls from one ``Store``, keeps the one write it ends in, and stamps that write:
events become envelopes, personal data read or written becomes an audit fact. It never commits; whoever opened the
transaction does.
"""

from collections.abc import Callable, Generator, Iterable
from typing import Generic, TypeVar

from omnicore.kernel import codec
from omnicore.kernel.access import Access, Accessed, PurposeMissing
from omnicore.kernel.flow import Ask, Flow, Given
from omnicore.kernel.journal import Envelope, Event, event_name
from omnicore.kernel.records import Change, Put, kinds
from omnicore.kernel.store import Batch, Command, Store, Writes

R = TypeVar("R")


def _no_checkpoint() -> None:
    return None


class Attempt(Generic[R]):
    """One run of one flow against one store. ``checkpoint`` may raise before any port call, to cancel."""

    def __init__(
        self, flow: Flow[R], store: Store, given: Given, *, checkpoint: Callable[[], None] = _no_checkpoint
    ) -> None:
        """Take what the flow needs; nothing runs yet."""
        self.flow = flow
        self.store = store
        self.given = given
        self.checkpoint = checkpoint
        self.writes: Writes | None = None
        self._revealed: set[tuple[str, str]] = set()

    def run(self) -> R:
        """Run the flow to its end and give its answer; what it writes waits in ``writes``.

        Raises: Refused, Malformed as the flow does; Conflict as the store does.
        """
        steps = self.start()
        answer: object = None
        try:
            while True:
                request = steps.send(answer)
                self.checkpoint()
                answer = self.answer(request)
        except StopIteration as stop:
            result: R = stop.value
            return result
        finally:
            steps.close()

    def start(self) -> Generator[object, object, R]:
        """Give the flow as a generator that yields its port calls; the race simulator drives it call by call."""
        return self.flow.__await__()

    def answer(self, request: object) -> object:
        """Answer one port call."""
        if not isinstance(request, Ask):
            raise AssertionError(f"a flow may only await ports, not {type(request).__name__}")  # noqa: TRY004 - a bug
        if request.method == "enter":
            return self.given
        if self.writes is not None:
            raise AssertionError("a flow writes once, as its last port call")
        if request.method == "write":
            self._keep(*request.args)
            return None
        if request.method == "reveal":
            self._reveal(*request.args)
            return None
        method: Callable[..., object] = getattr(self.store, request.method)
        match request.method:
            case "balances":  # how much of what is held has lapsed depends on the instant, which is the flow's own
                return method(*request.args, self.given.at)
            case "entries":
                account, after, limit = request.args
                return method(account, after=after, limit=limit)
            case _:
                return method(*request.args)

    def _keep(self, writes: object) -> None:
        if not self.flow.definition.writes:
            raise AssertionError(f"{self.flow.definition.name} is a question and may not write")
        assert isinstance(writes, Writes)
        self.writes = writes

    def _reveal(self, kind: object, subjects: object) -> None:
        if not self.flow.definition.reveals:
            raise AssertionError(f"{self.flow.definition.name} reads a vault: declare it with reveals=True")
        if self.given.purpose is None:
            raise PurposeMissing(flow=self.flow.definition.name)
        assert isinstance(kind, str)
        assert isinstance(subjects, tuple)
        self._revealed.update((kind, subject) for subject in subjects)

    def batch(
        self, *, command: Command | None = None, key: str | None = None, changes: Iterable[Change] = ()
    ) -> Batch | None:
        """Stamp what the flow wrote, with more changes of the driver's own; None when there is nothing to write."""
        writes = self.writes or Writes()
        every = (*writes.changes, *changes)
        happened = (*writes.events, *self._accesses(every))
        if not (every or writes.moves or happened or command):
            return None
        return Batch(
            id=self.given.new_id(),
            at=self.given.at,
            by=str(self.given.actor),
            command=key,
            changes=every,
            moves=writes.moves,
            envelopes=tuple(self._envelope(event, key) for event in happened),
            commands=(command,) if command else (),
        )

    def _envelope(self, happened: Event, key: str | None) -> Envelope:
        return Envelope(
            id=self.given.new_id(),
            type=event_name(happened),
            about=happened.about,
            at=self.given.at,
            by=str(self.given.actor),
            command=key,
            data=codec.dumps(happened, as_=type(happened)),
        )

    def _accesses(self, changes: Iterable[Change]) -> list[Event]:
        known = kinds()
        written = {
            (change.kind, change.subject)
            for change in changes
            if isinstance(change, Put) and change.subject is not None
        }
        found = [(Access.READ, *row) for row in sorted(self._revealed)]
        found += [(Access.WRITTEN, *row) for row in sorted(written)]
        return [
            Accessed(
                subject=subject,
                kind=kind,
                fields=codec.personal_fields(known[kind].type),
                access=access,
                flow=self.flow.definition.name,
                purpose=self.given.purpose,
            )
            for access, kind, subject in found
        ]
