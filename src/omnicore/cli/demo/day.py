"""What happens in an omnichannel day? Every scenario once, on a clock that the day moves, told as it goes.

The story uses public commands alone. What it says comes back as ``Told``: a key into ``words`` and the facts to fill
in, so the same day is told in English and in Japanese, and printed or put into JSON.
"""

from typing import Final

from omnicore.cli.demo.desk import Desk, because, short
from omnicore.fulfilment import deliver, delivery, draw_code, pick
from omnicore.inventory import availability, holds_at_risk
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Staff
from omnicore.kernel.ids import AccountId, CartId, CustomerId, LineId, VariantId
from omnicore.kernel.personal import Personal
from omnicore.kernel.time import Instant
from omnicore.ordering import orders_of
from omnicore.parties import (
    Details,
    IdentityKind,
    Seen,
    Teller,
    ToldIdentity,
    claim,
    customers_of,
    open_account,
    record_customers,
    verify_identity,
)
from omnicore.payments import ProviderName
from omnicore.returns import Condition, RequestedLine, ReturnPolicy, WithinDays
from omnicore.scenarios import bopis, boris, pos_sale, ship_from_store
from omnicore.scenarios.order_import import ToldLine, ToldOrder, import_orders
from omnicore.testing.shop import DC, GIFT, KYOTO, MARKET, SHIBUYA, STORE, WEB, open_shop, prices, unit

MORNING: Final = Instant.parse("2026-11-21T08:00:00+09:00")
POLICY: Final = ReturnPolicy(version="2026", rules=(WithinDays(days=30),))
TILL: Final = ProviderName("till-shibuya")


class Day(Desk):
    """The day of one shop, part by part."""

    code: Personal[str]
    """What opens the pickup; drawn when it is ready."""

    def run(self) -> None:
        """Live the day, and the weeks it takes for returns to come."""
        units = open_shop(self.host)
        self.told("opened", units=units)
        for part in (
            self.ship_from_the_dc,
            self.order_for_pickup,
            self.order_when_the_dc_is_short,
            self.import_from_the_market,
            self.sell_a_held_unit,
            self.refuse_an_oversell,
            self.claim_a_guest_order,
            self.send_the_rest,
            self.collect_in_store,
            self.deliver_parcels,
            self.return_in_another_store,
            self.refuse_a_late_return,
        ):
            part()
            self.host.work()

    # Web

    def ship_from_the_dc(self) -> None:
        """A web order, a bundle in it, leaves the distribution centre."""
        self.at("09:05")
        placed = self.buy(
            "hanako",
            {"SHIRT-IND-M": 2, GIFT: 1},
            buyer="田中 花子",
            email="hanako@example.jp",
            shipping=550,
        )
        self.told("web_order", order=short(placed.order), gross=placed.gross.minor)
        self.at("10:10")
        self.send(placed.order, "JP-1001")
        self.told("shipped_from", order=short(placed.order), node=DC, tracking="JP-1001")

    def order_for_pickup(self) -> None:
        """Ordered online, to be collected at a store (BOPIS): picked and set aside; the buyer gets a code."""
        self.at("10:30")
        placed = self.buy(
            "ichiro",
            {"UMB-BEI": 1, "TEA-HOJ-100": 2},
            buyer="鈴木 一郎",
            email="ichiro@example.jp",
            group=bopis.pickup_at(SHIBUYA),
        )
        self.told("pickup_order", order=short(placed.order), gross=placed.gross.minor, node=SHIBUYA)
        pickup = bopis.pickup_of(placed.order)
        self.at("11:05")
        self.staff.run(pick(pickups=(pickup,)))
        self.code = draw_code(self.random.getrandbits)
        window = self.staff.run(bopis.make_ready(pickup=pickup, code=self.code))
        last = "" if window.until is None else window.until.isoformat()
        self.told("pickup_ready", order=short(placed.order), node=SHIBUYA, until=last)

    def collect_in_store(self) -> None:
        """Only the code opens a pickup, and only once."""
        self.at("18:10")
        pickup = bopis.pickup_of(self.orders["ichiro"])
        self.refused(bopis.collect(pickup=pickup, code=Personal("0000-0000-0000")), "wrong_code")
        self.staff.run(bopis.collect(pickup=pickup, code=self.code))
        self.told("collected", order=short(self.orders["ichiro"]), node=SHIBUYA)

    def order_when_the_dc_is_short(self) -> None:
        """The distribution centre has one umbrella left of two: a store ships."""
        self.at("11:15")
        placed = self.buy("jun", {"UMB-NVY": 2}, buyer="佐藤 淳", email="jun@example.jp", shipping=550)
        (parcel,) = self.staff.run(delivery(order=placed.order)).parcels
        self.told("store_order", order=short(placed.order), gross=placed.gross.minor, node=parcel.node)

    # Marketplace and store

    def import_from_the_market(self) -> None:
        """Three orders of anonymised buyers come from a marketplace, twice; the second time changes nothing."""
        self.at("12:00")
        yen = prices()
        baskets: list[tuple[str, str, int]] = [
            ("R-501", "SOCKS-NVY", 3),
            ("R-502", "TEA-SEN-300", 1),
            ("R-503", "SOCKS-NVY", 1),
        ]
        orders = tuple(
            ToldOrder(
                external_id=number,
                placed_at=self.clock(),
                lines=(
                    ToldLine(
                        id=LineId("1"),
                        variant=VariantId(variant),
                        units=count,
                        unit_price=yen[VariantId(variant)],
                        total=yen[VariantId(variant)] * count,
                    ),
                ),
                seen=Seen(
                    told_at=self.clock(),
                    by=Teller.CHANNEL,
                    basis=number,
                    identities=(
                        ToldIdentity(
                            kind=IdentityKind.MARKETPLACE_BUYER,
                            value=Personal("b-77" if number != "R-502" else "b-12"),
                            realm=MARKET,
                        ),
                    ),
                ),
            )
            for number, variant, count in baskets
        )
        first = self.staff.run(import_orders(channel=MARKET, orders=orders))
        self.told("imported", orders=len(first.orders), short=len(first.short))
        before = self.host.verify().documents
        self.staff.run(import_orders(channel=MARKET, orders=orders))
        self.told("imported_again", changed=self.host.verify().documents - before)
        for number, order in sorted(first.orders.items()):
            self.send(order, f"MK-{number}")

    def sell_a_held_unit(self) -> None:
        """A known customer carries to the till what was promised to somebody else: the promise moves to Kyoto."""
        self.at("13:20")
        card = ToldIdentity(kind=IdentityKind.MEMBER_CARD, value=Personal("M-0042-7781"), realm="komorebi")
        seen = Seen(
            told_at=self.clock(),
            by=Teller.CHANNEL,
            basis="till-shibuya",
            identities=(card,),
            details=Details(name=Personal("高橋 美咲"), kana=Personal("タカハシ ミサキ")),
        )
        (customer,) = self.host.acting(Staff("S2"), purpose="sale").run(record_customers(seen=(seen,)))
        receipt = self.staff.run(
            pos_sale.sell(
                receipt=CartId("receipt-0001"),
                channel=STORE,
                node=SHIBUYA,
                items={VariantId("UMB-NVY"): 3},
                till=TILL,
                customer=customer,
            )
        )
        self.orders["misaki"] = receipt.order
        self.told("till_sale", order=short(receipt.order), gross=receipt.gross.minor, node=SHIBUYA)
        for risk in self.staff.run(holds_at_risk(node=SHIBUYA, units=(unit("UMB-NVY"),))):
            self.told("at_risk", order=short(risk.reservation or ""), sku="UMB-NVY", short=risk.short, node=SHIBUYA)
        rescued = self.staff.run(ship_from_store.rescue(node=SHIBUYA, units=(unit("UMB-NVY"),)))
        for places in rescued.moved.values():
            self.told("rescued", node=", ".join(sorted(places)), units=sum(places.values()))

    def refuse_an_oversell(self) -> None:
        """Nobody is promised what is not there."""
        self.at("14:00")
        left = self.host.run(availability(units=(unit("POT-KYU-L"),), channel=WEB))[unit("POT-KYU-L")]
        self.told("asks_too_much", asked=left + 1, available=left)
        try:
            self.buy("greedy", {"POT-KYU-L": left + 1}, buyer="山田 太郎", email="taro@example.jp")
        except Refused as refused:
            self.told("refused", code=refused.code, because=because(refused))

    # Who is who

    def claim_a_guest_order(self) -> None:
        """Yesterday's guest opens an account: only a proven address shows her orders."""
        self.at("16:00")
        mail = ToldIdentity(kind=IdentityKind.EMAIL, value=Personal("hanako@example.jp"))
        nobody = AccountId("account-of-somebody-else")
        self.refused(claim(account=nobody, told=mail), "claim_refused")
        self.host.run(verify_identity(told=mail, proof="mail-code-1"))
        opened = self.host.run(open_account(told=mail, proof="mail-code-1"))
        mine = self.host.run(customers_of(account=opened.account))
        self.told("claimed", orders=self.count_orders(mine))

    def count_orders(self, customers: tuple[CustomerId, ...]) -> int:
        """Count the orders of customers."""
        return sum(len(self.host.run(orders_of(customer=each)).orders) for each in customers)

    # The parcels and what comes back

    def send_the_rest(self) -> None:
        """The umbrella order leaves the store that took it over, and all parcels arrive."""
        self.at("17:00")
        node = self.send(self.orders["jun"], "JP-1002")
        self.told("shipped_from", order=short(self.orders["jun"]), node=node, tracking="JP-1002")

    def deliver_parcels(self) -> None:
        """The next day the carrier has delivered."""
        self.clock.advance(days=1)
        for name in ("hanako", "jun"):
            parcels = self.staff.run(delivery(order=self.orders[name])).parcels
            self.staff.run(deliver(parcels=tuple(p.id for p in parcels if p.state.value == "shipped")))
        self.told("delivered", parcels=2)

    def return_in_another_store(self) -> None:
        """Bought online, returned in a store (BORIS): stock there, money back to the card."""
        self.clock.advance(days=6)
        returned = self.staff.run(
            boris.return_in_store(
                order=self.orders["hanako"],
                lines=(RequestedLine(line=LineId("1"), units=1, condition=Condition.LIKE_NEW),),
                node=KYOTO,
                policy=POLICY,
            )
        )
        self.told("returned", order=short(self.orders["hanako"]), node=KYOTO, refund=returned.refund.minor)

    def refuse_a_late_return(self) -> None:
        """The window has closed; the refusal says when."""
        self.clock.advance(days=40)
        late = boris.return_in_store(
            order=self.orders["jun"],
            lines=(RequestedLine(line=LineId("1"), units=1, condition=Condition.SEALED),),
            node=SHIBUYA,
            policy=POLICY,
        )
        self.told("asks_late", order=short(self.orders["jun"]))
        self.refused(late, "refused")
