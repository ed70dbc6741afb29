"""Does the figure of the relay hold, and does it catch the relays that are broken on purpose?"""

from pathlib import Path

import pytest

from omnicore.testing.counting import seen
from omnicore.testing.figure_backends import postgres_backend, sqlite_backend
from omnicore.testing.figures import Backend
from omnicore.testing.relay_figure import relay_figure


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """Give an empty database that many processes can open."""
    if request.param == "postgres":
        return postgres_backend(request.getfixturevalue("fresh_postgres"))
    return sqlite_backend(tmp_path / "shop.db", synchronous="NORMAL")


def test_a_relay_killed_under_load_loses_nothing(backend: Backend, fresh_seed: int, *, deep: bool) -> None:
    """Many write while the relay is killed again and again: nothing is lost or overtaken; broken relays are caught."""
    events, writers, kills = (100_000, 8, 50) if deep else (300, 3, 3)
    controls = None if deep else ["by id"] if backend.name == "postgres" else ["early"]
    told = relay_figure(backend, events=events, writers=writers, kills=kills, seed=fresh_seed, controls=controls)
    assert told.ok, (fresh_seed, told)
    assert (told.facts["lost"], told.facts["overtaken"], told.facts["kills"]) == (0, 0, kills)
    assert int(told.facts["events"]) >= events
    assert told.control_caught == told.controls >= 1


def test_whoever_is_told_can_see_what_is_missing() -> None:
    """What was lost, repeated or overtaken is seen by looking at what was told."""
    told = [("a", 1), ("b", 2), ("a", 1), ("b", 1), ("a", 3)]
    judged = seen(told, wanted={"a": 3, "b": 2})
    assert (judged.events, judged.lost, judged.repeated, judged.overtaken) == (5, 1, 1, 1)
