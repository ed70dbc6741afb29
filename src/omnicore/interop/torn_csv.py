"""How is a CSV file read on when one of its records is torn: a quote never closed, a line without an end?

The csv module alone lets an open quote swallow the rest of the file. Here a record not closed within a few lines
is given up by its number, and reading goes on with the line after its first. Reading is streamed.
"""

import csv
from collections.abc import Iterator
from typing import BinaryIO, Final

MAX_LINE_BYTES: Final = 64 * 1024
MAX_RECORD_LINES: Final = 16

# A line over the limit is given as an open quote, which no record closes.
_TOO_LONG: Final = '"' * (MAX_RECORD_LINES * 2 + 1)


def text_of(raw: bytes) -> str:
    """Decode a line, which is UTF-8 or in the Windows code page of Western Europe; what is neither is replaced."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


class _Lines:
    """Physical lines with their numbers, from which lines can be put back."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._back: list[str | None] = []
        self.number = 0

    def next(self) -> str | None:
        """Give the next line, None at the end; one over the limit comes as an open quote, which no record closes."""
        self.number += 1
        if self._back:
            return self._back.pop()
        raw = self._source.readline(MAX_LINE_BYTES)
        if len(raw) < MAX_LINE_BYTES or raw.endswith(b"\n"):
            return text_of(raw) if raw else None
        while (more := self._source.readline(MAX_LINE_BYTES)) and not more.endswith(b"\n"):
            continue
        return _TOO_LONG

    def put_back(self, lines: list[str | None]) -> None:
        """Read these lines again."""
        self._back.extend(reversed(lines))
        self.number -= len(lines)


def records(source: BinaryIO) -> Iterator[tuple[int, list[str] | None]]:
    """Give each record with its line number, None for one that is no CSV.

    A quote that is never closed must not swallow the rest of the file, as the csv module alone lets it: a record that
    is not closed within a few lines is given up, and reading goes on with the line after its first.
    """
    lines = _Lines(source)
    while (first := lines.next()) is not None:
        further: list[str | None] = []
        number, joined = lines.number, first
        while joined.count('"') % 2 and first is not _TOO_LONG and len(further) < MAX_RECORD_LINES:
            further.append(lines.next())
            joined += further[-1] or ""
            if further[-1] is None:
                break
        if joined.count('"') % 2:
            lines.put_back(further)
            yield number, None
        elif joined.strip():
            yield number, cells(joined)


def cells(text: str) -> list[str] | None:
    """Take a record apart; None where it is no CSV."""
    try:
        return next(csv.reader([text], strict=True), None)
    except csv.Error:
        return None
