"""What do promises of stock write: holding, keeping, shipping, releasing?

A promise is a hold of the ledger on a node's on-hand account, listed under the reservation of its cart or order. Every
function here is pure: it takes what was read and gives ``Writes`` to merge with others, or refuses before anything is
written; moving promises to other nodes is in ``resourcing``. A hold with an end is a cart's; one
without is an allocation for an order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, frozen

from omnicore.inventory.errors import HoldEnded, NotOnShelf, OutOfStock
from omnicore.inventory.events import PoolSet, Released, Shipped, StockHeld
from omnicore.inventory.kinds import POOLS, RESERVATIONS
from omnicore.inventory.model import MAX_ALLOCATIONS, Allocation, Need, Pool, Reservation, Share, checked_steps
from omnicore.inventory.pooling import at_nodes, buffers, demand, free, in_stock, spread
from omnicore.inventory.promises import as_hold, may_use, named, on_shelves
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId
from omnicore.kernel.ledger import Account, Balance, Extend, Held, HoldState, Rest, Settle, Void
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant

Into = Stored[Reservation] | Reservation
"""A reservation as it was read, or a new one."""


@frozen(kw_only=True)
class Promised:
    """What was granted: the new allocations, the reservation with them in it, and what to write."""

    allocations: tuple[Allocation, ...]
    reservation: Reservation
    writes: Writes


def set_pool(pool: Pool, *, stored: Stored[Pool] | None) -> Writes:
    """Say from where a channel promises from now on; promises made before stand."""
    change = POOLS.put(pool) if stored is None else stored.put(pool)
    return Writes(changes=(change,), events=(PoolSet(channel=pool.channel, nodes=pool.nodes),))


def hold(
    needs: Sequence[Need],
    *,
    into: Into,
    pool: Pool,
    balances: Mapping[Account, Balance],
    expires: Instant | None = None,
) -> Promised:
    """Promise what lines need from a channel's pool, provisionally sourced in its order of preference.

    ``balances`` are those of every SKU at every node of the pool.

    Law: granted if and only if the pool has enough of each SKU for all lines together (I7, I8).

    Raises: OutOfStock.
    """
    supply = free(pool, demand(needs), balances)
    in_stock(needs, supply).or_refuse(OutOfStock, channel=pool.channel)
    return allocate(spread(needs, supply), into=into, pool=pool, balances=balances, expires=expires)


def allocate(
    shares: Sequence[Share],
    *,
    into: Into,
    pool: Pool,
    balances: Mapping[Account, Balance],
    expires: Instant | None = None,
) -> Promised:
    """Promise shares at the very nodes they name, one hold for each; without an end they are allocations for an order.

    Raises: OutOfStock.
    """
    units = sorted({share.unit for share in shares})
    at_nodes(shares, free(pool, units, balances)).or_refuse(OutOfStock, channel=pool.channel)
    reservation = into.value if isinstance(into, Stored) else into
    if not shares or reservation.channel != pool.channel:
        raise Malformed("$.shares" if not shares else "$.channel", "must be something to hold, for the pool's channel")
    floors = buffers(pool, units)
    made = named(reservation, shares)
    after = Reservation(
        id=reservation.id,
        channel=reservation.channel,
        allocations=reservation.allocations + made,
        issued=reservation.issued + len(made),
        reference=reservation.reference,
    )
    moves = tuple(as_hold(each, expires=expires, floor=floors[each.share.unit][each.share.node]) for each in made)
    happened = StockHeld(reservation=after.id, channel=pool.channel, allocations=made)
    change = into.put(after) if isinstance(into, Stored) else RESERVATIONS.put(after)
    writes = Writes(changes=(change,), moves=moves, events=(happened,))
    return Promised(allocations=made, reservation=after, writes=writes)


def extend(
    reservations: Iterable[Stored[Reservation]], *, held: Mapping[str, Held], at: Instant, expires: Instant | None
) -> Writes:
    """Give every open hold another end; None makes a cart's holds the allocations of its order.

    Raises: HoldEnded when time has ended one: what it promised must be held afresh.
    """
    moves = []
    for stored in reservations:
        for allocation in stored.value.allocations:
            if (known := held[allocation.hold]).state is HoldState.SETTLED:
                continue
            may_use(allocation.hold, known, amount=1, at=at).or_refuse(HoldEnded, line=allocation.share.line)
            moves.append(Extend(hold=allocation.hold, expires=expires))
    return Writes(moves=tuple(moves))


def ship(
    stored: Stored[Reservation],
    *,
    amounts: Mapping[str, int],
    held: Mapping[str, Held],
    balances: Mapping[Account, Balance],
    at: Instant,
    id: str,
) -> Writes:
    """Let promised goods leave: steps by hold. What is left of a hold stays promised for the next parcel.

    Raises: HoldEnded, NotOnShelf.
    """
    if not 0 < len(amounts) <= MAX_ALLOCATIONS:
        raise Malformed("$.amounts", f"must name 1 to {MAX_ALLOCATIONS} holds")
    leaving: Counter[Account] = Counter()
    for name, amount in sorted(amounts.items()):
        checked_steps(amount, "$.amounts.*")
        known = held.get(name) if stored.value.find(name) else None
        may_use(name, known, amount=amount, at=at).or_refuse(HoldEnded)
        assert known is not None, "an unknown hold may not be used"
        leaving[known.account] += amount
    on_shelves(leaving, balances).or_refuse(NotOnShelf)
    moves = tuple(
        Settle(id=f"{id}/{number}", hold=name, amount=amount, rest=Rest.KEEP)
        for number, (name, amount) in enumerate(sorted(amounts.items()))
    )
    return Writes(moves=moves, events=(Shipped(reservation=stored.value.id, amounts=dict(amounts)),))


def release(stored: Stored[Reservation], *, held: Mapping[str, Held], lines: frozenset[LineId] | None = None) -> Writes:
    """Give promises back, of some lines or of all; what has been shipped or has ended by time stays as it is.

    Law: releasing twice releases nothing more.
    """
    chosen = [each for each in stored.value.allocations if lines is None or each.share.line in lines]
    names = tuple(each.hold for each in chosen if held[each.hold].state is HoldState.OPEN)
    if not names:
        return Writes()
    left = tuple(each for each in stored.value.allocations if each.hold not in names)
    return Writes(
        changes=(stored.put(evolve(stored.value, allocations=left)),),
        moves=tuple(Void(hold=name) for name in names),
        events=(Released(reservation=stored.value.id, holds=names),),
    )
