"""Do rates stay exact, and does every rounding rule do what its name says?"""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.rounding import (
    LIMIT,
    Rate,
    Rounding,
    apply,
    format_steps,
    parse_steps,
    round_div,
)
from omnicore.testing.strategies import kernel as some

HOSTILE = (
    "",
    " ",
    "+1",
    "1e5",
    "1_000",
    "１",
    "²",
    "NaN",
    "Infinity",
    "0x1",
    "1,5",
    ".5",
    "5.",
    "--1",
    "-",
    "1.2.3",
    " 1",
)


def exact(rate: Rate) -> Fraction:
    """Give the rate as the standard library's fraction, the oracle of these tests."""
    return Fraction(rate.numerator, rate.denominator)


def rounded(value: Fraction, rounding: Rounding) -> int:
    """Round by the book: pick among the two neighbours."""
    low, high = floor(value), ceil(value)
    inner, outer = (low, high) if value >= 0 else (high, low)
    nearer = low if value - low < Fraction(1, 2) else high
    tie = value - low == Fraction(1, 2)
    return {
        Rounding.DOWN: inner,
        Rounding.UP: outer,
        Rounding.FLOOR: low,
        Rounding.CEILING: high,
        Rounding.HALF_UP: outer if tie else nearer,
        Rounding.HALF_DOWN: inner if tie else nearer,
        Rounding.HALF_EVEN: round(value),
    }[rounding]


@given(st.integers(-200, 200) | some.minors(), st.integers(1, 12) | st.integers(1, LIMIT), some.roundings())
def test_rounding_follows_its_rule(numerator: int, denominator: int, rounding: Rounding) -> None:
    """An amount between two yen becomes the one that the named rule says."""
    assert round_div(numerator, denominator, rounding) == rounded(Fraction(numerator, denominator), rounding)


@pytest.mark.parametrize("rounding", Rounding)
def test_rounding_follows_its_rule_on_all_small_numbers(rounding: Rounding) -> None:
    """Every half, every whole and every negative amount near zero is rounded as the rule says."""
    for numerator in range(-30, 31):
        for denominator in range(1, 9):
            wanted = rounded(Fraction(numerator, denominator), rounding)
            assert round_div(numerator, denominator, rounding) == wanted


@given(some.minors(), some.rates(), some.roundings())
def test_taking_a_charge_back_takes_exactly_what_was_charged(minor: int, rate: Rate, rounding: Rounding) -> None:
    """A charge and its refund are the same amount, for every rule but those named after a direction."""
    if rounding not in (Rounding.FLOOR, Rounding.CEILING):
        assert apply(rate, -minor, rounding) == -apply(rate, minor, rounding)
    assert abs(apply(rate, minor, rounding) - exact(rate) * minor) < 1


@given(some.rates())
def test_rate_reads_back_what_it_wrote(rate: Rate) -> None:
    """A rate that is written down and read again is the same rate."""
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize("text", ["0.08", "8%", "8.0%", "2/25", "0.080", "08%"])
def test_rate_has_one_value_however_written(text: str) -> None:
    """Eight per cent is eight per cent, however somebody writes it."""
    assert Rate.parse(text) == Rate.percent("8") == Rate.of(8, 100) == Rate(2, 25)


def test_rate_is_written_exactly() -> None:
    """A third is not 0.333."""
    assert [str(Rate.parse(text)) for text in ("10%", "1/3", "-2.5%", "1")] == ["0.1", "1/3", "-0.025", "1"]


@given(some.rates(), some.rates())
def test_rates_reckon_exactly(left: Rate, right: Rate) -> None:
    """Rates add, multiply, divide and compare without losing anything, or say that they cannot."""
    assert (left < right, left <= right) == (exact(left) < exact(right), exact(left) <= exact(right))
    assert (left > right, left >= right) == (exact(left) > exact(right), exact(left) >= exact(right))
    try:
        assert exact(left + right) == exact(left) + exact(right)
        assert exact(left - right) == exact(left) - exact(right)
        assert exact(left * right) == exact(left) * exact(right)
        assert exact(left / right) == exact(left) / exact(right)
    except Malformed as bad:
        assert bad.path in {"$", "$.numerator", "$.denominator"}  # noqa: PT017 - too large is a fair answer here


def test_tax_inside_a_price() -> None:
    """In 1,100 yen including ten per cent there are 100 yen of tax."""
    ten = Rate.percent("10")
    assert apply(ten / (Rate(1) + ten), 1100, Rounding.DOWN) == 100
    assert apply(Rate(1) / (Rate(1) - Rate.parse("1.5")), -100, Rounding.DOWN) == 200
    with pytest.raises(Malformed):
        ten / Rate(0)


@pytest.mark.parametrize("text", [*HOSTILE, "1/0", "1/-3", "a/3", "1//3", "1%%", "%", "9" * 41, None, 0.1, True, b"1"])
def test_rate_refuses_what_is_no_exact_rate(text: str) -> None:
    """A rate that could mean two things, or blow up the till, is refused without repeating it."""
    with pytest.raises(Malformed) as bad:
        Rate.parse(text, path="$.rate")
    assert bad.value.path == "$.rate"
    with pytest.raises(Malformed):
        Rate.percent(text)


@pytest.mark.parametrize("text", ["1" * 19, "1/" + "1" * 19, "8%", "1/2"])
def test_percent_takes_a_bare_small_number(text: str) -> None:
    """A percentage is written as a bare number of at most 18 digits."""
    with pytest.raises(Malformed):
        Rate.percent(text)


@pytest.mark.parametrize("sides", [(True, 1), (1.0, 1), (1, 0), (1, -2), (1, True), (2, 4), (LIMIT, 1), (1, LIMIT)])
def test_rate_refuses_bad_sides(sides: tuple[int, int]) -> None:
    """A rate is two small whole numbers in lowest terms."""
    with pytest.raises(Malformed):
        Rate(*sides)


@pytest.mark.parametrize("sides", [(True, 1), (1, 2.0), (1, 0), (1, -2)])
def test_ratio_refuses_bad_sides(sides: tuple[int, int]) -> None:
    """A ratio is made of whole numbers."""
    with pytest.raises(Malformed):
        Rate.of(*sides)


def test_rates_mix_with_nothing_else() -> None:
    """A rate and a bare number are two things."""
    half: object = Rate(1, 2)
    for broken in ("half + 1", "half - 1", "half * 2", "half / 2", "half < 1", "half <= 1"):
        with pytest.raises(TypeError):
            eval(broken, {"half": half})  # noqa: S307 - mypy refuses to see these written out, which is the point


@pytest.mark.parametrize("minor", [True, 1.0, "1", None])
def test_rate_is_taken_of_whole_units_only(minor: int) -> None:
    """No float gets near an amount."""
    with pytest.raises(Malformed):
        apply(Rate(1, 2), minor, Rounding.DOWN)
    with pytest.raises(Malformed):
        round_div(1, 0, Rounding.DOWN)


@given(st.integers(1 - LIMIT, LIMIT - 1), st.integers(0, 18))
def test_exact_decimals_read_back(steps: int, digits: int) -> None:
    """A number that is written as a decimal and read again is the same number."""
    text = format_steps(steps, digits)
    assert Fraction(text) == Fraction(steps, 10**digits)
    assert parse_steps(text, digits) == steps


@pytest.mark.parametrize(
    "text", [*HOSTILE, "1.005", "1.000", "9" * 19, "99999999999999999.0", "9" * 1_000_000, None, 1, 0.1]
)
def test_exact_decimals_refuse_anything_else(text: str) -> None:
    """A number with an exponent, a separator or more decimals than there are is refused, not rounded."""
    with pytest.raises(Malformed) as bad:
        parse_steps(text, 2, path="$.price")
    assert bad.value.path == "$.price"


@given(st.text(st.sampled_from("0123456789.-+eE_ ％%/１"), max_size=24) | st.text(max_size=24))
def test_any_text_is_read_exactly_or_refused(text: str) -> None:
    """Whatever somebody types is read as exactly that number, or refused."""
    try:
        assert Fraction(parse_steps(text, 4), 10_000) == Fraction(text)
    except Malformed as bad:
        assert not bad.reason.count(text) or len(text) < 4  # noqa: PT017 - the complaint does not repeat the value
