"""Is nothing of a checkout kept that did not come to an order, and nothing taken from an order that stands?"""

import pytest

from omnicore.payments import TenderMethod, UnknownPayment, amounts_of
from omnicore.scenarios.checkout import NotPaid, confirm, place, reserve
from omnicore.scenarios.letting_go import give_back, let_go
from omnicore.testing.shop import unit
from tests.scenarios.story import Story, card, cart, order_id, tender, yen

SHIRTS = cart({"SHIRT-WHT-M": 2})
ORDER = order_id(SHIRTS)


@pytest.mark.parametrize("method", [TenderMethod.CARD, TenderMethod.CASH])
def test_an_order_that_stands_keeps_everything(method: TenderMethod) -> None:
    """Giving up what has become an order in the meantime changes nothing."""
    story = Story()
    quoted = story.quoted(SHIRTS)
    story.checked_out(quoted, tender(quoted.gross, method))
    before = story.fingerprint()
    assert story.host.run(let_go(order=ORDER)) == ()
    assert story.host.run(give_back(order=ORDER)) == ()
    assert story.fingerprint() == before


def test_what_is_given_up_cannot_be_placed() -> None:
    """Once money is on its way back, the order is not placed on it, though the provider has not answered yet."""
    story = Story()
    quoted = story.quoted(SHIRTS)
    tenders = (tender(quoted.gross, TenderMethod.CASH),)
    story.host.run(reserve(quote=quoted.quote, shown=quoted.gross, tenders=tenders, hold_minutes=30))
    assert story.host.run(let_go(order=ORDER)) == (), "cash is given back, not cancelled"
    story.host.run(give_back(order=ORDER))
    assert story.host.run(let_go(order=ORDER)) == (), "twice is once"
    assert story.host.run(give_back(order=ORDER)) == ()
    assert amounts_of(story.payment(ORDER)).refunded == quoted.gross
    with pytest.raises(NotPaid):
        story.host.run(place(quote=quoted.quote))
    with pytest.raises(NotPaid):
        story.host.run(confirm(quote=quoted.quote))
    assert story.held(ORDER) == {}
    story.sound()


def test_what_was_never_begun_cannot_be_given_up() -> None:
    """Where nothing was reserved there is nothing to give up, and that is said."""
    story = Story()
    for flow in (let_go(order=ORDER), give_back(order=ORDER)):
        with pytest.raises(UnknownPayment):
            story.host.run(flow)


def test_the_goods_are_free_at_once() -> None:
    """What a checkout held can be promised to others as soon as it is given up."""
    story = Story()
    quoted = story.quoted(SHIRTS)
    before = story.free("SHIRT-WHT-M")
    story.host.run(reserve(quote=quoted.quote, shown=quoted.gross, tenders=(card(quoted.gross),), hold_minutes=30))
    assert story.free("SHIRT-WHT-M") == {unit("SHIRT-WHT-M"): before[unit("SHIRT-WHT-M")] - 2}
    (request,) = story.host.run(let_go(order=ORDER))
    assert request.amount == quoted.gross != yen(0)
    assert story.free("SHIRT-WHT-M") == before
