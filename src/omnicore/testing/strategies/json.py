"""What might somebody send us that is not what we asked for?

``hostile_fields`` are the kinds of bad value that decoders are known to let through; ``hostile_json`` is any mixture of
them, nested, with keys a decoder might know (``names``) and keys it cannot. Every public decoder must load such a value
or raise ``Malformed``.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from hypothesis import strategies as st

from omnicore.kernel.codec import MAX_TEXT, JsonValue

HOSTILE_FIELDS: dict[str, object] = {
    "true for a number": True,
    "a fraction that rounds": 1.9,
    "a whole float": 1.0,
    "binary fraction": 0.1,
    "number as text": "3",
    "underscored digits": "1_000",
    "full-width digits": "１２３",
    "arabic digits": "٣",
    "padded digits": " 12 ",
    "nothing": None,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "not a number, as text": "NaN",
    "signalling not a number": "sNaN",
    "infinity, as text": "Infinity",
    "a huge exponent": "1e999999",
    "a huge decimal": Decimal("1e999999"),
    "false as text": "false",
    "empty text": "",
    "a lone surrogate": "\ud800",
    "a NUL": "a\x00b",
    "an escape": "\x1b[2J",
    "text too long": "x" * (MAX_TEXT + 1),
    "a huge whole number": 10**400,
    "one past 64 bits": 2**63,
    "a naive time": "2025-03-31T10:00:00",
    "a time object": datetime(2025, 3, 31),  # noqa: DTZ001 - naive on purpose
    "no such day": "2025-02-30",
    "bytes": b"12",
    "a set": {1, 2},
    "a tuple": (1, 2),
    "a list": [1],
    "an object": {"minor": 1},
    "an object with other keys": {1: "a", None: 2},
    "a class": int,
}
"""One value of each kind, under a name for it; no type of ours allows all of them, and most types allow none."""


def hostile_fields() -> st.SearchStrategy[object]:
    """Draw one hostile value of any kind."""
    return st.sampled_from(list(HOSTILE_FIELDS.values()))


def hostile_json(names: Iterable[str] = ()) -> st.SearchStrategy[object]:
    """Draw what resembles JSON: right and hostile values in arrays and objects, under known and unknown keys."""
    known = list(names)
    keys: st.SearchStrategy[object] = st.one_of(st.text(max_size=8), st.integers(), st.none())
    keys = st.one_of(st.sampled_from(known), keys) if known else keys
    words = st.sampled_from(known) if known else st.nothing()
    leaves = st.one_of(hostile_fields(), st.integers(), st.text(max_size=12), st.booleans(), words)
    return st.recursive(
        leaves,
        lambda each: st.lists(each, max_size=4) | st.dictionaries(keys, each, max_size=5),
        max_leaves=20,
    )


def json_texts() -> st.SearchStrategy[str]:
    """Draw texts the codec stores: no control but newline and tab, no surrogate."""
    return st.text(
        st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t", codec=None),
        max_size=20,
    )


def json_values() -> st.SearchStrategy[JsonValue]:
    """Draw JSON the codec stores as ``JsonValue``."""
    whole = st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1)
    leaves: st.SearchStrategy[JsonValue] = st.one_of(st.none(), st.booleans(), whole, json_texts())
    return st.recursive(
        leaves, lambda each: st.lists(each, max_size=4) | st.dictionaries(json_texts(), each, max_size=4), max_leaves=12
    )
