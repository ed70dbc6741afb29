"""Which moves can be said at all?"""

import pytest
from hypothesis import given

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ledger import (
    MAX_AMOUNT,
    Account,
    Balance,
    Entry,
    Extend,
    Floor,
    Held,
    Hold,
    HoldState,
    Post,
    Settle,
)
from omnicore.kernel.time import Instant
from omnicore.testing.strategies.ledger import accounts, moves

AT = Instant(1000)


@pytest.mark.parametrize(
    ("path", "guarded"),
    [
        ("node/a/on-hand", True),
        ("worldwide/x", True),
        ("world/supplier", False),
        ("issuer/points", False),
        ("provider/x", False),
    ],
)
def test_some_accounts_have_no_bottom(path: str, guarded: bool) -> None:  # noqa: FBT001 - a value of the table
    """The world, issuers and providers may owe any amount; everything else is guarded."""
    assert Account("sku:A", path).guarded is guarded


@given(accounts(), accounts())
def test_accounts_are_ordered_by_unit_and_path(one: Account, other: Account) -> None:
    """There is one order in which accounts are locked."""
    assert (one < other) == ((one.unit, one.path) < (other.unit, other.path))
    assert str(one) == f"{one.unit} at {one.path}"


@given(moves())
def test_moves_are_values(move: object) -> None:
    """A move can be compared, hashed and shown, and never changed."""
    assert hash(move) == hash(move)
    with pytest.raises(AttributeError):
        move.id = "other"  # type: ignore[attr-defined] # this must fail


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT + 1, True, 1.0, "1", None])
def test_amounts_are_whole_and_bounded(amount: int) -> None:
    """An amount is a whole number from 1 to the bound, and nothing that looks like one."""
    with pytest.raises(Malformed, match=r"\$\.amount"):
        Post(id="p", unit="u", source="a", target="b", amount=amount)
    with pytest.raises(Malformed, match=r"\$\.amount"):
        Hold(id="p", unit="u", source="a", target="b", amount=amount)
    with pytest.raises(Malformed, match=r"\$\.amount"):
        Settle(id="p", hold="h", amount=amount)


@pytest.mark.parametrize("text", ["", "x" * 257, "a\nb", None, 5])
def test_texts_are_short_and_printable(text: str) -> None:
    """Ids, units and paths are short printable texts."""
    for field in ("id", "unit", "source", "target"):
        with pytest.raises(Malformed, match=rf"\$\.{field}"):
            Post(**({"id": "p", "unit": "u", "source": "a", "target": "b", "amount": 1} | {field: text}))  # type: ignore[arg-type] # wrong on purpose
    with pytest.raises(Malformed, match=r"\$\.hold"):
        Settle(id="s", hold=text, amount=1)


def test_a_move_goes_somewhere() -> None:
    """Nothing moves from a place to itself, and nothing is held or kept back where there is no bottom."""
    with pytest.raises(Malformed, match="differ"):
        Post(id="p", unit="u", source="a", target="a", amount=1)
    with pytest.raises(Malformed, match="differ"):
        Hold(id="p", unit="u", source="a", target="a", amount=1)
    with pytest.raises(Malformed, match="open account"):
        Hold(id="p", unit="u", source="world/supplier", target="a", amount=1)
    with pytest.raises(Malformed, match="open account"):
        Floor(unit="u", path="world/supplier", floor=1)
    for floor in (MAX_AMOUNT + 1, -MAX_AMOUNT - 1, True, 0.5):
        with pytest.raises(Malformed, match=r"\$\.floor"):
            Floor(unit="u", path="a", floor=floor)  # type: ignore[arg-type] # wrong on purpose


def test_time_ends_a_hold() -> None:
    """A hold counts until its end, and not at it."""
    held = Held(id="h", unit="u", source="a", target="b", amount=1, left=1, since=AT, expires=AT.plus(micros=5))
    assert (held.live(AT), held.lapsed(AT)) == (True, False)
    assert (held.live(AT.plus(micros=5)), held.lapsed(AT.plus(micros=5))) == (False, True)
    ended = Held(id="h", unit="u", source="a", target="b", amount=1, left=0, since=AT, state=HoldState.VOIDED)
    assert (ended.live(AT), ended.lapsed(AT)) == (False, False)
    assert held.account == Account("u", "a")


def test_what_has_lapsed_is_free() -> None:
    """What may be promised is what is there, less promises that have not lapsed, less the floor."""
    assert Balance(account=Account("u", "a"), posted=10, held=6, lapsed=2, floor=1).available == 5
    assert Entry(id="e", unit="u", source="a", target="b", amount=1, at=AT).position is None


@pytest.mark.parametrize("end", ["2026-01-01T00:00:00Z", 5, True])
def test_a_hold_ends_at_an_instant_or_not_at_all(end: object) -> None:
    """The end of a promise is an instant; anything else is refused before it reaches the books."""
    with pytest.raises(Malformed) as refused:
        Extend(hold="h", expires=end)  # type: ignore[arg-type] # that is what is tested
    assert refused.value.path == "$.expires"
