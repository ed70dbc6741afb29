"""What do goods that come, go or turn out otherwise write?

Facts have happened and are recorded whatever they do to promises; a transfer's dispatch alone is a promise, because
nobody sends away what is held for a buyer. ``id`` is the command's own: posts are named after it, so that the same
command twice is once. Law: over all nodes, transits and the world, no unit is made or lost (I6).
"""

from collections.abc import Iterable, Mapping

from attrs import evolve

from omnicore.inventory import accounts
from omnicore.inventory.accounts import COUNT, CUSTOMER, LOSS, SCRAP, SUPPLIER
from omnicore.inventory.errors import NotInTransit, OutOfStock
from omnicore.inventory.events import Arrived, Counted, Dispatched, Received, Restocked, Scrapped, SoldAtTill
from omnicore.inventory.kinds import TRANSFERS
from omnicore.inventory.model import Transfer, checked_units
from omnicore.inventory.states import TRANSFER, ScrapReason, Shelf, TransferMove
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import NodeId
from omnicore.kernel.ledger import Account, Balance, Post
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.verdict import Verdict, all_of

# A post: the SKU, where it comes from, where it goes, how much of it.
_Step = tuple[str, str, str, int]


def _facts(steps: Iterable[_Step], *, id: str) -> tuple[Post, ...]:
    return tuple(
        Post(id=f"{id}/{number}", unit=unit, source=source, target=target, amount=amount, fact=True)
        for number, (unit, source, target, amount) in enumerate(steps)
    )


def receive(*, node: NodeId, units: Mapping[str, int], id: str, reference: str | None = None) -> Writes:
    """Book goods in from a supplier."""
    units = checked_units(units, "$.units")
    steps = ((unit, SUPPLIER, accounts.on_hand(unit, node).path, amount) for unit, amount in units.items())
    return Writes(moves=_facts(steps, id=id), events=(Received(node=node, units=units, reference=reference),))


def sell_at_till(*, node: NodeId, units: Mapping[str, int], id: str, reference: str | None = None) -> Writes:
    """Book a sale over the counter, even of what was held or was never booked in: the goods are gone."""
    units = checked_units(units, "$.units")
    steps = ((unit, accounts.on_hand(unit, node).path, CUSTOMER, amount) for unit, amount in units.items())
    return Writes(moves=_facts(steps, id=id), events=(SoldAtTill(node=node, units=units, reference=reference),))


def restock(
    *,
    node: NodeId,
    units: Mapping[str, int],
    shelf: Shelf = Shelf.ON_HAND,
    id: str,
    reference: str | None = None,
) -> Writes:
    """Book goods back from a customer, onto the shelf or into quarantine."""
    units = checked_units(units, "$.units")
    steps = ((unit, CUSTOMER, accounts.shelf(unit, node, shelf).path, amount) for unit, amount in units.items())
    happened = Restocked(node=node, units=units, shelf=shelf, reference=reference)
    return Writes(moves=_facts(steps, id=id), events=(happened,))


def scrap(
    *,
    node: NodeId,
    units: Mapping[str, int],
    reason: ScrapReason,
    shelf: Shelf = Shelf.ON_HAND,
    id: str,
) -> Writes:
    """Book goods out that are thrown away."""
    units = checked_units(units, "$.units")
    steps = ((unit, accounts.shelf(unit, node, shelf).path, SCRAP, amount) for unit, amount in units.items())
    happened = Scrapped(node=node, units=units, shelf=shelf, reason=reason)
    return Writes(moves=_facts(steps, id=id), events=(happened,))


def count(*, node: NodeId, found: Mapping[str, int], balances: Mapping[Account, Balance], id: str) -> Writes:
    """Book the difference between what was found on the shelf and what the books say now; SKUs not named stay.

    The count is blind: whoever counts is not told the books' figure, so it comes from ``balances`` and not from them.

    Law: afterwards the books say what was found.
    """
    found = checked_units(found, "$.found", least=0)
    booked = {unit: balances[accounts.on_hand(unit, node)].posted for unit in found}
    steps: list[_Step] = []
    for unit, amount in found.items():
        path, more = accounts.on_hand(unit, node).path, amount - booked[unit]
        if more:
            steps.append((unit, COUNT, path, more) if more > 0 else (unit, path, COUNT, -more))
    return Writes(moves=_facts(steps, id=id), events=(Counted(node=node, found=found, booked=booked),))


def dispatch(transfer: Transfer, *, balances: Mapping[Account, Balance]) -> Writes:
    """Send goods from one node to another; only what is not promised there.

    Raises: OutOfStock.
    """
    may_dispatch(transfer, balances=balances).or_refuse(OutOfStock, transfer=transfer.id)
    moves = tuple(
        Post(
            id=f"transfer/{transfer.id}/{number}",
            unit=unit,
            source=accounts.on_hand(unit, transfer.source).path,
            target=accounts.in_transit(unit, transfer.id).path,
            amount=amount,
        )
        for number, (unit, amount) in enumerate(transfer.units.items())
    )
    happened = Dispatched(
        transfer=transfer.id, source=transfer.source, target=transfer.target, units=dict(transfer.units)
    )
    return Writes(changes=(TRANSFERS.put(transfer),), moves=moves, events=(happened,))


def may_dispatch(transfer: Transfer, *, balances: Mapping[Account, Balance]) -> Verdict:
    """Judge whether the source has what is to be sent, beside what it has promised."""
    verdicts = []
    for unit, asked in transfer.units.items():
        left = balances[accounts.on_hand(unit, transfer.source)].available
        verdict = Verdict.yes if asked <= left else Verdict.no
        facts = {"sku": accounts.sku_of(unit), "node": transfer.source}
        verdicts.append(verdict("inventory.in_stock", asked=asked, available=max(0, left), **facts))
    return all_of(verdicts)


def arrive(
    stored: Stored[Transfer],
    *,
    received: Mapping[str, int],
    lost: Mapping[str, int],
    balances: Mapping[Account, Balance],
    id: str,
) -> Writes:
    """Book what has arrived of a transfer and what is given up for lost; the rest stays on its way.

    More than was sent is not an arrival: arrive what was sent, and count the rest in.

    Law: dispatched == received + lost + still in transit.

    Raises: NotInTransit; IllegalMove when everything has arrived before.
    """
    transfer = stored.value
    received = checked_units(received, "$.received") if received else {}
    lost = checked_units(lost, "$.lost") if lost else {}
    if not received and not lost:
        raise Malformed("$.received", "must name what has arrived or is lost")
    transit = {unit: balances[accounts.in_transit(unit, transfer.id)].posted for unit in transfer.units}
    for unit in sorted({*received, *lost}):
        asked, left = received.get(unit, 0) + lost.get(unit, 0), transit.get(unit, 0)
        verdict = Verdict.yes if asked <= left else Verdict.no
        facts = {"transfer": transfer.id, "sku": accounts.sku_of(unit)}
        verdict("inventory.in_transit", asked=asked, in_transit=left, **facts).or_refuse(NotInTransit)
    done = sum(received.values()) + sum(lost.values()) == sum(transit.values())
    state = TRANSFER.move(transfer.state, TransferMove.ARRIVE if done else TransferMove.ARRIVE_IN_PART)
    steps = [
        (unit, accounts.in_transit(unit, transfer.id).path, accounts.on_hand(unit, transfer.target).path, amount)
        for unit, amount in received.items()
    ]
    steps += [(unit, accounts.in_transit(unit, transfer.id).path, LOSS, amount) for unit, amount in lost.items()]
    return Writes(
        changes=(stored.put(evolve(transfer, state=state)),),
        moves=_facts(steps, id=id),
        events=(Arrived(transfer=transfer.id, node=transfer.target, received=received, lost=lost),),
    )
