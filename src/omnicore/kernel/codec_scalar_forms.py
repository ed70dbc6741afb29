"""Which types are one JSON value, and what can a schema say of each?"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction

from attrs import frozen

from omnicore.kernel import codec_scalars as scalars
from omnicore.kernel.codec_types import JsonValue, NotStorable
from omnicore.kernel.errors import Malformed


@frozen(eq=False)
class Scalar:
    """One JSON value: its JSON type, its Python type, how to read and write it, and what JSON Schema can say of it."""

    shape: type
    python: type
    read: Callable[[object], object]
    write: Callable[[object], JsonValue]
    schema: Mapping[str, JsonValue]
    is_id: bool = False


_TEXT_SCHEMA: Mapping[str, JsonValue] = {
    "type": "string",
    "maxLength": scalars.MAX_TEXT,
    "pattern": r"^[^\u0000-\u0008\u000b-\u001f\u007f]*$",
}
_ID_SCHEMA: Mapping[str, JsonValue] = {"type": "string", "minLength": 1, "maxLength": scalars.MAX_ID}
_DATE_SCHEMA: Mapping[str, JsonValue] = {"type": "string", "format": "date", "pattern": f"^{scalars.DATE_PATTERN}$"}
_DECIMAL_SCHEMA: Mapping[str, JsonValue] = {"type": "string", "pattern": f"^{scalars.DECIMAL_PATTERN}$"}
_FRACTION_SCHEMA: Mapping[str, JsonValue] = {"type": "string", "pattern": f"^{scalars.FRACTION_PATTERN}$"}
_INT_SCHEMA: Mapping[str, JsonValue] = {"type": "integer", "minimum": -scalars.MAX_INT, "maximum": scalars.MAX_INT}

NULL = Scalar(type(None), type(None), scalars.null, scalars.null, {"type": "null"})
KEY = Scalar(str, str, scalars.key, scalars.key, {**_TEXT_SCHEMA, "maxLength": scalars.MAX_ID})
ID = Scalar(str, str, scalars.identifier, scalars.identifier, _ID_SCHEMA, is_id=True)
_TEXT = Scalar(str, str, scalars.text, scalars.text, _TEXT_SCHEMA)
_INT = Scalar(int, int, scalars.integer, scalars.integer, _INT_SCHEMA)
BUILT_IN: Mapping[object, Scalar] = {
    None: NULL,
    type(None): NULL,
    str: _TEXT,
    int: _INT,
    bool: Scalar(bool, bool, scalars.boolean, scalars.boolean, {"type": "boolean"}),
    date: Scalar(str, date, scalars.read_date, scalars.write_date, _DATE_SCHEMA),
    Decimal: Scalar(str, Decimal, scalars.read_decimal, scalars.write_decimal, _DECIMAL_SCHEMA),
    Fraction: Scalar(str, Fraction, scalars.read_fraction, scalars.write_fraction, _FRACTION_SCHEMA),
}


def enum_form(cls: type[Enum]) -> Scalar:
    """Give the form of an enumeration with text values.

    Raises:
        NotStorable: if a value is not text.
    """
    by_value = {member.value: member for member in cls}
    if not all(type(value) is str for value in by_value):
        raise NotStorable(f"{cls.__name__} must have text values")

    def read(value: object) -> object:
        if type(value) is not str or value not in by_value:
            raise Malformed("$", "is not one of the known values")
        return by_value[value]

    def write(value: object) -> JsonValue:
        if type(value) is not cls:
            raise Malformed("$", f"must be a {cls.__name__}")
        return scalars.text(value.value)

    return Scalar(str, cls, read, write, {"type": "string", "enum": list(by_value)})


def literal_form(values: tuple[object, ...]) -> Scalar:
    """Give the form of a ``Literal`` of texts, of whole numbers or of truth values.

    Raises:
        NotStorable: if the values are of several types.
    """
    kind = type(values[0])
    if kind not in {str, int, bool} or any(type(value) is not kind for value in values):
        raise NotStorable(f"Literal{list(values)} must hold only texts, only whole numbers or only truth values")

    def check(value: object) -> JsonValue:
        if type(value) is not kind or value not in values:
            raise Malformed("$", "is not one of the known values")
        return value

    allowed: list[JsonValue] = [value for value in values if isinstance(value, str | int)]
    return Scalar(kind, kind, check, check, {"enum": allowed})
