"""How are promises moved to other nodes, when theirs can no longer keep them?

A hold is never changed: it ends and is made anew, in one write, so nobody else can take what it gives up. Whole
holds move; a part that is to stay is promised anew at its own node beside what goes elsewhere, and the guard of that
node counts what the old hold gives back. A node that facts have left short takes nothing new until enough has left it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import evolve

from omnicore.inventory.accounts import on_hand, sku_of
from omnicore.inventory.errors import HoldEnded, NoReservation, OutOfStock
from omnicore.inventory.events import Resourced
from omnicore.inventory.model import Allocation, Pool, Reservation, Share
from omnicore.inventory.pooling import buffers, by_place, spare
from omnicore.inventory.promises import as_hold, may_use, named
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, NodeId
from omnicore.kernel.ledger import Account, Balance, Held, Void
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes, merged
from omnicore.kernel.time import Instant
from omnicore.kernel.verdict import Verdict, all_of

_Moves = list[tuple[Stored[Reservation], Allocation, tuple[Share, ...]]]


def move_holds(
    places: Mapping[str, Mapping[NodeId, int]],
    *,
    reservations: Iterable[Stored[Reservation]],
    pools: Mapping[ChannelId, Pool],
    held: Mapping[str, Held],
    balances: Mapping[Account, Balance],
    at: Instant,
) -> Writes:
    """Promise from other nodes what some holds have left: each ends and is made anew, in one write.

    ``places`` gives for each hold where its rest goes: steps by node, its own node among them where a part stays.
    A new hold keeps the old one's end and its channel's buffer; a part that stays asks for no buffer again.

    Raises: NoReservation, HoldEnded, OutOfStock; Malformed when the places do not add up to what is left.
    """
    stay_or_go: _Moves = []
    for stored in reservations:
        for allocation in stored.value.allocations:
            if allocation.hold in places:
                share = allocation.share
                known = held.get(allocation.hold)
                may_use(allocation.hold, known, amount=1, at=at).or_refuse(HoldEnded, line=share.line)
                parts = tuple(
                    Share(line=share.line, unit=share.unit, node=node, amount=amount)
                    for node, amount in places[allocation.hold].items()
                )
                if sum(part.amount for part in parts) != held[allocation.hold].left:
                    raise Malformed("$.places", "must add up to what is left of each hold")
                stay_or_go.append((stored, allocation, parts))
    if len(stay_or_go) != len(places):
        missing = sorted(set(places) - {allocation.hold for _, allocation, _ in stay_or_go})
        raise NoReservation(hold=missing[0])
    _room(stay_or_go, pools=pools, held=held, balances=balances).or_refuse(OutOfStock)
    return _moved(stay_or_go, pools=pools, held=held)


def _room(
    moves: _Moves, *, pools: Mapping[ChannelId, Pool], held: Mapping[str, Held], balances: Mapping[Account, Balance]
) -> Verdict:
    """Judge whether every node has room for what comes to it, once what leaves it has been given back.

    A node outside the channel's pool has none.
    """
    room: Counter[Account] = Counter()
    for _, allocation, _ in moves:
        room[held[allocation.hold].account] += held[allocation.hold].left
    strictest: dict[Account, int | None] = {}
    foreign: set[Account] = set()
    for stored, allocation, parts in moves:
        for part in parts:
            if part.node not in {*pools[stored.value.channel].nodes, allocation.share.node}:
                foreign.add(on_hand(part.unit, part.node))
            account, floor = on_hand(part.unit, part.node), _floor(pools[stored.value.channel], allocation, part)
            known = strictest.get(account)
            strictest[account] = floor if known is None else known if floor is None else max(known, floor)
    verdicts = []
    for (unit, node), asked in by_place(part for _, _, parts in moves for part in parts).items():
        account = on_hand(unit, node)
        left = 0 if account in foreign else room[account] + spare(balances[account], buffer=strictest[account])
        verdict = Verdict.yes if asked <= left else Verdict.no
        verdicts.append(verdict("inventory.in_stock", sku=sku_of(unit), node=node, asked=asked, available=max(0, left)))
    return all_of(verdicts)


def _moved(moves: _Moves, *, pools: Mapping[ChannelId, Pool], held: Mapping[str, Held]) -> Writes:
    writes: list[Writes] = []
    for stored in {id(stored): stored for stored, _, _ in moves}.values():
        mine = [(allocation, parts) for owner, allocation, parts in moves if owner is stored]
        ended = tuple(allocation.hold for allocation, _ in mine)
        made = named(stored.value, [part for _, parts in mine for part in parts])
        old = [allocation for allocation, parts in mine for _ in parts]
        pool = pools[stored.value.channel]
        holds = tuple(
            as_hold(new, expires=held[before.hold].expires, floor=_floor(pool, before, new.share))
            for before, new in zip(old, made, strict=True)
        )
        kept = tuple(each for each in stored.value.allocations if each.hold not in ended)
        after = evolve(stored.value, allocations=kept + made, issued=stored.value.issued + len(made))
        writes.append(
            Writes(
                changes=(stored.put(after),),
                moves=tuple(Void(hold=name) for name in ended) + holds,
                events=(Resourced(reservation=after.id, holds=ended, allocations=made),),
            )
        )
    return merged(writes)


def _floor(pool: Pool, before: Allocation, part: Share) -> int | None:
    if part.node == before.share.node:
        return None
    return buffers(pool, [part.unit])[part.unit].get(part.node)
