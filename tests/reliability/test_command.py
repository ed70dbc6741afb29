"""Does one command measure the figures, say how to repeat each, and fail where one does not hold?"""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.reliability import __main__ as command
from benchmarks.reliability.entries import BACKENDS, Entry, Place, entries
from omnicore.testing.figures import Figure, figure
from omnicore.testing.kills import STORIES


def ran(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command."""
    monkeypatch.setattr(sys, "argv", ["reliability", *arguments])
    return command.main()


def test_each_line_says_how_to_repeat_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A figure is printed with its commit, seed, database, time and the command that measures it again."""
    assert ran(monkeypatch, "--short", "--only", "interleavings", "--seed", "7", "--json") == 0
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"commit", "seed", "backend", "seconds", "repeat", "facts", "controls", "ok"} <= row.keys()
    assert row["repeat"].endswith("--short --only interleavings/weak --seed 7")
    assert row["controls"] == "caught 2 of 2"


def test_one_figure_that_does_not_hold_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command succeeds only if every figure holds and there was one."""

    def measured(_place: Place, seed: int) -> tuple[Figure, str]:
        return figure("oversold", holds=seed != 13, facts={"oversold": 1}, caught=[True]), "nothing"

    def some(*, short: bool) -> Iterator[Entry]:
        yield Entry(name="oversold/nothing", number=4, measure=measured)

    monkeypatch.setattr(command, "entries", some)
    assert ran(monkeypatch, "--seed", "12") == 0
    assert "all hold" in capsys.readouterr().out
    assert ran(monkeypatch, "--seed", "13") == 1
    told = capsys.readouterr().out
    assert "BROKEN" in told
    assert "NOT ALL HOLD" in told
    assert ran(monkeypatch, "--only", "unknown") == 1


@pytest.mark.parametrize("short", [True, False])
def test_every_figure_is_measured_on_every_database(*, short: bool) -> None:
    """Both forms measure the same figures: hot SKUs, keys, readers, random kills, relays and each story's kills."""
    names = [entry.name for entry in entries(short=short)]
    assert len(names) == len(set(names))
    everywhere = ["hot-sku", "one-key", "bank", "relay", "random-kills", "throughput"]
    everywhere += [f"kills-{story}" for story in STORIES]
    assert {f"{name}/{backend}" for name in everywhere for backend in BACKENDS} <= set(names)
    assert {entry.number for entry in entries(short=short)} == {1, 2, 3, 4, 5, 6, 7, 8, 12}


def test_figures_are_measured_on_fresh_databases(tmp_path: Path) -> None:
    """Every figure gets a database of its own, on disk where it speaks of what survives."""
    with ExitStack() as stack:
        place = Place(tmp_path, stack)
        first, second = place.backend("sqlite"), place.backend("sqlite", durable=False)
    assert first.make != second.make
    assert "FULL" in first.version
    assert "NORMAL" in second.version
