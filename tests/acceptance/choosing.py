"""Which files of cases does a run ask for?"""

from pathlib import Path

import pytest

from tests.acceptance.reading import SHIPPED, Entry, read_folder


def choose(config: pytest.Config) -> dict[str, list[Entry]]:
    """Read the folder (``--cases``) and keep the files asked for (``--only``).

    Raises:
        pytest.UsageError: there is no such folder or file.
    """
    folder = Path(config.getoption("--cases", default=None) or SHIPPED)
    files = read_folder(folder) if folder.is_dir() else {}
    if not files:
        raise pytest.UsageError(f"--cases {folder}: no folder with *.yaml files")
    only = config.getoption("--only", default=None)
    if only is None:
        return files
    asked = [name.strip().removesuffix(".yaml") for name in only.split(",") if name.strip()]
    unknown = [name for name in asked if not any(_is(name, file) for file in files)]
    if unknown or not asked:
        raise pytest.UsageError(f"--only {only}: the files there are {', '.join(files)}")
    return {file: entries for file, entries in files.items() if any(_is(name, file) for name in asked)}


def _is(name: str, file: str) -> bool:
    return name in {file, file.rpartition("/")[2]}
