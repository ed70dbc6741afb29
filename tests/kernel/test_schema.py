"""Laws of the published schema: it says what the codec does."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Generic, NewType, TypeVar

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from omnicore.kernel import codec
from omnicore.kernel.codec import JsonValue
from omnicore.kernel.errors import Malformed
from omnicore.kernel.personal import Personal
from omnicore.kernel.schema import json_schema
from omnicore.testing.strategies.json import hostile_json, json_texts, json_values

T = TypeVar("T")
Code = NewType("Code", str)


@frozen
class Leaf:
    name: str
    size: int = 1


@frozen
class Both:
    of: tuple["Tree", ...]


@frozen
class Pair(Generic[T]):
    first: T
    second: T | None = None


@frozen
class Page:
    tree: "Tree"
    codes: Pair[Code]
    numbers: Pair[int]
    prices: Mapping[str, Decimal]
    tags: frozenset[str]
    buyer: Personal[str]
    free: JsonValue
    at: "Moment"


@frozen
class Moment:
    hours: int


Tree = Leaf | Both
codec.tagged(Tree, {"leaf": Leaf, "both": Both})
codec.scalar(
    Moment, dump=lambda moment: str(moment.hours), load=lambda text: Moment(int(text)), schema={"title": "hours"}
)

texts = json_texts()
whole = st.integers(-(2**63) + 1, 2**63 - 1)
trees: st.SearchStrategy[Tree] = st.recursive(
    st.builds(Leaf, texts, whole), lambda each: st.builds(Both, st.lists(each, max_size=3).map(tuple)), max_leaves=5
)
codes = st.text("abcé", min_size=1, max_size=5).map(Code)
pages = st.builds(
    Page,
    tree=trees,
    codes=st.builds(Pair[Code], codes, st.none() | codes),
    numbers=st.builds(Pair[int], whole, st.none() | whole),
    prices=st.dictionaries(texts, st.decimals(-1000, 1000, places=2), max_size=3),
    tags=st.frozensets(texts, max_size=3),
    buyer=st.builds(Personal, texts),
    free=json_values(),
    at=st.builds(Moment, st.integers(0, 10**6)),
)
VALIDATOR = Draft202012Validator(json_schema(Page))
NAMES = [
    "tree",
    "kind",
    "leaf",
    "both",
    "of",
    "name",
    "size",
    "codes",
    "first",
    "second",
    "prices",
    "tags",
    "free",
    "at",
]


def test_schemas_are_schemas() -> None:
    """What we publish is JSON Schema 2020-12, with every class once, under a name of its own."""
    for declared in (Page, Tree, int, Tree | None, JsonValue, Mapping[Code, int]):
        Draft202012Validator.check_schema(json_schema(declared))
    definitions = json_schema(Page)["$defs"]
    assert isinstance(definitions, dict)
    assert set(definitions) == {"Page", "Leaf", "Both", "Pair", "Pair-2", "JsonValue"}
    assert not Draft202012Validator(json_schema(Tree)).is_valid({"kind": "leaf", "name": "a", "unknown": "b"})
    assert json_schema(Moment)["title"] == "hours"


@given(page=pages)
def test_what_is_written_is_valid(page: Page) -> None:
    """Whatever we send fits the schema we publish."""
    VALIDATOR.validate(codec.dump(page, as_=Page, vault=True))


@given(page=pages, data=st.data())
def test_what_the_schema_refuses_is_refused(page: Page, data: st.DataObject) -> None:
    """What our schema forbids is refused when it is sent."""
    good = codec.dump(page, as_=Page, vault=True)
    assert isinstance(good, dict)
    bad = {**good, data.draw(st.sampled_from([*good, "unknown"])): data.draw(hostile_json(NAMES))}
    if not _valid(bad):
        try:
            codec.load(bad, as_=Page)
        except Malformed:
            return
        raise AssertionError("the codec loads what its schema refuses")


def _valid(data: object) -> bool:
    try:
        return VALIDATOR.is_valid(data)
    except (TypeError, AttributeError, UnicodeError):  # the validator needs JSON, and hostile data may be none
        return False
