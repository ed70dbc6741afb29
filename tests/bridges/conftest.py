"""Where do the stands of this folder stand? On a file each, and on one PostgreSQL database in a shop each."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from django.conf import settings  # type: ignore[import-untyped] # Django has no types of its own
from django.db import connections  # type: ignore[import-untyped] # as above

from omnicore.testing.postgres_server import Server
from tests.bridges.stands import POSTGRES, SQLITE, Stand, postgres_stand, sqlite_stand

_SHOPS = count(1)
STANDS = [*(("sqlite", name) for name in SQLITE), *(("postgres", name) for name in POSTGRES)]


@pytest.fixture(scope="session")
def host_database(postgres_server: Server) -> Iterator[str]:
    """Give the conninfo of one database for all of this folder."""
    conninfo = postgres_server.fresh()
    yield conninfo
    postgres_server.drop(conninfo)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Leave no connection of Django's open: the next test, or page of the docs, has another database."""
    yield
    if settings.configured:
        connections.close_all()


@pytest.fixture(params=STANDS, ids=lambda each: f"{each[1]} on {each[0]}")
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    """Give each way a host has of opening a transaction."""
    kind, name = request.param
    if kind == "sqlite":
        with sqlite_stand(name, tmp_path) as made:
            yield made
    else:
        with postgres_stand(name, request.getfixturevalue("host_database"), f"shop-{next(_SHOPS)}") as made:
            yield made
