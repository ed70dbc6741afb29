from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import given

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, OrderId, ReturnId
from omnicore.kernel.money import Money
from omnicore.kernel.time import Instant
from omnicore.returns import (
    RETURN_BOOKS,
    Arrival,
    Placement,
    Purchase,
    PurchaseLine,
    RefundAmount,
    RequestedLine,
    ReturnBook,
    ReturnRequest,
)
from omnicore.returns.model import MAX_LINES, MAX_RETURNS, Return
from omnicore.testing.strategies.returns import (
    arrivals,
    placements,
    purchases,
    refund_amounts,
    return_books,
    return_requests,
)

LINE = PurchaseLine(line=LineId("L1"), bought=2, shipped=1, paid=Money(500, "JPY"))
PURCHASE = Purchase(
    order=OrderId("O1"),
    placed=Instant(0),
    zone="Asia/Tokyo",
    lines=(LINE,),
    shipping=Money(0, "JPY"),
)


@given(purchase=purchases(), book=return_books())
def test_purchases_and_books_survive_storage(purchase: Purchase, book: ReturnBook) -> None:
    """What is written about purchases and returns is read back as it was."""
    assert codec.loads(codec.dumps(purchase, as_=Purchase), as_=Purchase) == purchase
    assert codec.loads(codec.dumps(book, as_=ReturnBook), as_=ReturnBook) == book
    assert len(RETURN_BOOKS.rows(book)) == len(book.returns)


@given(request=return_requests(), arrival=arrivals(), placement=placements(), amount=refund_amounts())
def test_what_is_asked_and_answered_survives_storage(
    request: ReturnRequest, arrival: Arrival, placement: Placement, amount: RefundAmount
) -> None:
    """Requests, arrivals, placements and amounts cross a process boundary unchanged."""
    assert codec.loads(codec.dumps(request, as_=ReturnRequest), as_=ReturnRequest) == request
    assert codec.loads(codec.dumps(arrival, as_=Arrival), as_=Arrival) == arrival
    assert codec.loads(codec.dumps(placement, as_=Placement), as_=Placement) == placement
    assert codec.loads(codec.dumps(amount, as_=RefundAmount), as_=RefundAmount) == amount


@given(book=return_books())
def test_a_returned_unit_counts_once(book: ReturnBook) -> None:
    """Units done with are among those that count as returned, and no value is counted twice."""
    lines = {line.line for each in book.returns for line in each.lines}
    for line in lines:
        assert 0 <= book.settled_units(line) <= book.counted_units(line)
    assert sum(book.settled_minor(line=line) for line in lines) == book.settled_minor()


def test_a_return_of_one_id_replaces_itself() -> None:
    """A return that changes takes its own place in the book."""
    one = Return(
        id=ReturnId("R1"),
        policy="v1",
        requested_at=Instant(0),
        authorisation=None,
        lines=(),
        fee=Money(0, "JPY"),
        shipping=Money(0, "JPY"),
    )
    book = ReturnBook(order=OrderId("O1")).with_return(one)
    assert book.with_return(evolve(one, policy="v2")).returns == (evolve(one, policy="v2"),)
    with pytest.raises(Malformed):
        ReturnBook(order=OrderId("O1"), returns=(one,) * (MAX_RETURNS + 1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: evolve(LINE, bought=0),
        lambda: evolve(LINE, bought=True),
        lambda: evolve(LINE, shipped=3),
        lambda: evolve(LINE, shipped=-1),
        lambda: evolve(LINE, paid=Money(-1, "JPY")),
        lambda: evolve(LINE, line=LineId("")),
        lambda: evolve(LINE, categories=frozenset(map(str, range(101)))),
        lambda: evolve(PURCHASE, lines=()),
        lambda: evolve(PURCHASE, lines=(LINE, LINE)),
        lambda: evolve(PURCHASE, lines=(LINE,) * (MAX_LINES + 1)),
        lambda: evolve(PURCHASE, zone="Mars/Olympus"),
        lambda: evolve(PURCHASE, shipping=Money(-1, "JPY")),
        lambda: evolve(PURCHASE, shipping=Money(1, "GBP")),
        lambda: PURCHASE.line(LineId("L9")),
        lambda: RequestedLine(line=LineId("L1"), units=0),
        lambda: RequestedLine(line=LineId("L1"), units=1, reason="Too small!"),
        lambda: ReturnRequest(lines=()),
        lambda: ReturnRequest(lines=(RequestedLine(line=LineId("L1"), units=1),), authorisation=" "),
        lambda: Arrival(line=LineId("L1"), units=-1),
    ],
)
def test_impossible_input_is_refused(make: Callable[[], object]) -> None:
    """What cannot have been bought, asked for or received is refused as bad data, with its place."""
    with pytest.raises(Malformed):
        make()
