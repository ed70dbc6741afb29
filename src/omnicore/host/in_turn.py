"""How do the commands of one group come to their answers, each in its turn?

Every flow is started up to what it asks first, so that all of that is one journey; then each is run to its end, in
order, on what the store says and those before it will have written.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

from attrs import evolve, frozen

from omnicore.host.attempt import Attempt
from omnicore.host.engine import Engine, check_command, same_request
from omnicore.host.foreseen import Apart
from omnicore.host.foretold import Foretold
from omnicore.kernel.asking import TOLD
from omnicore.kernel.errors import Conflict, OmnicoreError
from omnicore.kernel.flow import Actor, Ask, Flow, Given
from omnicore.kernel.store import AsyncStore, Batch, Command
from omnicore.kernel.time import Instant
from omnicore.kernel.together import TOGETHER, PortCall

R = TypeVar("R")


@frozen
class Asked:
    """A command to be run, its key or None, and who asks for it."""

    flow: Flow[object]
    command: str | None
    actor: Actor
    purpose: str | None


class _Asking:
    """A command of a group: what its flow asks the store for now, or how it ended."""

    def __init__(self, one: Asked, request: str, attempt: Attempt[object]) -> None:
        """Start the flow, up to its first question for the store."""
        self.one = one
        self.request = request
        self.attempt = attempt
        self.calls: Sequence[PortCall] = ()
        self.ended: bool = False
        self.error: Exception | None = None
        self._answer: object = None
        self._asks_several = False
        self._steps = attempt.start()
        self._go_on(None)

    def _go_on(self, answer: object) -> None:
        try:
            asks = self._steps.send(answer)
            while isinstance(asks, Ask) and asks.method in TOLD:
                asks = self._steps.send(self.attempt.told(asks))
            self.calls = self.attempt.calls(asks)
            self._asks_several = isinstance(asks, Ask) and asks.method == TOGETHER
        except StopIteration as stop:
            self.ended = True
            self._answer = stop.value
        except Exception as error:  # noqa: BLE001 - judged when its turn comes
            self.ended = True
            self.error = error

    async def end(self, foretold: Foretold) -> object:
        """Run the flow to its end and give its answer.

        Raises: Apart; what the flow ended with; what the store failed with, which is not the flow's to see.
        """
        while not self.ended:
            if self._asks_several:
                self._go_on(tuple(await foretold.together(self.calls)))
            else:
                ((name, args, named),) = self.calls
                self._go_on(await getattr(foretold, name)(*args, **named))
        if self.error is not None:
            raise self.error
        return self._answer

    def close(self) -> None:
        """End the flow where it stands."""
        self._steps.close()


class Group:
    """The commands that share one transaction."""

    def __init__(self, engine: Engine, asked: Sequence[Asked], *, serializable: bool) -> None:
        """Start every flow, up to what it asks first; no transaction is held up by that."""
        self.engine = engine
        self.serializable = serializable
        self.at: Instant = engine.clock()
        self.foretold: Foretold = Foretold(self.at)
        self.batches: list[Batch] = []
        self._id = engine.new_id()
        self._known: dict[str, Command] = {}
        self._minted: set[str] = set()
        self._requests: dict[object, str] = {}
        self._given: dict[tuple[Actor, str | None], Given] = {}
        self.asking: list[_Asking | Exception] = [self._begun(one) for one in asked]

    async def begin(self, store: AsyncStore, repeated: Sequence[str]) -> None:
        """Look all keys up, and answer what every flow asks first, in one journey."""
        begun = [one for one in self.asking if isinstance(one, _Asking)]
        keys = dict.fromkeys(one.one.command for one in begun if one.one.command is not None)
        calls = [call for one in begun for call in one.calls]
        if repeated:
            calls.append(("holds", (repeated,), {}))
        self._known = await self.foretold.begin(store, tuple(keys), calls)

    def _begun(self, one: Asked) -> _Asking | Exception:
        try:
            check_command(one.flow, one.command)
            request = ""
            if one.command is not None:
                request = self._request(one)
        except Exception as error:  # noqa: BLE001 - judged when its turn comes
            return error
        given = self._given_to(one.actor, one.purpose)
        store = cast(AsyncStore, self.foretold)  # as far as a flow may ask
        return _Asking(one, request, Attempt(one.flow, store, given, serializable=self.serializable))

    def _request(self, one: Asked) -> str:
        """Hash what is asked, once for all who ask the same: in a sale most of a group does."""
        flow = one.flow
        values = tuple(flow.args.values())
        if any(type(value) is not str and type(value) is not int for value in values):
            return self.engine.request(flow.definition, flow, one.actor)
        # Equal texts and whole numbers are written alike, and no text equals a number.
        same = (flow.definition, one.actor, tuple(flow.args), values)
        if (request := self._requests.get(same)) is None:
            request = self._requests[same] = self.engine.request(flow.definition, flow, one.actor)
        return request

    def _given_to(self, actor: Actor, purpose: str | None) -> Given:
        if (given := self._given.get((actor, purpose))) is None:
            given = evolve(self.engine.given(actor, purpose), at=self.at, new_id=self._mint)
            self._given[actor, purpose] = given
        return given

    def _mint(self) -> str:
        made = self.engine.new_id()
        self._minted.add(made)
        return made

    async def answer(self, asking: _Asking | Exception) -> object:
        """Give the answer or the error of the next command.

        Raises: Apart where it has none in this group; what the store has failed with.
        """
        if not isinstance(asking, _Asking):
            return _judged(asking)
        key, definition, row = asking.one.command, asking.one.flow.definition, None
        try:
            if key is not None and (done := self._known.get(key)) is not None:
                return definition.load_answer(same_request(done, asking.request))
            answer = await asking.end(self.foretold)
            if key is not None:
                answered = definition.dump_answer(answer)
                row = Command(key=key, request=asking.request, answer=answered, at=self.at)
            batch = asking.attempt.batch(command=row, key=key, id=self._id)
        except Exception as error:
            if self.foretold.failed is not None:
                raise
            return _judged(error)
        if batch is None:
            return answer
        await self.foretold.foresee(batch, self._minted, first=not self.batches)
        self.batches.append(batch)
        if row is not None:
            self._known[row.key] = row
        return answer

    def close(self) -> None:
        """End the flows that have not had their turn."""
        for one in self.asking:
            if isinstance(one, _Asking):
                one.close()


def _judged(error: Exception) -> OmnicoreError:
    """Give a refusal or malformed input as the answer it is.

    Raises: Apart for all else, of which a command tells only when it runs alone.
    """
    if isinstance(error, OmnicoreError) and not isinstance(error, Conflict):
        return error
    raise Apart from None


def merge(batches: Sequence[Batch]) -> Batch:
    """Merge batches of one instant that touch different documents; moves on one account are summed by the ledger."""
    if len(batches) == 1:
        return batches[0]
    first = batches[0]
    return Batch(
        id=first.id,
        at=first.at,
        by=first.by,
        command=first.command,
        changes=_chained(batch.changes for batch in batches),
        moves=_chained(batch.moves for batch in batches),
        envelopes=_chained(batch.envelopes for batch in batches),
        commands=_chained(batch.commands for batch in batches),
    )


def _chained(parts: Iterable[tuple[R, ...]]) -> tuple[R, ...]:
    return tuple(item for part in parts for item in part)
