"""Does a command of a group get what it would get alone, in its turn?"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnicore.adapters import sqlite
from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.host import Host, KeyReused, Observation
from omnicore.host.engine import MAX_TRIES
from omnicore.host.foreseen import Foreseen
from omnicore.kernel.errors import Conflict, Malformed, OmnicoreError, Refused
from omnicore.kernel.flow import Flow, Given, balances, find, flow, get, holds, load, open_holds, together, write
from omnicore.kernel.ledger import Account, Extend, Floor, Hold, Move, Post, Rest, Settle, Void
from omnicore.kernel.store import Batch, Database, Writes
from omnicore.testing import SECRET, Clock, Ids
from omnicore.testing.bench import NOTES, Note, Noted
from omnicore.testing.clock import NOON
from omnicore.testing.kit_shop import free, receive, reserve

UNITS = ("sku:A", "sku:B")
SHELVES = tuple(Account(unit, "node/dc/on-hand") for unit in UNITS)
SUPPLIER, CUSTOMER = "world/supplier", "world/customer"
NAMES = ("h1", "h2", "h3")


def _shelf(unit: str) -> Account:
    return Account(unit, SHELVES[0].path)


async def _free(unit: str) -> int:
    return (await balances([_shelf(unit)]))[_shelf(unit)].available


@flow("test_grouping.hold")
async def hold(
    given: Given, *, unit: str, amount: int, name: str | None = None, floor: int | None = None, days: int | None = None
) -> int:
    """Hold what is free, and say how much is left then."""
    left = await _free(unit) - amount
    if left < (floor or 0):
        raise Refused(left=left)
    expires = None if days is None else given.at.plus(days=days)
    promise = Hold(
        id=name or f"{given.new_id()}/1",
        unit=unit,
        source=_shelf(unit).path,
        target=CUSTOMER,
        amount=amount,
        expires=expires,
        floor=floor,
    )
    await write(Writes(moves=(promise,), events=(Noted(about=unit, text=str(left)),)))
    return left


@flow("test_grouping.both")
async def both(given: Given, *, amount: int) -> int:
    """Hold of both, or of none."""
    first, second = await together(_free(UNITS[0]), _free(UNITS[1]))
    if min(first, second) < amount:
        raise Refused(first=first, second=second)
    await write(
        Writes(
            moves=tuple(
                Hold(id=given.new_id(), unit=unit, source=_shelf(unit).path, target=CUSTOMER, amount=amount)
                for unit in UNITS
            )
        )
    )
    return min(first, second)


@flow("test_grouping.take")
async def take(given: Given, *, unit: str, amount: int, name: str | None = None) -> int:
    """Sell what is free, at once."""
    left = await _free(unit) - amount
    if left < 0:
        raise Refused(left=left)
    goods = Post(id=name or given.new_id(), unit=unit, source=_shelf(unit).path, target=CUSTOMER, amount=amount)
    await write(Writes(moves=(goods,)))
    return left


@flow("test_grouping.book")
async def book(given: Given, *, unit: str, amount: int, out: bool = False, name: str | None = None) -> int:
    """Book goods in, or what is found missing out, whatever that does to promises."""
    ends = (_shelf(unit).path, SUPPLIER) if out else (SUPPLIER, _shelf(unit).path)
    goods = Post(id=name or given.new_id(), unit=unit, source=ends[0], target=ends[1], amount=amount, fact=True)
    await write(Writes(moves=(goods,)))
    return amount


@flow("test_grouping.end")
async def end(given: Given, *, name: str, how: str, amount: int) -> str:
    """Ship, give up or prolong what is held."""
    held = (await holds([name])).get(name)
    if held is None or not held.live(given.at) or (how != "void" and amount > held.left):
        raise Refused(state=None if held is None else held.state.value)
    moves: dict[str, Move] = {
        "void": Void(hold=name),
        "extend": Extend(hold=name, expires=given.at.plus(days=amount)),
        "keep": Settle(id=given.new_id(), hold=name, amount=amount),
        "release": Settle(id=given.new_id(), hold=name, amount=amount, rest=Rest.RELEASE),
    }
    await write(Writes(moves=(moves[how],)))
    return held.state.value


@flow("test_grouping.late")
async def late(given: Given, *, name: str, amount: int) -> int:
    """Ship without a look, as when the parcel has left already."""
    await write(Writes(moves=(Settle(id=given.new_id(), hold=name, amount=amount),)))
    return amount


@flow("test_grouping.give_up")
async def give_up(given: Given, *, name: str) -> str:
    """Give up what is held without a look, as who cancels may."""
    await write(Writes(moves=(Void(hold=name),)))
    return name


@flow("test_grouping.keep_back")
async def keep_back(given: Given, *, unit: str, floor: int) -> int:
    """Set how much stays."""
    await write(Writes(moves=(Floor(unit=unit, path=_shelf(unit).path, floor=floor),)))
    return floor


@flow("test_grouping.look")
async def look(given: Given, *, unit: str) -> str:
    """Say all there is to say about a shelf, its supplier and the named holds."""
    shelf, supplier = _shelf(unit), Account(unit, SUPPLIER)
    read, promised, named = await together(balances([shelf, supplier]), open_holds([shelf]), holds(NAMES))
    row = read[shelf]
    said: list[object] = [row.posted, row.held, row.lapsed, row.floor, row.overcommitted, read[supplier].posted]
    said += [(each.amount, each.left, str(each.expires), each.floor) for each in promised[shelf]]
    said += [(each.id, each.left, each.expired, each.state.value) for each in named.values()]
    return str(said)


@flow("test_grouping.note")
async def note(given: Given, *, key: str, code: str | None, grow: bool) -> int:
    """Write something down, under a code that is unique."""
    found = await get(NOTES, key)
    if found is not None and not grow:
        raise Refused(rank=found.value.rank)
    rank = 1 if found is None else found.value.rank + 1
    changed = Note(key=key, code=code, tags=("t",), rank=rank)
    put = NOTES.put(changed) if found is None else found.put(changed)
    await write(Writes(changes=(put,), events=(Noted(about=key),)))
    return rank


@flow("test_grouping.list_notes")
async def list_notes(given: Given, *, blindly: bool) -> int:
    """Count what is written down."""
    if blindly:
        return len(await load(NOTES, ["a", "b"]))
    return len((await find(NOTES, "tag", equal=("t",))).items)


@flow("test_grouping.spoil")
async def spoil(given: Given, *, how: str) -> None:
    """Fail, in one of the ways there are."""
    if how == "bug":
        raise ZeroDivisionError
    if how == "conflict":
        raise Conflict("nothing")
    await write(Writes(moves=(Void(hold="nobody"),)))


def _made(make: Callable[..., Flow[object]], **args: st.SearchStrategy[object]) -> st.SearchStrategy[Flow[object]]:
    return st.fixed_dictionaries(args).map(lambda drawn: make(**drawn))


_unit, _name, _amount = st.sampled_from(UNITS), st.sampled_from(NAMES), st.integers(1, 4)
_maybe = st.none() | _name
_flows: st.SearchStrategy[Flow[object]] = st.one_of(
    _made(
        hold,
        unit=_unit,
        amount=_amount,
        name=_maybe,
        floor=st.none() | st.integers(-2, 3),
        days=st.sampled_from((None, None, 0, 1)),
    ),
    _made(hold, unit=st.just(UNITS[0]), amount=_amount),
    _made(both, amount=_amount),
    _made(take, unit=_unit, amount=_amount, name=st.none() | st.sampled_from(("t1", "t2"))),
    _made(book, unit=_unit, amount=_amount, out=st.booleans(), name=st.none() | st.sampled_from(("b1", "b2"))),
    _made(end, name=_name, how=st.sampled_from(("void", "extend", "keep", "release")), amount=_amount),
    _made(late, name=_name, amount=_amount),
    _made(give_up, name=_name),
    _made(keep_back, unit=_unit, floor=st.integers(-2, 2)),
    _made(look, unit=_unit),
    _made(note, key=st.sampled_from("ab"), code=st.none() | st.sampled_from("xy"), grow=st.booleans()),
    _made(list_notes, blindly=st.booleans()),
    _made(spoil, how=st.sampled_from(("conflict", "void"))),
)
Group = Sequence[tuple[Flow[object], str | None]]
_groups: st.SearchStrategy[Group] = st.lists(
    st.tuples(_flows, st.none() | st.sampled_from(("k1", "k2", "k3"))), min_size=2, max_size=14
)


def in_turn(host: Host, group: Group) -> list[object]:
    """Run commands one after another."""
    answers: list[object] = []
    for each, command in group:
        try:
            answers.append(host.run(each, command=command))
        except OmnicoreError as error:
            answers.append(error)
    return answers


def said(answers: Sequence[object]) -> list[object]:
    """Write answers so that they can be compared."""
    return [f"{type(row).__name__}: {row}" if isinstance(row, Exception) else row for row in answers]


def books(database: Database) -> list[str]:
    """Write down all there is, but for the names that new things were given."""
    with database.writing("main") as store:
        store.number(10_000)
    with database.reading("main") as store:
        rows: list[object] = list(store.balances(SHELVES, NOON).values())
        rows += sorted(
            (held.since, held.unit, held.amount, str(held))
            for each in store.open_holds(SHELVES).values()
            for held in each
        )
        rows += [store.holds(NAMES), store.load(NOTES.name, ["a", "b"]), list(store.commands(["k1", "k2", "k3"]))]
        rows += sorted(
            (entry.unit, entry.source, entry.amount, str(entry.fact), str(entry.hold))
            for shelf in SHELVES
            for entry in store.entries(shelf)
        )
        rows += [(row.type, row.about, row.at, row.by, row.command, row.data) for row in store.read()]
    return [re.sub(r"id-\d+|chain='\w*'|position=\d+", "", str(row)) for row in rows]


BEFORE = (
    book(unit=UNITS[0], amount=9, name="b1"),
    book(unit=UNITS[1], amount=5),
    hold(unit=UNITS[0], amount=2, name="h1", days=1),
    hold(unit=UNITS[0], amount=1, name="h2"),
    hold(unit=UNITS[1], amount=2, days=1),
    take(unit=UNITS[0], amount=1, name="t1"),
    note(key="a", code="x", grow=False),
)


def opened(database: Database, *, hours: int, told: list[Observation] | None = None) -> Host:
    """Open a shop in which something has happened already, some of it so long ago that it has lapsed."""
    clock = Clock()
    observe = None if told is None else told.append
    host = Host(database, clock=clock, new_id=Ids(), secret=SECRET, observe=observe)
    for each in BEFORE:
        host.run(each)
    clock.advance(hours=hours)
    return host


def same_as_in_turn(make: Callable[[], Database], group: Group, hours: int) -> None:
    """Run a group, and the same commands one after another; compare answers and books."""
    together_, apart = make(), make()
    try:
        answers = said(opened(together_, hours=hours).run_many(group))
        assert answers == said(in_turn(opened(apart, hours=hours), group))
        assert books(together_) == books(apart)
        assert Host(together_, secret=SECRET).verify().differences == ()
    finally:
        together_.close()
        apart.close()


@settings(max_examples=150)
@given(group=_groups, hours=st.sampled_from((1, 30)))
def test_a_group_is_its_commands_in_turn(group: Group, hours: int) -> None:
    """Commands run as a group get the answers, and leave the books, of the same commands run one after another."""
    same_as_in_turn(Memory, group, hours)


@settings(max_examples=12)
@given(group=_groups, hours=st.sampled_from((1, 30)))
def test_a_group_is_its_commands_in_turn_on_sqlite(group: Group, hours: int) -> None:
    """On SQLite too a group gets the answers, and leaves the books, of its commands run one after another."""
    same_as_in_turn(lambda: sqlite.open(":memory:", migrate=True), group, hours)


class Counting(Memory):
    """Counts the transactions that may write."""

    opened = 0

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
        """Count one."""
        self.opened += 1
        with super().writing(shop, serializable=serializable) as store:
            yield store


CORNERS: dict[str, tuple[tuple[Flow[object], ...], int]] = {
    "a sale that is told again": ((take(unit=UNITS[0], amount=1, name="t1"), hold(unit=UNITS[0], amount=5)), 2),
    "a hold that is told again": (
        (hold(unit=UNITS[0], amount=2, name="h1", days=1), hold(unit=UNITS[0], amount=3)),
        2,
    ),
    "a buffer that only the first one minds": (
        (hold(unit=UNITS[0], amount=1, floor=3), hold(unit=UNITS[0], amount=3)),
        2,
    ),
    "a code that comes free": ((note(key="b", code="x", grow=False), note(key="a", code=None, grow=True)), 11),
    "a hold that has just been made": (
        (hold(unit=UNITS[0], amount=2, name="h3"), end(name="h3", how="keep", amount=2)),
        2,
    ),
}


LAPSED: dict[str, tuple[Flow[object], ...]] = {
    "a hold told again": (hold(unit=UNITS[0], amount=1, name="h2"), look(unit=UNITS[0])),
    "a hold given up": (give_up(name="h1"), look(unit=UNITS[0])),
}


@pytest.mark.parametrize("name", LAPSED)
def test_what_has_lapsed_ends_where_somebody_looks(name: str) -> None:
    """A command that changes nothing still ends what has lapsed on its shelf, and those behind it see that."""
    same_as_in_turn(Memory, [(each, None) for each in LAPSED[name]], 30)


@pytest.mark.parametrize("name", CORNERS)
def test_corners_of_a_group(name: str) -> None:
    """What is told again, asks for a buffer or comes free within a group is decided as in turn, in few transactions."""
    flows, transactions = CORNERS[name]
    group = [(each, None) for each in flows]
    same_as_in_turn(Memory, group, 1)
    database = Counting()
    host = opened(database, hours=1)
    database.opened = 0
    host.run_many(group)
    assert database.opened == transactions


def shop(database: Database, *, stock: int = 0) -> Host:
    """Open a shop with so many on the shelf of the kit."""
    host = Host(database, clock=Clock(), new_id=Ids(), secret=SECRET)
    if stock:
        host.run(receive(amount=stock))
    return host


def grants(answers: Sequence[object]) -> list[bool]:
    """Say who got what was asked for; the others were refused."""
    assert all(type(answer) in {str, Refused} for answer in answers)
    return [type(answer) is str for answer in answers]


def test_a_sale_that_runs_out_is_one_transaction() -> None:
    """When 64 want 40, the first 40 get one each and the rest are refused, in one transaction."""
    database = Counting()
    host = shop(database, stock=40)
    database.opened = 0
    group = [(reserve(hold=f"h{nth}", amount=1), f"k{nth}") for nth in range(64)]
    assert grants(host.run_many(group)) == [nth < 40 for nth in range(64)]
    assert (database.opened, host.run(free())) == (1, 0)
    host.run(receive(amount=3))
    assert grants(host.run_many(group)) == [nth < 43 for nth in range(64)]  # who was refused may try again
    assert host.run(free()) == 0


def test_whoever_wants_less_is_still_served() -> None:
    """A command that asks for more than is left is refused whole, and a smaller one behind it is served."""
    host = shop(Memory(), stock=5)
    wanted = (3, 3, 1, 2, 1)
    group = [(reserve(hold=f"h{nth}", amount=amount), None) for nth, amount in enumerate(wanted)]
    assert grants(host.run_many(group)) == [True, False, True, False, True]


class Raced(Memory):
    """Lets somebody else take from the shelf between what a group reads and what it writes, so many times."""

    races = 0
    opened = 0

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
        """Take before the write."""
        self.opened += 1
        with super().writing(shop, serializable=serializable) as store:
            write, raced = store.write, self.races > 0

            def late(batch: Batch) -> None:
                if raced:
                    self.races -= 1
                    raise Conflict("sku:A at node/dc/on-hand")
                write(batch)

            store.write = late  # type: ignore[method-assign] # for one transaction
            yield store


@pytest.mark.parametrize(("races", "transactions"), [(0, 1), (1, 2), (2, 4), (3, 6)])
def test_a_race_is_decided_afresh(races: int, transactions: int) -> None:
    """A group that lost a race is decided afresh, then in halves; everybody is answered as if there had been none."""
    database = Raced()
    host = shop(database, stock=40)
    database.opened, database.races = 0, races
    group = [(reserve(hold=f"h{nth}", amount=1), f"k{nth}") for nth in range(64)]
    assert grants(host.run_many(group)) == [nth < 40 for nth in range(64)]
    assert (database.opened, host.run(free())) == (transactions, 0)
    assert host.verify().differences == ()


def test_one_bad_command_spoils_no_group() -> None:
    """Among 64 one that cannot be written, one that conflicts and one with a bug cost the rest a few transactions."""
    database = Counting()
    host = shop(database, stock=64)
    database.opened = 0
    group: list[tuple[Flow[object], str | None]] = [(reserve(hold=f"h{nth}", amount=1), f"k{nth}") for nth in range(64)]
    group[10] = (spoil(how="void"), "k10")
    group[20] = (spoil(how="conflict"), "k20")
    group[30] = (reserve(hold="h5", amount=7), "k30")
    answers = host.run_many(group)
    assert {nth: type(answer) for nth, answer in enumerate(answers) if type(answer) is not str} == {
        10: Conflict,
        20: Conflict,
        30: Malformed,
    }
    assert host.run(free()) == 64 - 61
    assert database.opened <= 2 * MAX_TRIES + 16
    with pytest.raises(ZeroDivisionError):  # once the others have run
        host.run_many([(spoil(how="bug"), None), (reserve(hold="last", amount=3), None)])
    assert host.run(free()) == 0


def test_keys_are_looked_up_in_one_statement() -> None:
    """On SQLite a group of 64 holds takes as many statements as one of 8: what is asked is asked for all of them."""
    counts: list[int] = []
    for size in (8, 64):
        told: list[Observation] = []
        host = Host(
            sqlite.open(":memory:", migrate=True), clock=Clock(), new_id=Ids(), secret=SECRET, observe=told.append
        )
        host.run(receive(amount=100))
        told.clear()
        host.run_many([(reserve(hold=f"h{nth}", amount=1), f"k{nth}") for nth in range(size)])
        counts += [row.statements for row in told]
        host.close()
    assert len(counts) == 2
    assert counts[0] == counts[1] <= 9


def test_a_key_twice_in_a_group_is_once() -> None:
    """The same key twice in a group happens once and answers twice; for another request it is refused."""
    database = Counting()
    host = shop(database, stock=5)
    database.opened = 0
    group = [
        (reserve(hold="h1", amount=2), "k"),
        (reserve(hold="h1", amount=2), "k"),
        (reserve(hold="h2", amount=2), "k"),
    ]
    first, again, other = host.run_many(group)
    assert (first, again, type(other)) == ("h1", "h1", KeyReused)
    assert (database.opened, host.run(free())) == (1, 3)


def test_a_group_that_foresees_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of a group that do not see what those before them leave do not get what they would get in turn."""

    def blind(self: Foreseen, recorded: object) -> None:
        return None

    monkeypatch.setattr(Foreseen, "_store", blind)
    monkeypatch.setattr(Foreseen, "foresee_hold", lambda self, moves, minted: False)
    group: Group = [(book(unit=UNITS[0], amount=4), None), (hold(unit=UNITS[0], amount=9), None)]
    with pytest.raises(AssertionError):
        same_as_in_turn(Memory, group, 1)
    database = Counting()
    host = shop(database, stock=40)
    database.opened = 0
    host.run_many([(reserve(hold=f"h{nth}", amount=1), f"k{nth}") for nth in range(64)])
    assert database.opened > 1  # what it all would fall back to
