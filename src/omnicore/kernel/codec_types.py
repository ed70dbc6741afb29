"""What is the exact type of a field, once forward references and type variables are resolved?"""

import json
from typing import Any, Generic, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

JsonValue: TypeAlias = None | bool | int | str | list["JsonValue"] | dict[str, "JsonValue"]
"""What JSON can say, without floating point numbers."""


# What is written is a tree that a writer has just made, so nobody need look whether it holds itself.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
)


class NotStorable(AssertionError):  # noqa: N818 - names the bug
    """A type was declared that the codec cannot store: a bug in the declaration, never bad input."""


class _Json:
    """Stands for ``JsonValue`` inside resolved annotations, where the alias would expand for ever."""


_EXPANDED = None | bool | int | str | list[_Json] | dict[str, _Json]


def is_any_json(declared: object) -> bool:
    """Say whether the annotation is ``JsonValue``, as written or as resolved."""
    return declared in (_Json, _EXPANDED, JsonValue)


def field_types(declared: object) -> dict[str, object]:
    """Give the resolved types of a class's fields; of a generic class, with its type arguments put in."""
    cls = get_origin(declared) or declared
    assert isinstance(cls, type)
    bound = _bound(declared)
    hints = get_type_hints(cls, localns={"JsonValue": _Json, "Json": _Json})
    return {name: _put_in(hint, bound) for name, hint in hints.items()}


def _bound(declared: object) -> dict[object, object]:
    """Map each type variable of a class and of its generic bases to what it stands for."""
    cls = get_origin(declared) or declared
    bound: dict[object, object] = dict(zip(getattr(cls, "__parameters__", ()), get_args(declared), strict=False))
    for base in getattr(cls, "__orig_bases__", ()):
        if get_origin(base) is not Generic:
            bound |= _bound(_put_in(base, bound))
    return bound


def _put_in(hint: Any, bound: dict[object, object]) -> object:  # noqa: ANN401 - any annotation at all
    if isinstance(hint, TypeVar):
        return bound.get(hint, hint)
    free = getattr(hint, "__parameters__", ())
    if not free or isinstance(hint, type):
        return hint
    return hint[tuple(bound.get(variable, variable) for variable in free)]


def canonical(data: JsonValue) -> str:
    """Write JSON in its one canonical spelling: sorted keys, no spaces, no escapes that are not needed."""
    return _ENCODER.encode(data)
