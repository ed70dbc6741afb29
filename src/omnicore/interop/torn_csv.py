"""How is a CSV file read on when one of its records is torn: a quote never closed, a line without an end?

The csv module alone lets an open quote swallow the rest of the file. Here a record not closed within a few lines
is given up by its number, and reading goes on with the line after its first. Reading is streamed.
"""

import csv
from collections.abc import Iterator
from enum import Enum
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
    """Give each record with its line number, None for one that is no CSV; the first says how wide the others are.

    A quote that is never closed must not swallow the rest of the file, as the csv module alone lets it: a record that
    is not closed within a few lines, or closes into something else than a whole record, is given up, and reading goes
    on with the line after its first. A quote inside a cell that does not begin with one is a character like others:
    6" PLATE.
    """
    lines = _Lines(source)
    width = 0
    while (first := lines.next()) is not None:
        if not first.strip():
            continue
        number = lines.number
        told, further = _joined(first, lines) if '"' in first else (first, [])
        found = None if told is None else cells(told)
        if further and (found is None or len(found) < width):
            lines.put_back(further)
            found = None
        width = width or len(found or ())
        yield number, found


def _joined(first: str, lines: _Lines) -> tuple[str | None, list[str | None]]:
    """Give a record that begins with this line, None if it is not closed, and the lines that were read for it."""
    parts, further = [first], list[str | None]()
    at = _after(first, _At.BEGIN)
    while at is _At.QUOTED:
        if first is _TOO_LONG or len(further) == MAX_RECORD_LINES:
            return None, further
        more = lines.next()
        further.append(more)
        if more is None or more is _TOO_LONG:
            return None, further
        parts.append(more)
        at = _after(more, at)
    return "".join(parts), further


class _At(Enum):
    """Where in a record one is."""

    BEGIN = 0
    """At the beginning of a cell, where a quote opens it."""
    BARE = 1
    QUOTED = 2
    QUOTE = 3
    """Behind a quote in a quoted cell: its end, or half of a quote that is meant."""


def _after(text: str, at: _At) -> _At:
    for sign in text:
        if at is _At.QUOTED:
            at = _At.QUOTE if sign == '"' else at
        elif sign == '"' and at is not _At.BARE:
            at = _At.QUOTED
        else:
            at = _At.BEGIN if sign == "," else _At.BARE
    return at


def cells(text: str) -> list[str] | None:
    """Take a record apart; None where it is no CSV."""
    try:
        return next(csv.reader([text.rstrip("\r\n")], strict=True), None)
    except csv.Error:
        return None
