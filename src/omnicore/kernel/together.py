"""How does a flow ask for several things that do not depend on each other, in one journey to its store?

    existing, shelves = await together(load(ORDER, [order]), load_shelves(variants, channel=channel))

Each of them may ask in several rounds; what they ask in the same round is asked at once. A store that can send many
questions together (``Store.together``) is reached once for a round, any other as if they had been awaited in turn.
"""

from collections.abc import Awaitable, Generator, Mapping
from types import coroutine
from typing import TypeVar, cast, overload

from omnicore.kernel.asking import TOLD, Ask

PortCall = tuple[str, tuple[object, ...], Mapping[str, object]]
"""A method of a store by name, and its arguments."""

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


@overload
async def together(a: Awaitable[A], b: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def together(a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /) -> tuple[A, B, C]: ...
@overload
async def together(a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], /) -> tuple[A, B, C, D]: ...
@overload
async def together(
    a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], e: Awaitable[E], /
) -> tuple[A, B, C, D, E]: ...
async def together(*asking: Awaitable[object]) -> tuple[object, ...]:
    """Ask for several things at once; give their answers in the order asked.

    Of several that refuse, the refusal of the first is raised, as if they had been awaited one after another.
    """
    return await _together(asking)


class _Asker:
    """One of those that ask: what it asks for now, or how it ended."""

    __slots__ = ("answer", "asks", "error", "steps")

    def __init__(self, asking: Awaitable[object]) -> None:
        self.steps = cast(Generator[object, object, object], asking.__await__())
        self.asks: Ask | None = None
        self.answer: object = None
        self.error: Exception | None = None

    def go_on(self, answer: object) -> Generator[object, object, None]:
        """Hand an answer over, up to the next question; what the driver knows by itself is asked at once."""
        self.asks = None
        try:
            request = self.steps.send(answer)
            while isinstance(request, Ask) and request.method in TOLD:
                request = self.steps.send((yield request))
            self.asks = cast(Ask, request)
        except StopIteration as stop:
            self.answer = stop.value
        except Exception as error:  # noqa: BLE001 - raised once all those before it have ended
            self.error = error

    @property
    def each(self) -> tuple[Ask, ...]:
        """What it asks for now, one by one: it may ask for several things together itself."""
        asks = cast(Ask, self.asks)  # only who waits for an answer is asked
        return cast(tuple[Ask, ...], asks.args) if asks.method == TOGETHER else (asks,)


TOGETHER = "together"


@coroutine
def _together(asking: tuple[Awaitable[object], ...]) -> Generator[object, object, tuple[object, ...]]:
    askers = [_Asker(each) for each in asking]
    try:
        for asker in askers:
            yield from asker.go_on(None)
        while True:
            for asker in askers:
                if asker.asks is not None:
                    break  # it may refuse yet, and would have done so first
                if asker.error is not None:
                    raise asker.error
            waiting = [asker for asker in askers if asker.asks is not None]
            if not waiting:
                return tuple(asker.answer for asker in askers)
            every = tuple(ask for asker in waiting for ask in asker.each)
            if len(every) == 1:
                answers: list[object] = [(yield every[0])]
            else:
                answers = list(cast(tuple[object, ...], (yield Ask(method=TOGETHER, args=every))))
            for asker in waiting:
                count = len(asker.each)
                own, answers = answers[:count], answers[count:]
                many = asker.asks is not None and asker.asks.method == TOGETHER
                yield from asker.go_on(tuple(own) if many else own[0])
    finally:
        for asker in askers:
            asker.steps.close()
