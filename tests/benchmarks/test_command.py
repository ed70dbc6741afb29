"""Do the benchmarks run, and say in a form other programs read what they found? No time is judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.targets import TARGETS, Bound, Measured, Target

ROOT = Path(__file__).resolve().parents[2]
WANTED = ("M1", "S1", "O1", "O3", "O4", "H2", "H3")


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as its users do, on sizes that only show that everything runs."""
    command = [sys.executable, "-m", "benchmarks", "--tiny", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - our own command


def test_every_figure_is_told_as_json(tmp_path: Path) -> None:
    """One object for each target, with the ratio, the target and the two times it is made of; the books add up."""
    done = ran("--json", "--only", ",".join(WANTED), "--backend", "sqlite-full", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(row["id"] for row in rows) == sorted(WANTED)
    for row in rows:
        assert row["floor_us"] > 0
        assert row["ours_us"] > 0
        assert row["target"] == TARGETS[row["id"]].target
        assert type(row["ok"]) is bool
    (placed,) = (row for row in rows if row["id"] == "O1")
    assert placed["ratio"] == pytest.approx(placed["ours_us"] / placed["floor_us"], rel=0.01)
    (counted,) = (row for row in rows if row["id"] == "O4")
    assert len(set(counted["statements_by_lines"].values())) == 1, "an order of more lines is no more statements"
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--only", "Z9"), "Z9"),
        (("--backend", "oracle"), "oracle"),
        (("--only", "O2", "--backend", "sqlite-full"), "O2"),
        (("--only", "H1", "--backend", "sqlite-full"), "H1"),
    ],
)
def test_what_cannot_be_measured_is_an_error(arguments: tuple[str, ...], complaint: str) -> None:
    """An unknown target, or a database that is not there, ends the run with its name, and never with a row less."""
    done = ran(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def test_a_target_knows_its_side() -> None:
    """Less time is better and more holds a second are better; both sides count the bound itself as met."""
    below = Target(id="a", says="", floor="", target=3)
    above = Target(id="b", says="", floor="", target=0.8, bound=Bound.AT_LEAST)
    assert [below.holds(ratio) for ratio in (2.9, 3, 3.1)] == [True, True, False]
    assert [above.holds(ratio) for ratio in (0.7, 0.8, 0.9)] == [False, True, True]
    assert Measured(id="O1", floor_us=10, ours_us=30).ratio == 3
    assert Measured(id="H3", floor_us=10, ours_us=20).ratio == pytest.approx(0.5)
    assert not Measured(id="O4", floor_us=1, ours_us=1, ratio_is=8.0, also=False).ok
