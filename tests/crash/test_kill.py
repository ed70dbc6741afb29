"""What does ``kill -9`` at any statement or provider call of a story of the shop leave behind?"""

from functools import partial
from pathlib import Path

import pytest

from omnicore.adapters import sqlite
from omnicore.testing.figure_backends import postgres_backend, sqlite_backend
from omnicore.testing.figures import Backend
from omnicore.testing.kills import STORIES, kill_figure

SHORT = {"checkout": 70, "cancel": 25, "return": 25, "import": 45}
"""Of how many points one is tried in a plain run; the fresh seed says which."""


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """Give an empty database of each sort."""
    if request.param == "sqlite":
        return sqlite_backend(tmp_path / "kills.db", synchronous="NORMAL")
    conninfo: str = request.getfixturevalue("fresh_postgres")
    return postgres_backend(conninfo)


@pytest.mark.parametrize("story", STORIES)
def test_a_kill_anywhere_loses_and_doubles_nothing(
    backend: Backend, story: str, fresh_seed: int, *, deep: bool
) -> None:
    """Killed at any statement or call of a purchase, a cancellation, a return or an import, all of it is there, once.

    Where a write is made in two halves, or a provider is called under a new key after a crash, the same test says so.
    """
    every, processes = (1, 2) if deep else (SHORT[story], 1)
    # A plain run tries the controls of every story once, and those of a purchase on each database.
    controls = deep or backend.name == "sqlite" or story == "checkout"
    found = kill_figure(backend, story, seed=fresh_seed, every=every, processes=processes, controls=controls)
    assert found.ok, found
    assert not controls or found.controls >= 1


def test_a_kill_and_a_long_night_let_everything_go(tmp_path: Path, fresh_seed: int, *, deep: bool) -> None:
    """Where the shop comes back only when the goods are no longer held, the order stands whole, or nothing of it."""
    backend = sqlite_backend(tmp_path / "night.db", synchronous="NORMAL")
    found = kill_figure(backend, "checkout", seed=fresh_seed, every=1 if deep else 60, idle_minutes=60, controls=False)
    assert found.ok, found


def test_a_hosts_own_database_is_killed_at_its_calls(tmp_path: Path, fresh_seed: int) -> None:
    """A database that says neither where its statements begin nor how to put it back is killed at each store call."""
    sqlite.migrate(tmp_path / "own.db")
    own = Backend(name="own", version="1", make=partial(sqlite.open, tmp_path / "own.db", synchronous="NORMAL"))
    found = kill_figure(own, "cancel", seed=fresh_seed, every=20, processes=1, controls=False)
    assert found.ok, found
    assert 10 < int(found.facts["points"]) < 60
