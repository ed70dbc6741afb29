"""Do relays, followers and the inbox refuse what is set up badly, and leave alone what is not there?"""

import pytest

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, flow
from omnicore.kernel.inbox import Message, forget_received
from omnicore.kernel.journal import Envelope
from omnicore.kernel.parked import Consumer, Handled, list_parked, receive, retry_parked
from omnicore.kernel.relay import Progress, check_reader, try_again
from omnicore.kernel.time import Instant

NOON = Instant.parse("2026-01-05T03:00:00Z")


@flow("test_telling.ignore")
async def ignore(given: Given, *, message: Message) -> None:
    """Do nothing about a message."""


ERP = Consumer(name="erp", handler=ignore)


def event(position: int, type: str) -> Envelope:
    """Make a numbered event."""
    return Envelope(
        id=f"e{position}", type=type, about="a", at=NOON, by="x", command=None, data="{}", position=position, chain="c"
    )


@pytest.mark.parametrize(("types", "batch"), [(["order"], 1), (("",), 1), ((1,), 1), ((), 0), ((), True), ((), 10**6)])
def test_a_reader_set_up_badly_is_malformed(types: tuple[str, ...], batch: int) -> None:
    """Types that are no beginnings of names, and batches of no size, are refused when a reader is set up."""
    with pytest.raises(Malformed):
        check_reader("out", types, batch)
    check_reader("out", ("order",), 1)


def test_after_a_failure_one_wanted_event_is_tried_at_a_time() -> None:
    """Behind a failure a page ends with the first event that is wanted, and is whole where none is, or all is well."""
    page = (event(1, "stock.moved.v1"), event(2, "order.placed.v1"), event(3, "order.placed.v1"))
    failed = Progress(name="out", alone=3)
    assert failed.page(page, ("order",)) == page[:2]
    assert failed.page(page, ("parties",)) == page
    assert Progress(name="out").page(page, ("order",)) == page


def test_nothing_is_done_about_what_is_not_there() -> None:
    """Trying an unknown relay again, and forgetting where nothing was received, changes nothing."""
    shop = Host(Memory())
    shop.run(try_again(name="nobody"))
    assert shop.run(forget_received(until=NOON, limit=10)) == 0
    shop.work()
    assert list(shop.journal()) == []
    assert shop.verify().documents == 0


def test_a_body_no_json_can_say_is_malformed() -> None:
    """A message made in the program itself, of what JSON has no word for, is refused with the place of it."""
    told = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": {"when": {1, 2}}}
    with pytest.raises(Malformed, match="JSON") as bad:
        Message.of(told)
    assert bad.value.path == "$.data"


def test_what_cannot_be_read_stays_parked_when_it_is_tried_again() -> None:
    """A message that nobody can read is parked; tried again, it is parked still, with one more try."""
    shop = Host(Memory())
    assert shop.run(receive(ERP, "no JSON at all")) is Handled.PARKED
    (parked,) = shop.run(list_parked(consumer="erp"))
    assert shop.run(retry_parked(ERP, parked.key)) is Handled.PARKED
    (again,) = shop.run(list_parked(consumer="erp"))
    assert (again.key, again.reason, again.attempts) == (parked.key, parked.reason, parked.attempts + 1)
