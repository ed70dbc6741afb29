"""Why can this database not be used, and what does it mean when PostgreSQL says no?

A deadlock, a failed serialisation, a lock not had in time and a lost connection are races: ``Conflict``. A connection
lost while COMMIT was under way leaves in doubt whether it happened: ``InDoubt``, which only a command key makes safe to
try again. A CHECK that fires is a bug.
"""

from typing import ClassVar, Final, NoReturn

import psycopg

from omnicore.kernel.errors import Conflict, Malformed, Refused

LOST: Final = "connection"
DISCARDED: Final = "prepared statements"
_RACES = frozenset({"40001", "40P01", "55P03"})
_CANCELLED = "57014"
_CONNECTION = ("08", "57P", "40003")
"""Beginnings of SQLSTATE: connection exceptions, a server that shuts down or is starting, and one of several that does
not know itself whether it has committed."""


class CannotOpen(Refused):
    """There is no such server or database, it may not be used, or it does not keep UTF-8."""

    code: ClassVar[str] = "postgres.cannot_open"
    status: ClassVar[int] = 503


class SchemaDiffers(Refused):
    """The tables are missing, older or newer than this omnicore: facts ``found`` and ``wanted``, schema numbers."""

    code: ClassVar[str] = "postgres.schema_differs"
    status: ClassVar[int] = 503


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, or was never had."""
    state = error.sqlstate
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and (
        state is None or state.startswith(_CONNECTION)
    )


def refuse(error: psycopg.Error) -> NoReturn:
    """Say what a failed statement means: a race, bad data, a bug, or trouble that is the host's, raised as it is."""
    if error.sqlstate in _RACES or error.sqlstate == _CANCELLED:
        raise Conflict("database") from error
    if isinstance(error, psycopg.errors.InvalidSqlStatementName):  # a pool has discarded what was prepared
        raise Conflict(DISCARDED) from error
    if is_lost(error):
        raise Conflict(LOST) from error
    if isinstance(error, psycopg.errors.UniqueViolation):
        raise Conflict(error.diag.constraint_name or "a unique row") from error
    if isinstance(error, psycopg.errors.CharacterNotInRepertoire | psycopg.errors.UntranslatableCharacter):
        raise Malformed("$", "must be text that UTF-8 can write") from None
    if isinstance(error, psycopg.IntegrityError):  # its details would show the whole row, and whose it is
        told = error.diag.message_primary
        raise AssertionError(f"the database refused what the kernel allowed: {told}") from None  # noqa: TRY004 - a bug
    raise error
