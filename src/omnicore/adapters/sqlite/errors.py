"""Why can this file not be opened as an omnicore database?

A lock held longer than the busy timeout is no refusal but a ``Conflict``: the next try may succeed.
"""

from typing import ClassVar

from omnicore.kernel.errors import Refused


class CannotOpen(Refused):
    """There is no file, it may not be read and written, or this Python's SQLite is too old."""

    code: ClassVar[str] = "sqlite.cannot_open"
    status: ClassVar[int] = 503


class NotADatabase(Refused):
    """The file is no SQLite database, or is damaged."""

    code: ClassVar[str] = "sqlite.not_a_database"
    status: ClassVar[int] = 503


class ForeignDatabase(Refused):
    """The file is a SQLite database of another application."""

    code: ClassVar[str] = "sqlite.foreign_database"
    status: ClassVar[int] = 503


class SchemaDiffers(Refused):
    """The tables are older or newer than this version of omnicore: facts ``found`` and ``wanted``, schema numbers."""

    code: ClassVar[str] = "sqlite.schema_differs"
    status: ClassVar[int] = 503
