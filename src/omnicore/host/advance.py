"""How does a process move on: from its record, one outcome at a time?

The process is run from its beginning each time: recorded outcomes are handed to it without doing anything, and the
first thing the record does not know is done and recorded before the next begins. A step is done and recorded in one
transaction, ``inside`` the place where the host works; a provider's method is called ``outside``, in none.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar, get_type_hints

from attrs import evolve, field, frozen

from omnicore.host.attempt import Attempt
from omnicore.host.engine import Engine
from omnicore.host.place import Place
from omnicore.kernel import codec
from omnicore.kernel.errors import Conflict, Malformed, Refused
from omnicore.kernel.flow import Flow, Given, flow
from omnicore.kernel.process import Call, ProcessDefinition, Step, processes
from omnicore.kernel.records import Stored
from omnicore.kernel.runs import MAX_TRAIL, RUNS, Diverged, Outcome, Refusal, Run, RunMove, RunState

R = TypeVar("R")

MAX_ATTEMPTS = 8
_BACKOFF_SECONDS = 2


class Unknown(Conflict):
    """A provider did not answer, so nobody knows what it did; the process is kept and will ask it, not try blindly."""

    code = "host.unknown"


@frozen(kw_only=True)
class Providers:
    """The host's implementations of ports, by the name of the port class they inherit."""

    by_port: Mapping[str, object] = field(factory=dict)

    @classmethod
    def of(cls, providers: tuple[object, ...]) -> "Providers":
        """Index providers by every class they inherit."""
        found: dict[str, object] = {}
        for provider in providers:
            for base in type(provider).__mro__:
                found.setdefault(base.__qualname__, provider)
        return cls(by_port=found)

    def port(self, call: Call) -> object:
        """Give the provider whose port a call names."""
        port = call.method.__qualname__.rpartition(".")[0]
        if (provider := self.by_port.get(port)) is None:
            raise AssertionError(f"no provider of {port}: give one to Host(providers=[...])")
        return provider


@flow("kernel.record_run")
async def _nothing(given: Given) -> None:
    """Write nothing of its own: carries a run's next line alone."""


async def advance(place: Place, providers: Providers, stored: Stored[Run] | None, run: Run) -> Run:
    """Move a run on until it ends; gives the run as it then stands.

    ``stored`` is the row as loaded, None for a run not written yet.

    Raises: Conflict when somebody else moved the run, Unknown when a provider's answer is.
    """
    return await _Advance(place, providers, stored, run).steps()


def declared(run: Run) -> ProcessDefinition[object]:
    """Give the process a run is of.

    Raises: Diverged where this program declares it no more, or not yet: the run is left as it is.
    """
    if (definition := processes().get((run.process, run.version))) is None:
        raise Diverged(process=run.process, version=run.version, reason="unknown")
    return definition


class _Advance:
    def __init__(self, place: Place, providers: Providers, stored: Stored[Run] | None, run: Run) -> None:
        self.place = place
        self.clock = place.engine.clock
        self.providers = providers
        self.run = run
        self.version = stored.version if stored else 0
        self.resumed = stored is not None and run.attempts > 0
        self.definition = declared(run)
        self.made = 0

    async def steps(self) -> Run:
        run, engine = self.run, self.place.engine
        args = self.definition.load(codec.loads(run.args, as_=dict[str, codec.JsonValue]))
        given = Given(
            at=run.since,
            actor=run.actor,
            purpose=run.purpose,
            shop=engine.shop,
            new_id=self.derived_id,
            blind=engine.blind,
        )
        body = self.definition.body(given, **args).__await__()
        names: set[str] = set()
        answer: object = None
        refused: Refused | None = None
        try:
            while True:
                request = body.throw(refused) if refused else body.send(answer)
                if not isinstance(request, Step | Call):
                    raise AssertionError("a process may only await step and call")  # noqa: TRY004 - a bug
                if request.name in names or len(names) >= MAX_TRAIL:
                    raise AssertionError(f"{run.process} uses the name {request.name} twice, or is too long")
                names.add(request.name)
                answer, refused = await self.outcome(len(names) - 1, request)
        except StopIteration as stop:
            await self.record(self.run.moved(RunMove.FINISH, answer=self.definition.dump_answer(stop.value)))
        except Diverged as diverged:
            await self.record(self.run.moved(RunMove.STOP, refusal=Refusal.of(diverged)))
        except Refused as refusal:
            await self.record(self.run.moved(RunMove.REFUSE, refusal=Refusal.of(refusal)))
        finally:
            body.close()
        return self.run

    def derived_id(self) -> str:
        self.made += 1
        return f"{self.run.id}/{self.made}"

    async def outcome(self, place: int, request: Step | Call) -> tuple[object, Refused | None]:
        asked = self.hash(request)
        if place < len(self.run.trail):
            known = self.run.trail[place]
            if (known.name, known.request) != (request.name, asked):
                raise Diverged(process=self.run.id, recorded=known.name, asked=request.name)
            if known.refusal is not None:
                return None, known.refusal.rebuild()
            return self.read(request, known.answer or "null"), None
        if isinstance(request, Step):
            result = await self.place.inside(partial(self.step, request, asked))
        else:
            result = await self.call(request, asked)
        return (None, result) if isinstance(result, Refused) else (result, None)

    def hash(self, request: Step | Call) -> str:
        engine = self.place.engine
        if isinstance(request, Step):
            return engine.request(request.flow.definition, request.flow, self.run.actor)
        hints = get_type_hints(request.method)
        names = [name for name in hints if name not in {"key", "return"}]
        given = dict(zip(names, request.args, strict=False)) | dict(request.kwargs)
        parts = [
            f"{name}={codec.keyed_hash(given[name], as_=hints[name], key=engine.secret)}" for name in sorted(given)
        ]
        return codec.keyed_hash("\n".join([request.method.__qualname__, *parts]), as_=str, key=engine.secret)

    def read(self, request: Step | Call, text: str) -> object:
        if isinstance(request, Step):
            return request.flow.definition.load_answer(text)
        return codec.loads(text, as_=get_type_hints(request.method)["return"])

    async def step(self, request: Step, asked: str, engine: Engine) -> object:
        """Run a flow and record its outcome, in one transaction."""
        tries, began = 0, engine.ticks_micros()
        while True:
            try:
                return await self.attempt(request.flow, request.name, asked, engine)
            except Refused as refused:
                outcome = Outcome(name=request.name, request=asked, refusal=Refusal.of(refused))
                await self.write(evolve(self.run, trail=(*self.run.trail, outcome), attempts=0), engine)
                return refused
            except Conflict:
                await self.fence(engine)
                tries += 1
                if not await engine.may_try_again(tries, began):
                    raise Conflict(f"run {self.run.id}") from None

    async def attempt(self, flow: Flow[R], name: str, asked: str, engine: Engine) -> R:
        given = engine.given(self.run.actor, self.run.purpose)
        async with engine.writing(serializable=flow.definition.serializable) as store:
            attempt = Attempt(flow, store, given)
            answer = await attempt.run()
            outcome = Outcome(name=name, request=asked, answer=flow.definition.dump_answer(answer))
            run = self.leased(evolve(self.run, trail=(*self.run.trail, outcome), attempts=0))
            batch = attempt.batch(key=self.run.id, changes=[RUNS.put(run, expected=self.version)])
            assert batch is not None
            await store.write(batch)
        self.run, self.version = run, self.version + 1
        return answer

    def leased(self, run: Run) -> Run:
        """Keep other workers off a run under way until the lease is over."""
        if run.state is not RunState.RUNNING:
            return run
        return evolve(run, due=self.clock().plus(seconds=self.place.engine.lease_seconds))

    async def fence(self, engine: Engine) -> None:
        """Stop if somebody else has moved the run: they hold the lease now."""
        async with engine.reading() as store:
            document = (await store.load(RUNS.name, [self.run.id])).get(self.run.id)
        if (document.version if document else 0) != self.version:
            raise Conflict(f"run {self.run.id}")

    async def call(self, request: Call, asked: str) -> object:
        provider = self.providers.port(request)
        key = f"{self.run.id}/{request.name}"
        method: Callable[..., object] = getattr(provider, request.method.__name__)
        lookup: Callable[[str], object] | None = getattr(provider, "lookup", None)
        result: object = None
        if not self.version:  # a run that dies in its first call must be known, or nobody would ask the provider
            await self.record(self.run)
        try:
            if self.resumed and lookup is not None:
                result = await self.place.outside(partial(lookup, key))
            if result is None:
                result = await self.place.outside(partial(method, key, *request.args, **request.kwargs))
        except Refused as refused:
            outcome = Outcome(name=request.name, request=asked, refusal=Refusal.of(refused))
            result = refused
        except (Malformed, AssertionError):
            raise
        except Exception as lost:
            raise Unknown(f"provider's answer to {key}") from lost
        else:
            answer = codec.dumps(result, as_=get_type_hints(request.method)["return"])
            outcome = Outcome(name=request.name, request=asked, answer=answer)
        await self.record(evolve(self.run, trail=(*self.run.trail, outcome), attempts=0))
        return result

    async def record(self, run: Run) -> None:
        await self.place.inside(partial(self.write, run))

    async def write(self, run: Run, engine: Engine) -> None:
        """Write the run's next line alone; somebody else's line there is a ``Conflict``."""
        run = self.leased(run)
        given = engine.given(run.actor, run.purpose)
        async with engine.writing() as store:
            attempt = Attempt(_nothing(), store, given)
            batch = attempt.batch(key=run.id, changes=[RUNS.put(run, expected=self.version)])
            assert batch is not None
            await store.write(batch)
        self.run, self.version = run, self.version + 1


def ended(run: Run) -> bool:
    """Whether a run has nothing more to do."""
    return run.state in {RunState.DONE, RunState.REFUSED}


def postponed(run: Run, engine: Engine) -> Run:
    """Give a run whose attempt failed: due later each time, stuck after ``MAX_ATTEMPTS``."""
    attempts = max(run.attempts, 1)  # a run that was taken up again counted this attempt when it was taken
    due = engine.clock().plus(seconds=_BACKOFF_SECONDS**attempts)
    later = evolve(run, attempts=attempts, due=due)
    return later.moved(RunMove.STOP) if attempts >= MAX_ATTEMPTS else later


def result_of(run: Run) -> object:
    """Give a run's answer.

    Raises: Refused as the run ended in, Conflict while it has not, Diverged where its version is declared no more.
    """
    if (refused := run.raised()) is not None:
        raise refused
    if run.state is not RunState.DONE or run.answer is None:
        raise Conflict(f"run {run.id}")
    return declared(run).load_answer(run.answer)
