"""What do buyers, marketplaces and payment providers do, in any order, with second thoughts and lost answers?"""

from omnicore.kernel.errors import Conflict
from omnicore.kernel.ids import CartId, LineId, OrderId, VariantId
from omnicore.kernel.money import Money
from omnicore.kernel.personal import Personal
from omnicore.ordering import Cart, CartLine, order_of_cart, order_of_channel, read_orders
from omnicore.parties import NO_DETAILS, Details, IdentityKind, Seen, Teller, ToldIdentity
from omnicore.payments import (
    Authorised,
    Captured,
    Declined,
    Step,
    Tender,
    TenderId,
    TenderMethod,
    TransactionState,
    payment_of,
    take_answer,
)
from omnicore.scenarios.bopis import PICKUP, pickup_at
from omnicore.scenarios.buyer import tell_buyer
from omnicore.scenarios.checkout import Placed, Waiting, checkout, confirm
from omnicore.scenarios.order_import import ToldLine, ToldOrder, import_orders
from omnicore.scenarios.promise_again import promise_again
from omnicore.scenarios.quote import quote
from omnicore.testing.payments import Behaviour
from omnicore.testing.shop import KYOTO, MARKET, SHIBUYA, WEB, prices
from omnicore.testing.world.auditor import CANARY
from omnicore.testing.world.people import email_of
from omnicore.testing.world.stage import HOLD_MINUTES, PROVIDER, Basket, Stage

_YEN = prices()
_AT_MOST = 40


def fill_a_cart(stage: Stage) -> None:
    """Ask for a quote, to be sent, collected or both; most go on to pay at once."""
    cart_id = CartId(f"cart-{stage.number()}")
    group = PICKUP if stage.chance(0.35) else None
    items = stage.basket(most=3)
    cart = Cart(
        id=cart_id,
        channel=WEB,
        lines=tuple(
            CartLine(
                id=LineId(f"L{place}"),
                variant=variant,
                quantity=count,
                group=group if place == 0 or stage.chance(0.7) else None,
            )
            for place, (variant, count) in enumerate(items.items())
        ),
        groups=(pickup_at(stage.dice.choice((SHIBUYA, KYOTO))),) if group else (),
    )
    if stage.chance(0.3):
        told = tell_buyer(cart=cart_id, name=Personal(f"{CANARY} {cart_id}"), email=Personal(email_of(stage)))
        if (customer := stage.run(told, key=stage.chance(0.5))) is not None:
            stage.customers = [*stage.customers[-_AT_MOST:], customer]
    shipping = Money(550, "JPY") if stage.chance(0.5) else None
    offered = stage.run(quote(cart=cart, shipping=shipping), key=stage.chance(0.3))
    if offered is None:
        return
    order = order_of_cart(cart_id)
    stage.note_lines(order, {line.id: (line.variant, line.quantity) for line in cart.lines})
    basket = Basket(cart=cart, order=order, quote=offered.quote, gross=offered.gross)
    if stage.chance(0.9):
        pay(stage, basket)
    else:
        stage.quoted.append(basket)


def come_back_to_a_cart(stage: Stage) -> None:
    """Pay for a quote of some time ago, or try a payment that waits once more."""
    baskets = stage.quoted if stage.chance(0.7) else stage.waiting
    if baskets:
        pay(stage, baskets.pop(stage.dice.randrange(len(baskets))))


def _tenders(stage: Stage, basket: Basket) -> tuple[Tender, ...]:
    def by(method: TenderMethod, minor: int, name: str) -> Tender:
        amount = Money(minor, basket.gross.currency)
        return Tender(id=TenderId(name), method=method, amount=amount, provider=PROVIDER)

    gross = basket.gross.minor
    name = f"card{basket.tries}"
    if stage.chance(0.75):
        return (by(TenderMethod.CARD, gross, name),)
    first = stage.dice.randint(1, gross - 1)
    return (by(TenderMethod.QR, first, f"qr{basket.tries}"), by(TenderMethod.CARD, gross - first, name))


def pay(stage: Stage, basket: Basket) -> None:
    """Check out, while the provider does this or that."""
    if stage.chance(0.3):
        stage.provider.will(stage.dice.choice(tuple(Behaviour)))
    shown = basket.gross if stage.chance(0.97) else basket.gross + Money(1, basket.gross.currency)
    basket.tries += 1
    asked = checkout(quote=basket.quote, shown=shown, tenders=_tenders(stage, basket), hold_minutes=HOLD_MINUTES)
    key = f"pay-{basket.order}-{basket.tries}"
    try:
        answer = stage.carry_on(asked, key=key)
    except Conflict:
        stage.unsure.append(basket)
        return
    _answered(stage, basket, answer)


def _answered(stage: Stage, basket: Basket, answer: Placed | Waiting | None) -> None:
    match answer:
        case Placed():
            stage.auditor.orders.told_gross[answer.order] = answer.gross.minor
            stage.placed.append(answer.order)
        case Waiting():
            stage.waiting.append(basket)
        case None:
            if stage.chance(0.2):
                stage.quoted.append(basket)


def wonder(stage: Stage) -> None:
    """See what became of a checkout that got no answer."""
    if not stage.unsure:
        return
    basket = stage.unsure.pop(stage.dice.randrange(len(stage.unsure)))
    found = stage.ask(read_orders(orders=(basket.order,)))
    if found:
        stage.placed.append(basket.order)
    elif stage.chance(0.5):
        stage.unsure.append(basket)
    else:
        stage.waiting.append(basket)


def act(stage: Stage) -> None:
    """Do what the provider asked of a buyer, or not; then have the order placed."""
    if not stage.waiting:
        return
    basket = stage.waiting.pop(stage.dice.randrange(len(stage.waiting)))
    if stage.chance(0.8):
        hear_of_payment(stage, basket)
    basket.tries += 1
    try:
        answer = stage.carry_on(confirm(quote=basket.quote), key=f"confirm-{basket.order}-{basket.tries}")
    except Conflict:
        stage.unsure.append(basket)
        return
    _answered(stage, basket, answer)


def hear_of_payment(stage: Stage, basket: Basket) -> None:
    """Let the provider's messages come: each waiting step has succeeded, seldom not, now and then told twice."""
    payment = stage.run(payment_of(order=basket.order))
    if payment is None:
        return
    for each in payment.transactions:
        if each.state is not TransactionState.ACTION_NEEDED or each.reference is None:
            continue
        told: Authorised | Captured | Declined = Authorised(reference=each.reference, at=stage.at)
        if each.step is Step.CAPTURE:
            told = Captured(reference=each.reference, at=stage.at)
        if stage.chance(0.1):
            told = Declined(reference=each.reference, at=stage.at, reason="gave_up")
        for _ in range(stage.dice.choice((1, 1, 2))):
            stage.run(take_answer(order=basket.order, transaction=each.id, answer=told))
        if isinstance(told, Captured):
            stage.auditor.orders.by_message.add((basket.order, each.id))


def be_imported(stage: Stage) -> None:
    """Take a channel's orders over: new ones, old ones again, newer revisions."""
    orders = {told.external_id: told for told in (_fresh(stage) for _ in range(stage.dice.randint(0, 3)))}
    for told in stage.dice.sample(stage.imported, min(len(stage.imported), 2)):
        orders.setdefault(told.external_id, _revised(stage, told) if stage.chance(0.3) else told)
    if not orders:
        return
    for told in orders.values():
        order = order_of_channel(MARKET, told.external_id)
        lines = {line.id: (str(line.variant), line.units) for line in told.lines}
        stage.note_lines(order, lines, revision=told.revision)
    taken = stage.run(import_orders(channel=MARKET, orders=tuple(orders.values())), key=stage.chance(0.5))
    if taken is None:
        return
    for name, told in orders.items():
        if taken.orders[name] not in stage.placed[-_AT_MOST:]:
            stage.placed.append(taken.orders[name])
        stage.imported = [each for each in stage.imported[-_AT_MOST:] if each.external_id != name] + [told]
    stage.auditor.changing.update(taken.revised)
    for order in taken.revised:
        _promised_again(stage, order)
    stage.short = [*stage.short, *taken.short]


def be_promised_at_last(stage: Stage) -> None:
    """Try again to promise an order that came short."""
    if stage.short:
        _promised_again(stage, stage.short.pop(stage.dice.randrange(len(stage.short))))


def _promised_again(stage: Stage, order: OrderId) -> None:
    again = stage.run(promise_again(channel=MARKET, orders=(order,)), key=stage.chance(0.3))
    if again is not None:
        stage.auditor.changing.difference_update(again.promised)
        stage.short = [*stage.short[-_AT_MOST:], *again.short]


def _fresh(stage: Stage) -> ToldOrder:
    number = stage.number()
    buyer = ToldIdentity(
        kind=IdentityKind.MARKETPLACE_BUYER,
        value=Personal(f"{CANARY}-{stage.dice.randint(1, 30)}"),
        realm=MARKET,
    )
    details = Details(name=Personal(f"{CANARY} {number}")) if stage.chance(0.5) else NO_DETAILS
    return ToldOrder(
        external_id=f"M-{number}",
        placed_at=stage.at,
        lines=tuple(
            _told(place, variant, units) for place, (variant, units) in enumerate(stage.basket(most=2).items())
        ),
        seen=Seen(told_at=stage.at, by=Teller.CHANNEL, basis=f"M-{number}", identities=(buyer,), details=details),
    )


def _told(place: int, variant: VariantId, units: int) -> ToldLine:
    yen = _YEN[variant]
    return ToldLine(id=LineId(f"M{place}"), variant=variant, units=units, unit_price=yen, total=yen * units)


def _revised(stage: Stage, told: ToldOrder) -> ToldOrder:
    """Give a newer version: of its first line a unit more or less, or the same for a yen more or less."""
    first, *others = told.lines
    units = max(1, first.units + stage.dice.choice((-1, 0, 0, 1)))
    total = max(1, first.unit_price * units + stage.dice.choice((-1, 0, 1)))
    changed = ToldLine(id=first.id, variant=first.variant, units=units, unit_price=first.unit_price, total=total)
    return ToldOrder(
        external_id=told.external_id,
        revision=told.revision + 1,
        placed_at=told.placed_at,
        lines=(changed, *others),
        seen=told.seen,
    )
