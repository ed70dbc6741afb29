"""How does output look right to a person and stay plain to a pipe?

A terminal gets colour, a progress line that is overwritten, and columns aligned by what a terminal shows: full-width
characters take two cells, combining marks none. A pipe gets the same text without any of it.
"""

import io
import os
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import TextIO

_RESET = "\x1b[0m"
_CLEAR = "\r\x1b[2K"


class Ink(StrEnum):
    """What a piece of text is, said in colour where there is colour."""

    HEAD = "\x1b[1m"
    GOOD = "\x1b[32m"
    BAD = "\x1b[31m"
    DIM = "\x1b[2m"


def width(text: str) -> int:
    """Count the cells a terminal shows a text in.

    Law: ``width(a + b) == width(a) + width(b)``.
    """
    cells = 0
    for sign in text:
        if unicodedata.combining(sign) or unicodedata.category(sign) in {"Cf", "Me", "Mn"}:
            continue
        cells += 2 if unicodedata.east_asian_width(sign) in "WF" else 1
    return cells


def padded(text: str, cells: int, *, right: bool = False) -> str:
    """Fill a text up to a number of cells; ``right`` aligns numbers."""
    filling = " " * max(0, cells - width(text))
    return filling + text if right else text + filling


class Screen:
    """Where the commands write. ``progress`` goes to standard error, so that a pipe holds results alone."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        """Write to the given streams, the process's own by default."""
        # A process started without a stream has None in its place, and says nothing there.
        self.out: TextIO = out or sys.stdout or io.StringIO()
        self.err: TextIO = err or sys.stderr or io.StringIO()
        if isinstance(self.out, io.TextIOWrapper):
            self.out.reconfigure(errors="replace")
        self.coloured: bool = self.out.isatty() and not os.environ.get("NO_COLOR")
        self._live = self.err.isatty()
        self._shown = False

    def ink(self, text: str, ink: Ink) -> str:
        """Colour a text if there is colour."""
        return f"{ink}{text}{_RESET}" if self.coloured and text else text

    def say(self, text: str = "", ink: Ink | None = None) -> None:
        """Write a line."""
        self.clear()
        print(self.ink(text, ink) if ink else text, file=self.out)

    def head(self, text: str) -> None:
        """Write a heading."""
        self.say()
        self.say(text, Ink.HEAD)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
        """Write a table; ``right`` numbers the columns that hold numbers."""
        cells = [max(width(row[at]) for row in (columns, *rows)) for at in range(len(columns))]

        def line(row: Sequence[str]) -> str:
            return "  ".join(padded(text, cells[at], right=at in right) for at, text in enumerate(row)).rstrip()

        self.say(line(columns), Ink.DIM)
        for row in rows:
            self.say(line(row))

    def progress(self, text: str) -> None:
        """Show how far a long step is, on a terminal only."""
        if self._live:
            # A line that wraps could not be taken away again.
            room = shutil.get_terminal_size().columns - 1
            self.err.write(_CLEAR + (text if width(text) <= room else text[: room // 2]))
            self.err.flush()
            self._shown = True

    def complain(self, text: str) -> None:
        """Write one line to standard error."""
        self.clear()
        print(" ".join(text.split()), file=self.err)

    def flush(self) -> None:
        """Hand over what was written. Raises: OSError, BrokenPipeError among them."""
        self.out.flush()

    def abandon(self) -> None:
        """Write no more to where nobody reads: what is still waiting would fail once more when the process ends."""
        if isinstance(self.out, io.TextIOWrapper):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.out.fileno())
            os.close(nowhere)

    def clear(self) -> None:
        """Take the progress line away."""
        if self._shown:
            self.err.write(_CLEAR)
            self.err.flush()
            self._shown = False
