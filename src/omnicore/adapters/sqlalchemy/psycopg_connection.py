"""How are statements sent over the psycopg connection that SQLAlchemy holds, synchronous or not?"""

from collections.abc import Sequence

import psycopg
from sqlalchemy.engine import AdaptedConnection

from omnicore.adapters import postgres
from omnicore.adapters.postgres.journey import AsyncJourneys
from omnicore.adapters.postgres.wire import Query, Result
from omnicore.host.within import CannotJoin, Joined


class _Awaited:
    """A wire over an asynchronous connection, from inside ``run_sync``: waiting for it lets other tasks go on."""

    def __init__(self, adapted: AdaptedConnection) -> None:
        self._adapted = adapted

    def send(self, queries: Sequence[Query]) -> Sequence[Result]:
        """Send statements in order and give their results."""
        return self._adapted.run_async(lambda driver: AsyncJourneys(driver).send(queries))


def joined_psycopg(lent: object) -> Joined:
    """Give a ``Database`` over what SQLAlchemy holds of psycopg.

    Raises: CannotJoin for a connection that is none of psycopg's.
    """
    if isinstance(lent, psycopg.Connection):
        return postgres.joined(lent)
    if isinstance(lent, AdaptedConnection) and isinstance(lent.driver_connection, psycopg.AsyncConnection):
        adapted = lent
        return postgres.JoinedPostgres(
            adapted.driver_connection,
            _Awaited(adapted),
            lambda: adapted.run_async(lambda driver: driver.execute("SELECT 1")),
        )
    raise CannotJoin(driver=type(lent).__module__)
