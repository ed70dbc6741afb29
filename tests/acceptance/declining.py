"""Which cases do we not want to hold, and why? Rules on kind, tag and convention, never on one case."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.acceptance.reading import Case

RULES_FILE: Final = Path(__file__).with_name("declined.toml")
_PARTS: Final = {"kind", "tag", "convention", "reason"}


@frozen(kw_only=True)
class Declined:
    """A rule: a case that has the kind, the tag and the convention (as far as the rule names them) is declined."""

    reason: str
    kind: str | None = None
    tag: str | None = None
    convention: Mapping[str, str] | None = None

    def matches(self, case: Case) -> bool:
        """Say whether the rule is about a case."""
        return (
            (self.kind is None or case.kind == self.kind)
            and (self.tag is None or self.tag in case.tags)
            and all(case.convention.get(name) == value for name, value in (self.convention or {}).items())
        )


def read_rules(text: str) -> tuple[Declined, ...]:
    """Read the rules.

    Raises:
        ValueError: a rule without a reason, without a condition, or with a part that is no part of a rule.
    """
    rules = []
    for at, row in enumerate(tomllib.loads(text).get("rule", [])):
        if row.keys() - _PARTS or not row.get("reason") or len(row) == 1:
            raise ValueError(f"{RULES_FILE.name}, rule {at}: needs a reason, and kind, tag or convention")
        rules.append(Declined(**row))
    return tuple(rules)
