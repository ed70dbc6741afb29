"""omnicore: the commerce core other Python services import.

Customers, stock, prices, orders and returns that add up across web, app, store, marketplace and call centre: pure
decisions over frozen values, ledgers for everything that is counted, and one write per use case, on the host's own
database or ours. Start at ``Host``; the business stories are in ``omnicore.scenarios``.

Names are loaded when they are first used, so a worker that needs only the tax tables does not pay for the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omnicore.host import Host
    from omnicore.kernel.actor import SYSTEM, Actor, Device, Shopper, Staff
    from omnicore.kernel.errors import Conflict, Malformed, OmnicoreError, Refused
    from omnicore.kernel.flow import Given, flow, question
    from omnicore.kernel.money import Money, Price, TaxBasis
    from omnicore.kernel.personal import Personal
    from omnicore.kernel.process import call, process, step
    from omnicore.kernel.quantity import Quantity
    from omnicore.kernel.store import Writes
    from omnicore.kernel.time import Instant
    from omnicore.kernel.verdict import Verdict

__all__ = [
    "SYSTEM",
    "Actor",
    "Conflict",
    "Device",
    "Given",
    "Host",
    "Instant",
    "Malformed",
    "Money",
    "OmnicoreError",
    "Personal",
    "Price",
    "Quantity",
    "Refused",
    "Shopper",
    "Staff",
    "TaxBasis",
    "Verdict",
    "Writes",
    "call",
    "flow",
    "process",
    "question",
    "step",
]

_HOME = {
    "host": ("Host",),
    "kernel.errors": ("Conflict", "Malformed", "OmnicoreError", "Refused"),
    "kernel.actor": ("SYSTEM", "Actor", "Device", "Shopper", "Staff"),
    "kernel.flow": ("Given", "flow", "question"),
    "kernel.money": ("Money", "Price", "TaxBasis"),
    "kernel.personal": ("Personal",),
    "kernel.process": ("call", "process", "step"),
    "kernel.quantity": ("Quantity",),
    "kernel.store": ("Writes",),
    "kernel.time": ("Instant",),
    "kernel.verdict": ("Verdict",),
}
_MODULE_OF = {name: f"omnicore.{module}" for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from the module it lives in (PEP 562)."""
    if (module := _MODULE_OF.get(name)) is None:
        raise AttributeError(f"module 'omnicore' has no attribute {name!r}")
    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
