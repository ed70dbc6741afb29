"""Is the database of this version, and do its books add up?"""

import json

from omnicore.adapters import sqlite
from omnicore.cli.opening import CommandFailed, open_file, said
from omnicore.cli.screen import Ink, Screen
from omnicore.cli.stories import declare_everything
from omnicore.kernel.records import kinds
from omnicore.kernel.store import Database, Verified


def migrate(screen: Screen, path: str | None, *, sql: bool, beside: bool) -> int:
    """Bring a file to the schema of this version, or print how. Raises: CommandFailed."""
    if sql:
        screen.say(sqlite.migration_sql(beside=beside).rstrip())
        return 0
    if path is None:
        raise CommandFailed("migrate: name a database, or ask for --sql")
    with said(path):
        applied = sqlite.migrate(path, beside=beside)
    screen.say(f"{path}: {applied} migrations applied" if applied else f"{path}: nothing to do")
    return 0


def verify(screen: Screen, path: str, *, as_json: bool) -> int:
    """Recompute everything every shop derives; 1 when something differs. Raises: CommandFailed."""
    declare_everything()
    database = open_file(path, create=False)
    try:
        with said(path):
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
