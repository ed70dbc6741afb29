"""How do we tell others, in JSON Schema 2020-12, what the codec reads and writes?

Out of the same forms as the codec's own readers and writers, so names, tags and limits agree. Law: everything
``codec.dump`` writes is valid, and what the schema refuses ``codec.load`` refuses. The codec is the stricter of the two
where JSON Schema has no words (``1.0`` is an integer to it, a lone surrogate is a character).
"""

from collections.abc import Mapping
from typing import assert_never

from omnicore.kernel.codec_forms import AnyJson, Form, ListOf, MapOf, OneOf, PersonalOf, Record, SetOf, Via, form_of
from omnicore.kernel.codec_scalar_forms import Scalar
from omnicore.kernel.codec_types import JsonValue

Schema = dict[str, JsonValue]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ANY = "JsonValue"
_ANY_SCHEMA: Mapping[str, JsonValue] = {
    "anyOf": [
        {"type": ["null", "boolean", "integer", "string"]},
        {"type": "array", "items": {"$ref": f"#/$defs/{_ANY}"}},
        {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{_ANY}"}},
    ]
}


def json_schema(declared: object) -> Schema:
    """Give the JSON Schema of a type; classes stand under ``$defs`` by their name, so a recursive type is finite.

    Raises:
        NotStorable: if the codec cannot store the type.
    """
    definitions: Schema = {}
    root = _schema(form_of(declared), definitions, {})
    return {"$schema": _DIALECT, **root, **({"$defs": definitions} if definitions else {})}


def _schema(form: Form, definitions: Schema, names: dict[Form, str]) -> Schema:
    match form:
        case Scalar():
            return dict(form.schema)
        case Via():
            return {**_schema(form.inner, definitions, names), **form.schema}
        case PersonalOf(item=item):
            return _schema(item, definitions, names)
        case ListOf(item=item):
            return {"type": "array", "items": _schema(item, definitions, names)}
        case SetOf(item=item):
            return {"type": "array", "items": _schema(item, definitions, names), "uniqueItems": True}
        case MapOf(key=key, item=item):
            keys = _schema(key, definitions, names)
            return {"type": "object", "propertyNames": keys, "additionalProperties": _schema(item, definitions, names)}
        case AnyJson():
            definitions[_ANY] = dict(_ANY_SCHEMA)
            return {"$ref": f"#/$defs/{_ANY}"}
        case OneOf():
            return {"anyOf": [_schema(member, definitions, names) for member in form.by_type.values()]}
        case Record():
            return _reference(form, definitions, names)
        case _:
            assert_never(form)


def _reference(form: Record, definitions: Schema, names: dict[Form, str]) -> Schema:
    if form not in names:
        name = plain = form.python.__name__
        number = 1
        while name in definitions or name == _ANY:
            number += 1
            name = f"{plain}-{number}"
        names[form] = name
        definitions[name] = {}  # takes the name, because a field may lead back here
        definitions[name] = _object(form, definitions, names)
    return {"$ref": f"#/$defs/{names[form]}"}


def _object(form: Record, definitions: Schema, names: dict[Form, str]) -> Schema:
    properties: Schema = {}
    required: list[JsonValue] = []
    if form.tag:
        key, stored_name = form.tag
        properties[key] = {"const": stored_name}
        required.append(key)
    for part in form.parts:
        properties[part.name] = _schema(part.form, definitions, names)
        if part.required:
            required.append(part.name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
