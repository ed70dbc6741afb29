"""What shape does a Python type have in JSON?

One answer per type, worked out once from its declaration, and used by everything that must agree: reading and writing
(``codec_read``, ``codec_write``), unknown keys of stored documents (``codec_stored``), JSON Schema (``schema``) and the
register of personal fields. A type that has no exact shape is a bug in the declaration and raises ``NotStorable``, at
first use.
"""

import threading
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cached_property
from typing import Literal, NewType, TypeAlias, Union, assert_never, get_args, get_origin

import attrs
from attrs import frozen

from omnicore.kernel.codec_scalar_forms import BUILT_IN, ID, KEY, Scalar, enum_form, literal_form
from omnicore.kernel.codec_types import JsonValue, NotStorable, field_types, is_any_json
from omnicore.kernel.personal import Personal


@frozen(eq=False)
class Via:
    """A type of ours that is stored as another type: an instant as text, a localised text as a mapping."""

    python: type
    inner: "Form"
    dump: Callable[[object], object]
    load: Callable[[object], object]
    schema: Mapping[str, JsonValue]


@frozen(eq=False)
class ListOf:
    """``tuple[X, ...]``: an array."""

    item: "Form"


@frozen(eq=False)
class SetOf:
    """``frozenset[X]`` of texts: an array without repetition, written in order."""

    item: "Form"


@frozen(eq=False)
class MapOf:
    """``Mapping[str, X]``: an object with free keys."""

    key: "Form"
    item: "Form"


@frozen(eq=False)
class PersonalOf:
    """``Personal[X]``: as X, and only in the vault."""

    item: "Form"


@frozen(eq=False)
class AnyJson:
    """``JsonValue``: any JSON within the limits."""


@frozen
class Part:
    """One field of a record: attribute, JSON name, form, and whether input must give it."""

    attribute: str
    name: str
    form: "Form"
    required: bool


@frozen(eq=False, slots=False)
class Record:
    """An attrs class: an object with named fields and nothing else; ``tag`` is (key, stored name) in its union."""

    declared: object
    python: type
    tag: tuple[str, str] | None

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Give the fields; worked out late, because a type may hold itself."""
        try:
            hints = field_types(self.declared)
        except (NameError, TypeError) as error:
            raise NotStorable(f"cannot work out the fields of {self.declared!r}: {error}") from error
        parts = tuple(
            Part(field.name, field.alias or field.name, form_of(hints[field.name]), field.default is attrs.NOTHING)
            for field in attrs.fields(self.python)
            if field.init
        )
        if self.tag and self.tag[0] in {part.name for part in parts}:
            raise NotStorable(f"{self.python.__name__} has a field named as the tag of its union: {self.tag[0]}")
        return parts


@frozen(eq=False)
class OneOf:
    """A union: read by JSON type (``plain``) and stored name (``records``), written by Python type (``by_type``)."""

    plain: Mapping[type, "Form"]
    by_type: Mapping[type, "Form"]
    tag: str
    records: Mapping[str, Record]


Form: TypeAlias = Scalar | Via | ListOf | SetOf | MapOf | PersonalOf | AnyJson | Record | OneOf

LOCK = threading.RLock()
_FORMS: dict[object, Form] = {}
_REGISTERED: dict[object, Callable[[], Form]] = {}
_TAGS: dict[type, tuple[str, str]] = {}


def form_of(declared: object) -> Form:
    """Give the form of a type.

    Raises:
        NotStorable: if the type has none.
    """
    found = _FORMS.get(declared)
    if found is None:
        with LOCK:
            found = _FORMS[declared] = _make(declared)
    return found


def register(declared: object, make: Callable[[], Form]) -> None:
    """Say how a type is stored, before it is first used.

    Raises:
        NotStorable: if it has been registered or used already.
    """
    with LOCK:
        if declared in _REGISTERED or declared in _FORMS or declared in BUILT_IN:
            raise NotStorable(f"{declared!r} is already registered or in use")
        _REGISTERED[declared] = make


def register_tags(members: Mapping[str, type], *, tag: str) -> None:
    """Give classes their stored names: a name belongs to the class, so it is the same wherever the class is written.

    Raises:
        NotStorable: if a class has one already, is in use, or is not an attrs class.
    """
    with LOCK:
        for member in members.values():
            if member in _TAGS or member in _FORMS or not attrs.has(member):
                raise NotStorable(f"{member!r} is in a tagged union or in use already, or is not an attrs class")
        _TAGS.update({member: (tag, name) for name, member in members.items()})


def marks_of(form: Form) -> tuple[type, type] | None:
    """Give what tells a form from others: its JSON type and its Python type; None if it has several."""
    match form:
        case Scalar():
            return form.shape, form.python
        case Via(inner=inner, python=python):
            marks = marks_of(inner)
            return marks and (marks[0], python)
        case PersonalOf(item=inner):
            marks = marks_of(inner)
            return marks and (marks[0], Personal)
        case ListOf():
            return list, tuple
        case SetOf():
            return list, frozenset
        case MapOf():
            return dict, Mapping
        case Record():
            return dict, form.python
        case OneOf() | AnyJson():
            return None
        case _:
            assert_never(form)


def personal_paths(form: Form, *, path: str = "$", within: tuple[Form, ...] = ()) -> tuple[str, ...]:
    """Name the places where personal data may stand: ``$.buyer.name``, ``$.lines[].note``, ``$.texts.*``."""
    if form in within:
        return ()
    within = (*within, form)
    match form:
        case PersonalOf():
            return (path,)
        case Via(inner=inner):
            return personal_paths(inner, path=path, within=within)
        case ListOf(item=item) | SetOf(item=item):
            return personal_paths(item, path=f"{path}[]", within=within)
        case MapOf(item=item):
            return personal_paths(item, path=f"{path}.*", within=within)
        case Record():
            found = [personal_paths(part.form, path=f"{path}.{part.name}", within=within) for part in form.parts]
        case OneOf():
            found = [personal_paths(member, path=path, within=within) for member in form.by_type.values()]
        case Scalar() | AnyJson():
            return ()
        case _:
            assert_never(form)
    return tuple(dict.fromkeys(each for paths in found for each in paths))


def _make(declared: object) -> Form:
    if declared in _REGISTERED:
        return _REGISTERED[declared]()
    if declared in BUILT_IN:
        return BUILT_IN[declared]
    if is_any_json(declared):
        return AnyJson()
    if isinstance(declared, NewType):
        return ID if declared.__supertype__ is str else form_of(declared.__supertype__)
    origin, args = get_origin(declared), get_args(declared)
    if origin is Union or origin is types.UnionType:
        return _one_of(declared, [form_of(member) for member in args])
    if origin is Literal:
        return literal_form(args)
    if origin is tuple and args[1:] == (Ellipsis,):
        return ListOf(form_of(args[0]))
    if origin is frozenset:
        return SetOf(_text_form(args[0]))
    if origin is dict or origin is Mapping:
        return MapOf(KEY if args[0] is str else _text_form(args[0]), form_of(args[1]))
    if origin is Personal:
        return PersonalOf(form_of(args[0]))
    cls = origin or declared
    if isinstance(cls, type) and issubclass(cls, Enum):
        return enum_form(cls)
    if isinstance(cls, type) and attrs.has(cls):
        return Record(declared, cls, _TAGS.get(cls))
    raise NotStorable(f"{declared!r} has no exact shape in JSON; register it with codec.scalar")


def _text_form(declared: object) -> Form:
    form = form_of(declared)
    if not isinstance(form, Scalar) or form.shape is not str:
        raise NotStorable(f"keys and members of sets are stored as text; {declared!r} is not")
    return form


def _one_of(declared: object, members: list[Form]) -> OneOf:
    plain: dict[type, Form] = {}
    by_type: dict[type, Form] = {}
    records: dict[str, Record] = {}
    tags: set[str] = set()
    for member in members:
        marks = marks_of(member)
        if marks is None or by_type.setdefault(marks[1], member) is not member:
            raise NotStorable(f"members of {declared!r} cannot be told apart")
        if isinstance(member, Record) and member.tag:
            tags.add(member.tag[0])
            clash = records.setdefault(member.tag[1], member) is not member
        else:
            clash = plain.setdefault(marks[0], member) is not member
        if clash:
            raise NotStorable(f"members of {declared!r} cannot be told apart; declare their names with codec.tagged")
    if len(tags) > 1 or (records and dict in plain):
        raise NotStorable(f"members of {declared!r} cannot be told apart by one tag")
    return OneOf(plain, by_type, "".join(tags), records)
