"""Is every id fit to be one, and every new one new?"""

import random  # noqa: TID251 - seeded, as the docstring of Uuid7 proposes
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel import codec
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import NewId, OrderId, Uuid7, checked_id, uuid7
from omnicore.kernel.time import Instant
from omnicore.testing.strategies import kernel as some

MICROS = st.integers(0, 2**47)
BITS = st.integers(0, 2**62 - 1)


@given(some.ids())
def test_a_good_id_is_let_in_unchanged(text: str) -> None:
    """An order number of another system keeps its spelling."""
    assert OrderId(checked_id(text, "$.order")) == text


@given(some.ids() | st.text(max_size=130))
def test_an_id_that_is_let_in_can_be_stored(text: str) -> None:
    """An id that was taken at the gate is never refused by the books."""
    try:
        checked_id(text, "$.order")
    except Malformed:
        return
    assert codec.loads(codec.dumps(OrderId(text), as_=OrderId), as_=OrderId) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " a",
        "a ",
        "a\n",
        "a\x00b",
        "\u3000a",
        "\ud800",
        "a\x7f",
        "a\u3000b",
        "a\u200bb",
        "a" * 129,
        None,
        7,
        True,
        b"a",
    ],
)
def test_a_bad_id_is_refused(text: str) -> None:
    """An id that one cannot see or type is refused."""
    with pytest.raises(Malformed) as bad:
        checked_id(text, "$.order")
    assert bad.value.path == "$.order"


@given(MICROS, BITS)
def test_a_uuid_is_one(at_micros: int, bits: int) -> None:
    """Other systems recognise our ids as version 7, and see when they were made."""
    value = UUID(uuid7(at_micros, bits))
    assert str(value) == uuid7(at_micros, bits)
    assert (value.version, value.variant) == (7, RFC_4122)
    assert value.int >> 80 == at_micros // 1000
    assert value.int & (2**62 - 1) == bits


@given(st.tuples(MICROS, BITS), st.tuples(MICROS, BITS), st.integers(0, 5))
def test_ids_sort_by_time(one: tuple[int, int], other: tuple[int, int], later: int) -> None:
    """Ids sort in the order in which they were made, to the microsecond."""
    assert (uuid7(*one) < uuid7(*other)) == (one < other)
    close = (one[0] + later, other[1])
    assert (uuid7(*one) < uuid7(*close)) == (one < close)


@pytest.mark.parametrize("figures", [(-1, 0), (2**48 * 1000, 0), (0, -1), (0, 2**62)])
def test_a_uuid_refuses_what_does_not_fit(figures: tuple[int, int]) -> None:
    """An id has room for so many bits and no more."""
    with pytest.raises(Malformed):
        uuid7(*figures)


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=30), st.sampled_from(["low", "high", "drawn"]), st.integers(0, 99)
)
def test_new_ids_rise_though_the_clock_steps_back(times: list[int], luck: str, seed: int) -> None:
    """A clock that stands still or is set back makes no id twice and none out of order."""

    def made() -> list[str]:
        ticks, source = iter(times), random.Random(seed)  # noqa: S311 - a test draws the same bits again
        draws = {"low": lambda _bits: 0, "high": lambda bits: 2**bits - 1, "drawn": source.getrandbits}
        new_id: NewId = Uuid7(now=lambda: Instant(next(ticks)), random=draws[luck])
        return [new_id() for _ in times]

    ids = made()
    assert ids == sorted(set(ids))
    assert ids == made()


def test_threads_share_a_source_of_ids() -> None:
    """Two tills that ask at the same moment get two ids."""
    new_id = Uuid7(now=lambda: Instant(1), random=lambda _bits: 0)
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: new_id(), range(400)))
    assert len(set(ids)) == 400
