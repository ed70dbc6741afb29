"""Do the figures hold in a few seconds each, on every database, and do they catch what is broken?"""

from pathlib import Path

import pytest

from omnicore.testing.bank_figure import bank_figure
from omnicore.testing.figure_backends import postgres_backend, sqlite_backend
from omnicore.testing.figures import Backend, Figure, figure
from omnicore.testing.hot_sku_figure import hot_sku_figure
from omnicore.testing.one_key_figure import one_key_figure


@pytest.fixture(params=["sqlite", "postgres"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """Give an empty database of each sort."""
    if request.param == "sqlite":
        return sqlite_backend(tmp_path / "figures.db", synchronous="NORMAL")
    conninfo: str = request.getfixturevalue("fresh_postgres")
    return postgres_backend(conninfo)


def shown(found: Figure) -> None:
    """Demand that a figure holds and that each of its controls was caught."""
    assert found.ok, found
    assert found.control_caught == found.controls > 0, found


def test_nothing_is_sold_twice_and_nothing_is_left(backend: Backend, fresh_seed: int, *, deep: bool) -> None:
    """However many processes want one SKU, as many get it as there are units; without the guard too many do."""
    shown(hot_sku_figure(backend, seed=fresh_seed, rounds=10 if deep else 3, processes=16 if deep else 6))


def test_a_key_sent_by_many_is_done_once(backend: Backend, fresh_seed: int, *, deep: bool) -> None:
    """A command sent by many at once under one key happens once; where the key is forgotten, again and again."""
    shown(one_key_figure(backend, seed=fresh_seed, keys=200 if deep else 15, processes=8 if deep else 4))


def test_every_reader_sees_the_same_total(backend: Backend, fresh_seed: int, *, deep: bool) -> None:
    """While money moves, whoever adds all accounts up finds the same total; a reader without a snapshot does not."""
    shown(bank_figure(backend, seed=fresh_seed, seconds=10 if deep else 0.3, processes=8 if deep else 4))


@pytest.mark.parametrize(
    ("holds", "caught", "ok"), [(True, [True], True), (True, [False], False), (False, [True], False)]
)
def test_a_figure_whose_control_is_not_caught_proves_nothing(*, holds: bool, caught: list[bool], ok: bool) -> None:
    """A figure is worth its controls: one that was not caught spoils it."""
    assert figure("any", holds=holds, facts={}, caught=caught).ok is ok
