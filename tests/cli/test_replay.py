"""Laws of `omnicore replay`: every line of an export is accounted for, once, to the last decimal."""

import os
import random  # noqa: TID251 - seeded where it is used
import re
import sqlite3
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from subprocess import run

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.command import NOTHING, PEAK, Report, plain, replayed, started
from tests.cli.naive_replay import CLASSES, HEADER, Naive, export

SHARED = sorted((Path(__file__).parents[3] / "shared" / "data" / "online-retail").glob("*.csv"))
DAY = "2010-12-01 08:26:00"


def row(
    invoice: str = "1",
    code: str = "A",
    units: str = "1",
    price: str = "1.00",
    *,
    at: str = DAY,
    who: str = "17850.0",
    title: str = "T",
) -> list[str]:
    """Make one line."""
    return [invoice, code, title, units, at, price, who, "UK"]


def agree(told: Report, naive: Naive) -> None:
    """Compare a report with what the naive reading says."""
    lines = {name: told["classes"][name]["lines"] for name in CLASSES}
    amounts = {name: Decimal(told["classes"][name]["amount"]) for name in CLASSES}
    assert (lines, amounts) == (naive.lines, naive.amounts)
    assert told["lines"] == sum(lines.values())
    assert Decimal(told["amount"]) == sum(amounts.values())
    assert (told["customers"], told["differences"]) == (len(naive.customers), 0)


def write(folder: Path, *files: bytes) -> tuple[list[Path], Naive]:
    """Keep files in a folder, and read them naively in their order."""
    naive = Naive()
    paths = [folder / f"{number}.csv" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
        naive.read(content)
    return paths, naive


rows = st.builds(
    row,
    st.sampled_from(["1", "2", "3", "C4", "C5", "c6", "C7"]),
    st.sampled_from(["A", "a", "B/2", "POST", "D", "m"]),
    st.sampled_from(["-6", "-3", "-2", "-1", "1", "2", "3.0", "0", "six", "1e3", "６", "1,000", ""]),
    st.sampled_from(["1.00", "1", "1.001", "1.002", "0.00", "-2.5", "2.5500000000000003", "1e1", "£1"]),
    at=st.sampled_from([DAY, "12/1/2010 8:26", "2010-12-02 09:00:00", "2010-12-03 10:00:00", "2010-02-30 08:00:00"]),
    who=st.sampled_from(["17850", "17850.0", "José", "", "13047.0"]),
    title=st.sampled_from(["T", 'a "b" c', "two\nlines", '6" PLATE', "", "é,è"]),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(rows, max_size=14), min_size=1, max_size=3))
def test_every_line_is_in_the_class_and_for_the_amount_that_a_naive_reading_gives(
    tmp_path: Path, files: list[list[list[str]]]
) -> None:
    """However invoices are torn over places and files, a line counts as the plain rules say, to the last decimal."""
    apart = [[line for line in file if not _blurred(line)] for file in files]
    paths, naive = write(tmp_path, *(export(_one_instant(file)) for file in apart))
    agree(replayed(paths), naive)


def _blurred(line: Sequence[str]) -> bool:
    # Prices closer than a millionth are one price, which the naive reading does not know.
    return line[0][:1] in "Cc" and line[5].startswith("2.55")


def _one_instant(file: list[list[str]]) -> list[list[str]]:
    # An order has one instant, so the lines of one invoice are given one.
    return [[*line[:4], line[4] if line[0][:1] in "Cc" else f"2010-12-0{line[0]} 08:00:00", *line[5:]] for line in file]


@pytest.mark.skipif(not SHARED, reason="the shared exports are not here")
@pytest.mark.parametrize("step", [1, -1])
def test_real_exports_are_read_as_the_plain_rules_say(step: int) -> None:
    """Three days of a real shop, in order and backwards, come out as a naive reading has them, invoice by invoice."""
    files = SHARED[:3][::step]
    naive = Naive()
    for file in files:
        naive.read(file.read_bytes())
    told = replayed(files)
    agree(told, naive)
    assert told["orders"] == len(naive.orders)


@pytest.mark.skipif(not SHARED, reason="the shared exports are not here")
def test_an_invoice_scattered_over_a_file_is_one_order(tmp_path: Path) -> None:
    """The lines of a shuffled export find together again under their invoice."""
    head, *lines = SHARED[0].read_bytes().splitlines(keepends=True)
    lines = lines[:800]
    random.Random(7).shuffle(lines)  # noqa: S311 - a shuffle that is the same every time
    paths, naive = write(tmp_path, head + b"".join(lines[:500]), head + b"".join(lines[500:]))
    told = replayed(paths, database=tmp_path / "shop.db")
    agree(told, naive)
    assert told["orders"] == len(naive.orders)
    assert replayed(paths, database=tmp_path / "shop.db") == {**told, "created": NOTHING}


HOSTILE = {
    "sub-penny prices": [
        row(units="5", price="1.231"),
        row("C2", units="-5", price="1.232"),
        row("C3", units="-5", price="1.231"),
    ],
    "prices as a spreadsheet's floats": [
        row(units="3", price="2.5500000000000003"),
        row("C3", units="-3", price="2.5500000000000003"),
    ],
    "six thousand lines": [
        *[row("1", code=f"K{number % 50}") for number in range(6000)],
        row("C9", code="K7", units="-120"),
        row("C9", code="K7", units="-1"),
    ],
    "five thousand and more of the same line": [
        *[row() for _ in range(5_300)],
        row("C9", units="-5300"),
        row("C10", units="-1"),
    ],
    "the same invoice twice": [row(), row(code="K"), row("2"), row(), row(code="K"), row("C3", code="K", units="-2")],
    "one invoice of two buyers": [
        row(),
        row(units="2", who="2"),
        row(who=""),
        row("C2", units="-2", who="2"),
        row("C3", units="-3"),
    ],
    "a million million": [row(units="1000000000000", price="1"), row("C2", units="-1000000000000", price="1")],
    "numbers that are none": [
        row(units=text) for text in ("1e3", "６", "1,000", "+5", "6.50", "", "NaN", "0x10", "1_0", "--1")
    ],
    "prices that are none": [row(price=text) for text in ("1e3", "1.", "１.５", "1,000.00", "£5", ".5", "", "inf")],
    "codes": [row(code=code) for code in ("a/b", "a b", "y" * 120, "85123a", "85123A", "日本", "A@")]
    + [row("C1", code=code, units="-1") for code in ("a/b", "a b", "y" * 120, "85123a", "85123A")],
    "no invoice, no code": [row(""), row(code=""), row(" "), row("C")],
    "before its sale": [
        row("C1", units="-1"),
        row("2", units="2", at="2010-12-02 00:00:00"),
        row("C3", units="-1"),
        row("C4", units="-2", at="2010-12-03 00:00:00"),
    ],
    "newest first, splitting": [
        row("1", units="2", at="2010-12-01 08:00:00"),
        row("2", units="2", at="2010-12-02 08:00:00"),
        *[row(f"C{n}", units=units, at="2010-12-03 08:00:00") for n, units in enumerate(("-3", "-2", "-1", "-1"))],
    ],
    "dates": [
        row(str(n), at=at) for n, at in enumerate(("2010-02-30 08:00:00", "2010-12-01", "13/13/2010 8:26", "", "25:00"))
    ],
    "columns missing and more": [[*row(), "x", "y"], row()[:6], row()[:7], row()[:3], [""] * 8],
    "controls": [row(title="\x00nul"), row(title="t" * 1000), row(title="\u202e"), row(code="A\x01")],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_lines_are_accounted_for(tmp_path: Path, name: str) -> None:
    """Whatever stands in a line, it ends in the one class the plain rules give, and a second run changes nothing."""
    (path,), naive = write(tmp_path, export(HOSTILE[name]))
    if name == "controls":  # invisible characters are no part of a code
        naive.lines, naive.amounts = dict.fromkeys(CLASSES, 0), dict.fromkeys(CLASSES, Decimal(0))
        naive.lines["sale"], naive.amounts["sale"] = 4, Decimal(4)
    told = replayed([path], database=tmp_path / "shop.db")
    agree(told, naive)
    assert replayed([path], database=tmp_path / "shop.db") == {**told, "created": NOTHING}


def test_what_the_books_cannot_hold_is_refused_with_its_amount(tmp_path: Path) -> None:
    """A line about too much, or of a code no SKU can have, is refused, and its money still adds up to the file's."""
    lines = [
        row(units="9" * 25, price="0.000001"),
        row(code="A@3"),
        row(code="x" * 300),
        row("x" * 300),
        row(price="9" * 20),
    ]
    (path,), naive = write(tmp_path, export(lines))
    told = replayed([path])
    assert told["classes"]["refused"]["lines"] == told["lines"] == 5
    assert Decimal(told["amount"]) == sum(naive.amounts.values())


@pytest.mark.parametrize(
    ("content", "sales", "refused"),
    [
        pytest.param(b'1,A,6" P,1,{at},1,7,UK\n1,K,T,1,{at},1,7,UK\n1,C,8" P,1,{at},1,7,UK\n', 3, 0, id="inches"),
        pytest.param(b'1,A,"open,1,{at},1,7,UK\n1,K,"a, b",1,{at},1,7,UK\n' * 3, 3, 3, id="open quotes"),
        pytest.param(b'1,A,"two\nlines",1,{at},1,7,UK\n\n   \n1,K,T,1,{at},1,7,UK', 2, 0, id="a cell of two lines"),
        pytest.param(b"1,A,T,1,{at},1,7,UK\r\r\n2,A,T,1,{at},1,7,UK\r\n", 2, 0, id="mangled line ends"),
        pytest.param(b"1,A,T\xa3,1,{at},1,7,UK\n1,A,T\xc2\xa3,1,{at},1,7,UK\n", 2, 0, id="two code pages"),
        pytest.param(b"\x00\x00\x00\n\xff\xfe\xfd,\x00\n", 0, 2, id="binary"),
        pytest.param(b"1,A," + b"x" * 200_000 + b",1\n1,A,T,1,{at},1,7,UK\n", 1, 1, id="a line without end"),
        pytest.param(b"\xef\xbb\xbf" + ",".join(HEADER).encode() + b"\n1,A,T,1,{at},1,7,UK\n", 1, 1, id="files joined"),
        pytest.param(b"", 0, 0, id="a header alone"),
    ],
)
def test_a_torn_file_costs_its_torn_lines(tmp_path: Path, content: bytes, sales: int, refused: int) -> None:
    """A line that is no CSV costs itself alone."""
    path = tmp_path / "torn.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ",".join(HEADER).encode() + b"\r\n" + content.replace(b"{at}", DAY.encode()))
    told = replayed([path])
    found = {name: told["classes"][name]["lines"] for name in CLASSES}
    assert found == {**dict.fromkeys(CLASSES, 0), "sale": sales, "refused": refused}


def test_a_cancellation_finds_its_sale_among_many(tmp_path: Path) -> None:
    """However many sales a customer has, a cancellation reaches back to those it needs, and no further."""
    sales = [row(str(n), units="2", at=f"2010-12-01 {8 + n // 60:02d}:{n % 60:02d}:00") for n in range(250)]
    taken = [
        row(f"C{n}", units=f"-{units}", at="2010-12-03 08:00:00") for n, units in enumerate((300, 3, 180, 1, 5, 2))
    ]
    early = [row("C99", units="-3", at="2010-12-01 08:02:00"), row("C98", units="-9", at="2010-12-01 08:10:00")]
    paths, naive = write(tmp_path, export(sales), export(taken), export(early))
    agree(replayed(paths, database=tmp_path / "shop.db"), naive)
    assert naive.lines["cancellation_matched"] > naive.lines["cancellation_unmatched"] > 0


def test_columns_stand_where_the_header_says(tmp_path: Path) -> None:
    """An export with its columns in another order, or named as in its second edition, is the same export."""
    lines = [row(), row("C2", units="-1"), row(units="x")]
    names = [*HEADER[:5], "Price", "Customer ID", "Country", "Extra"]
    turned = export([[*line, "more"][::-1] for line in lines], names[::-1])
    (first, second), _ = write(tmp_path, export(lines), turned)
    assert replayed([first]) == replayed([second])


def test_an_overlapping_export_adds_what_is_new(tmp_path: Path) -> None:
    """A file given twice in one run, or again with more behind it, takes in once what it says once."""
    lines = [row(str(number)) for number in range(60)]
    (short, whole), _ = write(tmp_path, export(lines[:30]), export(lines))
    alone = replayed([whole], database=tmp_path / "one.db")
    again = replayed([short, short, whole], database=tmp_path / "two.db")
    assert (again["orders"], again["created"]["entries"]) == (alone["orders"], alone["created"]["entries"])


def generated(path: Path, *, lines: int) -> None:
    """Write an export of invoices of about fifteen lines, one in ten a cancellation."""
    draw = random.Random(3)  # noqa: S311 - the same file every time
    rows: list[list[str]] = []
    while len(rows) < lines:
        number, cancels = len(rows), draw.random() < 0.1
        day, who = f"2011-01-{1 + number * 27 // lines:02d} 08:{number % 60:02d}:00", f"{draw.randint(1, 40)}.0"
        rows += [
            row(f"{'C' * cancels}{number}", f"K{draw.randint(1, 9)}", "-1" if cancels else "2", "1.95", at=day, who=who)
            for _ in range(draw.randint(1, 30))
        ]
    path.write_bytes(export(rows))


def books(path: Path) -> set[tuple[object, ...]]:
    """Give all orders, documents and entries of a database, without the ids that are drawn anew in every run."""
    with sqlite3.connect(path) as connection:
        entries = connection.execute("SELECT id, unit, source, target, amount FROM omni_entries").fetchall()
        kept = connection.execute(
            "SELECT kind, key, version, body FROM omni_documents"
            " WHERE kind IN ('ordering.order', 'scenarios.past_document')"
        ).fetchall()
        tied = connection.execute("SELECT kind, count(*) FROM omni_documents GROUP BY kind").fetchall()
    connection.close()
    nameless = [(*rest, re.sub(r'"customer":"[^"]*"', "", str(body))) for *rest, body in kept]
    return {*entries, *nameless, *tied}


def test_a_run_that_is_killed_and_run_again_ends_as_one_run(tmp_path: Path) -> None:
    """Killed at any moment and started again, an import ends in the books it would have made undisturbed."""
    source = tmp_path / "export.csv"
    generated(source, lines=4_000)
    whole = replayed([source], database=tmp_path / "whole.db")
    killed = tmp_path / "killed.db"
    for wait in (0.25, 0.45, 0.6, 0.8):
        process = started(["replay", source, "--db", killed, "--json"])
        time.sleep(wait)
        process.kill()
        process.communicate()
    again = replayed([source], database=killed)
    assert {**again, "created": None} == {**whole, "created": None}
    assert books(killed) == books(tmp_path / "whole.db")
    assert whole["classes"]["cancellation_matched"]["lines"] > 20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell what a process needed")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """An import of many lines needs no more than 150 MB, one invoice without end included."""
    generated(tmp_path / "export.csv", lines=8_000)
    (tmp_path / "long.csv").write_bytes(export([row(code=f"K{number % 90}") for number in range(12_000)]))
    words = ["replay", tmp_path / "export.csv", tmp_path / "long.csv", "--db", tmp_path / "shop.db", "--json"]
    command = [sys.executable, "-c", PEAK, *map(str, words)]
    done = run(command, env=plain(os.environ), capture_output=True, check=True)  # noqa: S603 - our own command
    assert int(done.stderr) < 150_000
