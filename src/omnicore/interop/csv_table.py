"""How is somebody else's CSV file read without trusting it, and ours written without harming a spreadsheet?

Reading is strict and bounded: UTF-8 only, every quote closed, every row as wide as the header, and limits on bytes,
rows, columns and cell length that are checked while streaming. A spreadsheet takes a cell that begins with ``=``,
``+``, ``-`` or ``@`` for a formula; such cells are written with an apostrophe before them (plain numbers excepted) and
read without it. That way is one to one, so a file that was written reads back the same.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from attrs import frozen

from omnicore.kernel.errors import Malformed

_CHUNK: Final = 1 << 16
_CELLS_A_LINE: Final = 16
"""How many of the longest cells one line may hold; what is left of a line is searched again with every chunk."""
_FORMULA: Final = re.compile(r"'*[=+\-@]")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,6})?")


class Source(Protocol):
    """Where bytes come from: a file opened in binary mode, a ``BytesIO``."""

    def read(self, size: int, /) -> bytes:
        """Give up to ``size`` bytes; none at the end."""
        ...


@frozen(kw_only=True)
class Limits:
    """How much of a file is read before it is refused."""

    max_bytes: int = 50_000_000
    max_rows: int = 100_000
    max_columns: int = 500
    max_cell_chars: int = 65_536
    max_problems: int = 100


@frozen(kw_only=True)
class Problem:
    """What is wrong on which line (1 is the header), and in which column if it is one cell; never the cell itself."""

    line: int
    reason: str
    column: str = ""

    def malformed(self) -> Malformed:
        """Give it as the error that ``all or nothing`` raises."""
        return Malformed(f"$.lines[{self.line}]" + (f"[{self.column}]" if self.column else ""), self.reason)


class BadTable(Exception):  # noqa: N818 - never leaves interop: whoever reads a table reports the problem
    """The file cannot be read beyond a line."""

    def __init__(self, line: int, reason: str) -> None:
        """Keep where and why."""
        self.problem: Problem = Problem(line=line, reason=reason)
        super().__init__(reason)


def read_rows(source: Source, *, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    """Give each row with the line it begins on, the header first; empty lines are passed over.

    Memory: one row and one chunk, whatever the length of the file.

    Raises:
        BadTable: not UTF-8, a quote that is not closed, or over a limit.
    """
    reader = csv.reader(_lines(source, limits), strict=True)
    rows = 0
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise BadTable(
                line, "is not CSV: a quote is not closed or stands inside a cell, or a cell is too long"
            ) from None
        if not row:
            continue
        rows += 1
        if rows > limits.max_rows + 1:
            raise BadTable(line, f"is beyond the {limits.max_rows} rows a file may have")
        if len(row) > limits.max_columns:
            raise BadTable(line, f"has more than {limits.max_columns} columns")
        if max(map(len, row)) > limits.max_cell_chars:
            raise BadTable(line, f"has a cell of more than {limits.max_cell_chars} characters")
        yield line, [plain(cell) for cell in row]


def _lines(source: Source, limits: Limits) -> Iterator[str]:
    decode = codecs.getincrementaldecoder("utf-8-sig")("strict").decode
    longest = limits.max_cell_chars * _CELLS_A_LINE
    total, line, rest, chunk = 0, 1, "", b" "
    while chunk:
        chunk = source.read(_CHUNK)
        total += len(chunk)
        if total > limits.max_bytes:
            raise BadTable(line, f"is beyond the {limits.max_bytes} bytes a file may have")
        try:
            text = decode(chunk, not chunk)
        except UnicodeDecodeError:
            raise BadTable(line, "is not UTF-8, or is not from here on") from None
        if "\x00" in text:
            raise BadTable(line, "contains a zero byte: this is no text file")
        *whole, rest = (rest + text).split("\n")
        for each in whole:
            yield each + "\n"
            line += 1
        if len(rest) > longest:
            raise BadTable(line, f"is longer than {longest} characters")
    if rest:
        yield rest


def write_rows(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write rows as CSV lines that end in CR LF, as RFC 4180 has it; cells that look like formulas are neutral."""
    kept: list[str] = []

    class _Keep:
        def write(self, text: str, /) -> None:
            kept.append(text)

    writer = csv.writer(_Keep())
    for row in rows:
        writer.writerow([neutral(cell) for cell in row])
        yield kept.pop()


def neutral(cell: str) -> str:
    """Give a cell that no spreadsheet takes for a formula. Law: ``plain(neutral(cell)) == cell``."""
    return "'" + cell if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def plain(cell: str) -> str:
    """Give the cell without the apostrophe that made it neutral."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
