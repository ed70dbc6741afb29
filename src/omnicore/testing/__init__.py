"""With what does a host test its own code and adapters? Strategies, conformance kits, a simulator, a virtual clock.

Names are loaded when they are first used: the clock, the shop and the fake provider need nothing installed but
omnicore, only the kits and strategies draw their examples with Hypothesis (``pip install omnicore[testing]``).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omnicore.testing.async_lossy import AsyncLossy, AsyncStopping
    from omnicore.testing.awaited import Awaited
    from omnicore.testing.clock import SECRET, Clock, Ids
    from omnicore.testing.host_kit import check_async_host, check_host
    from omnicore.testing.lossy import Lossy, Points, Stopped, Stopping
    from omnicore.testing.sabotage import SABOTAGED, sabotage_report
    from omnicore.testing.simulation import Outcome, Pass, Play, View, Weak, interleavings, simulate
    from omnicore.testing.store_kit import Checked, check_async_store, check_store

__all__ = [
    "SABOTAGED",
    "SECRET",
    "AsyncLossy",
    "AsyncStopping",
    "Awaited",
    "Checked",
    "Clock",
    "Ids",
    "Lossy",
    "Outcome",
    "Pass",
    "Play",
    "Points",
    "Stopped",
    "Stopping",
    "View",
    "Weak",
    "check_async_host",
    "check_async_store",
    "check_host",
    "check_store",
    "interleavings",
    "sabotage_report",
    "simulate",
]

_HOME = {
    "async_lossy": ("AsyncLossy", "AsyncStopping"),
    "awaited": ("Awaited",),
    "clock": ("SECRET", "Clock", "Ids"),
    "host_kit": ("check_async_host", "check_host"),
    "lossy": ("Lossy", "Points", "Stopped", "Stopping"),
    "sabotage": ("SABOTAGED", "sabotage_report"),
    "simulation": ("Outcome", "Pass", "Play", "View", "Weak", "interleavings", "simulate"),
    "store_kit": ("Checked", "check_async_store", "check_store"),
}
_MODULE_OF = {name: f"omnicore.testing.{module}" for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from the module it lives in (PEP 562)."""
    if (module := _MODULE_OF.get(name)) is None:
        raise AttributeError(f"module 'omnicore.testing' has no attribute {name!r}")
    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
