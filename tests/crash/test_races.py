"""Two people at the same goods, order or money at once: does what they are promised hold under every schedule?

The flows are the real ones, on a store that is weaker than any real database. Short ones are run under every schedule
there is. Long ones are run under every schedule that can matter: a flow's reads change nothing, so all that counts is
which of one flow's reads came before the other's one write, and those schedules are as many as it has reads.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product

import pytest
from attrs import evolve

from omnicore.host import Host
from omnicore.inventory import Need, Pool, accounts, availability, count, extend, hold, receive, release, set_pool, ship
from omnicore.kernel.audit import Overcommitted
from omnicore.kernel.errors import Conflict, Refused
from omnicore.kernel.ids import ChannelId, LineId, NodeId, OrderId, TransactionId
from omnicore.kernel.ledger import Account, HoldState
from omnicore.payments import Authorised, amounts_of, take_answer
from omnicore.scenarios.checkout import Placed, place, reserve
from omnicore.scenarios.letting_go import let_go
from omnicore.scenarios.order_import import import_orders
from omnicore.scenarios.pos_sale import sell
from omnicore.testing import Clock, Ids, Outcome, Pass, Play, View, Weak, interleavings, simulate
from omnicore.testing.clock import NOON
from omnicore.testing.shop import MARKET, SHIBUYA, STORE, unit
from tests.scenarios.story import Story, card, cart, opened, order_id, read_balances, read_holds
from tests.scenarios.test_order_import import customer_of, order_of, told
from tests.scenarios.test_pos_sale import TILL

SHELF = NodeId("shelf")
WEB = ChannelId("web")
TEE = "sku:TEE"
ON_HAND = Account(TEE, "node/shelf/on-hand")
VIEWS = pytest.mark.parametrize("view", list(View))


def every(plays: Sequence[Play | Pass], database: Weak, *, view: View, deep: bool) -> Iterator[Outcome]:
    """Run plays under every schedule; in a deep run, with any one commit lost or its answer lost, too."""
    for faults in (0, 1) if deep else (0,):
        yield from interleavings(plays, prepare=database.copied, view=view, faults=faults)


def tees(units: int) -> tuple[Need, ...]:
    """Need so many."""
    return (Need(line=LineId("1"), components={TEE: 1}, units=units),)


def held(name: str, units: int, *, seconds: int | None = None) -> Play:
    """Let a buyer hold tees, for a while or for good."""
    expires = None if seconds is None else NOON.plus(seconds=seconds)
    return Play(flow=hold(reservation=name, channel=WEB, needs=tees(units), expires=expires), command=f"hold-{name}")


@cache
def shelf(stock: int, promised: tuple[int, ...] = (), seconds: int | None = None) -> Weak:
    """Put tees on a shelf, some of them promised to r0, r1, ..."""
    database = Weak()
    host = Host(database, clock=Clock(), new_id=Ids("shelf"))
    host.run(set_pool(pool=Pool(channel=WEB, nodes=(SHELF,))))
    host.run(receive(node=SHELF, units={TEE: stock}))
    for number, units in enumerate(promised):
        host.run(held(f"r{number}", units, seconds=seconds).flow)
    return database


def looked(outcome: Outcome) -> Host:
    """Look at the shop as a schedule left it; its books add up."""
    host = Host(outcome.database, clock=outcome.clock)
    assert host.verify().differences == (), outcome.schedule
    assert not any(isinstance(answer, Conflict) for answer in outcome.answers), outcome.schedule
    return host


def free(host: Host) -> int:
    """Say how many tees may still be promised."""
    return host.run(availability(units=(TEE,), channel=WEB))[TEE]


@VIEWS
@pytest.mark.parametrize("stock", [3, 4])
def test_two_buyers_of_the_same_goods(stock: int, view: View, deep: bool) -> None:  # noqa: FBT001 - a fixture
    """Of two buyers who want two each, as many get theirs as there is stock for, also where an answer is lost."""
    plays = [held("a", 2), held("b", 2)]
    for outcome in every(plays, shelf(stock), view=view, deep=deep):
        assert outcome.succeeded == stock // 2, outcome.schedule
        assert free(looked(outcome)) == stock - 2 * outcome.succeeded


@VIEWS
def test_a_hold_that_ends_while_another_wants_it(view: View, deep: bool) -> None:  # noqa: FBT001 - a fixture
    """The last piece is kept by who held it or gets to who came after the hold's end, never both."""
    kept = Play(flow=extend(reservation="r0", expires=None), command="keep")
    plays: list[Play | Pass] = [held("b", 1), kept, Pass(seconds=60)]
    fates = set()
    for outcome in every(plays, shelf(1, (1,), 60), view=view, deep=deep):
        got, extended = (not isinstance(answer, Refused) for answer in outcome.answers[:2])
        fates.add((got, extended))
        assert not (got and extended), outcome.schedule
        host = looked(outcome)
        (shelf_now,) = host.run(read_balances(accounts=(ON_HAND,)))
        assert shelf_now.held - shelf_now.lapsed == got + extended
    assert {(True, False), (False, True)} <= fates, "both may win"


@VIEWS
def test_goods_that_are_shipped_and_released_at_once(view: View, deep: bool) -> None:  # noqa: FBT001 - a fixture
    """A held unit is shipped or given back, never both: the one that comes second is refused or has nothing to do."""
    name = accounts.hold_id("r0", 1)
    plays = [
        Play(flow=ship(reservation="r0", amounts={name: 2}), command="ship"),
        Play(flow=release(reservation="r0"), command="release"),
    ]
    for outcome in every(plays, shelf(3, (2,)), view=view, deep=deep):
        shipped = not isinstance(outcome.answers[0], Refused)
        host = looked(outcome)
        (found,) = host.run(read_holds(ids=(name,)))
        assert found.state is (HoldState.SETTLED if shipped else HoldState.VOIDED), outcome.schedule
        (shelf_now,) = host.run(read_balances(accounts=(ON_HAND,)))
        assert (shelf_now.posted, shelf_now.held) == (1 if shipped else 3, 0)


@VIEWS
@pytest.mark.parametrize("found", [0, 2, 4])
def test_a_count_while_somebody_buys(found: int, view: View, deep: bool) -> None:  # noqa: FBT001 - a fixture
    """A count is a fact: the books say what was found, and a promise it leaves uncovered is named at once."""
    plays = [Play(flow=count(node=SHELF, found={TEE: found}), command="count"), held("b", 2)]
    for outcome in every(plays, shelf(2), view=view, deep=deep):
        sold = not isinstance(outcome.answers[1], Refused)
        host = looked(outcome)
        (shelf_now,) = host.run(read_balances(accounts=(ON_HAND,)))
        assert shelf_now.posted == found, outcome.schedule
        assert sold or found < 2, outcome.schedule
        assert shelf_now.overcommitted is (2 * sold > found)
        host.work()
        with outcome.database.reading("main") as store:
            told = [row.read() for row in store.read() if row.type == "kernel.overcommitted.v1"]
        names = [risk.hold for each in told if isinstance(each, Overcommitted) for risk in each.at_risk]
        assert names == ([accounts.hold_id("b", 1)] if shelf_now.overcommitted else [])


# ----------------------------------------------------------------------------- long flows, every schedule that matters


def schedules(
    plays: Sequence[Play],
    *,
    prepare: Callable[[], Weak],
    clock: Clock | None = None,
    views: Sequence[View] = tuple(View),
) -> Iterator[Outcome]:
    """Run two flows so that each, in turn, is overtaken by the other after its first, second, ... read."""
    for slow, view in product(range(len(plays)), views):
        for moves in range(1000):
            made = 0

            def choose(options: Sequence[str], slow: int = slow, moves: int = moves) -> int:
                nonlocal made
                mine = [place for place, name in enumerate(options) if name.startswith(f"{slow}:")]
                others = [place for place in range(len(options)) if place not in mine]
                if others and (made >= moves or not mine):
                    return others[0]
                made += 1
                return mine[0]

            at = Clock() if clock is None else Clock(clock())
            yield simulate(plays, database=prepare(), choose=choose, view=view, clock=at)
            if made < moves:
                break


def seen(outcome: Outcome) -> Story:
    """Look at the shop as a schedule left it."""
    story = Story(database=outcome.database)
    story.clock.set(outcome.clock())
    assert story.host.verify().differences == (), outcome.schedule
    assert not any(isinstance(answer, Conflict) for answer in outcome.answers), outcome.schedule
    return story


def test_the_same_order_imported_twice_at_once() -> None:
    """Two workers import the same order, and two orders of one buyer: one order each, promised once, one customer."""
    first = told(1, {"TEA-SEN-100": 2})
    second = evolve(told(2, {"TEA-SEN-100": 1}), seen=evolve(first.seen, basis="second"))
    before = Story().free("TEA-SEN-100", channel=MARKET)[unit("TEA-SEN-100")]
    tries = 0
    for orders in ([first, first], [first, evolve(first, revision=1)], [first, second]):
        plays = [Play(flow=import_orders(channel=MARKET, orders=(each,))) for each in orders]
        for outcome in schedules(plays, prepare=opened().copied, views=[View.LATEST]):
            tries += 1
            story = seen(outcome)
            assert outcome.succeeded == 2, outcome.schedule
            numbers = {int(each.external_id.removeprefix("R-")) for each in orders}
            assert len({customer_of(story, number) for number in numbers}) == 1, outcome.schedule
            newest = max(each.revision for each in orders if each.external_id == "R-1")
            assert story.the_order(order_of(1)).revision == newest
            left = story.free("TEA-SEN-100", channel=MARKET)[unit("TEA-SEN-100")]
            assert before - left == sum(2 if number == 1 else 1 for number in numbers), outcome.schedule
            assert all(len(story.delivery(order_of(number)).parcels) == 1 for number in numbers)
    assert tries > 60


def test_a_cart_in_two_windows() -> None:
    """Two windows check one cart out at once: one holds the goods and opens the payment, the other is refused."""
    template = Story()
    wanted = cart({"UMB-NVY": 4})
    offers = [template.quoted(wanted) for _ in range(2)]
    plays = [
        Play(flow=reserve(quote=each.quote, shown=each.gross, tenders=(card(each.gross),), hold_minutes=30))
        for each in offers
    ]
    for outcome in schedules(plays, prepare=template.database.copied):
        assert outcome.succeeded == 1, outcome.schedule
        story = seen(outcome)
        assert sum(story.held(order_id(wanted)).values()) == 4
        assert len(story.payment(order_id(wanted)).transactions) == 1


def test_two_carts_and_not_enough_for_both() -> None:
    """Two carts that want four of six umbrellas each: one gets them, wherever the other was overtaken."""
    template = Story()
    carts = [cart({"UMB-NVY": 4, "SOCKS-GRY": 1}, id=name) for name in ("a", "b")]
    offers = [template.quoted(each) for each in carts]
    plays = [
        Play(flow=reserve(quote=each.quote, shown=each.gross, tenders=(card(each.gross),), hold_minutes=30))
        for each in offers
    ]
    for outcome in schedules(plays, prepare=template.database.copied):
        assert outcome.succeeded == 1, outcome.schedule
        story = seen(outcome)
        assert sorted(sum(story.held(order_id(each)).values()) for each in carts) == [0, 5]


@pytest.mark.parametrize("minutes", [0, 45])
def test_an_order_placed_and_given_up_at_once(minutes: int) -> None:
    """One confirms what another gives up: the order stands with its goods and money, or nothing of it is left."""
    template = Story()
    wanted = cart({"UMB-NVY": 2})
    offer = template.quoted(wanted, good_for_minutes=120)
    reserved = template.host.run(
        reserve(quote=offer.quote, shown=offer.gross, tenders=(card(offer.gross),), hold_minutes=30)
    )
    order = reserved.order
    authorised(template, order)
    template.clock.advance(minutes=minutes)
    plays = [Play(flow=place(quote=offer.quote)), Play(flow=let_go(order=order))]
    fates = set()
    for outcome in schedules(plays, prepare=template.database.copied, clock=template.clock):
        story = seen(outcome)
        placed = isinstance(outcome.answers[0], Placed)
        fates.add(placed)
        held_now = sum(story.held(order).values())
        letting_go = [each for each in story.payment(order).transactions if each.id == "card-cancel-1"]
        assert (story.order(order) is not None) is placed, outcome.schedule
        assert (held_now, len(letting_go)) == ((2, 0) if placed else (0, 1)), outcome.schedule
        assert amounts_of(story.payment(order)).authorised == offer.gross
    assert fates == {True, False}, "both may win"


def authorised(story: Story, order: OrderId) -> None:
    """Let the provider say yes to a checkout's card."""
    yes = Authorised(reference="fake-1", at=story.clock())
    story.host.run(take_answer(order=order, transaction=TransactionId("card-authorise"), answer=yes))


def test_a_till_and_a_checkout_at_once() -> None:
    """The till's sale is always recorded; the checkout is refused, or the units it now lacks are named."""
    template = Story()
    wanted = cart({"UMB-NVY": 6})
    offer = template.quoted(wanted)
    checkout = reserve(quote=offer.quote, shown=offer.gross, tenders=(card(offer.gross),), hold_minutes=30)
    items = {wanted.lines[0].variant: 2}
    sale = sell(receipt=cart({"UMB-NVY": 2}, id="R-1").id, channel=STORE, node=SHIBUYA, items=items, till=TILL)
    for outcome in schedules([Play(flow=checkout), Play(flow=sale)], prepare=template.database.copied):
        assert not isinstance(outcome.answers[1], Refused), outcome.schedule
        story = seen(outcome)
        assert story.at("UMB-NVY", SHIBUYA).on_hand == 2
        got = not isinstance(outcome.answers[0], Refused)
        assert sum(story.held(order_id(wanted)).values()) == 6 * got
        assert len(story.events("kernel.overcommitted.v1")) == got
