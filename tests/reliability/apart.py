"""Which small business does one buyer bring to the shop, that a second buyer's must not have to wait for?

Each has a part that prepares it and a part that is looked at; it is named, and trades in one SKU of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from attrs import define, field, frozen

from omnicore.adapters.memory import Memory
from omnicore.fulfilment import Tracking, deliver, delivery, pack
from omnicore.host import Host
from omnicore.inventory import count, receive
from omnicore.kernel.flow import Staff
from omnicore.kernel.ids import CartId, LineId, OrderId, ParcelId, VariantId
from omnicore.kernel.ledger import Move
from omnicore.kernel.named_rows import named_accounts, named_entries, named_holds
from omnicore.kernel.personal import Personal
from omnicore.kernel.records import Put
from omnicore.kernel.store import Batch, Database, Store
from omnicore.ordering import Cart, CartLine, order_of_cart
from omnicore.parties import Details, IdentityKind, Seen, Teller, ToldIdentity
from omnicore.payments import ProviderName, Tender, TenderId, TenderMethod
from omnicore.returns import Condition, RequestedLine, ReturnPolicy, WithinDays
from omnicore.scenarios.bopis import PICKUP, collect, make_ready, pick, pickup_at, pickup_of
from omnicore.scenarios.boris import return_in_store
from omnicore.scenarios.cancel import cancel
from omnicore.scenarios.checkout import checkout
from omnicore.scenarios.order_import import ToldLine, ToldOrder, import_orders
from omnicore.scenarios.pos_sale import sell
from omnicore.scenarios.quote import quote
from omnicore.scenarios.ship_from_store import send
from omnicore.testing import SECRET, Clock, Ids
from omnicore.testing.broken_databases import Passing
from omnicore.testing.clock import NOON
from omnicore.testing.lossy import Watched
from omnicore.testing.payments import FakeProvider
from omnicore.testing.shop import DC, MARKET, SHIBUYA, STORE, WEB, open_shop, unit

SKUS = (
    *("FURO-RED", "FURO-BLU", "TENU-WAVE", "TENU-PINE", "NOTE-A5", "NOTE-A6", "HASHI-22", "HASHI-19"),
    *("INC-SAN", "CUP-CEL", "CUP-IRO", "BOWL-BLU", "BOWL-ASH", "SOCKS-GRY", "SOCKS-NVY", "SOCKS-MUS"),
)
POLICY = ReturnPolicy(version="2026", rules=(WithinDays(days=30),))


@define(eq=False)
class Day:
    """An open shop on a database."""

    database: Database = field(factory=Memory)
    provider: FakeProvider = field(factory=FakeProvider)
    host: Host = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.host = Host(self.database, secret=SECRET, clock=Clock(), new_id=Ids("day"), providers=[self.provider])

    def opened(self) -> "Day":
        """Open the shop."""
        open_shop(self.host)
        return self

    def on(self, database: Database, ids: str) -> "Day":
        """Go on with the same shop and provider through another connection."""
        other = Day(database, self.provider)
        other.host = Host(database, secret=SECRET, clock=Clock(), new_id=Ids(ids), providers=[self.provider])
        return other

    # What buyers and clerks do

    def buy(self, name: str, sku: str, *, pickup: bool = False) -> OrderId:
        """Buy a piece by card."""
        group = PICKUP if pickup else None
        line = CartLine(id=LineId("1"), variant=VariantId(sku), quantity=1, group=group)
        wanted = Cart(
            id=CartId(f"cart-{name}"), channel=WEB, lines=(line,), groups=(pickup_at(SHIBUYA),) if pickup else ()
        )
        quoted = self.host.run(quote(cart=wanted), command=f"quote-{name}")
        card = Tender(id=TenderId("card"), method=TenderMethod.CARD, amount=quoted.gross, provider=ProviderName("fake"))
        self.host.run(checkout(quote=quoted.quote, shown=quoted.gross, tenders=(card,)), command=f"buy-{name}")
        return order_of_cart(wanted.id)

    def parcels(self, name: str) -> tuple[ParcelId, ...]:
        """Name an order's parcels."""
        return tuple(each.id for each in self.host.run(delivery(order=order_of(name))).parcels)

    def send(self, name: str) -> None:
        """Pack and send, and have the money taken."""
        for parcel in self.parcels(name):
            self.host.run(pack(parcels=(parcel,)))
            self.host.run(send(parcel=parcel, tracking=Tracking(carrier="yamato", number=f"T-{name}")))
        self.settle(name)

    def settle(self, _name: str) -> None:
        """Let the worker finish."""
        self.host.work()


def order_of(name: str) -> OrderId:
    """Say which order a buyer's cart becomes."""
    return order_of_cart(CartId(f"cart-{name}"))


@frozen(kw_only=True)
class Business:
    """Something a buyer brings: prepared, then done."""

    name: str
    act: Callable[[Day, str, str], object]
    prepare: Callable[[Day, str, str], object] = lambda *_: None


def _collect(day: Day, name: str, _: str) -> None:
    code = Personal(f"7Q2M-X0AB-{name:0>4}"[:14])
    day.host.run(pick(pickups=(pickup_of(order_of(name)),)))
    day.host.run(make_ready(pickup=pickup_of(order_of(name)), code=code))
    day.host.run(collect(pickup=pickup_of(order_of(name)), code=code))
    day.settle(name)


def _delivered(day: Day, name: str, sku: str) -> None:
    day.buy(name, sku)
    day.send(name)
    day.host.run(deliver(parcels=day.parcels(name)))


def _returned(day: Day, name: str, _: str) -> None:
    line = RequestedLine(line=LineId("1"), units=1, condition=Condition.SEALED)
    day.host.run(return_in_store(order=order_of(name), lines=(line,), node=SHIBUYA, policy=POLICY))
    day.settle(name)


def _cancelled(day: Day, name: str, _: str) -> None:
    day.host.run(cancel(order=order_of(name)))
    day.settle(name)


def _imported(day: Day, name: str, sku: str) -> None:
    line = ToldLine(id=LineId("1"), variant=VariantId(sku), units=1, unit_price=1000, total=1000)
    buyer = ToldIdentity(kind=IdentityKind.MARKETPLACE_BUYER, value=Personal(f"buyer-{name}"), realm=MARKET)
    seen = Seen(told_at=NOON, by=Teller.CHANNEL, basis=name, identities=(buyer,), details=Details())
    told = ToldOrder(external_id=name, placed_at=NOON, lines=(line,), seen=seen)
    clerk = day.host.acting(Staff("S1"), purpose="import")
    clerk.run(import_orders(channel=MARKET, orders=(told,)), command=f"import-{name}")


def _sold(day: Day, name: str, sku: str) -> None:
    sale = sell(
        receipt=CartId(f"R-{name}"),
        channel=STORE,
        node=SHIBUYA,
        items={VariantId(sku): 1},
        till=ProviderName("till"),
        method=TenderMethod.CASH,
    )
    day.host.run(sale, command=f"sell-{name}")


BUSINESS = (
    Business(name="checkout", act=lambda day, name, sku: day.buy(name, sku)),
    Business(name="bopis", prepare=lambda day, name, sku: day.buy(name, sku, pickup=True), act=_collect),
    Business(
        name="ship from store",
        prepare=lambda day, name, sku: day.buy(name, sku),
        act=lambda day, name, _: day.send(name),
    ),
    Business(
        name="cancel",
        prepare=lambda day, name, sku: day.buy(name, sku),
        act=_cancelled,
    ),
    Business(name="return in store", prepare=_delivered, act=_returned),
    Business(name="order import", act=_imported),
    Business(name="sale at a till", act=_sold),
    Business(name="receipt of goods", act=lambda day, _, sku: day.host.run(receive(node=DC, units={unit(sku): 5}))),
    Business(name="count", act=lambda day, name, sku: day.host.run(count(node=DC, found={unit(sku): len(name)}))),
)


# Which rows


class Recording(Passing):
    """A database that remembers the rows each committed write has locked or made."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.rows: set[str] = set()
        self.writes = 0

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[Store]:
        """Open one transaction."""
        with self._database.writing(shop, serializable=serializable) as store:
            yield Noting(store, self)


class Noting(Watched):
    """A store that notes what its writes lock."""

    def __init__(self, store: Store, recording: Recording) -> None:
        super().__init__(store, lambda: None)
        self._recording = recording

    def write(self, batch: Batch) -> None:
        """Write, and note it."""
        found = rows_of(batch, self._store)
        super().write(batch)
        self._recording.rows |= found
        self._recording.writes += 1


def rows_of(batch: Batch, store: Store) -> set[str]:
    """Name the rows that a write locks or makes: accounts, holds, entries, documents, what must be unique, keys."""
    moves: tuple[Move, ...] = batch.moves
    holds = store.holds(named_holds(moves))
    found = {f"account {account}" for account in named_accounts(moves, holds)}
    found |= {f"hold {name}" for name in named_holds(moves)} | {f"entry {name}" for name in named_entries(moves)}
    found |= {f"key {command.key}" for command in batch.commands} | {f"event {each.id}" for each in batch.envelopes}
    for change in batch.changes:
        found.add(f"document {change.kind} {change.key}")
        if isinstance(change, Put):
            found |= {f"unique {change.kind}.{row.index} {row.sort.hex()}" for row in change.rows if row.unique}
    return found


SHELF_ROW = "account sku node/*/on-hand"
MONEY_ROW = "account money order/*/captured/*"
ORDER_ROWS = frozenset({"document ordering.order", "unique ordering.order.cart", "event"})
PAID_ROWS = frozenset({"document payments.payment", "unique payments.payment.reference", "document kernel.run"})
MOVED_ROWS = frozenset({SHELF_ROW, "hold"})
HELD_ROWS = MOVED_ROWS | {"document inventory.reservation", "document fulfilment.parcel"}
SENT_ROWS = MOVED_ROWS | {MONEY_ROW, "entry"}

LOCKED: Mapping[str, frozenset[str]] = {
    "checkout": ORDER_ROWS | PAID_ROWS | HELD_ROWS | {"document ordering.quote", "key"},
    "bopis": ORDER_ROWS | PAID_ROWS | SENT_ROWS | {"document fulfilment.pickup"},
    "ship from store": ORDER_ROWS | PAID_ROWS | SENT_ROWS | {"document fulfilment.parcel"},
    "cancel": ORDER_ROWS | PAID_ROWS | HELD_ROWS,
    "return in store": ORDER_ROWS | PAID_ROWS | SENT_ROWS | {"document returns.book", "unique returns.book.return"},
    "order import": (ORDER_ROWS - {"unique ordering.order.cart"})
    | HELD_ROWS
    | {"unique ordering.order.external", "key"}
    | {"document parties.customer", "document parties.identity", "document parties.identity_value"},
    "sale at a till": ORDER_ROWS | {SHELF_ROW, MONEY_ROW, "document payments.payment", "entry", "key"},
    "receipt of goods": frozenset({SHELF_ROW, "entry", "event"}),
    "count": frozenset({SHELF_ROW, "entry", "event"}),
}
"""The sorts of rows each business locks or makes."""


def sort_of(row: str) -> str:
    """Name a row's sort: without what is this buyer's alone."""
    what, name, *rest = row.split()
    match what:
        case "account":
            first, *path = rest[-1].split("/")
            kept = [part if part in {"on-hand", "captured"} else "*" for part in path]
            return f"account {name.split(':')[0]} {'/'.join([first, *kept])}"
        case "document" | "unique":
            return f"{what} {name}"
        case _:
            return what
