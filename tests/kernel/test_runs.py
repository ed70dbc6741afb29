"""Does the record of a process say how it stands?"""

from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import SYSTEM, Given, flow, write
from omnicore.kernel.machine import IllegalMove
from omnicore.kernel.records import Document
from omnicore.kernel.runs import RUN, RUNS, Diverged, Refusal, RunMove, RunState, begin, starting
from omnicore.kernel.store import Writes
from omnicore.testing import Clock, Ids
from omnicore.testing.bench import NOTES, Note
from omnicore.testing.clock import NOON
from omnicore.testing.kit_shop import FakeTill, checkout, deposit

FACTS = st.dictionaries(
    st.sampled_from(("sku", "available", "why")),
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.lists(st.text(max_size=2)).map(tuple),
)


@given(st.sampled_from(RunState), st.sampled_from(RunMove))
def test_a_run_moves_as_its_table_says(state: RunState, move: RunMove) -> None:
    """A run that has ended stays so; only a stuck one is put back to work."""
    legal = {
        (RunState.RUNNING, RunMove.FINISH): RunState.DONE,
        (RunState.RUNNING, RunMove.REFUSE): RunState.REFUSED,
        (RunState.RUNNING, RunMove.STOP): RunState.STUCK,
        (RunState.STUCK, RunMove.RETRY): RunState.RUNNING,
    }
    try:
        assert RUN.move(state, move) == legal[state, move]
    except IllegalMove:
        assert (state, move) not in legal


@given(st.text(max_size=9), FACTS)
def test_a_recorded_refusal_comes_back(
    message: str, facts: dict[str, str | int | bool | None | tuple[str, ...]]
) -> None:
    """A refusal that was recorded is raised again with its class, message and facts."""
    for kind in (Refused, Diverged):
        refused = Refusal.of(kind(message, **facts)).rebuild()
        assert type(refused) is kind
        assert refused.facts == facts
        assert refused.problem() == kind(message, **facts).problem()


def test_a_run_is_an_ordinary_document() -> None:
    """A run is stored, read back and found by when it is due."""
    run = begin(deposit(order="o", price=5), id="r1", at=NOON, actor=SYSTEM, purpose=None, due=NOON.plus(seconds=9))
    put = RUNS.put(run)
    document = Document(kind=RUNS.name, key=put.key, version=1, schema=put.schema, body=put.body)
    assert RUNS.read(document).value == run
    assert run.id == "testing.deposit/r1"
    assert run.raised() is None
    refused = run.moved(RunMove.REFUSE, refusal=Refusal.of(Refused("no", n=1)))
    assert isinstance(refused.raised(), Refused)


@flow("test_runs.order_and_start")
async def order_and_start(given: Given, *, refuse: str) -> str:
    """Write a note, and start a process with it."""
    put = starting(checkout(order="o1", amount=1, price=5), id=given.new_id(), at=given.at, actor=given.actor)
    await write(Writes(changes=(NOTES.put(Note(key="n")), put)))
    if refuse:
        raise Refused(refuse)
    return put.key


def test_a_process_starts_with_the_write_it_is_part_of() -> None:
    """A process started by a flow runs if and only if what the flow wrote is there."""
    host = Host(Memory(), clock=Clock(), new_id=Ids(), providers=[FakeTill()])
    try:
        host.run(order_and_start(refuse="no"))
    except Refused:
        assert host.work().resumed == ()
    run = host.run(order_and_start(refuse=""))
    assert host.work().resumed == (run,)
    found = host.look(run)
    assert found is not None
    assert found.state is RunState.REFUSED
