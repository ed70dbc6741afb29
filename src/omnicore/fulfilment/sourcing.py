"""Which nodes serve these lines, and why not the others?

Candidates come from the rule in its order of preference; the first that can serve everything does, otherwise each in
order gives what it has. Everything is decided per SKU over all lines, from one table of what may be promised, so no
node is ever asked for more than it has. The same input gives the same answer: nothing is weighed, only ordered.

``source_again`` does the same for promises that their node can no longer keep: a hold moves whole. The part that its
node still covers counts as that node's supply once the hold is given up, so a hold may end up partly where it was.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import assert_never

from attrs import field, frozen

from omnicore.fulfilment.model import checked_amount
from omnicore.fulfilment.rules import OnlyNode, PreferOrder, ShipFromStoreWhenShort, SourcingRule
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import LineId, NodeId, checked_id
from omnicore.kernel.verdict import Verdict, all_of

MAX_DEMANDS = 10_000
"""Demands in one question."""
_NAMED = 8  # so many short SKUs are named in a reason, enough to act on

Supply = Mapping[str, Mapping[NodeId, int]]
"""Steps that may be promised: by SKU, then by node."""


@frozen(kw_only=True)
class Demand:
    """So many steps of a line's SKU, from anywhere."""

    line: LineId
    unit: str
    amount: int

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.line, "$.line")
        checked_id(self.unit, "$.unit")
        checked_amount(self.amount, "$.amount")


@frozen(kw_only=True)
class Assignment:
    """So many steps of a line's SKU from one node."""

    line: LineId
    unit: str
    node: NodeId
    amount: int


@frozen(kw_only=True)
class Sourced:
    """Who serves what. ``verdict`` says whether everything is served; ``nodes`` why each candidate does or does not.

    Law: assignments never exceed the supply, nor the demand; they equal the demand if and only if the verdict holds.
    """

    assignments: tuple[Assignment, ...]
    verdict: Verdict
    nodes: Mapping[NodeId, Verdict] = field(hash=False)


def source(demands: Sequence[Demand], *, supply: Supply, rule: SourcingRule) -> Sourced:
    """Choose the nodes that serve demands under a rule.

    Raises: Malformed for no demand, or too many.
    """
    if not 0 < len(demands) <= MAX_DEMANDS:
        raise Malformed("$.demands", f"must be 1 to {MAX_DEMANDS}")
    asked = _total(demands)
    match rule:
        case OnlyNode():
            return _served(demands, asked, supply, chosen=(rule.node,), candidates=(rule.node,))
        case PreferOrder():
            chosen = _whole_first(asked, supply, rule.nodes)
            return _served(demands, asked, supply, chosen=chosen, candidates=rule.nodes)
        case ShipFromStoreWhenShort():
            every = (*rule.centres, *rule.stores)
            if not any(_short(asked, supply, rule.centres).values()):
                chosen = _whole_first(asked, supply, rule.centres)
            else:
                chosen = _whole_first(asked, supply, every)
            return _served(demands, asked, supply, chosen=chosen, candidates=every)
        case _:
            assert_never(rule)


@frozen(kw_only=True)
class AtRisk:
    """A hold that its node cannot cover: ``short`` of the ``left`` steps are not there."""

    hold: str
    line: LineId
    unit: str
    node: NodeId
    left: int
    short: int


@frozen(kw_only=True)
class Resourcing:
    """Where holds at risk go: steps by node, for each hold that can be kept, and the holds that cannot."""

    places: Mapping[str, Mapping[NodeId, int]] = field(hash=False)
    unserved: tuple[str, ...]


def source_again(risks: Sequence[AtRisk], *, supply: Supply, rule: SourcingRule) -> Resourcing:
    """Plan where promises go that their nodes cannot keep; earlier promises first.

    ``risks`` are all that are at risk at their nodes, in promise order; ``supply`` is what other promises leave.
    A hold that is covered again because another has gone stays where it is.

    Law: a hold's places add up to what is left of it, and no node gets more than it has.
    """
    missing: Counter[tuple[str, NodeId]] = Counter()
    for risk in risks:
        missing[risk.unit, risk.node] += risk.short
    short_places = set(missing)
    free = {
        unit: {node: amount for node, amount in row.items() if (unit, node) not in short_places}
        for unit, row in supply.items()
    }
    places: dict[str, dict[NodeId, int]] = {}
    for risk in risks:
        here = (risk.unit, risk.node)
        if missing[here] <= 0:
            continue
        row = {**free.get(risk.unit, {}), risk.node: max(0, risk.left - missing[here])}
        need = Demand(line=risk.line, unit=risk.unit, amount=risk.left)
        found = source([need], supply={risk.unit: row}, rule=rule)
        if not found.verdict:
            continue
        places[risk.hold] = {each.node: each.amount for each in found.assignments}
        missing[here] -= risk.left
        # A part can stay only where nothing is missing any more, so only what goes elsewhere needs to be taken off.
        for node, amount in places[risk.hold].items():
            if node != risk.node:
                free[risk.unit][node] -= amount
    # What is still missing falls on the latest of those that stay: a hold that went may have covered an earlier one.
    unserved = []
    for risk in reversed(risks):
        if risk.hold not in places and missing[risk.unit, risk.node] > 0:
            missing[risk.unit, risk.node] -= risk.left
            unserved.append(risk.hold)
    return Resourcing(places=places, unserved=tuple(reversed(unserved)))


def _total(demands: Sequence[Demand]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for demand in demands:
        total[demand.unit] += demand.amount
    return dict(sorted(total.items()))


def _has(supply: Supply, unit: str, node: NodeId) -> int:
    return max(0, supply.get(unit, {}).get(node, 0))


def _short(asked: Mapping[str, int], supply: Supply, nodes: Sequence[NodeId]) -> dict[str, int]:
    """Give by how much nodes together are short of each SKU; zero where they are not."""
    return {unit: max(0, amount - sum(_has(supply, unit, node) for node in nodes)) for unit, amount in asked.items()}


def _whole_first(asked: Mapping[str, int], supply: Supply, nodes: tuple[NodeId, ...]) -> tuple[NodeId, ...]:
    """Give the first node that can serve everything, or all of them in order."""
    return next(((node,) for node in nodes if not any(_short(asked, supply, (node,)).values())), nodes)


def _served(
    demands: Sequence[Demand],
    asked: Mapping[str, int],
    supply: Supply,
    *,
    chosen: tuple[NodeId, ...],
    candidates: tuple[NodeId, ...],
) -> Sourced:
    """Take from the chosen nodes in order, each line in turn, and say of every candidate why."""
    left = {unit: {node: _has(supply, unit, node) for node in chosen} for unit in asked}
    assignments = []
    for demand in demands:
        row, open_steps = left[demand.unit], demand.amount
        for node in chosen:
            taken = min(open_steps, row[node])
            if taken:
                row[node] -= taken
                open_steps -= taken
                assignments.append(Assignment(line=demand.line, unit=demand.unit, node=node, amount=taken))
    serving = {each.node for each in assignments}
    short = {node: [unit for unit, steps in _short(asked, supply, (node,)).items() if steps] for node in candidates}
    nodes = {node: _why(node, short=short[node], serving=serving) for node in candidates}
    verdicts = []
    for unit, amount in asked.items():
        got = sum(each.amount for each in assignments if each.unit == unit)
        verdict = Verdict.yes if got == amount else Verdict.no
        verdicts.append(verdict("fulfilment.can_source", sku=unit.removeprefix("sku:"), asked=amount, available=got))
    return Sourced(assignments=tuple(assignments), verdict=all_of(verdicts), nodes=nodes)


def _why(node: NodeId, *, short: Sequence[str], serving: set[NodeId]) -> Verdict:
    """Say why a candidate serves or does not: it has everything, a part that was needed, too little, or comes later."""
    lacking = tuple(unit.removeprefix("sku:") for unit in short[:_NAMED])
    if node in serving:
        code = "fulfilment.serves_part" if len(serving) > 1 or short else "fulfilment.serves_all"
        return Verdict.yes(code, node=node)
    if short:
        return Verdict.no("fulfilment.has_all", node=node, short=lacking)
    return Verdict.no("fulfilment.comes_first", node=node, first=tuple(sorted(serving))[:_NAMED])
