"""How does money move once a write has decided that it must?

The flow that ships, hands over or takes back writes down what to ask of the provider and, in the same write, the run of
``settle``: the clerk does not wait for a provider, and money moves if and only if that write commits. The host's worker
runs it, and goes on with it after a crash.
"""

from omnicore.kernel.flow import Given
from omnicore.kernel.process import process
from omnicore.kernel.runs import starting
from omnicore.kernel.store import Writes
from omnicore.payments import Asked, Declined, Request, ask_provider


@process("scenarios.settle")
async def settle(given: Given, *, requests: tuple[Request, ...]) -> int:
    """Put requests to their providers and record the answers; gives how many were declined, for a person to look at."""
    declined = 0
    for request in requests:
        declined += isinstance(await ask_provider(request), Declined)
    return declined


def settling(asked: Asked, *, id: str, given: Given) -> Writes:
    """Give what was asked as writes: the payment's, and the run that puts it to the provider; ``id`` is the cause."""
    if not asked.requests:
        return asked.writes
    run = starting(settle(requests=asked.requests), id=id, at=given.at, actor=given.actor, purpose=given.purpose)
    return asked.writes + Writes(changes=(run,))
