"""How is a value of a given form written as JSON-shaped data?

For each form one writer is made once, as a closure over its parts, and kept; ``codec_read`` is its mirror. A writer
checks as strictly as a reader, so nothing is ever stored that could not be loaded again, and refuses to write personal
data unless the document is the vault's.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias, assert_never

from omnicore.kernel.codec_forms import (
    LOCK,
    AnyJson,
    Form,
    ListOf,
    MapOf,
    OneOf,
    PersonalOf,
    Record,
    SetOf,
    Via,
    form_of,
    personal_paths,
)
from omnicore.kernel.codec_read import any_json, step
from omnicore.kernel.codec_scalar_forms import Scalar
from omnicore.kernel.codec_types import JsonValue
from omnicore.kernel.errors import Malformed
from omnicore.kernel.personal import Personal, PersonalOutsideVault

Writer: TypeAlias = Callable[[object], JsonValue]

_WRITERS: dict[tuple[object, bool], Writer] = {}


def writer_of(declared: object, *, vault: bool) -> Writer:
    """Give the writer of a type, made at first use.

    Raises:
        PersonalOutsideVault: if the type can hold personal data and this is not the vault.
    """
    found = _WRITERS.get((declared, vault))
    if found is None:
        form = form_of(declared)
        paths = () if vault else personal_paths(form)
        if paths:
            raise PersonalOutsideVault(f"{declared!r} holds personal data at {', '.join(paths)}")
        with LOCK:
            found = _WRITERS[declared, vault] = _writer(form, {})
    return found


def _writer(form: Form, made: dict[Form, Writer]) -> Writer:
    match form:
        case Scalar(write=write):
            return write
        case AnyJson():
            return any_json
        case PersonalOf(item=item):
            return _via_writer(Personal, Personal.reveal, _writer(item, made))
        case Via(python=python, dump=dump, inner=inner_form):
            return _via_writer(python, dump, _writer(inner_form, made))
        case ListOf(item=item):
            return _list_writer(tuple, _writer(item, made))
        case SetOf(item=item):
            write_set = _list_writer(frozenset, _writer(item, made))
            return lambda value: sorted(write_set(value))  # type: ignore[type-var]  # a list of text: SetOf
        case MapOf(key=key_form, item=item):
            return _map_writer(_writer(key_form, made), _writer(item, made))
        case OneOf():
            return _one_writer(form, made)
        case Record():
            return made[form] if form in made else _record_writer(form, made)
        case _:
            assert_never(form)


def _via_writer(python: type, dump: Callable[..., object], inner: Writer) -> Writer:
    def write(value: object) -> JsonValue:
        if type(value) is not python:
            raise Malformed("$", f"must be a {python.__name__}")
        return inner(dump(value))

    return write


def _list_writer(python: type, inner: Writer) -> Callable[[object], list[JsonValue]]:
    def write(value: object) -> list[JsonValue]:
        if type(value) is not python:
            raise Malformed("$", f"must be a {python.__name__}")
        items: list[JsonValue] = []
        try:
            for each in value:  # type: ignore[attr-defined]  # a tuple or a frozenset by the line above
                items.append(inner(each))  # noqa: PERF401 - the count is the path of a complaint
        except Malformed as bad:
            raise bad.under(f"[{len(items)}]") from None
        return items

    return write


def _map_writer(write_key: Writer, inner: Writer) -> Writer:
    def write(value: object) -> JsonValue:
        if not isinstance(value, Mapping):
            raise Malformed("$", "must be a mapping")
        items: dict[str, JsonValue] = {}
        name: object = ""
        try:
            for name, each in value.items():
                items[write_key(name)] = inner(each)  # type: ignore[index]  # keys are text scalars: MapOf
        except Malformed as bad:
            raise bad.under(step(name)) from None
        return items

    return write


def _one_writer(form: OneOf, made: dict[Form, Writer]) -> Writer:
    by_type = {python: _writer(member, made) for python, member in form.by_type.items()}
    mapping = by_type.pop(Mapping, None)

    def write(value: object) -> JsonValue:
        member = by_type.get(type(value))
        if member is None and mapping is not None and isinstance(value, Mapping):
            member = mapping
        if member is None:
            raise Malformed("$", "is of no type its union allows")
        return member(value)

    return write


def _record_writer(form: Record, made: dict[Form, Writer]) -> Writer:
    python = form.python
    tag: dict[str, JsonValue] = dict([form.tag]) if form.tag else {}
    parts: list[tuple[str, str, Writer]] = []  # filled below, because a record may hold itself

    def write(value: object) -> JsonValue:
        if type(value) is not python:
            raise Malformed("$", f"must be a {python.__name__}")
        out = dict(tag)
        name = ""
        try:
            for attribute, name, part in parts:
                out[name] = part(getattr(value, attribute))
        except Malformed as bad:
            raise bad.under(f".{name}") from None
        return out

    made[form] = write
    parts.extend((part.attribute, part.name, _writer(part.form, made)) for part in form.parts)
    return write
