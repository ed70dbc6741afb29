"""Tax: rates by place, category and day as data, where to round as a policy, and one summary all documents use.

Everything here is pure. ``assess`` takes a sale, a table of rates and a policy, and gives the ``TaxSummary`` that
order, invoice, mail and refund print; nobody computes tax a second time.
"""

from omnicore.tax.assess import assess, gross_of, less, net_of, rate_for, spread, tax_of
from omnicore.tax.errors import NoRate
from omnicore.tax.model import (
    DatedRate,
    LineTax,
    RateTable,
    RateTotal,
    RoundAt,
    Sale,
    SaleLine,
    Taxability,
    TaxCategory,
    TaxPolicy,
    TaxRate,
    TaxSummary,
)
from omnicore.tax.presets import (
    JAPAN,
    JAPAN_INVOICE,
    NET_PER_LINE,
    PER_DOCUMENT,
    PER_LINE,
    PER_RATE,
    PER_UNIT,
    POLICIES,
    REDUCED,
    STANDARD,
    UNTAXED,
)

__all__ = [
    "JAPAN",
    "JAPAN_INVOICE",
    "NET_PER_LINE",
    "PER_DOCUMENT",
    "PER_LINE",
    "PER_RATE",
    "PER_UNIT",
    "POLICIES",
    "REDUCED",
    "STANDARD",
    "UNTAXED",
    "DatedRate",
    "LineTax",
    "NoRate",
    "RateTable",
    "RateTotal",
    "RoundAt",
    "Sale",
    "SaleLine",
    "TaxCategory",
    "TaxPolicy",
    "TaxRate",
    "TaxSummary",
    "Taxability",
    "assess",
    "gross_of",
    "less",
    "net_of",
    "rate_for",
    "spread",
    "tax_of",
]
