"""Which of the libraries to compare with are installed?

A peer that is not there is left out and named, so that a table with fewer columns is never mistaken for a whole one.
"""

import importlib
from types import ModuleType

missing: set[str] = set()
"""Peers asked for in this run that are not installed: ``uv run --group bench`` installs them."""


def peer(module: str) -> ModuleType | None:
    """Give a peer's module, or None and its name among the missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] != module.split(".", maxsplit=1)[0]:
            raise  # the peer is there, something it needs is not
        missing.add(module)
        return None
