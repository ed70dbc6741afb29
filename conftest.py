"""What keeps README and docs true? Plain `pytest` runs every Python block in them, page by page, in an empty folder.

A page about PostgreSQL is given the conninfo of an empty database as `POSTGRES`, on the server that the tests share.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser
from sybil.sybil import SybilCollection

from omnicore.testing.postgres_server import Server, server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Give a real PostgreSQL server, started when the first test asks for it; a run without one fails."""
    with server() as running:
        yield running


@pytest.fixture
def fresh_postgres(postgres_server: Server) -> Iterator[str]:
    """Give the conninfo of a new empty database, dropped after the test."""
    conninfo = postgres_server.fresh()
    yield conninfo
    postgres_server.drop(conninfo)


@pytest.fixture(scope="module", name="POSTGRES")
def database_of_a_page(postgres_server: Server) -> Iterator[str]:
    """Give a page an empty database for all of its blocks."""
    conninfo = postgres_server.fresh()
    yield conninfo
    postgres_server.drop(conninfo)


@pytest.fixture(scope="module")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Stand in a folder of its own while a page runs, so that a page may open `shop.db`."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


_ON_POSTGRES = "docs/postgres.md"

# Only a page that asks for a server has one started.
pytest_collect_file = SybilCollection(
    (
        Sybil(
            parsers=[PythonCodeBlockParser()],
            patterns=["README.md", "docs/*.md", "docs/**/*.md"],
            exclude=_ON_POSTGRES,
            fixtures=["empty_folder"],
        ),
        Sybil(parsers=[PythonCodeBlockParser()], pattern=_ON_POSTGRES, fixtures=["empty_folder", "POSTGRES"]),
    )
).pytest()
