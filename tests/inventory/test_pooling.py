"""Is what a channel is shown what it may promise, however the basket is written?"""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.inventory import Buffer, Need, Pool, bundles, on_hand
from omnicore.inventory.pooling import at_nodes, available, buffers, by_place, demand, free, in_stock, spread
from omnicore.kernel.ids import ChannelId, LineId, NodeId
from omnicore.kernel.ledger import Account, Balance
from omnicore.testing.strategies import inventory as strategies

Balances = dict[Account, Balance]
DC, GINZA = NodeId("dc"), NodeId("ginza")
TEE, MUG = "sku:TEE", "sku:MUG"


@given(strategies.pools(), strategies.balances(), strategies.baskets())
def test_shares_add_up(pool: Pool, balances: Balances, needs: list[Need]) -> None:
    """What is taken from nodes adds up to what each line needs, and no node gives more than it has."""
    supply = free(pool, demand(needs), balances)
    if not in_stock(needs, supply):
        return
    shares = spread(needs, supply)

    assert at_nodes(shares, supply)
    for need in needs:
        for unit in need.steps:
            taken = sum(share.amount for share in shares if (share.line, share.unit) == (need.line, unit))
            asked = sum(other.steps.get(unit, 0) for other in needs if other.line == need.line)
            assert taken == asked


@given(strategies.pools(), strategies.balances(), strategies.baskets(), st.data())
def test_splitting_a_quantity_changes_nothing(
    pool: Pool, balances: Balances, needs: list[Need], data: st.DataObject
) -> None:
    """Two lines of one are decided as one line of two, bundles included, and take the same from each node."""
    split: list[Need] = []
    for need in needs:
        first = data.draw(st.integers(0, need.units))
        split += [evolve(need, units=units) for units in (first, need.units - first) if units]
    split = data.draw(st.permutations(split))
    supply = free(pool, demand(needs), balances)

    assert in_stock(split, supply).holds is in_stock(needs, supply).holds
    if in_stock(needs, supply):
        assert by_place(spread(split, supply)) == by_place(spread(needs, supply))


@given(strategies.pools(), strategies.balances(), st.integers(0, 5))
def test_a_bigger_buffer_never_promises_more(pool: Pool, balances: Balances, more: int) -> None:
    """Raising a buffer never raises what a channel may promise."""
    cautious = evolve(pool, buffers=tuple(evolve(buffer, steps=buffer.steps + more) for buffer in pool.buffers))
    before = available(pool, strategies.FEW_UNITS, balances)
    after = available(cautious, strategies.FEW_UNITS, balances)

    assert all(0 <= after[unit] <= before[unit] for unit in before)


@given(strategies.pools(), strategies.balances())
def test_a_short_node_takes_nothing_from_others(pool: Pool, balances: Balances) -> None:
    """What one store owes never lessens what another store has."""
    total = available(pool, strategies.FEW_UNITS, balances)
    alone = [available(evolve(pool, nodes=(node,)), strategies.FEW_UNITS, balances) for node in pool.nodes]

    assert all(total[unit] == sum(row[unit] for row in alone) for unit in total)


@given(st.permutations([(TEE, DC), (TEE, None), (None, DC), (None, None)]), st.integers(0, 4))
def test_the_most_specific_buffer_counts(places: list[tuple[str | None, NodeId | None]], kept: int) -> None:
    """A buffer for this SKU in this store goes before one for the SKU, which goes before one for the store."""
    order = [(TEE, DC), (TEE, None), (None, DC), (None, None)]
    chosen = places[:kept]
    pool = Pool(
        channel=ChannelId("web"),
        nodes=(DC,),
        buffers=tuple(Buffer(steps=order.index((unit, node)), unit=unit, node=node) for unit, node in chosen),
    )
    assert buffers(pool, [TEE]) == {TEE: {DC: min((order.index(place) for place in chosen), default=None)}}


@given(
    st.dictionaries(st.sampled_from((TEE, MUG)), st.integers(1, 4), min_size=1), st.integers(0, 9), st.integers(0, 9)
)
def test_a_bundle_is_as_many_as_its_scarcest_part(components: dict[str, int], tees: int, mugs: int) -> None:
    """A bundle can be sold exactly as often as every one of its parts is there."""
    stock = {TEE: tees, MUG: mugs}
    most = bundles(components, stock)

    assert all(steps * most <= stock[unit] for unit, steps in components.items())
    assert any(steps * (most + 1) > stock[unit] for unit, steps in components.items())


def test_a_refusal_says_what_could_be_had() -> None:
    """Whoever asks for too much is told, for the SKU that is short, how much could be promised."""
    needs = [
        Need(line=LineId("1"), components={TEE: 1, MUG: 2}, units=2),
        Need(line=LineId("2"), components={MUG: 1}, units=1),
    ]
    pool = Pool(channel=ChannelId("web"), nodes=(DC, GINZA))
    balances = {
        on_hand(unit, node): Balance(account=on_hand(unit, node), posted=2)
        for unit in (TEE, MUG)
        for node in (DC, GINZA)
    }
    verdict = in_stock(needs, free(pool, demand(needs), balances))

    assert not verdict
    assert [dict(reason.facts) for reason in verdict.nearest] == [{"sku": "MUG", "asked": 5, "available": 4}]
