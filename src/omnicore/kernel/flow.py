"""How is a use case written once, and run sync, async or under the race simulator?

A flow is a coroutine that awaits only the ports below. It never opens a transaction, retries or looks at a clock: the
driver does, and hands it what is *given*: the instant, the actor and a source of ids. Calling a flow runs nothing;
it makes a ``Flow``: a name and arguments, which is what is hashed for idempotency, stored by a process, started afresh
after a ``Conflict``, and awaited inside other flows.

    @flow("inventory.receive")
    async def receive(given: Given, *, node: NodeId, units: Mapping[SkuId, int]) -> None:
        ...
        await write(Writes(moves=...))

A flow reads, decides and writes once, as its last port call; the driver refuses a second write and a read after it.
A flow handed straight to asyncio stops at its first port, because nobody answers: use ``host.run`` or ``host.arun``.
"""

import hmac
import inspect
from collections.abc import Awaitable, Callable, Generator, Mapping
from functools import cached_property, partial, update_wrapper
from typing import Concatenate, Generic, ParamSpec, TypeVar, cast, get_type_hints

from attrs import field, frozen

from omnicore.kernel import codec
from omnicore.kernel.actor import SYSTEM, Actor, Device, Shopper, Staff
from omnicore.kernel.asking import Ask, balances, entries, find, get, holds, load, open_holds, read_journal, write
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import NewId
from omnicore.kernel.time import Instant
from omnicore.kernel.together import together

__all__ = [
    "SYSTEM",
    "Actor",
    "Ask",
    "Definition",
    "Device",
    "Flow",
    "Given",
    "Shopper",
    "Staff",
    "balances",
    "bound",
    "declare",
    "entries",
    "find",
    "flow",
    "get",
    "holds",
    "load",
    "open_holds",
    "question",
    "read_journal",
    "together",
    "write",
]

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


@frozen(kw_only=True)
class Given:
    """What a flow is given instead of reaching for it: the instant, who acts and why, and a source of new ids.

    ``blind`` gives a keyed hash of a text, equal for equal texts: how personal data is found again by an index without
    standing in it (an e-mail's mark, a member card's).
    """

    at: Instant
    actor: Actor
    purpose: str | None
    shop: str
    new_id: NewId = field(repr=False)
    blind: Callable[[str], str] = field(repr=False)


@frozen(eq=False, kw_only=True)
class Definition(Generic[R]):
    """A declared flow, question or process: its stored name, its body, what it may do and what it needs.

    ``serializable``: its rule spans a set of rows that no row guards, so it must stand as if it had run alone.
    """

    name: str
    body: Callable[..., Awaitable[R]] = field(repr=False)
    writes: bool = True
    reveals: bool = True
    serializable: bool = False

    @cached_property
    def _types(self) -> tuple[dict[str, type[object]], type[object]]:
        hints = get_type_hints(self.body)
        wanted = list(inspect.signature(self.body).parameters)[1:]
        return {name: hints[name] for name in wanted}, hints["return"]

    def dump(self, args: Mapping[str, object]) -> dict[str, codec.JsonValue]:
        """Give the arguments as canonical JSON, by the types of the signature."""
        types, _ = self._types
        return {name: _told(name, codec.dump, value, types[name]) for name, value in args.items()}

    def check(self, args: Mapping[str, object]) -> None:
        """Check that arguments are of the types of the signature.

        Raises: Malformed.
        """
        types, _ = self._types
        for name, value in args.items():
            _told(name, _WHOLE, value, types[name])

    def load(self, args: Mapping[str, codec.JsonValue]) -> dict[str, object]:
        """Read arguments back.

        Raises: Malformed.
        """
        types, _ = self._types
        if set(args) - set(types):
            raise Malformed("$", f"{self.name} has other arguments")
        return {name: codec.load(value, as_=types[name]) for name, value in args.items()}

    def request(self, args: Mapping[str, object], *, shop: str, actor: Actor, key: bytes) -> str:
        """Hash what is asked, by whom, under a key, so that a stored command row tells nothing (never time or ids)."""
        types, _ = self._types
        parts = [self.name, shop, str(actor)]
        parts += [f"{name}={_told(name, _WHOLE, args[name], types[name])}" for name in sorted(args)]
        return hmac.digest(key, "\n".join(parts).encode(), "sha256").hex()  # no part has a line break in it

    def dump_answer(self, answer: R) -> str:
        """Give an answer as canonical JSON."""
        return codec.dumps(answer, as_=self._types[1])

    def load_answer(self, text: str) -> R:
        """Read an answer back."""
        return cast(R, codec.loads(text, as_=self._types[1]))


_WHOLE: Callable[..., str] = partial(codec.dumps, vault=True)
"""Writes an argument with its personal parts, to be checked or hashed and never kept."""


def _told(name: str, how: Callable[..., T], value: object, wanted: type[object]) -> T:
    """Write an argument; a complaint about it says which one it is."""
    try:
        return how(value, as_=wanted)
    except Malformed as bad:
        raise bad.under(f".{name}") from None


@frozen(kw_only=True)
class Flow(Generic[R_co]):
    """A use case with its arguments, not yet run: hand it to ``host.run`` or await it inside another flow."""

    definition: Definition[R_co]
    args: Mapping[str, object]

    def __await__(self) -> Generator[object, object, R_co]:
        """Run inside the flow that awaits, in its transaction."""
        given = yield Ask(method="enter", args=(self.definition,))
        return (yield from self.definition.body(given, **self.args).__await__())


_NAMES: set[str] = set()


def declare(name: str) -> None:
    """Keep a stored name to one definition; a name used twice fails at import."""
    if name in _NAMES:
        raise AssertionError(f"two flows are called {name}")
    _NAMES.add(name)


def bound(
    body: Callable[Concatenate[Given, P], Awaitable[R]],
) -> Callable[P, Mapping[str, object]]:
    """Give what binds a call to the names of a signature; a default that is spelled out is the same call."""
    signature = inspect.signature(body)
    plain = signature.replace(parameters=list(signature.parameters.values())[1:])
    defaults = {name: each.default for name, each in plain.parameters.items() if each.default is not each.empty}

    def bind(*args: P.args, **kwargs: P.kwargs) -> Mapping[str, object]:
        given = plain.bind(*args, **kwargs).arguments
        for name in defaults.keys() & given.keys():
            value, default = given[name], defaults[name]
            if value is default or (type(value) is type(default) and value == default):
                del given[name]
        return given

    return bind


def _bind(definition: Definition[R], body: Callable[Concatenate[Given, P], Awaitable[R]]) -> Callable[P, Flow[R]]:
    bind = bound(body)

    def make(*args: P.args, **kwargs: P.kwargs) -> Flow[R]:
        return Flow(definition=definition, args=bind(*args, **kwargs))

    return update_wrapper(make, body)


def flow(
    name: str, *, serializable: bool = False
) -> Callable[[Callable[Concatenate[Given, P], Awaitable[R]]], Callable[P, Flow[R]]]:
    """Declare a command: it may read and ends in one write.

    ``serializable`` is for a rule over a set of rows ("no two windows overlap") where the write changes no row that all
    its rivals change too: the whole transaction is then retried where two would not have added up one after another.
    """

    def declared(body: Callable[Concatenate[Given, P], Awaitable[R]]) -> Callable[P, Flow[R]]:
        declare(name)
        return _bind(Definition(name=name, body=body, serializable=serializable), body)

    return declared


def question(
    name: str, *, reveals: bool = False
) -> Callable[[Callable[Concatenate[Given, P], Awaitable[R]]], Callable[P, Flow[R]]]:
    """Declare a question: one snapshot, no write, no command key. ``reveals``: it may read a vault, and is audited."""

    def declared(body: Callable[Concatenate[Given, P], Awaitable[R]]) -> Callable[P, Flow[R]]:
        declare(name)
        return _bind(Definition(name=name, body=body, writes=False, reveals=reveals), body)

    return declared
