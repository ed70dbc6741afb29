"""How is a value of a given form read from JSON-shaped data?

For each form one reader is made once, as a closure over its parts, and kept. Readers are the only code that turns data
into values: types are exact, keys are exact, and every complaint of a constructor leaves as ``Malformed`` with the path
to where it stands. They are closures of our own, because the path then costs nothing while all is well, and because the
same forms give the writers, the schema and the register of personal fields.
"""

import re
from collections.abc import Callable
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
)
from omnicore.kernel.codec_scalar_forms import Scalar
from omnicore.kernel.codec_scalars import integer, key, text
from omnicore.kernel.codec_types import JsonValue
from omnicore.kernel.errors import Malformed, OmnicoreError
from omnicore.kernel.personal import Personal

Reader: TypeAlias = Callable[[object], object]

# What a constructor may raise for a bad value; anything else is a bug in it and is not hidden.
_COMPLAINTS = (OmnicoreError, ValueError, TypeError, ArithmeticError, LookupError)
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_SHAPE_NAMES = {str: "text", int: "a whole number", bool: "true or false", list: "an array", dict: "an object"}

_READERS: dict[object, Reader] = {}


def reader_of(declared: object) -> Reader:
    """Give the reader of a type, made at first use."""
    found = _READERS.get(declared)
    if found is None:
        with LOCK:  # a reader is published when it is complete, so no thread sees one half made
            found = _READERS[declared] = _reader(form_of(declared), {})
    return found


def any_json(value: object) -> JsonValue:
    """Check free JSON, part by part, and give a copy.

    Raises:
        Malformed: if any part is not a text, whole number, truth value, null, array or object with text keys.
    """
    if type(value) is list:
        items: list[JsonValue] = []
        try:
            for each in value:
                items.append(any_json(each))  # noqa: PERF401 - the count is the path of a complaint
        except Malformed as bad:
            raise bad.under(f"[{len(items)}]") from None
        return items
    if type(value) is dict:
        name: object = ""
        try:
            for name in value:
                key(name)
            return {name: any_json(each) for name, each in value.items()}
        except Malformed as bad:
            raise bad.under(step(name)) from None
    if value is None or type(value) is bool:
        return value
    return integer(value) if type(value) is int else text(value)


def step(name: object) -> str:
    """Give the step of a path to a key; a key that is not a plain word may be data about somebody and is not shown."""
    return f".{name}" if type(name) is str and _PLAIN_KEY.fullmatch(name) else "[*]"


def _reader(form: Form, made: dict[Form, Reader]) -> Reader:
    match form:
        case Scalar(read=read):
            return read
        case AnyJson():
            return any_json
        case PersonalOf(item=item):
            inner = _reader(item, made)
            return lambda data: Personal(inner(data))
        case Via(inner=inner_form, load=load):
            return _via_reader(_reader(inner_form, made), load)
        case ListOf(item=item):
            return _list_reader(_reader(item, made))
        case SetOf(item=item):
            return _set_reader(_list_reader(_reader(item, made)))
        case MapOf(key=key_form, item=item):
            return _map_reader(_reader(key_form, made), _reader(item, made))
        case OneOf():
            return _one_reader(form, made)
        case Record():
            return made[form] if form in made else _record_reader(form, made)
        case _:
            assert_never(form)


def _via_reader(inner: Reader, load: Callable[[object], object]) -> Reader:
    def read(data: object) -> object:
        given = inner(data)
        try:
            return load(given)
        except _COMPLAINTS as complaint:
            bad = _blame(complaint)
        raise bad  # outside the handler, so that the complaint, which may quote the value, is not attached

    return read


def _list_reader(inner: Reader) -> Reader:
    def read(data: object) -> object:
        if type(data) is not list:
            raise Malformed("$", "must be an array")
        items: list[object] = []
        try:
            for each in data:
                items.append(inner(each))  # noqa: PERF401 - the count is the path of a complaint
        except Malformed as bad:
            raise bad.under(f"[{len(items)}]") from None
        return tuple(items)

    return read


def _set_reader(inner: Reader) -> Reader:
    def read(data: object) -> object:
        items = inner(data)
        assert isinstance(items, tuple)
        found = frozenset(items)
        if len(found) != len(items):
            raise Malformed("$", "names something twice")
        return found

    return read


def _map_reader(read_key: Reader, inner: Reader) -> Reader:
    def read(data: object) -> object:
        if type(data) is not dict:
            raise Malformed("$", "must be an object")
        items: dict[object, object] = {}
        try:
            names = [read_key(name) for name in data]
        except Malformed as bad:
            raise bad.under("[*]") from None
        name: object = ""
        try:
            for name, each in zip(names, data.values(), strict=True):
                items[name] = inner(each)
        except Malformed as bad:
            raise bad.under(step(name)) from None
        return items

    return read


def _one_reader(form: OneOf, made: dict[Form, Reader]) -> Reader:
    plain = {shape: _reader(member, made) for shape, member in form.plain.items()}
    tag = form.tag
    records = {name: _reader(record, made) for name, record in form.records.items()}
    known = " or ".join([_SHAPE_NAMES.get(shape, "null") for shape in plain] + ["an object"] * bool(records))

    def read_record(data: object) -> object:
        assert isinstance(data, dict)
        if tag not in data:
            raise Malformed(f"$.{tag}", "is missing")
        name = data[tag]
        if type(name) is not str or name not in records:
            raise Malformed(f"$.{tag}", f"is not a known {tag}")
        return records[name](data)

    by_shape = {**plain, dict: read_record} if records else plain

    def read(data: object) -> object:
        member = by_shape.get(type(data))
        if member is None:
            raise Malformed("$", f"must be {known}")
        return member(data)

    return read


def _record_reader(form: Record, made: dict[Form, Reader]) -> Reader:
    build: Callable[..., object] = form.python
    tag, stored_name = form.tag or ("", "")
    parts: list[tuple[str, Reader, bool]] = []  # filled below, because a record may hold itself

    def read(data: object) -> object:
        if type(data) is not dict:
            raise Malformed("$", "must be an object")
        if tag and data.get(tag) != stored_name:
            raise Malformed(f"$.{tag}", f"must be {stored_name}")
        given: dict[str, object] = {}
        name = ""
        try:
            for name, part, required in parts:
                if name in data:
                    given[name] = part(data[name])
                elif required:
                    raise Malformed("$", "is missing")
        except Malformed as bad:
            raise bad.under(f".{name}") from None
        if len(data) != len(given) + bool(tag):
            raise _unknown(data, known={*given, tag} if tag else {*given})
        try:
            return build(**given)
        except _COMPLAINTS as complaint:
            refusal = _blame(complaint)
        raise refusal  # outside the handler, as above

    made[form] = read
    parts.extend((part.name, _reader(part.form, made), part.required) for part in form.parts)
    return read


def _unknown(data: dict[object, object], *, known: set[str]) -> Malformed:
    name = next(name for name in data if name not in known)
    return Malformed("$" + step(name), "is not a known key")


def _blame(complaint: Exception) -> Malformed:
    """Turn what a constructor raised into ours: keep a path of ours, drop any text that may quote the value."""
    if isinstance(complaint, Malformed):
        return complaint if complaint.path.startswith("$") else Malformed(f"$.{complaint.path}", complaint.reason)
    return Malformed("$", "is not a value its type allows")
