"""Can the acceptance runner be believed? A wrong figure fails, an unknown one is counted, a bad file is named."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import evolve

from tests.acceptance.choosing import choose
from tests.acceptance.comparing import AnyOrder, Named, Refusal, Rows, differences
from tests.acceptance.declining import Declined, read_rules
from tests.acceptance.judging import Outcome, Status, Tally, judge
from tests.acceptance.kinds import KINDS
from tests.acceptance.reading import SHIPPED, Case, Entry, NotBuilt, read_case, read_folder
from tests.acceptance.test_cases import DECLINED

ROOT = Path(__file__).resolve().parents[2]

SPLIT: Mapping[str, object] = {
    "id": "three-ways",
    "source": "Vendure: somewhere:1",
    "kind": "distribute",
    "given": {"weights": [1, 1, 1], "amount": 100},
    "when": [{"distribute": "proportional"}],
    "then": {"parts": [34, 33, 33]},
    "convention": {"distribution": "floor_then_largest_fraction_first"},
}

# Kinds that this far into the project run on every shipped case of theirs; a kind that has come this far stays.
WHOLE = {"tax_amount", "refund_amount", "tender"}
# Of these, at least so many shipped cases run.
AT_LEAST = {
    "allocate": 3,
    "availability": 15,
    "cart": 30,
    "derive_state": 16,
    "distribute": 19,
    "hold_sell": 5,
    "identity": 2,
    "lifecycle": 7,
    "reserve": 2,
    "return_eligibility": 6,
    "return_item": 8,
    "source_selection": 5,
    "stock_ops": 9,
}


def outcome(**changes: object) -> Outcome:
    """Judge the example with some parts changed."""
    entry = Entry(file="f", id="three-ways", case=read_case({**SPLIT, **changes}))
    return judge(entry, kinds=KINDS, declined=())


def shipped() -> list[Entry]:
    """Give every shipped case."""
    return [entry for entries in read_folder(SHIPPED).values() for entry in entries]


def write(folder: Path, name: str, text: str) -> None:
    """Put a file into a folder of cases."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_a_right_case_passes() -> None:
    """A case whose figures come out passes."""
    assert outcome() == Outcome(Status.PASSED)


def test_a_wrong_figure_fails() -> None:
    """A case that expects another figure fails, and the failure names the fact and both figures."""
    wrong = outcome(then={"parts": [33, 33, 34]})
    assert wrong.status is Status.FAILED
    assert "then.parts[0]: 33 expected, 34 came out" in wrong.why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": "weather"}, "nobody runs the kind 'weather'"),
        ({"then": {"parts": [34, 33, 33], "mood": "fair"}}, "nobody computes then.mood"),
        ({"given": {"weights": [1], "amount": 1, "moon": "full"}}, "given: nobody reads moon"),
        ({"when": [{"distribute": "proportional", "twice": True}]}, "when[0]: nobody reads twice"),
        ({"when": [{"distribute": "by_lot"}]}, "splitting by_lot"),
        ({"convention": {"distribution": "by_lot"}}, "the spreading convention by_lot"),
        ({"given": {"weights": [1], "amount": "T"}}, "given.amount: a str, not a int"),
        ({"given": {"amount": 1}, "when": []}, "a distribute of 0 steps"),
    ],
)
def test_what_nobody_does_is_not_built(changes: Mapping[str, object], why: str) -> None:
    """An unknown kind, fact, field, step or convention is counted as not built and says which, never ignored."""
    assert outcome(**changes) == Outcome(Status.NOT_BUILT, why)


def test_a_letter_for_a_figure_is_not_built() -> None:
    """A case that names a figure by a letter is not compared with a number."""
    with pytest.raises(NotBuilt, match="letter"):
        differences({"total": "T"}, Named(total=5))


def test_an_accident_fails_one_case() -> None:
    """An adapter that breaks down fails its case with the name of the error, and the run goes on."""
    entry = Entry(file="f", id="x", case=read_case(SPLIT))

    def breaks(case: Case) -> Named:
        raise KeyError(case.kind)

    assert judge(entry, kinds={"distribute": breaks}, declined=()) == Outcome(Status.FAILED, "KeyError: 'distribute'")


@pytest.mark.parametrize(
    ("then", "answer", "holds"),
    [
        ({"n": 1}, Named(n=1, more=2), True),
        ({"n": True}, Named(n=1), False),
        ({"n": None}, Named(n=None), True),
        ({"rows": {"A": 1}}, Named(rows=Rows(A=1, B=2)), True),
        ({"rows": {"C": 1}}, Named(rows=Rows(A=1)), False),
        ({"map": {"A": 1}}, Named(map={"A": 1, "B": 2}), False),
        ({"list": [1, 2]}, Named(list=[2, 1]), False),
        ({"list": [1, 2]}, Named(list=AnyOrder([2, 1])), True),
        ({"list": [1, 2]}, Named(list=AnyOrder([1, 2, 2])), False),
        ({"list": [{"n": 1}]}, Named(list=[Named(n=2)]), False),
        ({"refused": True}, Named(refused=Refusal("short", code="a.short")), True),
        ({"refused": "short"}, Named(refused=Refusal("short", code="a.short")), True),
        ({"refused": "closed"}, Named(refused=Refusal("short", code="a.short")), False),
        ({"refused": True}, Named(refused=None), False),
    ],
)
def test_facts_are_compared_exactly(then: Mapping[str, object], answer: Named, holds: bool) -> None:  # noqa: FBT001 - a column
    """Figures, lists, tables and refusals agree with a case or the difference is named."""
    assert (differences(then, answer) == []) is holds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cases: [", "f.yaml cannot be read"),
        ("\x00", "f.yaml cannot be read"),
        ("- 1\n", "f.yaml has no list named 'cases'"),
        ("", "f.yaml has no list named 'cases'"),
        ("cases:\n- 5\n", "f.yaml, case 0: not a mapping"),
        ("cases:\n- {id: a, kind: b, source: c, given: {}, when: []}\n", "f.yaml, case 0: then states no fact"),
        ("cases:\n- {id: a, kind: b, source: c, given: [], when: [], then: {x: 1}}\n", "f.yaml, case 0: given or"),
        ("cases:\n- {kind: b, source: c, given: {}, when: [], then: {x: 1}}\n", "f.yaml, case 0: id is not a text"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, why: str) -> None:
    """A file that is no YAML or holds no cases fails by name with one clear line, and stops nothing."""
    write(tmp_path, "f.yaml", text)
    (entry,) = read_folder(tmp_path)["f"]
    result = judge(entry, kinds=KINDS, declined=())
    assert result.status is Status.FAILED
    assert result.why.startswith(why)
    assert "\n" not in result.why


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    """A file in another encoding fails by name."""
    (tmp_path / "f.yaml").write_bytes(b"cases: [\xff\xfe\xfa]")
    (entry,) = read_folder(tmp_path)["f"]
    assert judge(entry, kinds=KINDS, declined=()).why.startswith("f.yaml cannot be read")


def test_rules_decline_by_kind_tag_and_convention() -> None:
    """A rule declines exactly the cases that have all it names."""
    case = read_case({**SPLIT, "tags": ["odd"]})
    assert Declined(reason="r", tag="odd").matches(case)
    assert Declined(reason="r", kind="distribute", tag="odd").matches(case)
    assert Declined(reason="r", convention={"distribution": "floor_then_largest_fraction_first"}).matches(case)
    assert not Declined(reason="r", kind="cart", tag="odd").matches(case)
    assert not Declined(reason="r", convention={"distribution": "other"}).matches(case)
    entry = Entry(file="f", id="x", case=case)
    assert judge(entry, kinds={}, declined=[Declined(reason="r", tag="odd")]) == Outcome(Status.DECLINED, "r")


@pytest.mark.parametrize("rule", ['reason = "r"', 'tag = "t"', 'tag = "t"\nreason = "r"\nid = "one-case"'])
def test_a_rule_needs_a_reason_and_is_never_about_one_case(rule: str) -> None:
    """A rule without a reason, without a condition, or on a case's id is no rule."""
    with pytest.raises(ValueError, match="rule 0"):
        read_rules(f"[[rule]]\n{rule}\n")


def test_declined_rules_are_needed_and_few() -> None:
    """Every rule declines some shipped case, and no file loses more than 6 % to them."""
    cases = [(entry.file, entry.case) for entry in shipped() if entry.case]
    assert all(any(rule.matches(case) for _, case in cases) for rule in DECLINED)
    for file in {name for name, _ in cases}:
        mine = [case for name, case in cases if name == file]
        declined = sum(any(rule.matches(case) for rule in DECLINED) for case in mine)
        assert declined <= len(mine) * 6 // 100


def test_kinds_that_run_keep_running() -> None:
    """No kind of case that omnicore has once answered silently stops being asked."""
    ran: dict[str, int] = {}
    silent: dict[str, int] = {}
    for entry in shipped():
        if entry.case and not any(rule.matches(entry.case) for rule in DECLINED):
            status = judge(entry, kinds=KINDS, declined=()).status
            book = silent if status is Status.NOT_BUILT else ran
            book[entry.case.kind] = book.get(entry.case.kind, 0) + 1
    assert {kind: silent[kind] for kind in WHOLE if kind in silent} == {}
    assert {kind: ran.get(kind, 0) for kind, least in AT_LEAST.items() if ran.get(kind, 0) < least} == {}
    assert ran.keys() >= WHOLE


def test_every_figure_of_every_case_counts() -> None:
    """Whichever figure, word or answer of a passing case is falsified, the case no longer passes."""
    for entry in shipped():
        case = entry.case
        if case is None or judge(entry, kinds=KINDS, declined=()).status is not Status.PASSED:
            continue
        for then in falsified(case.then):
            changed = Entry(file="f", id=case.id, case=evolve(case, then=then))
            result = judge(changed, kinds=KINDS, declined=())
            assert result.status is not Status.PASSED, f"{case.id} passes with {then}"


def falsified(value: object) -> Iterator[Any]:
    """Give a case's facts with one of them wrong, for each in turn."""
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case str():
            yield value + "1"
        case list():
            yield [*value, 1]
            for at, each in enumerate(value):
                yield from ([*value[:at], wrong, *value[at + 1 :]] for wrong in falsified(each))
        case Mapping():
            yield {**value, "1": "1"}
            for key, each in value.items():
                yield from ({**value, key: wrong} for wrong in falsified(each))
        case _:
            yield "1"


def test_the_tally_counts_and_names() -> None:
    """A file closes with its four counts, and its report names the cases that failed."""
    tally = Tally([(status.value, Outcome(status)) for status in Status])
    assert tally.line("promotions") == "acceptance promotions: 1 passed, 1 failed, 1 declined, 1 not built"
    assert tally.report() == {"passed": 1, "failed": 1, "declined": 1, "not_built": 1, "failing": ["failed"]}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the cases as a user does."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/acceptance/test_cases.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own command line


def test_a_folder_never_seen_runs_to_its_end(tmp_path: Path) -> None:
    """A folder of unseen cases, odd kinds and broken files runs to its end, with a closing line and counts per file."""
    cases = tmp_path / "cases"
    other = {**SPLIT, "id": "wrong", "then": {"parts": [1, 2, 3]}}
    write(cases, "good.yaml", yaml.safe_dump({"cases": [SPLIT, {**SPLIT, "id": "odd", "kind": "weather"}]}))
    write(cases, "deep/bad.yaml", yaml.safe_dump({"cases": [other, {**SPLIT, "id": "new", "tags": ["peer_quirk"]}]}))
    write(cases, "broken.yaml", "cases: [")
    write(cases, "left-out.yaml", "cases: [")
    report = tmp_path / "report.json"
    only = "good,bad.yaml,broken"
    done = run(f"--cases={cases}", "--only", only, "--acceptance-report", str(report))
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("acceptance ")] == [
        "acceptance broken: 0 passed, 1 failed, 0 declined, 0 not built",
        "acceptance deep/bad: 0 passed, 1 failed, 1 declined, 0 not built",
        "acceptance good: 1 passed, 0 failed, 0 declined, 1 not built",
    ]
    counts = json.loads(report.read_text(encoding="utf-8"))
    assert counts.keys() == {"broken", "deep/bad", "good"}
    assert counts["deep/bad"] == {"passed": 0, "failed": 1, "declined": 1, "not_built": 0, "failing": ["wrong"]}
    assert counts["broken"]["failing"] == ["broken.yaml"]
    assert "broken.yaml cannot be read" in done.stdout
    assert "then.parts[0]: 1 expected, 34 came out" in done.stdout


def test_a_wrong_option_is_told_in_a_line() -> None:
    """A file that is not there ends the run with one line that names it and those that are."""
    done = run("--only", "no-such-file")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--only no-such-file: the files there are customers, inventory, orders" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_missing_folder_is_told(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder that is not there, or holds no cases, is named."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        monkeypatch.setattr(pytestconfig.option, "cases", str(folder), raising=False)
        with pytest.raises(pytest.UsageError, match="no folder with"):
            choose(pytestconfig)
