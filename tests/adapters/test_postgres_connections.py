"""Does PostgreSQL hold where servers restart, hosts lend their pools, and processes fork?"""

import os
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from omnicore import Host
from omnicore.adapters import postgres
from omnicore.adapters.postgres import database as database_module
from omnicore.adapters.postgres.errors import refuse
from omnicore.adapters.postgres.journey import Journeys
from omnicore.adapters.postgres.wire import COMMIT, ROLLBACK, Query, Result
from omnicore.kernel.errors import Conflict, InDoubt, Malformed
from omnicore.kernel.ledger import Account
from omnicore.kernel.records import Put
from omnicore.testing.postgres_server import server
from tests.adapters.postgres_writers import NOW, SECRET, UNIT, batch, on_hand, receipt, receive


@pytest.fixture
def database(fresh_postgres: str) -> Iterator[postgres.Postgres]:
    """Give an empty database."""
    opened = postgres.open(fresh_postgres, migrate=True)
    yield opened
    opened.close()


def test_a_restarted_server_is_found_again() -> None:
    """After a crash of the server the next command succeeds, and everything that was answered is there."""
    with server(fsync=True) as own:
        shop = Host(postgres.open(own.fresh(), migrate=True), secret=SECRET)
        shop.run(receive(name="before"), command="before")
        own.crash()
        with pytest.raises(Conflict):
            shop.run(receive(name="meanwhile"), command="meanwhile")
        own.start()
        shop.run(receive(name="meanwhile"), command="meanwhile")
        assert shop.run(on_hand()) == 2
        assert not shop.verify().differences
        shop.close()


def test_a_commit_without_an_answer_is_in_doubt(
    database: postgres.Postgres, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection lost during COMMIT is told as such, and nothing is assumed."""
    commit = database_module.Session.commit

    def cut(self: database_module.Session) -> None:
        assert self._connection is not None
        with psycopg.connect(fresh_postgres, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (self._connection.info.backend_pid,))
        commit(self)

    monkeypatch.setattr(database_module.Session, "commit", cut)
    with pytest.raises(InDoubt), database.writing("main") as store:
        store.write(batch("b", receipt("r", "node/a/on-hand")))
    monkeypatch.undo()
    with database.reading("main") as seen:
        assert seen.balances([Account(UNIT, "node/a/on-hand")], NOW)[Account(UNIT, "node/a/on-hand")].posted == 0


class HostPool:
    """A host's own pool of one connection, with the host's own habits."""

    def __init__(self, conninfo: str) -> None:
        self.connection: psycopg.Connection[Any] = psycopg.connect(conninfo, row_factory=dict_row)
        self.lent = 0

    def getconn(self) -> psycopg.Connection[Any]:
        self.lent += 1
        return self.connection

    def putconn(self, conn: psycopg.Connection[Any]) -> None:
        assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        self.lent -= 1


def test_a_hosts_own_pool_keeps_its_habits(fresh_postgres: str) -> None:
    """A pool of the host's lends connections and gets them back as they were: its rows, its transactions, its plans."""
    postgres.migrate(fresh_postgres)
    pool = HostPool(fresh_postgres)
    shop = Host(postgres.open(pool), secret=SECRET)
    for turn in range(8):
        shop.run(receive(name=f"r{turn}"), command=f"r{turn}")
        # A host's ROLLBACK makes psycopg discard everything prepared on the connection, ours too.
        pool.connection.execute("SELECT 1 AS one")
        pool.connection.rollback()
    assert shop.run(on_hand()) == 8
    assert pool.lent == 0
    assert not pool.connection.autocommit
    shown = pool.connection.execute("SHOW enable_seqscan").fetchone()
    assert shown == {"enable_seqscan": "on"}
    pool.connection.close()


def test_a_fork_opens_connections_of_its_own(database: postgres.Postgres) -> None:
    """A process that forks shares no connection with its child, and both go on."""
    shop = Host(database, secret=SECRET)
    shop.run(receive(name="parent"))
    child = os.fork()
    if not child:
        try:
            shop.run(receive(name="child"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    shop.run(receive(name="parent again"))
    assert shop.run(on_hand()) == 3


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_no_database_takes_is_malformed(database: postgres.Postgres, text: str) -> None:
    """Text that UTF-8 cannot write, or that ends inside, is refused, and the transaction goes on."""
    put = Put(kind="k", key="n", expected=0, schema=1, body=text)
    with database.writing("main") as store:
        with pytest.raises(Malformed):
            store.write(batch("b", changes=(put,)))
        store.write(batch("c", receipt("r", "node/a/on-hand")))
    with database.reading("main") as seen:
        assert seen.load("k", ["n"]) == {}


def test_text_is_kept_as_it_was_written(fresh_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is kept as written where the environment speaks Shift JIS; a host's connection that does is refused."""
    monkeypatch.setenv("PGCLIENTENCODING", "SJIS")
    own = postgres.open(fresh_postgres, migrate=True)
    with own.writing("main") as store:
        store.write(batch("b", changes=(Put(kind="k", key="n", expected=0, schema=1, body="山田é"),)))
    own.close()
    pool = HostPool(fresh_postgres)
    with pytest.raises(postgres.CannotOpen):
        postgres.open(pool)
    with pytest.raises(postgres.CannotOpen), postgres.joined(pool.connection).writing("main"):
        pass
    pool.connection.close()
    with psycopg.connect(fresh_postgres, client_encoding="UTF8") as told:
        assert told.execute("SELECT body FROM omni_documents").fetchall() == [("山田é",)]


def test_an_interrupted_rollback_is_never_committed(
    database: postgres.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while a transaction is undone leaves nothing behind that the next transaction would commit."""
    send = Journeys.send

    def interrupted(self: Journeys, queries: Sequence[Query]) -> Sequence[Result]:
        if queries[-1] is ROLLBACK:
            raise KeyboardInterrupt
        return send(self, queries)

    def undone() -> None:
        with database.writing("main") as store:
            store.write(batch("undone", receipt("undone", "node/a/on-hand")))
            raise LookupError

    monkeypatch.setattr(Journeys, "send", interrupted)
    with pytest.raises(KeyboardInterrupt):
        undone()
    monkeypatch.undo()
    with database.writing("main") as store:
        store.write(batch("done", receipt("done", "node/b/on-hand")))
    with database.reading("main") as seen:
        assert seen.balances([Account(UNIT, "node/a/on-hand")], NOW)[Account(UNIT, "node/a/on-hand")].posted == 0


def test_a_refusing_database_shows_nobodys_data(database: postgres.Postgres, fresh_postgres: str) -> None:
    """Where the database itself refuses a row, what is told and logged of it does not hold the row."""
    with psycopg.connect(fresh_postgres) as connection:
        connection.execute("ALTER TABLE omni_documents ADD CONSTRAINT hosts_own CHECK (length(body) < 5)")
    put = Put(kind="k", key="n", expected=0, schema=1, body="canary")
    with pytest.raises(AssertionError, match="hosts_own") as refused, database.writing("main") as store:
        store.write(batch("b", changes=(put,)))
    assert "canary" not in "".join(traceback.format_exception(refused.value))


def test_a_server_that_does_not_know_is_in_doubt(database: postgres.Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that cannot tell whether COMMIT happened leaves the caller in doubt; nothing is tried again blindly."""
    send = Journeys.send

    def ambiguous(self: Journeys, queries: Sequence[Query]) -> Sequence[Result]:
        results = send(self, queries)
        if queries[-1] is COMMIT:
            refuse(psycopg.errors.StatementCompletionUnknown("result is ambiguous"))
        return results

    monkeypatch.setattr(Journeys, "send", ambiguous)
    with pytest.raises(InDoubt), database.writing("main") as store:
        store.write(batch("b", receipt("r", "node/a/on-hand")))


def test_a_hosts_own_statements_leave_nothing_on_the_server(database: postgres.Postgres) -> None:
    """Statements of a host's own are not prepared: their texts may never come again, and would stay for ever."""
    counted = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE :like"
    with database.writing("main") as store:
        for number in range(5):
            assert store.sql(f"SELECT {number} + :more::bigint", more=1) == [(number + 1,)]
        store.commands(["k"])
        assert store.sql(counted, like="SELECT _ + %") == [(0,)]
        assert store.sql(counted, like="%omni_commands%") == [(1,)]
