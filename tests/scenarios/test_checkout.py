"""Is an order paid, promised and on its way, or is nothing of it left?"""

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from omnicore.host import KeyReused
from omnicore.inventory import OutOfStock, sell_at_till
from omnicore.kernel.errors import Conflict, Malformed, Refused
from omnicore.kernel.ids import CartId, OrderId, TransactionId
from omnicore.ordering import AlreadyPlaced, Cart, PriceChanged, QuoteExpired, order_of_cart
from omnicore.payments import (
    Authorise,
    Authorised,
    Cancel,
    Cancelled,
    Capture,
    Captured,
    Declined,
    NeedsAction,
    PaymentDeclined,
    PaymentStatus,
    Refund,
    Refunded,
    Tender,
    TenderMethod,
    TendersDoNotAddUp,
    amounts_of,
    payment_status,
    take_answer,
)
from omnicore.scenarios.checkout import CheckoutUnderWay, NotPaid, Placed, Waiting, checkout, confirm
from omnicore.scenarios.placing import NotReserved
from omnicore.scenarios.quote import Quoted
from omnicore.testing.payments import Behaviour, FakeProvider
from omnicore.testing.shop import DC, KYOTO, SHIBUYA, unit
from omnicore.testing.strategies.scenarios import carts
from tests.scenarios.story import Story, card, cart, order_id, tender, yen

SHIRTS = cart({"SHIRT-WHT-M": 2})
ORDER = order_id(SHIRTS)


def test_an_order_is_paid_promised_and_planned() -> None:
    """A buyer pays by card; two shirts are held without an end and one parcel is planned where they lie."""
    story = Story()
    quoted = story.quoted(SHIRTS, shipping=550)
    assert story.checked_out(quoted) == Placed(order=ORDER, gross=yen(2 * 7900 + 550))
    assert story.held(ORDER) == {("L0", unit("SHIRT-WHT-M")): 2}
    (parcel,) = story.delivery(ORDER).parcels
    assert (parcel.node, [(item.line, item.amount) for item in parcel.items]) == (DC, [("L0", 2)])
    amounts = amounts_of(story.payment(ORDER))
    assert (amounts.due, amounts.authorised, amounts.captured) == (yen(16350), yen(16350), yen(0))
    story.clock.advance(days=400)
    assert story.held(ORDER) == {("L0", unit("SHIRT-WHT-M")): 2}
    story.sound()


@given(carts(), st.integers(1, 99))
def test_order_payment_holds_and_parcels_agree(wanted: Cart, percent: int) -> None:
    """Whatever is bought and however it is split over two cards, order, payment, holds and parcels say the same."""
    story = Story()
    before = story.free()
    quoted = story.quoted(wanted, shipping=500)
    first = yen(quoted.gross.minor * percent // 100)
    assume(0 < first.minor < quoted.gross.minor)
    placed = story.checked_out(quoted, card(first, id="one"), card(quoted.gross - first, id="two"))
    assert isinstance(placed, Placed)
    order = story.the_order(placed.order)
    assert (order.gross, order.lines) == (quoted.gross, order.lines)
    assert amounts_of(story.payment(placed.order)).authorised == order.due == quoted.gross
    held = story.held(placed.order)
    carried: dict[tuple[str, str], int] = {}
    for parcel in story.delivery(placed.order).parcels:
        for item in parcel.items:
            carried[item.line, item.unit] = carried.get((item.line, item.unit), 0) + item.amount
    assert held == carried
    after = story.free()
    for sku in before:
        assert before[sku] - after[sku] == sum(left for (_, each), left in held.items() if each == sku)
    assert sorted(each.request.amount for each in story.provider.exchanges()) == sorted([first, quoted.gross - first])
    story.sound()


# ------------------------------------------------------------------------------------------------------------- declined


@pytest.mark.parametrize(
    ("answers", "tenders"),
    [
        ([Behaviour.DECLINE], (card(yen(15800)),)),
        ([None, Behaviour.DECLINE], (card(yen(5000), id="one"), card(yen(10800), id="two"))),
        ([Behaviour.DECLINE], (card(yen(5000), id="one"), card(yen(10800), id="two"))),
        ([Behaviour.NEED_ACTION, Behaviour.DECLINE], (card(yen(5000), id="one"), card(yen(10800), id="two"))),
        ([Behaviour.NEED_ACTION, Behaviour.DECLINE], (tender(yen(5000), TenderMethod.KONBINI), card(yen(10800)))),
    ],
)
def test_a_declined_card_lets_everything_go(answers: list[Behaviour | None], tenders: tuple[Tender, ...]) -> None:
    """Declined at any tender: nothing stays held or set aside, and another card pays for the same cart."""
    story = Story(provider=Told(answers))
    before = story.free()
    quoted = story.quoted(SHIRTS)
    with pytest.raises(PaymentDeclined):
        story.checked_out(quoted, *tenders)
    assert story.free() == before
    assert story.order(ORDER) is None
    assert amounts_of(story.payment(ORDER)).authorised == yen(0)
    with pytest.raises(PaymentDeclined):
        story.checked_out(quoted, *tenders)
    assert story.checked_out(quoted, card(quoted.gross, id="other"), command="again") == Placed(
        order=ORDER, gross=quoted.gross
    )
    assert amounts_of(story.payment(ORDER)).authorised == quoted.gross
    story.sound()


@pytest.mark.parametrize("method", [TenderMethod.QR, TenderMethod.CASH])
def test_what_was_taken_at_once_goes_back(method: TenderMethod) -> None:
    """Where one part was taken at once and the card for the rest is declined, what was taken goes back whole."""
    story = Story(provider=Told([None, Behaviour.DECLINE] if method is TenderMethod.QR else [Behaviour.DECLINE]))
    before = story.free()
    quoted = story.quoted(SHIRTS)
    with pytest.raises(PaymentDeclined):
        story.checked_out(quoted, tender(yen(5000), method), card(yen(10800)))
    amounts = amounts_of(story.payment(ORDER))
    assert (amounts.captured, amounts.refunded, amounts.authorised) == (yen(5000), yen(5000), yen(0))
    assert payment_status(amounts) is PaymentStatus.REFUNDED
    assert story.provider.taken_minor(ORDER) == 0
    assert story.free() == before
    story.sound()


class Told(FakeProvider):
    """A provider that is told apart what it does with calls for money, and with calls that give it back."""

    def __init__(self, forward: Sequence[Behaviour | None], back: Sequence[Behaviour | None] = ()) -> None:
        super().__init__()
        self._forward, self._backward = list(forward), list(back)

    def _behave(self, key: str, left: list[Behaviour | None]) -> None:
        if self.lookup(key) is None and left and (behaviour := left.pop(0)) is not None:
            self.will(behaviour)

    def authorise(self, key: str, request: Authorise) -> Authorised | Declined | NeedsAction:
        self._behave(key, self._forward)
        return super().authorise(key, request)

    def capture(self, key: str, request: Capture) -> Captured | Declined | NeedsAction:
        self._behave(key, self._forward)
        return super().capture(key, request)

    def refund(self, key: str, request: Refund) -> Refunded | Declined:
        self._behave(key, self._backward)
        return super().refund(key, request)

    def cancel(self, key: str, request: Cancel) -> Cancelled | Declined:
        self._behave(key, self._backward)
        return super().cancel(key, request)


# -------------------------------------------------------------------------------------------------- the buyer must act


def waiting(story: Story) -> Quoted:
    """Begin a checkout for which the buyer must act."""
    quoted = story.quoted(SHIRTS)
    story.provider.will(Behaviour.NEED_ACTION)
    answer = story.checked_out(quoted)
    assert isinstance(answer, Waiting)
    assert (answer.order, answer.until) == (ORDER, story.clock().plus(minutes=30))
    assert answer.url.startswith("https://")
    return quoted


def acted(story: Story) -> None:
    """Let the provider tell that the buyer has acted."""
    answer = Authorised(reference="fake-1", at=story.clock())
    story.host.run(take_answer(order=OrderId(ORDER), transaction=TransactionId("card-authorise"), answer=answer))


def test_a_buyer_who_must_act_is_waited_for() -> None:
    """The goods are held while the buyer acts; before that nothing is placed, and afterwards the order is."""
    story = Story()
    quoted = waiting(story)
    assert story.order(ORDER) is None
    assert story.held(ORDER) == {("L0", unit("SHIRT-WHT-M")): 2}
    with pytest.raises(NotPaid):
        story.host.run(confirm(quote=quoted.quote))
    assert story.held(ORDER) == {("L0", unit("SHIRT-WHT-M")): 2}
    acted(story)
    assert story.host.run(confirm(quote=quoted.quote)) == Placed(order=ORDER, gross=quoted.gross)
    story.sent(ORDER)
    assert story.provider.taken_minor(ORDER) == quoted.gross.minor
    story.sound()


def test_confirming_twice_takes_nothing_away() -> None:
    """A second confirmation is refused, and leaves the order with its goods and its money."""
    story = Story()
    quoted = waiting(story)
    acted(story)
    story.host.run(confirm(quote=quoted.quote))
    with pytest.raises(AlreadyPlaced):
        story.host.run(confirm(quote=quoted.quote))
    assert story.held(ORDER) == {("L0", unit("SHIRT-WHT-M")): 2}
    assert amounts_of(story.payment(ORDER)).authorised == quoted.gross
    story.sound()


def test_goods_held_no_longer_are_promised_afresh() -> None:
    """A buyer who acts after the hold has ended gets the goods all the same, as long as they are there."""
    story = Story()
    quoted = waiting(story)
    story.clock.advance(minutes=29, seconds=59)
    acted(story)
    assert story.host.run(confirm(quote=quoted.quote)) == Placed(order=ORDER, gross=quoted.gross)
    other = Story()
    made = other.quoted(SHIRTS, good_for_minutes=120)
    other.provider.will(Behaviour.NEED_ACTION)
    other.checked_out(made)
    other.clock.advance(minutes=45)
    assert other.held(ORDER) == {("L0", unit("SHIRT-WHT-M")): 2}, "time alone has ended it; nobody has noticed yet"
    acted(other)
    assert other.host.run(confirm(quote=made.quote)) == Placed(order=ORDER, gross=made.gross)
    other.clock.advance(days=1)
    assert other.held(ORDER) == {("L0", unit("SHIRT-WHT-M")): 2}
    other.sound()


def test_goods_that_are_gone_let_the_money_go() -> None:
    """Where others took the goods after the hold had ended, the order is refused and the money set aside is let go."""
    story = Story()
    quoted = story.quoted(SHIRTS, good_for_minutes=120)
    story.provider.will(Behaviour.NEED_ACTION)
    story.checked_out(quoted)
    story.clock.advance(minutes=31)
    for node, left in ((DC, 18), (SHIBUYA, 4), (KYOTO, 3)):
        story.host.run(sell_at_till(node=node, units={unit("SHIRT-WHT-M"): left}))
    acted(story)
    with pytest.raises(OutOfStock):
        story.host.run(confirm(quote=quoted.quote))
    amounts = amounts_of(story.payment(ORDER))
    assert (amounts.authorised, amounts.cancelled) == (yen(0), True)
    assert story.order(ORDER) is None
    assert story.held(ORDER) == {}
    story.sound()


# ---------------------------------------------------------------------------------------------- what is refused at once


def test_an_offer_that_has_ended_is_refused() -> None:
    """A quote cannot be bought after its time; nothing is held and no provider is asked."""
    story = Story()
    quoted = story.quoted(SHIRTS)
    story.clock.set(quoted.expires)
    before = story.fingerprint()[1:3]
    with pytest.raises(QuoteExpired):
        story.checked_out(quoted)
    assert story.fingerprint()[1:3] == before
    assert story.provider.exchanges() == ()


def test_a_price_that_was_not_shown_is_refused() -> None:
    """Who was shown another total is not charged."""
    story = Story()
    quoted = story.quoted(SHIRTS)
    shown = quoted.gross - yen(1)
    with pytest.raises(PriceChanged):
        story.host.run(checkout(quote=quoted.quote, shown=shown, tenders=(card(shown),)))
    with pytest.raises(TendersDoNotAddUp):
        story.checked_out(quoted, card(shown))
    assert story.provider.exchanges() == ()
    assert story.held(ORDER) == {}
    assert isinstance(story.checked_out(quoted, command="right"), Placed)


def test_more_than_there_is_is_refused_whole() -> None:
    """A basket of which one line is short is refused whole, and says what is short."""
    story = Story()
    before = story.free()
    wanted = cart({"SOCKS-GRY": 1, "UMB-NVY": 7})
    with pytest.raises(OutOfStock) as refused:
        story.checked_out(story.quoted(wanted))
    facts = refused.value.facts
    assert (facts["sku"], facts["asked"], facts["available"]) == ("UMB-NVY", 7, 6)
    assert story.free() == before
    assert story.provider.exchanges() == ()


def test_the_same_key_gives_the_same_answer() -> None:
    """A buyer whose answer was lost asks again and gets it; the key for another request is refused."""
    story = Story()
    quoted = story.quoted(SHIRTS)
    answers = [story.checked_out(quoted, command="buy") for _ in range(3)]
    assert answers == [Placed(order=ORDER, gross=quoted.gross)] * 3
    assert [each.times for each in story.provider.exchanges()] == [1]
    with pytest.raises(KeyReused):
        story.checked_out(quoted, card(quoted.gross, id="other"), command="buy")
    story.sound()


def test_another_key_finds_the_order_placed() -> None:
    """A cart becomes one order: another checkout of it is told so, and changes nothing."""
    story = Story()
    quoted = story.quoted(SHIRTS)
    story.checked_out(quoted, command="buy")
    again = story.quoted(SHIRTS)
    before = story.fingerprint()[1:3]
    for offer in (quoted, again):
        with pytest.raises(AlreadyPlaced):
            story.checked_out(offer, command=f"again-{offer.quote}")
    assert story.fingerprint()[1:3] == before
    assert story.held(ORDER) == {("L0", unit("SHIRT-WHT-M")): 2}
    story.sound()


def test_two_checkouts_of_a_cart_do_not_share_its_goods() -> None:
    """While the goods of a cart are held for one checkout, another of the same cart is refused."""
    story = Story()
    quoted = waiting(story)
    with pytest.raises(CheckoutUnderWay):
        story.checked_out(quoted, command="other window")
    assert len(story.provider.exchanges()) == 1


SILENT = (None, Behaviour.LOSE_REQUEST, Behaviour.LOSE_ANSWER)


@given(
    st.lists(st.sampled_from((None, *Behaviour)), max_size=4),
    st.lists(st.sampled_from(SILENT), max_size=3),
    st.integers(1, 3),
)
def test_whatever_the_provider_does_nothing_is_left_between(
    behaviours: list[Behaviour | None], back: list[Behaviour | None], cards: int
) -> None:
    """Yes, no, later, silence: in the end there is an order that is paid for, or nothing is held or taken."""
    story = Story(provider=Told(behaviours, back))
    before = story.free()
    quoted = story.quoted(SHIRTS)
    parts = quoted.gross.minor // cards
    amounts = [yen(parts)] * (cards - 1) + [quoted.gross - yen(parts * (cards - 1))]
    answer: object = None
    for _ in range(10):
        try:
            answer = story.checked_out(quoted, *[card(each, id=f"card-{at}") for at, each in enumerate(amounts)])
            break
        except Refused as refused:
            answer = refused
            break
        except Conflict:  # the provider was silent, or somebody is asking it again
            story.clock.advance(seconds=20)
            story.host.work()
    held = amounts_of(story.payment(ORDER))
    match answer:
        case Placed():
            assert held.authorised == quoted.gross
            assert story.held(ORDER)
        case Waiting():
            assert held.authorised < quoted.gross
        case _:
            assert isinstance(answer, PaymentDeclined)
            assert held.authorised == yen(0)
            assert story.free() == before
            assert story.order(ORDER) is None
    story.sound()


def test_carts_are_orders_of_their_own() -> None:
    """Two buyers of the same goods have an order each."""
    story = Story()
    orders = {story.bought(cart({"SOCKS-GRY": 1}, id=name)) for name in ("a", "b")}
    assert orders == {order_of_cart(CartId("a")), order_of_cart(CartId("b"))}
    story.sound()


def test_what_one_quote_paid_for_no_other_takes() -> None:
    """Of two quotes of a cart, the dearer cannot be confirmed on the cheaper one's money and goods, nor undo it."""
    story = Story()
    cheap, dear = story.quoted(cart({"UMB-BEI": 1})), story.quoted(cart({"POT-KYU-L": 5}))
    assert dear.gross > cheap.gross
    story.provider.will(Behaviour.NEED_ACTION)
    waiting = story.checked_out(cheap)
    assert isinstance(waiting, Waiting)
    said = Authorised(reference="ref-1", at=story.clock())
    story.host.run(take_answer(order=waiting.order, transaction=waiting.transaction, answer=said))
    with pytest.raises(NotReserved):
        story.host.run(confirm(quote=dear.quote))
    assert story.host.run(confirm(quote=cheap.quote)).gross == cheap.gross
    story.sound()


@pytest.mark.parametrize("minutes", [0, -5, True])
def test_goods_are_held_for_a_while(minutes: int) -> None:
    """Goods are held for a minute at least: a checkout whose hold has ended already is malformed."""
    story = Story()
    quoted = story.quoted(SHIRTS)
    by = (card(quoted.gross),)
    with pytest.raises(Malformed):
        story.host.run(checkout(quote=quoted.quote, shown=quoted.gross, tenders=by, hold_minutes=minutes))
