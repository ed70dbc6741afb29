"""Is asking for several things at once the same as asking one after another, in fewer journeys?"""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from omnicore.adapters import sqlite
from omnicore.adapters.memory import Memory
from omnicore.host import Host, attempt
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, flow, get, load, question, together, write
from omnicore.kernel.records import Kind, Stored
from omnicore.kernel.store import AsyncStore, Writes
from omnicore.kernel.together import PortCall


def kind(name: str) -> Kind[dict[str, str]]:
    """Make a kind of small notes."""
    return Kind[dict[str, str]](name=f"test_together.{name}", type=dict[str, str], key=lambda note: note["id"])


LEFT, RIGHT = kind("left"), kind("right")


class Missing(Refused):
    """A note is not there."""

    code = "test_together.missing"


async def chain(which: Kind[dict[str, str]], key: str, length: int) -> tuple[str, ...]:
    """Follow notes that name the next one; so many rounds of questions."""
    found: list[str] = []
    for _ in range(length):
        if (stored := await get(which, key)) is None:
            raise Missing(key=f"{which.name} {key}")
        found.append(key)
        key = stored.value["next"]
    return tuple(found)


@question("test_together.at_once")
async def at_once(given: Given, *, left: int, right: int, start: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Follow two chains at once."""
    return await together(chain(LEFT, "0", left), chain(RIGHT, start, right))


@question("test_together.in_turn")
async def in_turn(given: Given, *, left: int, right: int, start: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Follow two chains one after another."""
    return await chain(LEFT, "0", left), await chain(RIGHT, start, right)


@question("test_together.nested")
async def nested(given: Given) -> tuple[int, int, int]:
    """Ask together for what asks together itself, and for a flow."""

    async def two() -> tuple[dict[str, Stored[dict[str, str]]], dict[str, Stored[dict[str, str]]]]:
        return await together(load(LEFT, ["0", "1"]), load(RIGHT, ["0"]))

    (left, right), both = await together(two(), in_turn(left=1, right=1, start="0"))
    return len(left), len(right), len(both)


@flow("test_together.fill")
async def fill(given: Given, *, notes: int) -> None:
    """Write both chains; the last note of each names one that is not there."""
    puts = [which.put({"id": str(n), "next": str(n + 1)}) for which in (LEFT, RIGHT) for n in range(notes)]
    await write(Writes(changes=tuple(puts)))


@flow("test_together.write_inside")
async def write_inside(given: Given) -> None:
    """Write while others still ask, which is no last port call."""
    await together(write(Writes(changes=(LEFT.put({"id": "x", "next": ""}),))), chain(RIGHT, "0", 2))


def filled(database: Memory | sqlite.Sqlite) -> Host:
    """Give a shop with four notes in each chain."""
    shop = Host(database)
    shop.run(fill(notes=4))
    return shop


MAKERS: list[Callable[[], Memory | sqlite.Sqlite]] = [Memory, lambda: sqlite.open(":memory:")]


@pytest.mark.parametrize("make", MAKERS)
@drawn(left=st.integers(0, 6), right=st.integers(0, 6), start=st.sampled_from(["0", "3", "9"]))
def test_together_is_as_one_after_another(
    make: Callable[[], Memory | sqlite.Sqlite], left: int, right: int, start: str
) -> None:
    """Whatever is asked together gets the answers, or the one refusal, that asking in turn gets."""
    shop = filled(make())

    def outcome(asked: Callable[..., object]) -> object:
        try:
            return shop.run(asked(left=left, right=right, start=start))  # type: ignore[arg-type] # one of two questions
        except Missing as missing:
            return missing.facts

    assert outcome(at_once) == outcome(in_turn)


@pytest.mark.parametrize("make", MAKERS)
def test_what_asks_together_may_be_asked_together(make: Callable[[], Memory | sqlite.Sqlite]) -> None:
    """Questions nest: what is asked together may itself ask together, or be a flow."""
    assert filled(make()).run(nested()) == (2, 1, 2)


def test_each_round_is_one_journey(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that can answer several questions at once is reached once for each round of them."""
    shop = filled(sqlite.open(":memory:"))
    rounds: list[int] = []
    asked = attempt.ask_together

    async def counting(store: AsyncStore, calls: Sequence[PortCall]) -> Sequence[object]:
        rounds.append(len(calls))
        return await asked(store, calls)

    monkeypatch.setattr(attempt, "ask_together", counting)
    shop.run(at_once(left=3, right=2, start="0"))
    assert rounds == [2, 2]  # and the third question of the longer chain is asked alone


def test_a_command_key_is_asked_for_only_where_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new command never asks whether it is known; one that is finds its key taken, asks, and is not done again."""
    shop = filled(sqlite.open(":memory:"))
    calls: list[list[str]] = []
    asked = attempt.ask_together

    async def listening(store: AsyncStore, asking: Sequence[PortCall]) -> Sequence[object]:
        calls.append([name for name, _, _ in asking])
        return await asked(store, asking)

    monkeypatch.setattr(attempt, "ask_together", listening)
    shop.run(move_on(key="0"), command="once")
    assert calls == []
    shop.run(move_on(key="0"), command="once")  # which would be refused now, so it is the refusal that makes it ask
    assert calls == [["commands"]]
    shop.run(again(key="3"), command="twice")
    shop.run(again(key="3"), command="twice")
    assert calls == [["commands"], ["commands", "load"]]
    assert shop.run(in_turn(left=1, right=0, start="0")) == (("0",), ())


@flow("test_together.move_on")
async def move_on(given: Given, *, key: str) -> None:
    """Let a note name the one after its next; refuses one that has gone too far."""
    if (stored := await get(LEFT, key)) is None or stored.value["next"] == "2":
        raise Missing(key=key)
    await write(Writes(changes=(stored.put({"id": key, "next": "2"}),)))


@flow("test_together.again")
async def again(given: Given, *, key: str) -> None:
    """Write a note as it stands."""
    if (stored := await get(LEFT, key)) is not None:
        await write(Writes(changes=(stored.put(stored.value),)))


@flow("test_together.refuse_first")
async def refuse_first(given: Given, *, note: str) -> None:
    """Refuse before anything is read, unless the host was told otherwise."""
    if REFUSING:
        raise Missing(key=note)
    await write(Writes(changes=(LEFT.put({"id": note, "next": ""}),)))


REFUSING: list[bool] = []


def test_what_was_answered_once_is_answered_again() -> None:
    """A key that has an answer gets it, even where the flow would now refuse before it reads anything."""
    shop = filled(sqlite.open(":memory:"))
    shop.run(refuse_first(note="new"), command="once")
    REFUSING.append(True)
    try:
        shop.run(refuse_first(note="new"), command="once")
        with pytest.raises(Missing):
            shop.run(refuse_first(note="new"), command="another")
    finally:
        REFUSING.clear()


def test_nothing_is_asked_after_the_write() -> None:
    """A flow that writes while others still ask is a bug, told as one."""
    with pytest.raises(AssertionError, match="writes once, as its last port call"):
        filled(Memory()).run(write_inside())
