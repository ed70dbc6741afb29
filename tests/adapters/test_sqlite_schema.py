"""To whom does a database file belong, and how does an older one come forward?"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from omnicore.adapters import sqlite
from omnicore.adapters.sqlite.schema import WANTED
from omnicore.cli import main
from omnicore.kernel.records import Put
from omnicore.kernel.store import Batch
from omnicore.kernel.time import Instant

OLD = Path(__file__).with_name("schema_1.sql")
PUT = Put(kind="k", key="a", expected=0, schema=1, body="{}")
SCHEMA = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT IN ('blog', 'sqlite_sequence') ORDER BY name"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for a database file."""
    return tmp_path / "host.db"


@pytest.fixture
def blog(path: Path) -> Iterator[sqlite3.Connection]:
    """Give another application's connection to its own file, with a table and marks of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE blog (post TEXT)")
    connection.execute("PRAGMA application_id = 7")
    connection.execute("PRAGMA user_version = 40")
    connection.execute("INSERT INTO blog VALUES ('hello')")
    yield connection
    connection.close()


def marks(connection: sqlite3.Connection) -> list[object]:
    """Give what an application may say of its own file."""
    names = ("application_id", "user_version", "journal_mode")
    return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]


def keep(path: Path) -> None:
    """Store a document and read it back."""
    database = sqlite.open(path)
    with database.writing("shop") as store:
        store.write(Batch(id="b", at=Instant(1), by="x", changes=(PUT,)))
    with database.reading("shop") as store:
        assert list(store.load("k", ["a"])) == ["a"]
    database.close()


def test_tables_beside_a_hosts_own(path: Path, blog: sqlite3.Connection) -> None:
    """Our tables go into a host's own file when it asks for it, and leave its rows, marks and journal mode alone."""
    before = marks(blog)
    with pytest.raises(sqlite.ForeignDatabase):
        sqlite.migrate(path)
    assert sqlite.migrate(path, beside=True) == WANTED
    assert sqlite.migrate(path, beside=True) == sqlite.migrate(path) == 0
    keep(path)
    assert marks(blog) == before == [7, 40, "delete"]
    assert blog.execute("SELECT post FROM blog").fetchall() == [("hello",)]


def test_a_host_may_change_its_own_marks(path: Path, blog: sqlite3.Connection) -> None:
    """A host that counts its own migrations in its own file does not disturb ours."""
    sqlite.migrate(path, beside=True)
    blog.execute("PRAGMA user_version = 41")
    keep(path)
    assert sqlite.migrate(path) == 0
    assert marks(blog)[:2] == [7, 41]


@pytest.mark.parametrize(("number", "hint"), [(WANTED + 1, "newer omnicore"), (None, "omnicore migrate --beside")])
def test_a_host_file_at_another_schema_is_refused(
    path: Path, blog: sqlite3.Connection, number: int | None, hint: str
) -> None:
    """Tables of ours that are newer, or not all there, are refused in a host's file as in one of ours."""
    sqlite.migrate(path, beside=True)
    blog.execute("PRAGMA ignore_check_constraints = ON")
    blog.execute("UPDATE omni_schema SET number = ?", [1 if number is None else number])
    with pytest.raises(sqlite.SchemaDiffers, match=hint):
        sqlite.open(path)


def test_a_schema_1_file_comes_forward(path: Path) -> None:
    """A file that the first release made is refused until it is migrated, keeps its rows, and equals a new one."""
    with closing(sqlite3.connect(path)) as old:
        old.executescript(OLD.read_text("utf-8"))
        old.execute("INSERT INTO omni_documents VALUES ('shop', 'k', 'old', 1, 1, '{}')")
        old.commit()
    with pytest.raises(sqlite.SchemaDiffers, match="has schema 1, this omnicore needs"):
        sqlite.open(path)
    assert sqlite.migrate(path) == WANTED - 1
    keep(path)
    fresh = path.with_name("fresh.db")
    sqlite.migrate(fresh)
    with closing(sqlite3.connect(path)) as ours, closing(sqlite3.connect(fresh)) as theirs:
        assert ours.execute("SELECT key FROM omni_documents ORDER BY key").fetchall() == [("a",), ("old",)]
        assert ours.execute(SCHEMA).fetchall() == theirs.execute(SCHEMA).fetchall()
        assert marks(ours) == marks(theirs)


def test_the_first_release_knows_that_a_file_is_too_new_for_it(path: Path) -> None:
    """A file of ours still says in its own marks which schema it has, so an older omnicore refuses it by number."""
    sqlite.migrate(path)
    with closing(sqlite3.connect(path)) as ours:
        assert marks(ours) == [int.from_bytes(b"omni", "big"), WANTED, "wal"]


def test_the_printed_migration_for_a_host(
    path: Path, blog: sqlite3.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever runs the printed script in a host's file gets what `omnicore migrate --beside` makes."""
    other = path.with_name("other.db")
    assert main(["migrate", "--beside", str(other)]) == 0
    assert main(["migrate", "--beside", "--sql"]) == 0
    script = capsys.readouterr().out.split("\n", 1)[1]
    assert script.rstrip() == sqlite.migration_sql(beside=True).rstrip()
    blog.executescript(script)
    keep(path)
    with closing(sqlite3.connect(other)) as theirs:
        assert blog.execute(SCHEMA).fetchall() == theirs.execute(SCHEMA).fetchall()
        assert marks(theirs) == [0, 0, "delete"]
