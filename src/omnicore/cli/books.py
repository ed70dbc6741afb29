"""Is the database of this version, and do its books add up?"""

import json

from omnicore.adapters import sqlite
from omnicore.cli.opening import CommandFailed, needs_psycopg, open_database, readable, said
from omnicore.cli.place import DIALECT, in_postgres, named
from omnicore.cli.screen import Ink, Screen
from omnicore.cli.stories import declare_everything
from omnicore.kernel.errors import Malformed
from omnicore.kernel.records import kinds
from omnicore.kernel.store import Database, Verified


def migrate(screen: Screen, where: str | None, *, sql: bool, beside: bool, grants: str | None) -> int:
    """Bring a database to the schema of this version, or print how, or which rights it needs. Raises: CommandFailed."""
    if sql or grants is not None:
        return _print(screen, where, sql=sql, beside=beside, grants=grants)
    if where is None:
        raise CommandFailed("migrate: name a database, or ask for --sql or --grants")
    if in_postgres(where):
        conninfo = readable(where)
        from omnicore.adapters import postgres

        with said(where):
            applied = postgres.migrate(conninfo)  # always beside what else is there
    else:
        with said(where):
            applied = sqlite.migrate(where, beside=beside)
    screen.say(f"{named(where)}: {applied} migrations applied" if applied else f"{named(where)}: nothing to do")
    return 0


def _print(screen: Screen, where: str | None, *, sql: bool, beside: bool, grants: str | None) -> int:
    """Print statements for one's own tool; nothing is connected to."""
    of_postgres = where in DIALECT or (where is not None and in_postgres(where))
    if grants is None and not of_postgres:
        screen.say(sqlite.migration_sql(beside=beside).rstrip())
        return 0
    if where is not None and not of_postgres:
        raise CommandFailed(f"{where}: is a file, and SQLite knows no roles to grant rights to")
    needs_psycopg()
    from omnicore.adapters import postgres

    if sql:
        screen.say(postgres.migration_sql().rstrip())
    if grants is not None:
        try:
            screen.say(postgres.grants_sql(grants).rstrip())
        except Malformed as error:
            raise CommandFailed(f"--grants: {error.reason}") from None
    return 0


def verify(screen: Screen, where: str, *, as_json: bool) -> int:
    """Recompute everything every shop derives; 1 when something differs. Raises: CommandFailed."""
    declare_everything()
    database = open_database(where, create=False)
    try:
        with said(where):
            found = {shop: _verified(database, shop) for shop in database.shops()}
    finally:
        database.close()
    differences = sum(len(each.differences) for each in found.values())
    if as_json:
        shops = {
            shop: {
                "documents": each.documents,
                "entries": each.entries,
                "holds": each.holds,
                "events": each.events,
                "differences": [
                    {"where": one.where, "found": one.found, "expected": one.expected} for one in each.differences
                ],
            }
            for shop, each in found.items()
        }
        screen.say(json.dumps({"shops": shops, "differences": differences}, ensure_ascii=False))
        return 1 if differences else 0
    for shop, each in found.items():
        screen.say(
            f"{shop}: verified: {each.documents:,} documents, {each.entries:,} entries, {each.holds:,} holds, "
            f"{each.events:,} events, {len(each.differences)} differences",
            Ink.BAD if each.differences else Ink.GOOD,
        )
        for one in each.differences:
            screen.say(f"  {one.where}: found {one.found}, expected {one.expected}")
    if not found:
        screen.say("verified: no shop has rows here, 0 differences", Ink.GOOD)
    return 1 if differences else 0


def _verified(database: Database, shop: str) -> Verified:
    with database.reading(shop) as store:  # no host: reading needs no secret
        return store.verify(kinds().values())
