"""How is a folder of cases read, so that a bad file fails by name and a field nobody reads is seen?"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import yaml
from attrs import frozen

SHIPPED: Final = Path(__file__).with_name("cases")
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MISSING: Final = object()
T = TypeVar("T")


class NotBuilt(Exception):  # noqa: N818 - a status of a case, not an error
    """The case asks for something that omnicore, or the runner, does not do yet."""


class Misshapen(Exception):  # noqa: N818 - as above
    """The case or its file is not what README.md of the cases says."""


class Fields:
    """One mapping of a case: every field is taken by name and type, and what nobody took is "not built"."""

    def __init__(self, value: object, path: str) -> None:
        """Take a mapping in; anything else is misshapen."""
        if not isinstance(value, Mapping):
            raise Misshapen(f"{path}: not a mapping")
        self.path = path
        self._left: dict[str, object] = {str(key): each for key, each in value.items()}

    def __contains__(self, name: str) -> bool:
        """Say whether a field is there and has not been taken."""
        return name in self._left

    def take(self, name: str, default: object = _MISSING) -> object:
        """Take a field as it stands."""
        value = self._left.pop(name, default)
        if value is _MISSING:
            raise NotBuilt(f"{self.path}: a case without {name!r}")
        return value

    def peek(self, name: str) -> object:
        """Look at a field without taking it."""
        return self._left.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """Take a text."""
        return _checked(self.take(name, _MISSING if default is None else default), str, f"{self.path}.{name}")

    def whole(self, name: str, default: int | None = None) -> int:
        """Take a whole number."""
        return _checked(self.take(name, _MISSING if default is None else default), int, f"{self.path}.{name}")

    def flag(self, name: str, default: bool | None = None) -> bool:  # noqa: FBT001 - the field's default is its value
        """Take a yes or no."""
        return _checked(self.take(name, _MISSING if default is None else default), bool, f"{self.path}.{name}")

    def items(self, name: str) -> list[object]:
        """Take a list; a missing one is empty."""
        return list(_checked(self.take(name, []), list, f"{self.path}.{name}"))

    def within(self, name: str) -> "Fields":
        """Take a mapping, to be read in its turn."""
        return Fields(self.take(name), f"{self.path}.{name}")

    def rows(self, name: str) -> "list[Fields]":
        """Take a list of mappings; a missing list is empty."""
        return [Fields(row, f"{self.path}.{name}") for row in self.items(name)]

    @property
    def first(self) -> str:
        """Name the first field not taken: of a step, what it does."""
        return next(iter(self._left), "")

    def names(self) -> list[str]:
        """Name what has not been taken."""
        return list(self._left)

    def finish(self) -> None:
        """End the reading: a field that nobody took is something nobody does."""
        if self._left:
            raise NotBuilt(f"{self.path}: nobody reads {', '.join(sorted(self._left))}")

    @contextmanager
    def reading(self) -> "Iterator[Fields]":
        """Read and finish."""
        yield self
        self.finish()


def _checked(value: object, of: type[T], path: str) -> T:
    if type(value) is not of:
        raise NotBuilt(f"{path}: a {type(value).__name__}, not a {of.__name__}")
    return value


@frozen(kw_only=True)
class Case:
    """One case: what is given, what happens, and which facts must hold."""

    id: str
    kind: str
    peer: str
    tags: frozenset[str]
    convention: Mapping[str, object]
    given: Mapping[object, object]
    when: tuple[object, ...]
    then: Mapping[str, object]

    def givens(self) -> Fields:
        """Start reading what is given."""
        return Fields(self.given, "given")

    def steps(self) -> list[Fields]:
        """Start reading the steps."""
        return [Fields(step, f"when[{at}]") for at, step in enumerate(self.when)]


@frozen(kw_only=True)
class Entry:
    """A place in a file: a case, or the reason why there is none."""

    file: str
    id: str
    case: Case | None = None
    wrong: str = ""


def read_folder(folder: Path) -> dict[str, list[Entry]]:
    """Give the entries of every file below a folder, by the file's name without its ending; nothing here raises."""
    return {
        path.relative_to(folder).with_suffix("").as_posix(): list(_entries(path, folder))
        for path in sorted(folder.rglob("*.yaml"))
        if path.is_file()
    }


def _entries(path: Path, folder: Path) -> Iterator[Entry]:
    file = path.relative_to(folder).with_suffix("").as_posix()
    try:
        document: object = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 - both loaders are the safe one
    except (yaml.YAMLError, UnicodeError, ValueError, OSError, RecursionError) as error:
        yield Entry(file=file, id=path.name, wrong=f"{path.name} cannot be read: {' '.join(str(error).split())}")
        return
    cases = document.get("cases") if isinstance(document, Mapping) else None
    if not isinstance(cases, list):
        yield Entry(file=file, id=path.name, wrong=f"{path.name} has no list named 'cases'")
        return
    for at, raw in enumerate(cases):
        try:
            case = read_case(raw)
        except Misshapen as error:
            name = raw.get("id") if isinstance(raw, Mapping) else None
            yield Entry(
                file=file, id=name if isinstance(name, str) else f"#{at}", wrong=f"{path.name}, case {at}: {error}"
            )
        else:
            yield Entry(file=file, id=case.id, case=case)


def read_case(raw: object) -> Case:
    """Make a case of what a file says.

    Raises:
        Misshapen: a part is missing or of another shape.
    """
    if not isinstance(raw, Mapping):
        raise Misshapen("not a mapping")
    texts: dict[str, str] = {}
    for name in ("id", "kind", "source"):
        value = raw.get(name)
        if not isinstance(value, str) or not value:
            raise Misshapen(f"{name} is not a text")
        texts[name] = value
    given, when, then = raw.get("given"), raw.get("when"), raw.get("then")
    convention, tags = raw.get("convention") or {}, raw.get("tags") or []
    if not isinstance(given, Mapping) or not isinstance(convention, Mapping):
        raise Misshapen("given or convention is not a mapping")
    if not isinstance(when, list) or not isinstance(tags, list):
        raise Misshapen("when or tags is not a list")
    if not isinstance(then, Mapping) or not then:
        raise Misshapen("then states no fact")
    return Case(
        id=texts["id"],
        kind=texts["kind"],
        peer=texts["source"].partition(":")[0],
        tags=frozenset(str(tag) for tag in tags),
        convention={str(key): value for key, value in convention.items()},
        given=given,
        when=tuple(when),
        then={str(key): value for key, value in then.items()},
    )
