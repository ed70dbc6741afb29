"""Does the figure of the relay hold, and does it catch the relays that are broken on purpose?"""

from functools import partial
from pathlib import Path

import pytest

from omnicore.adapters import postgres, sqlite
from omnicore.testing.counting import seen
from omnicore.testing.relay_figure import relay_figure
from omnicore.testing.relay_parts import Make


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Give what opens a database, with its tables made, in any process."""
    if request.param == "postgres":
        conninfo = request.getfixturevalue("fresh_postgres")
        postgres.migrate(conninfo)
        return partial(postgres.open, conninfo)
    sqlite.migrate(tmp_path / "shop.db")
    return partial(sqlite.open, str(tmp_path / "shop.db"), synchronous="NORMAL", busy_timeout_ms=60_000)


def test_a_relay_killed_under_load_loses_nothing(make: Make, fresh_seed: int, *, deep: bool) -> None:
    """Many write while the relay is killed again and again: nothing is lost or overtaken; broken relays are caught."""
    overlapping = isinstance(make, partial) and make.func is postgres.open
    controls = ["by id"] if overlapping else ["early"]
    events, writers, kills = (100_000, 8, 50) if deep else (300, 3, 3)
    told, caught = relay_figure(
        make,
        events=events,
        writers=writers,
        kills=kills,
        seed=fresh_seed,
        overlapping=overlapping,
        controls=["early", *controls] if deep else controls,
    )
    assert told.ok, (fresh_seed, told)
    assert told.kills == kills
    assert told.events == told.facts["events"] >= events
    assert caught == dict.fromkeys(caught, True), (fresh_seed, "a control was not caught")


def test_whoever_is_told_can_see_what_is_missing() -> None:
    """What was lost, repeated or overtaken is seen by looking at what was told."""
    told = [("a", 1), ("b", 2), ("a", 1), ("b", 1), ("a", 3)]
    judged = seen(told, wanted={"a": 3, "b": 2})
    assert (judged.events, judged.lost, judged.repeated, judged.overtaken) == (5, 1, 1, 1)
