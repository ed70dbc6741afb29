"""How does a test give a command and hear what it says? In this process, or in one of its own that may be killed."""

import io
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, TypedDict

from omnicore.cli.replay import replay
from omnicore.cli.screen import Screen


class Class(TypedDict):
    """What became of some lines."""

    lines: int
    amount: str


class Report(TypedDict):
    """What `omnicore replay --json` prints."""

    lines: int
    amount: str
    classes: dict[str, Class]
    orders: int
    customers: int
    created: dict[str, int]
    differences: int


PEAK = """
import pathlib, sys
from omnicore.cli import main
code = main(sys.argv[1:])
print(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], file=sys.stderr)
sys.exit(code)
"""
"""Runs a command and says on standard error how much memory it needed at most, in kilobytes.

What the kernel counts for an ended child would include the memory of the process that forked it.
"""

NOTHING = {"documents": 0, "entries": 0, "events": 0}


def replayed(files: Iterable[Path], *, database: Path | None = None) -> Report:
    """Replay files in this process."""
    out, err = io.StringIO(), io.StringIO()
    kept = None if database is None else str(database)
    code = replay(Screen(out, err), [str(each) for each in files], database=kept, format=None, as_json=True)
    assert (code, err.getvalue()) == (0, "")
    report: Report = json.loads(out.getvalue())
    return report


def plain(env: Mapping[str, str]) -> dict[str, str]:
    """Give an environment without the coverage tool."""
    return {name: value for name, value in env.items() if not name.startswith("COVERAGE")}


def started(arguments: Sequence[object], **options: Any) -> Popen[bytes]:  # noqa: ANN401 - as Popen has them
    """Start a command in a process of its own, without the coverage tool: these tests measure what a user would see."""
    words = [sys.executable, "-m", "omnicore", *map(str, arguments)]
    env = plain(options.pop("env", os.environ))
    return Popen(words, stdout=options.pop("stdout", PIPE), stderr=PIPE, env=env, **options)  # noqa: S603 - our own command
