"""Which stories are there? Importing all of them declares every kind, event and machine of the library."""

from importlib import import_module
from pkgutil import iter_modules

from omnicore import scenarios


def declare_everything() -> None:
    """Import every scenario, and so every context that has anything to declare."""
    for module in iter_modules(scenarios.__path__):
        import_module(f"omnicore.scenarios.{module.name}")
