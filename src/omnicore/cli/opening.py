"""How does a command open a database, and say in one line why it cannot?"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from omnicore.adapters import sqlite
from omnicore.kernel.errors import Conflict, OmnicoreError

_PATIENCE_MS: Final = 5000
"""How long a command waits for whoever holds the lock; a host does not wait as long again."""


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
    with whole_or_gone(path if create else None), said(path):
        return sqlite.open(path, migrate=fresh, busy_timeout_ms=_PATIENCE_MS)


@contextmanager
def whole_or_gone(path: str | None) -> Iterator[None]:
    """Take a database away again that was not there before, when what it was made for does not come to its end."""
    missing = path is not None and path != "" and not Path(path).exists()
    try:
        yield
    except BaseException:
        if missing:
            for tail in ("", "-wal", "-shm", "-journal", ".secret"):
                with suppress(OSError):
                    Path(f"{path}{tail}").unlink(missing_ok=True)
        raise


@contextmanager
def said(path: str) -> Iterator[None]:
    """Say whatever a database, or the disk under it, refuses in one line.

    Raises: CommandFailed.
    """
    try:
        yield
    except OmnicoreError as error:
        raise CommandFailed(told(path, error)) from None
    except sqlite3.Error as error:
        raise CommandFailed(f"{path}: the database cannot be read or written ({error})") from None
    except BrokenPipeError:
        raise  # not the database but whoever reads what is told about it
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror or 'cannot be opened'}") from None


def told(path: str, error: OmnicoreError) -> str:
    """Say an error in one line, with the file it is about."""
    if isinstance(error, Conflict):
        return f"{path}: locked by another program; try again when it is done"
    line = str(error)
    return line if path and path in line else f"{path}: {line}"
