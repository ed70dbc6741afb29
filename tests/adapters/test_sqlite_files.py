"""What becomes of a database file: opened, refused, killed, forked, erased?"""

import os
import random  # noqa: TID251 - seeded, to draw a history
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from omnicore.adapters import sqlite
from omnicore.adapters.sqlite.database import MAX_IDLE_READERS
from omnicore.adapters.sqlite.schema import APPLICATION_ID, WANTED
from omnicore.kernel.errors import Conflict, Malformed, Refused
from omnicore.kernel.ledger import Account, Post
from omnicore.kernel.records import Drop, IndexRow, Put, span
from omnicore.kernel.store import Batch
from omnicore.kernel.time import Instant

NOW = Instant(1_000_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a database file."""
    return tmp_path / "shop.db"


@pytest.fixture
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """Give another program's connection to the file."""
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def refused(path: Path, *, migrate: bool = False) -> Refused:
    """Give the refusal to open a file; the file is left as it was."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(Refused) as refusal:
        sqlite.open(path, migrate=migrate, busy_timeout_ms=10)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert "\n" not in str(refusal.value)
    return refusal.value


# ------------------------------------------------------------------------------------------------------------- opening


def test_opening_never_makes_a_database(path: Path) -> None:
    """A path where there is nothing, or a folder, is refused and nothing is created."""
    assert isinstance(refused(path), sqlite.CannotOpen)
    assert not path.exists()
    assert isinstance(refused(path.parent), sqlite.CannotOpen)
    assert isinstance(refused(path.parent, migrate=True), sqlite.CannotOpen)


@pytest.mark.parametrize("migrate", [False, True])
def test_a_file_that_is_no_database_is_refused(path: Path, *, migrate: bool) -> None:
    """A spreadsheet given for a database is refused by name."""
    path.write_text("sku,quantity\n" * 100, encoding="ascii")
    refusal = refused(path, migrate=migrate)
    assert isinstance(refusal, sqlite.NotADatabase)
    assert refusal.code == "sqlite.not_a_database"
    assert str(refusal) == "shop.db is no SQLite database, or is damaged"


@pytest.mark.parametrize("migrate", [False, True])
@pytest.mark.parametrize("statement", ["CREATE TABLE blog (post TEXT)", "PRAGMA application_id = 7"])
def test_a_foreign_database_is_refused(path: Path, raw: sqlite3.Connection, statement: str, *, migrate: bool) -> None:
    """Another application's database is refused, and not even migrated on request."""
    raw.execute(statement)
    refusal = refused(path, migrate=migrate)
    assert isinstance(refusal, sqlite.ForeignDatabase)
    assert str(refusal) == "shop.db is the database of another application"


def test_an_older_database_is_migrated_only_on_request(path: Path, raw: sqlite3.Connection) -> None:
    """A database without our tables is refused by its schema number, until migrating is asked for."""
    path.touch()
    refusal = refused(path)
    assert isinstance(refusal, sqlite.SchemaDiffers)
    assert refusal.facts == {"file": "shop.db", "found": 0, "wanted": WANTED}
    assert "omnicore migrate" in str(refusal)
    assert sqlite.migrate(path) == WANTED
    assert sqlite.migrate(path) == 0
    sqlite.open(path).close()
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("migrate", [False, True])
def test_a_newer_database_is_refused(path: Path, raw: sqlite3.Connection, *, migrate: bool) -> None:
    """A database that a newer omnicore has migrated is refused, never taken back."""
    raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    raw.execute(f"PRAGMA user_version = {WANTED + 1}")
    refusal = refused(path, migrate=migrate)
    assert isinstance(refusal, sqlite.SchemaDiffers)
    assert "install a newer omnicore" in str(refusal)


@pytest.mark.parametrize("migrate", [False, True])
def test_a_locked_database_may_be_tried_again(path: Path, raw: sqlite3.Connection, *, migrate: bool) -> None:
    """A database that another program keeps locked gives a conflict after the timeout, not before and no crash."""
    raw.execute("CREATE TABLE t (x)")
    raw.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Conflict, match="database"):
        sqlite.open(path, migrate=migrate, busy_timeout_ms=10)


def test_settings_are_checked(path: Path) -> None:
    """A durability that would lose orders, or a timeout that is no number, is refused."""
    with pytest.raises(Malformed, match=r"\$\.synchronous"):
        sqlite.open(path, migrate=True, synchronous="OFF")
    with pytest.raises(Malformed, match=r"\$\.busy_timeout_ms"):
        sqlite.open(path, migrate=True, busy_timeout_ms=-1)
    database = sqlite.open(path, migrate=True)
    with database.writing("shop") as store:
        connection = store._statements._connection
        found = {name: connection.execute(f"PRAGMA {name}").fetchall()[0][0] for name in (
            "synchronous", "foreign_keys", "secure_delete", "journal_mode", "busy_timeout")}  # fmt: skip
    assert found == {
        "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "journal_mode": "wal", "busy_timeout": 5000
    }  # fmt: skip
    database.close()


def test_the_printed_migration_is_the_migration(path: Path, raw: sqlite3.Connection, tmp_path: Path) -> None:
    """Whoever runs the printed script in their own tool gets the very database that we would have made."""
    raw.executescript(sqlite.migration_sql())
    sqlite.open(path).close()
    sqlite.migrate(tmp_path / "ours.db")
    ours = sqlite3.connect(tmp_path / "ours.db")
    schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    assert raw.execute(schema).fetchall() == ours.execute(schema).fetchall()
    ours.close()


def test_a_database_in_memory_is_ready() -> None:
    """A database in memory needs no migration and works for several shops and threads of one process."""
    database = sqlite.open(":memory:")
    with database.writing("shop") as store:
        store.write(Batch(id="b", at=NOW, by="x", changes=(Put(kind="k", key="a", expected=0, schema=1, body="{}"),)))
    with database.reading("shop") as store:
        assert list(store.load("k", ["a"])) == ["a"]
    assert list(database.shops()) == ["shop"]
    database.compact()
    database.close()


# ------------------------------------------------------------------------------------------------------------- erasing


def test_what_is_erased_leaves_no_byte(path: Path) -> None:
    """Whatever was stored, changed and erased before, compacting leaves only what is still kept, and all of that."""
    draw = random.Random(2)  # noqa: S311 - draws examples; with this seed, secure_delete alone leaves a copy
    database = sqlite.open(path, migrate=True, synchronous="NORMAL")
    versions: dict[str, int] = {}
    kept: dict[str, bytes] = {}
    for turn in range(150):
        changes: list[Put | Drop] = []
        for key in draw.sample([f"k{number * 919 % 1000}" for number in range(300)], 20):
            if key in versions and draw.random() < 0.5:
                changes.append(Drop(kind="k", key=key, expected=versions.pop(key)))
                del kept[key]
                continue
            canary = f"<{key}:{turn}>"
            row = IndexRow(index="i", sort=canary.encode())
            body = canary * draw.choice([1, 3, 8, 30, 80, 400])
            changes.append(Put(kind="k", key=key, expected=versions.get(key, 0), schema=1, body=body, rows=(row,)))
            versions[key] = versions.get(key, 0) + 1
            kept[key] = canary.encode()
        with database.writing("shop") as store:
            store.write(Batch(id=str(turn), at=NOW, by="x", changes=tuple(changes)))
    assert canaries(path) > set(kept.values())
    database.compact()
    assert canaries(path) == set(kept.values())
    database.close()


def canaries(path: Path) -> set[bytes]:
    """Find every canary in the bytes on disk."""
    return set(re.findall(rb"<k\d+:\d+>", path.read_bytes() + Path(f"{path}-wal").read_bytes()))


def test_compacting_waits_for_readers(path: Path) -> None:
    """While a question still needs the log, compacting says so instead of pretending."""
    database = sqlite.open(path, migrate=True, busy_timeout_ms=10)
    with database.reading("shop"):
        with database.writing("shop") as store:
            store.write(Batch(id="b", at=NOW, by="x", changes=(Put(kind="k", key="a", expected=0, schema=1, body=""),)))
        with pytest.raises(Conflict, match="database"):
            database.compact()
    database.compact()
    database.close()


# ----------------------------------------------------------------------------------------------- processes that die

_SETUP = """
import os, signal, sys
from omnicore.adapters import sqlite
from omnicore.kernel.journal import Envelope
from omnicore.kernel.ledger import Hold, Post
from omnicore.kernel.records import IndexRow, Put
from omnicore.kernel.store import Batch, Command
from omnicore.kernel.time import Instant

path, now = sys.argv[1], Instant(1_000_000)

def receive(name):
    return Post(id=name, unit="u", source="world/supplier", target="node/a", amount=5, fact=True)

order = Batch(
    id="b", at=now, by="x",
    changes=(Put(kind="k", key="a", expected=0, schema=1, body="{}", rows=(IndexRow(index="i", sort=b"1"),)),),
    moves=(receive("more"), Hold(id="h", unit="u", source="node/a", target="world/customer", amount=7)),
    envelopes=(Envelope(id="e", type="t", about="a", at=now, by="x", command=None, data="{}"),),
    commands=(Command(key="c", request="", answer="", at=now),),
)
"""

_KILLED = """
def run(die_at):
    database, step = sqlite.open(path), 0
    with database.writing("shop") as store:
        def trace(statement):
            nonlocal step
            step += 1
            if step == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
        store._statements._connection.set_trace_callback(trace)
        store.write(order)
    os._exit(0)

with sqlite.open(path, migrate=True).writing("shop") as store:
    store.write(Batch(id="first", at=now, by="x", moves=(receive("first"),)))
del store
for die_at in range(1, 100):
    child = os.fork() or run(die_at)
    died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    database = sqlite.open(path)
    with database.reading("shop") as store:
        rows = (len(store.load("k", ["a"])), len(store.holds(["h"])), len(store.commands(["c"])))
        verified = store.verify([])
    print(died, *rows, verified.entries, verified.events, len(verified.differences))
    database.close()
    if died == 0:
        break
"""

_FORKED = """
database = sqlite.open(path, migrate=True)
def receives(name):
    with database.writing("shop") as store:
        store.write(Batch(id=name, at=now, by="x", moves=(receive(name),)))
    with database.reading("shop") as store:
        return store.verify([]).entries
print(receives("first"))
carried = database._connections.writer
child = os.fork()
if not child:
    os._exit(receives("in the child") if database._own().writer is not carried else 99)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(receives("in the parent"))
try:
    with database.writing("shop") as store:
        store.write(Batch(id="late", at=now, by="x", moves=(receive("late"),)))
        if child := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
except AssertionError:
    os._exit(9)
if not child:
    os._exit(98)
print(receives("last"))
"""


def run(script: str, path: Path) -> list[list[int]]:
    """Run a script over a database file in a process of its own; the numbers it prints."""
    command = [sys.executable, "-c", _SETUP + script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    return [[int(number) for number in line.split()] for line in done.stdout.splitlines()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_process_leaves_all_or_nothing(path: Path) -> None:
    """A process killed before any statement of an order leaves nothing of it, and the file opens as if nothing was."""
    *killed, finished = run(_KILLED, path)
    assert len(killed) >= 10
    assert {tuple(line) for line in killed} == {(-9, 0, 0, 0, 1, 0, 0)}
    assert finished == [0, 1, 1, 1, 2, 1, 0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_opens_anew(path: Path) -> None:
    """A worker that was forked from a running shop works beside it, on connections of its own."""
    assert run(_FORKED, path) == [[1], [2], [3], [9], [5]]


# ------------------------------------------------------------------------------------------------------------- reopened


def test_everything_is_there_after_a_restart(path: Path) -> None:
    """A shop that is closed and opened again answers as before, and counts on from where it stood."""
    account = Account("u", "node/a")
    for turn in range(3):
        database = sqlite.open(path, migrate=turn == 0)
        move = Post(id=f"m{turn}", unit="u", source="world/supplier", target="node/a", amount=2)
        put = Put(kind="k", key="a", expected=turn, schema=1, body=str(turn))
        with database.writing("shop") as store:
            store.write(Batch(id=f"b{turn}", at=NOW, by="x", moves=(move,), changes=(put,)))
            store.number(5)
        database.close()
    with (database := sqlite.open(path)).reading("shop") as store:
        assert store.balances([account], NOW)[account].posted == 6
        assert [entry.position for entry in store.entries(account)] == [1, 2, 3]
        assert store.load("k", ["a"])["a"].version == 3
        assert store.find(span("k", "none")).documents == ()
    database.close()


# ------------------------------------------------------------------------------------------------------- when it fails


def receive(name: str, *, hold: str | None = None) -> tuple[str, list[tuple[str, str | None]]]:
    """Make the raw statement that receives a unit, for a hold that may not exist."""
    columns = "INSERT INTO omni_entries (shop, id, unit, source, target, amount, at, fact, hold)"
    return f"{columns} VALUES ('shop', ?, 'u', 'world/a', 'node/b', 1, 0, 0, ?)", [(name, hold)]


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that breaks half-way leaves the file without any of it."""
    monkeypatch.setattr(
        "omnicore.adapters.sqlite.files.migration_steps", lambda **_: ("CREATE TABLE a (x)", "NONSENSE")
    )
    with pytest.raises(sqlite3.OperationalError, match="NONSENSE"):
        sqlite.migrate(path)
    monkeypatch.undo()
    assert sqlite.migrate(path) == WANTED


def test_a_commit_that_fails_is_rolled_back(path: Path) -> None:
    """What cannot be committed is gone, and the next order can be written."""
    database = sqlite.open(path, migrate=True)

    def spoil() -> None:
        with database.writing("shop") as store:
            store._statements._connection.execute("PRAGMA defer_foreign_keys = ON")
            store._statements.many(*receive("m", hold="nobody"), about="never")

    with pytest.raises(AssertionError, match="FOREIGN KEY"):
        spoil()
    with database.writing("shop") as store:
        assert store.verify([]).entries == 0
        store._statements.many(*receive("m"), about="never")
    with database.reading("shop") as store:
        assert (store.verify([]).entries, store.holds([]), store.commands([])) == (1, {}, {})
    database.close()


def test_a_full_disk_is_the_hosts_trouble(path: Path) -> None:
    """A disk that is full is told as it is, and leaves nothing half-written."""
    database = sqlite.open(path, migrate=True)
    put = Put(kind="k", key="a", expected=0, schema=1, body="x" * 1_000_000)

    def fill() -> None:
        with database.writing("shop") as store:
            store._statements._connection.execute("PRAGMA max_page_count = 60")
            store.write(Batch(id="b", at=NOW, by="x", changes=(put,)))

    with pytest.raises(sqlite3.OperationalError, match="full"):
        fill()
    with database.writing("shop") as store:
        store._statements._connection.execute("PRAGMA max_page_count = 10000")
        store.write(Batch(id="b", at=NOW, by="x", changes=(put,)))
    database.close()


def test_many_questions_at_once_keep_few_connections(path: Path) -> None:
    """Any number of questions can be asked at the same time; afterwards only a few connections stay open."""
    database = sqlite.open(path, migrate=True)
    with ExitStack() as questions:
        for _ in range(MAX_IDLE_READERS + 3):
            questions.enter_context(database.reading("shop"))
    assert len(database._connections._idle) == MAX_IDLE_READERS
    database.close()


def test_compacting_waits_for_another_writer(path: Path) -> None:
    """Compacting while another process writes gives a conflict and harms nothing."""
    ours, theirs = (sqlite.open(path, migrate=True, busy_timeout_ms=10) for _ in range(2))
    with theirs.writing("shop") as store:
        with pytest.raises(Conflict, match="database"):
            ours.compact()
        store.write(Batch(id="b", at=NOW, by="x", changes=(Put(kind="k", key="a", expected=0, schema=1, body=""),)))
    ours.compact()
    with ours.reading("shop") as store:
        assert list(store.load("k", ["a"])) == ["a"]
    ours.close()
    theirs.close()
