"""How does a case come out: passed, failed, declined or not built?"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from attrs import field, frozen

from tests.acceptance.comparing import Named, differences
from tests.acceptance.declining import Declined
from tests.acceptance.reading import Case, Entry, Misshapen, NotBuilt

Adapter = Callable[[Case], Named]
"""Turns a case into calls of omnicore and gives the facts that came out; raises NotBuilt for what it cannot turn."""


class Status(StrEnum):
    """How a case came out."""

    PASSED = "passed"
    FAILED = "failed"
    DECLINED = "declined"
    NOT_BUILT = "not_built"


@frozen
class Outcome:
    """How a case came out, and why."""

    status: Status
    why: str = ""


def judge(entry: Entry, *, kinds: Mapping[str, Adapter], declined: Sequence[Declined]) -> Outcome:
    """Run one case. An exception that no adapter foresaw is a failure of that case alone, with its name."""
    case = entry.case
    if case is None:
        return Outcome(Status.FAILED, entry.wrong)
    for rule in declined:
        if rule.matches(case):
            return Outcome(Status.DECLINED, rule.reason)
    adapter = kinds.get(case.kind)
    if adapter is None:
        return Outcome(Status.NOT_BUILT, f"nobody runs the kind {case.kind!r}")
    try:
        found = differences(case.then, adapter(case))
    except NotBuilt as reason:
        return Outcome(Status.NOT_BUILT, str(reason))
    except Misshapen as reason:
        return Outcome(Status.FAILED, str(reason))
    except Exception as error:  # noqa: BLE001 - whatever happens in one case is told of that case, and the others run
        return Outcome(Status.FAILED, f"{type(error).__name__}: {error}")
    return Outcome(Status.FAILED, "\n".join(found)) if found else Outcome(Status.PASSED)


@frozen
class Tally:
    """The outcomes of one file, by the case's id."""

    outcomes: list[tuple[str, Outcome]] = field(factory=list)

    def count(self, status: Status) -> int:
        """Count one status."""
        return sum(1 for _, outcome in self.outcomes if outcome.status is status)

    def line(self, file: str) -> str:
        """Give the closing line of a file."""
        counts = ", ".join(f"{self.count(status)} {status.replace('_', ' ')}" for status in Status)
        return f"acceptance {file}: {counts}"

    def report(self) -> dict[str, object]:
        """Give what the report file says of a file."""
        counts: dict[str, object] = {status.value: self.count(status) for status in Status}
        return {**counts, "failing": [case for case, outcome in self.outcomes if outcome.status is Status.FAILED]}
