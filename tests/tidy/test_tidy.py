"""Is every house rule kept? Each rule is seen to fail on a seeded violation, then holds for the whole tree."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from docs import generate
from tests.tidy import rules

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/omnicore"

LONG: dict[str, str] = {}
"""What may be longer than the cap ("path" or "path:function"), and why."""


def texts(pattern: str) -> dict[str, str]:
    """Give the matching files of the repository: path from the root, and text."""
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(ROOT.glob(pattern))}


def contexts() -> list[Path]:
    """Give the folders of the contexts that exist so far."""
    return [SOURCE / name for name in sorted(rules.CONTEXTS) if (SOURCE / name).is_dir()]


def committed() -> list[Path]:
    """Give the files git has or would take; every file but caches where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - the developer's own git
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    return [path for folder in ("src", "tests", "docs", ".ci") for path in (ROOT / folder).rglob("*") if path.is_file()]


def clean(complaints: Iterable[str]) -> None:
    """Demand that nothing is complained of; show every complaint if something is."""
    found = sorted(complaints)
    assert not found, "\n".join(["", *found])


# ---------------------------------------------------------------------------------------------------------------- sizes


def test_a_long_file_or_function_is_reported() -> None:
    """A file of 301 lines and a function of 61 lines are named, and a listed reason excuses them."""
    source = "def f() -> None:\n" + "    x = 1\n" * 60 + "\n" * 240
    assert rules.too_long("a.py", source, {}) == ["a.py: 301 lines, at most 300", "a.py:f: 61 lines, at most 60"]
    assert rules.too_long("a.py", source, {"a.py": "a table", "a.py:f": "a table"}) == []


@pytest.mark.parametrize(
    "name", ["src/a/utils.py", "src/helpers/x.py", "a/misc.py", "a/order_manager.py", "a/_common.py"]
)
def test_a_name_that_says_nothing_is_reported(name: str) -> None:
    """A module called utils, helpers, common, misc or manager is named."""
    assert rules.empty_name(name)


def test_files_and_functions_are_short() -> None:
    """Every file has at most 300 lines and every function at most 60, except those listed with a reason."""
    files = texts("src/**/*.py")
    clean(c for name, text in files.items() for c in rules.too_long(name, text, LONG))
    clean(f"{entry}: listed as long but not there" for entry in LONG if entry.split(":")[0] not in files)


def test_names_say_something() -> None:
    """No module is called utils, helpers, common, misc or manager."""
    clean(c for pattern in ("src/**/*.py", "tests/**/*.py") for name in texts(pattern) for c in rules.empty_name(name))


# ------------------------------------------------------------------------------------------------------------- contexts


def test_a_crooked_front_door_is_reported() -> None:
    """A front door without a docstring, with a leak and with an empty promise is named for each."""
    source = 'from omnicore.tax.model import Rate, Leak\n__all__ = ["Rate", "Gone"]\n'
    assert rules.front_door("tax", source) == [
        "tax: no docstring",
        "tax: Leak is re-exported but not in __all__",
        "tax: Gone is in __all__ but not there",
    ]


def test_a_misplaced_algorithm_is_reported() -> None:
    """An algorithm that imports flows, and a model that imports an algorithm, are named."""
    files = ["__init__", "model", "atp", "flows"]
    assert rules.algorithm_order("inventory", "atp", "from omnicore.inventory.flows import receive", files)
    assert rules.algorithm_order("inventory", "model", "from omnicore.inventory import atp", files)
    assert rules.algorithm_order("inventory", "atp", "from omnicore.inventory.model import Stock", files) == []


def test_an_unknown_noun_is_reported() -> None:
    """A public class of a model whose head noun is not in the glossary is named."""
    assert rules.unknown_nouns("m.py", "class PickWave:\n    pass\nclass _Row:\n    pass\n", "| Wave |") == []
    assert rules.unknown_nouns("m.py", "class PickWave:\n    pass\n", "| Pick |")


def test_contexts_have_front_doors() -> None:
    """Every context says what it is for and lists exactly what it offers."""
    for folder in contexts():
        door = folder / "__init__.py"
        clean(rules.front_door(folder.name, door.read_text(encoding="utf-8") if door.exists() else ""))


def test_algorithms_know_their_place() -> None:
    """A named algorithm stands on its context's model and rules, and below its flows."""
    for folder in contexts():
        files = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
        clean(c for stem, text in files.items() for c in rules.algorithm_order(folder.name, stem, text, files))


def test_nouns_are_in_the_glossary() -> None:
    """Every public noun of a context's model is explained in the glossary, in English and Japanese."""
    glossary = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    models = [folder / "model.py" for folder in contexts() if (folder / "model.py").exists()]
    clean(
        c for path in models for c in rules.unknown_nouns(path.parent.name, path.read_text(encoding="utf-8"), glossary)
    )


# ------------------------------------------------------------------------------------------------------------- refusals


def test_a_bad_code_is_reported() -> None:
    """A refusal whose code is shapeless, of another context or taken is named."""
    assert rules.refusal_codes({"omnicore.tax.errors.A": "Tax-Closed"})
    assert rules.refusal_codes({"omnicore.tax.errors.A": "returns.closed"})
    assert rules.refusal_codes({"omnicore.kernel.errors.A": "tax.closed"})
    assert rules.refusal_codes({"omnicore.kernel.runs.A": "process.diverged"}) == []
    assert rules.refusal_codes({"omnicore.tax.errors.A": "tax.closed", "omnicore.tax.errors.B": "tax.closed"})
    assert rules.refusal_codes({"omnicore.tax.errors.A": "tax.closed", "omnicore.tax.errors.B": "tax.no_rate"}) == []


def test_refusals_have_codes() -> None:
    """Every refusal has a code of its own that begins with its context."""
    clean(rules.refusal_codes({f"{kind.__module__}.{kind.__qualname__}": kind.code for kind in generate.refusals()}))


# ---------------------------------------------------------------------------------------------------------------- pages


def test_a_law_is_read_from_its_test() -> None:
    """The laws page says what the docstring of a test says, and nothing of other functions."""
    source = 'def test_a():\n    """Money\n    adds up."""\ndef b():\n    """No."""\n'
    assert generate.laws_of(source) == ["Money adds up."]


def test_a_stale_page_is_reported() -> None:
    """A page that says something else, one that is missing and one left over are named; a fresh one is not."""
    assert generate.stale({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}) == ["b", "c", "d"]


def test_generated_pages_are_fresh() -> None:
    """The pages of refusals, laws and state machines say what the code says; `just diagrams` writes them."""
    stale = generate.stale(generate.pages(), generate.committed())
    clean(f"{name} is stale: run `just diagrams`" for name in stale)


# ---------------------------------------------------------------------------------------------------------------- texts


def test_a_test_without_a_law_is_reported() -> None:
    """A test without a docstring, and one whose docstring is no sentence, are named."""
    source = 'def test_a():\n    pass\ndef test_b():\n    """todo"""\ndef test_c():\n    """It holds."""\n'
    assert rules.unlawful_tests("t.py", source) == [
        "t.py:test_a: no sentence for a docstring",
        "t.py:test_b: no sentence for a docstring",
    ]


@pytest.mark.parametrize(
    "comment", ["# no" + "qa", "# no" + "qa: S101", "# type: " + "ignore[misc]", "# pragma: " + "no cover"]
)
def test_a_silenced_checker_is_reported(comment: str) -> None:
    """A silenced checker is named unless its comment gives a reason."""
    assert rules.unreasoned_silence("a.py", f"x = 1  {comment}")
    assert rules.unreasoned_silence("a.py", f"x = 1  {comment} - because") == []


def test_a_banned_phrase_is_reported() -> None:
    """A folder of one machine is named anywhere, a neighbour folder only in what ships."""
    assert rules.phrases("tests/a.py", "open('/wor" + "k/x')")
    assert rules.phrases("src/a.py", "../sha" + "red")
    assert rules.phrases("tests/a.py", "../sha" + "red") == []


def test_every_test_is_a_law() -> None:
    """Every test says in one sentence what it proves."""
    clean(c for name, text in texts("tests/**/*.py").items() for c in rules.unlawful_tests(name, text))


def test_silence_has_reasons() -> None:
    """Wherever a checker is silenced, the comment says why."""
    files = texts("src/**/*.py") | texts("tests/**/*.py")
    clean(c for name, text in files.items() for c in rules.unreasoned_silence(name, text))


def test_nothing_names_this_machine() -> None:
    """No committed file names a folder of one machine or a host of a package registry."""
    complaints: list[str] = []
    for path in committed():
        try:
            complaints += rules.phrases(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
    clean(complaints)
