"""Laws of the codec: what is written is read back, and what is not exactly right is refused without being quoted."""

import json
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum, StrEnum
from fractions import Fraction
from typing import Generic, Literal, NewType, TypeVar

import pytest
from attrs import evolve, field, frozen
from hypothesis import example, given
from hypothesis import strategies as st

from omnicore.kernel import codec
from omnicore.kernel.codec import JsonValue, NotStorable
from omnicore.kernel.codec_scalars import read_decimal, write_decimal
from omnicore.kernel.errors import Malformed, Refused
from omnicore.kernel.personal import Personal, PersonalOutsideVault
from omnicore.testing.strategies.json import HOSTILE_FIELDS, hostile_json, json_texts, json_values

T = TypeVar("T")
LineId = NewType("LineId", str)
Metres = NewType("Metres", int)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@frozen
class Weight:
    """A value with a rule of its own, stored as text."""

    grams: int

    def __attrs_post_init__(self) -> None:
        if self.grams < 0:
            raise Malformed("$.grams", "must not be negative")


def _weight(text: str) -> Weight:
    return Weight(int(text[:-1] if text.endswith("g") else "none"))


codec.scalar(Weight, dump=lambda weight: f"{weight.grams}g", load=_weight, schema={"title": "Weight"})


@frozen
class Texts:
    """A mapping type of its own, as localised text is."""

    by_language: Mapping[str, str] = field(hash=False)


codec.scalar(Texts, dump=lambda texts: texts.by_language, load=Texts, via=Mapping[str, str])


@frozen(kw_only=True)
class Box(Generic[T]):
    content: T
    spare: tuple[T, ...] = ()


@frozen
class IntBox(Box[int]):
    _lid: str = "on"


@frozen(kw_only=True)
class Line:
    line: LineId
    quantity: int
    price: Decimal = Decimal(0)
    colour: Colour | None = None
    note: str | None = None


@frozen(kw_only=True)
class Everything:
    id: str
    lines: tuple[Line, ...]
    due: date
    share: Fraction
    weight: Weight
    title: Texts
    tags: frozenset[str]
    colours: frozenset[Colour]
    sizes: Mapping[str, int]
    per_colour: Mapping[Colour, Line]
    box: Box[LineId]
    int_box: IntBox
    kind: Literal["a", "b"]
    step: Literal[1, 2]
    length: Metres
    open: bool
    fact: str | int | bool | tuple[str, ...] | None
    free: JsonValue
    derived: int = field(init=False, default=7)


@frozen
class AllOf:
    of: tuple["Condition", ...]


@frozen
class Not:
    of: "Condition"


@frozen
class WithinDays:
    days: int


@frozen
class Custom:
    name: str
    args: Mapping[str, str | int] = field(hash=False)


Condition = AllOf | Not | WithinDays | Custom
codec.tagged(Condition, {"all_of": AllOf, "not": Not, "within_days": WithinDays, "custom": Custom})

texts = json_texts()
ids = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
integers = st.integers(-(2**63) + 1, 2**63 - 1)
decimals = st.decimals(-(10**15) + 1, 10**15 - 1, places=6) | st.decimals(-1000, 1000, places=2)
lines = st.builds(
    Line,
    line=ids.map(LineId),
    quantity=integers,
    price=decimals,
    colour=st.none() | st.sampled_from(Colour),
    note=st.none() | texts,
)
everything = st.builds(
    Everything,
    id=texts,
    lines=st.lists(lines, max_size=3).map(tuple),
    due=st.dates(),
    share=st.fractions(-1000, 1000, max_denominator=10**9),
    weight=st.builds(Weight, st.integers(0, 10**6)),
    title=st.builds(Texts, st.dictionaries(st.sampled_from(["en", "ja"]), texts)),
    tags=st.frozensets(texts, max_size=3),
    colours=st.frozensets(st.sampled_from(Colour)),
    sizes=st.dictionaries(texts, integers, max_size=3),
    per_colour=st.dictionaries(st.sampled_from(Colour), lines, max_size=2),
    box=st.builds(Box[LineId], content=ids.map(LineId), spare=st.lists(ids.map(LineId), max_size=2).map(tuple)),
    int_box=st.builds(IntBox, content=integers, lid=texts),
    kind=st.sampled_from(["a", "b"]),
    step=st.sampled_from([1, 2]),
    length=integers.map(Metres),
    open=st.booleans(),
    fact=st.one_of(texts, integers, st.booleans(), st.none(), st.lists(texts, max_size=2).map(tuple)),
    free=json_values(),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    st.builds(WithinDays, integers) | st.builds(Custom, texts, st.dictionaries(texts, texts | integers, max_size=2)),
    lambda each: st.builds(AllOf, st.lists(each, max_size=3).map(tuple)) | st.builds(Not, each),
    max_leaves=8,
)
GOOD_LINE: dict[str, object] = {"line": "L1", "quantity": 2}


@given(value=everything)
def test_what_is_written_is_read_back(value: Everything) -> None:
    """Everything that is stored comes back as it was."""
    assert codec.load(codec.dump(value, as_=Everything), as_=Everything) == value
    assert codec.loads(codec.dumps(value, as_=Everything), as_=Everything) == value
    assert codec.loads(codec.dumps(value, as_=Everything).encode(), as_=Everything) == value


@given(value=conditions)
def test_rules_are_read_back(value: Condition) -> None:
    """A rule of any depth comes back as it was, under its explicit stored names."""
    data = codec.dump(value, as_=Condition)
    assert codec.load(data, as_=Condition) == value
    assert isinstance(data, dict)
    assert data["kind"] in {"all_of", "not", "within_days", "custom"}
    assert codec.dump(value, as_=type(value)) == data


@given(data=hostile_json(["kind", "of", "days", "name", "args", "all_of", "not", "within_days", "custom"]))
def test_any_data_is_a_rule_or_malformed(data: object) -> None:
    """Whatever is sent as a rule is a rule or is refused with a path, and nothing else happens."""
    try:
        value = codec.load(data, as_=Condition)
    except Malformed:
        return
    assert codec.load(codec.dump(value, as_=Condition), as_=Condition) == value


@given(value=everything, data=st.data())
def test_a_bad_field_is_named_and_never_quoted(value: Everything, data: st.DataObject) -> None:
    """A bad value in any field is refused with the path to that field."""
    good = codec.dump(value, as_=Everything)
    assert isinstance(good, dict)
    name = data.draw(st.sampled_from(sorted(good)))
    try:
        codec.load({**good, name: data.draw(hostile_json())}, as_=Everything)
        found = name
    except Malformed as bad:
        found = bad.path.removeprefix("$.")
    assert found.startswith(name)


PRINTABLE = {"number as text", "underscored digits", "full-width digits", "arabic digits", "infinity, as text"}
PRINTABLE |= {"not a number, as text", "signalling not a number", "a huge exponent", "false as text"}
PRINTABLE |= {"a naive time", "no such day"}
FIELDS: list[tuple[str, object, set[str]]] = [
    ("int", int, set()),
    ("bool", bool, {"true for a number"}),
    ("Decimal", Decimal, {"number as text"}),
    ("date", date, set()),
    ("LineId", LineId, PRINTABLE),
    ("Colour", Colour, set()),
    ("Literal", Literal["a", "b"], set()),
    ("Fraction", Fraction, set()),
    ("Line", Line, set()),
    ("tuple", tuple[str, ...], set()),
    ("frozenset", frozenset[str], set()),
    ("Mapping", Mapping[str, str], set()),
    ("Condition", Condition, set()),
    ("Weight", Weight, set()),
    ("Texts", Texts, set()),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "allowed"), [pytest.param(*rest, id=name) for name, *rest in FIELDS])
def test_hostile_values_are_malformed(declared: type[object], allowed: set[str]) -> None:
    """No kind of bad value that decoders are known to let through gets into any kind of field."""
    for kind, value in HOSTILE_FIELDS.items():
        if kind in allowed:
            continue
        started = time.perf_counter()
        with pytest.raises(Malformed) as caught:
            codec.load({"box": value}, as_=dict[str, declared])  # type: ignore[valid-type]  # drawn
        assert caught.value.path.startswith("$.box"), kind
        with pytest.raises(Malformed) as caught:
            codec.load([value], as_=tuple[declared, ...])  # type: ignore[valid-type]  # drawn
        assert caught.value.path.startswith("$[0]"), kind
        assert time.perf_counter() - started < 0.1, kind


Sku = NewType("Sku", str)
codec.scalar(Sku, dump=lambda sku: sku.lower(), load=lambda text: Sku(text.upper()))


def test_an_id_may_have_a_spelling_of_its_own() -> None:
    """An id type that is stored in another spelling can be absent, too."""
    assert codec.dump(Sku("TEE"), as_=Sku | None) == "tee"
    assert codec.load("tee", as_=Sku | None) == "TEE"
    assert codec.load(None, as_=Sku | None) is None
    assert codec.dump({"a": 1}, as_=Mapping[str, int] | None) == {"a": 1}
    with pytest.raises(NotStorable):
        codec.scalar(Sku | None, dump=str, load=lambda _: None)


@frozen
class Picky:
    secret: str

    def __attrs_post_init__(self) -> None:
        if self.secret == "hunter2":
            raise ValueError(f"bad {self.secret}")
        if self.secret == "refuse":
            raise Refused(secret=self.secret)
        if self.secret == "bare":
            raise Malformed("secret", "is bare")
        if self.secret == "bug":
            raise AssertionError


@pytest.mark.parametrize("secret", ["hunter2", "refuse", "bare", "hunter2\x00", "hunter2" * 10_000])
def test_no_complaint_quotes_the_value(secret: str) -> None:
    """What was sent appears nowhere in the error, because it may be personal."""
    with pytest.raises(Malformed) as caught:
        codec.load({"a": [{"secret": secret}]}, as_=Mapping[str, tuple[Picky, ...]])
    error = caught.value
    assert error.path in {"$.a[0]", "$.a[0].secret"}
    shown = str(error) + repr(error) + repr(error.args) + repr(error.problem())
    for each in _causes(error):
        shown += "".join(traceback.format_exception_only(each))
    assert "hunter2" not in shown
    assert len(shown) < 2000


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_a_bug_in_a_constructor_is_not_taken_for_bad_data() -> None:
    """A mistake of ours is never blamed on the sender."""
    with pytest.raises(AssertionError):
        codec.load({"secret": "bug"}, as_=Picky)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"lines": [GOOD_LINE, {**GOOD_LINE, "quantity": "2"}]}, "$.lines[1].quantity"),
        ({"lines": [{"line": "L1"}]}, "$.lines[0].quantity"),
        ({"lines": [{**GOOD_LINE, "quantitty": 2}]}, "$.lines[0].quantitty"),
        ({"lines": [{**GOOD_LINE, "taro@example.com": 2}]}, "$.lines[0][*]"),
        ({"lines": [{**GOOD_LINE, "": 2}]}, "$.lines[0][*]"),
        ({"lines": {}}, "$.lines"),
        ({"taro@example.com": 1}, "$[*]"),
        ({1: []}, "$[*]"),
        ([], "$"),
        (None, "$"),
    ],
)
def test_the_path_leads_to_what_is_wrong(data: object, path: str) -> None:
    """The sender learns which field is wrong, and a key that might itself be personal is not repeated."""
    with pytest.raises(Malformed) as caught:
        codec.load(data, as_=Mapping[str, tuple[Line, ...]])
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({}, "$.kind"),
        ({"kind": "no_such"}, "$.kind"),
        ({"kind": ["all_of"]}, "$.kind"),
        ({"kind": "not", "of": {"kind": "all_of", "of": [{"kind": "within_days", "days": "3"}]}}, "$.of.of[0].days"),
        ({"kind": "within_days", "days": 3, "extra": 1}, "$.extra"),
        ({"kind": "custom", "name": "x", "args": {"a": None}}, "$.args.a"),
        (3, "$"),
    ],
)
def test_rules_with_unknown_names_are_refused(data: object, path: str) -> None:
    """A rule we do not know is refused when it is loaded, not while a customer waits."""
    with pytest.raises(Malformed) as caught:
        codec.load(data, as_=Condition)
    assert caught.value.path == path


def test_a_member_alone_keeps_its_name() -> None:
    """A rule written by itself still says what it is, and another rule is not taken for it."""
    assert codec.dump(WithinDays(3), as_=WithinDays) == {"kind": "within_days", "days": 3}
    with pytest.raises(Malformed, match="must be within_days"):
        codec.load({"kind": "not", "days": 3}, as_=WithinDays)
    with pytest.raises(Malformed, match="of no type"):
        codec.dump(WithinDays(3), as_=AllOf | Not)


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '[{"b": [{}, {"a": 1, "a": 1}]}]', "{", "", "NaN", "Infinity", "[1e999999]", "1.0", "[" * 5000,
     "1" * 5000, "\ufeff1", '"\\ud800"', " " * (codec.MAX_DOCUMENT + 1), b"\xff", 7, None],
)  # fmt: skip
def test_bad_text_is_malformed(text: str) -> None:
    """Text that is not JSON, or not only JSON, is refused at once and not quoted."""
    started = time.perf_counter()
    with pytest.raises(Malformed) as caught:
        codec.loads(text, as_=JsonValue)
    assert time.perf_counter() - started < 0.2
    assert all(not isinstance(each, json.JSONDecodeError) for each in _causes(caught.value))


def test_a_repeated_key_is_located() -> None:
    """A key that stands twice is refused with the path of its object."""
    with pytest.raises(Malformed, match="twice") as caught:
        codec.parse('{"x": [{"b": [1, {"a": 1, "a": 2}]}]}')
    assert caught.value.path == "$.x[0].b[1]"
    with pytest.raises(Malformed, match="not JSON"):
        codec.parse('{"a": 1, "b": {"a": 1, "a": 2}')


@given(st.integers(1, 2 * codec.MAX_DEPTH), st.sampled_from([1, 40]))
def test_text_and_data_have_the_same_bounds(depth: int, wide: int) -> None:
    """However a document comes, as text or as data, it is let in to the same depth and written out to the same."""
    data: JsonValue = [0] * wide
    for _ in range(depth - 1):
        data = [data]
    text = codec.canonical(data)
    try:
        assert codec.load(data, as_=JsonValue) == data
    except Malformed:
        assert depth > codec.MAX_DEPTH
        for refused in (text, text.encode()):
            with pytest.raises(Malformed, match="deeper"):
                codec.loads(refused, as_=JsonValue)
        with pytest.raises(Malformed, match="deeper"):
            codec.dumps(data, as_=JsonValue)
        return
    assert depth <= codec.MAX_DEPTH + 1
    assert codec.loads(text, as_=JsonValue) == codec.loads(text.encode(), as_=JsonValue) == data
    assert codec.dumps(data, as_=JsonValue) == text


def test_depth_and_size_are_bounded_first() -> None:
    """Data without end is refused before anything is made of it."""
    endless: list[object] = []
    endless.append(endless)
    deep: object = []
    for _ in range(100_000):
        deep = [deep]
    wide = [[0] * 1000] * 101
    for data in (endless, deep, wide):
        with pytest.raises(Malformed) as caught:
            codec.load(data, as_=JsonValue)
        assert caught.value.path == "$"
    rule: Condition = WithinDays(1)
    for _ in range(5000):
        rule = Not(rule)
    with pytest.raises(Malformed, match="deeper"):
        codec.dump(rule, as_=Condition)
    with pytest.raises(Malformed, match="deeper"):
        codec.dumps(rule, as_=Condition)
    with pytest.raises(Malformed, match="values"):
        codec.dumps([0] * 100_001, as_=JsonValue)
    with pytest.raises(Malformed, match="deeper"):
        codec.dump(_nested(40), as_=Condition)
    assert codec.load(codec.dump(_nested(30), as_=Condition), as_=Condition) == _nested(30)


def _nested(depth: int) -> Condition:
    rule: Condition = WithinDays(1)
    for _ in range(depth):
        rule = AllOf((rule,))
    return rule


def test_a_huge_exponent_costs_nothing() -> None:
    """Eight hostile characters cannot keep a shop busy for forty seconds."""
    started = time.perf_counter()
    with pytest.raises(Malformed):
        codec.load("1e999999", as_=Decimal)
    with pytest.raises(Malformed):
        codec.dump(Decimal("1e999999"), as_=Decimal)
    assert time.perf_counter() - started < 0.01


@given(number=decimals, places=st.integers(0, 20))
@example(number=Decimal("-0.000000"), places=0)
def test_equal_numbers_have_one_spelling(number: Decimal, places: int) -> None:
    """1.5 and 1.50 are stored with the same bytes, and -0 as 0."""
    padded = Decimal(f"{number:f}" + ("" if "." in f"{number:f}" else ".") + "0" * places)
    assert write_decimal(padded) == write_decimal(number)
    assert read_decimal(write_decimal(padded)) == number
    assert str(read_decimal("-0.00")) == "0"


@given(value=everything)
def test_equal_values_give_equal_bytes(value: Everything) -> None:
    """The same order is stored with the same bytes, whatever way it was built."""
    turned = evolve(
        value, sizes=dict(reversed(list(value.sizes.items()))), tags=frozenset(sorted(value.tags, reverse=True))
    )
    assert codec.dumps(turned, as_=Everything) == codec.dumps(value, as_=Everything)
    assert codec.canonical({"b": 1, "a": ["é", None]}) == '{"a":["é",null],"b":1}'


@pytest.mark.parametrize(
    ("value", "declared", "path"),
    [
        (Line(line=LineId("L"), quantity=True), Line, "$.quantity"),
        (Line(line=LineId(" L"), quantity=1), Line, "$.line"),
        (Line(line=LineId(""), quantity=1), Line, "$.line"),
        (Line(line=LineId("x" * 256), quantity=1), Line, "$.line"),
        (Line(line=LineId("L"), quantity=1, note="\x00"), Line, "$.note"),
        (Line(line=LineId("L"), quantity=1, price=Decimal("0.0000001")), Line, "$.price"),
        (Line(line=LineId("L"), quantity=1, price=Decimal("NaN")), Line, "$.price"),
        ((1, 2.0), tuple[int, ...], "$[1]"),
        ([1], tuple[int, ...], "$"),
        ({"a": 1}.items(), Mapping[str, int], "$"),
        ({"a": "b"}, Mapping[str, int], "$.a"),
        ({2: 1}, Mapping[str, int], "$[*]"),
        (Fraction(1, 10**18), Fraction, "$"),
        (date.max.isoformat(), date, "$"),
        (Weight, Weight, "$"),
        (Box(content=1), Line, "$"),
        ("red", Colour, "$"),
        (2, None, "$"),
        ([1, {"a": 0.5}], JsonValue, "$[1].a"),
        ({1: 2}, JsonValue, "$[*]"),
        ([object()], JsonValue, "$[0]"),
    ],
)
def test_what_could_not_be_read_is_not_written(value: object, declared: type[object], path: str) -> None:
    """Nothing is stored that could not be loaded again."""
    with pytest.raises(Malformed) as caught:
        codec.dump(value, as_=declared)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("data", "declared", "reason"),
    [
        ("1/0", Fraction, "zero"),
        ("2025-02-30", date, "calendar"),
        ("20250230", date, "must be a date"),
        (["a", "a"], frozenset[str], "twice"),
        ({"": 1}, Mapping[LineId, int], "empty"),
        ({"x" * 256: 1}, Mapping[str, int], "keys"),
        (1, None, "null"),
        ("-5g", Weight, "negative"),
        ("five", Weight, "not a value"),
        ("green", Colour, "known"),
        ({}, Line | None, "missing"),
        (5, Line | None, "an object or null|null or an object"),
    ],
)
def test_each_type_has_its_own_complaint(data: object, declared: type[object], reason: str) -> None:
    """The sender is told what would be right."""
    with pytest.raises(Malformed, match=reason):
        codec.load(data, as_=declared)


@frozen
class Tagged:
    kind: str


@frozen
class OtherTagged:
    size: int


@frozen
class Loose(Generic[T]):
    content: T


class Stars(Enum):
    ONE = 1


@frozen
class Unknown:
    other: "NoSuchName"  # type: ignore[name-defined]  # noqa: F821 - on purpose


@pytest.mark.parametrize(
    "declared",
    [float, object, list[int], tuple[int, str],
     frozenset[int], Mapping[int, str], str | date, Line | Picky,
     Mapping[str, int] | Condition, Loose, Unknown, Stars,
     frozenset[str] | tuple[str, ...], Literal["a", 1], Literal[b"x"], "Line"],
)  # fmt: skip
def test_a_type_without_an_exact_shape_is_a_bug(declared: type[object]) -> None:
    """A declaration that could be read in two ways is found by its first use, before any data is stored."""
    with pytest.raises(NotStorable):
        codec.load(None, as_=declared)


def test_stored_names_are_unique() -> None:
    """A rule has one stored name for ever, and a clash fails when the package is imported."""
    codec.tagged(Tagged | OtherTagged, {"x.tagged": Tagged, "x.other": OtherTagged})
    for union, names in (
        (Tagged | Line, {"a": Tagged, "b": Line}),
        (Line | Weight, {"line": Line}),
        (Line | Box, {"line": Line, "": Box}),
        (Line | Colour, {"line": Line, "colour": Colour}),
    ):
        with pytest.raises(NotStorable):
            codec.tagged(union, names)
    with pytest.raises(NotStorable, match="named as the tag"):
        codec.load({"kind": "x.tagged"}, as_=Tagged)
    with pytest.raises(NotStorable):
        codec.load(1, as_=Condition | OtherBig)
    with pytest.raises(NotStorable):
        codec.scalar(Line, dump=str, load=lambda _: Line(line=LineId("L"), quantity=1))
    assert Condition in {each.union for each in codec.all_tagged()}


@frozen
class OtherBig:
    size: int


@frozen
class OtherSmall:
    size: int


codec.tagged(OtherBig | OtherSmall, {"big": OtherBig, "small": OtherSmall}, tag="type")


def test_any_thread_may_be_the_first() -> None:
    """A shop that starts with several threads reads its first documents rightly in all of them."""
    script = (
        "import threading\nfrom attrs import frozen\nfrom omnicore.kernel import codec\n"
        "@frozen\nclass A:\n    b: 'tuple[A, ...]'\n"
        "found = []\n"
        "def go(): found.append(codec.load({'b': [{'b': []}]}, as_=A))\n"
        "threads = [threading.Thread(target=go) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "assert found == [A((A(()),))] * 8\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603 - our own script


# --- stored documents -------------------------------------------------------------------------------------------------


@frozen
class Parcel:
    tracking: LineId
    units: int


@frozen
class Address:
    town: str


@frozen(kw_only=True)
class Order:
    id: LineId
    parcels: tuple[Parcel, ...]
    towns: tuple[Address, ...]
    by_name: Mapping[str, Address]
    rule: Condition
    home: Address | None
    name: Personal[Address] | None = None
    plain: Weight | None = None
    free: JsonValue = None


STORED: dict[str, JsonValue] = {
    "id": "O1",
    "new": {"any": [1]},
    "parcels": [{"tracking": "T1", "units": 1, "gift": "x"}, {"tracking": "T2", "units": 2, "gift": "y"}],
    "towns": [
        {"town": "Ome", "zip": "1"},
        {"town": "Ome", "zip": "2"},
        {"town": "Kyoto", "zip": "3"},
        {"town": "Nara"},
    ],
    "by_name": {"a": {"town": "Ome", "zip": "4"}, "b": {"town": "Uji"}},
    "rule": {"kind": "all_of", "of": [{"kind": "within_days", "days": 3, "zone": "Asia/Tokyo"}], "label": "z"},
    "home": {"town": "Ome", "zip": "5"},
    "name": {"town": "Ome", "zip": "6"},
    "plain": "3g",
    "free": {"of": [{"x": 1}]},
}


def test_keys_of_a_newer_version_survive() -> None:
    """During a deploy the old version of a shop changes an order and loses nothing the new version wrote."""
    order, rest = codec.load_stored(STORED, as_=Order, vault=True)
    assert codec.dump_stored(order, rest, as_=Order, vault=True) == STORED
    assert json.loads(codec.dumps_stored(order, rest, as_=Order, vault=True)) == STORED
    with pytest.raises(Malformed):
        codec.load(STORED, as_=Order)
    known = codec.dump(order, as_=Order, vault=True)
    assert isinstance(known, dict)
    assert codec.load_stored(known, as_=Order, vault=True) == (order, None)
    assert codec.dump_stored(order, None, as_=Order, vault=True) == known


def test_what_is_not_known_follows_its_element() -> None:
    """Keys of a newer version stay with the parcel they belong to, and go when it goes."""
    order, rest = codec.load_stored(STORED, as_=Order, vault=True)
    changed = evolve(
        order,
        parcels=(Parcel(LineId("T3"), 1), evolve(order.parcels[1], units=9)),
        towns=(Address("Nara"), Address("Ome")),
        by_name={"b": Address("Uji"), "c": Address("Ome")},
        rule=WithinDays(4),
        home=None,
    )
    data = codec.dump_stored(changed, rest, as_=Order, vault=True)
    assert isinstance(data, dict)
    assert data["parcels"] == [{"tracking": "T3", "units": 1}, {"tracking": "T2", "units": 9, "gift": "y"}]
    assert data["towns"] == [{"town": "Nara"}, {"town": "Ome", "zip": "1"}]
    assert data["by_name"] == {"b": {"town": "Uji"}, "c": {"town": "Ome"}}
    assert data["rule"] == {"kind": "within_days", "days": 4}
    assert data["home"] is None
    assert data["new"] == {"any": [1]}


def test_a_stored_document_is_still_read_strictly() -> None:
    """Only unknown keys are tolerated: a wrong value or an unknown rule is refused with its path."""
    changes: list[tuple[dict[str, JsonValue], str]] = [
        ({"home": {"town": 3}}, "$.home.town"),
        ({"parcels": {}}, "$.parcels"),
        ({"rule": {"kind": "new_rule"}}, "$.rule.kind"),
        ({"rule": {}}, "$.rule.kind"),
        ({"home": 5}, "$.home"),
        ({"towns": [3]}, "$.towns[0]"),
    ]
    for change, path in changes:
        with pytest.raises(Malformed) as caught:
            codec.load_stored(STORED | change, as_=Order, vault=True)
        assert caught.value.path == path
    with pytest.raises(PersonalOutsideVault):
        codec.load_stored(STORED, as_=Order)


@given(value=everything, unknown=st.dictionaries(st.text(max_size=4).map("new_".__add__), json_values(), max_size=3))
def test_an_unchanged_document_is_written_back_whole(value: Everything, unknown: dict[str, JsonValue]) -> None:
    """Reading and writing a document of a newer version changes nothing in it."""
    data = codec.dump(value, as_=Everything)
    assert isinstance(data, dict)
    stored = {**unknown, **data}
    for line in data["lines"] if isinstance(data["lines"], list) else []:
        assert isinstance(line, dict)
        line.update(unknown)
    found, rest = codec.load_stored(stored, as_=Everything)
    assert found == value
    assert codec.dump_stored(found, rest, as_=Everything) == stored


def test_a_set_can_be_told_from_the_other_members_of_a_union() -> None:
    """A field may hold a text or a set of texts, and each is read back as what it was."""
    both = str | frozenset[str]
    for value in ("a", frozenset({"a", "b"})):
        read: object = codec.loads(codec.dumps(value, as_=both), as_=both)
        assert read == value


def test_members_that_look_alike_are_refused_at_declaration() -> None:
    """Two members of a union that JSON cannot tell apart are a mistake in the declaration, found at once."""
    with pytest.raises(codec.NotStorable):
        codec.loads("[]", as_=tuple[str, ...] | frozenset[str])


class _Either:
    """Stored as a number or a text."""

    def __init__(self, value: int | str) -> None:
        self.value = value


codec.scalar(_Either, dump=lambda either: either.value, load=_Either, via=int | str)


def test_a_member_with_two_shapes_is_refused_at_declaration() -> None:
    """A union member that JSON may write in two ways cannot be told from the others, and says so at once."""
    with pytest.raises(codec.NotStorable):
        codec.dumps(_Either(1), as_=_Either | bool)
