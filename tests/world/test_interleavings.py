"""Under every order of port calls, on a store weaker than any real one: do the promises hold?"""

from collections.abc import Iterator
from contextlib import closing

import pytest

from omnicore.host import Host
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, balances, flow, write
from omnicore.kernel.ledger import HoldState, Void
from omnicore.kernel.store import Writes
from omnicore.testing import Outcome, Pass, Play, View, Weak, interleavings, simulate
from omnicore.testing.bench import SHELF, SUPPLIER
from omnicore.testing.clock import NOON
from omnicore.testing.interleaving_figure import (
    RACES,
    blind_hold,
    cancel,
    count,
    count_out,
    hold,
    interleaving_figure,
    shelf_with,
    ship,
    take_in,
)
from omnicore.testing.kit_shop import free

VIEWS = pytest.mark.parametrize("view", list(View))
FAULTS = pytest.mark.parametrize("faults", [0, 1])


def host_of(outcome: Outcome) -> Host:
    """Look at the shop as it stands after a schedule."""
    host = Host(outcome.database, clock=outcome.clock)
    assert host.verify().differences == (), outcome.schedule
    return host


@VIEWS
@FAULTS
@pytest.mark.parametrize("stock", [1, 2, 3, 4])
def test_holds_never_oversell_nor_undersell(stock: int, view: View, faults: int) -> None:
    """Of two buyers who want two each, exactly as many get theirs as there is stock for."""
    plays = [Play(flow=hold(id=f"h{number}", amount=2), command=f"c{number}") for number in range(2)]
    for outcome in interleavings(plays, prepare=lambda: shelf_with(stock), view=view, faults=faults):
        assert outcome.succeeded == min(stock // 2, 2), outcome
        assert host_of(outcome).run(free()) == stock - 2 * outcome.succeeded


def test_three_buyers_and_one_piece() -> None:
    """Of three buyers of the last piece, one gets it, whatever the order of their calls."""
    plays = [Play(flow=hold(id=f"h{number}", amount=1)) for number in range(3)]
    schedules = 0
    for outcome in interleavings(plays, prepare=lambda: shelf_with(1)):
        assert outcome.succeeded == 1
        schedules += 1
    assert schedules > 50


@VIEWS
def test_time_ends_a_hold_once(view: View) -> None:
    """A hold that time may end at any moment is either still promised or free again, never both."""
    plays: list[Play | Pass] = [
        Play(flow=hold(id="new", amount=2)),
        Pass(seconds=61),
        Play(flow=ship(id="h0", amount=2)),
    ]
    seen = set()
    for outcome in interleavings(plays, prepare=lambda: shelf_with(2, 2), view=view):
        got, _, shipped = (not isinstance(answer, Refused) for answer in outcome.answers)
        seen.add((got, shipped))
        with outcome.database.reading("main") as store:
            balance = store.balances([SHELF], outcome.clock())[SHELF]
            old = store.holds(["h0"])["h0"]
        assert got + shipped <= 1
        assert balance.posted == (0 if shipped else 2)
        assert old.settled + old.released + old.expired + old.left == 2
        host_of(outcome)
    assert seen == {(True, False), (False, True), (False, False)}


@VIEWS
@FAULTS
def test_a_hold_ends_once(view: View, faults: int) -> None:
    """A hold that is shipped and cancelled at once is one of the two, and nothing is counted twice."""
    plays = [Play(flow=ship(id="h0", amount=3), command="c0"), Play(flow=cancel(id="h0"), command="c1")]
    ends = set()
    for outcome in interleavings(plays, prepare=lambda: shelf_with(5, 3), view=view, faults=faults):
        assert outcome.succeeded == 1, outcome
        with outcome.database.reading("main") as store:
            ended = store.holds(["h0"])["h0"]
            posted = store.balances([SHELF], NOON)[SHELF].posted
        ends.add(ended.state)
        assert (ended.settled, ended.released) in {(3, 0), (0, 3)}
        assert posted == 5 - ended.settled
        host_of(outcome)
    assert ends == {HoldState.SETTLED, HoldState.VOIDED}


@VIEWS
def test_a_count_is_never_refused(view: View) -> None:
    """A count lands whatever is being promised; where too much was promised, the account says so."""
    plays = [Play(flow=count(found=1)), Play(flow=hold(id="h0", amount=3))]
    seen = set()
    for outcome in interleavings(plays, prepare=lambda: shelf_with(4), view=view):
        assert outcome.answers[0] == -3
        promised = outcome.answers[1] == "h0"
        with outcome.database.reading("main") as store:
            balance = store.balances([SHELF], NOON)[SHELF]
        assert (balance.posted, balance.overcommitted) == (1, promised)
        seen.add(promised)
        host_of(outcome)
    assert seen == {True, False}


@VIEWS
@FAULTS
def test_an_order_is_taken_in_once(view: View, faults: int) -> None:
    """An order that arrives twice at once becomes one order, and takes its goods once."""
    plays = [Play(flow=take_in(external="A-1")), Play(flow=take_in(external="A-1"))]
    for outcome in interleavings(plays, prepare=lambda: shelf_with(5), view=view, faults=faults):
        assert outcome.answers[0] == outcome.answers[1]
        assert host_of(outcome).run(free()) == 4
        with outcome.database.reading("main") as store:
            assert store.balances([SUPPLIER], NOON)[SUPPLIER].posted == -5


def test_without_a_key_a_lost_answer_doubles() -> None:
    """A command sent without a key and again after a lost answer happens twice: that is what keys are for."""
    for command, sold in ((None, {1, 2}), ("c0", {1})):
        play = Play(flow=count_out(), command=command)
        left = {
            host_of(outcome).run(free()) for outcome in interleavings([play], prepare=lambda: shelf_with(5), faults=1)
        }
        assert {5 - rest for rest in left} == sold


@flow("world.look_often")
async def look_often(given: Given, *, times: int) -> int:
    """Read several times, then write nothing."""
    for _ in range(times):
        await balances([SHELF])
    return times


def test_every_schedule_is_tried_once() -> None:
    """Two flows of six calls each have 924 schedules, each of which is played once."""
    plays = [Play(flow=look_often(times=6)), Play(flow=look_often(times=6))]
    schedules = [outcome.schedule for outcome in interleavings(plays, prepare=Weak)]
    assert len(schedules) == len(set(schedules)) == 924


def test_too_many_schedules_are_refused() -> None:
    """All is never some: where there are too many schedules, the simulator says so."""
    plays = [Play(flow=look_often(times=6)), Play(flow=look_often(times=6))]
    with pytest.raises(AssertionError, match="more than 10 schedules"):
        list(interleavings(plays, prepare=Weak, most=10))


def test_unfinished_flows_are_closed() -> None:
    """A simulation that is given up leaves no flow half-way."""
    closed = []

    @flow("world.watched")
    async def watched(given: Given) -> None:
        try:
            await balances([SHELF])
        finally:
            closed.append(given.at)

    def give_up(options: object) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate([Play(flow=watched()), Play(flow=watched())], database=Weak(), choose=give_up)
    assert closed == [NOON, NOON]


def test_a_hopeless_race_ends() -> None:
    """A flow that loses every race is given up after the driver's number of tries."""
    database = shelf_with(1)

    @flow("world.hopeless")
    async def hopeless(given: Given) -> None:
        await write(Writes(moves=(Void(hold="unknown"),)))

    outcome = simulate([Play(flow=hopeless())], database=database, choose=lambda options: 0)
    assert str(outcome.answers[0]) == "conflict on hold unknown"
    assert outcome.succeeded == 0


def test_a_broken_guard_is_seen() -> None:
    """The laws can fail: on a store whose guard is forgotten, two buyers get the last piece."""
    plays = [Play(flow=blind_hold(id="a")), Play(flow=blind_hold(id="b"))]
    outcomes: Iterator[Outcome] = interleavings(plays, prepare=lambda: shelf_with(1))
    with closing(outcomes):  # type: ignore[type-var] # a generator, which can be closed
        assert any(outcome.succeeded == 2 for outcome in outcomes)


def test_races_hold_under_every_schedule(deep: bool) -> None:  # noqa: FBT001 - a fixture
    """Whoever meets at a shelf, in any order, is right; a missing guard and a missing key are found."""
    found = interleaving_figure(races=RACES if deep else RACES[:2], lossy=deep)
    assert found.ok, found
    assert int(found.facts["schedules"]) > 50
