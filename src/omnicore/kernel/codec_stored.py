"""What becomes of keys that only a newer version of the library knows?

In a stored document they are set aside when it is read (``split``, ``anchor``) and put back when it is written
(``merge``), so that two versions can share a database during a deploy. ``rest`` is a JSON tree beside the known
document: an unknown key stands in it with its value, a known key with the rest of what is below it.

The rule for elements of an array: an element is the same one as before if it has the same id (its field ``id``, or else
its first field of an id type, where these differ within the array), or, having no id, if its known part is unchanged.
The rest of an element that is gone, or changed without an id, or of another kind than before, is dropped: half-true
data would be worse than none.

Inside a type registered with ``codec.scalar`` nothing may be unknown: its stored form is its own.
"""

from collections import Counter

from omnicore.kernel.codec_forms import Form, ListOf, MapOf, OneOf, PersonalOf, Record
from omnicore.kernel.codec_scalar_forms import Scalar
from omnicore.kernel.codec_types import JsonValue, canonical

Tree = dict[str, JsonValue]


def split(data: JsonValue, form: Form) -> tuple[JsonValue, Tree]:
    """Part a document into what its form knows and the rest; elements of arrays stand in the rest under their index."""
    inner = _unwrap(form, data)
    known: dict[str, JsonValue] = {}
    rest: Tree = {}
    if isinstance(inner, ListOf) and isinstance(data, list):
        items: list[JsonValue] = []
        for at, each in enumerate(data):
            item, below = split(each, inner.item)
            items.append(item)
            _keep(rest, str(at), below)
        return items, rest
    if not isinstance(data, dict) or not isinstance(inner, MapOf | Record):
        return data, rest
    forms = _forms_below(inner, data)
    tag = inner.tag[0] if isinstance(inner, Record) and inner.tag else None
    for name, each in data.items():
        if name in forms:
            known[name], below = split(each, forms[name])
            _keep(rest, name, below)
        elif name == tag:
            known[name] = each
        else:
            rest[name] = each
    if rest and tag is not None:
        rest[tag] = data.get(tag)  # the rest is of this kind only
    return known, rest


def anchor(rest: Tree, known: JsonValue, form: Form) -> Tree:
    """Name the elements of arrays in the rest by what they are, not where; ``known`` is what this version writes."""
    inner = _unwrap(form, known)
    if isinstance(inner, ListOf) and isinstance(known, list):
        names = _names(known, inner.item)
        return {
            names[int(at)]: anchor(below, known[int(at)], inner.item)
            for at, below in rest.items()
            if isinstance(below, dict)
        }
    assert isinstance(known, dict)
    assert isinstance(
        inner, MapOf | Record
    )  # a rest is found in arrays and objects only, and loading keeps their shape
    forms = _forms_below(inner, known)
    return {
        name: anchor(below, known[name], forms[name]) if name in forms and isinstance(below, dict) else below
        for name, below in rest.items()
    }


def merge(known: JsonValue, rest: Tree, form: Form) -> JsonValue:
    """Put the rest back into a document this version has written."""
    inner = _unwrap(form, known)
    if isinstance(inner, ListOf) and isinstance(known, list):
        named = zip(_names(known, inner.item), known, strict=True)
        return [merge(each, below, inner.item) if (below := _below(rest, name)) else each for name, each in named]
    if not isinstance(known, dict) or not isinstance(inner, MapOf | Record):
        return known
    if isinstance(inner, Record) and inner.tag and rest.get(inner.tag[0], known[inner.tag[0]]) != known[inner.tag[0]]:
        return known
    forms = _forms_below(inner, known)
    merged = {
        name: merge(each, _below(rest, name), forms[name]) if name in forms else each for name, each in known.items()
    }
    unknown = {} if isinstance(inner, MapOf) else {name: each for name, each in rest.items() if name not in forms}
    return unknown | merged


def _unwrap(form: Form, data: JsonValue) -> Form:
    """See through wrappers and unions to the form this document has."""
    match form:
        case PersonalOf(item=inner):
            return _unwrap(inner, data)
        case OneOf() if isinstance(data, dict) and form.records:
            stored_name = data.get(form.tag)
            return form.records.get(stored_name, form) if isinstance(stored_name, str) else form
        case OneOf():
            member = form.plain.get(type(data))
            return _unwrap(member, data) if member else form
        case _:
            return form


def _forms_below(form: MapOf | Record, data: dict[str, JsonValue]) -> dict[str, Form]:
    if isinstance(form, MapOf):
        return dict.fromkeys(data, form.item)
    return {part.name: part.form for part in form.parts}


def _names(items: list[JsonValue], form: Form) -> list[str]:
    ids = [_id(each, form) for each in items]
    if len({each for each in ids if each is not None}) == len(items):
        return [f"id:{each}" for each in ids]
    seen: Counter[str] = Counter()
    names: list[str] = []
    for each in items:
        spelled = canonical(each)
        names.append(f"as:{seen[spelled]}:{spelled}")
        seen[spelled] += 1
    return names


def _id(item: JsonValue, form: Form) -> JsonValue:
    record = _unwrap(form, item)
    if not isinstance(record, Record) or not isinstance(item, dict):
        return None
    named = [part.name for part in record.parts if part.name == "id"]
    typed = [part.name for part in record.parts if isinstance(part.form, Scalar) and part.form.is_id]
    found = [item[name] for name in (*named, *typed)[:1]]
    return found[0] if found and isinstance(found[0], str) else None


def _keep(rest: Tree, name: str, below: Tree) -> None:
    if below:
        rest[name] = below


def _below(rest: Tree, name: str) -> Tree:
    below = rest.get(name)
    return below if isinstance(below, dict) else {}
