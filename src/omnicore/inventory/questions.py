"""What can be asked of stock? Each question reads one snapshot and writes nothing.

``pool_of``, ``reservation_under`` and ``held_under`` are the reads that commands and scenarios begin with, too.
"""

from collections.abc import Iterable, Mapping

from omnicore.inventory.accounts import on_hand, quarantine, reservation_of, shelves
from omnicore.inventory.errors import NoPool, NoReservation
from omnicore.inventory.kinds import POOLS, RESERVATIONS
from omnicore.inventory.model import Pool, Reservation, Risk, Stock
from omnicore.inventory.pooling import available
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, balances, get, holds, load, open_holds, question
from omnicore.kernel.ids import ChannelId, NodeId
from omnicore.kernel.ledger import Held
from omnicore.kernel.records import Stored
from omnicore.kernel.shortage import holds_at_risk as at_risk

MAX_ASKED = 100_000
"""SKUs times nodes in one question."""


async def pool_of(channel: ChannelId) -> Pool:
    """Read a channel's pool.

    Raises: NoPool.
    """
    stored = await get(POOLS, channel)
    if stored is None:
        raise NoPool(channel=channel)
    return stored.value


async def held_under(reservations: Iterable[Stored[Reservation]]) -> dict[str, Held]:
    """Read how the holds of reservations stand."""
    return await holds(each.hold for stored in reservations for each in stored.value.allocations)


async def reservation_under(name: str) -> Stored[Reservation]:
    """Read what is promised under a cart's or order's name.

    Raises: NoReservation.
    """
    if (stored := await get(RESERVATIONS, name)) is None:
        raise NoReservation(reservation=name)
    return stored


@question("inventory.availability")
async def availability(_given: Given, *, units: tuple[str, ...], channel: ChannelId) -> Mapping[str, int]:
    """Ask what a channel may promise of each SKU, now; of a bundle, see ``bundles``.

    Law: a hold for that much would be granted in the same snapshot.

    Raises: NoPool.
    """
    pool = await pool_of(channel)
    _check_asked(units, pool.nodes)
    return available(pool, units, await balances(shelves(units, pool.nodes)))


@question("inventory.stock")
async def stock(_given: Given, *, units: tuple[str, ...], nodes: tuple[NodeId, ...]) -> tuple[Stock, ...]:
    """Ask how SKUs stand at nodes: one row for each pair, in the order asked."""
    _check_asked(units, nodes)
    places = [(unit, node) for unit in units for node in nodes]
    read = await balances([shelf(unit, node) for unit, node in places for shelf in (on_hand, quarantine)])
    return tuple(
        Stock(
            unit=unit,
            node=node,
            on_hand=ready.posted,
            held=ready.held - ready.lapsed,
            available=ready.available,
            quarantine=read[quarantine(unit, node)].posted,
        )
        for unit, node in places
        for ready in (read[on_hand(unit, node)],)
    )


@question("inventory.holds_at_risk")
async def holds_at_risk(given: Given, *, node: NodeId, units: tuple[str, ...]) -> tuple[Risk, ...]:
    """Ask which holds a node can no longer cover, earlier promises served first, and whose they are."""
    _check_asked(units, (node,))
    accounts = shelves(units, [node])
    read = await balances(accounts)
    promised = await open_holds(accounts)
    known = {held.id: held for few in promised.values() for held in few}
    short = [(account, risk) for account in accounts for risk in at_risk(read[account], promised[account], given.at)]
    owners = {risk.hold: reservation_of(risk.hold) for _, risk in short}
    reservations = await load(RESERVATIONS, {owner for owner in owners.values() if owner})
    risks = []
    for account, risk in short:
        stored = reservations.get(owners[risk.hold] or "")
        mine = stored.value.find(risk.hold) if stored else None
        owner, line = (stored.value.id, mine.share.line) if stored and mine else (None, None)
        left = known[risk.hold].left
        risks.append(
            Risk(
                hold=risk.hold,
                unit=account.unit,
                node=node,
                left=left,
                short=risk.short,
                reservation=owner,
                line=line,
            )
        )
    return tuple(risks)


@question("inventory.reserved")
async def reserved(_given: Given, *, reservation: str) -> Reservation:
    """Ask what has been promised under a cart's or order's name.

    Raises: NoReservation.
    """
    return (await reservation_under(reservation)).value


def _check_asked(units: tuple[str, ...], nodes: tuple[NodeId, ...]) -> None:
    if len(units) * len(nodes) > MAX_ASKED:
        raise Malformed("$.units", f"must be at most {MAX_ASKED} pairs of SKU and node")
