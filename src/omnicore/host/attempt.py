"""How does one flow run once, inside one transaction?

An ``Attempt`` answers a flow's port calls from one ``Store``, keeps the one write it ends in, and stamps that write:
events become envelopes, personal data read or written becomes an audit fact. It never commits; whoever opened the
transaction does.
"""

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Generic, TypeVar, cast

from omnicore.kernel import codec
from omnicore.kernel.access import Access, Accessed, PurposeMissing
from omnicore.kernel.asking import TOLD
from omnicore.kernel.errors import Conflict, Refused
from omnicore.kernel.flow import Ask, Definition, Flow, Given
from omnicore.kernel.journal import Envelope, Event, event_name
from omnicore.kernel.records import Change, Put, kinds
from omnicore.kernel.store import AsyncStore, Batch, Command, Writes
from omnicore.kernel.together import TOGETHER, PortCall

R = TypeVar("R")


_NOTHING = Writes()
_WRITES_ONCE = "a flow writes once, as its last port call"
"""What a flow asks for that needs no store."""


class Replayed(Exception):  # noqa: N818 - no error: the command has been answered before
    """The command is known; ``done`` is its row."""

    def __init__(self, done: Command) -> None:
        """Keep the row."""
        self.done = done
        super().__init__()


class Attempt(Generic[R]):
    """One run of one flow against one store.

    ``serializable`` says whether the transaction stands as if it had run alone: what the outermost flow declares, or
    the group it is run with. Whether ``command`` has been answered before is looked up when the flow fails, or, with
    ``ask_first``, together with the first thing it asks for; else the write finds out, because its key is taken.
    """

    def __init__(
        self,
        flow: Flow[R],
        store: AsyncStore,
        given: Given,
        *,
        serializable: bool | None = None,
        command: str | None = None,
        ask_first: bool = False,
    ) -> None:
        """Take what the flow needs; nothing runs yet."""
        self.command = self._key = command
        self.ask_first: bool = ask_first and command is not None
        self.flow = flow
        self.store = store
        self.given = given
        self.serializable: bool = flow.definition.serializable if serializable is None else serializable
        self.writes: Writes | None = None
        self._revealed: set[tuple[str, str]] = set()

    async def run(self) -> R:
        """Run the flow to its end and give its answer; what it writes waits in ``writes``.

        Raises: Refused, Malformed as the flow does; Conflict as the store does; Replayed where the command is known.
        """
        steps = self.start()
        answer: object = None
        try:
            while True:
                request = steps.send(answer)
                if isinstance(request, Ask) and request.method in TOLD:
                    answer = self.told(request)
                elif self.ask_first:
                    answer = await self._unless_known(request)
                else:
                    answer = await self.asked(request)
        except StopIteration as stop:
            if self.ask_first:
                await self._unless_known()
            result: R = stop.value
            return result
        except Exception as error:
            # What was answered once is answered again, whatever the flow says of it now. A refusal may rest on what the
            # very same command has done since it was looked up, so it is looked up once more.
            if isinstance(error, Refused):
                self.command = self._key
            unasked = self.ask_first or not isinstance(error, Conflict)
            if self.command is not None and unasked and not isinstance(error, Replayed):
                await self._unless_known()
            raise
        finally:
            steps.close()

    async def _unless_known(self, request: object = None) -> object:
        """Look the command up, with what the flow asks for first, if it asks for anything."""
        command, self.command, self.ask_first = self.command, None, False
        calls = [] if request is None else self.calls(request)
        known, *answers = await ask_together(self.store, [("commands", ([command],), {}), *calls])
        if (done := cast(dict[str | None, Command], known).get(command)) is not None:
            raise Replayed(done)
        return tuple(answers) if isinstance(request, Ask) and request.method == TOGETHER else next(iter(answers), None)

    def start(self) -> Generator[object, object, R]:
        """Give the flow as a generator that yields its port calls; the race simulator drives it call by call."""
        return self.flow.__await__()

    def told(self, request: Ask) -> object:
        """Answer what the driver knows by itself: what is given, what was revealed, and the write, which waits."""
        match request.method:
            case "enter":
                self._enter(*request.args)
                return self.given
            case _ if self.writes is not None:
                raise AssertionError(_WRITES_ONCE)
            case "reveal":
                self._reveal(*request.args)
            case _:
                self._keep(*request.args)
        return None

    def asked(self, request: object) -> Awaitable[object]:
        """Answer one port call from the store, or several it asks for together, which is to be awaited."""
        calls = self.calls(request)
        if isinstance(request, Ask) and request.method == TOGETHER:
            return ask_together(self.store, calls)
        ((name, args, named),) = calls
        method: Callable[..., Awaitable[object]] = getattr(self.store, name)
        return method(*args, **named)

    def calls(self, request: object) -> list[PortCall]:
        """Give what is asked of the store, as its methods and their arguments."""
        if not isinstance(request, Ask):
            raise AssertionError(f"a flow may only await ports, not {type(request).__name__}")  # noqa: TRY004 - a bug
        if self.writes is not None:
            raise AssertionError(_WRITES_ONCE)
        if request.method == TOGETHER:
            return [self._call(ask) for ask in cast(tuple[Ask, ...], request.args)]
        return [self._call(request)]

    def _call(self, request: Ask) -> PortCall:
        """Give the method of the store that answers a question, and its arguments."""
        match request.method:
            case "balances":  # how much of what is held has lapsed depends on the instant, which is the flow's own
                return "balances", (*request.args, self.given.at), {}
            case "entries":
                account, after, limit = request.args
                return "entries", (account,), {"after": after, "limit": limit}
            case "read":
                after, limit = request.args
                return "read", (), {"after": after, "limit": limit}
            case _:
                return request.method, request.args, {}

    def _enter(self, inner: object) -> None:
        assert isinstance(inner, Definition)
        if inner.serializable and not self.serializable:
            outer = self.flow.definition.name
            raise AssertionError(f"{inner.name} needs to stand as if alone: declare {outer} serializable=True as well")

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
        self,
        *,
        command: Command | None = None,
        key: str | None = None,
        changes: Sequence[Change] = (),
        id: str | None = None,
    ) -> Batch | None:
        """Stamp what the flow wrote, with more changes of the driver's own; None when there is nothing to write.

        ``id`` where what it is part of has one already.
        """
        writes = self.writes or _NOTHING
        every = (*writes.changes, *changes)
        happened = (*writes.events, *self._accesses(every))
        if not (every or writes.moves or happened or command):
            return None
        by = str(self.given.actor)
        return Batch(
            id=id or self.given.new_id(),
            at=self.given.at,
            by=by,
            command=key,
            changes=every,
            moves=writes.moves,
            envelopes=tuple([self._envelope(event, by, key) for event in happened]),
            commands=(command,) if command else (),
        )

    def _envelope(self, happened: Event, by: str, key: str | None) -> Envelope:
        return Envelope(
            id=self.given.new_id(),
            type=event_name(happened),
            about=happened.about,
            at=self.given.at,
            by=by,
            command=key,
            data=codec.dumps(happened, as_=type(happened)),
        )

    def _accesses(self, changes: Sequence[Change]) -> Sequence[Event]:
        if not (changes or self._revealed):
            return ()
        written = {
            (change.kind, change.subject)
            for change in changes
            if isinstance(change, Put) and change.subject is not None
        }
        if not (written or self._revealed):
            return ()
        known = kinds()
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


async def ask_together(store: object, calls: Sequence[PortCall]) -> Sequence[object]:
    """Have a store answer several port calls, in one journey where it can."""
    at_once: Callable[[Sequence[PortCall]], Awaitable[Sequence[object]]] | None
    if len(calls) > 1 and (at_once := getattr(store, TOGETHER, None)) is not None:
        answers: Sequence[object] = await at_once(calls)
        return answers
    return [await getattr(store, name)(*args, **named) for name, args, named in calls]
