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
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from omnicore.interop.torn_csv import cells, records, text_of
from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import Instant

ZONE = "Europe/London"
CURRENCY = "GBP"
PLACES: Final = 24
STEPS: Final = 10**24
"""Prices and amounts are whole steps of a pound's 10^-24: exact for every decimal that is read, and summed as ints.

A spreadsheet writes 2.55 as 2.5500000000000003 at times, and what a file says is what its lines add up to."""
_STEPS_PER_MICRO = STEPS // 10**6

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
MAX_NUMBER = 100
"""Characters of an invoice number."""
MAX_GROUP = 5_000
"""Lines that are handled together."""
_MAX_CODE = 300
_MAX_CUSTOMER = 100
_WHOLE = re.compile(r"-?[0-9]{1,30}(\.0{1,24})?")
_PRICE = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,24})?")
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
    """One data line. ``number`` is its first physical line in the file; ``price_steps`` is exact.

    ``amount_steps`` is quantity times unit price, 0 where either did not parse. ``at`` is None only when refused.
    """

    number: int
    invoice: str
    code: str
    title: str
    units: int
    price_steps: int
    at: Instant | None
    customer: str | None
    country: str
    kind: LineClass
    reason: str = ""

    @property
    def amount_steps(self) -> int:
        """Quantity times unit price."""
        return self.units * self.price_steps

    @property
    def price_micros(self) -> int:
        """The unit price in millionths, half up: what lines are compared by, so that 2.5500000000000003 is 2.55."""
        return (self.price_steps + _STEPS_PER_MICRO // 2) // _STEPS_PER_MICRO

    def refused(self, reason: str) -> "RetailLine":
        """Give the line as one that could not be taken in; its amount is still the file's."""
        return evolve(self, kind=LineClass.REFUSED, reason=reason)


def decimal_text(steps: int) -> str:
    """Write steps as a decimal with at least two places: 15.3 pounds are ``15.30``.

    Law: the text read back is the same number.
    """
    sign, whole = ("-" if steps < 0 else ""), abs(steps)
    places = f"{whole % STEPS:0{PLACES}d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole // STEPS}.{places}"


def read_lines(source: BinaryIO) -> Iterator[RetailLine]:
    """Read an export line by line, in order.

    Raises: Malformed when the header is not that of an Online Retail export.
    """
    found = records(source)
    header = next(found, None)
    places = tuple(_places(header[1] if header else None).values())
    pick, width = itemgetter(*places), max(places) + 1
    for number, record in found:
        told = record or []
        yield _line(number, record is None, [cell.strip() for cell in pick(told + [""] * (width - len(told)))])


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


def _line(number: int, torn: bool, told: Sequence[str]) -> RetailLine:  # noqa: FBT001 - the only caller is above
    invoice, code, title, quantity, moment, unit_price, buyer, country = told
    parses = _WHOLE.fullmatch(quantity) and _PRICE.fullmatch(unit_price)
    units = int(quantity.partition(".")[0]) if parses else 0
    price = _steps(unit_price) if parses else 0
    at = _instant(moment)
    invoice, code = _printable(invoice), _printable(code)
    reason = ""
    if torn:
        reason = "is not CSV"
    elif not parses:
        reason = "quantity or price does not parse"
    elif at is None:
        reason = "date does not parse"
    elif not 0 < len(invoice) <= MAX_NUMBER or not 0 < len(code) <= _MAX_CODE:
        reason = "has no invoice number or stock code, or one that is too long"
    return RetailLine(
        number=number,
        invoice=invoice[:MAX_NUMBER],
        code=code[:_MAX_CODE],
        title=_printable(title)[:200].strip(),
        units=units,
        price_steps=price,
        at=at,
        customer=_customer(buyer),
        country=_printable(country)[:60],
        kind=LineClass.REFUSED if reason else classify(invoice, code, units=units, price=price),
        reason=reason,
    )


def classify(invoice: str, code: str, *, units: int, price: int) -> LineClass:
    """Say what a line that parses is; of the price, in whatever unit, only the sign counts."""
    if code.upper() in CHARGES:
        return LineClass.CHARGE
    cancels = invoice[:1].upper() == "C"
    if code.upper() in ADJUSTMENTS or price <= 0 or (units >= 0 if cancels else units <= 0):
        return LineClass.ADJUSTMENT
    return LineClass.CANCELLATION if cancels else LineClass.SALE


def groups(lines: Iterable[RetailLine]) -> Iterator[tuple[RetailLine, ...]]:
    """Gather lines that stand together under one invoice number and customer; refused lines stand alone.

    What is longer than ``MAX_GROUP`` lines is cut there, so that memory does not grow with the file.
    """
    open_group: list[RetailLine] = []
    for line in lines:
        full = len(open_group) == MAX_GROUP
        if open_group and (full or line.kind is LineClass.REFUSED or _apart(line, open_group[0])):
            yield tuple(open_group)
            open_group = []
        if line.kind is LineClass.REFUSED:
            yield (line,)
        else:
            open_group.append(line)
    if open_group:
        yield tuple(open_group)


def _apart(line: RetailLine, first: RetailLine) -> bool:
    return line.invoice != first.invoice or line.customer != first.customer


def _steps(text: str) -> int:
    whole, _, places = text.partition(".")
    number = int(whole.lstrip("-") + places.ljust(PLACES, "0"))
    return -number if text.startswith("-") else number


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(sign for sign in text if sign.isprintable()).strip()


def _customer(text: str) -> str | None:
    # Spreadsheets have turned the customer numbers into floats: 17850.0 is customer 17850.
    bare = _printable(text if text.isdecimal() else re.sub(r"(?<=[0-9])\.0+\Z", "", text))
    return bare if 0 < len(bare) <= _MAX_CUSTOMER else None


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
