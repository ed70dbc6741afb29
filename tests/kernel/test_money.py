"""Does money add up: to the yen, in its own currency, however it is split?"""

import re
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.currencies import DIGITS
from omnicore.kernel.errors import Malformed
from omnicore.kernel.money import (
    MAX_SHARES,
    Money,
    Price,
    TaxBasis,
    format_money,
    share_so_far,
    split,
    split_minor,
    total,
)
from omnicore.kernel.rounding import LIMIT, Rate, Rounding, apply
from omnicore.testing.strategies import kernel as some

YEN = some.moneys(currency="JPY", least=-1_000_000_000, most=1_000_000_000)
WEIGHTS = st.lists(st.integers(0, 20) | st.integers(0, LIMIT), min_size=1, max_size=12)


@given(some.moneys())
def test_money_reads_back_what_it_wrote(money: Money) -> None:
    """An amount that is written down and read again is the same amount, in every currency."""
    assert Money.parse(money.decimal, money.currency) == money
    assert str(money) == f"{money.decimal} {money.currency}"
    assert repr(money) == f"Money({money})"
    assert Fraction(money.decimal) == Fraction(money.minor, 10 ** DIGITS[money.currency])
    assert hash(Money(money.minor, money.currency)) == hash(money)


@given(YEN, YEN, YEN, st.integers(-1000, 1000))
def test_money_adds_up(a: Money, b: Money, c: Money, times: int) -> None:
    """The order in which amounts are added does not matter, and what is taken off again is gone."""
    assert a + b == b + a
    assert (a + b) + c == a + (b + c) == total([a, b, c], "JPY")
    assert a - b == a + -b
    assert a - a == Money.zero("JPY")
    assert a * times == times * a == Money(a.minor * times, "JPY")
    assert bool(a) == (a.minor != 0)
    assert (a < b, a <= b, a > b, a >= b) == (
        a.minor < b.minor,
        a.minor <= b.minor,
        a.minor > b.minor,
        a.minor >= b.minor,
    )


def test_currencies_do_not_mix() -> None:
    """Pounds are never added to yen, and the complaint names both."""
    yen, pounds = Money(1, "JPY"), Money(1, "GBP")
    assert yen != pounds
    for mix in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(Malformed, match="JPY and GBP do not mix") as bad:
            mix(yen, pounds)
        assert bad.value.path == "$.currency"
    with pytest.raises(Malformed, match="JPY and GBP do not mix"):
        total([yen, pounds], "JPY")
    assert total([], "GBP") == Money.zero("GBP")


@pytest.mark.parametrize("broken", ["m + 1", "1 + m", "m - 1", "m * 1.5", "m * True", "m < 1", "m <= 1", "sum([m])"])
def test_money_mixes_with_no_bare_number(broken: str) -> None:
    """An amount without a currency is no amount."""
    for m in (Money(1, "JPY"), Price(Money(1, "JPY"), TaxBasis.INCLUDED)):
        with pytest.raises(TypeError):
            eval(broken, {"m": m})  # noqa: S307 - mypy refuses to see these written out, which is the point


@pytest.mark.parametrize("minor", [True, 1.0, "1", None, LIMIT, -LIMIT])
def test_money_refuses_what_is_not_whole(minor: int) -> None:
    """An amount is a whole number of minor units that fits the books."""
    with pytest.raises(Malformed) as bad:
        Money(minor, "JPY")
    assert bad.value.path == "$.minor"


@pytest.mark.parametrize("currency", ["", "jpy", "XXX", "XAU", "¥", None, 392, ["JPY"]])
def test_money_refuses_what_is_no_currency(currency: str) -> None:
    """A currency is one that somebody can be charged in."""
    with pytest.raises(Malformed):
        Money(1, currency)
    with pytest.raises(Malformed):
        Money.parse("1", currency)
    with pytest.raises(Malformed):
        Money.zero(currency)


@pytest.mark.parametrize("text", ["12.345", "1e9", "1,000", "１２", "£12", " 1", "NaN", "", "9" * 17, "9" * 40, None])
def test_money_refuses_what_is_no_amount(text: str) -> None:
    """Half a penny is refused, not rounded, and so is what a screen would write."""
    with pytest.raises(Malformed) as bad:
        Money.parse(text, "GBP", path="$.price")
    assert bad.value.path == "$.price"


def test_money_that_outgrows_the_books_is_refused() -> None:
    """An amount that no longer fits 18 digits is refused, not cut."""
    most = Money(LIMIT - 1, "JPY")
    assert Money.parse(most.decimal, "JPY") == most
    with pytest.raises(Malformed):
        most + most
    with pytest.raises(Malformed):
        most * -2
    with pytest.raises(Malformed):
        -most - most
    with pytest.raises(Malformed):
        total([most, most], "JPY")
    with pytest.raises(Malformed):
        most.times(Rate(2), Rounding.DOWN)


@given(YEN, st.integers(0, 200), some.roundings())
def test_a_rate_of_money_is_rounded_once(money: Money, percent: int, rounding: Rounding) -> None:
    """Ten per cent of an amount is a whole number of yen, by the rule that was named."""
    rate = Rate.of(percent, 100)
    assert money.times(rate, rounding) == Money(apply(rate, money.minor, rounding), "JPY")


@given(some.minors(), WEIGHTS)
def test_a_split_loses_nothing(amount: int, weights: list[int]) -> None:
    """A discount shared out over lines adds up to the discount, and each line's share is fair to within one yen."""
    shares = split_minor(amount, weights)
    assert sum(shares) == amount
    whole = sum(weights) or len(weights)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(amount * (weight if sum(weights) else 1), whole)) < 1
        assert weight or share == 0 or not sum(weights)
    assert split_minor(-amount, weights) == [-share for share in shares]


@given(some.minors(least=0), WEIGHTS)
def test_a_split_is_fair(amount: int, weights: list[int]) -> None:
    """A dearer line never gets less than a cheaper one, and among equal lines the earlier gets the odd yen."""
    ranked = sorted(
        zip(weights, range(len(weights)), split_minor(amount, weights), strict=True), key=lambda r: (r[0], -r[1])
    )
    for (_, _, less), (_, _, more) in pairwise(ranked):
        assert less <= more


@given(st.data(), WEIGHTS)
def test_a_share_never_exceeds_its_line(data: st.DataObject, lines: list[int]) -> None:
    """A discount of at most the order's worth makes no line cheaper than free."""
    shares = split_minor(data.draw(st.integers(0, sum(lines))), lines)
    if sum(lines):
        assert all(0 <= share <= line for share, line in zip(shares, lines, strict=True))


def test_splits_that_others_got_wrong() -> None:
    """A free line takes no part in a discount, and one yen over three lines is still one yen."""
    assert split_minor(-1000, [0, 1000, 1000, 1000]) == [0, -334, -333, -333]
    assert split_minor(-1, [100, 100, 100]) == [-1, 0, 0]
    assert split_minor(5, [0, 0, 0]) == [2, 2, 1]
    assert split_minor(0, []) == []
    assert split(Money(100, "JPY"), [1, 1, 1]) == (Money(34, "JPY"), Money(33, "JPY"), Money(33, "JPY"))


@pytest.mark.parametrize(
    ("amount", "weights"),
    [(1, []), (True, [1]), (1.0, [1]), (1, [-1]), (1, [1.0]), (1, [True]), (1, [1] * (MAX_SHARES + 1))],
)
def test_a_split_refuses_what_it_cannot_share_out(amount: int, weights: list[int]) -> None:
    """An amount is shared out over somebody, in whole numbers."""
    with pytest.raises(Malformed):
        split_minor(amount, weights)


@given(some.minors(), st.lists(st.integers(0, 50), max_size=8))
def test_refunds_add_up_to_what_was_paid(paid: int, returned: list[int]) -> None:
    """Goods that come back one by one, in any order, are refunded in the end exactly what was paid for them."""
    refunded = done = 0
    for units in returned:
        done += units
        refund = share_so_far(paid, done=done, whole=sum(returned)) - refunded
        assert refund * paid >= 0
        refunded += refund
        assert abs(refunded) <= abs(paid * done) // sum(returned) if sum(returned) else refunded == paid
    assert refunded == paid or not returned


@pytest.mark.parametrize("figures", [(1, -1, 2), (1, 3, 2), (True, 1, 1), (1, 1.0, 1), (1, 1, "1")])
def test_shares_so_far_refuse_more_than_everything(figures: tuple[int, int, int]) -> None:
    """Nobody returns more than was bought."""
    paid, done, whole = figures
    with pytest.raises(Malformed):
        share_so_far(paid, done=done, whole=whole)


@given(some.prices())
def test_a_price_shows_its_tax_basis(price: Price) -> None:
    """Whoever reads a price reads whether tax is in it."""
    assert str(price) == f"{price.money}, tax {price.basis.value}"


@given(YEN, YEN, some.tax_bases(), st.integers(-9, 9))
def test_a_price_keeps_its_tax_basis(one: Money, other: Money, basis: TaxBasis, times: int) -> None:
    """Prices including tax add up to a price including tax."""
    left, right = Price(one, basis), Price(other, basis)
    assert left + right == Price(one + other, basis)
    assert left - right == Price(one - other, basis)
    assert left * times == times * left == Price(one * times, basis)
    assert (left < right, left <= right) == (one < other, one <= other)


def test_prices_with_and_without_tax_do_not_mix() -> None:
    """500 yen including tax and 500 yen before tax are two prices."""
    money = Money(500, "JPY")
    gross, net = Price(money, TaxBasis.INCLUDED), Price(money, TaxBasis.EXCLUDED)
    assert gross != net
    assert repr(gross) == "Price(500 JPY, tax included)"
    for mix in (Price.__add__, Price.__sub__, Price.__lt__, Price.__le__):
        with pytest.raises(Malformed, match="with and without tax"):
            mix(gross, net)


def test_a_price_is_money_with_a_basis() -> None:
    """A number alone is no price, and neither is one that does not say whether tax is in it."""
    with pytest.raises(Malformed, match="money"):
        Price(500, TaxBasis.INCLUDED)  # type: ignore[arg-type] # the point
    with pytest.raises(Malformed, match="basis"):
        Price(Money(500, "JPY"), "included")  # type: ignore[arg-type] # the point


@given(some.moneys(), st.sampled_from(["en_US", "ja_JP", "ja-JP", "en-GB"]))
def test_what_people_read_is_the_exact_amount(money: Money, locale: str) -> None:
    """A screen shows every digit of an amount, and none that is not there."""
    figures = re.findall(r"-|[0-9]+|(?<=[0-9])\.(?=[0-9])", format_money(money, locale=locale))  # "Cg." is a symbol
    assert "".join(figures) == money.decimal


def test_people_read_money_as_at_home() -> None:
    """Yen look like yen in Japan and pounds like pounds in Britain."""
    assert format_money(Money(1234, "JPY")) == "￥1,234"
    assert format_money(Money(-1234, "GBP"), locale="en_GB") == "-£12.34"
    assert format_money(Money(1234567, "IQD"), locale="en_US") == "IQD1,234.567"


@pytest.mark.parametrize("locale", ["xx_YY", "", "?", "a" * 1000, None, "en_US_nonsense_x"])
def test_unknown_locales_are_refused(locale: str) -> None:
    """A language that nobody speaks is refused, not guessed."""
    with pytest.raises(Malformed):
        format_money(Money(1, "JPY"), locale=locale)
