"""Does a whole shop keep its promises over any life it may have, whatever database it stands on?

A seeded workload proposes what clerks, buyers, marketplaces and providers do, in any order and with mistakes, on the
shop of ``testing.shop``; an auditor keeps naive books beside it and compares. A failure names seed and step, and
``world(seed, steps)`` lives the same life again.
"""

from omnicore.testing.world.living import Lived, WorldBroken, shortest, world

__all__ = ["Lived", "WorldBroken", "shortest", "world"]
