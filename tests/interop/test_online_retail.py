"""Laws of the Online Retail reader: no line is lost, and no penny."""

import csv
import io
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.interop.online_retail import STEPS, LineClass, decimal_text, groups, is_header, read_lines
from omnicore.kernel.errors import Malformed

HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
SECOND_HEADER = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"]


def export(rows: list[list[str]], header: list[str] = HEADER) -> io.BytesIO:
    """Write rows as a spreadsheet would."""
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return io.BytesIO(text.getvalue().encode())


def row(invoice: str = "536365", code: str = "85123A", units: str = "6", price: str = "2.55") -> list[str]:
    """Make one line."""
    return [invoice, code, "WHITE HEART", units, "2010-12-01 08:26:00", price, "17850.0", "United Kingdom"]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=12)
numbers = st.one_of(st.integers(-99, 99).map(str), st.decimals(-99, 99, places=2).map(str), texts)


@given(st.lists(st.tuples(texts, texts, texts, numbers, texts, numbers, texts, texts).map(list), max_size=20))
def test_no_line_is_lost(rows: list[list[str]]) -> None:
    """Every line of an export ends in one class, whatever stands in it."""
    told = [each for each in rows if "".join(each).strip()]
    assert len(list(read_lines(export(told)))) == len(told)


@given(st.lists(st.tuples(st.integers(-999, 999), st.decimals("-999", "999", places=4)), max_size=20))
def test_amounts_add_up_to_the_file(pairs: list[tuple[int, Decimal]]) -> None:
    """The classes' amounts add up to quantity times price of the whole file, to the last decimal."""
    rows = [row(units=str(units), price=f"{price:f}") for units, price in pairs]
    found = sum(line.amount_steps for line in read_lines(export(rows)))
    assert Decimal(decimal_text(found)) == sum((units * price for units, price in pairs), Decimal(0))


@given(st.integers(-(10**50), 10**50))
def test_decimal_text_is_exact(steps: int) -> None:
    """An amount written out is the same amount read back."""
    assert Fraction(decimal_text(steps)) * STEPS == steps


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (row(), LineClass.SALE),
        (row(invoice="C536391", units="-12"), LineClass.CANCELLATION),
        (row(code="POST", price="18.00"), LineClass.CHARGE),
        (row(invoice="C1", code="BANK CHARGES", units="-1"), LineClass.CHARGE),
        (row(invoice="C1", code="D", units="-1"), LineClass.ADJUSTMENT),
        (row(price="0.0"), LineClass.ADJUSTMENT),
        (row(price="-11062.06", code="B"), LineClass.ADJUSTMENT),
        (row(units="-10"), LineClass.ADJUSTMENT),
        (row(invoice="C1", units="10"), LineClass.ADJUSTMENT),
        (row(units="6.0"), LineClass.SALE),
        (row(units="six"), LineClass.REFUSED),
        (row(units="６"), LineClass.REFUSED),
        (row(units="1_0"), LineClass.REFUSED),
        (row(units=""), LineClass.REFUSED),
        (row(price="NaN"), LineClass.REFUSED),
        (row(price="1e9"), LineClass.REFUSED),
        (row(price="1,50"), LineClass.REFUSED),
        (row(invoice=""), LineClass.REFUSED),
    ],
)
def test_a_line_ends_in_the_class_its_contents_say(line: list[str], expected: LineClass) -> None:
    """Goods, charges, corrections and lines that cannot be read are told apart by one stated rule."""
    (found,) = read_lines(export([line]))
    assert found.kind is expected


def test_a_refused_number_adds_nothing() -> None:
    """A line whose quantity or price cannot be read counts as a line and adds no money."""
    (found,) = read_lines(export([row(units="six")]))
    assert (found.units, found.amount_steps) == (0, 0)


def test_an_open_quote_does_not_swallow_the_rest() -> None:
    """One broken line costs one line, not the file."""
    good = ",".join(row())
    broken = '536365,X,"never closed,6,2010-12-01 08:26:00,1.00,1,UK'
    text = "\n".join([",".join(HEADER), good, broken, *[good] * 40])
    kinds = [line.kind for line in read_lines(io.BytesIO(text.encode()))]
    assert (len(kinds), kinds.count(LineClass.REFUSED), kinds.count(LineClass.SALE)) == (42, 1, 41)


def test_a_line_without_end_is_one_refused_line() -> None:
    """A line far too long is refused whole, and reading goes on behind it."""
    text = "\n".join([",".join(HEADER), "x" * 300_000, ",".join(row())])
    kinds = [line.kind for line in read_lines(io.BytesIO(text.encode()))]
    assert kinds == [LineClass.REFUSED, LineClass.SALE]


def test_both_header_generations_and_both_encodings_are_read() -> None:
    """The export's second edition and its Windows code page give the same lines."""
    first = list(read_lines(export([row()])))
    assert list(read_lines(export([row()], SECOND_HEADER))) == first
    pound = ",".join(HEADER).encode() + b"\n536365,X,\xa3 SIGN,1,12/1/2010 8:26,1.00,,UK\n"
    (line,) = read_lines(io.BytesIO(pound))
    assert (line.title, line.customer, line.at) == ("£ SIGN", None, first[0].at)


def test_another_file_is_refused_by_its_header() -> None:
    """A file of another format is refused before anything is read from it."""
    assert is_header(",".join(HEADER).encode())
    assert not is_header(b"Handle,Title,Vendor")
    with pytest.raises(Malformed):
        list(read_lines(io.BytesIO(b"Handle,Title,Vendor\nx,y,z\n")))
    with pytest.raises(Malformed):
        list(read_lines(io.BytesIO(b"")))


@given(st.lists(st.sampled_from([row(), row(invoice="2"), row(invoice="3"), row(units="x")]), max_size=12))
def test_groups_keep_every_line_in_order(rows: list[list[str]]) -> None:
    """Lines of one invoice are handled together, and no line moves or goes missing."""
    lines = list(read_lines(export(rows)))
    gathered = list(groups(lines))
    assert [line for group in gathered for line in group] == lines
    assert all(len({line.invoice for line in group}) == 1 for group in gathered)
