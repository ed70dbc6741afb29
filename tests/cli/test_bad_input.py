"""Laws of the command line: what cannot be done is said in one line, with exit code 2, and nothing is half-written."""

import hashlib
import inspect
import io
import json
import os
import re
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from omnicore.cli import main, opening
from omnicore.cli.screen import Screen, padded, width
from omnicore.host import Host
from tests.cli.command import started
from tests.cli.naive_replay import export

GOOD = export([["1", "A", "T", "1", "2010-12-01 08:26:00", "1.00", "7", "UK"]])
MORE = export([["2", "A", "T", "1", "2010-12-01 08:26:00", "1.00", "8", "UK"]])
SHOPIFY = b"Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\ncup,Cup,Title,Default Title,CUP,3.00\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of good and bad files, and stand in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_bytes(GOOD)
    (tmp_path / "more.csv").write_bytes(MORE)
    (tmp_path / "products.csv").write_bytes(SHOPIFY)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "utf16.csv").write_bytes(GOOD.decode().encode("utf-16"))
    (tmp_path / "old-mac.csv").write_bytes(GOOD.replace(b"\r\n", b"\r"))
    (tmp_path / "binary").write_bytes(hashlib.sha512(b"x").digest() * 99)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert main(["replay", "good.csv", "--db", "shop.db"]) == 0
    with closing(sqlite3.connect("foreign.db")) as foreign:
        foreign.execute("CREATE TABLE theirs (x)")
    with closing(sqlite3.connect("foreign.db")) as theirs:
        theirs.execute("PRAGMA user_version = 3")
    Path("newer.db").write_bytes(Path("shop.db").read_bytes())
    with closing(sqlite3.connect("newer.db")) as newer:
        newer.execute("PRAGMA user_version = 99")
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    """Give every file of a folder with the hash of what is in it; what SQLite keeps beside a database is no file."""
    files = [each for each in folder.iterdir() if each.is_file() and not each.name.endswith(("-wal", "-shm"))]
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


FAILING = [
    "replay nothing.csv --db new.db",
    "replay good.csv nothing.csv --db new.db",
    "replay good.csv empty --db new.db",
    "replay good.csv products.csv --db shop.db",
    "replay folder",
    "replay pipe",
    "replay utf16.csv",
    "replay old-mac.csv",
    "replay binary --db shop.db",
    "replay good.csv --format nothing --db new.db",
    "replay more.csv --db foreign.db",
    "replay more.csv --db newer.db",
    "replay more.csv --db binary",
    "replay more.csv --db folder",
    "replay more.csv --db nothing/new.db",
    "replay more.csv --db=",
    "import-products nothing.csv --db new.db",
    "import-products binary --db new.db",
    "import-products empty --db new.db",
    "import-products good.csv --db new.db",
    "import-products folder",
    "import-products products.csv --currency XQX --db new.db",
    "import-products products.csv --db foreign.db",
    "import-products products.csv --db newer.db",
    "demo --db shop.db",
    "demo --db folder",
    "demo --db nothing/new.db",
    "verify nothing.db",
    "verify folder",
    "verify binary",
    "verify foreign.db",
    "verify newer.db",
    "migrate",
    "migrate foreign.db",
    "migrate newer.db",
    "migrate binary",
    "migrate folder",
    "migrate nothing/new.db",
    "diagram nothing",
    "verify two\nlines",
    "replay two\nlines",
]


@pytest.mark.usefixtures("folder")
def test_what_cannot_be_done_is_one_line_and_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad file, format or database is named in one line, exit code 2, and every file is as it was."""
    before = contents(folder)
    for words in FAILING:
        capsys.readouterr()
        assert main(words.split(" ")) == 2, words
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1), words
        assert said.err.startswith("omnicore: "), words
        assert "Traceback" not in said.err
        assert contents(folder) == before, words


@pytest.mark.parametrize("words", [[], ["nothing"], ["replay"], ["demo", "--lang", "fr"], ["replay", "a", "--nothing"]])
def test_a_command_that_is_none_is_told_how_to_be_one(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Words that are no command are answered with the usage, exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: omnicore")


@contextmanager
def locked(path: str, *, journal: str) -> Iterator[None]:
    """Hold a database's lock, as another program would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"PRAGMA journal_mode = {journal}")
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_locked_database_is_waited_for_and_then_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    """While another program holds the database a command waits its patience, says so, and has written nothing."""
    monkeypatch.setattr(opening, "_PATIENCE_MS", 5)
    with closing(sqlite3.connect("shop.db")) as before:
        rows = before.execute("SELECT count(*) FROM omni_documents").fetchone()
    with locked("shop.db", journal=journal):
        for words in ("replay more.csv --db shop.db", "import-products products.csv --db shop.db"):
            capsys.readouterr()
            assert main(words.split()) == 2
            said = capsys.readouterr()
            assert (said.out, said.err) == (
                "",
                "omnicore: shop.db: locked by another program; try again when it is done\n",
            )
    with closing(sqlite3.connect("shop.db")) as after:
        assert after.execute("SELECT count(*) FROM omni_documents").fetchone() == rows
    assert folder.exists()


def test_the_wait_for_a_lock_is_some_five_seconds() -> None:
    """Nobody waits for a lock longer than about six seconds in all: a host does not wait as long again."""
    patience = inspect.signature(Host).parameters["patience_seconds"].default
    assert 4 <= patience <= 6
    assert 4 <= opening._PATIENCE_MS / 1000 <= 6
    assert patience < 2 * opening._PATIENCE_MS / 1000, "a second wait does not fit"


@pytest.mark.usefixtures("folder")
def test_a_lock_that_is_let_go_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """A database that is locked for a moment is used when the moment is over."""
    held = sqlite3.connect("shop.db", isolation_level=None, check_same_thread=False)
    held.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.3, held.execute, ["ROLLBACK"])
    release.start()
    assert main(["replay", "more.csv", "--db", "shop.db", "--json"]) == 0
    release.join()
    held.close()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["orders"] == 2


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words", ["replay good.csv --db new.db", "demo --db new.db", "import-products products.csv --db new.db"]
)
def test_a_full_disk_is_one_line(words: str) -> None:
    """When the disk is full the command says so in one line, and the database it began is not left half-made."""
    small = 40_000
    process = started(words.split(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (small, small)))
    out, err = process.communicate()
    assert (process.returncode, out, err.count(b"\n")) == (2, b"", 1)
    assert b"new.db: the database cannot be read or written" in err
    assert not Path("new.db").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.usefixtures("folder")
def test_a_folder_that_may_not_be_written_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing may be written, a command says so in one line."""
    (folder / "folder").chmod(0o500)
    (folder / "more.csv").chmod(0)
    for words in ("replay good.csv --db folder/new.db", "demo --db folder/new.db", "replay more.csv"):
        capsys.readouterr()
        assert main(words.split()) == 2
        assert capsys.readouterr().err.count("\n") == 1
    (folder / "folder").chmod(0o700)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(unbuffered: str) -> None:
    """Piped into `head -1`, a command ends in silence."""
    process = started(["diagram"], env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), err) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written_is_one_line(unbuffered: str) -> None:
    """A report that cannot be written is not called a success."""
    with Path("/dev/full").open("wb") as full:
        process = started(
            ["replay", "good.csv", "--json"], stdout=full, env={**os.environ, "PYTHONUNBUFFERED": unbuffered}
        )
        _, err = process.communicate()
    assert (process.returncode, err.count(b"\n"), err.startswith(b"omnicore: ")) == (2, 1, True)


@pytest.mark.usefixtures("folder")
def test_an_interrupted_import_stops_quietly_and_can_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends an import with code 130 and no trace, and the next run finishes it."""
    lines = [[f"{n}", "A", "T", "1", "2010-12-01 08:26:00", "1.00", "7", "UK"] for n in range(4_000)]
    Path("long.csv").write_bytes(export(lines))
    # Whoever runs the tests in the background may have told them to ignore Ctrl-C; the command must not inherit that.
    process = started(
        ["replay", "long.csv", "--db", "long.db"], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    while not Path("long.db-wal").exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")
    capsys.readouterr()
    assert main(["replay", "long.csv", "--db", "long.db", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["orders"], told["differences"]) == (4_000, 0)
    assert 0 < told["created"]["entries"] < 4_000


@pytest.mark.usefixtures("folder")
def test_text_that_a_terminal_cannot_write_is_no_error() -> None:
    """Japanese on a terminal that knows ASCII alone is told with question marks."""
    process = started(["demo", "--lang", "ja"], env={**os.environ, "PYTHONIOENCODING": "ascii"})
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert b"0 differences" in out


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words",
    [
        "replay good.csv",
        "replay good.csv --db new.db",
        "verify shop.db",
        "import-products products.csv",
        "demo --lang ja",
    ],
)
def test_json_is_one_object_and_nothing_else(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json a command prints one object on one line."""
    capsys.readouterr()
    assert main([*words.split(), "--json"]) == 0
    said = capsys.readouterr()
    assert (said.out.count("\n"), said.err) == (1, "")
    assert type(json.loads(said.out)) is dict


def on_a_terminal(words: list[str], **settings: str) -> bytes:
    """Run a command on a terminal of its own; what it shows."""
    ours, theirs = os.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | settings
    process = started(words, stdout=theirs, stdin=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65_536):
            shown += part
    except OSError:
        pass  # the other side is closed: the end of a terminal
    os.close(ours)
    process.communicate()
    return shown


@pytest.mark.usefixtures("folder")
def test_colour_is_for_terminals_that_want_it() -> None:
    """A terminal gets colour unless NO_COLOR is set, and a pipe never."""
    coloured, plain = on_a_terminal(["verify", "shop.db"]), on_a_terminal(["verify", "shop.db"], NO_COLOR="1")
    assert b"\x1b[32m" in coloured
    assert b"\x1b" not in plain
    process = started(["verify", "shop.db"], stdout=PIPE)
    out, _ = process.communicate()
    assert out == re.sub(rb"\x1b\[[0-9;]*m", b"", coloured).replace(b"\r\n", b"\n") == plain.replace(b"\r\n", b"\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_a_terminal_and_is_taken_away_again() -> None:
    """How far a long step is stands on a terminal's standard error, never in a file or a result."""
    for err in (Terminal(), io.StringIO()):
        out = io.StringIO()
        screen = Screen(out, err)
        screen.progress("7,000 lines " * 50)
        screen.say("done")
        assert out.getvalue() == "done\n"
        assert err.getvalue().endswith("\x1b[2K") is err.isatty()
        assert max(map(len, err.getvalue().split("\r")), default=0) <= 90


def test_full_width_text_lines_up() -> None:
    """Columns line up by what a terminal shows: 店 takes two cells, an accent that stands on its letter none."""
    out = io.StringIO()
    Screen(out, io.StringIO()).table(["店", "units"], [["渋谷", "1"], ["cafe\u0301", "1,200"]], right=(1,))
    lines = out.getvalue().splitlines()
    assert {width(line) for line in lines} == {len("cafe") + 2 + len("units")}
    assert padded("店", 4) == "店  "
