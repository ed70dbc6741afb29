"""How are flows joined with the outside world, so that a crash at any point loses and doubles nothing?

A process awaits only ``step`` (a flow, in its own transaction) and ``call`` (a provider, never inside a transaction).
Each outcome is recorded before the next begins, so a process that died is resumed by running it again against its
record. What departs from the record stops as ``Diverged``. The key a provider gets is a function of the process and the
call's name alone, so a call that is tried again is recognised (Stripe's idempotency keys, with our key kept for ever).
"""

from collections.abc import Awaitable, Callable, Generator, Mapping
from functools import update_wrapper
from types import coroutine
from typing import Concatenate, Generic, ParamSpec, TypeVar, cast

from attrs import frozen

from omnicore.kernel.flow import Definition, Flow, Given, bound, declare

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S")


@frozen(kw_only=True)
class Step:
    """A flow to run in a transaction of its own, recorded under ``name``."""

    name: str
    flow: Flow[object]


@frozen(kw_only=True)
class Call:
    """A provider's method to call outside any transaction, recorded under ``name``."""

    name: str
    method: Callable[..., object]
    args: tuple[object, ...]
    kwargs: Mapping[str, object]


@coroutine
def _yield(request: object) -> Generator[object, object, object]:
    return (yield request)


async def step(name: str, flow: Flow[R]) -> R:
    """Run a flow in its own transaction; its outcome, a refusal too, is recorded in that transaction.

    Raises: Refused as the flow did, now and whenever the process is run again.
    """
    return cast(R, await _yield(Step(name=name, flow=flow)))


async def call(
    name: str,
    method: Callable[Concatenate[S, str, P], R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Call a provider through its port, outside any transaction, with a derived key as first argument.

    Port methods must be idempotent by that key. Whatever the provider raises that is no refusal leaves the fate
    unknown: the process stops, and when resumed asks ``<Port>.lookup(key)`` first, where the port has one.
    """
    return cast(R, await _yield(Call(name=name, method=method, args=args, kwargs=kwargs)))


@frozen(kw_only=True)
class ProcessDefinition(Definition[R]):
    """A declared process; ``version`` changes whenever the sequence of steps and calls does."""

    version: int = 1


@frozen(kw_only=True)
class Process(Generic[R_co]):
    """A process with its arguments, not yet run: hand it to ``host.run`` or ``host.start``."""

    definition: ProcessDefinition[R_co]
    args: Mapping[str, object]


_PROCESSES: dict[tuple[str, int], ProcessDefinition[object]] = {}


def processes() -> Mapping[tuple[str, int], ProcessDefinition[object]]:
    """Give every process declared so far, by name and version."""
    return dict(_PROCESSES)


def process(
    name: str, *, version: int = 1
) -> Callable[[Callable[Concatenate[Given, P], Awaitable[R]]], Callable[P, Process[R]]]:
    """Declare a process under a stored name and version; keep old versions declared while any of theirs may be open."""

    def declared(body: Callable[Concatenate[Given, P], Awaitable[R]]) -> Callable[P, Process[R]]:
        definition = ProcessDefinition(name=name, body=body, version=version)
        declare(f"{name}@{version}")
        _PROCESSES[name, version] = cast("ProcessDefinition[object]", definition)
        bind = bound(body)

        def make(*args: P.args, **kwargs: P.kwargs) -> Process[R]:
            return Process(definition=definition, args=bind(*args, **kwargs))

        return update_wrapper(make, body)

    return declared
