"""Which stories of the shop are told while it is killed, and how must each of them end?"""

from collections.abc import Mapping
from typing import Final

from omnicore.fulfilment import Tracking, deliver, delivery, pack
from omnicore.kernel.errors import Conflict, Refused
from omnicore.kernel.ids import CartId, CustomerId, LineId, OrderId, ParcelId, VariantId
from omnicore.kernel.money import Money
from omnicore.kernel.personal import Personal
from omnicore.ordering import Cart, CartLine, Order, QuoteExpired, order_of_cart, order_of_channel, read_orders
from omnicore.parties import Details, IdentityKind, Seen, Teller, ToldIdentity
from omnicore.payments import ProviderName, Tender, TenderId, TenderMethod, amounts_of, payment_of
from omnicore.returns import Condition, RequestedLine, ReturnPolicy, ShippingRefund, WithinDays
from omnicore.scenarios.boris import Returned, return_in_store
from omnicore.scenarios.cancel import cancel
from omnicore.scenarios.checkout import Placed, checkout
from omnicore.scenarios.order_import import Imported, ToldLine, ToldOrder, import_orders
from omnicore.scenarios.quote import Quoted, quote
from omnicore.scenarios.ship_from_store import send
from omnicore.testing.clock import NOON
from omnicore.testing.kills.shop import Shop, differing, less
from omnicore.testing.shop import MARKET, SHIBUYA, WEB, unit

WANTED: Final = {"SHIRT-WHT-M": 2, "TEA-GIFT": 1}
UNITS: Final = {unit("SHIRT-WHT-M"): 2, unit("TEA-SEN-100"): 1, unit("CUP-CEL"): 2}
CART: Final = Cart(
    id=CartId("cart"),
    channel=WEB,
    lines=tuple(
        CartLine(id=LineId(variant), variant=VariantId(variant), quantity=quantity)
        for variant, quantity in WANTED.items()
    ),
)
ORDER: Final = order_of_cart(CART.id)
MONTH: Final = ReturnPolicy(version="2026-01", rules=(WithinDays(days=30),), shipping=ShippingRefund.WITH_LAST)


class Story:
    """Something that is done once: ``before`` is safe from kills, ``act`` is done again by whoever takes over."""

    name = "story"
    calls_a_provider = True

    def before(self, shop: Shop) -> None:
        """Prepare the shop."""

    def act(self, shop: Shop) -> object:
        """Do it, under the keys it always has."""
        raise NotImplementedError

    def ended(self, shop: Shop, answer: object, before: Mapping[str, int]) -> list[str]:
        """Say what is not as it must be; ``before`` is what could be promised when the shop opened."""
        raise NotImplementedError

    def told_again(self, shop: Shop, before: Mapping[str, int]) -> list[str]:
        """Take over: do it again, and say what is not as it must be."""
        try:
            answer = self.act(shop)
        except (Conflict, Refused) as refused:
            return self.refused(shop, refused, before)
        return self.ended(shop, answer, before)

    def refused(self, shop: Shop, why: Conflict | Refused, before: Mapping[str, int]) -> list[str]:
        """Say what is amiss where whoever asks again is refused: that alone is."""
        return [f"asked again: {why!r}"]


def bought(shop: Shop) -> object:
    """Buy the cart by card, as its buyer does again and again with one key."""
    quoted: Quoted = shop.host.run(quote(cart=CART), command="quote")
    tender = Tender(id=TenderId("card"), method=TenderMethod.CARD, amount=quoted.gross, provider=ProviderName("fake"))
    return shop.host.run(checkout(quote=quoted.quote, shown=quoted.gross, tenders=(tender,)), command="buy")


def shipped(shop: Shop) -> tuple[ParcelId, ...]:
    """Pack and send everything, as a clerk does with the keys of the parcels; gives them."""
    parcels = tuple(parcel.id for parcel in shop.host.run(delivery(order=ORDER)).parcels)
    for parcel in parcels:
        shop.host.run(pack(parcels=(parcel,)), command=f"pack-{parcel}")
        tracking = Tracking(carrier="yamato", number=f"T-{parcel}"[:60])
        shop.host.run(send(parcel=parcel, tracking=tracking), command=f"send-{parcel}")
    shop.host.work()
    return parcels


def the_order(shop: Shop, order: OrderId = ORDER) -> Order | None:
    """Read an order."""
    found = shop.host.run(read_orders(orders=(order,)))
    return found[0] if found else None


class Checkout(Story):
    """Buy, pack and send: one order, one charge, goods that leave once."""

    name = "checkout"

    def before(self, shop: Shop) -> None:
        """Make the offer."""
        shop.host.run(quote(cart=CART), command="quote")

    def act(self, shop: Shop) -> object:
        """Buy and send."""
        placed = bought(shop)
        shop.host.work()
        shipped(shop)
        return placed

    def ended(self, shop: Shop, answer: object, before: Mapping[str, int]) -> list[str]:
        """Everything is there, once."""
        shop.clock.advance(minutes=10)
        complaints = shop.amiss()
        if (order := the_order(shop)) is None:
            return [*complaints, "lost: the order"]
        amounts = amounts_of(shop.host.run(payment_of(order=ORDER)))
        settled: dict[str, int] = {}
        for each in shop.holds_of(ORDER):
            settled[each.unit] = settled.get(each.unit, 0) + each.settled
        parcels = shop.host.run(delivery(order=ORDER)).parcels
        return complaints + differing(
            ("the answer", answer, Placed(order=ORDER, gross=order.gross)),
            ("availability", shop.free(list(UNITS)), less(before, UNITS)),
            ("shipped steps", settled, UNITS),
            ("open holds", shop.open_holds(ORDER), []),
            ("captured", amounts.captured, order.gross),
            ("still set aside", amounts.authorised.minor, 0),
            ("charged by the provider", shop.provider.taken_minor(ORDER), order.gross.minor),
            ("calls", shop.calls(), ["Authorise"] + ["Capture"] * len(parcels)),
            ("orders placed", shop.happened().count("ordering.order_placed.v1"), 1),
        )

    def refused(self, shop: Shop, why: Conflict | Refused, before: Mapping[str, int]) -> list[str]:
        """Too late to buy is as if nobody had asked; any other refusal is amiss."""
        if not isinstance(why, QuoteExpired):
            return super().refused(shop, why, before)
        wanted: list[str] = [name for name in shop.calls() if name not in {"Authorise", "Cancel"}]
        return shop.amiss() + differing(
            ("availability", shop.free(list(UNITS)), before),
            ("the order", the_order(shop), None),
            ("calls beside setting aside and letting go", wanted, []),
            ("calls in pairs", shop.calls().count("Authorise"), shop.calls().count("Cancel")),
        )


class Cancelling(Story):
    """Call an order off: its goods are free and its money is let go, once."""

    name = "cancel"

    def before(self, shop: Shop) -> None:
        """Buy."""
        bought(shop)
        shop.host.work()

    def act(self, shop: Shop) -> object:
        """Call it off, and let the worker see to the money."""
        freed = shop.host.run(cancel(order=ORDER), command="cancel")
        shop.host.work()
        return freed

    def ended(self, shop: Shop, answer: object, before: Mapping[str, int]) -> list[str]:
        """Nothing is promised and nothing is set aside."""
        shop.clock.advance(minutes=10)
        complaints = shop.amiss()
        if (order := the_order(shop)) is None:
            return [*complaints, "lost: the order"]
        amounts = amounts_of(shop.host.run(payment_of(order=ORDER)))
        return complaints + differing(
            ("the answer", answer, order.gross),
            ("availability", shop.free(list(UNITS)), before),
            ("open holds", shop.open_holds(ORDER), []),
            ("due", order.due.minor, 0),
            ("still set aside", amounts.authorised.minor, 0),
            ("calls", shop.calls(), ["Authorise", "Cancel"]),
            ("orders cancelled", shop.happened().count("ordering.order_cancelled.v1"), 1),
        )


class Returning(Story):
    """Bring one shirt back to a store: it is on the shelf and its money is back, once."""

    name = "return"
    line: LineId = LineId("SHIRT-WHT-M")

    def before(self, shop: Shop) -> None:
        """Buy, and have everything delivered."""
        bought(shop)
        shop.host.work()
        shop.host.run(deliver(parcels=shipped(shop)))

    def act(self, shop: Shop) -> object:
        """Bring it back, and let the worker see to the money."""
        asked = RequestedLine(line=self.line, units=1, condition=Condition.SEALED)
        back = return_in_store(order=ORDER, lines=(asked,), node=SHIBUYA, policy=MONTH)
        returned = shop.host.run(back, command="back")
        shop.host.work()
        return returned

    def ended(self, shop: Shop, answer: object, before: Mapping[str, int]) -> list[str]:
        """One shirt, one refund."""
        shop.clock.advance(minutes=10)
        complaints = shop.amiss()
        if (order := the_order(shop)) is None or not isinstance(answer, Returned):
            return [*complaints, "lost: the order or the return"]
        (shirt,) = [line for line in order.lines if line.id == self.line]
        refund = Money(shirt.gross(order.basis) // shirt.ordered, order.currency)
        amounts = amounts_of(shop.host.run(payment_of(order=ORDER)))
        left = less(before, UNITS)
        left[unit("SHIRT-WHT-M")] += 1
        return complaints + differing(
            ("the answer", answer.refund, refund),
            ("availability", shop.free(list(UNITS)), left),
            ("returned", shirt.returned, 1),
            ("refunded", amounts.refunded, refund),
            ("kept by the provider", shop.provider.taken_minor(ORDER), order.gross.minor - refund.minor),
            ("refunds asked for", shop.calls().count("Refund"), 1),
            ("returns told of", shop.happened().count("ordering.units_returned.v1"), 1),
        )


def told(number: int, wanted: Mapping[str, int]) -> ToldOrder:
    """Tell an order of the marketplace; every second one is of the same buyer."""
    buyer = ToldIdentity(kind=IdentityKind.MARKETPLACE_BUYER, value=Personal(f"buyer-{number % 2}"), realm=MARKET)
    lines = tuple(
        ToldLine(id=LineId(name), variant=VariantId(name), units=units, unit_price=1000, total=1000 * units)
        for name, units in wanted.items()
    )
    seen = Seen(told_at=NOON, by=Teller.CHANNEL, basis=f"market-{number}", identities=(buyer,), details=Details())
    return ToldOrder(external_id=f"R-{number}", placed_at=NOON, lines=lines, seen=seen)


class Importing(Story):
    """Take over a marketplace's orders, some of them twice: one order and one promise each, one customer a buyer."""

    name = "import"
    calls_a_provider = False
    wanted: Final = ({"TEA-SEN-100": 2}, {"CUP-CEL": 1, "SHIRT-WHT-M": 1}, {"TEA-GIFT": 1}, {"TEA-SEN-100": 1})

    def act(self, shop: Shop) -> object:
        """Import three, then the last two of them again with one more."""
        orders = [told(number, wanted) for number, wanted in enumerate(self.wanted)]
        first = shop.clerk.run(import_orders(channel=MARKET, orders=tuple(orders[:3])), command="import-1")
        second = shop.clerk.run(import_orders(channel=MARKET, orders=tuple(orders[1:])), command="import-2")
        shop.host.work()
        return first, second

    def ended(self, shop: Shop, answer: object, before: Mapping[str, int]) -> list[str]:
        """Four orders of two customers."""
        complaints = shop.amiss()
        names = [order_of_channel(MARKET, f"R-{number}") for number in range(len(self.wanted))]
        found = [the_order(shop, name) for name in names]
        orders = [order for order in found if order is not None]
        customers: list[CustomerId | None] = [order.customer for order in orders]
        held: dict[str, int] = {}
        for order in orders:
            for each in shop.holds_of(order.id):
                held[each.unit] = held.get(each.unit, 0) + each.left
        taken = {unit("TEA-SEN-100"): 4, unit("CUP-CEL"): 3, unit("SHIRT-WHT-M"): 1}
        first, second = (
            Imported(orders={f"R-{number}": names[number] for number in few}, short=())
            for few in (range(3), range(1, 4))
        )
        return complaints + differing(
            ("the answers", answer, (first, second)),
            ("orders", len(orders), len(names)),
            ("held", held, taken),
            ("availability", shop.free(list(UNITS)), less(before, taken)),
            ("customers", (len(set(customers)), customers[:2] == customers[2:]), (2, True)),
            ("orders placed", shop.happened().count("ordering.order_placed.v1"), len(names)),
            ("customers met", shop.happened().count("parties.customer_recorded.v1"), 2),
        )


STORIES: Final[Mapping[str, Story]] = {
    story.name: story for story in (Checkout(), Cancelling(), Returning(), Importing())
}
"""The stories by name."""
