"""Which rates and rounding rules come with the library?

Japan's consumption tax since its beginning, and the usual places to round. All are plain values: take one as it is, or
``attrs.evolve`` it, or write your own.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from omnicore.kernel.rounding import Rate, Rounding
from omnicore.tax.model import DatedRate, RateTable, RoundAt, Taxability, TaxCategory, TaxPolicy, TaxRate

STANDARD: Final = TaxCategory("standard")
REDUCED: Final = TaxCategory("reduced")
"""Food, drink and newspapers, in Japan since October 2019."""
UNTAXED: Final = TaxCategory("untaxed")
"""Gift cards sold, deposits: out of scope (不課税)."""


def _row(
    category: TaxCategory, percent: int, first: date | None, until: date | None = None, *, reduced: bool = False
) -> DatedRate:
    reason = Taxability.REDUCED if reduced else Taxability.STANDARD
    rate = TaxRate(reason=reason if percent else Taxability.OUT_OF_SCOPE, rate=Rate.of(percent, 100))
    return DatedRate(place="JP", category=category, rate=rate, first=first, until=until)


_BEGAN: Final = date(1989, 4, 1)
_FIVE: Final = date(1997, 4, 1)
_EIGHT: Final = date(2014, 4, 1)
_TEN: Final = date(2019, 10, 1)

JAPAN: Final = RateTable(
    (
        *(_row(category, 3, _BEGAN, _FIVE) for category in (STANDARD, REDUCED)),
        *(_row(category, 5, _FIVE, _EIGHT) for category in (STANDARD, REDUCED)),
        *(_row(category, 8, _EIGHT, _TEN) for category in (STANDARD, REDUCED)),
        _row(STANDARD, 10, _TEN),
        _row(REDUCED, 8, _TEN, reduced=True),
        _row(UNTAXED, 0, None),
    )
)
"""Consumption tax (消費税), national and local share together."""

JAPAN_INVOICE: Final = TaxPolicy(round_at=RoundAt.RATE, rounding=Rounding.DOWN)
"""The qualified invoice: once per rate per document. The law leaves the rule open; most drop the rest (切り捨て)."""
PER_RATE: Final = TaxPolicy(round_at=RoundAt.RATE, rounding=Rounding.HALF_UP)
PER_LINE: Final = TaxPolicy(round_at=RoundAt.LINE, rounding=Rounding.HALF_UP)
"""Usual in the EU, and of Sylius, Vendure, Solidus and Saleor by default."""
NET_PER_LINE: Final = TaxPolicy(round_at=RoundAt.LINE, rounding=Rounding.HALF_DOWN)
"""Per line, but what is left without tax is the figure rounded half up: of Vendure and Saleor where tax is included."""
PER_UNIT: Final = TaxPolicy(round_at=RoundAt.UNIT, rounding=Rounding.HALF_UP)
PER_DOCUMENT: Final = TaxPolicy(round_at=RoundAt.DOCUMENT, rounding=Rounding.HALF_UP)

POLICIES: Final[Mapping[str, TaxPolicy]] = {
    "japan_invoice": JAPAN_INVOICE,
    "per_rate": PER_RATE,
    "per_line": PER_LINE,
    "net_per_line": NET_PER_LINE,
    "per_unit": PER_UNIT,
    "per_document": PER_DOCUMENT,
}
"""The presets by name."""
