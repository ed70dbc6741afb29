"""How does what a line sells become steps of SKUs, promised at the nodes that serve it?

The meeting of catalogue (what a variant hands over), stock (what may be promised), fulfilment (who serves it) and
ordering (what was ordered). The flows of the other scenarios read with ``load_shelves`` and decide with ``promise``.

Law: for every line, the allocations of a SKU add up to its open units times the steps of its composition.
"""

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, frozen

from omnicore.catalog import ProductUnknown, Sold, components, load_sold
from omnicore.fulfilment import (
    SOURCING_POLICIES,
    Demand,
    Item,
    OnlyNode,
    Parcel,
    Pickup,
    PickupId,
    PreferOrder,
    SourcingRule,
    source,
)
from omnicore.fulfilment import decide as fulfilment
from omnicore.inventory import Allocation, Need, OutOfStock, Pool, Promised, Share, accounts, pooling
from omnicore.inventory import decide as inventory
from omnicore.inventory import questions as stock
from omnicore.kernel.flow import balances, get, together
from omnicore.kernel.ids import ChannelId, NodeId, OrderId, VariantId
from omnicore.kernel.ledger import Account, Balance, Held
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.kernel.verdict import all_of
from omnicore.ordering import DeliveryGroup, Method, OrderLine


@frozen(kw_only=True)
class Shelves:
    """What must be read to promise a basket: what its variants hand over, the channel's pool and rule, the books."""

    sold: Mapping[VariantId, Sold]
    pool: Pool
    rule: SourcingRule
    balances: Mapping[Account, Balance]

    def less(self, allocations: Iterable[Allocation]) -> "Shelves":
        """Give the shelves as they stand once these are promised, for the next order of the same write."""
        after = dict(self.balances)
        for each in allocations:
            account = accounts.on_hand(each.share.unit, each.share.node)
            after[account] = evolve(after[account], held=after[account].held + each.share.amount)
        return evolve(self, balances=after)

    def with_back(self, holds: Iterable[Held]) -> "Shelves":
        """Give the shelves as they stand once these holds are given back."""
        after = dict(self.balances)
        for each in holds:
            if each.account in after:
                after[each.account] = evolve(after[each.account], held=after[each.account].held - each.left)
        return evolve(self, balances=after)


async def load_shelves(variants: Iterable[VariantId], *, channel: ChannelId) -> Shelves:
    """Read what promising variants in a channel needs: three statements, whatever their number.

    Raises: NoPool, ProductUnknown.
    """
    wanted = frozenset(variants)
    sold, pool, policy = await together(_sold(wanted), stock.pool_of(channel), get(SOURCING_POLICIES, channel))
    units = sorted({sku.unit for each in sold.values() for sku in each.skus})
    return Shelves(
        sold=sold,
        pool=pool,
        rule=PreferOrder(nodes=pool.nodes) if policy is None else policy.value.rule,
        balances=await balances(accounts.shelves(units, pool.nodes)),
    )


async def _sold(wanted: frozenset[VariantId]) -> dict[VariantId, Sold]:
    sold = await load_sold(wanted)
    for variant in sorted(wanted - sold.keys()):
        raise ProductUnknown(product=variant)
    return sold


def need_of(line: OrderLine, sold: Sold) -> Need:
    """Say which SKUs, and how many steps of each, the open units of a line hand over."""
    units = {sku.id: sku.unit for sku in sold.skus}
    steps = {units[sku]: count for sku, count in components(sold.variant).items()}
    return Need(line=line.id, components=steps, units=line.open)


def promise(
    lines: Sequence[OrderLine],
    groups: Sequence[DeliveryGroup],
    *,
    shelves: Shelves,
    into: inventory.Into,
    expires: Instant | None,
) -> Promised:
    """Source every line and hold what serves it: pickups at their store, the rest by the channel's rule.

    Groups are sourced in order, each from what the ones before it leave, so a basket is decided as one.

    Raises: OutOfStock, with the SKUs that are short and what could be promised of each.
    """
    needs = {line.id: need_of(line, shelves.sold[line.variant]) for line in lines if line.open}
    left = {
        unit: dict(row)
        for unit, row in pooling.free(shelves.pool, pooling.demand(tuple(needs.values())), shelves.balances).items()
    }
    shares: list[Share] = []
    verdicts = []
    for rule, few in _by_rule(lines, groups, shelves.rule):
        demands = [
            Demand(line=line.id, unit=unit, amount=steps)
            for line in few
            if line.id in needs
            for unit, steps in needs[line.id].steps.items()
        ]
        if not demands:
            continue
        sourced = source(demands, supply=left, rule=rule)
        verdicts.append(sourced.verdict)
        for each in sourced.assignments:
            left[each.unit][each.node] -= each.amount
            shares.append(Share(line=each.line, unit=each.unit, node=each.node, amount=each.amount))
    all_of(verdicts).or_refuse(OutOfStock, channel=shelves.pool.channel)
    return inventory.allocate(shares, into=into, pool=shelves.pool, balances=shelves.balances, expires=expires)


def _by_rule(
    lines: Sequence[OrderLine], groups: Sequence[DeliveryGroup], rule: SourcingRule
) -> list[tuple[SourcingRule, list[OrderLine]]]:
    """Gather the lines of each delivery group under the rule that sources it; lines in none are delivered.

    What only one store can serve comes first, so that nothing else takes it there that could come from elsewhere.
    """
    rules: dict[str | None, SourcingRule] = {None: rule}
    for group in groups:
        at_a_store = group.method is Method.PICKUP and group.node is not None
        rules[group.id] = OnlyNode(node=group.node) if at_a_store and group.node else rule
    ordered = sorted(rules, key=lambda group: not isinstance(rules[group], OnlyNode))
    return [(rules[group], [line for line in lines if line.group == group]) for group in ordered]


def plan(
    order: OrderId,
    lines: Sequence[OrderLine],
    groups: Sequence[DeliveryGroup],
    allocations: Sequence[Allocation],
    *,
    at: Instant,
    id: str | None = None,
) -> Writes:
    """Give nodes their work: one pickup for each pickup group, one parcel for each node that ships.

    Parcels are named after the order, or after ``id`` where the order has had parcels before.

    Law: every step allocated is in exactly one parcel or pickup.
    """
    group_of = {line.id: line.group for line in lines}
    at_store = {group.id: group.node for group in groups if group.method is Method.PICKUP}
    collected: dict[str, list[Item]] = {}
    sent: list[tuple[NodeId, Item]] = []
    for each in allocations:
        share = each.share
        item = Item(line=share.line, unit=share.unit, amount=share.amount, hold=each.hold)
        group = group_of[share.line]
        if group in at_store:
            collected.setdefault(group, []).append(item)
        else:
            sent.append((share.node, item))
    parcels: tuple[Parcel, ...] = fulfilment.parcels_of(sent, order=order, id=id or order, at=at)
    pickups = [
        Pickup(id=PickupId(f"{order}-{group.id}"), order=order, node=group.node, items=tuple(items), planned_at=at)
        for group in groups
        if group.node is not None and (items := collected.get(group.id))
    ]
    return fulfilment.plan(parcels=parcels, pickups=pickups)
