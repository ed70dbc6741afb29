"""Does the code open its own pickup, however it is typed, and nothing else?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.fulfilment import PickupId, draw_code, mark_of
from omnicore.fulfilment.collection import read_code, same_mark
from omnicore.kernel.errors import Malformed
from omnicore.kernel.personal import Personal
from omnicore.testing.strategies import fulfilment as strategies

ONE, OTHER = PickupId("p1"), PickupId("p2")
FULL_WIDTH = {ord(letter): ord(letter) + 0xFEE0 for letter in "0123456789ABCDEFGHJKMNPQRSTVWXYZ"}


def blind(text: str) -> str:
    """Stand in for the host's keyed hash."""
    return f"<{text}>"


@given(strategies.codes(), st.sampled_from(("lower", "full width", "bare", "spaced", "misread")))
def test_a_code_is_recognised_however_it_is_typed(code: Personal[str], how: str) -> None:
    """Small letters, full-width letters, missing hyphens and a capital O for a zero are all the same code."""
    text = code.reveal()
    typed = {
        "lower": text.lower(),
        "full width": text.translate(FULL_WIDTH),
        "bare": text.replace("-", ""),
        "spaced": f" {text.replace('-', ' ')} ",
        "misread": text.replace("0", "O").replace("1", "l"),
    }[how]
    assert mark_of(Personal(typed), pickup=ONE, blind=blind) == mark_of(code, pickup=ONE, blind=blind)


@given(strategies.codes(), strategies.codes())
def test_a_code_opens_its_own_pickup_only(code: Personal[str], other: Personal[str]) -> None:
    """Another code does not open a pickup, nor does its code open another pickup."""
    mark = mark_of(code, pickup=ONE, blind=blind)

    assert same_mark(mark, mark_of(other, pickup=ONE, blind=blind)) is (code == other)
    assert not same_mark(mark, mark_of(code, pickup=OTHER, blind=blind))
    assert not same_mark(None, mark)


@given(st.integers(0, 2**60 - 1), st.integers(0, 2**60 - 1))
def test_every_bit_counts(bits: int, other: int) -> None:
    """Codes are as hard to guess as the numbers they are drawn from: sixty random bits."""
    asked = []

    def random(count: int) -> int:
        asked.append(count)
        return bits

    code = draw_code(random)
    assert asked == [60]
    assert (code == draw_code(lambda _: other)) is (bits == other)
    assert code.reveal() not in repr(code)


@pytest.mark.parametrize("typed", ["", "1234", "7Q2M-X0AB-9KTU", "7Q2M-X0AB-9KT", "x" * 1000, "７Q2M-X0AB-9KT☃"])
def test_what_cannot_be_a_code_is_refused(typed: str) -> None:
    """A code that is too short to be safe, or no code at all, is turned away without being repeated."""
    with pytest.raises(Malformed) as refused:
        read_code(Personal(typed))
    assert not typed or typed not in str(refused.value)
