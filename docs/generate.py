"""Which pages are not written by hand? State machines, laws and refusals: `just diagrams` writes them from the code.

A tidy test compares what is committed with what this script would write, so the pages are always true.
"""

import ast
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import omnicore
from omnicore.kernel.errors import Refused
from omnicore.kernel.machine import Machine, all_machines

ROOT = Path(__file__).resolve().parent.parent
NO_LAWS = ("acceptance", "tidy", "typing")
"""Folders of tests that do not speak about commerce: transcribed cases, house rules, type examples."""

_NOTE = "<!-- Written by `just diagrams`; change the code instead. -->\n\n"


def import_everything() -> None:
    """Import every module of omnicore, so that each refusal and each machine has been declared."""
    for module in pkgutil.walk_packages(omnicore.__path__, "omnicore."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def refusals() -> list[type[Refused]]:
    """Give every refusal that omnicore itself declares, by code."""

    def below(base: type[Refused]) -> Iterator[type[Refused]]:
        for kind in base.__subclasses__():
            yield kind
            yield from below(kind)

    import_everything()
    ours = {kind for kind in below(Refused) if kind.__module__.startswith("omnicore.")}
    return sorted(ours, key=lambda kind: (kind.code, kind.__qualname__))


def summary(docstring: str | None) -> str:
    """Give the first paragraph of a docstring as one line."""
    return " ".join(inspect.cleandoc(docstring or "").split("\n\n")[0].split())


def errors_page() -> str:
    """Write the table of refusals: what a host may match on, and what it answers over HTTP."""
    rows = [f"| `{kind.code}` | {kind.status} | {summary(kind.__doc__)} |\n" for kind in refusals()]
    return (
        _NOTE + "# Refusals\n\n"
        "A refusal is a rule's no. Its code is stable, its facts say what decided, its text is for a log.\n"
        "Over HTTP it is an RFC 9457 problem with the status given here. Two answers are no refusals:\n"
        "`Conflict` (409, somebody was faster: try again) and `Malformed` (422, bad data: a path and a\n"
        "reason, never the value).\n\n"
        "| code | status | when |\n| --- | --- | --- |\n" + "".join(rows)
    )


def laws_of(source: str) -> list[str]:
    """Give the sentence of every test in a file, in the order they stand."""
    tests = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    tests = [node for node in tests if node.name.startswith("test_")]
    return [text for node in sorted(tests, key=lambda node: node.lineno) if (text := summary(ast.get_docstring(node)))]


def laws_page() -> str:
    """Write the laws, a section for each test file: the specification as the suite checks it."""
    sections = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        parts = path.relative_to(ROOT / "tests").parts
        if parts[0] in NO_LAWS or not (laws := laws_of(path.read_text(encoding="utf-8"))):
            continue
        title = ": ".join((*parts[:-1], parts[-1].removeprefix("test_").removesuffix(".py").replace("_", " ")))
        sections.append(f"## {title}\n\n" + "".join(f"- {law}\n" for law in laws))
    return (
        _NOTE
        + "# Laws\n\nEvery sentence here is a test of the same meaning; most are tried on generated input.\n\n"
        + "\n".join(sections)
    )


def machines() -> list[Machine[StrEnum, StrEnum]]:
    """Give every state machine that a module of omnicore holds, by name; those of its tests are not among them."""
    import_everything()
    modules = [module for name, module in sys.modules.items() if name.startswith("omnicore.")]
    held = {id(value) for module in modules for value in vars(module).values()}
    return [machine for machine in all_machines() if id(machine) in held]


def machine_pages() -> dict[str, str]:
    """Write a page for each state machine, and the page that lists them."""
    pages = {
        f"docs/machines/{machine.name}.md": f"{_NOTE}# {machine.name}\n\n```mermaid\n{machine.mermaid().strip()}\n```\n"
        for machine in machines()
    }
    listed = "".join(f"{machine.name}\n" for machine in machines())
    pages["docs/machines/index.md"] = (
        _NOTE
        + "# State machines\n\nEach is a table in the code: a move not drawn here is refused, and nothing changes.\n\n"
        "```{toctree}\n" + listed + "```\n"
    )
    return pages


def pages() -> dict[str, str]:
    """Give every generated page: its path from the root of the repository, and its text."""
    return {"docs/errors.md": errors_page(), "docs/laws.md": laws_page(), **machine_pages()}


def committed() -> dict[str, str]:
    """Give the generated pages as they stand, a machine that no longer exists included."""
    paths = [ROOT / "docs/errors.md", ROOT / "docs/laws.md", *(ROOT / "docs/machines").glob("*.md")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths if path.exists()}


def stale(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Name the pages that say something else than the code, are missing, or no longer belong."""
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def main() -> int:
    """Write the pages that differ and drop those that no longer belong."""
    wanted = pages()
    for name in stale(wanted, committed()):
        page = ROOT / name
        if name in wanted:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(wanted[name], encoding="utf-8")
        else:
            page.unlink()
        print(f"{'wrote' if name in wanted else 'dropped'} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
