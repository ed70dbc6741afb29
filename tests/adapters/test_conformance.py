"""Does every adapter keep every promise of the ports?"""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from omnicore.adapters import postgres, sqlite
from omnicore.adapters.memory import Memory
from omnicore.kernel.store import AsyncDatabase, Database
from omnicore.testing import check_async_host, check_async_store, check_host, check_store
from omnicore.testing.postgres_server import Server

Make = Callable[[], Database]


@pytest.fixture(params=["memory", "sqlite file", "sqlite in memory", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Open an empty database of each sort; a file is written through (WAL, FULL), as it is in a shop."""
    files = count(1)
    made: list[str] = []

    def on_a_server() -> Database:
        server: Server = request.getfixturevalue("postgres_server")
        made.append(server.fresh())
        database: Database = postgres.open(made[-1], migrate=True)
        return database

    makers: dict[str, Make] = {
        "memory": Memory,
        "sqlite file": lambda: sqlite.open(tmp_path / f"{next(files)}.db", migrate=True),
        "sqlite in memory": lambda: sqlite.open(":memory:"),
        "postgres": on_a_server,
    }
    yield makers[request.param]
    for conninfo in made:
        request.getfixturevalue("postgres_server").drop(conninfo)


def test_the_store_kit_passes(make: Make, fresh_seed: int, *, deep: bool) -> None:
    """Every adapter keeps every law, and does what the model does step by step."""
    check_store(make)
    check_store(make, examples=1000 if deep else 5, length=40, seed=fresh_seed)


def test_the_host_kit_passes(make: Make) -> None:
    """Commands happen once and processes end wherever they were stopped, on every adapter."""
    check_host(make)


@pytest.fixture
def make_async(postgres_server: Server) -> Iterator[Callable[[], AsyncDatabase]]:
    """Open an empty database for an event loop."""
    made: list[str] = []

    def fresh() -> AsyncDatabase:
        made.append(postgres_server.fresh())
        postgres.migrate(made[-1])
        return postgres.open_async(made[-1])

    yield fresh
    for conninfo in made:
        postgres_server.drop(conninfo)


def test_the_store_kit_passes_on_an_event_loop(
    make_async: Callable[[], AsyncDatabase], fresh_seed: int, *, deep: bool
) -> None:
    """An adapter that awaits its answers keeps every law that one that waits for them does."""
    check_async_store(make_async, examples=1000 if deep else 10, seed=fresh_seed)


def test_the_host_kit_passes_on_an_event_loop(make_async: Callable[[], AsyncDatabase]) -> None:
    """Commands happen once and processes end wherever they were stopped, on an event loop too."""
    check_async_host(make_async)
