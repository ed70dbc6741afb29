"""Do two commands that look at the same rows and write different ones still obey their law?

Each pair is played on the weak store with the second command whole at every moment of the first, and the other way
round. What a *guard row* protects is protected because both write that row, even where one writes it as it was: the
control is a store that leaves such writes out. What ``serializable`` protects has the same flow without it as control.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count as numbers

import pytest
from attrs import evolve, frozen

from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.adapters.memory_rows import Shop
from omnicore.catalog import Component, Listing, Product, Single, Variant, find_sold, put_products
from omnicore.fulfilment import ParcelState, PickupState, delivery
from omnicore.host import Host
from omnicore.inventory import count, receive, sell_at_till, stock
from omnicore.kernel.errors import Conflict
from omnicore.kernel.flow import Flow, Given, flow
from omnicore.kernel.ids import ChannelId, LineId, OrderId, ProductId, SkuId, VariantId
from omnicore.kernel.process import process, step
from omnicore.kernel.records import Put
from omnicore.kernel.store import Batch
from omnicore.kernel.text import Localized
from omnicore.kernel.time import Instant
from omnicore.ordering import order_of_channel, read_orders
from omnicore.parties import Seen, Teller
from omnicore.scenarios.cancel import cancel
from omnicore.scenarios.history import PastDocument, PastLine, import_history
from omnicore.scenarios.order_import import ToldLine, ToldOrder, import_orders
from omnicore.scenarios.promise_again import promise_again
from omnicore.scenarios.ship_from_store import rescue, send
from omnicore.testing import Clock, Ids, Outcome, Play, View, Weak, simulate
from omnicore.testing.clock import NOON
from omnicore.testing.shop import DC, GIFT, KYOTO, MARKET, SHIBUYA, unit
from tests.scenarios.story import Story, cart, opened, tracking

VIEWS = pytest.mark.parametrize("view", list(View))
POT = "POT-KYU-L"


class Forgetful(Weak):
    """Leaves out a write of a document that says what stands: no guard row is ever written."""

    @staticmethod
    def store(shop: Shop, *, writable: bool) -> MemoryStore:
        return _ForgetfulStore(shop, writable=writable)


class _ForgetfulStore(MemoryStore):
    def write(self, batch: Batch) -> None:
        super().write(evolve(batch, changes=tuple(each for each in batch.changes if not self._stands(each))))

    def _stands(self, change: object) -> bool:
        if not isinstance(change, Put):
            return False
        found = self.load(change.kind, [change.key]).get(change.key)
        return found is not None and found.body == change.body


def forgetful(database: Weak) -> Weak:
    """Give a copy that writes no guard row."""
    other = Forgetful()
    other._shops = database.copied()._shops
    return other


def whole_at(place: int) -> Callable[[Sequence[str]], int]:
    """Let the first play make so many moves, then the other all of its own, then the first go on."""
    made = [0]

    def choose(options: Sequence[str]) -> int:
        first = next((number for number, option in enumerate(options) if option.startswith("0:")), None)
        other = next((number for number, option in enumerate(options) if option.startswith("1:")), None)
        if first is not None and (made[0] < place or other is None):
            made[0] += 1
            return first
        return 0 if other is None else other

    return choose


def rivals(database: Weak, flows: tuple[Flow[object], Flow[object]], view: View, *, guards: bool) -> Iterator[Outcome]:
    """Play two commands, each whole at every moment of the other."""
    for first, second in (flows, flows[::-1]):
        for place in numbers():
            fresh = database.copied() if guards else forgetful(database)
            plays = [Play(flow=first), Play(flow=second)]
            outcome = simulate(plays, database=fresh, choose=whole_at(place), view=view)
            for answer in outcome.answers:
                assert not isinstance(answer, Conflict), outcome.schedule
            yield outcome
            if sum(move.startswith("0:") for move in outcome.schedule) < place:
                break


def host_of(outcome: Outcome) -> Host:
    """Look at the shop as it stands after a schedule."""
    return Host(outcome.database, clock=outcome.clock)


@frozen(kw_only=True)
class Pair:
    """Two commands on a shop, and what must hold after both."""

    database: Weak
    flows: tuple[Flow[object], Flow[object]]
    law: Callable[[Host], bool]

    def broken(self, view: View, *, guards: bool = True) -> int:
        """Count the schedules after which the law does not hold."""
        outcomes = [*rivals(self.database, self.flows, view, guards=guards)]
        assert len(outcomes) > 6, "every moment is tried"
        assert host_of(outcomes[0]).verify().differences == host_of(outcomes[-1]).verify().differences == ()
        return sum(not self.law(host_of(outcome)) for outcome in outcomes)


def planned_pieces(host: Host, order: OrderId) -> int:
    """Count the pieces nodes are to send or keep ready for an order."""
    work = host.run(delivery(order=order))
    parcels = [each for each in work.parcels if each.state in {ParcelState.PLANNED, ParcelState.PACKED}]
    pickups = [each for each in work.pickups if each.state in {PickupState.PLANNED, PickupState.PICKED}]
    items = [item for parcel in parcels for item in parcel.items] + [item for pick in pickups for item in pick.items]
    return sum(item.amount for item in items)


def packs_what_is_open(host: Host, order: OrderId) -> bool:
    """Whether nodes are to send no more than the order has open."""
    (found,) = host.run(read_orders(orders=(order,)))
    return planned_pieces(host, order) <= sum(line.open for line in found.lines)


# ----------------------------------------------------------------------------------------------------------- guard rows


@cache
def cancelled_or_promised() -> Pair:
    """Somebody cancels an order that came short while another has it promised again."""
    database = opened().copied()
    host = Host(database, clock=Clock(), new_id=Ids("short"))
    line = ToldLine(id=LineId("1"), variant=VariantId(POT), units=7, unit_price=8800, total=61600)
    seen = Seen(told_at=NOON, by=Teller.CHANNEL, basis="A")
    told = ToldOrder(external_id="A", revision=0, placed_at=NOON, lines=(line,), seen=seen)
    (order,) = host.run(import_orders(channel=MARKET, orders=(told,))).short
    host.run(receive(node=DC, units={unit(POT): 10}))
    return Pair(
        database=database,
        flows=(cancel(order=order), promise_again(channel=MARKET, orders=(order,))),
        law=lambda host: packs_what_is_open(host, order),
    )


@cache
def both_parcels_leave() -> Pair:
    """Two clerks hand over the two parcels of one gift set."""
    story = Story()
    story.host.run(sell_at_till(node=DC, units={unit("TEA-SEN-100"): 70}))
    story.host.run(sell_at_till(node=SHIBUYA, units={unit("CUP-CEL"): 8}))
    story.host.run(sell_at_till(node=KYOTO, units={unit("CUP-CEL"): 10}))
    order = story.bought(cart({GIFT: 1}))
    first, second = story.packed(order)

    def counted(host: Host) -> bool:
        (found,) = host.run(read_orders(orders=(order,)))
        return [line.shipped for line in found.lines] == [1]

    return Pair(
        database=story.database,
        flows=(
            send(parcel=first, tracking=tracking(first)),
            send(parcel=second, tracking=tracking(second)),
        ),
        law=counted,
    )


GUARDED = pytest.mark.parametrize("pair", [cancelled_or_promised, both_parcels_leave], ids=lambda pair: pair.__name__)


@VIEWS
@GUARDED
def test_a_guard_row_is_where_rivals_meet(pair: Callable[[], Pair], view: View) -> None:
    """Nobody packs for a cancelled order, and a bundle in two parcels is counted and paid, whoever acts at once."""
    assert pair().broken(view) == 0


@VIEWS
@GUARDED
def test_without_its_guard_row_the_law_breaks(pair: Callable[[], Pair], view: View) -> None:
    """A store that leaves out writes that change nothing breaks these laws, and the same test says so."""
    assert pair().broken(view, guards=False) > 0


# ------------------------------------------------------------------------------------------ rows that both write anyway


@cache
def cancelled_or_sent() -> Pair:
    """An order is cancelled while its parcel is handed to the carrier."""
    story = Story()
    order = story.bought(cart({"UMB-NVY": 1}))
    (parcel,) = story.packed(order)

    def one_of_both(host: Host) -> bool:
        (found,) = host.run(read_orders(orders=(order,)))
        gone = sum(each.state is ParcelState.SHIPPED for each in host.run(delivery(order=order)).parcels)
        return [(line.shipped, line.cancelled) for line in found.lines] == [(gone, 1 - gone)]

    flows = (cancel(order=order), send(parcel=parcel, tracking=tracking(parcel)))
    return Pair(database=story.database, flows=flows, law=one_of_both)


@cache
def cancelled_or_rescued() -> Pair:
    """An order is cancelled while its goods are moved to a node that still has them."""
    story = Story()
    order = story.bought(cart({"UMB-NVY": 1}))
    story.packed(order)
    story.host.run(sell_at_till(node=DC, units={unit("UMB-NVY"): 1}))

    def nothing_left(host: Host) -> bool:
        held = sum(found.held for found in host.run(stock(units=(unit("UMB-NVY"),), nodes=(DC, SHIBUYA, KYOTO))))
        return held == 0 and packs_what_is_open(host, order)

    flows = (cancel(order=order), rescue(node=DC, units=(unit("UMB-NVY"),)))
    return Pair(database=story.database, flows=flows, law=nothing_left)


@VIEWS
@pytest.mark.parametrize("pair", [cancelled_or_sent, cancelled_or_rescued], ids=lambda pair: pair.__name__)
def test_rivals_that_write_one_row_meet_there(pair: Callable[[], Pair], view: View) -> None:
    """An order's parcel is sent, moved or cancelled, never two of them, whoever acts at once."""
    assert pair().broken(view) == 0


# --------------------------------------------------------------------------------------------------------- serializable


@cache
def counted_twice() -> Pair:
    """Two clerks count one shelf and find the same."""
    database = opened().copied()
    found = {unit(POT): 3}

    def as_found(host: Host) -> bool:
        return host.run(stock(units=(unit(POT),), nodes=(DC,)))[0].on_hand == 3

    flows = (count(node=DC, found=found), count(node=DC, found=found))
    return Pair(database=database, flows=flows, law=as_found)


def coloured(variant: str, colour: str) -> Listing:
    """List one of the two variants of a shirt, in a colour."""
    shirt = ProductId("shirt")
    both = (VariantId("S-1"), VariantId("S-2"))
    single = Single(of=Component(sku=SkuId(POT)))
    return Listing(
        product=Product(id=shirt, title=Localized.of({"en": "Shirt"}), options=("colour",), variants=both),
        variants=(Variant(id=VariantId(variant), product=shirt, composition=single, options=(colour,)),),
    )


@cache
def chosen_alike() -> Pair:
    """Two editors give the two variants of a product the same colour."""
    database = opened().copied()
    host = Host(database, clock=Clock(), new_id=Ids("list"))
    first, second = coloured("S-1", "red"), coloured("S-2", "blue")
    host.run(put_products(listings=(evolve(first, variants=(*first.variants, *second.variants)),)))

    def told_apart(host: Host) -> bool:
        sold = host.run(find_sold(variants=(VariantId("S-1"), VariantId("S-2"))))
        return len({each.variant.options for each in sold}) == 2

    one, other = (put_products(listings=(coloured(name, "green"),)) for name in ("S-1", "S-2"))
    return Pair(database=database, flows=(one, other), law=told_apart)


def past(number: str, kind: str, units: int, variant: str, *, days: int) -> PastDocument:
    """Write an invoice of the past, or take one back."""
    at = Instant.parse("2010-12-01T08:26:00Z").plus(days=days)
    line = PastLine(kind=kind, variant=VariantId(variant), title="CAKE", units=units, price_micros=2_550_000)
    return PastDocument(number=number, at=at, customer="17850", lines=(line,))


@cache
def taken_back_across() -> Pair:
    """Two imports each hold a sale, and what takes back the sale of the other."""
    database = Weak()
    channel = ChannelId("past")
    # A buyer who is known already, so that the two imports have no new row in common.
    early = (past("0", "sale", 1, "85123A", days=-9),)
    host = Host(database, clock=Clock(), new_id=Ids("past"))
    host.acting(host.actor, purpose="import").run(import_history(channel=channel, currency="GBP", documents=early))
    halves = [
        (past("1", "sale", 1, "22423", days=0), past("C2", "cancellation", -1, "71053", days=2)),
        (past("2", "sale", 1, "71053", days=0), past("C1", "cancellation", -1, "22423", days=2)),
    ]
    first, second = (import_history(channel=channel, currency="GBP", documents=half) for half in halves)

    def one_found_its_sale(host: Host) -> bool:
        names = tuple(order_of_channel(channel, number) for number in "12")
        return sum(line.returned for order in host.run(read_orders(orders=names)) for line in order.lines) == 1

    return Pair(database=database, flows=(first, second), law=one_found_its_sale)


def guarding(flow: Flow[object]) -> Flow[object]:
    """Give the same command without its wish to stand as if it had run alone."""
    assert flow.definition.serializable
    return evolve(flow, definition=evolve(flow.definition, serializable=False))


ALONE = pytest.mark.parametrize(
    "pair", [counted_twice, chosen_alike, taken_back_across], ids=lambda pair: pair.__name__
)


@VIEWS
@ALONE
def test_what_spans_rows_stands_as_if_alone(pair: Callable[[], Pair], view: View) -> None:
    """A count, a listing and an import of the past do what they would have done one after another."""
    assert pair().broken(view) == 0


@VIEWS
@ALONE
def test_without_serializable_the_law_breaks(pair: Callable[[], Pair], view: View) -> None:
    """The same commands without their wish for isolation break their law, and the same test says so."""
    first, second = pair().flows
    assert evolve(pair(), flows=(guarding(first), guarding(second))).broken(view) > 0


# ------------------------------------------------------------------------------------------------------------- the host


@flow("test_isolation.inner", serializable=True)
async def inner(given: Given) -> int:
    """Need to stand as if alone."""
    return 1


@flow("test_isolation.outer")
async def outer(given: Given) -> int:
    """Await one that does, and not say so."""
    return await inner()


@flow("test_isolation.declared", serializable=True)
async def declared(given: Given) -> int:
    """Await one that does, and say so."""
    return await inner()


class Asked(Memory):
    """Remembers for which isolation it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bool] = []

    @contextmanager
    def writing(self, shop: str, *, serializable: bool = False) -> Iterator[MemoryStore]:
        self.asked.append(serializable)
        with super().writing(shop) as store:
            yield store


@process("test_isolation.steps")
async def steps(given: Given) -> int:
    """Run both sorts in steps."""
    return await step("plain", plain()) + await step("alone", declared())


@flow("test_isolation.plain")
async def plain(given: Given) -> int:
    """Need nothing."""
    return 1


def test_the_need_is_passed_on() -> None:
    """A command that must stand as if alone says so to the database: by itself, in a step, or as one of a group."""
    database = Asked()
    host = Host(database, new_id=Ids())
    host.run(plain())
    host.run(declared())
    assert database.asked == [False, True]
    host.run_many([(plain(), None), (plain(), None)])
    host.run_many([(plain(), None), (declared(), None)])
    assert database.asked[2:] == [False, True]
    host.run(steps())
    assert database.asked[4:] == [False, True, False]  # the last writes how it ended


def test_a_need_that_is_not_declared_is_a_bug() -> None:
    """A command that awaits one that must stand as if alone, and does not say so itself, is told of both by name."""
    host = Host(Asked(), new_id=Ids())
    with pytest.raises(AssertionError, match=r"test_isolation\.inner .*test_isolation\.outer"):
        host.run(outer())
