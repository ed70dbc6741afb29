"""How does a command open a database, and say in one line why it cannot?"""

from pathlib import Path

from omnicore.adapters import sqlite
from omnicore.kernel.errors import OmnicoreError


class CommandFailed(Exception):  # noqa: N818 - one line for whoever typed the command, and exit code 2
    """A command cannot go on: a bad file, an unknown format, a locked or foreign database."""


def open_file(path: str, *, create: bool) -> sqlite.Sqlite:
    """Open a database file; with ``create`` a missing one is set up, an existing one is never changed.

    Raises: CommandFailed, in one line.
    """
    file = Path(path)
    if not create and not file.is_file():
        raise CommandFailed(f"{path}: there is no such file")
    fresh = create and (not file.exists() or file.stat().st_size == 0)
    try:
        return sqlite.open(path, migrate=fresh)
    except OmnicoreError as refused:
        raise CommandFailed(told(path, refused)) from None
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror or 'cannot be opened'}") from None


def told(path: str, error: OmnicoreError) -> str:
    """Say an error in one line, with the file it is about."""
    line = " ".join(str(error).split())
    return line if path in line else f"{path}: {line}"
