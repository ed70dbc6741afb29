import pytest
from attrs import evolve

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.errors import Conflict
from omnicore.kernel.flow import Given, flow, write
from omnicore.kernel.ids import LineId, OrderId, ReturnId
from omnicore.kernel.money import Money
from omnicore.kernel.records import Stored
from omnicore.returns import (
    RETURN_BOOKS,
    Approval,
    Purchase,
    PurchaseLine,
    RequestedLine,
    ReturnBook,
    ReturnPolicy,
    ReturnRequest,
    ReturnState,
    TooManyReturned,
    UnknownReturn,
    approve_return,
    ask_for_return,
    call_off_return,
    deny_return,
    request_return,
    returns_of,
)
from omnicore.testing.clock import NOON, Clock

ORDER = OrderId("O1")
PURCHASE = Purchase(
    order=ORDER,
    placed=NOON,
    zone="Asia/Tokyo",
    lines=(PurchaseLine(line=LineId("L1"), bought=1, shipped=1, paid=Money(500, "JPY")),),
    shipping=Money(0, "JPY"),
)
WISH = ReturnRequest(lines=(RequestedLine(line=LineId("L1"), units=1),))
PLAIN = ReturnPolicy(version="v1")
STAFFED = ReturnPolicy(version="v1", approval=Approval.BY_STAFF)


def ask(host: Host, name: str, policy: ReturnPolicy = PLAIN) -> None:
    """Ask for the one unit back."""
    host.run(ask_for_return(return_id=ReturnId(name), request=WISH, purchase=PURCHASE, policy=policy))


def states(host: Host) -> list[ReturnState]:
    """Say how far the lines have come."""
    return [line.state for each in host.run(returns_of(order=ORDER)).returns for line in each.lines]


@flow("test.returns.ask_as_read")
async def ask_as_read(given: Given, *, name: ReturnId, version: int) -> None:
    """Ask on the strength of an earlier reading."""
    empty = Stored(value=ReturnBook(order=ORDER), version=version, kind=RETURN_BOOKS)
    await write(
        request_return(
            empty if version else None, return_id=name, request=WISH, purchase=PURCHASE, policy=PLAIN, at=given.at
        )
    )


@pytest.mark.parametrize("version", [0, 1])
def test_two_clerks_cannot_take_the_same_unit(version: int) -> None:
    """Two clerks who both saw the unit still out: the books take one return and send the other clerk back to look."""
    host = Host(Memory(), clock=Clock())
    if version:
        ask(host, "R0", STAFFED)
        host.run(deny_return(return_id=ReturnId("R0")))
        version += 1
    host.run(ask_as_read(name=ReturnId("R1"), version=version))
    with pytest.raises(Conflict):
        host.run(ask_as_read(name=ReturnId("R2"), version=version))
    with pytest.raises(TooManyReturned):
        ask(host, "R3")
    assert states(host).count(ReturnState.APPROVED) == 1


def test_a_return_is_found_by_its_own_id() -> None:
    """Staff approve, deny and call off a return by its number alone."""
    host = Host(Memory(), clock=Clock())
    ask(host, "R1", STAFFED)
    host.run(approve_return(return_id=ReturnId("R1"), purchase=PURCHASE))
    assert states(host) == [ReturnState.APPROVED]
    host.run(call_off_return(return_id=ReturnId("R1")))
    ask(host, "R2", STAFFED)
    host.run(deny_return(return_id=ReturnId("R2")))
    assert states(host) == [ReturnState.CANCELLED, ReturnState.DENIED]
    assert host.verify().differences == ()
    with pytest.raises(UnknownReturn):
        host.run(deny_return(return_id=ReturnId("R9")))


def test_an_order_without_returns_has_an_empty_book() -> None:
    """Asking for the returns of an order that has none is no error."""
    assert Host(Memory()).run(returns_of(order=ORDER)).returns == ()


def test_the_same_request_twice_is_one_return() -> None:
    """A request sent again with the same command key makes no second return."""
    host = Host(Memory(), clock=Clock())
    asked = ask_for_return(return_id=ReturnId("R1"), request=WISH, purchase=PURCHASE, policy=PLAIN)
    assert host.run(asked, command="web-1") == host.run(asked, command="web-1") == "R1"
    assert states(host) == [ReturnState.APPROVED]


def test_a_return_number_is_given_once() -> None:
    """Two orders cannot have a return of the same number."""
    host = Host(Memory(), clock=Clock())
    ask(host, "R1")
    other = evolve(PURCHASE, order=OrderId("O2"))
    with pytest.raises(Conflict):
        host.run(ask_for_return(return_id=ReturnId("R1"), request=WISH, purchase=other, policy=PLAIN))
