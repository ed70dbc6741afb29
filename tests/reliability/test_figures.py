"""Do the figures hold in a few seconds each, on every database, and do they catch what is broken?"""

from pathlib import Path

import pytest

from omnicore.testing.bank_figure import bank_figure
from omnicore.testing.books_figure import books_figure
from omnicore.testing.figure_backends import postgres_backend, sqlite_backend
from omnicore.testing.figures import Backend, Figure, figure
from omnicore.testing.hot_sku_figure import hot_sku_figure
from omnicore.testing.one_key_figure import one_key_figure
from omnicore.testing.postgres_server import server
from omnicore.testing.storm_figure import storm_figure
from omnicore.testing.throughput_figure import throughput_figure


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


def test_random_kills_lose_and_double_nothing(backend: Backend, fresh_seed: int, *, deep: bool) -> None:
    """Whoever is killed under load, each buyer gets the one order told of; where answers come early, some get none."""
    buyers, kills = (12_000, 500) if deep else (60, 5)
    shown(storm_figure(backend, seed=fresh_seed, buyers=buyers, units=buyers * 5 // 6, kills=kills, processes=3))


def test_a_crashed_database_loses_and_doubles_nothing(fresh_seed: int, *, deep: bool) -> None:
    """When the database itself crashes under load, what buyers were told of is there when it is back, once."""
    buyers, kills, crashes = (12_000, 100, 10) if deep else (60, 3, 1)
    with server(fsync=True) as postgres:

        def crash() -> None:
            postgres.crash()
            postgres.start()

        backend = postgres_backend(postgres.fresh())
        found = storm_figure(
            backend,
            seed=fresh_seed,
            buyers=buyers,
            units=buyers,
            kills=kills,
            processes=3,
            crash=crash,
            crashes=crashes,
            controls=False,  # as above
        )
    assert found.ok, found
    assert found.facts["database crashes"] == crashes


def test_writers_never_wait_in_a_circle(backend: Backend, fresh_seed: int, *, deep: bool) -> None:
    """However many pay each other in any direction, nobody meets a deadlock; where rows have no order, some do."""
    found = throughput_figure(backend, seed=fresh_seed, seconds=10 if deep else 0.3, processes=8 if deep else 4)
    assert found.ok, found
    assert found.controls == (backend.deadlocks is not None)


def test_the_books_agree_on_a_real_database(backend: Backend, fresh_seed: int, *, deep: bool) -> None:
    """After random commands a database says what counting unit by unit says, and wrong books are found."""
    shown(books_figure(backend, seed=fresh_seed, commands=100_000 if deep else 200))


@pytest.mark.parametrize(
    ("holds", "caught", "ok"), [(True, [True], True), (True, [False], False), (False, [True], False)]
)
def test_a_figure_whose_control_is_not_caught_proves_nothing(*, holds: bool, caught: list[bool], ok: bool) -> None:
    """A figure is worth its controls: one that was not caught spoils it."""
    assert figure("any", holds=holds, facts={}, caught=caught).ok is ok
