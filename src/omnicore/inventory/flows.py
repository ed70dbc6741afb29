"""Which commands on stock can be run as they are? Each reads, lets ``decide`` or its neighbours judge, and writes.

Scenarios that join stock with orders or parcels use the same decisions and merge their writes.
"""

from collections.abc import Mapping

from omnicore.inventory import decide, movements, resourcing
from omnicore.inventory.accounts import in_transit, on_hand, reservation_of, shelves
from omnicore.inventory.errors import NoTransfer
from omnicore.inventory.kinds import POOLS, RESERVATIONS, TRANSFERS
from omnicore.inventory.model import Allocation, Need, Pool, Reservation, Share, Transfer, checked_units
from omnicore.inventory.pooling import demand
from omnicore.inventory.questions import held_under, pool_of, reservation_under
from omnicore.inventory.states import ScrapReason, Shelf
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, balances, flow, get, load, write
from omnicore.kernel.ids import ChannelId, LineId, NodeId
from omnicore.kernel.time import Instant

# ---------------------------------------------------------------------------------------------------------------- facts


@flow("inventory.receive")
async def receive(given: Given, *, node: NodeId, units: Mapping[str, int], reference: str | None = None) -> None:
    """Book goods in from a supplier."""
    await write(movements.receive(node=node, units=units, id=given.new_id(), reference=reference))


@flow("inventory.count", serializable=True)
async def count(given: Given, *, node: NodeId, found: Mapping[str, int]) -> None:
    """Book what was found on a node's shelf; the figure of the books is not asked of whoever counts."""
    found = checked_units(found, "$.found", least=0)
    read = await balances(shelves(found, [node]))
    await write(movements.count(node=node, found=found, balances=read, id=given.new_id()))


@flow("inventory.scrap")
async def scrap(
    given: Given, *, node: NodeId, units: Mapping[str, int], reason: ScrapReason, shelf: Shelf = Shelf.ON_HAND
) -> None:
    """Book goods out that are thrown away."""
    await write(movements.scrap(node=node, units=units, reason=reason, shelf=shelf, id=given.new_id()))


@flow("inventory.sell_at_till")
async def sell_at_till(given: Given, *, node: NodeId, units: Mapping[str, int], reference: str | None = None) -> None:
    """Book a sale over the counter; where that leaves less than is promised, the ledger says so."""
    await write(movements.sell_at_till(node=node, units=units, id=given.new_id(), reference=reference))


@flow("inventory.restock")
async def restock(
    given: Given,
    *,
    node: NodeId,
    units: Mapping[str, int],
    shelf: Shelf = Shelf.ON_HAND,
    reference: str | None = None,
) -> None:
    """Book goods back from a customer, onto the shelf or into quarantine."""
    await write(movements.restock(node=node, units=units, shelf=shelf, id=given.new_id(), reference=reference))


@flow("inventory.dispatch")
async def dispatch(_given: Given, *, transfer: str, source: NodeId, target: NodeId, units: Mapping[str, int]) -> None:
    """Send goods from one node to another, under the transfer's own number.

    Raises: OutOfStock.
    """
    sent = Transfer(id=transfer, source=source, target=target, units=units)
    await write(movements.dispatch(sent, balances=await balances(shelves(sent.units, [source]))))


@flow("inventory.arrive")
async def arrive(
    given: Given, *, transfer: str, received: Mapping[str, int], lost: Mapping[str, int] | None = None
) -> None:
    """Book what has arrived of a transfer, and what is given up for lost.

    Raises: NoTransfer, NotInTransit.
    """
    stored = await get(TRANSFERS, transfer)
    if stored is None:
        raise NoTransfer(transfer=transfer)
    read = await balances(in_transit(unit, transfer) for unit in stored.value.units)
    await write(movements.arrive(stored, received=received, lost=lost or {}, balances=read, id=given.new_id()))


# ------------------------------------------------------------------------------------------------------------- promises


@flow("inventory.set_pool")
async def set_pool(_given: Given, *, pool: Pool) -> None:
    """Say from where a channel promises from now on."""
    await write(decide.set_pool(pool, stored=await get(POOLS, pool.channel)))


@flow("inventory.hold")
async def hold(
    given: Given, *, reservation: str, channel: ChannelId, needs: tuple[Need, ...], expires: Instant | None = None
) -> tuple[Allocation, ...]:
    """Promise what lines need from a channel's pool, until an instant or for good; adds to what is held already.

    Raises: OutOfStock, NoPool.
    """
    if expires is not None and expires <= given.at:
        raise Malformed("$.expires", "must be yet to come")
    pool = await pool_of(channel)
    into = await get(RESERVATIONS, reservation) or Reservation(id=reservation, channel=channel)
    read = await balances(shelves(demand(needs), pool.nodes))
    promised = decide.hold(needs, into=into, pool=pool, balances=read, expires=expires)
    await write(promised.writes)
    return promised.allocations


@flow("inventory.allocate")
async def allocate(
    _given: Given, *, reservation: str, channel: ChannelId, shares: tuple[Share, ...]
) -> tuple[Allocation, ...]:
    """Promise shares at the nodes they name, for an order.

    Raises: OutOfStock, NoPool.
    """
    pool = await pool_of(channel)
    into = await get(RESERVATIONS, reservation) or Reservation(id=reservation, channel=channel)
    read = await balances(on_hand(share.unit, share.node) for share in shares)
    promised = decide.allocate(shares, into=into, pool=pool, balances=read)
    await write(promised.writes)
    return promised.allocations


@flow("inventory.extend")
async def extend(given: Given, *, reservation: str, expires: Instant | None) -> None:
    """Give a reservation's holds another end; none makes them allocations for an order.

    Raises: NoReservation, HoldEnded.
    """
    stored = await reservation_under(reservation)
    await write(decide.extend([stored], held=await held_under([stored]), at=given.at, expires=expires))


@flow("inventory.ship")
async def ship(given: Given, *, reservation: str, amounts: Mapping[str, int]) -> None:
    """Let promised goods leave: steps by hold.

    Raises: NoReservation, HoldEnded, NotOnShelf.
    """
    stored = await reservation_under(reservation)
    held = await held_under([stored])
    read = await balances(held[name].account for name in amounts if name in held)
    await write(decide.ship(stored, amounts=amounts, held=held, balances=read, at=given.at, id=given.new_id()))


@flow("inventory.release")
async def release(_given: Given, *, reservation: str, lines: tuple[LineId, ...] | None = None) -> None:
    """Give promises back, of some lines or of all.

    Raises: NoReservation.
    """
    stored = await reservation_under(reservation)
    chosen = None if lines is None else frozenset(lines)
    await write(decide.release(stored, held=await held_under([stored]), lines=chosen))


@flow("inventory.move_holds")
async def move_holds(given: Given, *, places: Mapping[str, Mapping[NodeId, int]]) -> None:
    """Promise from other nodes what holds have left: steps by node, for each hold.

    Raises: NoReservation, HoldEnded, OutOfStock.
    """
    owners = {name: reservation_of(name) for name in places}
    stored = tuple((await load(RESERVATIONS, {owner for owner in owners.values() if owner})).values())
    pools = await load(POOLS, {each.value.channel for each in stored})
    held = await held_under(stored)
    known = [held[name] for name in places if name in held]
    nodes = {node for row in places.values() for node in row}
    read = await balances([*(each.account for each in known), *shelves({each.unit for each in known}, nodes)])
    await write(
        resourcing.move_holds(
            places,
            reservations=stored,
            pools={ChannelId(channel): pool.value for channel, pool in pools.items()},
            held=held,
            balances=read,
            at=given.at,
        )
    )
