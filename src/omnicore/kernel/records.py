"""What is stored as a document, under which key, and how is it found again?

A ``Kind`` is declared once beside its aggregate: name, key, schema number with upcasters, indexes. A new aggregate
costs an adapter nothing, because adapters only see ``Document``: text under (kind, key) with a version and index rows.

An index is a pure function from the value to zero or more tuples of str, int or Instant. A look-up is equality on a
prefix and a range on the next field, nothing more; reports are read models fed from the journal. ``sorting`` writes
tuples so that every database sorts them alike.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Generic, NewType, Protocol, TypeVar, cast

from attrs import field, frozen

from omnicore.kernel import codec
from omnicore.kernel import stored_forms as _forms  # noqa: F401 - importing it registers how an Instant is written
from omnicore.kernel.errors import Malformed
from omnicore.kernel.sorting import Field, encode_field, sort_key

T = TypeVar("T")
Cursor = NewType("Cursor", str)
"""Where a page ended; opaque, safe to hand to a browser: a forged one finds other rows of the same look-up, no more."""

MAX_KEY_CHARS = 256
MAX_PAGE = 10_000
MAX_REMEMBERED = 2_048
"""Texts of which a steady kind remembers what they were read as."""


@frozen(kw_only=True)
class IndexRow:
    """One entry of an index: which index, where it sorts, and whether another document may stand there."""

    index: str
    sort: bytes
    unique: bool = False


@frozen(eq=False)
class Index(Generic[T]):
    """A look-up: ``rows`` gives the tuples a value is found under, none if it is not to be found."""

    name: str
    rows: Callable[[T], Iterable[tuple[Field, ...]]]
    unique: bool = False


@frozen(kw_only=True)
class Document:
    """A stored document as adapters see it."""

    kind: str
    key: str
    version: int
    schema: int
    body: str


@frozen(kw_only=True)
class Put:
    """Store a document where version ``expected`` stands now (0: where none does); the new version is one more.

    ``subject`` says whose personal data a vault document holds; adapters need not store it.
    """

    kind: str
    key: str
    expected: int
    schema: int
    subject: str | None = None
    body: str = field(repr=False)
    rows: tuple[IndexRow, ...] = field(default=(), repr=False)


@frozen(kw_only=True)
class Drop:
    """Remove a document whose version is ``expected``."""

    kind: str
    key: str
    expected: int


Change = Put | Drop


@frozen(kw_only=True)
class Stored(Generic[T]):
    """A value read from the store, with its version and the keys a newer schema wrote that we do not know."""

    value: T
    version: int
    kind: "Kind[T]" = field(repr=False, eq=False)
    rest: codec.Rest = field(factory=dict, repr=False)
    schema: int = field(default=1, repr=False)

    def put(self, value: T) -> Put:
        """Replace the stored value; unknown keys are written back, and a concurrent change is a ``Conflict``."""
        return self.kind.put(value, expected=self.version, rest=self.rest, schema=max(self.schema, self.kind.schema))

    def drop(self) -> Drop:
        """Remove the document."""
        return Drop(kind=self.kind.name, key=self.kind.key(self.value), expected=self.version)


@frozen(eq=False, kw_only=True)
class Kind(Generic[T]):
    """What an aggregate is called in the store, how it is keyed, found and upgraded.

    ``upcasters[n]`` turns a document of schema n into one of schema n + 1. Only ``vault`` kinds may hold personal data;
    ``subject`` then says whose it is, so that it can be found for export and erasure.

    A ``steady`` kind is read far more often than it changes (a product, a pool): what a text was read as is remembered,
    so reading the same text again costs a look-up. The text itself is read from the store each time.
    """

    name: str
    type: type[T]
    key: Callable[[T], str]
    indexes: tuple[Index[T], ...] = ()
    schema: int = 1
    upcasters: Mapping[int, Callable[[dict[str, codec.JsonValue]], dict[str, codec.JsonValue]]] = field(factory=dict)
    subject: Callable[[T], str] | None = None
    steady: bool = False
    _remembered: dict[tuple[int, str], tuple[T, codec.Rest]] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Register the kind; two kinds of one name, or a gap in the upcasters, fail at import."""
        if self.name in _KINDS:
            raise AssertionError(f"two kinds are called {self.name}")
        if self.steady and self.vault:
            raise AssertionError(f"{self.name} holds personal data, of which nothing is remembered")
        if set(self.upcasters) != set(range(1, self.schema)):
            raise AssertionError(f"{self.name} needs an upcaster for every schema below {self.schema}")
        _KINDS[self.name] = cast("Kind[object]", self)

    @property
    def vault(self) -> bool:
        """Whether the kind may hold personal data."""
        return self.subject is not None

    def put(self, value: T, *, expected: int = 0, rest: codec.Rest | None = None, schema: int | None = None) -> Put:
        """Make the change that stores a value; ``expected=0`` says that it is new.

        Raises: Malformed when the key is empty or too long.
        """
        key = self.key(value)
        if not 0 < len(key) <= MAX_KEY_CHARS or not key.isprintable():
            raise Malformed("$.key", f"must be 1 to {MAX_KEY_CHARS} printable characters")
        return Put(
            kind=self.name,
            key=key,
            expected=expected,
            schema=schema or self.schema,
            subject=None if self.subject is None else self.subject(value),
            body=codec.dumps_stored(value, rest, as_=self.type, vault=self.vault),
            rows=self.rows(value),
        )

    def rows(self, value: T) -> tuple[IndexRow, ...]:
        """Give every index row of a value, sorted, without repeats; vault kinds are also found by ``subject``."""
        found = {
            IndexRow(index=index.name, sort=sort_key(fields), unique=index.unique)
            for index in self.indexes
            for fields in index.rows(value)
        }
        if self.subject is not None:
            found.add(IndexRow(index="subject", sort=sort_key((self.subject(value),))))
        return tuple(sorted(found, key=lambda row: (row.index, row.sort)))

    def read(self, document: Document) -> Stored[T]:
        """Read a document, upgrading an older schema and keeping what a newer one added.

        Raises: Malformed when the document does not fit its kind.
        """
        if not self.steady:
            value, rest = self._read(document)
        else:
            known = (document.schema, document.body)
            if (found := self._remembered.get(known)) is None:
                if len(self._remembered) >= MAX_REMEMBERED:
                    self._remembered.clear()
                found = self._remembered[known] = self._read(document)
            value, rest = found
        return Stored(value=value, version=document.version, kind=self, rest=rest, schema=document.schema)

    def _read(self, document: Document) -> tuple[T, codec.Rest]:
        if document.schema == self.schema:
            # A document of our own schema has no key we do not know, so the quick road is nearly always enough.
            with suppress(Malformed):
                return codec.loads(document.body, as_=self.type), None
        body = codec.parse(document.body)
        if not isinstance(body, dict):
            raise Malformed("$", "must be an object")
        for schema in range(document.schema, self.schema):
            body = self.upcasters[schema](body)
        return codec.load_stored(body, as_=self.type, vault=self.vault)


_KINDS: dict[str, Kind[object]] = {}


def kinds() -> Mapping[str, Kind[object]]:
    """Give every kind declared so far, by name."""
    return dict(_KINDS)


@frozen(kw_only=True)
class Span:
    """A range of one index, as adapters see it: ``lower <= sort < upper``, from behind ``after``, at most ``limit``."""

    kind: str
    index: str
    lower: bytes
    upper: bytes
    newest_first: bool = False
    after: tuple[bytes, str] | None = None
    limit: int = 100


def span(
    kind: str,
    index: str,
    *,
    equal: tuple[Field, ...] = (),
    since: Field | None = None,
    until: Field | None = None,
    newest_first: bool = False,
    after: Cursor | None = None,
    limit: int = 100,
) -> Span:
    """Say what a look-up ranges over: equality on a prefix, then ``since <= next field < until``.

    Raises: Malformed for a limit out of bounds or a cursor that is none of ours.
    """
    if type(limit) is not int or not 0 < limit <= MAX_PAGE:
        raise Malformed("$.limit", f"must be from 1 to {MAX_PAGE}")
    prefix = sort_key(equal)
    return Span(
        kind=kind,
        index=index,
        lower=prefix if since is None else prefix + encode_field(since),
        upper=prefix + (b"\xff" if until is None else encode_field(until)),
        newest_first=newest_first,
        after=None if after is None else _read_cursor(after),
        limit=limit,
    )


def cursor(sort: bytes, key: str) -> Cursor:
    """Say where a page ended."""
    return Cursor(json.dumps([sort.hex(), key]))


def _read_cursor(text: Cursor) -> tuple[bytes, str]:
    try:
        sort, key = json.loads(text)
        return bytes.fromhex(sort), str(key).encode().decode()
    except (ValueError, TypeError, RecursionError):
        raise Malformed("$.after", "is not a cursor given by an earlier page") from None


@frozen(kw_only=True)
class Found:
    """One page of documents and where the next begins (None: there is none)."""

    documents: tuple[Document, ...]
    next: Cursor | None


@frozen(kw_only=True)
class Page(Generic[T]):
    """One page of values and where the next begins (None: there is none)."""

    items: tuple[Stored[T], ...]
    next: Cursor | None


class Records(Protocol):
    """Reads of documents; bulk first, in one snapshot or transaction with the other reads of a flow."""

    def load(self, kind: str, keys: Iterable[str]) -> dict[str, Document]:
        """Give the documents that exist among ``keys``."""
        ...

    def find(self, where: Span) -> Found:
        """Give documents in index order (sort, then key), each once per index row in the range."""
        ...
