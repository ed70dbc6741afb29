"""Does a command keep the secret of a database, and never write under another?"""

import stat
from pathlib import Path

import pytest

from omnicore.adapters import sqlite
from omnicore.adapters.memory import Memory
from omnicore.cli.opening import CommandFailed
from omnicore.cli.secret import secret_of
from omnicore.host import Host
from omnicore.testing.kit_shop import receive


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite.Sqlite:
    """Open an empty file, where no secret is told."""
    monkeypatch.delenv("OMNICORE_SECRET", raising=False)
    return sqlite.open(tmp_path / "shop.db", migrate=True)


def test_a_new_database_gets_a_secret_for_its_owner_alone(database: sqlite.Sqlite, tmp_path: Path) -> None:
    """With the first rows a random secret is laid beside the file, which nobody else may read, and is found again."""
    path = str(tmp_path / "shop.db")
    secret = secret_of(path, database)
    assert secret is not None
    assert len(secret) == 64
    beside = tmp_path / "shop.db.secret"
    assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    Host(database, secret=secret).run(receive(amount=1))
    assert secret_of(path, database) == secret
    assert secret_of(str(tmp_path / "other.db"), Memory()) != secret


def test_rows_are_never_written_under_a_new_secret(database: sqlite.Sqlite, tmp_path: Path) -> None:
    """A database that has rows and no secret is not written to, and the command says what is missing."""
    path = str(tmp_path / "shop.db")
    Host(database, secret=b"that of an application").run(receive(amount=1))
    with pytest.raises(CommandFailed, match=r"OMNICORE_SECRET.*shop\.db\.secret"):
        secret_of(path, database)
    assert not (tmp_path / "shop.db.secret").exists()


def test_the_environment_tells_the_secret(
    database: sqlite.Sqlite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret in the environment is taken before any other, and one that is too short is refused."""
    monkeypatch.setenv("OMNICORE_SECRET", "from the environment")
    assert secret_of(str(tmp_path / "shop.db"), database) == b"from the environment"
    assert not (tmp_path / "shop.db.secret").exists()
    monkeypatch.setenv("OMNICORE_SECRET", "short")
    with pytest.raises(CommandFailed, match="at least 16"):
        secret_of(str(tmp_path / "shop.db"), database)


def test_a_database_in_memory_needs_none() -> None:
    """What is gone with the command needs no secret."""
    assert secret_of(None, Memory()) is None
