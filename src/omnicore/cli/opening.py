"""How does a command open a database, and say in one line why it cannot?"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from omnicore.adapters import sqlite
from omnicore.cli.place import in_postgres, named
from omnicore.kernel.errors import Conflict, OmnicoreError
from omnicore.kernel.store import Database

if TYPE_CHECKING:
    from omnicore.adapters.postgres import Postgres

_PATIENCE_MS: Final = 5000
"""How long a command waits for whoever holds the lock; a host does not wait as long again."""


class CommandFailed(Exception):  # noqa: N818 - one line for whoever typed the command, and exit code 2
    """A command cannot go on: a bad file, an unknown format, a locked or foreign database."""


def open_database(where: str, *, create: bool) -> Database:
    """Open a file, or a database in PostgreSQL, whose tables are of this version.

    With ``create`` a missing file is set up; an existing one, and what is in PostgreSQL, is never changed.

    Raises: CommandFailed, in one line.
    """
    if in_postgres(where):
        return open_postgres(where)
    return _open_file(where, create=create)


def _open_file(path: str, *, create: bool) -> sqlite.Sqlite:
    file = Path(path)
    if not create and not file.is_file():
        raise CommandFailed(f"{path}: there is no such file")
    fresh = create and (not file.exists() or file.stat().st_size == 0)
    with whole_or_gone(path if create else None), said(path):
        return sqlite.open(path, migrate=fresh, busy_timeout_ms=_PATIENCE_MS)


def open_postgres(conninfo: str, *, make: bool = False) -> "Postgres":
    """Open a database in PostgreSQL; with ``make`` its tables are made where there are none, and never changed.

    Raises: CommandFailed, in one line.
    """
    where = readable(conninfo)
    from omnicore.adapters import postgres

    with said(conninfo):
        try:
            return postgres.open(where)
        except postgres.SchemaDiffers as differs:
            if not make or differs.facts["found"] != 0:
                raise
        return postgres.open(where, migrate=True)


def needs_psycopg() -> None:
    """Make sure that PostgreSQL can be spoken to from here.

    Raises: CommandFailed, with what to install.
    """
    try:
        import psycopg  # noqa: F401 - whether it can be
    except ImportError:
        raise CommandFailed(
            "PostgreSQL needs psycopg: pip install 'omnicore[postgres]', and 'psycopg[binary]' where there is no libpq"
        ) from None


def readable(conninfo: str) -> str:
    """Give a conninfo that libpq can read.

    Raises: CommandFailed, which repeats nothing of it.
    """
    needs_psycopg()
    from psycopg import Error
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(conninfo)
    except Error:
        raise CommandFailed(
            "PostgreSQL: name the database as in postgresql://user@server/shop, or 'host=server dbname=shop'"
        ) from None
    return conninfo


@contextmanager
def whole_or_gone(path: str | None) -> Iterator[None]:
    """Take a file away again that was not there before, when what it was made for does not come to its end."""
    missing = path is not None and path != "" and not in_postgres(path) and not Path(path).exists()
    try:
        yield
    except BaseException:
        if missing:
            for tail in ("", "-wal", "-shm", "-journal", ".secret"):
                with suppress(OSError):
                    Path(f"{path}{tail}").unlink(missing_ok=True)
        raise


@contextmanager
def said(where: str) -> Iterator[None]:
    """Say whatever a database, or the disk under it, refuses in one line.

    Raises: CommandFailed.
    """
    try:
        yield
    except OmnicoreError as error:
        raise CommandFailed(told(where, error)) from None
    except sqlite3.Error as error:
        raise CommandFailed(f"{where}: the database cannot be read or written ({error})") from None
    except BrokenPipeError:
        raise  # not the database but whoever reads what is told about it
    except OSError as error:
        raise CommandFailed(f"{named(where)}: {error.strerror or 'cannot be opened'}") from None
    except Exception as error:
        if (reason := _of_postgres(error)) is None:
            raise
        raise CommandFailed(f"{named(where)}: the database cannot be read or written ({reason})") from None


def _of_postgres(error: Exception) -> str | None:
    """Give what PostgreSQL says of a statement, which names tables and rights; of a connection, nothing."""
    psycopg = sys.modules.get("psycopg")
    if psycopg is None or not isinstance(error, psycopg.Error):
        return None
    return str(error.diag.message_primary or "no connection")


def told(where: str, error: OmnicoreError) -> str:
    """Say an error in one line, with the database or file it is about."""
    name = named(where)
    if isinstance(error, Conflict):
        if not in_postgres(where):
            return f"{name}: locked by another program; try again when it is done"
        if error.about in {"connection", "commit"}:
            return f"{name}: the connection was lost; try again when the server is back"
        return f"{name}: others are writing the same rows; try again"
    line = str(error)
    return line if name and name in line else f"{name}: {line}"
