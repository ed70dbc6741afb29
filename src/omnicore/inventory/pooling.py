"""How much may a channel promise, and from which nodes would it come?

Available to a channel is, for each node of its pool, on hand less what is held less what must stay (the account's own
floor or the channel's buffer, whichever is more), never below zero; the sum over the nodes is what the channel may
promise. A hold carries the buffer as its floor, so the guard of the ledger and this sum are the same rule: what is
shown is what a hold grants (I11), and one short node never lessens what another has.

A basket is decided per SKU over all its lines, so splitting a quantity over lines, or buying a bundle's parts beside
the bundle, changes nothing (I8). A bundle's components may come from different nodes here; sourcing keeps them
together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from omnicore.inventory.accounts import on_hand, sku_of
from omnicore.inventory.model import MAX_LINES, Need, Pool, Share
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import NodeId
from omnicore.kernel.ledger import Account, Balance
from omnicore.kernel.verdict import Verdict, all_of

Free = Mapping[str, Mapping[NodeId, int]]
"""Steps that may be promised: by SKU, then by node in order of preference; zero or more."""


def buffers(pool: Pool, units: Iterable[str]) -> dict[str, dict[NodeId, int | None]]:
    """Give the buffer of each SKU at each node, the most specific one; None where the pool has none.

    SKU and node go before SKU, SKU before node, node before neither.
    """
    steps = {(buffer.unit, buffer.node): buffer.steps for buffer in pool.buffers}

    def most_specific(unit: str, node: NodeId) -> int | None:
        places = ((unit, node), (unit, None), (None, node), (None, None))
        return next((steps[place] for place in places if place in steps), None)

    return {unit: {node: most_specific(unit, node) for node in pool.nodes} for unit in units}


def spare(balance: Balance, *, buffer: int | None) -> int:
    """Give what one account may still promise under a buffer; negative where facts have overcommitted it."""
    least = balance.floor if buffer is None else max(balance.floor, buffer)
    return balance.posted - balance.held + balance.lapsed - least


def free(pool: Pool, units: Iterable[str], balances: Mapping[Account, Balance]) -> dict[str, dict[NodeId, int]]:
    """Give what the channel may promise of each SKU at each node.

    Law: a bigger buffer never gives more.
    """
    return {
        unit: {
            node: max(0, spare(_balance(balances, on_hand(unit, node)), buffer=buffer)) for node, buffer in row.items()
        }
        for unit, row in buffers(pool, units).items()
    }


def available(pool: Pool, units: Iterable[str], balances: Mapping[Account, Balance]) -> dict[str, int]:
    """Give what the channel may promise of each SKU, over all nodes of its pool.

    Law: a hold for exactly that much is granted in the same snapshot, and one for a step more is not.
    """
    return {unit: sum(row.values()) for unit, row in free(pool, units, balances).items()}


def bundles(components: Mapping[str, int], stock: Mapping[str, int]) -> int:
    """Give how many of a bundle (steps per SKU) can be made of the stock: the least over its components."""
    return min(max(0, stock.get(unit, 0)) // steps for unit, steps in components.items())


def demand(needs: Sequence[Need]) -> dict[str, int]:
    """Add up what lines need: steps by SKU, sorted.

    Raises: Malformed for no line, or too many.
    """
    if not 0 < len(needs) <= MAX_LINES:
        raise Malformed("$.needs", f"must be 1 to {MAX_LINES} lines")
    total: Counter[str] = Counter()
    for need in needs:
        total.update(need.steps)
    return dict(sorted(total.items()))


def in_stock(needs: Sequence[Need], supply: Free) -> Verdict:
    """Judge whether all lines together can be promised; the reasons say per SKU what could be.

    Law: depends on nothing but the sum per SKU.
    """
    return all_of(
        _enough(unit, asked=asked, granted=sum(supply.get(unit, {}).values())) for unit, asked in demand(needs).items()
    )


def at_nodes(shares: Iterable[Share], supply: Free) -> Verdict:
    """Judge whether shares can be promised at the very nodes they name; the reasons are the places that are short."""
    granted = (
        (unit, node, asked, supply.get(unit, {}).get(node, 0)) for (unit, node), asked in by_place(shares).items()
    )
    return all_of(
        _enough(unit, asked=asked, granted=there, node=node) for unit, node, asked, there in granted if asked > there
    )


def by_place(shares: Iterable[Share]) -> dict[tuple[str, NodeId], int]:
    """Add up shares: steps by SKU and node, sorted."""
    total: Counter[tuple[str, NodeId]] = Counter()
    for share in shares:
        total[share.unit, share.node] += share.amount
    return dict(sorted(total.items()))


def spread(needs: Iterable[Need], supply: Free) -> tuple[Share, ...]:
    """Take what lines need from nodes in order of preference, each line in turn; for needs that are in stock.

    Law: the shares of a line add up to its need, and those of a node never exceed what it has.
    """
    left = {unit: dict(row) for unit, row in supply.items()}
    shares = []
    for need in needs:
        for unit, steps in need.steps.items():
            row = left[unit]
            open_steps = steps
            while open_steps:
                node = next(iter(row))
                taken = min(open_steps, row[node])
                open_steps -= taken
                row[node] -= taken
                if taken:
                    shares.append(Share(line=need.line, unit=unit, node=node, amount=taken))
                if not row[node]:
                    del row[node]
    return tuple(shares)


def _enough(unit: str, *, asked: int, granted: int, **place: str) -> Verdict:
    verdict = Verdict.yes if asked <= granted else Verdict.no
    return verdict("inventory.in_stock", sku=sku_of(unit), asked=asked, available=granted, **place)


def _balance(balances: Mapping[Account, Balance], account: Account) -> Balance:
    return balances.get(account) or Balance(account=account)
