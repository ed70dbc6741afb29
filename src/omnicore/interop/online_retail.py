"""What does each line of an Online Retail export say, and which of six classes does it end in?

The format is the UCI "Online Retail" export in both its header generations, dirty as it is: cancellations, negative
quantities, zero prices, no customer, pseudo products. Nothing is skipped: every data line becomes a ``RetailLine``, and
what does not parse becomes one that is ``REFUSED`` with a reason. Reading is streamed, so memory does not grow with the
file.

The classes, first match wins:

* ``REFUSED``: the quantity or price does not parse (such a line adds 0), or the line has no invoice number or instant.
* ``CHARGE``: postage, carriage, bank and marketplace fees: money, no goods.
* ``ADJUSTMENT``: discounts, manual corrections, samples, bad debt; a zero or negative price; a quantity that is not
  positive outside a cancellation, or positive inside one.
* ``CANCELLATION``: goods on an invoice whose number begins with C; whether an earlier sale matches, the import decides.
* ``SALE``: the rest.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from omnicore.interop.torn_csv import cells, records, text_of
from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import Instant

ZONE = "Europe/London"
CURRENCY = "GBP"
MICROS = 10**6
"""Prices and amounts are whole millionths of a pound: exact, whatever decimals a file uses, and summed as ints."""

CHARGES = frozenset({"POST", "DOT", "C2", "BANK CHARGES", "AMAZONFEE", "CRUK"})
ADJUSTMENTS = frozenset({"D", "M", "S", "B", "PADS"})

_COLUMNS = {
    "invoice": ("invoiceno", "invoice"),
    "code": ("stockcode",),
    "title": ("description",),
    "units": ("quantity",),
    "at": ("invoicedate",),
    "price": ("unitprice", "price"),
    "customer": ("customerid",),
    "country": ("country",),
}
_WHOLE = re.compile(r"-?[0-9]{1,9}(\.0{1,6})?")
_PRICE = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")
_CUSTOMER = re.compile(r"[0-9A-Za-z_-]{1,40}")
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2}))?"
_DATES = (
    re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})[ T]" + _CLOCK),
    re.compile(r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4}) " + _CLOCK),
)


class LineClass(StrEnum):
    """What a line is before earlier sales are looked at."""

    SALE = "sale"
    CANCELLATION = "cancellation"
    CHARGE = "charge"
    ADJUSTMENT = "adjustment"
    REFUSED = "refused"


@frozen(kw_only=True)
class RetailLine:
    """One data line. ``number`` is its first physical line in the file; ``price_micros`` is exact.

    ``amount_micros`` is quantity times unit price, 0 where either did not parse. ``at`` is None only when refused.
    """

    number: int
    invoice: str
    code: str
    title: str
    units: int
    price_micros: int
    at: Instant | None
    customer: str | None
    country: str
    kind: LineClass
    reason: str = ""

    @property
    def amount_micros(self) -> int:
        """Quantity times unit price."""
        return self.units * self.price_micros

    def refused(self, reason: str) -> "RetailLine":
        """Give the line as one that could not be taken in; its amount is still the file's."""
        return evolve(self, kind=LineClass.REFUSED, reason=reason)


def decimal_text(micros: int) -> str:
    """Write millionths as a decimal with at least two places: 15.3 pounds are ``15.30``.

    Law: the text read back is the same number.
    """
    sign, whole = ("-" if micros < 0 else ""), abs(micros)
    places = f"{whole % MICROS:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole // MICROS}.{places}"


def read_lines(source: BinaryIO) -> Iterator[RetailLine]:
    """Read an export line by line, in order.

    Raises: Malformed when the header is not that of an Online Retail export.
    """
    found = records(source)
    header = next(found, None)
    places = _places(header[1] if header else None)
    for number, record in found:
        yield _line(number, record, places)


def is_header(first_line: bytes) -> bool:
    """Say whether a file's first line is the header of this format."""
    try:
        _places(cells(text_of(first_line)))
    except Malformed:
        return False
    return True


def _places(header: list[str] | None) -> dict[str, int]:
    names = [re.sub(r"[^a-z]", "", cell.lower()) for cell in header or []]
    found = {
        field: next((names.index(name) for name in known if name in names), -1) for field, known in _COLUMNS.items()
    }
    missing = sorted(field for field, place in found.items() if place < 0)
    if missing:
        raise Malformed("$[0]", "is not the header of an Online Retail export")
    return found


def _line(number: int, record: list[str] | None, places: dict[str, int]) -> RetailLine:
    def cell(field: str) -> str:
        place = places[field]
        return record[place].strip() if record is not None and place < len(record) else ""

    whole, price = _WHOLE.fullmatch(cell("units")), _PRICE.fullmatch(cell("price"))
    units = int(cell("units").partition(".")[0]) if whole and price else 0
    price_micros = _micros(cell("price")) if whole and price else 0
    at = _instant(cell("at"))
    customer = _customer(cell("customer"))
    invoice, code = _printable(cell("invoice"))[:60], _printable(cell("code"))[:60]
    reason = ""
    if record is None:
        reason = "is not CSV"
    elif not (whole and price):
        reason = "quantity or price does not parse"
    elif at is None:
        reason = "date does not parse"
    elif not invoice or not code:
        reason = "has no invoice number or stock code"
    return RetailLine(
        number=number,
        invoice=invoice,
        code=code,
        title=_printable(cell("title"))[:200],
        units=units,
        price_micros=price_micros,
        at=at,
        customer=customer,
        country=_printable(cell("country"))[:60],
        kind=LineClass.REFUSED if reason else classify(invoice, code, units, price_micros),
        reason=reason,
    )


def classify(invoice: str, code: str, units: int, price_micros: int) -> LineClass:
    """Say what a line that parses is."""
    if code.upper() in CHARGES:
        return LineClass.CHARGE
    cancels = invoice[:1].upper() == "C"
    if code.upper() in ADJUSTMENTS or price_micros <= 0 or (units >= 0 if cancels else units <= 0):
        return LineClass.ADJUSTMENT
    return LineClass.CANCELLATION if cancels else LineClass.SALE


def groups(lines: Iterable[RetailLine]) -> Iterator[tuple[RetailLine, ...]]:
    """Gather lines that stand together under one invoice number; refused lines stand alone."""
    open_group: list[RetailLine] = []
    for line in lines:
        if open_group and (line.kind is LineClass.REFUSED or line.invoice != open_group[0].invoice):
            yield tuple(open_group)
            open_group = []
        if line.kind is LineClass.REFUSED:
            yield (line,)
        else:
            open_group.append(line)
    if open_group:
        yield tuple(open_group)


def _micros(text: str) -> int:
    whole, _, places = text.partition(".")
    number = int(whole.lstrip("-") + places.ljust(6, "0"))
    return -number if text.startswith("-") else number


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(sign for sign in text if sign.isprintable())


def _customer(text: str) -> str | None:
    # Spreadsheets have turned the customer numbers into floats: 17850.0 is customer 17850.
    bare = re.sub(r"\.0+\Z", "", text)
    return bare if _CUSTOMER.fullmatch(bare) else None


_LONDON = ZoneInfo(ZONE)
_REMEMBERED = 256
_KNOWN: dict[str, Instant | None] = {}


def _instant(text: str) -> Instant | None:
    # Lines of one invoice share their instant, so a small memory of the last ones saves most of the parsing.
    if text not in _KNOWN:
        if len(_KNOWN) > _REMEMBERED:
            _KNOWN.clear()
        _KNOWN[text] = _parsed(text)
    return _KNOWN[text]


def _parsed(text: str) -> Instant | None:
    match = next((match for shape in _DATES if (match := shape.fullmatch(text))), None)
    if match is None:
        return None
    parts = {name: int(value or 0) for name, value in match.groupdict().items()}
    try:
        local = datetime(
            parts["year"], parts["month"], parts["day"], parts["hour"], parts["minute"], parts["second"], tzinfo=_LONDON
        )
        return Instant.at(local)
    except (ValueError, Malformed):
        return None
