"""On which shop are the stories of the scenarios told, and what does a story look at?"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from attrs import define, field

from omnicore.fulfilment import ParcelState, Tracking
from omnicore.fulfilment import pack as pack_parcels
from omnicore.fulfilment.questions import Delivery, delivery
from omnicore.host import Host
from omnicore.inventory import Stock, availability, reserved, stock
from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, balances, entries, holds, question
from omnicore.kernel.ids import CartId, ChannelId, LineId, NodeId, OrderId, ParcelId, VariantId
from omnicore.kernel.ledger import Account, Balance, Held
from omnicore.kernel.money import Money
from omnicore.ordering import Cart, CartLine, DeliveryGroup, GroupId, Order, order_of_cart, read_orders
from omnicore.payments import Payment, ProviderName, Tender, TenderId, TenderMethod, payment_of
from omnicore.scenarios.checkout import Placed, checkout
from omnicore.scenarios.quote import Quoted, quote
from omnicore.scenarios.ship_from_store import send
from omnicore.testing import Clock, Ids, Weak
from omnicore.testing.payments import FakeProvider
from omnicore.testing.shop import WEB, open_shop, rows, unit

SHOP_PROVIDER = ProviderName("fake")
EVERY_UNIT = tuple(sorted(unit(row["sku"]) for row in rows()))


@question("tests.read_balances")
async def read_balances(given: Given, *, accounts: tuple[Account, ...]) -> tuple[Balance, ...]:
    """Read accounts, in the order asked."""
    read = await balances(accounts)
    return tuple(read[account] for account in accounts)


@question("tests.read_holds")
async def read_holds(given: Given, *, ids: tuple[str, ...]) -> tuple[Held, ...]:
    """Read the holds that exist."""
    return tuple((await holds(ids)).values())


@question("tests.entry_ids")
async def entry_ids(given: Given, *, account: Account) -> tuple[str, ...]:
    """Read what an account's entries are called."""
    return tuple(entry.id for entry in await entries(account))


@cache
def opened() -> Weak:
    """Open the shop once; every story plays on a copy."""
    database = Weak()
    host = Host(database, clock=Clock(), new_id=Ids("open"))
    open_shop(host)
    host.work()
    return database


@define(eq=False)
class Story:
    """One day in the shop, with a provider and a clock that do as they are told."""

    database: Weak = field(factory=lambda: opened().copied())
    clock: Clock = field(factory=Clock)
    provider: FakeProvider = field(factory=FakeProvider)
    host: Host = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.host = Host(self.database, clock=self.clock, new_id=Ids(), providers=[self.provider])

    # What is done

    def quoted(self, wanted: Cart, *, shipping: int | None = None, good_for_minutes: int = 30) -> Quoted:
        """Price a cart."""
        fee = None if shipping is None else yen(shipping)
        return self.host.run(quote(cart=wanted, shipping=fee, good_for_minutes=good_for_minutes))

    def checked_out(self, quoted: Quoted, *tenders: Tender, command: str | None = "buy") -> object:
        """Check a quote out, by card unless told otherwise."""
        by = tenders or (card(quoted.gross),)
        return self.host.run(checkout(quote=quoted.quote, shown=quoted.gross, tenders=by), command=command)

    def bought(self, wanted: Cart, *, shipping: int | None = None) -> OrderId:
        """Buy a cart by card."""
        placed = self.checked_out(self.quoted(wanted, shipping=shipping), command=f"buy-{wanted.id}")
        assert isinstance(placed, Placed)
        return placed.order

    def packed(self, order: OrderId) -> tuple[ParcelId, ...]:
        """Pack what is planned for an order."""
        planned = tuple(parcel.id for parcel in self.delivery(order).parcels if parcel.state is ParcelState.PLANNED)
        if planned:
            self.host.run(pack_parcels(parcels=planned))
        return planned

    def sent(self, order: OrderId) -> None:
        """Pack and ship everything of an order, and have its money taken."""
        for parcel in self.packed(order):
            self.host.run(send(parcel=parcel, tracking=tracking(parcel)))
        self.host.work()

    # What is seen

    def order(self, order: OrderId) -> Order | None:
        """Read an order."""
        found = self.host.run(read_orders(orders=(order,)))
        return found[0] if found else None

    def the_order(self, order: OrderId) -> Order:
        """Read an order that is there."""
        found = self.order(order)
        assert found is not None
        return found

    def payment(self, order: OrderId) -> Payment:
        """Read a payment."""
        return self.host.run(payment_of(order=order))

    def delivery(self, order: OrderId) -> Delivery:
        """Read parcels and pickups."""
        return self.host.run(delivery(order=order))

    def free(self, *skus: str, channel: ChannelId = WEB) -> Mapping[str, int]:
        """Read what a channel may promise: of some SKUs, or of all."""
        return self.host.run(availability(units=tuple(map(unit, skus)) or EVERY_UNIT, channel=channel))

    def at(self, sku: str, node: NodeId) -> Stock:
        """Read how a SKU stands at a node."""
        (found,) = self.host.run(stock(units=(unit(sku),), nodes=(node,)))
        return found

    def held(self, order: OrderId) -> dict[tuple[str, str], int]:
        """Add up what is held for an order: steps by line and SKU."""
        found: dict[tuple[str, str], int] = {}
        try:
            allocations = self.host.run(reserved(reservation=order)).allocations
        except Refused:
            return found
        live = {held.id: held.left for held in self.host.run(read_holds(ids=tuple(a.hold for a in allocations)))}
        for each in allocations:
            place = (each.share.line, each.share.unit)
            found[place] = found.get(place, 0) + live[each.hold]
        return {place: left for place, left in found.items() if left}

    def events(self, name: str) -> list[dict[str, object]]:
        """Read what has happened, of one sort."""
        self.host.work()
        with self.database.reading("main") as store:
            return [{**row.cloudevent(source="test")} for row in store.read(limit=10_000) if row.type == name]

    def sound(self) -> None:
        """Demand that the books add up, that nothing is stuck and that no money moved twice."""
        assert self.host.verify().differences == ()
        assert self.host.stuck() == ()
        assert self.provider.doubled() == ()

    def fingerprint(self) -> tuple[object, ...]:
        """Everything that is written, to see that nothing more was."""
        with self.database.reading("main") as store:
            seen = store.verify(())
        return (seen.documents, seen.entries, seen.holds, seen.events, repr(self.free()))


def yen(minor: int) -> Money:
    """So many yen."""
    return Money(minor, "JPY")


def tender(amount: Money, method: TenderMethod, *, id: str | None = None) -> Tender:
    """Pay an amount by a means."""
    return Tender(id=TenderId(id or method.value), method=method, amount=amount, provider=SHOP_PROVIDER)


def card(amount: Money, *, id: str = "card") -> Tender:
    """Pay an amount by card."""
    return tender(amount, TenderMethod.CARD, id=id)


def cart(
    wanted: Mapping[str, int] | Sequence[tuple[str, int]],
    *,
    id: str = "cart",
    channel: ChannelId = WEB,
    groups: Iterable[DeliveryGroup] = (),
    group: GroupId | None = None,
) -> Cart:
    """Put variants into a cart, one line each, all in one delivery group."""
    pairs = list(wanted.items() if isinstance(wanted, Mapping) else wanted)
    return Cart(
        id=CartId(id),
        channel=channel,
        lines=tuple(
            CartLine(id=LineId(f"L{number}"), variant=VariantId(variant), quantity=quantity, group=group)
            for number, (variant, quantity) in enumerate(pairs)
        ),
        groups=tuple(groups),
    )


def tracking(parcel: ParcelId) -> Tracking:
    """Give a parcel a number at a carrier."""
    return Tracking(carrier="yamato", number=f"T-{parcel}"[:60])


def order_id(wanted: Cart) -> OrderId:
    """Say which order a cart becomes."""
    return order_of_cart(wanted.id)
