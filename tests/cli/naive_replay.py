"""What should `omnicore replay` say? The issue's rules over plain rows, in plain Python, sharing no code with omnicore.

Every row of the file is one class; a cancellation takes back earlier sales of the same customer, product and unit
price, newest first, all of its units or none, over everything read before it.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal

CLASSES = ("sale", "cancellation_matched", "cancellation_unmatched", "charge", "adjustment", "refused")
FEES = {"POST", "DOT", "C2", "BANK CHARGES", "AMAZONFEE", "CRUK"}
CORRECTIONS = {"D", "M", "S", "B", "PADS"}
HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
PLACES = {
    "customer": ("CustomerID", "Customer ID"),
    "invoice": ("InvoiceNo", "Invoice"),
    "price": ("UnitPrice", "Price"),
}
EXACT = Context(prec=200)


@dataclass
class Sold:
    """Units that may still be taken back."""

    at: datetime
    units: int


@dataclass
class Naive:
    """What was read so far: rows and money by class, the sales that may still be taken back, and who bought."""

    lines: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))
    amounts: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(CLASSES, Decimal(0)))
    sold: dict[tuple[str, str, Decimal], list["Sold"]] = field(default_factory=lambda: defaultdict(list))
    customers: set[str] = field(default_factory=set)
    orders: set[str] = field(default_factory=set)

    def read(self, content: bytes) -> None:
        """Take a file in, which the csv module alone can read."""
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        header = next(rows)
        for row in rows:
            if row and (len(row) > 1 or row[0].strip()):
                self.take(dict(zip(header, (cell.strip() for cell in row), strict=False)))

    def take(self, row: dict[str, str]) -> None:
        """Take one row in."""

        def cell(name: str) -> str:
            return next((row[known] for known in PLACES.get(name, (name,)) if known in row), "")

        invoice, code = cell("invoice"), cell("StockCode")
        units, price = number(cell("Quantity")), number(cell("price"))
        whole = units is not None and units == units.to_integral_value()
        amount = EXACT.multiply(units, price) if units is not None and price is not None and whole else Decimal(0)
        kind = "refused"
        at = moment(cell("InvoiceDate"))
        if units is not None and price is not None and whole and at is not None and invoice and code:
            customer = re.sub(r"\.0+$", "", cell("customer"))
            kind = self.classify(invoice, code, customer, int(units), price, at)
        self.lines[kind] += 1
        self.amounts[kind] = EXACT.add(self.amounts[kind], amount)

    def classify(self, invoice: str, code: str, customer: str, units: int, price: Decimal, at: datetime) -> str:
        """Say what a row is, and take back what it cancels."""
        if customer:
            self.customers.add(customer)
        if code.upper() in FEES:
            return "charge"
        cancels = invoice.upper().startswith("C")
        if code.upper() in CORRECTIONS or price <= 0 or (units >= 0 if cancels else units <= 0):
            return "adjustment"
        key = (customer, code, price)
        if not cancels:
            self.orders.add(invoice)
            self.sold[key].append(Sold(at, units))
            return "sale"
        earlier = [sale for sale in self.sold[key] if sale.at <= at] if customer else []
        wanted = -units
        if sum(sale.units for sale in earlier) < wanted:
            return "cancellation_unmatched"
        for sale in sorted(earlier, key=lambda sale: sale.at, reverse=True):
            taken = min(sale.units, wanted)
            sale.units -= taken
            wanted -= taken
        return "cancellation_matched"

    def left(self) -> int:
        """Count the units that were sold to known customers and not taken back."""
        return sum(sale.units for (who, _, _), sales in self.sold.items() if who for sale in sales)


def number(text: str) -> Decimal | None:
    """Read a plain decimal number of ASCII digits."""
    return Decimal(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) else None


def moment(text: str) -> datetime | None:
    """Read a local time in one of the export's two shapes."""
    for shape in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M"):
        try:
            return datetime.strptime(text, shape)  # noqa: DTZ007 - a local time, compared with local times alone
        except ValueError:
            continue
    return None


def export(rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> bytes:
    """Write rows as an export."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()
