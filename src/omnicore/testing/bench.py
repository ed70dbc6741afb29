"""On what does the store kit work: which documents, events and accounts, in which shop, and what does it see there?"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

from attrs import define, field, frozen

from omnicore.kernel import codec
from omnicore.kernel.errors import OmnicoreError
from omnicore.kernel.journal import Envelope, Event, event, event_name
from omnicore.kernel.ledger import Account, Balance, Hold, Move, Post
from omnicore.kernel.records import Change, Cursor, Document, Index, Kind, span
from omnicore.kernel.store import Batch, Command, Database, Store
from omnicore.kernel.time import Instant
from omnicore.testing.clock import NOON

UNIT = "sku:KIT"
SHELF = Account(UNIT, "node/a/on-hand")
BACK = Account(UNIT, "node/b/on-hand")
SUPPLIER = Account(UNIT, "world/supplier")
CUSTOMER = Account(UNIT, "world/customer")

Make = Callable[[], Database]

_MOST_ROWS = 10_000


@frozen(kw_only=True)
class Note:
    """A document with every sort of index: text and number, time, and one that is unique."""

    key: str
    tags: tuple[str, ...] = ()
    rank: int = 0
    at: Instant = NOON
    code: str | None = None


NOTES = Kind(
    name="testing.note",
    type=Note,
    key=lambda note: note.key,
    indexes=(
        Index("tag", lambda note: [(tag, note.rank) for tag in note.tags]),
        Index("when", lambda note: [(note.at,)]),
        Index("code", lambda note: [] if note.code is None else [(note.code,)], unique=True),
    ),
)


@event("testing.noted.v1")
@frozen(kw_only=True)
class Noted:
    """Something happened to a note."""

    about: str
    text: str = ""


_ROOM = 1000
"""Ids set aside for one step."""


@define(kw_only=True)
class Bench:
    """One shop of a database under test, with a clock that stands still and ids that count up."""

    database: Database
    shop: str
    at: Instant = NOON
    _numbers: Iterator[int] = field(factory=lambda: count(1))

    def new_id(self, prefix: str = "k") -> str:
        """Give a fresh id."""
        return f"{prefix}{next(self._numbers):04}"

    @contextmanager
    def same_ids(self) -> Iterator[Callable[[], None]]:
        """Give what lets the block use its ids again; how many it uses makes no difference to what comes after."""
        first = next(self._numbers)

        def again() -> None:
            self._numbers = count(first)

        again()
        try:
            yield again
        finally:
            self._numbers = count(first + _ROOM)

    def batch(
        self,
        *,
        changes: Sequence[Change] = (),
        moves: Sequence[Move] = (),
        events: Sequence[Event] = (),
        commands: Sequence[str] = (),
        envelopes: Sequence[Envelope] = (),
    ) -> Batch:
        """Stamp writes as the driver does."""
        made = tuple(
            Envelope(
                id=self.new_id("event-"),
                type=event_name(happened),
                about=happened.about,
                at=self.at,
                by="staff:kit",
                command=None,
                data=codec.dumps(happened, as_=type(happened)),
            )
            for happened in events
        )
        return Batch(
            id=self.new_id("batch-"),
            at=self.at,
            by="staff:kit",
            changes=tuple(changes),
            moves=tuple(moves),
            envelopes=(*made, *envelopes),
            commands=tuple(Command(key=key, request="asked", answer='"done"', at=self.at) for key in commands),
        )

    def write(
        self,
        *,
        changes: Sequence[Change] = (),
        moves: Sequence[Move] = (),
        events: Sequence[Event] = (),
        commands: Sequence[str] = (),
        envelopes: Sequence[Envelope] = (),
    ) -> None:
        """Write in a transaction of its own."""
        batch = self.batch(changes=changes, moves=moves, events=events, commands=commands, envelopes=envelopes)
        with self.database.writing(self.shop) as store:
            store.write(batch)

    def refused(
        self,
        error: type[OmnicoreError],
        *,
        changes: Sequence[Change] = (),
        moves: Sequence[Move] = (),
        events: Sequence[Event] = (),
        commands: Sequence[str] = (),
        envelopes: Sequence[Envelope] = (),
    ) -> None:
        """Demand that a write is refused in this way, and that it changes nothing."""
        before = self.picture()
        try:
            self.write(changes=changes, moves=moves, events=events, commands=commands, envelopes=envelopes)
        except error:
            same("what a refused write left behind", self.picture(), before)
            return
        raise AssertionError(f"a write that must raise {error.__name__} was accepted")

    def receive(self, amount: int, *, at: Account = SHELF) -> None:
        """Put goods on a shelf, as a fact."""
        self.write(
            moves=[
                Post(id=self.new_id("in-"), unit=UNIT, source=SUPPLIER.path, target=at.path, amount=amount, fact=True)
            ]
        )

    def hold(self, amount: int, *, seconds: int | None = None, floor: int | None = None) -> str:
        """Promise goods from the shelf to the customer; gives the hold's id."""
        hold = self.held(amount, seconds=seconds, floor=floor)
        self.write(moves=[hold])
        return hold.id

    def held(self, amount: int, *, seconds: int | None = None, floor: int | None = None) -> Hold:
        """Make a hold without writing it."""
        return Hold(
            id=self.new_id("hold-"),
            unit=UNIT,
            source=SHELF.path,
            target=CUSTOMER.path,
            amount=amount,
            expires=None if seconds is None else self.at.plus(seconds=seconds),
            floor=floor,
        )

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """Open a snapshot."""
        with self.database.reading(self.shop) as store:
            yield store

    def balance(self, account: Account = SHELF) -> Balance:
        """Give how an account stands now."""
        with self.reading() as store:
            return store.balances([account], self.at)[account]

    def note(self, key: str) -> Document | None:
        """Give a note's document."""
        with self.reading() as store:
            return store.load(NOTES.name, [key]).get(key)

    def number(self) -> int:
        """Number everything that has committed."""
        total = 0
        while True:
            with self.database.writing(self.shop) as store:
                made = store.number(1000)
            if not made:
                return total
            total += made

    def verified(self) -> None:
        """Demand that the books add up."""
        with self.reading() as store:
            found = store.verify([NOTES])  # type: ignore[list-item] # Kind[Note] is a Kind[object] to a reader
        same("differences that verify finds", found.differences, ())

    def picture(self) -> dict[str, object]:
        """Give all that the ports show of this shop's notes, shelves and journal."""
        accounts = [SHELF, BACK, SUPPLIER, CUSTOMER]
        seen: dict[str, object] = {}
        with self.reading() as store:
            holds = [f"hold-{number}" for number in range(8)]
            seen["documents"] = store.load(NOTES.name, [f"n{number}" for number in range(8)])
            for index, newest_first in (("tag", False), ("when", True), ("code", False)):
                seen[f"index {index}"] = walk(store, index, newest_first=newest_first)
            for name, at in (("now", self.at), ("in an hour", self.at.plus(hours=1))):
                seen[f"balances {name}"] = store.balances(accounts, at)
            seen["holds"] = store.holds(holds)
            seen["open holds"] = store.open_holds([SHELF, BACK])
            seen["entries"] = {str(account): store.entries(account) for account in accounts}
            seen["journal"] = store.read()
            seen["commands"] = store.commands([f"c{number}" for number in range(8)])
            found = store.verify([NOTES])  # type: ignore[list-item] # as above
            seen["verify"] = found
        same("differences that verify finds", found.differences, ())
        return seen


def walk(store: Store, index: str, *, newest_first: bool = False, limit: int = 2) -> list[tuple[str, int]]:
    """Read a whole index page by page; gives keys and versions in order."""
    found: list[tuple[str, int]] = []
    after: Cursor | None = None
    while True:
        page = store.find(span(NOTES.name, index, newest_first=newest_first, after=after, limit=limit))
        found += [(document.key, document.version) for document in page.documents]
        after = page.next
        if after is None:
            return found
        if not page.documents or len(found) > _MOST_ROWS:
            raise AssertionError(f"paging through {index} does not end")


def same(what: str, found: object, expected: object) -> None:
    """Demand equality; of two dictionaries, name the first key that differs."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in expected | found:
            same(f"{what}: {key}", found.get(key), expected.get(key))
    elif found != expected:
        raise AssertionError(f"{what}\n    is {found!r}\n    must be {expected!r}")
