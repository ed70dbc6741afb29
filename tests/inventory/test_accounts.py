"""Is every unit's place in the ledger named so that nothing else has that name?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.inventory import Reservation, accounts, on_hand, quarantine, sku_of, sku_unit
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import NodeId, SkuId
from omnicore.testing.strategies import inventory as strategies

SKUS = st.from_regex(r"[A-Z0-9@._-]{1,12}", fullmatch=True).filter(lambda sku: not sku.endswith(accounts._SCALES))


@given(SKUS, st.integers(0, 6), SKUS, st.integers(0, 6))
def test_a_unit_names_one_sku_and_one_scale(sku: str, scale: int, other: str, other_scale: int) -> None:
    """Two SKUs, or one SKU counted in two ways, never share a name in the books."""
    unit = sku_unit(SkuId(sku), scale=scale)
    assert sku_of(unit) == sku
    assert (unit == sku_unit(SkuId(other), scale=other_scale)) is ((sku, scale) == (other, other_scale))


def test_a_sku_that_looks_like_a_scale_is_refused() -> None:
    """A SKU that ends as a scale is written would be mistaken for another, so it is refused."""
    with pytest.raises(Malformed):
        sku_unit(SkuId("RICE@3"))


@given(strategies.units(), strategies.nodes(), strategies.units(), strategies.nodes())
def test_every_shelf_has_its_own_account(unit: str, node: NodeId, other: str, elsewhere: NodeId) -> None:
    """Goods of another SKU, at another node or in quarantine are never counted as these."""
    assert (on_hand(unit, node) == on_hand(other, elsewhere)) is ((unit, node) == (other, elsewhere))
    assert on_hand(unit, node) != quarantine(other, elsewhere)
    assert on_hand(unit, node).guarded


@given(strategies.reservations())
def test_a_hold_knows_its_reservation(reservation: Reservation) -> None:
    """From the number of a hold alone one finds the cart or order it was made for."""
    for allocation in reservation.allocations:
        assert accounts.reservation_of(allocation.hold) == reservation.id
        assert reservation.find(allocation.hold) == allocation
    assert accounts.reservation_of("payment/7") is None
