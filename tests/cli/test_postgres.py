"""Laws of the command line on PostgreSQL: it does what it does with a file, and tells nobody a password or a server."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from omnicore.adapters import postgres
from omnicore.adapters.postgres.schema import WANTED
from omnicore.cli import main
from omnicore.cli.opening import told
from omnicore.cli.place import in_postgres, named
from omnicore.kernel.errors import Conflict, InDoubt
from tests.cli.naive_replay import export

ORDERS = export([["1", "A", "T", "1", "2010-12-01 08:26:00", "1.00", "7", "UK"]])
PRODUCTS = b"Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\ncup,Cup,Title,Default Title,CUP,3.00\n"
SECRET = "told by the environment"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder of two files, where a secret is told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMNICORE_SECRET", SECRET)
    (tmp_path / "orders.csv").write_bytes(ORDERS)
    (tmp_path / "products.csv").write_bytes(PRODUCTS)
    return tmp_path


@pytest.fixture
def migrated(fresh_postgres: str) -> str:
    """Give a database that has our tables."""
    postgres.migrate(fresh_postgres)
    return fresh_postgres


class Said:
    """What commands have said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def done(self, *words: str) -> str:
        """Run a command that succeeds; what it prints."""
        self._capsys.readouterr()
        code = main(words)
        said = self._capsys.readouterr()
        assert (code, said.err) == (0, ""), said.err
        return said.out

    def failed(self, *words: str) -> str:
        """Run a command that cannot do its work; its one line."""
        self._capsys.readouterr()
        assert main(words) == 2, words
        said = self._capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1), words
        assert said.err.startswith("omnicore: "), words
        return said.err


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Hear what commands say."""
    return Said(capsys)


def tables(conninfo: str) -> int:
    """Count our tables."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'omni_%'").fetchone()
    assert row is not None
    return int(row[0])


def test_a_database_is_migrated_once_and_verified(fresh_postgres: str, said: Said) -> None:
    """Migrating an empty database makes its tables, again does nothing, and a database without rows verifies."""
    name = f"PostgreSQL database {conninfo_to_dict(fresh_postgres)['dbname']}"
    assert said.done("migrate", fresh_postgres) == f"{name}: {WANTED} migrations applied\n"
    assert said.done("migrate", fresh_postgres) == f"{name}: nothing to do\n"
    assert said.done("migrate", "--beside", fresh_postgres) == f"{name}: nothing to do\n"
    assert "0 differences" in said.done("verify", fresh_postgres)


def test_past_orders_are_taken_in_once(migrated: str, said: Said, folder: Path) -> None:
    """A second import of the same file creates nothing, the books verify, and no file is written."""
    first = json.loads(said.done("replay", "orders.csv", "--db", migrated, "--json"))
    assert (first["orders"], first["differences"]) == (1, 0)
    assert first["created"]["documents"] > 0
    again = json.loads(said.done("replay", "orders.csv", "--db", migrated, "--json"))
    assert again["created"] == {"documents": 0, "entries": 0, "events": 0}
    assert "1 products, 1 variants" in said.done("import-products", "products.csv", "--db", migrated)
    assert json.loads(said.done("verify", migrated, "--json"))["differences"] == 0
    assert sorted(path.name for path in folder.iterdir()) == ["orders.csv", "products.csv"]


def test_a_difference_is_found_there_too(migrated: str, said: Said) -> None:
    """A balance that somebody has changed by hand is named, with exit code 1."""
    said.done("replay", "orders.csv", "--db", migrated)
    with psycopg.connect(migrated) as meddler:
        meddler.execute("INSERT INTO omni_balances VALUES ('main', 'sku:TEE', 'node/a/on-hand', 5, 0, 0, FALSE, 0)")
    assert main(["verify", migrated]) == 1
    assert main(["replay", "orders.csv", "--db", migrated]) == 1


def test_the_demo_plays_the_same_day_on_postgresql(fresh_postgres: str, said: Said) -> None:
    """In an empty database the demo ends with the stock and money it has in a file; beside a shop it does not begin."""
    ours, files = (json.loads(said.done("demo", "--db", where, "--json")) for where in (fresh_postgres, "demo.db"))
    for part in ("stock", "money", "personal_readings", "verified"):
        assert ours[part] == files[part]
    assert [line["event"] for line in ours["story"]] == [line["event"] for line in files["story"]]
    assert ours["differences"] == 0
    assert "holds a shop already" in said.failed("demo", "--db", fresh_postgres)


def test_statements_are_printed_without_a_connection(fresh_postgres: str, said: Said) -> None:
    """The printed migration, run by an administrator's own tool, gives a database that verifies; so for the rights."""
    script = said.done("migrate", "--sql", "postgres")
    assert script == said.done("migrate", "--sql", "postgresql://nobody@nowhere.invalid/shop")
    assert script == postgres.migration_sql()
    with psycopg.connect(fresh_postgres, autocommit=True) as administrator:
        administrator.execute(script.encode())
    assert "0 differences" in said.done("verify", fresh_postgres)
    assert said.done("migrate", "--grants", "clerk") == postgres.grants_sql("clerk")
    assert said.done("migrate", "postgres", "--sql", "--grants", "clerk") == script + postgres.grants_sql("clerk")
    assert "letters, digits and underscores" in said.failed("migrate", "--grants", "clerk; DROP TABLE x")
    assert "knows no roles" in said.failed("migrate", "shop.db", "--grants", "clerk")
    assert said.done("migrate", "--sql").startswith("BEGIN IMMEDIATE")


def test_the_secret_comes_from_the_environment(
    fresh_postgres: str, said: Said, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Without a secret nothing is written, no table made and no file laid anywhere; verifying needs none."""
    monkeypatch.delenv("OMNICORE_SECRET")
    assert "OMNICORE_SECRET" in said.failed("demo", "--db", fresh_postgres)
    assert tables(fresh_postgres) == 0
    said.done("migrate", fresh_postgres)
    for words in (["replay", "orders.csv"], ["import-products", "products.csv"]):
        assert "OMNICORE_SECRET" in said.failed(*words, "--db", fresh_postgres)
    assert json.loads(said.done("verify", fresh_postgres, "--json")) == {"shops": {}, "differences": 0}
    assert sorted(path.name for path in folder.iterdir()) == ["orders.csv", "products.csv"]


EVERY = (
    ["migrate"],
    ["verify"],
    ["replay", "orders.csv", "--db"],
    ["import-products", "products.csv", "--db"],
    ["demo", "--db"],
)
UNREACHED = (
    "postgresql://bob:hush@127.0.0.1:1/shop",
    "postgres://bob:hush@/shop?host=/nowhere",
    "host=/nowhere password=hush dbname=shop",
    "postgresql+psycopg://bob:hush@nowhere/shop",
    "postgresql://bob:hush@nowhere:port/shop",
    "password=hush host=nowhere no_such_setting=1",
    "host=/nowhere dbname=postgresql://bob:hush@nowhere/shop",
)


@pytest.mark.parametrize("where", UNREACHED)
def test_what_cannot_be_reached_is_one_line_without_address_or_password(where: str, said: Said, folder: Path) -> None:
    """A server that is not there, or a conninfo that is none, is refused by every command, and nothing of it shown."""
    for words in EVERY:
        line = said.failed(*words, where)
        assert "PostgreSQL" in line
        for hidden in ("hush", "nowhere", "127.0.0.1", "bob"):
            assert hidden not in line
    assert sorted(path.name for path in folder.iterdir()) == ["orders.csv", "products.csv"]


def test_a_conninfo_that_is_none_is_answered_with_how_one_looks(said: Said) -> None:
    """Who mistypes a conninfo is shown what one looks like, and is not told that a server cannot be reached."""
    for words in EVERY:
        assert "as in postgresql://user@server/shop" in said.failed(*words, "dbname=shop no_such_setting=1")


def test_tables_of_another_version_are_left_as_they_are(fresh_postgres: str, said: Said) -> None:
    """Without our tables one is sent to `omnicore migrate`, with newer ones to a newer omnicore; neither is changed."""
    for words in EVERY[1:4]:
        assert "run `omnicore migrate`" in said.failed(*words, fresh_postgres)
    assert tables(fresh_postgres) == 0
    said.done("migrate", fresh_postgres)
    with psycopg.connect(fresh_postgres) as connection:
        connection.execute("UPDATE omni_schema SET version = 99")
    for words in EVERY:
        assert "install a newer omnicore" in said.failed(*words, fresh_postgres)


@pytest.fixture
def without_rights(migrated: str) -> Iterator[str]:
    """Give the conninfo of a role that may connect and no more."""
    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute("CREATE ROLE omnicore_visitor LOGIN")
    yield make_conninfo(migrated, user="omnicore_visitor")
    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute("DROP ROLE omnicore_visitor")


def test_a_right_that_is_lacking_is_named(without_rights: str, said: Said) -> None:
    """A role that may not read the tables is told which, in one line."""
    for words in EVERY:
        assert "permission denied for table omni_schema" in said.failed(*words, without_rights)


def test_rows_that_others_hold_are_waited_for_as_long_as_the_server_is_told(migrated: str, said: Said) -> None:
    """Where another program holds the rows longer than `lock_timeout`, a command says so and has written nothing."""
    impatient = make_conninfo(migrated, options="-c lock_timeout=20ms")
    with psycopg.connect(migrated) as other:
        other.execute("LOCK TABLE omni_index IN ACCESS EXCLUSIVE MODE")
        assert "others are writing the same rows" in said.failed("import-products", "products.csv", "--db", impatient)
    assert "0 differences" in said.done("verify", migrated)
    said.done("import-products", "products.csv", "--db", impatient)


@pytest.mark.parametrize("error", [Conflict("connection"), InDoubt("commit")])
def test_a_lost_connection_is_told_as_one(error: Conflict) -> None:
    """When the server goes away amid a command, the line speaks of the connection, not of rivals."""
    line = told("postgresql://bob:hush@nowhere/shop", error)
    assert line == "PostgreSQL database shop: the connection was lost; try again when the server is back"


def test_without_psycopg_a_command_says_what_to_install(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where psycopg is not installed, every command on PostgreSQL names the extra; files need nothing."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for words in EVERY:
        assert "omnicore[postgres]" in said.failed(*words, "postgresql://bob:hush@nowhere/shop")
    assert "omnicore[postgres]" in said.failed("migrate", "--sql", "postgres")
    said.done("migrate", "shop.db")


@pytest.mark.parametrize(
    ("where", "is_one", "shown"),
    [
        ("shop.db", False, "shop.db"),
        ("postgres", False, "postgres"),
        ("./postgres.db", False, "./postgres.db"),
        ("backup=old/shop.db", False, "backup=old/shop.db"),
        ("dbname=shop", True, "PostgreSQL database shop"),
        ("  user = bob dbname = 'my shop'", True, "PostgreSQL"),
        ("service=shop", True, "PostgreSQL"),
        ("postgresql:///shop", True, "PostgreSQL database shop"),
        ("postgresql://", True, "PostgreSQL"),
    ],
)
def test_a_file_is_told_from_a_conninfo(where: str, is_one: bool, shown: str) -> None:  # noqa: FBT001 - an example
    """What psycopg would take names a database in PostgreSQL; every other word is the path of a file."""
    assert in_postgres(where) is is_one
    assert named(where) == shown
