"""Can the store kit fail?"""

import io

import pytest

from omnicore.adapters.memory import Memory
from omnicore.testing import SABOTAGED, check_store, sabotage_report
from omnicore.testing.sabotage import caught

LAW = {
    "KeyOverwritten": "whole_or_nothing",
    "RefusalKept": "refusal_not_kept",
    "RollbackLost": "rolled_back",
    "RowsUnsorted": "rows_in_order",
    "TiesSkipped": "paging_over_ties",
    "VerifyBlind": "verify_sees",
    "DoubleSettle": "settled_once",
    "NeverExpires": "expiry_by_time",
    "ExpiredTwice": "expiry_by_time",
    "ClockBelieved": "clock_steps_back",
    "FactGuarded": "facts_land",
    "AnswerLost": "answer_lost",
    "SnapshotTorn": "snapshot",
}
"""Which law catches what is broken, where it is broken in one place only."""


@pytest.mark.parametrize("name", sorted(SABOTAGED))
def test_every_sabotaged_database_is_caught(name: str) -> None:
    """A database with one thing broken does not pass the kit."""
    complaint = caught(SABOTAGED[name])
    assert complaint is not None
    assert complaint.startswith(LAW.get(name, ""))


def test_the_perfect_database_passes() -> None:
    """The database that the others are compared with passes the kit."""
    assert caught(Memory) is None
    assert len(check_store(Memory).laws) > 30


def test_the_report_counts() -> None:
    """The report names every sabotaged database and ends with how many were caught."""
    out = io.StringIO()
    assert sabotage_report(out) == 0
    lines = out.getvalue().splitlines()
    assert lines[-1] == f"sabotage: caught {len(SABOTAGED)} of {len(SABOTAGED)}"
    assert len(SABOTAGED) >= 12
    assert [line.split()[0] for line in lines[:-1]] == ["caught"] * len(SABOTAGED)


def test_the_report_names_what_was_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that passes although it is called sabotaged is reported as missed."""
    monkeypatch.setitem(SABOTAGED, "Nothing", Memory)
    for name in list(SABOTAGED)[:-1]:
        monkeypatch.delitem(SABOTAGED, name)
    out = io.StringIO()
    assert sabotage_report(out) == 1
    assert out.getvalue().splitlines() == ["MISSED  Nothing: the kit found nothing", "sabotage: caught 0 of 1"]
