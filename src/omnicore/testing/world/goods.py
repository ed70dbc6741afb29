"""What do clerks do with goods all day, in any order, with mistakes?"""

from omnicore.fulfilment import (
    Pickup,
    PickupState,
    Tracking,
    deliver,
    delivery,
    draw_code,
    lose,
    pack,
    pick,
    to_pick,
    uncollected,
    waiting,
)
from omnicore.inventory import ScrapReason, Shelf, arrive, count, dispatch, holds_at_risk, receive, scrap, stock
from omnicore.kernel.ids import CartId, LineId, NodeId
from omnicore.kernel.personal import Personal
from omnicore.ordering import order_of_cart
from omnicore.payments import ProviderName, TenderMethod
from omnicore.returns import Condition, RequestedLine, ReturnPolicy, WithinDays
from omnicore.scenarios import bopis, boris, pos_sale
from omnicore.scenarios.ship_from_store import rescue, send
from omnicore.testing.shop import KYOTO, NODES, SHIBUYA, STORE
from omnicore.testing.world.stage import PROVIDER, SKUS, Stage, made_of

POLICY = ReturnPolicy(version="world", rules=(WithinDays(days=30),))
TILL = ProviderName("till")
_FEW = 3
_FRESH = 40


def _node(stage: Stage) -> NodeId:
    return stage.dice.choice(NODES)


def _units(stage: Stage, *, most: int, kinds: int = 2) -> dict[str, int]:
    return {sku: stage.dice.randint(1, most) for sku in stage.dice.sample(SKUS, stage.dice.randint(1, kinds))}


def come_in(stage: Stage) -> None:
    """Receive goods."""
    units = _units(stage, most=12, kinds=3)
    if stage.did(receive(node=_node(stage), units=units), key=stage.chance(0.5)):
        stage.auditor.stock.tell("received", units)


def be_counted(stage: Stage) -> None:
    """Count a shelf; mostly the books are right."""
    node, sku = _node(stage), stage.dice.choice(SKUS)
    (row,) = stage.ask(stock(units=(sku,), nodes=(node,)))
    found = {sku: max(0, row.on_hand + stage.dice.choice((0, 0, 0, 1, -1, -2)))}
    if stage.did(count(node=node, found=found), key=stage.chance(0.3)):
        stage.auditor.stock.tell("found", found)


def be_thrown_away(stage: Stage) -> None:
    """Scrap goods, from the shelf or from quarantine."""
    node, units = _node(stage), _units(stage, most=2, kinds=1)
    shelf = stage.dice.choice(tuple(Shelf))
    if stage.did(scrap(node=node, units=units, reason=ScrapReason.DAMAGED, shelf=shelf), key=stage.chance(0.3)):
        stage.auditor.stock.tell("scrapped", units)


def go_out_to_another_node(stage: Stage) -> None:
    """Dispatch a transfer; now and then more than is free."""
    source, target = stage.dice.sample(NODES, 2)
    units = _units(stage, most=200 if stage.chance(0.2) else 4)
    transfer = f"T{stage.number()}"
    if stage.did(dispatch(transfer=transfer, source=source, target=target, units=units), key=stage.chance(0.3)):
        stage.auditor.stock.tell("dispatched", units)
        stage.transfers.append((transfer, dict(units)))


def arrive_from_another_node(stage: Stage) -> None:
    """Book an arrival: whole, in part, with losses, or more than was sent."""
    if not stage.transfers:
        return
    place = stage.dice.randrange(len(stage.transfers))
    transfer, left = stage.transfers[place]
    sku = stage.dice.choice(sorted(left))
    lost = stage.dice.randint(0, min(1, left[sku]))
    received = left[sku] - lost if stage.chance(0.7) else stage.dice.randint(0, left[sku] + 1)
    told = {name: {sku: amount} if amount else {} for name, amount in (("received", received), ("lost", lost))}
    if not received and not lost:
        return
    if stage.did(arrive(transfer=transfer, received=told["received"], lost=told["lost"]), key=stage.chance(0.3)):
        stage.auditor.stock.tell("arrived", told["received"])
        stage.auditor.stock.tell("lost", told["lost"])
        left[sku] -= received + lost
        rest = {name: amount for name, amount in left.items() if amount}
        stage.transfers[place : place + 1] = [(transfer, rest)] if rest else []


def be_sold_at_a_till(stage: Stage) -> None:
    """Ring up what was carried to the till, promised or not; now and then a receipt twice."""
    again = stage.chance(0.05) and stage.numbers
    number = stage.dice.randint(1, stage.numbers) if again else stage.number()
    receipt, items = CartId(f"receipt-{number}"), stage.basket(most=2)
    order = order_of_cart(receipt)
    fresh = order not in stage.auditor.orders.over_counter
    if fresh:
        lines = {LineId(str(place)): pair for place, pair in enumerate(items.items(), 1)}
        stage.note_lines(order, dict(lines))
        stage.auditor.orders.over_counter.add(order)
    by_cash = stage.chance(0.6)
    sold = stage.run(
        pos_sale.sell(
            receipt=receipt,
            channel=STORE,
            node=stage.dice.choice((SHIBUYA, KYOTO)),
            items=items,
            till=TILL if by_cash else PROVIDER,
            method=TenderMethod.CASH if by_cash else TenderMethod.QR,
        ),
        key=stage.chance(0.5),
    )
    if sold is not None:
        stage.auditor.orders.told_gross[order] = sold.gross.minor
        stage.auditor.stock.tell("sold", sold.units)
        stage.placed.append(order)
        stage.delivered = [*stage.delivered[-_FRESH:], order]


def be_saved(stage: Stage) -> None:
    """Serve from elsewhere what a node has promised and no longer has."""
    node = _node(stage)
    if stage.ask(holds_at_risk(node=node, units=SKUS)):
        stage.run(rescue(node=node, units=SKUS))


def be_packed_and_picked(stage: Stage) -> None:
    """Do a node's next work."""
    listed = stage.ask(to_pick(node=_node(stage), limit=_FEW))
    for parcel in listed.parcels:
        if stage.did(pack(parcels=(parcel.id,)), key=stage.chance(0.2)):
            stage.packed.append(parcel)
    for pickup in listed.pickups:
        stage.run(pick(pickups=(pickup.id,)), key=stage.chance(0.2))
        if stage.chance(0.9):
            code = draw_code(stage.dice.getrandbits)
            if stage.run(bopis.make_ready(pickup=pickup.id, code=code, days=stage.dice.randint(1, 7))):
                _collect(stage, pickup, code)


def _collect(stage: Stage, pickup: Pickup, code: Personal[str]) -> None:
    if stage.chance(0.2):
        stage.run(bopis.collect(pickup=pickup.id, code=Personal("0000-0000-0000")))
    if stage.chance(0.6):
        stage.run(bopis.collect(pickup=pickup.id, code=code), key=stage.chance(0.5))


def be_sent(stage: Stage) -> None:
    """Hand packed parcels to the carrier; some are not at this node any more."""
    for _ in range(min(_FEW, len(stage.packed))):
        parcel = stage.packed.pop(stage.dice.randrange(len(stage.packed)))
        number = Tracking(carrier="yamabiko", number=f"N{stage.number()}")
        if stage.did(send(parcel=parcel.id, tracking=number), key=stage.chance(0.5)):
            stage.sent.append(parcel)
        elif stage.chance(0.8):
            stage.packed.append(parcel)


def be_delivered(stage: Stage) -> None:
    """Hear from the carrier."""
    for _ in range(min(_FEW, len(stage.sent))):
        parcel = stage.sent.pop(stage.dice.randrange(len(stage.sent)))
        if stage.chance(0.05):
            stage.run(lose(parcels=(parcel.id,)))
        elif stage.did(deliver(parcels=(parcel.id,)), key=stage.chance(0.2)):
            stage.delivered = [*stage.delivered[-_FRESH:], parcel.order]


def go_back_on_sale(stage: Stage) -> None:
    """Lapse what nobody has collected; now and then too early."""
    early = stage.chance(0.1)
    found = stage.ask(waiting(node=SHIBUYA, limit=_FEW) if early else uncollected(limit=_FEW))
    for pickup in found:
        assert pickup.state is PickupState.READY, "a list of what waits names what does not"
        stage.run(bopis.lapse(pickup=pickup.id), key=stage.chance(0.5))


def come_back(stage: Stage) -> None:
    """Take goods back at a store: in time or too late, as many as were bought or more."""
    if not stage.placed:
        return
    recent = stage.delivered if stage.delivered and stage.chance(0.7) else stage.placed
    order = stage.dice.choice(recent)
    lines = sorted(stage.auditor.orders.told_lines[order, 0])
    line, units = stage.dice.choice(lines), stage.dice.choice((1, 1, 1, 2, 5))
    asked = (RequestedLine(line=line, units=units, condition=stage.dice.choice(tuple(Condition))),)
    node = stage.dice.choice((SHIBUYA, KYOTO))
    back = stage.run(boris.return_in_store(order=order, lines=asked, node=node, policy=POLICY), key=stage.chance(0.5))
    if back is None:
        return
    stage.auditor.orders.told_refund[order] += back.refund.minor
    made_of_it = made_of(stage.auditor.variants[order, line])
    stage.auditor.stock.tell("returned", {sku: steps * units for sku, steps in made_of_it.items()})
    if asked[0].condition is Condition.DAMAGED:
        stage.auditor.stock.tell("scrapped", {sku: steps * units for sku, steps in made_of_it.items()})


def be_asked_after(stage: Stage) -> None:
    """Look at how an order reaches its buyer; its goods are planned as often as they were ordered."""
    if stage.placed:
        stage.ask(delivery(order=stage.dice.choice(stage.placed)))
