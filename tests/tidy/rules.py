"""Which house rules can a machine check? Each takes source text and gives its complaints; a clean file has none."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

MODULE_LINES = 300
FUNCTION_LINES = 60

CONTEXTS = frozenset(
    {
        *("parties", "network", "catalog", "inventory", "pricing", "promotions", "tax", "ordering", "payments"),
        *(
            "fulfilment",
            "returns",
            "documents",
            "loyalty",
            "subscriptions",
            "trade",
            "passport",
            "engagement",
            "privacy",
        ),
    }
)
"""The business areas that have, or will have, a package of their own."""

CONTEXT_FILES = ("errors", "states", "model", "rules", "commands", "events", "kinds", "decide", "ports", "flows")
"""The closed list of files in a context; any other file is a named algorithm, which stands beside `decide`."""

_BELOW_ALGORITHMS = frozenset({"errors", "states", "model", "rules", "commands", "events", "kinds"})
_EMPTY_NAMES = re.compile(r"_?(util|helper|common|misc|manager)(itie)?s?|.*_(utils?|helpers?|misc|managers?)")
_CODE = re.compile(r"[a-z]+\.[a-z][a-z0-9]*(_[a-z0-9]+)*")
_SILENCED = re.compile(r"#\s*(type:\s*ignore(\[[^\]]*\])?|noqa(:\s*[A-Z0-9, ]+)?|pragma:\s*no (cover|branch))\s*$")

# Joined here, so that this file does not name what it forbids.
_NOWHERE, _NOT_SHIPPED = (
    tuple("".join(parts) for parts in phrases)
    for phrases in (
        (("/wor", "k/"), ("/roo", "t/"), ("python", "hosted"), ("pypi", ".org"), ("npm", "js")),
        (("../", "shared"), ("/tm", "p/")),
    )
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: str) -> Iterator[Function]:
    """Give every function of a file, methods and nested ones included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            yield node


def too_long(name: str, source: str, allowed: Mapping[str, str]) -> list[str]:
    """A file has at most 300 lines and a function at most 60, unless `allowed` gives the reason."""
    complaints = []
    lines = len(source.splitlines())
    if lines > MODULE_LINES and name not in allowed:
        complaints.append(f"{name}: {lines} lines, at most {MODULE_LINES}")
    for node in functions(source):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > FUNCTION_LINES and f"{name}:{node.name}" not in allowed:
            complaints.append(f"{name}:{node.name}: {lines} lines, at most {FUNCTION_LINES}")
    return complaints


def empty_name(name: str) -> list[str]:
    """No module is named after nothing in particular."""
    stems = [part.removesuffix(".py") for part in name.split("/")]
    return [f"{name}: `{stem}` says nothing; name what it does" for stem in stems if _EMPTY_NAMES.fullmatch(stem)]


def front_door(name: str, source: str) -> list[str]:
    """A context's `__init__` says what it is for, and its `__all__` is exactly what it re-exports."""
    tree = ast.parse(source)
    complaints = [] if ast.get_docstring(tree) else [f"{name}: no docstring"]
    exported: set[str] = set()
    bound: set[str] = set()
    for node in tree.body:
        match node:
            case ast.ImportFrom() | ast.Import():
                bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            case ast.FunctionDef(name=own) | ast.AsyncFunctionDef(name=own) | ast.ClassDef(name=own):
                bound.add(own)
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() | ast.Tuple() as listed):
                exported = {
                    item.value for item in listed.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)
                }
            case ast.Assign(targets=[ast.Name(id=own)]) | ast.AnnAssign(target=ast.Name(id=own)):
                bound.add(own)
            case _:
                pass
    public = {own for own in bound if not own.startswith("_")}
    complaints += [f"{name}: {own} is re-exported but not in __all__" for own in sorted(public - exported)]
    complaints += [f"{name}: {own} is in __all__ but not there" for own in sorted(exported - bound)]
    return complaints


def imports_of(source: str) -> Iterator[str]:
    """Give the dotted name of every module a file imports; `from a import b` gives `a` and `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def algorithm_order(context: str, module: str, source: str, siblings: Iterable[str]) -> list[str]:
    """A named algorithm knows neither decisions nor flows of its context, and no rule or model knows it."""
    algorithms = set(siblings) - set(CONTEXT_FILES) - {"__init__"}
    own = {name.split(".")[2] for name in imports_of(source) if name.startswith(f"omnicore.{context}.")}
    where = f"{context}/{module}.py"
    if module in algorithms:
        return [f"{where}: an algorithm may not import {name}" for name in sorted(own & {"decide", "ports", "flows"})]
    if module in _BELOW_ALGORITHMS:
        return [f"{where}: {module} may not import the algorithm {name}" for name in sorted(own & algorithms)]
    return []


def unlawful_tests(name: str, source: str) -> list[str]:
    """A test is a law: its docstring is one sentence that a merchant understands."""
    complaints = []
    for node in functions(source):
        text = ast.get_docstring(node) or ""
        if node.name.startswith("test_") and not text.split("\n\n")[0].endswith("."):
            complaints.append(f"{name}:{node.name}: no sentence for a docstring")
    return complaints


def unreasoned_silence(name: str, source: str) -> list[str]:
    """Whoever silences a checker says why in the same comment."""
    return [
        f"{name}:{number}: a silenced checker without a reason"
        for number, line in enumerate(source.splitlines(), 1)
        if _SILENCED.search(line)
    ]


def phrases(name: str, text: str) -> list[str]:
    """Nothing committed names a machine's folders or a registry's hosts; what ships names no neighbour folder."""
    banned = _NOWHERE if name.startswith(("tests/", ".ci/")) else _NOWHERE + _NOT_SHIPPED
    return [f"{name}: contains {phrase!r}" for phrase in banned if phrase in text]


def refusal_codes(codes: Mapping[str, str]) -> list[str]:
    """Every refusal (dotted class name: code) has a code of its own, `context.snake_case`, led by its context."""
    complaints = []
    first: dict[str, str] = {}
    for kind, code in codes.items():
        package = kind.split(".")[1]
        if not _CODE.fullmatch(code):
            complaints.append(f"{kind}: code {code!r} is not context.snake_case")
        elif (area := code.split(".")[0]) != package and CONTEXTS & {area, package}:
            complaints.append(f"{kind}: code {code!r} belongs to {area!r}, not to {package!r}")
        if first.setdefault(code, kind) != kind:
            complaints.append(f"{kind}: code {code!r} belongs to {first[code]}")
    return complaints


def unknown_nouns(name: str, source: str, glossary: str) -> list[str]:
    """Every public class of a context's model has its head noun in the glossary."""
    known = {word.lower() for word in re.findall(r"[A-Za-z]+", glossary)}
    complaints = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            noun = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*", node.name)[-1].lower()
            if not {noun, noun.removesuffix("s"), noun + "s"} & known:
                complaints.append(f"{name}: {node.name}: {noun!r} is not in docs/glossary.md")
    return complaints
