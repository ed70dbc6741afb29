"""How does a flow become part of ``transaction.atomic()``?

    with transaction.atomic():
        parcel.save()
        shop().within(joined()).run(inventory.receive(...), command="po-1")

The driver's own connection is taken out of Django's and spoken to directly, inside the atomic block, nested or not: the
block commits and rolls back for both.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager

from django.db import connections  # type: ignore[import-untyped] # Django has no types of its own

from omnicore.adapters import sqlite
from omnicore.host.within import CannotJoin, Joined, NoTransaction
from omnicore.kernel.store import Store


def joined(using: str = "default") -> Joined:
    """Give a ``Database`` inside the atomic block of a connection, for ``Host.within``.

    It may be kept: each flow works in the block that is then open in the calling thread. Outside of one a command is
    refused, and a question reads by itself.

    Raises: CannotJoin for a database that omnicore does not speak.
    """
    return _JoinedAlias(using)


class _JoinedAlias:
    """A ``Database`` inside whatever atomic block a connection of this thread has open at the time."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._last: tuple[object, Joined] | None = None

    def _database(self) -> Joined:
        connection = connections[self._using]
        connection.ensure_connection()
        if connection.in_atomic_block:
            connection.validate_no_broken_transaction()
        lent = connection.connection
        last = self._last  # another thread may put its own connection there at any time
        if last is None or last[0] is not lent:
            self._last = last = lent, _joined(connection.vendor, lent)
        return last[1]

    @property
    def sees_newer(self) -> bool:
        """Whether a fresh read sees what others have committed since."""
        return self._database().sees_newer

    def reading(self, shop: str) -> AbstractContextManager[Store]:
        """Read what the block sees."""
        return self._database().reading(shop)

    def writing(self, shop: str, *, serializable: bool = False) -> AbstractContextManager[Store]:
        """Open a savepoint in the block.

        Raises: NoTransaction outside of one.
        """
        database = self._database()
        if not connections[self._using].in_atomic_block:
            raise NoTransaction("no transaction is open here: use transaction.atomic(), or host.run")
        return database.writing(shop, serializable=serializable)

    def shops(self) -> Iterator[str]:
        """Name the shops that have rows here."""
        return self._database().shops()

    def close(self) -> None:
        """Do nothing: the connection is Django's."""


def _joined(vendor: str, lent: object) -> Joined:
    match vendor:
        case "sqlite":
            return sqlite.joined(lent)  # type: ignore[arg-type] # what Django holds for SQLite is a sqlite3.Connection
        case "postgresql" if _is_psycopg_3(lent):
            from omnicore.adapters import postgres  # noqa: PLC0415 - psycopg is there where Django uses it

            return postgres.joined(lent)  # type: ignore[arg-type] # as has just been found
        case _:
            raise CannotJoin(driver=f"{vendor} by {type(lent).__module__}")


def _is_psycopg_3(lent: object) -> bool:
    return any(each.__module__.partition(".")[0] == "psycopg" for each in type(lent).__mro__)
