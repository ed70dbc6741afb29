"""Does sourcing choose as its rule says, never more than there is, and say why?"""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore import inventory
from omnicore.adapters.memory import Memory
from omnicore.fulfilment import (
    Assignment,
    AtRisk,
    Demand,
    OnlyNode,
    PreferOrder,
    ShipFromStoreWhenShort,
    SourcingRule,
    source,
    source_again,
)
from omnicore.host import Host
from omnicore.inventory import Pool, Share
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, LineId, NodeId
from omnicore.testing.clock import Clock, Ids
from omnicore.testing.strategies import fulfilment as strategies

DC, GINZA, UMEDA = NodeId("dc"), NodeId("ginza"), NodeId("umeda")
TEE, MUG, WEB = "sku:TEE", "sku:MUG", ChannelId("web")
Supply = dict[str, dict[NodeId, int]]
STORES = ShipFromStoreWhenShort(centres=(DC,), stores=(GINZA, UMEDA))


def of(unit: str, amount: int, *, line: str = "1") -> Demand:
    """Give what a line wants."""
    return Demand(line=LineId(line), unit=unit, amount=amount)


def nodes_of(rule: SourcingRule) -> tuple[NodeId, ...]:
    """Name the nodes a rule allows."""
    match rule:
        case OnlyNode():
            return (rule.node,)
        case PreferOrder():
            return rule.nodes
        case ShipFromStoreWhenShort():
            return (*rule.centres, *rule.stores)


@given(st.lists(strategies.demands(), min_size=1, max_size=5), strategies.supplies(), strategies.rules())
def test_no_node_is_asked_for_more_than_it_has(demands: list[Demand], supply: Supply, rule: SourcingRule) -> None:
    """No node gives more than it has, no line gets more than it wants, and only allowed nodes serve."""
    found = source(demands, supply=supply, rule=rule)
    taken, got, wanted = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for each in found.assignments:
        taken[each.unit, each.node] += each.amount
        got[each.line, each.unit] += each.amount
    for demand in demands:
        wanted[demand.line, demand.unit] += demand.amount

    assert all(amount <= supply[unit][NodeId(node)] for (unit, node), amount in taken.items())
    assert {each.node for each in found.assignments} <= set(nodes_of(rule))
    assert got <= wanted
    assert found.verdict.holds is (got == wanted)


@given(st.lists(strategies.demands(), min_size=1, max_size=5), strategies.supplies(), strategies.rules())
def test_everything_is_served_that_can_be(demands: list[Demand], supply: Supply, rule: SourcingRule) -> None:
    """Lines are served whenever the allowed nodes have enough together, from one node whenever one has enough."""
    found = source(demands, supply=supply, rule=rule)
    asked: Counter[str] = Counter()
    for demand in demands:
        asked[demand.unit] += demand.amount

    def serves(nodes: tuple[NodeId, ...]) -> bool:
        return all(sum(supply.get(unit, {}).get(node, 0) for node in nodes) >= amount for unit, amount in asked.items())

    allowed = nodes_of(rule)
    assert found.verdict.holds is serves(allowed)
    alone = [node for node in allowed if serves((node,))]
    serving = {each.node for each in found.assignments}
    centres = rule.centres if isinstance(rule, ShipFromStoreWhenShort) else allowed
    if serves(centres):
        assert serving <= set(centres)
    elif alone:
        assert serving == {alone[0]}
    if alone and alone[0] in centres:
        assert serving == {alone[0]}


@given(st.lists(strategies.demands(), min_size=1, max_size=4), strategies.supplies(), strategies.rules())
def test_the_same_question_has_the_same_answer(demands: list[Demand], supply: Supply, rule: SourcingRule) -> None:
    """The order in which stock is listed makes no difference to who serves."""
    turned = {unit: dict(reversed(row.items())) for unit, row in reversed(supply.items())}
    assert source(demands, supply=turned, rule=rule) == source(demands, supply=supply, rule=rule)


@given(st.lists(strategies.demands(), min_size=1, max_size=4), strategies.supplies(), strategies.rules())
def test_every_candidate_has_its_reason(demands: list[Demand], supply: Supply, rule: SourcingRule) -> None:
    """For each node one can read why it serves or does not, and exactly those that serve have a yes."""
    found = source(demands, supply=supply, rule=rule)

    assert set(found.nodes) == set(nodes_of(rule))
    assert {node for node, why in found.nodes.items() if why} == {each.node for each in found.assignments}
    assert all(why.because[0].facts["node"] == node for node, why in found.nodes.items())


def test_a_store_serves_when_the_centre_is_short() -> None:
    """If the distribution centre has too few, the first store that has all of them ships, and one can read why."""
    found = source([of(TEE, 3)], supply={TEE: {DC: 2, GINZA: 1, UMEDA: 5}}, rule=STORES)

    assert found.assignments == (Assignment(line=LineId("1"), unit=TEE, node=UMEDA, amount=3),)
    assert {node: why.because[0].code for node, why in found.nodes.items()} == {
        DC: "fulfilment.has_all",
        GINZA: "fulfilment.has_all",
        UMEDA: "fulfilment.serves_all",
    }
    assert found.nodes[DC].because[0].facts["short"] == ("TEE",)


def test_centres_send_two_parcels_before_a_store_is_troubled() -> None:
    """As long as the centres have enough together, no store ships."""
    osaka = NodeId("osaka")
    rule = ShipFromStoreWhenShort(centres=(DC, osaka), stores=(GINZA,))
    found = source([of(TEE, 3)], supply={TEE: {DC: 2, osaka: 2, GINZA: 9}}, rule=rule)

    assert [(each.node, each.amount) for each in found.assignments] == [(DC, 2), (osaka, 1)]
    assert found.nodes[GINZA].because[0].code == "fulfilment.comes_first"


def test_too_little_everywhere_is_said_per_sku() -> None:
    """What cannot be served is named with how much could be."""
    found = source(
        [of(TEE, 9), of(MUG, 1, line="2")],
        supply={TEE: {DC: 2, GINZA: 3, UMEDA: 1}, MUG: {DC: 1}},
        rule=STORES,
    )
    assert [dict(reason.facts) for reason in found.verdict.nearest] == [{"sku": "TEE", "asked": 9, "available": 6}]


@pytest.mark.parametrize("nodes", [(DC, DC), ("dc ",), "dc", (None,)])
def test_a_crooked_rule_is_refused(nodes: tuple[NodeId, ...]) -> None:
    """A rule names every node once, and by a proper id."""
    with pytest.raises(Malformed):
        PreferOrder(nodes=nodes)
    with pytest.raises(Malformed):
        ShipFromStoreWhenShort(centres=(GINZA,), stores=nodes)
    with pytest.raises(Malformed):
        source([], supply={}, rule=PreferOrder(nodes=()))


def at_risk(hold: str, *, node: NodeId, left: int, short: int) -> AtRisk:
    """Give a promise of tees that its node cannot keep."""
    return AtRisk(hold=hold, line=LineId("1"), unit=TEE, node=node, left=left, short=short)


def test_what_is_still_there_stays() -> None:
    """Of five promised, the three that a store still has stay there, and that saves the later promise."""
    risks = [at_risk("a", node=GINZA, left=5, short=1), at_risk("b", node=GINZA, left=1, short=1)]
    plan = source_again(risks, supply={TEE: {DC: 2}}, rule=PreferOrder(nodes=(DC, GINZA)))

    assert plan.places == {"a": {DC: 2, GINZA: 3}}
    assert plan.unserved == ()


def test_no_promise_moves_to_a_node_that_is_short_itself() -> None:
    """What two short stores owe is not settled by sending each other's goods."""
    risks = [at_risk("a", node=GINZA, left=1, short=1), at_risk("b", node=UMEDA, left=2, short=2)]
    plan = source_again(risks, supply={TEE: {GINZA: 3, UMEDA: 3, DC: 1}}, rule=PreferOrder(nodes=(GINZA, UMEDA, DC)))

    assert plan.places == {"a": {DC: 1}}
    assert plan.unserved == ("b",)


def test_a_single_node_that_has_all_goes_before_a_split() -> None:
    """Where the first node has a part and the second everything, the second sends one parcel."""
    found = source([of(TEE, 3)], supply={TEE: {DC: 1, GINZA: 5}}, rule=PreferOrder(nodes=(DC, GINZA)))
    assert [(each.node, each.amount) for each in found.assignments] == [(GINZA, 3)]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=2),
    st.integers(0, 8),
)
def test_a_plan_to_move_promises_can_be_carried_out(
    promised: list[int], elsewhere: list[tuple[int, int]], found: int
) -> None:
    """After a bad count, promises that fit elsewhere are moved there in one go; the rest fit nowhere and are named."""
    host = Host(Memory(), clock=Clock(), new_id=Ids())
    pool = Pool(channel=WEB, nodes=(GINZA, DC, UMEDA))
    host.run(inventory.set_pool(pool=pool))
    host.run(inventory.receive(node=GINZA, units={TEE: 20}))
    for node, (units, taken) in zip((DC, UMEDA), elsewhere, strict=True):
        host.run(inventory.count(node=node, found={TEE: units + taken}))
        if taken:
            share = Share(line=LineId("1"), unit=TEE, node=node, amount=taken)
            host.run(inventory.allocate(reservation=f"other-{node}", channel=WEB, shares=(share,)))
    for number, amount in enumerate(promised):
        share = Share(line=LineId("1"), unit=TEE, node=GINZA, amount=amount)
        host.run(inventory.allocate(reservation=f"o{number}", channel=WEB, shares=(share,)))
    host.run(inventory.count(node=GINZA, found={TEE: found}))

    risks = host.run(inventory.holds_at_risk(node=GINZA, units=(TEE,)))
    short = sum(risk.short for risk in risks)
    rows = host.run(inventory.stock(units=(TEE,), nodes=pool.nodes))
    free = {row.node: max(0, row.available) for row in rows}
    endangered = [
        AtRisk(hold=risk.hold, line=LineId("1"), unit=risk.unit, node=risk.node, left=risk.left, short=risk.short)
        for risk in risks
    ]
    plan = source_again(endangered, supply={TEE: free}, rule=PreferOrder(nodes=pool.nodes))
    if plan.places:
        host.run(inventory.move_holds(places=plan.places))

    left = host.run(inventory.holds_at_risk(node=GINZA, units=(TEE,)))
    assert {risk.hold for risk in left} == set(plan.unserved)
    assert sum(risk.short for risk in left) <= short
    assert [host.run(inventory.holds_at_risk(node=node, units=(TEE,))) for node in (DC, UMEDA)] == [(), ()]
    assert not host.verify().differences
    room = sum(max(0, row.available) for row in host.run(inventory.stock(units=(TEE,), nodes=pool.nodes)))
    assert all(risk.left > room for risk in left)
