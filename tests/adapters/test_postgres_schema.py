"""Are the tables judged before they are used, guarded by rights, and written in SQL that others speak too?"""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from omnicore import Host
from omnicore.adapters import postgres
from omnicore.adapters.postgres import database as database_module
from omnicore.adapters.postgres import document_rows, journal_rows, opening, schema
from omnicore.adapters.postgres.journey import Journeys
from omnicore.adapters.postgres.opening import FOR_THE_SESSION
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


def settings_of(connection: psycopg.Connection[Any]) -> set[str]:
    """Give the planner's settings that are not as PostgreSQL has them."""
    names = ["plan_cache_mode", "enable_seqscan"]
    rows = connection.execute("SELECT name FROM pg_settings WHERE name = ANY (%s) AND setting <> boot_val", [names])
    return {name for (name,) in rows}


def test_the_planner_is_told_only_where_it_listens(fresh_postgres: str) -> None:
    """Settings of the planner are made on PostgreSQL, and not on a server that says it is CockroachDB, which has none.

    A server that calls itself so is stood in for by one that has that parameter under another name; told the same
    without asking what it is, it refuses.
    """
    elsewhere = FOR_THE_SESSION.replace("enable_seqscan", "no_such_setting")
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.UndefinedObject):
            connection.execute(elsewhere.encode())
        connection.execute(elsewhere.replace("crdb_version", "server_version").encode())
        assert settings_of(connection) == set()
        connection.execute(FOR_THE_SESSION.encode())
        assert len(settings_of(connection)) == 2


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


def test_no_statement_reads_a_whole_table(database: postgres.Postgres, fresh_postgres: str) -> None:
    """Every statement finds its rows by their whole key, as the server itself plans it before it knows any sizes."""
    from omnicore.testing import check_store  # noqa: PLC0415 - for its steps only

    class Kept(postgres.Postgres):
        def close(self) -> None:
            """Stay open."""

    with every_statement() as seen:
        check_store(lambda: Kept(database._pool), examples=3)
    assert len(seen) > 30
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute(FOR_THE_SESSION.encode())
        for number, sql in enumerate(sorted(seen)):
            if not re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", sql) or "set_config" in sql:
                continue
            names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
            text = re.sub(r"%\((\w+)\)s", lambda found, names=names: f"${names.index(found[1]) + 1}", sql)  # type: ignore[misc] # bound early
            connection.execute(f"PREPARE each{number} AS {text}".encode())
            plan = connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}".encode(), prepare=False).fetchall()
            told = "\n".join(row[0] for row in plan)
            assert not re.search(r"Seq Scan on omni_", told), f"{sql}\n{told}"
            assert sql != document_rows._TAKE or "hashed SubPlan" in told, f"each row is compared with each\n{told}"


def plan_of(connection: psycopg.Connection[Any], sql: str) -> str:
    """Give the plan that a statement gets on our connections."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    text = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", sql)
    rows = connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}".encode(), prepare=False).fetchall()
    return "\n".join(row[0] for row in rows)


WHOLE = (
    "FROM omni_heads",
    "UPDATE omni_heads",
    "FROM omni_journal WHERE shop = %(shop)s AND position IS NULL",
    "FROM omni_entries WHERE shop = %(shop)s AND position IS NULL",
    "SELECT count(*) FROM omni_journal",
)
"""What reads all there is of a shop: its one head, what waits for a number, and the audit's count."""


def reading_a_shop(connection: psycopg.Connection[Any], statements: Iterable[str]) -> list[str]:
    """Give the statements that find rows by the shop alone, with tables as they are now."""
    by_shop = re.compile(r"Index Cond: \(shop = \$\d+\)$", re.MULTILINE)
    return [
        sql
        for sql in sorted(statements)
        if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", sql)
        and "set_config" not in sql
        and not any(known in sql for known in WHOLE)
        and by_shop.search(plan_of(connection, sql))
    ]


def test_a_plan_made_while_tables_are_young_holds_when_they_have_grown(fresh_postgres: str) -> None:
    """Every statement finds its rows by their names, also planned on empty tables, as the first one of a shop is.

    Where nothing keeps the planner from turning a look-up for each name round, it reads all of a young shop's rows, and
    keeps to it for as long as a connection lives.
    """
    from omnicore.testing import check_store  # noqa: PLC0415 - for its steps only

    database = postgres.open(fresh_postgres, migrate=True)
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute(FOR_THE_SESSION.encode())
        broken = document_rows._LOAD_KINDS.replace("OFFSET 0", "")
        assert reading_a_shop(connection, [broken]) == [broken]

        class Kept(postgres.Postgres):
            def close(self) -> None:
                """Stay open."""

        with every_statement() as seen:
            check_store(lambda: Kept(database._pool), examples=1)
        database.close()
        connection.execute("TRUNCATE " + ", ".join(f"omni_{table}" for table in TABLES))
        assert len(seen) > 30
        assert reading_a_shop(connection, seen) == []


def fill(connection: psycopg.Connection[Any]) -> None:
    """Lay down what has been numbered, and let the server take stock of it."""
    connection.execute(
        "INSERT INTO omni_journal (shop, id, type, about, at, by, data, position, chain)"
        " SELECT 'main', n, 't', 'a', 1, 'b', 'd', n, 'c' FROM generate_series(1, 5000) AS n"
    )
    connection.execute(
        "INSERT INTO omni_entries (shop, id, unit, source, target, amount, at, fact, position)"
        " SELECT 'main', n, 'u', 's', 't', 1, 1, TRUE, n FROM generate_series(1, 5000) AS n"
    )
    connection.execute("VACUUM ANALYZE omni_journal")
    connection.execute("VACUUM ANALYZE omni_entries")


def test_numbering_costs_the_same_however_much_waits(fresh_postgres: str) -> None:
    """Rows are numbered by their names, whether the tables were empty when the plan was made or nothing was waiting.

    A statement that asks for rows without a position is given the index of those, and reads all that wait for each.
    """
    postgres.migrate(fresh_postgres)
    statements = (journal_rows._NUMBER, journal_rows._NUMBER_ENTRIES)
    asking = [
        re.sub(r"(\w)\.id = ANY .* AND (\w\.id = n\.id) AND .*", r"\2 AND \1.position IS NULL", sql)
        for sql in statements
    ]
    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
        connection.execute(FOR_THE_SESSION.encode())
        for state in ("empty", "nothing waits"):
            if state != "empty":
                fill(connection)
            for sql in statements:
                assert re.search(r"pkey.*\n.*Index Cond: .*\bid = ANY", plan_of(connection, sql)), state
            for sql in asking:
                assert "IS NULL" in sql
                assert "unnumbered" in plan_of(connection, sql), state
