"""Under which secret does a command write, so that the next one knows its customers again?

``OMNICORE_SECRET``, or a file beside the database, which is made with its first rows and for its owner's eyes alone;
beside a database in PostgreSQL there is no place for one. Under another secret no customer would be found again, so a
database that has rows is never written under a new one.
"""

import os
from pathlib import Path
from typing import Final

from omnicore.cli.opening import CommandFailed
from omnicore.cli.place import in_postgres, named
from omnicore.host import system
from omnicore.kernel.store import Database

ENVIRONMENT: Final = "OMNICORE_SECRET"
_SHORTEST: Final = 16
_BITS: Final = 256


def secret_of(path: str | None, database: Database) -> bytes | None:
    """Give the secret of a database that lasts; None for one in memory, which needs none.

    Raises: CommandFailed, where it is too short or nowhere to be found.
    """
    if path is None:
        return None
    if (told := told_secret(path)) is not None:
        return told
    beside = Path(f"{path}.secret")
    if beside.is_file():
        return _long_enough(beside.read_bytes().strip(), beside.name)
    if any(database.shops()):
        raise CommandFailed(
            f"{path}: needs the secret it was written under: set {ENVIRONMENT}, or put {beside.name} beside it"
        )
    return _made(beside)


def told_secret(path: str) -> bytes | None:
    """Give the secret that the environment tells, if any.

    Raises: CommandFailed, where it is too short, or where nothing else could tell it.
    """
    if (told := os.environ.get(ENVIRONMENT)) is not None:
        return _long_enough(told.encode(), ENVIRONMENT)
    if in_postgres(path):
        raise CommandFailed(
            f"{named(path)}: set {ENVIRONMENT} to the secret it is written under, {_SHORTEST} bytes or more"
        )
    return None


def _made(beside: Path) -> bytes:
    fresh = f"{system.random_bits(_BITS):064x}".encode()
    try:
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another command was first
        return _long_enough(beside.read_bytes().strip(), beside.name)
    with os.fdopen(file, "wb") as written:
        written.write(fresh + b"\n")
        written.flush()
        os.fsync(written.fileno())
    return fresh


def _long_enough(secret: bytes, where: str) -> bytes:
    if len(secret) < _SHORTEST:
        raise CommandFailed(f"{where}: a secret has at least {_SHORTEST} bytes")
    return secret
