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
* ``CANCELLATION``: goods on an invoice whose number begins with C; whether a sale before it matches is decided on import.
* ``SALE``: the rest.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import Instant

ZONE = "Europe/London"
CURRENCY = "GBP"
MAX_LINE_BYTES = 64 * 1024
MAX_RECORD_LINES = 16
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
    records = _records(source)
    header = next(records, None)
    places = _places(header[1] if header else None)
    for number, cells in records:
        yield _line(number, cells, places)


def is_header(first_line: bytes) -> bool:
    """Say whether a file's first line is the header of this format."""
    try:
        _places(_cells(_text(first_line)))
    except Malformed:
        return False
    return True


def _text(raw: bytes) -> str:
    # The public export is in a Windows code page; re-exports are UTF-8. A line is one or the other.
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


class _Lines:
    """Physical lines with their numbers, from which lines can be put back."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._back: list[str | None] = []
        self.number = 0

    def next(self) -> str | None:
        """Give the next line, None at the end; one over the limit comes as an open quote, which no record closes."""
        self.number += 1
        if self._back:
            return self._back.pop()
        raw = self._source.readline(MAX_LINE_BYTES)
        if len(raw) < MAX_LINE_BYTES or raw.endswith(b"\n"):
            return _text(raw) if raw else None
        while (more := self._source.readline(MAX_LINE_BYTES)) and not more.endswith(b"\n"):
            continue
        return _TOO_LONG

    def put_back(self, lines: list[str | None]) -> None:
        """Read these lines again."""
        self._back.extend(reversed(lines))
        self.number -= len(lines)


_TOO_LONG = '"' * (MAX_RECORD_LINES * 2 + 1)


def _records(source: BinaryIO) -> Iterator[tuple[int, list[str] | None]]:
    """Give each record with its line number, None for one that is no CSV.

    A quote that is never closed must not swallow the rest of the file, as the csv module alone lets it: a record that
    is not closed within a few lines is given up, and reading goes on with the line after its first.
    """
    lines = _Lines(source)
    while (first := lines.next()) is not None:
        further: list[str | None] = []
        number, joined = lines.number, first
        while joined.count('"') % 2 and first is not _TOO_LONG and len(further) < MAX_RECORD_LINES:
            further.append(lines.next())
            joined += further[-1] or ""
            if further[-1] is None:
                break
        if joined.count('"') % 2:
            lines.put_back(further)
            yield number, None
        elif joined.strip():
            yield number, _cells(joined)


def _cells(text: str) -> list[str] | None:
    try:
        return next(csv.reader([text], strict=True), None)
    except csv.Error:
        return None


def _places(header: list[str] | None) -> dict[str, int]:
    names = [re.sub(r"[^a-z]", "", cell.lower()) for cell in header or []]
    found = {
        field: next((names.index(name) for name in known if name in names), -1) for field, known in _COLUMNS.items()
    }
    missing = sorted(field for field, place in found.items() if place < 0)
    if missing:
        raise Malformed("$[0]", "is not the header of an Online Retail export")
    return found


def _line(number: int, cells: list[str] | None, places: dict[str, int]) -> RetailLine:
    def cell(field: str) -> str:
        place = places[field]
        return cells[place].strip() if cells is not None and place < len(cells) else ""

    whole, price = _WHOLE.fullmatch(cell("units")), _PRICE.fullmatch(cell("price"))
    units = int(cell("units").partition(".")[0]) if whole and price else 0
    price_micros = _micros(cell("price")) if whole and price else 0
    at = _instant(cell("at"))
    customer = _customer(cell("customer"))
    invoice, code = _printable(cell("invoice"))[:60], _printable(cell("code"))[:60]
    reason = ""
    if cells is None:
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
