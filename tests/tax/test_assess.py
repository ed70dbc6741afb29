from datetime import date

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.money import Money, TaxBasis
from omnicore.kernel.rounding import Rate, Rounding
from omnicore.tax import (
    JAPAN,
    JAPAN_INVOICE,
    PER_DOCUMENT,
    PER_LINE,
    PER_RATE,
    PER_UNIT,
    REDUCED,
    STANDARD,
    UNTAXED,
    NoRate,
    RateTable,
    RoundAt,
    Sale,
    SaleLine,
    Taxability,
    TaxCategory,
    TaxPolicy,
    TaxRate,
    assess,
    gross_of,
    less,
    net_of,
    rate_for,
    spread,
    tax_of,
)
from omnicore.testing.strategies import kernel
from omnicore.testing.strategies import tax as some

TODAY = date(2026, 11, 21)


def sale(*lines: tuple[int, TaxCategory], basis: TaxBasis = TaxBasis.EXCLUDED, units: int = 1) -> Sale:
    """Make a sale of a few amounts in yen."""
    return Sale(
        currency="JPY",
        basis=basis,
        place="JP",
        on=TODAY,
        lines=tuple(
            SaleLine(id=f"L{at}", amount=amount, category=category, units=units)
            for at, (amount, category) in enumerate(lines)
        ),
    )


@given(some.sales(), some.rate_tables(), some.tax_policies())
def test_net_and_tax_make_gross(given_sale: Sale, rates: RateTable, policy: TaxPolicy) -> None:
    """On every line, at every rate and on the whole document, net and tax make gross, and the parts make the whole."""
    summary = assess(given_sale, rates=rates, policy=policy)
    assert summary.net + summary.tax == summary.gross
    for row in summary.rates:
        lines = [line for line in summary.lines if line.rate == row.rate]
        assert (row.net, row.tax, row.gross) == tuple(
            sum(parts) for parts in zip(*[(line.net, line.tax, line.gross) for line in lines], strict=True)
        )
    assert summary.gross.minor == sum(line.gross for line in summary.lines)


@given(some.sales(), some.rate_tables(), some.tax_policies())
def test_the_price_agreed_stays(given_sale: Sale, rates: RateTable, policy: TaxPolicy) -> None:
    """An amount with tax in it is what the buyer pays, an amount without is what the shop earns, to the yen."""
    summary = assess(given_sale, rates=rates, policy=policy)
    kept = [line.gross if given_sale.basis is TaxBasis.INCLUDED else line.net for line in summary.lines]
    assert kept == [line.amount for line in given_sale.lines]


@given(some.sales(), some.rate_tables(), some.tax_policies())
def test_every_figure_is_less_than_one_from_exact(given_sale: Sale, rates: RateTable, policy: TaxPolicy) -> None:
    """Nobody pays a whole yen more or less tax than the exact figure, where it is rounded once."""
    summary = assess(given_sale, rates=rates, policy=policy)
    included = given_sale.basis is TaxBasis.INCLUDED
    if policy.round_at is RoundAt.UNIT:
        return
    for line, taxed in zip(given_sale.lines, summary.lines, strict=True):
        part = taxed.rate.rate
        exact = line.amount * part.numerator  # over the denominator below
        over = part.denominator + part.numerator if included else part.denominator
        assert abs(taxed.tax * over - exact) < over


@given(some.sales(), some.rate_tables(), kernel.roundings())
def test_one_rounding_per_rate(given_sale: Sale, rates: RateTable, rounding: Rounding) -> None:
    """On a Japanese invoice, the tax of a rate is that rate of everything sold at it, rounded once."""
    summary = assess(given_sale, rates=rates, policy=TaxPolicy(round_at=RoundAt.RATE, rounding=rounding))
    for row in summary.rates:
        amount = sum(
            line.amount for line, taxed in zip(given_sale.lines, summary.lines, strict=True) if taxed.rate == row.rate
        )
        assert row.tax == tax_of(amount, basis=given_sale.basis, rate=row.rate.rate, rounding=rounding)


@given(some.sales(), some.rate_tables(), some.tax_policies(), st.data())
def test_the_order_of_lines_does_not_matter(
    given_sale: Sale, rates: RateTable, policy: TaxPolicy, mixed: "st.DataObject"
) -> None:
    """The same goods in another order in the basket come to the same tax at every rate."""
    lines = mixed.draw(st.permutations(given_sale.lines))
    if policy.round_at is not RoundAt.DOCUMENT:
        one = assess(given_sale, rates=rates, policy=policy)
        other = assess(evolve(given_sale, lines=tuple(lines)), rates=rates, policy=policy)
        assert one.rates == other.rates


@given(some.sales(least=0), some.rate_tables(), some.tax_policies())
def test_taking_everything_back_takes_back_the_same_tax(given_sale: Sale, rates: RateTable, policy: TaxPolicy) -> None:
    """A return invoice over the whole sale has the invoice's figures with the sign turned, line by line."""
    if policy.rounding in (Rounding.FLOOR, Rounding.CEILING):
        return
    back = evolve(given_sale, lines=tuple(evolve(line, amount=-line.amount) for line in given_sale.lines))
    there, again = (assess(each, rates=rates, policy=policy) for each in (given_sale, back))
    assert [(-line.net, -line.tax) for line in again.lines] == [(line.net, line.tax) for line in there.lines]


@given(some.sales(least=0), st.integers(0, 100), some.rate_tables())
def test_a_discount_is_taken_off_to_the_yen(given_sale: Sale, percent: int, rates: RateTable) -> None:
    """A discount of the whole basket leaves the lines by exactly its amount, and no line below zero."""
    whole = sum(line.amount for line in given_sale.lines)
    discount = whole * percent // 100
    after = less(given_sale, discount=discount)
    assert sum(line.amount for line in after.lines) == whole - discount
    assert all(0 <= now.amount <= was.amount for now, was in zip(after.lines, given_sale.lines, strict=True))
    if given_sale.basis is TaxBasis.INCLUDED:
        assert assess(after, rates=rates, policy=JAPAN_INVOICE).gross == Money(whole - discount, "JPY")


def test_no_more_is_taken_off_than_there_is() -> None:
    """A discount above the basket is refused, and so is a negative one."""
    for discount in (921, -1):
        with pytest.raises(Malformed):
            less(sale((755, REDUCED), (165, STANDARD)), discount=discount)


@given(st.lists(st.integers(-10_000, 10_000), max_size=8), st.integers(1, 300), kernel.roundings())
def test_parts_add_up_to_their_rounded_total(exact: list[int], denominator: int, rounding: Rounding) -> None:
    """What was rounded once is shared out whole, nobody a whole unit from exact, and whole parts untouched."""
    total = tax_of(sum(exact), basis=TaxBasis.EXCLUDED, rate=Rate.of(1, denominator), rounding=rounding)
    parts = spread(total, exact, denominator=denominator)
    assert sum(parts) == total
    for part, numerator in zip(parts, exact, strict=True):
        assert abs(part * denominator - numerator) < denominator


def test_an_invoice_of_two_lines_to_the_yen() -> None:
    """105 and 107 yen at 10 % bear 21 yen of tax together, although 11 and 11 each by itself."""
    two = sale((105, STANDARD), (107, STANDARD))
    assert assess(two, rates=JAPAN, policy=PER_RATE).tax == Money(21, "JPY")
    assert assess(two, rates=JAPAN, policy=PER_LINE).tax == Money(22, "JPY")


def test_an_invoice_with_a_discount_over_two_rates_to_the_yen() -> None:
    """92 yen off 755 at 8 % and 165 at 10 % are 92 yen, and every figure of the invoice follows."""
    after = less(sale((755, REDUCED), (165, STANDARD), basis=TaxBasis.INCLUDED), discount=92)
    summary = assess(after, rates=JAPAN, policy=JAPAN_INVOICE)
    assert [line.amount for line in after.lines] == [679, 149]
    assert [(str(row.rate.rate), row.net, row.tax, row.gross) for row in summary.rates] == [
        ("0.1", 136, 13, 149),
        ("0.08", 629, 50, 679),
    ]
    assert summary.gross == Money(828, "JPY")


@pytest.mark.parametrize("rounding", [Rounding.DOWN, Rounding.HALF_UP])
def test_500_yen_stay_500_yen(rounding: Rounding) -> None:
    """500 yen including 10 % are 455 and 45 yen, and stay 500 yen; no price before tax comes to 500 yen."""
    policy = TaxPolicy(round_at=RoundAt.RATE, rounding=rounding)
    summary = assess(sale((500, STANDARD), basis=TaxBasis.INCLUDED), rates=JAPAN, policy=policy)
    assert (summary.net.minor, summary.tax.minor, summary.gross.minor) == (455, 45, 500)
    assert [gross_of(net, rate=Rate.of(1, 10), rounding=rounding) for net in (454, 455)] in ([499, 500], [499, 501])


@pytest.mark.parametrize(
    ("policy", "tax"),
    [(PER_UNIT, 656), (PER_LINE, 657), (PER_RATE, 657), (PER_DOCUMENT, 657)],
    ids=str,
)
def test_where_to_round_makes_a_difference(policy: TaxPolicy, tax: int) -> None:
    """Two shirts of 19.70 with 20 % in it bear 6.56 or 6.57 of tax, by where the shop rounds."""
    rates = RateTable(
        (
            evolve(
                JAPAN.rows[-1],
                category=STANDARD,
                rate=evolve(JAPAN.rows[-2].rate, reason=Taxability.STANDARD, rate=Rate.of(1, 5)),
            ),
        )
    )
    assert assess(sale((3940, STANDARD), basis=TaxBasis.INCLUDED, units=2), rates=rates, policy=policy).tax.minor == tax


@given(st.integers(0, 10**9), some.tax_rates(), kernel.roundings())
def test_net_and_gross_lead_to_each_other(amount: int, rate: TaxRate, rounding: Rounding) -> None:
    """Tax taken out of a price and put back on is off by no more than one unit of money."""
    ratio = rate.rate
    assert abs(gross_of(net_of(amount, rate=ratio, rounding=rounding), rate=ratio, rounding=rounding) - amount) <= 2


@pytest.mark.parametrize(
    ("day", "category", "percent", "reason"),
    [
        (date(2014, 3, 31), STANDARD, 5, Taxability.STANDARD),
        (date(2014, 4, 1), STANDARD, 8, Taxability.STANDARD),
        (date(2019, 9, 30), REDUCED, 8, Taxability.STANDARD),
        (date(2019, 10, 1), REDUCED, 8, Taxability.REDUCED),
        (date(2019, 10, 1), STANDARD, 10, Taxability.STANDARD),
        (date(2019, 10, 1), UNTAXED, 0, Taxability.OUT_OF_SCOPE),
    ],
)
def test_japan_knows_its_history(day: date, category: TaxCategory, percent: int, reason: Taxability) -> None:
    """A refund of an old sale bears the rate of its day: 5 %, then 8 %, then 10 % and the reduced 8 %."""
    found = rate_for(JAPAN, place="JP-13", category=category, on=day)
    assert (found.rate, found.reason) == (Rate.of(percent, 100), reason)


def test_without_a_rate_nothing_is_sold() -> None:
    """A category, place or day the table does not know is refused with all three named."""
    with pytest.raises(NoRate) as caught:
        rate_for(JAPAN, place="FR", category=STANDARD, on=TODAY)
    assert caught.value.facts == {"place": "FR", "category": "standard", "on": "2026-11-21"}
    with pytest.raises(NoRate):
        assess(evolve(sale((1, STANDARD)), on=date(1988, 1, 1)), rates=JAPAN, policy=PER_LINE)
