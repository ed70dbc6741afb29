"""How does the demo speak to the shop: buying, sending, being refused, and telling what came of it?"""

import random  # noqa: TID251 - a demonstration draws the same codes every time
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from omnicore.fulfilment import Tracking, delivery, pack
from omnicore.host import Host
from omnicore.kernel.address import PostalAddress
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Flow, Shopper, Staff
from omnicore.kernel.ids import CartId, LineId, NodeId, OrderId, VariantId
from omnicore.kernel.money import Money
from omnicore.kernel.personal import Personal
from omnicore.kernel.time import Instant
from omnicore.kernel.verdict import Fact
from omnicore.ordering import Cart, CartLine, DeliveryGroup
from omnicore.payments import ProviderName, Tender, TenderId, TenderMethod
from omnicore.scenarios import ship_from_store
from omnicore.scenarios.buyer import tell_buyer
from omnicore.scenarios.checkout import Placed, checkout
from omnicore.scenarios.quote import Quoted, quote
from omnicore.testing.clock import Clock
from omnicore.testing.shop import WEB

CARD: Final = ProviderName("card")


@frozen(kw_only=True)
class Told:
    """One line of the story: when, what (a key of ``words``), and with which facts."""

    at: Instant
    key: str
    facts: Mapping[str, str | int]


class Desk:
    """Who acts in the demo; ``tell`` hears each line as it happens."""

    def __init__(self, host: Host, clock: Clock, tell: Callable[[Told], None]) -> None:
        """Begin with an empty database."""
        self.host: Host = host
        self.clock = clock
        self._tell = tell
        # A demonstration must print the same codes every time; a host draws them with secrets.randbits.
        self.random: random.Random = random.Random(20261121)  # noqa: S311 - as the import
        self.staff: Host = host.acting(Staff("S1"), purpose="fulfilment")
        self.orders: dict[str, OrderId] = {}

    def told(self, key: str, **facts: str | int) -> None:
        """Tell a line."""
        self._tell(Told(at=self.clock(), key=key, facts=facts))

    def at(self, text: str) -> None:
        """Move the clock to a time of the first day, in Tokyo."""
        self.clock.set(Instant.parse(f"2026-11-21T{text}:00+09:00"))

    def buy(
        self,
        name: str,
        lines: Mapping[str, int],
        *,
        buyer: str,
        email: str,
        group: DeliveryGroup | None = None,
        shipping: int | None = None,
    ) -> Placed:
        """Tell the buyer, quote, and check out by card."""
        shopper = self.host.acting(Shopper(name), purpose="checkout")
        cart = CartId(f"cart-{name}")
        address = PostalAddress(
            country="JP", postal_code="1600022", region="東京都", city="新宿区", district="新宿三丁目", recipient=buyer
        )
        customer = shopper.run(
            tell_buyer(
                cart=cart,
                name=Personal(buyer),
                email=Personal(email),
                address=None if group else Personal(address),
            ),
            command=f"buyer-{name}",
        )
        wanted = Cart(
            id=cart,
            channel=WEB,
            customer=customer,
            lines=tuple(
                CartLine(
                    id=LineId(str(number)),
                    variant=VariantId(variant),
                    quantity=count,
                    group=None if group is None else group.id,
                )
                for number, (variant, count) in enumerate(lines.items(), 1)
            ),
            groups=() if group is None else (group,),
        )
        fee = None if shipping is None else Money(shipping, "JPY")
        offered: Quoted = shopper.run(quote(cart=wanted, shipping=fee), command=f"quote-{name}")
        tender = Tender(
            id=TenderId("card"),
            method=TenderMethod.CARD,
            amount=offered.gross,
            provider=CARD,
            token="tok_demo",  # noqa: S106 - the demo's provider takes any token
        )
        placed = shopper.run(
            checkout(quote=offered.quote, shown=offered.gross, tenders=(tender,)), command=f"checkout-{name}"
        )
        assert isinstance(placed, Placed), "the demo's provider asks for no action"
        self.orders[name] = placed.order
        return placed

    def send(self, order: OrderId, tracking: str) -> NodeId:
        """Pack and send an order's first waiting parcel; gives the node it leaves."""
        waiting = [p for p in self.staff.run(delivery(order=order)).parcels if p.state.value == "planned"]
        self.staff.run(pack(parcels=(waiting[0].id,)))
        number = Tracking(carrier="yamabiko", number=tracking)
        self.staff.run(ship_from_store.send(parcel=waiting[0].id, tracking=number))
        self.host.work()
        return waiting[0].node

    def refused(self, flow: Flow[object], key: str) -> None:
        """Run what must be refused, and tell why it was."""
        try:
            self.staff.run(flow)
        except Refused as refusal:
            self.told(key, code=refusal.code, because=because(refusal))
        else:
            raise AssertionError(f"{key} was not refused")


def short(order: str) -> str:
    """Give an order's id as people read it out."""
    return order[:8]


def because(refused: Refused) -> str:
    """Give the facts that decided a refusal."""
    return ", ".join(f"{name}={_plain(value)}" for name, value in refused.facts.items())


def _plain(value: Fact) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)
