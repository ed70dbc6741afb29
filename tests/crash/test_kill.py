"""What does ``kill -9`` at any statement or provider call of a purchase leave behind?"""

import json
import os
import subprocess
import sys
from pathlib import Path

from attrs import frozen

DRIVER = Path(__file__).with_name("killing.py")
ROOT = Path(__file__).resolve().parents[2]


@frozen(kw_only=True)
class Point:
    """What was found after a kill at one point; no kill at point 0."""

    point: int
    killed: bool
    story: dict[str, int | list[int]] | None
    complaints: list[str]


def matrix(folder: Path, *, step: int, line: str = "honest", idle_minutes: int = 2) -> list[Point]:
    """Kill at every ``step``-th statement of the checkout, some after it, and all provider calls (0: only there)."""
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(DRIVER), str(folder), str(step), line, str(idle_minutes)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    points = [Point(**json.loads(row)) for row in ran.stdout.splitlines()]
    assert not points[0].killed
    assert all(point.killed for point in points[1:])
    return points


def test_a_kill_anywhere_loses_and_doubles_nothing(tmp_path: Path, deep: bool) -> None:  # noqa: FBT001 - a fixture
    """Killed at any statement or call of buying and shipping, the shop ends with one order, one charge, one parcel."""
    points = matrix(tmp_path, step=1 if deep else 3)
    whole = points[0].story
    assert whole is not None
    assert isinstance(whole["bought"], int)
    assert len(points) > whole["bought"] // (1 if deep else 3)
    assert {point.point: point.complaints for point in points if point.complaints} == {}


def test_a_kill_and_a_long_night_let_everything_go(tmp_path: Path, deep: bool) -> None:  # noqa: FBT001 - a fixture
    """Where the shop comes back only when the goods are no longer held, the order stands whole, or nothing of it."""
    points = matrix(tmp_path, step=1 if deep else 12, idle_minutes=60)
    assert {point.point: point.complaints for point in points if point.complaints} == {}


def test_a_line_that_forgets_its_keys_is_caught(tmp_path: Path) -> None:
    """A provider that is called under a new key after a crash charges twice, and the same test says so."""
    points = matrix(tmp_path, step=0, line="forgetful")
    assert points[0].complaints == []
    caught = [point for point in points if any(complaint.startswith("doubled") for complaint in point.complaints)]
    assert len(caught) >= 2
