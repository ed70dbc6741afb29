"""Are the tables judged before they are used, guarded by rights, and written in SQL that others speak too?"""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from omnicore import Host
from omnicore.adapters import postgres
from omnicore.adapters.postgres import database as database_module
from omnicore.adapters.postgres import document_rows, opening, schema
from omnicore.adapters.postgres.journey import Journeys
from omnicore.adapters.postgres.schema import FIRST_OF_ALL, MIGRATIONS, TABLES, WANTED
from omnicore.adapters.postgres.wire import Query, Result
from omnicore.kernel.errors import Malformed
from omnicore.testing.postgres_server import Server
from tests.adapters.postgres_writers import SECRET, at_once, receive


@pytest.fixture
def database(fresh_postgres: str) -> Iterator[postgres.Postgres]:
    """Give an empty database."""
    opened = postgres.open(fresh_postgres, migrate=True)
    yield opened
    opened.close()


def test_a_database_is_judged_before_it_is_used(fresh_postgres: str) -> None:
    """Missing tables, and tables of a newer version, are refused by name and left as they are."""
    with pytest.raises(postgres.SchemaDiffers) as missing:
        postgres.open(fresh_postgres)
    assert missing.value.facts == {"found": 0, "wanted": WANTED}
    assert postgres.migrate(fresh_postgres) == WANTED
    assert postgres.migrate(fresh_postgres) == 0
    postgres.open(fresh_postgres).close()
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute("UPDATE omni_schema SET version = 99")
    for attempt in (lambda: postgres.open(fresh_postgres, migrate=True), lambda: postgres.migrate(fresh_postgres)):
        with pytest.raises(postgres.SchemaDiffers, match="newer omnicore"):
            attempt()


def test_what_cannot_be_reached_is_refused_without_its_address() -> None:
    """A server that is not there is refused, and the refusal tells neither host nor password."""
    with pytest.raises(postgres.CannotOpen) as refused:
        postgres.open("host=/nowhere password=hush dbname=x")
    assert "hush" not in str(refused.value)
    assert "nowhere" not in str(refused.value)


def test_two_may_migrate_at_once(fresh_postgres: str) -> None:
    """Of several processes that migrate an empty database at once, one does it and none fails."""
    made: list[int] = []
    assert at_once(*[lambda: made.append(postgres.migrate(fresh_postgres))] * 4) == []
    assert sum(made) == WANTED


def test_a_later_migration_is_applied_once(fresh_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two that bring older tables to a newer schema at once, one does it and the other finds it done."""
    postgres.migrate(fresh_postgres)
    with psycopg.connect(fresh_postgres) as connection:
        connection.execute("CREATE TABLE counted AS SELECT 0 AS times")
    again = "UPDATE counted SET times = times + 1"
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, (again,)))
    monkeypatch.setattr(schema, "WANTED", WANTED + 1)
    monkeypatch.setattr(opening, "WANTED", WANTED + 1)
    made: list[int] = []
    with psycopg.connect(fresh_postgres) as first, psycopg.connect(fresh_postgres, autocommit=True) as watching:
        for statement in (
            "SELECT FROM omni_schema FOR UPDATE",
            again,
            f"UPDATE omni_schema SET version = {WANTED + 1}",
        ):
            first.execute(statement.encode())
        second = threading.Thread(target=lambda: made.append(postgres.migrate(fresh_postgres)))
        second.start()
        while not watching.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount:
            pass  # until the second waits for the first
        first.commit()
        second.join()
        assert watching.execute("SELECT times FROM counted").fetchall() == [(1,)]
    assert made == [0]


def test_the_printed_migration_is_the_migration(fresh_postgres: str) -> None:
    """A database administrator who runs the printed script gets a database that opens."""
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute(postgres.migration_sql().encode())
    postgres.open(fresh_postgres).close()


def test_normal_running_needs_few_rights(fresh_postgres: str, postgres_server: Server) -> None:
    """A role with the printed rights can do everything but change tables and rewrite what has happened."""
    postgres.migrate(fresh_postgres)
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS clerk")
        connection.execute("CREATE ROLE clerk LOGIN")
        connection.execute(postgres.grants_sql("clerk").encode())
    try:
        conninfo = psycopg.conninfo.make_conninfo(fresh_postgres, user="clerk")
        shop = Host(postgres.open(conninfo), secret=SECRET)
        shop.run(receive(name="r"), command="r")
        shop.work()
        assert not shop.verify().differences
        shop.close()
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for statement in (
                "UPDATE omni_journal SET data = ''",
                "DELETE FROM omni_entries",
                "DROP TABLE omni_heads",
                "ALTER TABLE omni_balances DROP CONSTRAINT omni_never_oversold",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
    finally:
        with psycopg.connect(fresh_postgres, autocommit=True) as connection:
            connection.execute("DROP OWNED BY clerk")
            connection.execute("DROP ROLE clerk")
    with pytest.raises(Malformed):
        postgres.grants_sql("clerk; DROP TABLE x")


# ------------------------------------------------------------------------------------------------------------- dialect

USED = {
    "BEGIN ISOLATION LEVEL",
    "BIGINT",
    "BOOLEAN",
    "BYTEA",
    "CHECK",
    "COLLATE",
    "CREATE INDEX",
    "CREATE TABLE",
    "CREATE UNIQUE INDEX",
    "CROSS JOIN LATERAL",
    "DELETE USING",
    "FOR UPDATE",
    "GENERATED BY DEFAULT AS IDENTITY",
    "ON CONFLICT DO NOTHING",
    "ON CONFLICT DO UPDATE",
    "PARTIAL INDEX",
    "RETURNING",
    "ROW COMPARISON",
    "SAVEPOINT",
    "UNNEST OF SEVERAL ARRAYS",
    "UPDATE FROM",
    "WITH RECURSIVE",
}
"""What of the dialect is used; each is in CockroachDB and YugabyteDB too."""

NOT_EVERYWHERE = re.compile(
    r"\b(TRIGGER|FUNCTION|PROCEDURE|LISTEN|NOTIFY|pg_advisory\w*|DEFERRABLE|EXCLUDE|DOMAIN|INHERITS|MERGE|LOCK TABLE|"
    r"TABLESAMPLE|CTID|XMIN|TXID\w*|pg_current_xact\w*|jsonb?_\w+|LANGUAGE|RULE|MATERIALIZED|TEMP|UNLOGGED|CURSOR)\b",
    re.IGNORECASE,
)


def texts_of_sql() -> str:
    """Give every text of the adapter that is SQL."""
    folder = Path(database_module.__file__).parent
    strings = re.findall(r'"""(.*?)"""|"([^"\n]*)"', "\n".join(f.read_text() for f in folder.glob("*.py")), re.DOTALL)
    words = re.compile(r"\s*\(?\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|BEGIN|SAVEPOINT|WITH RECURSIVE|unnest\()")
    found = [text for pair in strings for text in pair if words.match(text)]
    return "\n".join([*found, FIRST_OF_ALL, *(statement for steps in MIGRATIONS for statement in steps)])


def test_only_widely_spoken_sql_is_used() -> None:
    """Nothing is used that CockroachDB or YugabyteDB lack; the list of what is used is complete."""
    sql = texts_of_sql()
    assert len(sql) > 8000, "the texts were found"
    assert NOT_EVERYWHERE.findall(sql) == []
    patterns = {
        "BEGIN ISOLATION LEVEL": r"BEGIN ISOLATION LEVEL",
        "CROSS JOIN LATERAL": r"LATERAL",
        "DELETE USING": r"DELETE FROM [\w ]+ USING",
        "ON CONFLICT DO NOTHING": r"DO NOTHING",
        "ON CONFLICT DO UPDATE": r"DO UPDATE",
        "PARTIAL INDEX": r"CREATE (UNIQUE )?INDEX [^\n]* WHERE",
        "ROW COMPARISON": r"\([\w.]+, [\w.]+\) (>|<|<=) \(",
        "UNNEST OF SEVERAL ARRAYS": r"unnest\(%\(\w+\)s::\w+\[\],",
        "UPDATE FROM": r"UPDATE \w+ AS \w\s+SET .*?FROM",
    }
    for feature in USED:
        assert re.search(patterns.get(feature, feature), sql, re.DOTALL), f"{feature} is not used: take it off the list"
    every = set(re.findall(r"\b(BIGINT|INTEGER|TEXT|BYTEA|BOOLEAN|JSONB?|NUMERIC|UUID|TIMESTAMPTZ|SERIAL)\b", sql))
    assert every <= {"BIGINT", "INTEGER", "TEXT", "BYTEA", "BOOLEAN"}


def test_every_key_leads_with_the_shop() -> None:
    """Every primary key and every index begins with the shop, so that a shop's rows stay together when distributed."""
    statements = [statement for steps in MIGRATIONS for statement in steps]
    keys = re.findall(r"PRIMARY KEY \((\w+)", "\n".join(statements)) + [
        found[1] for statement in statements if (found := re.search(r"INDEX .* ON \w+ \((\w+)", statement))
    ]
    assert len(keys) > len(TABLES)
    assert set(keys) == {"shop"}


@contextmanager
def every_statement() -> Iterator[set[str]]:
    """Collect the text of every statement that is sent."""
    seen: set[str] = set()
    send = Journeys.send

    def listening(self: Journeys, queries: Sequence[Query]) -> Sequence[Result]:
        seen.update(query.sql for query in queries)
        return send(self, queries)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journeys, "send", listening)
        yield seen


BY_KEY = re.compile(r"(UPDATE|DELETE FROM) omni_(documents|index|journal|entries)|SELECT d.version")
"""What changes rows that are named by their keys."""


def test_no_statement_reads_a_whole_table(database: postgres.Postgres, fresh_postgres: str) -> None:
    """Every statement finds its rows by an index, and what changes rows by key reads no other row of the shop.

    That holds of plans made while the tables are small and were never analysed, because those are kept as they grow.
    """
    from omnicore.testing import check_store  # noqa: PLC0415 - for its steps only

    class Kept(postgres.Postgres):
        def close(self) -> None:
            """Stay open."""

    with every_statement() as seen:
        check_store(lambda: Kept(database._pool), examples=3)
    assert len(seen) > 30
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_hashjoin = off")
        connection.execute("SET enable_mergejoin = off")
        for number, sql in enumerate(sorted(seen)):
            if not re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", sql) or "set_config" in sql:
                continue
            names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
            text = re.sub(r"%\((\w+)\)s", lambda found, names=names: f"${names.index(found[1]) + 1}", sql)  # type: ignore[misc] # bound early
            connection.execute(f"PREPARE each{number} AS {text}".encode())
            plan = connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}".encode(), prepare=False).fetchall()
            told = "\n".join(row[0] for row in plan)
            assert not re.search(r"Seq Scan on omni_", told), f"{sql}\n{told}"
            if BY_KEY.search(sql):
                assert not re.search(r"Index Cond: \(shop = \$\d+\)$", told, re.MULTILINE), f"{sql}\n{told}"
            assert sql != document_rows._TAKE or "hashed SubPlan" in told, f"each row is compared with each\n{told}"
