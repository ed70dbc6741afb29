"""How are the cases chosen, collected and counted? `uv run pytest tests/acceptance --cases DIR --only FILE,...`."""

import json
from pathlib import Path

import pytest

from tests.acceptance.choosing import choose
from tests.acceptance.judging import Tally
from tests.acceptance.reading import Entry

FILES = pytest.StashKey[dict[str, list[Entry]]]()
TALLIES = pytest.StashKey[dict[str, Tally]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the three options; a run that does not name this folder on its command line runs without them."""
    group = parser.getgroup("acceptance", "cases transcribed from other systems' tests")
    group.addoption("--cases", metavar="DIR", help="read the cases below this folder")
    group.addoption("--only", metavar="FILE,...", help="run these files alone, named with or without .yaml")
    group.addoption("--acceptance-report", metavar="FILE", help="write the counts and the failing ids as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Read what was asked for before anything runs, so that a wrong option is one line.

    Raises:
        pytest.UsageError: there is no such folder or file.
    """
    report = config.getoption("--acceptance-report", default=None)
    if report is not None and not Path(report).absolute().parent.is_dir():
        raise pytest.UsageError(f"--acceptance-report {report}: no such folder")
    if config.getoption("--cases", default=None) is not None or config.getoption("--only", default=None) is not None:
        config.stash[FILES] = choose(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each case, named after its file and id."""
    if "entry" in metafunc.fixturenames:
        config = metafunc.config
        files = config.stash.get(FILES, None) or choose(config)
        config.stash[TALLIES] = {file: Tally() for file in files}
        entries = [entry for entries in files.values() for entry in entries]
        metafunc.parametrize("entry", entries, ids=[f"{entry.file}:{entry.id}" for entry in entries])


@pytest.fixture
def tallies(pytestconfig: pytest.Config) -> dict[str, Tally]:
    """Give the counts that the closing lines are made of."""
    return pytestconfig.stash[TALLIES]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Close with a line per file, and write the report."""
    tallies = config.stash.get(TALLIES, {})
    ran = {file: tally for file, tally in tallies.items() if tally.outcomes}
    for file, tally in ran.items():
        terminalreporter.write_line(tally.line(file))
    target = config.getoption("--acceptance-report", default=None)
    if target:
        Path(target).write_text(json.dumps({file: tally.report() for file, tally in tallies.items()}, indent=2) + "\n")
