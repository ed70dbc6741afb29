"""Does omnicore answer as other systems' own tests say? One test per case; the runner's own are in test_runner.py."""

import pytest

from tests.acceptance.declining import RULES_FILE, read_rules
from tests.acceptance.judging import Status, Tally, judge
from tests.acceptance.kinds import KINDS
from tests.acceptance.reading import Entry

DECLINED = read_rules(RULES_FILE.read_text(encoding="utf-8"))


def test_case(entry: Entry, tallies: dict[str, Tally]) -> None:
    """What other systems' own tests say of prices, stock, orders, tax and returns comes out here as well."""
    outcome = judge(entry, kinds=KINDS, declined=DECLINED)
    tallies[entry.file].outcomes.append((entry.id, outcome))
    match outcome.status:
        case Status.PASSED:
            pass
        case Status.FAILED:
            pytest.fail(outcome.why, pytrace=False)
        case Status.DECLINED | Status.NOT_BUILT:
            pytest.skip(f"{outcome.status.replace('_', ' ')}: {outcome.why}")
