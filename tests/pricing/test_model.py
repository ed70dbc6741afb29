import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import PriceListId, VariantId
from omnicore.kernel.money import TaxBasis
from omnicore.pricing import Break, ListPrice, PriceList, flat, price_key
from omnicore.testing.strategies import pricing as some

BASE, TEE = PriceListId("base"), VariantId("TEE-M")


@given(some.price_lists(), some.list_prices())
def test_lists_and_prices_can_be_stored(found: PriceList, price: ListPrice) -> None:
    """A price list and its prices are read back exactly as they were written."""
    assert codec.loads(codec.dumps(found, as_=PriceList), as_=PriceList) == found
    assert codec.loads(codec.dumps(price, as_=ListPrice), as_=ListPrice) == price


@given(some.list_prices(), st.integers(1, 100), st.integers(0, 100))
def test_more_never_costs_more_each(price: ListPrice, quantity: int, more: int) -> None:
    """Buying more never makes the single piece dearer, and 13 pieces get the price for 13."""
    assert price.unit_at(quantity + more) <= price.unit_at(quantity)
    reached = [each for each in price.breaks if each.at_least <= quantity]
    assert price.unit_at(quantity) == reached[-1].unit


@pytest.mark.parametrize(
    "breaks",
    [
        (),
        (Break(2, 100),),
        (Break(1, 100), Break(1, 90)),
        (Break(1, 100), Break(10, 90), Break(5, 80)),
        (Break(1, 100), Break(10, 101)),
    ],
    ids=["none", "no price for one", "twice", "out of order", "dearer"],
)
def test_senseless_breaks_are_refused(breaks: tuple[Break, ...]) -> None:
    """A price without an answer for one piece, or dearer for more, does not get onto a list."""
    with pytest.raises(Malformed):
        ListPrice(list=BASE, variant=TEE, breaks=breaks)


@pytest.mark.parametrize("bad", [-1, True, 1.5, "1", 10**18])
def test_a_price_is_whole_and_not_negative(bad: int) -> None:
    """No price is below zero, a fraction of a yen, or anything but a whole number."""
    with pytest.raises(Malformed):
        Break(1, bad)


@given(some.list_prices(), some.list_prices())
def test_no_two_prices_share_a_place(one: ListPrice, other: ListPrice) -> None:
    """The prices of two variants, or of two lists, are never stored over each other."""
    assert (one.key == other.key) == ((one.list, one.variant) == (other.list, other.variant))
    assert price_key(one.list, one.variant) == one.key


def test_a_quantity_is_at_least_one() -> None:
    """There is no price for nothing."""
    price = ListPrice(list=BASE, variant=TEE, breaks=flat(100))
    assert price.unit_at(1) == 100
    with pytest.raises(Malformed):
        price.unit_at(0)


@pytest.mark.parametrize(
    ("name", "bad"),
    [("currency", "YEN"), ("basis", "included"), ("valid", None), ("precedence", 1_000_001), ("channel", "")],
)
def test_bad_lists_are_refused_where_they_are_bad(name: str, bad: object) -> None:
    """A price list in no currency, of no basis or without a period is refused with the name of the field."""
    good = PriceList(id=BASE, currency="JPY", basis=TaxBasis.INCLUDED)
    with pytest.raises(Malformed) as caught:
        evolve(good, **{name: bad})  # type: ignore[arg-type]  # bad on purpose
    assert caught.value.path == f"$.{name}"


def test_a_break_begins_at_one() -> None:
    """No quantity break begins at nothing."""
    with pytest.raises(Malformed):
        Break(0, 100)
