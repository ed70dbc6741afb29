"""Tax: ``tax_amount`` cases, and the policy and rates of ``cart`` cases, by ``omnicore.tax``."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import combinations
from typing import Final

from omnicore.kernel.money import TaxBasis
from omnicore.kernel.rounding import Rate
from omnicore.tax import (
    NET_PER_LINE,
    PER_DOCUMENT,
    PER_LINE,
    PER_UNIT,
    DatedRate,
    RateTable,
    Sale,
    SaleLine,
    Taxability,
    TaxCategory,
    TaxPolicy,
    TaxRate,
    assess,
)
from tests.acceptance.comparing import Named
from tests.acceptance.kinds_distribute import one_step
from tests.acceptance.reading import Case, Fields, NotBuilt

HOME: Final = "XX"
"""Where a case takes place that names no zone."""
UNTAXED: Final = TaxCategory("untaxed")
ZERO: Final = TaxRate(reason=Taxability.OUT_OF_SCOPE, rate=Rate(0))

_LEVELS: Final[Mapping[object, TaxPolicy]] = {
    "line": PER_LINE,
    # The sum of a line's unrounded units is the line's exact tax.
    "unit_sum_per_line": PER_LINE,
    "unit": PER_UNIT,
    "order": PER_DOCUMENT,
}
_UNSTATED: Final[Mapping[str, TaxPolicy]] = {
    "Sylius": PER_LINE,
    "Solidus": PER_LINE,
    "Vendure": PER_LINE,
    "Saleor": PER_LINE,
    "Medusa": PER_DOCUMENT,
}
"""The level of a peer where a case states none."""
_ROUND_THE_NET: Final = ("Vendure", "Saleor")
"""Peers that take the tax out of an inclusive price by rounding what is left."""
_PLACE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,12}){0,3}")


def policy_of(case: Case, basis: TaxBasis) -> TaxPolicy:
    """Choose the public tax policy that a case states, or that its peer has."""
    stated = case.convention.get("tax_rounding")
    policy = _UNSTATED.get(case.peer) if stated is None else _LEVELS.get(stated)
    if policy is None:
        raise NotBuilt(f"the tax rounding {stated or 'of ' + case.peer}")
    if basis is TaxBasis.INCLUDED and case.peer in _ROUND_THE_NET:
        if policy is not PER_LINE:
            raise NotBuilt(f"inclusive prices of {case.peer} rounded per {stated}")
        return NET_PER_LINE
    return policy


def rate_of(percent: str) -> TaxRate:
    """Make a rate of a case's percentage."""
    rate = Rate.percent(percent)
    return TaxRate(reason=Taxability.STANDARD, rate=rate) if rate.numerator else ZERO


def basis_of(*, included: bool) -> TaxBasis:
    """Say where the tax is."""
    return TaxBasis.INCLUDED if included else TaxBasis.EXCLUDED


def place_of(label: str) -> str:
    """Name a case's zone or country as a place: ``US`` and ``US-NY`` as they are, ``ROW`` as part of nowhere."""
    return label if _PLACE.fullmatch(label) else f"{HOME}-{re.sub('[^A-Z0-9]', '', label.upper())[:12]}"


def tax_amount(case: Case) -> Named:
    """Tax one amount, or the sum of several."""
    with case.givens().reading() as given, one_step(case).reading() as step:
        of = step.text("tax_of")
        if of == "amount":
            amounts = [given.whole("amount")]
        elif of == "sum":
            amounts = [_whole(amount) for amount in given.items("amounts")]
        else:
            raise NotBuilt(f"the tax of {of}")
        amount = sum(amounts) - given.whole("discount", 0)
        rate, basis = rate_of(given.text("percent")), basis_of(included=given.flag("included"))
        currency = given.text("currency", "USD")
    category = TaxCategory("standard")
    summary = assess(
        Sale(
            currency=currency,
            basis=basis,
            place=HOME,
            on=date(2026, 1, 1),
            lines=(SaleLine(id="1", category=category, amount=amount),),
        ),
        rates=RateTable((DatedRate(place=HOME, category=category, rate=rate),)),
        policy=policy_of(case, basis),
    )
    return Named(tax=summary.tax.minor, net=summary.net.minor, gross=summary.gross.minor)


class Rates:
    """The rates of a cart: from ``tax_rates`` by zone, category and day, or from a percentage on the thing itself."""

    def __init__(self, given: Fields) -> None:
        """Read the zones and rates of a case."""
        zones = given.within("zones") if "zones" in given else None
        members = {zone: [str(one) for one in zones.items(zone)] for zone in zones.names()} if zones else {}
        self.rows: list[DatedRate] = []
        self.everywhere: dict[TaxCategory, TaxRate] = {}
        self.inclusions: list[TaxBasis] = []
        self.entries: dict[tuple[str, TaxCategory, date | None], int] = {}
        for row in given.rows("tax_rates"):
            with row.reading():
                self._read(row, members)
        for one, other in combinations(self.rows, 2):
            if one.category == other.category and _meet(one, other):
                raise NotBuilt("several rates on one line")

    def _read(self, row: Fields, members: Mapping[str, list[str]]) -> None:
        category, zone = TaxCategory(row.text("category")), row.text("zone")
        rate = rate_of(row.text("percent"))
        first, last = row.take("valid_from", None), row.take("valid_to", None)
        row.take("valid", None)  # what the days already say
        row.text("code")
        rows = [
            DatedRate(
                place=place_of(member.removesuffix("-*")),
                category=category,
                rate=rate,
                first=None if first is None else date.fromisoformat(str(first)),
                until=None if last is None else date.fromisoformat(str(last)) + timedelta(days=1),
            )
            for member in members.get(zone, [zone])
        ]
        self.entries |= {(each.place, category, each.first): len(self.inclusions) for each in rows}
        self.inclusions.append(basis_of(included=row.flag("included")))
        self.rows += rows

    def category(self, thing: Fields) -> TaxCategory:
        """Give the category of a product or a charge; one that carries its percentage gets a category of its own."""
        if "tax_percent" in thing:
            return self.at_percent(thing.text("tax_percent"))
        return TaxCategory(thing.text("tax_category")) if "tax_category" in thing else UNTAXED

    def at_percent(self, percent: str) -> TaxCategory:
        """Give a category that is taxed at a percentage wherever it goes."""
        category = TaxCategory(f"at-{percent}")
        self.everywhere[category] = rate_of(percent)
        return category

    def entry(self, category: TaxCategory, place: str, on: date) -> int | None:
        """Name the entry of the case that taxes a category at a place; one entry may cover several places."""
        for row in self.rows:
            if row.category == category and row.covers(on) and _lies_in(place, row.place):
                return self.entries[row.place, category, row.first]
        return None

    def basis(self, category: TaxCategory, place: str, on: date) -> TaxBasis:
        """Say where the tax is at a place; where nothing is taxed, as in the category's other entries."""
        entry = self.entry(category, place, on)
        if entry is not None:
            return self.inclusions[entry]
        stated = {self.inclusions[each] for (_, other, _), each in self.entries.items() if other == category}
        return stated.pop() if len(stated) == 1 else TaxBasis.EXCLUDED

    def table(self, categories: Iterable[TaxCategory], place: str, on: date) -> RateTable:
        """Give the table for a place; a category without a rate there is out of scope."""
        bare = {each for each in categories if self.entry(each, place, on) is None}
        rows = [row for row in self.rows if row.category not in bare]
        return RateTable(
            (
                *rows,
                *(DatedRate(place=place, category=each, rate=self.everywhere.get(each, ZERO)) for each in sorted(bare)),
            )
        )


def _meet(one: DatedRate, other: DatedRate) -> bool:
    near = _lies_in(one.place, other.place) or _lies_in(other.place, one.place)
    apart = (one.until and other.first and one.until <= other.first) or (
        other.until and one.first and other.until <= one.first
    )
    return near and not apart


def _lies_in(place: str, other: str) -> bool:
    return place == other or place.startswith(f"{other}-")


def _whole(value: object) -> int:
    if type(value) is not int:
        raise NotBuilt("an amount that is no whole number")
    return value
