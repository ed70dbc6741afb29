"""How is a tuple written so that its bytes sort as it does?

Index rows are kept as bytes, so that every database puts them in the same order, whatever its collation.
"""

from collections.abc import Iterable

from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import Instant

Field = str | int | Instant
"""What an index is made of."""
_HALF = 1 << 63


def encode_field(value: Field) -> bytes:
    """Encode one field; a text ends so that a shorter one comes first.

    Raises: Malformed for another type, half a character, or more than 64 bits.
    """
    if isinstance(value, str):
        try:
            return b"s" + value.encode().replace(b"\x00", b"\x00\xff") + b"\x00\x01"
        except UnicodeEncodeError:  # half a character, which no database takes
            raise Malformed("$.index", "a text must be made of whole characters") from None
    number = value.micros if isinstance(value, Instant) else value
    if type(number) is not int or not -_HALF <= number < _HALF:
        raise Malformed("$.index", "a field must be a str, a 64-bit int or an Instant")
    return b"i" + (number + _HALF).to_bytes(8, "big")


def sort_key(fields: Iterable[Field]) -> bytes:
    """Encode a tuple as bytes that sort as the tuples do.

    Law: ``a < b`` if and only if ``sort_key(a) < sort_key(b)``, for tuples of the same types.
    """
    return b"".join(encode_field(value) for value in fields)
