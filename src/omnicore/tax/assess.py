"""How much tax is in or on a sale, to the last minor unit?

The exact tax of a line is its amount times a ratio. It is rounded where the policy says, once, and what was rounded is
then shared out to the parts below by largest remainder of their exact tax, so every part adds up to the part above it
and no part is a whole unit away from exact. On the inclusive basis the gross never moves: 500 yen stay 500 yen.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from math import lcm

from attrs import evolve

from omnicore.kernel.errors import Malformed
from omnicore.kernel.money import TaxBasis, split_minor
from omnicore.kernel.rounding import Rate, Rounding, round_div
from omnicore.tax.errors import NoRate
from omnicore.tax.model import (
    LineTax,
    RateTable,
    RateTotal,
    RoundAt,
    Sale,
    SaleLine,
    TaxCategory,
    TaxPolicy,
    TaxRate,
    TaxSummary,
    places,
)

_ONE = Rate(1)


def rate_for(table: RateTable, *, place: str, category: TaxCategory, on: date) -> TaxRate:
    """Give the rate in force on a local day: of the place itself, or else of the nearest place it lies in.

    Raises:
        NoRate: the table has none.
    """
    rows = {row.place: row.rate for row in table.rows if row.category == category and row.covers(on)}
    for near in places(place):
        if near in rows:
            return rows[near]
    raise NoRate(place=place, category=category, on=on.isoformat())


def tax_of(amount: int, *, basis: TaxBasis, rate: Rate, rounding: Rounding) -> int:
    """Give the tax in an amount (included) or on it (excluded), in minor units, rounded once."""
    share = _share(rate, basis)
    return round_div(amount * share.numerator, share.denominator, rounding)


def net_of(gross: int, *, rate: Rate, rounding: Rounding) -> int:
    """Take the tax out of an amount: what is left is rounded. 1,000 with 23 % in it is 813 without."""
    return round_div(gross * rate.denominator, rate.denominator + rate.numerator, rounding)


def gross_of(net: int, *, rate: Rate, rounding: Rounding) -> int:
    """Put tax on an amount, rounded once: 813 and 23 % is 1,000."""
    return net + round_div(net * rate.numerator, rate.denominator, rounding)


def less(sale: Sale, *, discount: int) -> Sale:
    """Take a discount of the whole document off its lines, in proportion to their amounts, by largest remainder.

    The discount is on the basis of the sale. Lines that take back are left alone.

    Law: the lines lose exactly the discount together, none more than it has. Source: 92 yen over 755 at 8 % and 165 at
    10 % are 76 and 16, not 76 and 17.

    Raises:
        Malformed: a negative discount, or more than there is.
    """
    weights = [max(line.amount, 0) for line in sale.lines]
    if type(discount) is not int or not 0 <= discount <= sum(weights):
        raise Malformed("$.discount", "must be from zero to what the lines come to")
    if not discount:
        return sale
    shares = split_minor(discount, weights)
    lines = [evolve(line, amount=line.amount - share) for line, share in zip(sale.lines, shares, strict=True)]
    return evolve(sale, lines=tuple(lines))


def assess(sale: Sale, *, rates: RateTable, policy: TaxPolicy) -> TaxSummary:
    """Assess a sale: tax by rate and by line, rounded once where the policy says.

    Law: net + tax == gross per line, per rate and per document; with tax included the gross is the amount given, with
    tax excluded the net is; the figures by rate do not depend on the order of lines but where units are odd.

    Raises:
        NoRate: the table has no rate for a line.
    """
    by_category: dict[TaxCategory, TaxRate] = {}
    for line in sale.lines:
        if line.category not in by_category:
            by_category[line.category] = rate_for(rates, place=sale.place, category=line.category, on=sale.on)
    line_rates = [by_category[line.category] for line in sale.lines]
    taxes = _taxes(sale.lines, [_share(rate.rate, sale.basis) for rate in line_rates], line_rates, policy)
    included = sale.basis is TaxBasis.INCLUDED
    lines = tuple(
        LineTax(line=line.id, rate=rate, net=line.amount - tax if included else line.amount, tax=tax)
        for line, rate, tax in zip(sale.lines, line_rates, taxes, strict=True)
    )
    return TaxSummary(
        currency=sale.currency, basis=sale.basis, policy=policy, rates=_totals(lines, line_rates), lines=lines
    )


def _share(rate: Rate, basis: TaxBasis) -> Rate:
    """Give the tax as a share of an amount: 10/110 of it when included, 10/100 when not."""
    return rate / (_ONE + rate) if basis is TaxBasis.INCLUDED else rate


def _taxes(lines: Sequence[SaleLine], shares: Sequence[Rate], rates: Sequence[TaxRate], policy: TaxPolicy) -> list[int]:
    if policy.round_at is RoundAt.UNIT:
        return [_by_unit(line, share, policy.rounding) for line, share in zip(lines, shares, strict=True)]
    if policy.round_at is RoundAt.LINE:
        return [
            round_div(line.amount * share.numerator, share.denominator, policy.rounding)
            for line, share in zip(lines, shares, strict=True)
        ]
    denominator = lcm(*[share.denominator for share in shares])
    exact = [
        line.amount * share.numerator * (denominator // share.denominator)
        for line, share in zip(lines, shares, strict=True)
    ]
    groups: dict[TaxRate, list[int]] = {}
    for at, rate in enumerate(rates):
        groups.setdefault(rate, []).append(at)
    members = [groups[rate] for rate in sorted(groups, key=_highest_first)]
    sums = [sum(exact[at] for at in group) for group in members]
    if policy.round_at is RoundAt.RATE:
        totals = [round_div(each, denominator, policy.rounding) for each in sums]
    else:
        totals = spread(round_div(sum(sums), denominator, policy.rounding), sums, denominator=denominator)
    taxes = [0] * len(lines)
    for group, total in zip(members, totals, strict=True):
        for at, tax in zip(group, spread(total, [exact[at] for at in group], denominator=denominator), strict=True):
            taxes[at] = tax
    return taxes


def spread(total: int, exact: Sequence[int], *, denominator: int) -> list[int]:
    """Make whole numbers of exact parts (numerators over one denominator) that add up to their rounded total.

    Each is rounded down, and the units left go one each to the largest remainders, the earlier first among equals.

    Law: the parts add up to ``total``; each is less than 1 from exact, and a whole part stays as it is; turning all
    signs round turns the parts round. ``total`` must be less than 1 from the exact sum.
    """
    if total < 0:
        return [-part for part in spread(-total, [-part for part in exact], denominator=denominator)]
    parts = [part // denominator for part in exact]
    left = total - sum(parts)
    if left:
        remainders = [part % denominator for part in exact]
        for at in sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)[:left]:
            parts[at] += 1
    return parts


def _by_unit(line: SaleLine, share: Rate, rounding: Rounding) -> int:
    """Round each unit's tax; units share the amount evenly, so at most two amounts occur."""
    sign = -1 if line.amount < 0 else 1
    each, odd = divmod(abs(line.amount), line.units)
    tax = round_div(sign * each * share.numerator, share.denominator, rounding)
    tax_of_odd = round_div(sign * (each + 1) * share.numerator, share.denominator, rounding) if odd else 0
    return tax * (line.units - odd) + tax_of_odd * odd


def _totals(lines: Sequence[LineTax], rates: Sequence[TaxRate]) -> tuple[RateTotal, ...]:
    sums: Mapping[TaxRate, list[int]] = {rate: [0, 0] for rate in sorted(set(rates), key=_highest_first)}
    for line in lines:
        row = sums[line.rate]
        row[0] += line.net
        row[1] += line.tax
    return tuple(RateTotal(rate=rate, net=net, tax=tax) for rate, (net, tax) in sums.items())


def _highest_first(rate: TaxRate) -> tuple[Rate, str]:
    return -rate.rate, rate.reason
