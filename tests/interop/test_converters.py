"""Laws of the bridge to a host's own converter."""

import pytest
from attrs import frozen
from cattrs import Converter
from hypothesis import given

from omnicore.interop.converters import install
from omnicore.kernel.errors import Malformed
from omnicore.kernel.money import Money
from omnicore.kernel.time import Instant
from omnicore.returns import AllOf, FinalSale, Rule, WithinDays
from omnicore.testing.strategies.kernel import instants, moneys


@frozen
class HostsOwn:
    """A class of the host's, with our values in it."""

    price: Money
    at: Instant
    note: str


def converter() -> Converter:
    """Give a converter as a host would set it up."""
    made = Converter()
    install(made)
    return made


@given(moneys(), instants())
def test_our_values_pass_through_a_hosts_converter(price: Money, at: Instant) -> None:
    """A host's own documents hold our amounts and instants without loss."""
    value = HostsOwn(price=price, at=at, note="x")
    made = converter()
    assert made.structure(made.unstructure(value), HostsOwn) == value


def test_rules_keep_their_stored_names() -> None:
    """A return rule that passes through a host's converter is still told by its stored name."""
    made = converter()
    rule = AllOf(of=(WithinDays(days=30), FinalSale(categories=frozenset({"food"}))))
    stored = made.unstructure(rule)
    assert stored["kind"] == "all_of"
    read: object = made.structure(stored, Rule)  # type: ignore[arg-type] # cattrs types no unions; it reads them
    assert read == rule


def test_the_converter_is_as_strict_as_the_gate() -> None:
    """Bad data is refused in a host's converter as it is everywhere else."""
    with pytest.raises(Malformed):
        converter().structure({"minor": "3", "currency": "JPY"}, Money)
