"""Where do time, randomness and durations come from, when the host does not say?

The one module of the library that looks at the machine's clock and its entropy; everything else is given them.
"""

import secrets
import time

from omnicore.kernel.ids import Uuid7
from omnicore.kernel.time import Instant


def now() -> Instant:
    """Give the machine's instant."""
    return Instant(time.time_ns() // 1000)


def ticks_micros() -> int:
    """Give a monotonic count of microseconds, for durations only."""
    return time.perf_counter_ns() // 1000


def random_bits(count: int) -> int:
    """Draw so many random bits from the machine's entropy."""
    return secrets.randbits(count)


async def sleep(micros: int) -> None:
    """Wait, and let nobody else run in this thread meanwhile: for code that has no event loop."""
    time.sleep(micros / 1_000_000)  # noqa: ASYNC251 - driven where there is no loop to hold up


def new_ids() -> Uuid7:
    """Give a source of version-7 UUIDs from the machine's clock and entropy."""
    return Uuid7(now=now, random=secrets.randbits)
