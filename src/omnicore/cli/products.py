"""What is in a Shopify product CSV, and what of it is wrong?"""

import json
from contextlib import ExitStack
from pathlib import Path

from omnicore.adapters.memory import Memory
from omnicore.cli.opening import CommandFailed, open_database, said, told, whole_or_gone
from omnicore.cli.screen import Ink, Screen
from omnicore.cli.secret import secret_of
from omnicore.host import Host
from omnicore.interop import shopify_products as shopify
from omnicore.interop.csv_table import Problem
from omnicore.kernel.errors import OmnicoreError
from omnicore.kernel.ids import NodeId
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.store import Database
from omnicore.scenarios.catalogue_import import import_catalogue


def _said(problem: Problem) -> str:
    place = f", {problem.column}" if problem.column else ""
    return f"line {problem.line}{place}: {problem.reason}"


def import_products(
    screen: Screen, path: str, *, database: str | None, currency: str, node: str, check: bool, as_json: bool
) -> int:
    """Take a file in, all or nothing; ``check`` only lists what is wrong. Raises: CommandFailed."""
    try:
        with Path(path).open("rb") as source:
            report = shopify.check_products(source, currency=currency)
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror or 'cannot be read'}") from None
    except OmnicoreError as error:
        raise CommandFailed(told(path, error)) from None
    if check:
        for problem in report.problems:
            screen.say(_said(problem))
        screen.say(f"{path}: {report.rows:,} rows, {len(report.problems):,} problems")
        return 2 if report.problems else 0
    if report.problems:
        more = f" (and {len(report.problems) - 1:,} more; --check lists them)" if len(report.problems) > 1 else ""
        raise CommandFailed(f"{path}: {_said(report.problems[0])}{more}; nothing was imported")
    with ExitStack() as closing:
        closing.enter_context(whole_or_gone(database))
        store: Database = Memory() if database is None else open_database(database, create=True)
        closing.callback(store.close)
        closing.enter_context(said(database or path))
        host = Host(store, secret=secret_of(database, store))
        done = host.run(
            import_catalogue(
                listings=shopify.listings(report.products, language="en"),
                prices=shopify.price_table(report.products),
                stock=shopify.opening_stock(report.products),
                currency=currency,
                basis=TaxBasis.INCLUDED,
                node=NodeId(node),
            )
        )
        host.number()
        differences = len(host.verify().differences)
    counts = {"rows": report.rows, "products": done.products, "variants": done.variants, "prices": done.prices}
    counts |= {"units": done.units, "changed": done.changed, "differences": differences}
    if as_json:
        screen.say(json.dumps({**counts, "ignored": list(report.ignored)}, ensure_ascii=False))
    else:
        shown = [f"{count:,} {name}" for name, count in counts.items() if name != "differences"]
        screen.say(f"{path}: " + ", ".join(shown))
        if report.ignored:
            screen.say("columns not read: " + ", ".join(report.ignored), Ink.DIM)
        screen.say(f"verified: {differences} differences", Ink.BAD if differences else Ink.GOOD)
    return 1 if differences else 0
