"""Splitting an amount: ``distribute`` cases by ``omnicore.kernel.money.split_minor``."""

from typing import Final

from omnicore.kernel.errors import Malformed
from omnicore.kernel.money import MAX_SHARES, split_minor
from omnicore.kernel.rounding import Rate, Rounding, round_div
from tests.acceptance.comparing import AnyOrder, Named, Refusal
from tests.acceptance.reading import Case, Fields, NotBuilt

_LARGEST_FRACTION: Final = ("floor_then_largest_fraction_first", "even_remainder_to_first")
"""The conventions that are splitting by largest remainder, the earlier first among equals."""


def distribute(case: Case) -> Named:
    """Split over weights, evenly, or over goods and shipping."""
    with case.givens().reading() as given, one_step(case).reading() as step:
        how = step.text("distribute")
        if how == "subtotal_and_shipping":
            return _over_goods_and_shipping(given)
        _check_convention(case)
        amount = given.whole("amount")
        match how:
            case "proportional":
                weights = [_whole(weight) for weight in given.items("weights")]
            case "even":
                weights = [1] * min(given.whole("targets"), MAX_SHARES + 1)
            case _:
                raise NotBuilt(f"splitting {how}")
    try:
        parts = split_minor(amount, weights)
    except Malformed as error:
        return Named(refused=Refusal(error.reason, code="malformed"))
    return Named(parts=parts, parts_unordered=AnyOrder(parts))


def one_step(case: Case) -> Fields:
    """Give the only step of a case."""
    steps = case.steps()
    if len(steps) != 1:
        raise NotBuilt(f"a {case.kind} of {len(steps)} steps")
    return steps[0]


def _check_convention(case: Case) -> None:
    convention = case.convention.get("distribution")
    if convention not in _LARGEST_FRACTION:
        raise NotBuilt(f"the spreading convention {convention or 'of ' + case.peer}")


def _over_goods_and_shipping(given: Fields) -> Named:
    """Take a discount off everything together, never more than there is, and split it by value."""
    weights = [given.whole("subtotal"), given.whole("shipping")]
    if "percent" in given:
        rate = Rate.percent(given.text("percent"))
        amount = round_div(sum(weights) * rate.numerator, rate.denominator, Rounding.HALF_UP)
    else:
        amount = given.whole("amount")
    goods, shipping = split_minor(min(amount, sum(weights)), weights)
    return Named(subtotal_part=goods, shipping_part=shipping)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise NotBuilt("a weight that is no whole number")
    return value
