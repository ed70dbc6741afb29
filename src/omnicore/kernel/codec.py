"""How does a value become JSON-shaped data, and data a value?

The one road: nothing in omnicore or its adapters structures data in any other way. ``load`` either gives a value whose
every part has been checked, or raises ``Malformed`` with the path of what is wrong and never the value. ``dump`` needs
the declared type, because a value alone does not know which union it is a member of. Law: ``load(dump(x, as_=T), as_=T)
== x``, and equal values give equal ``dumps``.

Types: attrs classes (nested, generic, recursive), ``X | None``, ``tuple[X, ...]``, ``Mapping[str, X]``, ``frozenset``
of texts, enums with text values, ``NewType``, ``Literal``, ``str int bool date Decimal Fraction``, ``JsonValue``,
unions declared with ``tagged``, types registered with ``scalar``, and ``Personal[X]``, which is read anywhere and
written only with ``vault=True``. A ``NewType`` over ``str`` is an id: 1 to 255 printable characters.
"""

import hmac
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NewType, TypeAlias, TypeVar, cast, get_args, get_origin, overload

from attrs import frozen

from omnicore.kernel.codec_forms import Form, Via, form_of, personal_paths, register, register_tags
from omnicore.kernel.codec_read import reader_of
from omnicore.kernel.codec_scalars import MAX_ID, MAX_INT, MAX_TEXT
from omnicore.kernel.codec_stored import anchor, merge, split
from omnicore.kernel.codec_text import MAX_DEPTH, MAX_DOCUMENT, MAX_NODES, bounded, parse, surely_bounded
from omnicore.kernel.codec_types import JsonValue, NotStorable, canonical
from omnicore.kernel.codec_write import writer_of
from omnicore.kernel.errors import Malformed

if TYPE_CHECKING:
    from typing_extensions import TypeForm  # known to type checkers; nothing at run time needs it

__all__ = [
    "MAX_DEPTH",
    "MAX_DOCUMENT",
    "MAX_ID",
    "MAX_INT",
    "MAX_NODES",
    "MAX_TEXT",
    "Json",
    "JsonValue",
    "Malformed",
    "NotStorable",
    "Rest",
    "TaggedUnion",
    "all_tagged",
    "canonical",
    "dump",
    "dump_stored",
    "dumps",
    "dumps_stored",
    "keyed_hash",
    "load",
    "load_stored",
    "loads",
    "parse",
    "personal_fields",
    "scalar",
    "tagged",
]

T = TypeVar("T")
S = TypeVar("S")

Json: TypeAlias = JsonValue
Rest: TypeAlias = dict[str, JsonValue] | None
"""What a newer version wrote into a stored document and this one does not know; None if nothing."""

_MIN_KEY = 16


@frozen(kw_only=True)
class TaggedUnion:
    """A closed union as it is stored: its members under explicit names, told apart by the key ``tag``."""

    union: object
    members: Mapping[str, type]
    tag: str


_TAGGED: list[TaggedUnion] = []


def load(data: object, *, as_: "TypeForm[T]") -> T:
    """Read a value of the declared type from JSON-shaped data, as ``json.loads`` gives it.

    Raises:
        Malformed: if anything is missing, unknown, of another type or out of bounds.
    """
    bounded(data)
    return cast("T", reader_of(as_)(data))


def dump(value: T, *, as_: "TypeForm[T]", vault: bool = False) -> JsonValue:
    """Write a value as JSON-shaped data; ``vault`` says that the document is one of the vault's.

    Raises:
        Malformed: if the value is not one that could be loaded again.
        PersonalOutsideVault: if the type can hold personal data and this is not the vault.
    """
    write = writer_of(as_, vault=vault)
    try:
        data = write(value)
    except RecursionError:
        raise Malformed("$", f"is nested deeper than {MAX_DEPTH} levels") from None
    bounded(data)
    return data


def loads(document: str | bytes, *, as_: "TypeForm[T]") -> T:
    """Read a value from JSON text; a key that stands twice, ``NaN`` and ``Infinity`` are refused too.

    Raises:
        Malformed: as ``load``, or if the text is not JSON.
    """
    data = parse(document)
    if type(document) is not str or not surely_bounded(document):
        bounded(data)
    return cast("T", reader_of(as_)(data))


def dumps(value: T, *, as_: "TypeForm[T]", vault: bool = False) -> str:
    """Write a value as canonical JSON text: equal values give equal text.

    Raises:
        Malformed: as ``dump``.
        PersonalOutsideVault: as ``dump``.
    """
    write = writer_of(as_, vault=vault)
    try:
        data = write(value)
        document = canonical(data)
    except RecursionError:
        raise Malformed("$", f"is nested deeper than {MAX_DEPTH} levels") from None
    if not surely_bounded(document):
        bounded(data)
    return document


def keyed_hash(value: T, *, as_: "TypeForm[T]", key: bytes) -> str:
    """Give the HMAC-SHA256, in hex, of a value's canonical text, personal parts included: it can only be compared.

    Raises:
        Malformed: as ``dump``, or if the key is shorter than 16 bytes.
    """
    if type(key) is not bytes or len(key) < _MIN_KEY:
        raise Malformed("$.key", f"must be at least {_MIN_KEY} bytes")
    return hmac.digest(key, dumps(value, as_=as_, vault=True).encode(), "sha256").hex()


def load_stored(data: JsonValue, *, as_: "TypeForm[T]", vault: bool = False) -> tuple[T, Rest]:
    """Read a stored document that a newer version may have written: the value, and the rest this version does not know.

    The rule for arrays is in ``codec_stored``. The rest is kept in memory beside the value, for ``dump_stored``.

    Raises:
        Malformed: as ``load``, but not for unknown keys; an unknown member of a union is still refused.
        PersonalOutsideVault: if the type can hold personal data and this is not the vault.
    """
    bounded(data)
    form = form_of(as_)
    write = writer_of(as_, vault=vault)
    known, rest = split(data, form)
    value = reader_of(as_)(known)
    return cast("T", value), anchor(rest, write(value), form) if rest else None


def dump_stored(value: T, rest: Rest, *, as_: "TypeForm[T]", vault: bool = False) -> JsonValue:
    """Write a stored document, and back into it the rest that ``load_stored`` has set aside.

    Raises:
        Malformed: as ``dump``.
        PersonalOutsideVault: as ``dump``.
    """
    data = dump(value, as_=as_, vault=vault)
    return merge(data, rest, form_of(as_)) if rest else data


def dumps_stored(value: T, rest: Rest, *, as_: "TypeForm[T]", vault: bool = False) -> str:
    """Write a stored document as canonical text, with the rest in it.

    Raises:
        Malformed: as ``dump``.
        PersonalOutsideVault: as ``dump``.
    """
    return canonical(dump_stored(value, rest, as_=as_, vault=vault)) if rest else dumps(value, as_=as_, vault=vault)


def personal_fields(as_: object) -> tuple[str, ...]:
    """Name the places of a type that hold personal data: ``("$.buyer.name", "$.lines[].note", "$.texts.*")``."""
    return personal_paths(form_of(as_))


@overload
def scalar(
    type_: "TypeForm[T]",
    *,
    dump: Callable[[T], str],
    load: Callable[[str], T],
    schema: Mapping[str, JsonValue] | None = None,
) -> None: ...
@overload
def scalar(
    type_: "TypeForm[T]",
    *,
    dump: Callable[[T], S],
    load: Callable[[S], T],
    via: "TypeForm[S]",
    schema: Mapping[str, JsonValue] | None = None,
) -> None: ...
def scalar(
    type_: object,
    *,
    dump: Callable[..., object],
    load: Callable[..., object],
    via: object = str,
    schema: Mapping[str, JsonValue] | None = None,
) -> None:
    """Store a class or a ``NewType`` as another type: ``via`` is read strictly first, then given to ``load``.

    What ``load`` raises for a bad value becomes ``Malformed``. ``schema`` adds keywords to the JSON Schema; it must not
    be stricter than ``load``.

    Raises:
        NotStorable: if the type is registered or in use already.
    """
    python: object = type_
    while isinstance(python, NewType):
        python = python.__supertype__
    python = get_origin(python) or python
    if not isinstance(python, type):
        raise NotStorable(f"{type_!r} is neither a class nor a NewType over one")
    cls = python

    def make() -> Form:
        return Via(cls, form_of(via), dump, load, schema or {})

    register(type_, make)


def tagged(union: object, members: Mapping[str, type], *, tag: str = "kind") -> None:
    """Declare the stored names of a union's members, once, beside the union.

    The name belongs to the class: it is written wherever the class is, so that no annotation can lose it.

    Raises:
        NotStorable: if names and members do not match one to one, or a class has a name already.
    """
    classes = list(members.values())
    if len(set(classes)) != len(classes) or set(classes) != set(get_args(union)) or not all(members) or not tag:
        raise NotStorable(f"the stored names of {union!r} must name each of its members once")
    register_tags(members, tag=tag)
    _TAGGED.append(TaggedUnion(union=union, members=dict(members), tag=tag))


def all_tagged() -> tuple[TaggedUnion, ...]:
    """Give every tagged union declared so far, in the order of declaration; a test goes through them."""
    return tuple(_TAGGED)
