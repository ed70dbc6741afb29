"""Is a process declared once, and may it await only steps and calls?"""

from collections.abc import Iterator

import pytest

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel import flow as flows
from omnicore.kernel import process as declared
from omnicore.kernel.flow import Given, balances, flow
from omnicore.kernel.process import Call, Process, Step, call, process, processes, step
from omnicore.testing import Clock, Ids
from omnicore.testing.bench import SHELF
from omnicore.testing.kit_shop import FakeTill, Till


@pytest.fixture(autouse=True)
def _forget_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each test declare flows and processes of its own."""
    monkeypatch.setattr(flows, "_NAMES", set(flows._NAMES))
    monkeypatch.setattr(declared, "_PROCESSES", dict(declared._PROCESSES))
    return iter([None])


@pytest.fixture
def host() -> Host:
    """Open an empty shop with a till."""
    return Host(Memory(), clock=Clock(), new_id=Ids(), providers=[FakeTill()])


def test_processes_are_declared_by_name_and_version() -> None:
    """Two versions of a process stand side by side; the same version twice fails at import."""

    async def body(given: Given) -> None:
        """Do nothing."""

    made = process("test.p")(body)()
    process("test.p", version=2)(body)
    assert isinstance(made, Process)
    assert {("test.p", 1), ("test.p", 2)} <= set(processes())
    with pytest.raises(AssertionError, match="two flows"):
        process("test.p", version=2)(body)


def test_a_process_awaits_only_steps_and_calls(host: Host) -> None:
    """A process that reads by itself is a bug: only a step has a transaction."""

    @process("test.reads")
    async def reads(given: Given) -> None:
        await balances([SHELF])

    with pytest.raises(AssertionError, match="only await step and call"):
        host.run(reads())


def test_names_in_a_process_are_used_once(host: Host) -> None:
    """Two calls of one name would share a provider's key, so the second is a bug."""

    @process("test.twice")
    async def twice(given: Given) -> None:
        await call("charge", Till.charge, 1)
        await call("charge", Till.charge, 2)

    with pytest.raises(AssertionError, match="charge twice"):
        host.run(twice())


def test_a_step_and_a_call_say_what_they_want() -> None:
    """A process hands over what is to be done, under a name, and does nothing itself."""

    @flow("test.nothing")
    async def nothing(given: Given) -> None:
        """Do nothing."""

    wanted = step("one", nothing()).send(None)
    assert isinstance(wanted, Step)
    assert (wanted.name, wanted.flow.definition.name) == ("one", "test.nothing")
    asked = call("two", Till.charge, 5).send(None)
    assert isinstance(asked, Call)
    assert (asked.name, asked.args, dict(asked.kwargs)) == ("two", (5,), {})


def test_ids_of_a_process_are_the_same_in_every_try(host: Host) -> None:
    """A process that is run again gets the same ids and the same instant, and keys that come from its own id."""
    seen = []

    @process("test.ids")
    async def ids(given: Given, *, n: int) -> str:
        seen.append((given.new_id(), given.new_id(), given.at))
        return await call("charge", Till.charge, n)

    assert host.run(ids(n=1), command="c1") == "paid test.ids/c1/charge"
    assert host.run(ids(n=1), command="c1") == "paid test.ids/c1/charge"
    assert len(set(seen)) == 1
    assert seen[0][:2] == ("test.ids/c1/1", "test.ids/c1/2")
