"""The command line: ``omnicore demo | replay | import-products | migrate | verify | diagram``.

Exit code 0 when all is well, 1 when a verification found differences, 2 with one line on standard error when a command
could not do its work; then nothing is half-written. A database is a SQLite file, or one in PostgreSQL by its conninfo.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omnicore.cli.screen import Screen

__all__ = ["main"]

_WHERE = "a SQLite file, or a database in PostgreSQL: postgresql://... or 'host=... dbname=...'"
_DB = f"what to import into: {_WHERE}; in memory if left out"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="omnicore", description="The commerce core, from the command line.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="play an omnichannel day in a shop, on a real database")
    demo.add_argument("--db", metavar="DB", help="keep the day in this new file, or in this empty PostgreSQL database")
    demo.add_argument("--lang", choices=("en", "ja"), default="en", help="the language of what is shown")
    demo.add_argument("--json", action="store_true", help="print one JSON object")

    replay = commands.add_parser("replay", help="take exports of past orders in, and account for every line")
    replay.add_argument("files", nargs="+", metavar="FILE")
    replay.add_argument("--db", metavar="DB", help=_DB)
    replay.add_argument("--format", help="the files' format; recognised by their header if left out")
    replay.add_argument("--json", action="store_true", help="print one JSON object")

    products = commands.add_parser("import-products", help="take a Shopify product CSV in")
    products.add_argument("file", metavar="FILE")
    products.add_argument("--db", metavar="DB", help=_DB)
    products.add_argument("--currency", default="USD", help="the currency of the file's prices (default: USD)")
    products.add_argument("--check", action="store_true", help="list every problem, and import nothing")
    products.add_argument("--node", default="main", help="where the file's quantities lie (default: main)")
    products.add_argument("--json", action="store_true", help="print one JSON object")

    migrate = commands.add_parser("migrate", help="bring a database to the schema of this version")
    migrate.add_argument("db", nargs="?", metavar="DB", help=_WHERE)
    migrate.add_argument("--sql", action="store_true", help="print the statements instead; `postgres` is DB enough")
    migrate.add_argument("--grants", metavar="ROLE", help="print the rights a role in PostgreSQL needs for running")
    migrate.add_argument("--beside", action="store_true", help="beside the tables of the application it belongs to")

    verify = commands.add_parser("verify", help="recompute everything a database derives, and name the differences")
    verify.add_argument("db", metavar="DB", help=_WHERE)
    verify.add_argument("--json", action="store_true", help="print one JSON object")

    diagram = commands.add_parser("diagram", help="print the state machines as Mermaid")
    diagram.add_argument("machine", nargs="?", metavar="MACHINE")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit code."""
    asked = _parser().parse_args(argv)
    from omnicore.cli.opening import CommandFailed
    from omnicore.cli.screen import Screen

    screen = Screen()
    try:
        code = _run(screen, asked)
        screen.flush()
    except CommandFailed as failed:
        screen.complain(f"omnicore: {failed}")
        return 2
    except BrokenPipeError:
        # Whoever reads has seen enough; the work is done, and nothing more can be said to them.
        screen.abandon()
        return 0
    except OSError as error:
        screen.complain(f"omnicore: {error.strerror or 'cannot write'}")
        screen.abandon()
        return 2
    except KeyboardInterrupt:
        screen.clear()
        return 130
    return code


def _run(screen: "Screen", asked: argparse.Namespace) -> int:
    match asked.command:
        case "demo":
            from omnicore.cli.demo import demo

            return demo(screen, database=asked.db, language=asked.lang, as_json=asked.json)
        case "replay":
            from omnicore.cli.replay import replay

            return replay(screen, asked.files, database=asked.db, format=asked.format, as_json=asked.json)
        case "import-products":
            from omnicore.cli.products import import_products

            return import_products(
                screen,
                asked.file,
                database=asked.db,
                currency=asked.currency,
                node=asked.node,
                check=asked.check,
                as_json=asked.json,
            )
        case "migrate":
            from omnicore.cli.books import migrate

            return migrate(screen, asked.db, sql=asked.sql, beside=asked.beside, grants=asked.grants)
        case "verify":
            from omnicore.cli.books import verify

            return verify(screen, asked.db, as_json=asked.json)
        case _:
            from omnicore.cli.diagram import diagram

            return diagram(screen, asked.machine)
