"""Where are transactions made, and where are providers called?

Use cases and processes do not know: they hand both to a ``Place``. ``Here`` is the caller's own thread with a
synchronous database; where an event loop is, the places are ``omnicore.host.asynchronous``'s.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from omnicore.host.engine import Engine

R = TypeVar("R")


class Place(Protocol):
    """Does the work of a host where it belongs. ``engine`` is for the clock and ids; transactions go ``inside``."""

    @property
    def engine(self) -> Engine:
        """What every host of the shop shares."""
        ...

    async def inside(self, work: Callable[[Engine], Awaitable[R]], *, writes: bool = True) -> R:
        """Do work in a transaction or several, on the engine it is handed; ``writes`` says whether any may write."""
        ...

    async def outside(self, work: Callable[[], object]) -> object:
        """Call a provider's method, bound to its arguments, and wait for its answer."""
        ...


class Here:
    """The caller's own thread: transactions on a synchronous database, providers that answer at once."""

    def __init__(self, engine: Engine) -> None:
        """Work with an engine."""
        self.engine = engine

    async def inside(self, work: Callable[[Engine], Awaitable[R]], *, writes: bool = True) -> R:
        """Do the work."""
        return await work(self.engine)

    async def outside(self, work: Callable[[], object]) -> object:
        """Call the provider.

        Raises: AssertionError where it answers with something to await.
        """
        answer = work()
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()  # or Python would warn as well that nobody awaited it
            raise AssertionError("an asynchronous provider needs arun")
        return answer
