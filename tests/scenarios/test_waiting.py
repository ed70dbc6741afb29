"""Laws of checkouts that wait for their buyer, and end by themselves."""

import pytest

from omnicore.ordering import order_of_cart
from omnicore.payments import Authorised, PaymentStatus, amounts_of, payment_status, take_answer
from omnicore.scenarios.checkout import Placed, Waiting
from omnicore.scenarios.placing import NotPaid
from omnicore.scenarios.quote import Quoted
from omnicore.scenarios.waiting import confirm
from omnicore.testing.clock import NOON
from omnicore.testing.payments import Behaviour
from tests.scenarios.story import Story, cart

WANTED = cart({"UMB-BEI": 2})
ORDER = order_of_cart(WANTED.id)


def begun() -> tuple[Story, Quoted, Waiting]:
    """Check out by a card whose holder must act first."""
    story = Story()
    story.provider.will(Behaviour.NEED_ACTION)
    quoted = story.quoted(WANTED)
    answer = story.checked_out(quoted)
    assert isinstance(answer, Waiting)
    return story, quoted, answer


def acted(story: Story, answer: Waiting) -> None:
    """Let the provider tell that the holder has acted."""
    said = Authorised(reference="ref-1", at=NOON)
    story.host.run(take_answer(order=answer.order, transaction=answer.transaction, answer=said))


def test_a_buyer_who_never_comes_back_costs_nothing() -> None:
    """When the hold ends and nothing was paid, goods and money are free and the cart can be bought again."""
    story, _, _ = begun()
    before = Story().free()
    story.clock.advance(minutes=29)
    story.host.work()
    assert story.free() == before
    assert story.order(ORDER) is None
    again = story.checked_out(story.quoted(WANTED), command="again")
    assert isinstance(again, Placed)
    assert story.host.stuck() == ()


def test_a_buyer_who_paid_and_closed_the_window_has_an_order() -> None:
    """Paid for but never confirmed, the order is placed before its goods are given to others."""
    story, _, answer = begun()
    acted(story, answer)
    story.clock.advance(minutes=29)
    story.host.work()
    assert story.order(ORDER) is not None
    assert payment_status(amounts_of(story.payment(ORDER))) is PaymentStatus.AUTHORISED
    assert story.host.stuck() == ()


def test_a_confirmed_order_is_left_alone() -> None:
    """Once confirmed, the end of the wait changes nothing."""
    story, quoted, answer = begun()
    acted(story, answer)
    assert isinstance(story.host.run(confirm(quote=quoted.quote)), Placed)
    order, payment = story.order(ORDER), story.payment(ORDER)
    story.clock.advance(minutes=29)
    story.host.work()
    assert (story.order(ORDER), story.payment(ORDER)) == (order, payment)


def test_nothing_is_confirmed_before_it_is_paid() -> None:
    """As long as the buyer has not acted, confirming is refused and changes nothing."""
    story, quoted, _ = begun()
    held = story.free()
    with pytest.raises(NotPaid):
        story.host.run(confirm(quote=quoted.quote))
    assert story.free() == held
