"""Does every adapter keep every promise of the ports?"""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from omnicore.adapters import sqlite
from omnicore.adapters.memory import Memory
from omnicore.kernel.store import Database
from omnicore.testing import check_host, check_store

Make = Callable[[], Database]


@pytest.fixture(params=["memory", "sqlite file", "sqlite in memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Open an empty database of each sort; files here need not survive a power cut."""
    files = count(1)
    makers: dict[str, Make] = {
        "memory": Memory,
        "sqlite file": lambda: sqlite.open(tmp_path / f"{next(files)}.db", migrate=True, synchronous="NORMAL"),
        "sqlite in memory": lambda: sqlite.open(":memory:"),
    }
    return makers[request.param]


def test_the_store_kit_passes(make: Make, fresh_seed: int, *, deep: bool) -> None:
    """Every adapter keeps every law, and does what the model does step by step."""
    check_store(make)
    check_store(make, examples=1000 if deep else 5, length=40, seed=fresh_seed)


def test_the_host_kit_passes(make: Make) -> None:
    """Commands happen once and processes end wherever they were stopped, on every adapter."""
    check_host(make)
