from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.interop.csv_table import BadTable, Limits, neutral, plain, read_rows, write_rows
from omnicore.testing.strategies.kernel import texts


def rows(data: bytes, limits: Limits | None = None) -> list[tuple[int, list[str]]]:
    """Read a table."""
    return list(read_rows(BytesIO(data), limits=limits or Limits()))


class Trickle:
    """Gives one byte at a time, as a slow connection may."""

    def __init__(self, data: bytes) -> None:
        self._data = BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._data.read(min(size, 1))


@given(st.text(st.sampled_from("'=+-@1.a "), max_size=8))
def test_a_neutral_cell_is_no_formula_and_reads_back(cell: str) -> None:
    """No spreadsheet takes a written cell for a formula, plain numbers apart, and reading gives what was written."""
    written = neutral(cell)
    assert plain(written) == cell
    assert written[:1] not in {"=", "+", "-", "@"} or written.replace(".", "").lstrip("-").isdigit()


@given(st.lists(st.lists(texts() | st.just("=HYPERLINK()") | st.just('"'), min_size=1, max_size=3), max_size=4))
def test_what_is_written_reads_back(table: list[list[str]]) -> None:
    """Quotes, commas, formulas and any script come back cell for cell, also one byte at a time."""
    table = [row for row in table if row != [""]]
    data = "".join(write_rows(table)).encode()
    assert [row for _, row in rows(data)] == table
    assert [row for _, row in read_rows(Trickle(data), limits=Limits())] == table


def test_a_line_break_in_a_cell_does_not_lose_the_count() -> None:
    """A problem is named by the line its row begins on, after cells of several lines, empty lines and a BOM."""
    assert rows(b'\xef\xbb\xbfa,b\r\n"1\n2",x\n\n3,y') == [(1, ["a", "b"]), (2, ["1\n2", "x"]), (5, ["3", "y"])]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'a,b\n1,"open\n2,x\n', 2),
        (b'a,b\n1,"x"y\n', 2),
        (b"a,b\n1,\xff\n", 1),
        (b"a,b\n1,\x00\n", 1),
        (b"a\rb\n", 1),
        (b"a\n" + b"x" * 101 + b"\n", 2),
        (b"a\n" + b",".join([b"1"] * 6) + b"\n", 2),
        (b"a\n1\n2\n3\n4\n", 5),
        (b"a\n" + b"x" * 4_000, 2),
        (b"a," * 3_000, 1),
    ],
)
def test_a_bad_or_endless_file_is_refused_where_it_ends(data: bytes, line: int) -> None:
    """An open quote, another encoding, and anything over a limit stop the reading, naming the line."""
    limits = Limits(max_bytes=5_000, max_rows=3, max_columns=5, max_cell_chars=100)
    with pytest.raises(BadTable) as bad:
        rows(data, limits)
    assert bad.value.problem.line == line
