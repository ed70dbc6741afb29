"""Does a shop whose people all want the same goods keep every promise it makes, and make every promise it can?"""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore import inventory
from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.inventory import (
    Buffer,
    HoldEnded,
    Need,
    NoPool,
    NoReservation,
    NotOnShelf,
    OutOfStock,
    Pool,
    Reservation,
    Share,
    Stock,
    on_hand,
)
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, flow, write
from omnicore.kernel.ids import ChannelId, LineId, NodeId
from omnicore.kernel.ledger import Account, Balance, Floor, Hold, Post
from omnicore.kernel.store import Writes
from omnicore.testing.clock import Clock, Ids
from omnicore.testing.strategies import inventory as strategies

DC, GINZA, WEB = NodeId("dc"), NodeId("ginza"), ChannelId("web")
TEE, MUG = "sku:TEE", "sku:MUG"


def a_shop(*, clock: Clock | None = None, pool: Pool | None = None, **units: int) -> Host:
    """Give a shop with a pool over both nodes and so much of the tee at each."""
    host = Host(Memory(), clock=clock or Clock(), new_id=Ids())
    host.run(inventory.set_pool(pool=pool or Pool(channel=WEB, nodes=(DC, GINZA))))
    for node, amount in units.items():
        host.run(inventory.receive(node=NodeId(node), units={TEE: amount}))
    return host


def need(units: int, *, line: str = "1", **components: int) -> Need:
    """Give what a line of tees needs, or of something made of several SKUs."""
    return Need(
        line=LineId(line),
        components={f"sku:{sku}": steps for sku, steps in components.items()} or {TEE: 1},
        units=units,
    )


def row(host: Host, node: NodeId) -> Stock:
    """Say how the tee stands at a node."""
    (found,) = host.run(inventory.stock(units=(TEE,), nodes=(node,)))
    return found


@flow("test.inventory.keep_back")
async def keep_back(_given: Given, *, floor: int) -> None:
    """Say how many tees must stay at the centre."""
    await write(Writes(moves=(Floor(unit=TEE, path=on_hand(TEE, DC).path, floor=floor),)))


@flow("test.inventory.promise")
async def promise(given: Given, *, rows: tuple[Balance, ...]) -> None:
    """Put plenty on accounts and promise of it what balances say is held; what has lapsed by then ends in an hour."""
    moves: list[Post | Hold] = []
    for balance in rows:
        unit, path = balance.account.unit, balance.account.path
        here = f"{path}/{unit}"
        moves.append(Post(id=f"in/{here}", unit=unit, source="world/supplier", target=path, amount=100, fact=True))
        ends = ((balance.held - balance.lapsed, None), (balance.lapsed, given.at.plus(hours=1)))
        moves += [
            Hold(id=f"{end}/{here}", unit=unit, source=path, target="world/customer", amount=amount, expires=end)
            for amount, end in ends
            if amount
        ]
    await write(Writes(moves=tuple(moves)))


@flow("test.inventory.turn_out")
async def turn_out(_given: Given, *, rows: tuple[Balance, ...]) -> None:
    """Let accounts turn out to have what balances say, whatever has been promised, and set their floors."""
    moves: list[Post | Floor] = []
    for balance in rows:
        unit, path = balance.account.unit, balance.account.path
        away = 100 - balance.posted
        moves.append(Post(id=f"out/{path}/{unit}", unit=unit, source=path, target="world/loss", amount=away, fact=True))
        moves.append(Floor(unit=unit, path=path, floor=balance.floor))
    await write(Writes(moves=tuple(moves)))


@given(strategies.pools(), strategies.balances(), st.sampled_from(strategies.FEW_UNITS))
def test_what_is_shown_is_what_is_granted(pool: Pool, balances: dict[Account, Balance], unit: str) -> None:
    """A channel is granted all it is shown and not one step more, whatever is held, short or kept back."""
    clock = Clock()
    host = a_shop(clock=clock, pool=pool)
    host.run(promise(rows=tuple(balances.values())))
    host.run(turn_out(rows=tuple(balances.values())))
    clock.advance(hours=1)
    shown = host.run(inventory.availability(units=(unit,), channel=pool.channel))[unit]

    def hold(units: int) -> None:
        wanted = Need(line=LineId("1"), components={unit: 1}, units=units)
        host.run(inventory.hold(reservation="o1", channel=pool.channel, needs=(wanted,)))

    with pytest.raises(OutOfStock) as refused:
        hold(shown + 1)
    assert refused.value.facts["available"] == shown
    if shown:
        hold(shown)
        assert host.run(inventory.availability(units=(unit,), channel=pool.channel)) == {unit: 0}


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.integers(0, 6), st.integers(0, 6), st.integers(0, 2))
def test_everybody_who_can_be_served_is(wants: list[int], at_dc: int, at_ginza: int, buffer: int) -> None:
    """Buyer after buyer, each gets what is still there or is told how much is: never more, never less."""
    pool = Pool(channel=WEB, nodes=(DC, GINZA), buffers=(Buffer(steps=buffer, node=GINZA),))
    host = a_shop(pool=pool)
    host.run(inventory.count(node=DC, found={TEE: at_dc}))
    host.run(inventory.count(node=GINZA, found={TEE: at_ginza}))
    left = at_dc + max(0, at_ginza - buffer)
    for number, units in enumerate(wants):
        asked = inventory.hold(reservation=f"cart-{number}", channel=WEB, needs=(need(units),))
        if units <= left:
            granted = host.run(asked)
            assert sum(each.share.amount for each in granted) == units
            left -= units
        else:
            with pytest.raises(OutOfStock):
                host.run(asked)
    assert row(host, GINZA).available >= min(buffer, at_ginza)
    assert not host.verify().differences


def test_a_cart_holds_until_its_time_and_no_longer() -> None:
    """What a cart holds is nobody else's until its time is over, and anybody's from that very moment."""
    clock = Clock()
    host = a_shop(clock=clock, dc=1)
    end = clock().plus(minutes=10)
    host.run(inventory.hold(reservation="cart-1", channel=WEB, needs=(need(1),), expires=end))
    clock.advance(minutes=10, micros=-1)
    with pytest.raises(OutOfStock):
        host.run(inventory.hold(reservation="cart-2", channel=WEB, needs=(need(1),)))
    clock.advance(micros=1)
    assert (row(host, DC).held, row(host, DC).available) == (0, 1)
    with pytest.raises(HoldEnded):
        host.run(inventory.ship(reservation="cart-1", amounts={"stock/cart-1/1": 1}))
    host.run(inventory.hold(reservation="cart-2", channel=WEB, needs=(need(1),)))

    with pytest.raises(HoldEnded):
        host.run(inventory.extend(reservation="cart-1", expires=None))
    assert not host.verify().differences


def test_a_placed_order_keeps_what_its_cart_held() -> None:
    """Once an order is placed, what its cart held is kept until it is shipped or cancelled, however long it takes."""
    clock = Clock()
    host = a_shop(clock=clock, dc=1)
    host.run(inventory.hold(reservation="o1", channel=WEB, needs=(need(1),), expires=clock().plus(minutes=10)))
    host.run(inventory.extend(reservation="o1", expires=None))
    clock.advance(days=400)

    with pytest.raises(OutOfStock):
        host.run(inventory.hold(reservation="cart-2", channel=WEB, needs=(need(1),)))
    with pytest.raises(Malformed):
        host.run(inventory.hold(reservation="cart-2", channel=WEB, needs=(need(1),), expires=clock()))


@given(st.integers(1, 6), st.lists(st.integers(1, 4), max_size=5))
def test_each_unit_of_a_promise_ends_once(held: int, parts: list[int]) -> None:
    """Shipped in parts and the rest released, a promise ends exactly once for each of its units."""
    host = a_shop(dc=9)
    (granted,) = host.run(inventory.hold(reservation="o1", channel=WEB, needs=(need(held),)))
    left = held
    for part in parts:
        if part <= left:
            host.run(inventory.ship(reservation="o1", amounts={granted.hold: part}))
            left -= part
        else:
            with pytest.raises(HoldEnded) as refused:
                host.run(inventory.ship(reservation="o1", amounts={granted.hold: part}))
            assert refused.value.facts["left"] == left
    assert (row(host, DC).on_hand, row(host, DC).held) == (9 - held + left, left)
    for _ in range(2):
        host.run(inventory.release(reservation="o1"))
        assert (row(host, DC).on_hand, row(host, DC).held) == (9 - held + left, 0)
    assert not host.verify().differences


def test_a_placed_order_can_be_shipped_in_part_before_it_is_kept() -> None:
    """A cart of which something has left already keeps the rest; a cart of which time has taken something does not."""
    host = a_shop(dc=3)
    first, _ = host.run(inventory.hold(reservation="o1", channel=WEB, needs=(need(1), need(2, line="2"))))
    host.run(inventory.ship(reservation="o1", amounts={first.hold: 1}))
    host.run(inventory.extend(reservation="o1", expires=None))
    with pytest.raises(Malformed):
        host.run(inventory.ship(reservation="o1", amounts={}))

    assert (row(host, DC).on_hand, row(host, DC).held) == (2, 2)


def test_a_floor_is_never_sold_through() -> None:
    """What must stay at a node stays there, whichever is more: the node's own floor or the channel's buffer."""
    for floor, buffer in ((4, 2), (2, 4)):
        host = a_shop(pool=Pool(channel=WEB, nodes=(DC,), buffers=(Buffer(steps=buffer),)), dc=5)
        host.run(keep_back(floor=floor))
        assert host.run(inventory.availability(units=(TEE,), channel=WEB)) == {TEE: 1}
        host.run(inventory.hold(reservation="o1", channel=WEB, needs=(need(1),)))


def test_the_books_know_the_buffer_too() -> None:
    """Each promise tells the books how much must stay, so two carts at one moment cannot both take the last."""
    pool = Pool(channel=WEB, nodes=(DC,), buffers=(Buffer(steps=2),))
    account = on_hand(TEE, DC)
    promised = inventory.decide.hold(
        [need(1)],
        into=Reservation(id="o1", channel=WEB),
        pool=pool,
        balances={account: Balance(account=account, posted=3)},
    )
    assert [move.floor for move in promised.writes.moves if isinstance(move, Hold)] == [2]


def test_one_line_can_be_given_up_alone() -> None:
    """Releasing a line frees its goods and leaves the other lines promised."""
    host = a_shop(dc=5)
    host.run(inventory.hold(reservation="o1", channel=WEB, needs=(need(1), need(2, line="2"))))
    host.run(inventory.release(reservation="o1", lines=(LineId("1"),)))

    assert row(host, DC).held == 2
    assert [each.share.line for each in host.run(inventory.reserved(reservation="o1")).allocations] == ["2"]


def test_nothing_leaves_a_shelf_that_is_empty() -> None:
    """A promise is not shipped from a shelf that a till has emptied; the refusal says what is there."""
    host = a_shop(dc=2)
    (granted,) = host.run(inventory.hold(reservation="o1", channel=WEB, needs=(need(2),)))
    host.run(inventory.sell_at_till(node=DC, units={TEE: 1}))
    with pytest.raises(NotOnShelf) as refused:
        host.run(inventory.ship(reservation="o1", amounts={granted.hold: 2}))

    assert {"sku": "TEE", "node": "dc", "asked": 2, "on_hand": 1}.items() <= dict(refused.value.facts).items()
    assert row(host, DC).held == 2


def test_a_sale_at_a_till_names_the_promise_it_breaks() -> None:
    """A till sells what lies there; the latest promise that it breaks is named, and moved elsewhere."""
    host = a_shop(dc=1, ginza=2)
    first = Share(line=LineId("1"), unit=TEE, node=GINZA, amount=1)
    for order in ("o1", "o2"):
        host.run(inventory.allocate(reservation=order, channel=WEB, shares=(first,)))
    host.run(inventory.sell_at_till(node=GINZA, units={TEE: 1}))
    (risk,) = host.run(inventory.holds_at_risk(node=GINZA, units=(TEE,)))
    assert (risk.reservation, risk.line, risk.left, risk.short) == ("o2", "1", 1, 1)
    host.run(inventory.move_holds(places={risk.hold: {DC: 1}}))

    assert host.run(inventory.holds_at_risk(node=GINZA, units=(TEE,))) == ()
    (moved,) = host.run(inventory.reserved(reservation="o2")).allocations
    assert (moved.share.node, moved.share.line, moved.hold != risk.hold) == (DC, "1", True)
    host.run(inventory.ship(reservation="o2", amounts={moved.hold: 1}))
    assert not host.verify().differences


def test_a_promise_moves_only_where_there_is_room() -> None:
    """A promise is moved whole, to nodes of its channel that have enough beyond their buffer, or not at all."""
    pool = Pool(channel=WEB, nodes=(DC, GINZA), buffers=(Buffer(steps=1, node=DC), Buffer(steps=2, node=GINZA)))
    host = a_shop(pool=pool, dc=2, ginza=5, umeda=9)
    share = Share(line=LineId("1"), unit=TEE, node=GINZA, amount=3)
    (granted,) = host.run(inventory.allocate(reservation="o1", channel=WEB, shares=(share,)))
    host.run(inventory.count(node=GINZA, found={TEE: 2}))
    before = row(host, DC), row(host, GINZA)
    for places, error in (
        ({DC: 2, GINZA: 1}, OutOfStock),
        ({GINZA: 3}, OutOfStock),
        ({NodeId("umeda"): 3}, OutOfStock),
        ({DC: 1}, Malformed),
    ):
        with pytest.raises(error):
            host.run(inventory.move_holds(places={granted.hold: places}))
        assert (row(host, DC), row(host, GINZA)) == before
    with pytest.raises(NoReservation):
        host.run(inventory.move_holds(places={"stock/o9/1": {DC: 1}}))

    host.run(inventory.move_holds(places={granted.hold: {DC: 1, GINZA: 2}}))
    assert (row(host, DC).held, row(host, GINZA).held) == (1, 2)
    assert host.run(inventory.holds_at_risk(node=GINZA, units=(TEE,))) == ()


def test_a_bundle_is_promised_whole_or_not_at_all() -> None:
    """If one part of a bundle is missing, none of its parts is promised to anybody."""
    host = a_shop(dc=5)
    host.run(inventory.receive(node=GINZA, units={MUG: 3}))
    with pytest.raises(OutOfStock) as refused:
        host.run(inventory.hold(reservation="o1", channel=WEB, needs=(need(2, TEE=1, MUG=2),)))
    assert {"sku": "MUG", "asked": 4, "available": 3}.items() <= dict(refused.value.facts).items()
    assert row(host, DC).held == 0

    granted = host.run(inventory.hold(reservation="o1", channel=WEB, needs=(need(1, TEE=1, MUG=2),)))
    assert {(each.share.unit, each.share.node, each.share.amount) for each in granted} == {
        (TEE, DC, 1),
        (MUG, GINZA, 2),
    }


def test_what_nobody_has_set_up_is_refused_by_name() -> None:
    """A channel without a pool promises nothing, and an unknown order has nothing to ship, keep or release."""
    host = a_shop(dc=1)
    with pytest.raises(NoPool):
        host.run(inventory.hold(reservation="o1", channel=ChannelId("fax"), needs=(need(1),)))
    unknown = (
        inventory.release(reservation="o9"),
        inventory.extend(reservation="o9", expires=None),
        inventory.ship(reservation="o9", amounts={"stock/o9/1": 1}),
    )
    for command in unknown:
        with pytest.raises(NoReservation):
            host.run(command)
    with pytest.raises(Malformed):
        host.run(inventory.hold(reservation="o1", channel=WEB, needs=()))
    with pytest.raises(Malformed):
        host.run(inventory.allocate(reservation="o1", channel=WEB, shares=()))
    with pytest.raises(Malformed):
        host.run(inventory.stock(units=(TEE,) * 50_001, nodes=(DC, GINZA)))


def test_the_same_command_twice_is_once() -> None:
    """A receipt or an order that is sent twice under one number counts once."""
    host = a_shop()
    for _ in range(2):
        host.run(inventory.receive(node=DC, units={TEE: 2}, reference="po-1"), command="po-1")
        granted = host.run(inventory.hold(reservation="o1", channel=WEB, needs=(need(1),)), command="order-1")
        assert [each.hold for each in granted] == ["stock/o1/1"]

    assert (row(host, DC).on_hand, row(host, DC).held) == (2, 1)


@given(st.lists(st.tuples(st.sampled_from("hsrctm"), st.integers(1, 4)), max_size=12))
def test_no_unit_is_made_or_lost(story: Iterable[tuple[str, int]]) -> None:
    """Whatever is received, counted, sent, sold, promised and released, the books add up and nothing is oversold."""
    host = a_shop(dc=6, ginza=2)
    for number, (what, units) in enumerate(story):
        facts = what in "ct"
        commands = {
            "h": inventory.hold(reservation=f"o{number}", channel=WEB, needs=(need(units),)),
            "s": inventory.dispatch(transfer=f"t{number}", source=DC, target=GINZA, units={TEE: units}),
            "r": inventory.release(reservation=f"o{number - 1}"),
            "c": inventory.count(node=DC, found={TEE: units}),
            "t": inventory.sell_at_till(node=GINZA, units={TEE: units}),
            "m": inventory.arrive(transfer=f"t{number - 1}", received={TEE: units}),
        }
        before = [row(host, node) for node in (DC, GINZA)]
        try:
            host.run(commands[what])
        except (inventory.OutOfStock, inventory.NoReservation, inventory.NoTransfer, inventory.NotInTransit):
            assert not facts, "a fact is never refused"
            assert [row(host, node) for node in (DC, GINZA)] == before, "a refusal changes nothing"
        for old, new in zip(before, (row(host, DC), row(host, GINZA)), strict=True):
            assert facts or new.available >= min(0, old.available)
    assert not host.verify().differences
