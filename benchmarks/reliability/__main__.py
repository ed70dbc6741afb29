"""Do all figures of reliability hold? Prints a line for each; the exit status is 0 only if every one does.

Each line says the commit, the seed, the database and its version, the time it took, and the command that repeats it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from benchmarks.reliability.entries import Entry, Place, entries

ROOT = Path(__file__).resolve().parents[2]


def commit() -> str:
    """Name what is measured: the commit, with a mark when files differ from it."""
    git = ["git", "-C", str(ROOT)]
    found = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603 - the developer's own git
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False)  # noqa: S603 - as above
    return (found.stdout.strip() or "unknown") + ("+changes" if changed.stdout.strip() else "")


def asked() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    parser.add_argument("--short", action="store_true", help="under three minutes on two cores")
    parser.add_argument("--seed", type=int, help="repeat a run; a fresh one is drawn otherwise")
    parser.add_argument("--only", default="", help="names or beginnings of names, with commas: kills,bank/sqlite")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each figure")
    return parser.parse_args()


def measured(entry: Entry, place: Place, *, seed: int, short: bool, what: str) -> tuple[bool, dict[str, object]]:
    """Measure one figure; gives whether it holds, and everything that is printed of it."""
    began = perf_counter()
    figure, backend = entry.measure(place, seed)
    again = f"uv run --group bench python -m benchmarks.reliability{' --short' if short else ''}"
    return figure.ok, {
        "figure": entry.number,
        "name": entry.name,
        "ok": figure.ok,
        "facts": dict(figure.facts),
        "controls": f"caught {figure.control_caught} of {figure.controls}",
        "seconds": round(perf_counter() - began, 1),
        "backend": backend,
        "commit": what,
        "seed": seed,
        "repeat": f"{again} --only {entry.name} --seed {seed}",
    }


def line(row: dict[str, object]) -> str:
    """Write one figure for people."""
    facts = row["facts"]
    assert isinstance(facts, dict)
    told = ", ".join(f"{name} {value}" for name, value in facts.items())
    return (
        f"{'ok    ' if row['ok'] else 'BROKEN'} {row['figure']:>2} {row['name']}: {told}; controls {row['controls']}\n"
        f"          {row['backend']}; {row['seconds']} s; commit {row['commit']}; {row['repeat']}"
    )


def main() -> int:
    """Measure what was asked for."""
    wanted = asked()
    seed = wanted.seed if wanted.seed is not None else int.from_bytes(os.urandom(3), "big")
    names = tuple(filter(None, wanted.only.split(",")))
    what, began, held, number = commit(), perf_counter(), True, 0
    if not wanted.json:
        sys.stdout.write(f"commit {what}, seed {seed}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = Place(Path(folder), stack)
        for entry in entries(short=wanted.short):
            if names and not entry.name.startswith(names):
                continue
            number += 1
            ok, row = measured(entry, place, seed=seed, short=wanted.short, what=what)
            held = held and ok
            sys.stdout.write((json.dumps(row) if wanted.json else line(row)) + "\n")
            sys.stdout.flush()
    if not wanted.json:
        verdict = "all hold" if held and number else "NOT ALL HOLD" if number else "there is no such figure"
        sys.stdout.write(f"{number} figures in {perf_counter() - began:.0f} s: {verdict}\n")
    return 0 if held and number else 1


if __name__ == "__main__":
    raise SystemExit(main())
