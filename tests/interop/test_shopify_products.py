from io import BytesIO
from itertools import permutations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.catalog import put_products
from omnicore.host import Host
from omnicore.interop.csv_table import Limits
from omnicore.interop.shopify_products import (
    MarketPrice,
    Report,
    ShopifyImage,
    ShopifyProduct,
    ShopifyVariant,
    check_products,
    listings,
    opening_stock,
    price_table,
    read_products,
    write_products,
)
from omnicore.kernel.errors import Malformed
from omnicore.kernel.money import Money
from omnicore.testing.clock import Clock, Ids
from omnicore.testing.strategies import shopify_products as drawn

OLDER = """\
Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Grams,\
Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Variant Requires Shipping,\
Variant Taxable,Variant Barcode,Image Src,Image Position,Image Alt Text,Gift Card,Price / Abroad,\
Compare At Price / Abroad,Cost per item,Google Shopping / Gender
wool-cap,Wool cap,<p>Warm</p>,Kobo,Caps,"winter, wool",true,Colour,Red,CAP-R,120,7,deny,1980,2480,true,true,\
'4006381333931,https://cdn.example/1.jpg,2,Front,false,18.50,20,900,unisex
wool-cap,,,,,,,,Blue,CAP-B,120,-1,continue,1980.00,,true,true,,https://cdn.example/2.jpg,1,,,,,,
wool-cap,,,,,,,,,,,,,,,,,,https://cdn.example/3.jpg,3,,,,,,
mug,Mug,,,,,false,Title,Default Title,,,,,,,,,,,,,,,,,
"""
TODAYS = """\
Title,URL handle,Description,Vendor,Type,Tags,Published on online store,Option1 name,Option1 value,SKU,\
Weight value (grams),Inventory quantity,Continue selling when out of stock,Price,Compare-at price,Requires shipping,\
Charge tax,Barcode,Product image URL,Image position,Image alt text,Gift card,Price / Abroad,\
Compare-at price / Abroad,Cost per item,Status
Wool cap,wool-cap,<p>Warm</p>,Kobo,Caps,"winter, wool",TRUE,Colour,Red,CAP-R,120.0,7,FALSE,1980,2480,TRUE,TRUE,\
4006381333931,https://cdn.example/1.jpg,2,Front,FALSE,18.50,20,900,
,wool-cap,,,,,,,Blue,CAP-B,120,-1,TRUE,1980,,TRUE,TRUE,,https://cdn.example/2.jpg,1,,,,,,
,wool-cap,,,,,,,,,,,,,,,,,https://cdn.example/3.jpg,3,,,,,,
Mug,mug,,,,,FALSE,,,,,,,,,,,,,,,,,,,
"""
CAP = ShopifyProduct(
    handle="wool-cap",
    title="Wool cap",
    description="<p>Warm</p>",
    vendor="Kobo",
    type="Caps",
    tags=("winter", "wool"),
    published=True,
    gift_card=False,
    options=("Colour",),
    variants=(
        ShopifyVariant(
            options=("Red",),
            sku="CAP-R",
            barcode="4006381333931",
            price=Money(1980, "JPY"),
            compare_at=Money(2480, "JPY"),
            cost=Money(900, "JPY"),
            quantity=7,
            weight_g=120,
            taxable=True,
            ships=True,
            sells_beyond_stock=False,
            markets=(MarketPrice(market="Abroad", price="18.50", compare_at="20"),),
        ),
        ShopifyVariant(
            options=("Blue",),
            sku="CAP-B",
            price=Money(1980, "JPY"),
            quantity=-1,
            weight_g=120,
            taxable=True,
            ships=True,
            sells_beyond_stock=True,
        ),
    ),
    images=(
        ShopifyImage(url="https://cdn.example/2.jpg"),
        ShopifyImage(url="https://cdn.example/1.jpg", alt="Front"),
        ShopifyImage(url="https://cdn.example/3.jpg"),
    ),
)
MUG = ShopifyProduct(handle="mug", title="Mug", published=False)


def check(text: str, *, currency: str = "JPY", limits: Limits | None = None) -> Report:
    """Read a file in a dry run."""
    return check_products(BytesIO(text.encode()), currency=currency, limits=limits)


def test_both_generations_say_the_same() -> None:
    """A file with the older headers and one with today's give the same products; columns left out are named."""
    older, todays = check(OLDER), check(TODAYS)
    assert older.problems == todays.problems == ()
    assert older.products == todays.products == (MUG, CAP)
    assert (older.ignored, todays.ignored) == (("Google Shopping / Gender",), ())
    assert older.rows == 4


@given(st.lists(drawn.shopify_products(), max_size=2, unique_by=lambda product: product.handle))
def test_what_is_written_reads_back(products: list[ShopifyProduct]) -> None:
    """Exported products import as they were, in the order of their handles, and no cell is a formula."""
    lines = list(write_products(products))
    again = read_products(BytesIO("".join(lines).encode()), currency="GBP")
    assert list(again) == sorted(products, key=lambda product: product.handle)


def test_the_order_of_products_does_not_matter() -> None:
    """A file whose products stand in another order, or whose rows are mixed, gives the same."""
    hat = evolve(MUG, handle="hat", title="Hat")
    for products in permutations((CAP, MUG, hat)):
        data = "".join(write_products(products)).encode()
        assert read_products(BytesIO(data), currency="JPY") == (hat, MUG, CAP)
    header, *rows = TODAYS.splitlines()
    mixed = "\n".join([header, rows[3], rows[0], rows[1], rows[2]])
    assert check(mixed).products == (MUG, CAP)


def test_only_a_title_is_needed() -> None:
    """A file of titles alone makes products whose handles come from their titles; two alike must have handles."""
    report = check("Title\nWool Cap!\n帽子\n")
    assert [product.handle for product in report.products] == ["wool-cap", "帽子"]
    (problem,) = check("Title\nWool cap\nWOOL CAP\n").problems
    assert (problem.line, problem.column) == (3, "URL handle")


@pytest.mark.parametrize(
    ("row", "line", "column"),
    [
        ("cap,Cap,Size,M,1.50,1", 2, "Price"),
        ("cap,Cap,Size,M,-1,1", 2, "Price"),
        ("cap,Cap,Size,M,1e3,1", 2, "Price"),
        ('cap,Cap,Size,M,"1,000",1', 2, "Price"),
        ("cap,Cap,Size,M,１,1", 2, "Price"),
        ("cap,Cap,Size,M,1,1.5", 2, "Inventory quantity"),
        ("cap,Cap,Size,M,1", 2, ""),
        ("cap,Cap,Size,M,1,1,1", 2, ""),
        ("cap,,Size,M,1,1", 2, "Title"),
        (",,Size,M,1,1", 2, "URL handle"),
        ("cap,Cap,Size,M,1,1\ncap,Hat,,S,1,1", 3, "Title"),
        ("cap,Cap,Size,M,1,1\ncap,,,M,1,1", 2, "variants"),
        ("cap,Cap,,M,1,1", 2, "variants"),
        ("cap,Cap,Size,,1,1", 2, "variants"),
        ("cap,C\x07p,Size,M,1,1", 2, "title"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_read(row: str, line: int, column: str) -> None:
    """Every wrong row is reported by line and column, never by its content, and then the file gives no product."""
    text = f"URL handle,Title,Option1 name,Option1 value,Price,Inventory quantity\n{row}\nmug,Mug,,,500,1\n"
    report = check(text)
    assert [(problem.line, problem.column) for problem in report.problems] == [(line, column)]
    assert report.products == ()
    with pytest.raises(Malformed) as bad:
        read_products(BytesIO(text.encode()), currency="JPY")
    assert f"lines[{line}]" in bad.value.path


def test_all_problems_are_told_at_once() -> None:
    """A merchant sees every wrong row in one report, up to a bound."""
    rows = "".join(f"p{n},P,x\n" for n in range(20))
    text = f"URL handle,Title,Price\n{rows}"
    assert len(check(text).problems) == 20
    assert len(check(text, limits=Limits(max_problems=5)).problems) == 6


@pytest.mark.parametrize("text", ["", "\n", "a,b\n1,2\n", "Title,Title\nx,y\n", 'Title\n"open\n'])
def test_a_file_of_something_else_is_refused(text: str) -> None:
    """An empty file, another table, a column that stands twice and an open quote give a problem and no product."""
    report = check(text)
    assert report.problems
    assert report.products == ()


def test_decimals_a_currency_lacks_may_be_zeros() -> None:
    """500.00 yen is 500 yen; 12.500 dinar is whole fils; a currency that is none is the caller's mistake."""
    assert check("Title,Price\nMug,500.00\n").products[0].variants[0].price == Money(500, "JPY")
    assert check("Title,Price\nMug,12.500\n", currency="KWD").products[0].variants[0].price == Money(12500, "KWD")
    with pytest.raises(Malformed):
        check("Title\n", currency="YEN")


def test_what_the_format_cannot_say_is_no_value() -> None:
    """Values that a file could not hold are refused when they are made, so that nothing is lost on the way."""
    plain = ShopifyVariant()
    for bad in (
        lambda: evolve(MUG, title=""),
        lambda: evolve(MUG, title=" Mug"),
        lambda: evolve(MUG, status="gone"),
        lambda: evolve(MUG, tags=("a,b",)),
        lambda: evolve(MUG, variants=()),
        lambda: evolve(MUG, variants=(plain, plain)),
        lambda: evolve(MUG, options=("Title",), variants=(evolve(plain, options=("Default Title",)),)),
        lambda: evolve(MUG, options=("A", "A")),
        lambda: evolve(MUG, options=("",), variants=(evolve(plain, options=("x",)),)),
        lambda: evolve(MUG, included=(("b", True), ("a", True))),
        lambda: evolve(MUG, images=(ShopifyImage(url="x"),) * 251),
        lambda: evolve(plain, options=("",)),
        lambda: evolve(plain, barcode="'1"),
        lambda: evolve(plain, markets=(MarketPrice(market="EU"),)),
        lambda: ShopifyImage(url=""),
    ):
        with pytest.raises(Malformed):
            bad()


def test_a_file_becomes_catalogue_prices_and_stock() -> None:
    """An imported file lists its products, prices its variants and tells what was on hand; twice is once."""
    several = read_products(BytesIO(OLDER.encode()), currency="JPY")
    host = Host(Memory(), clock=Clock(), new_id=Ids())
    listed = listings(several, language="en", tax_category="standard")
    assert host.run(put_products(listings=listed)).changed == 9
    assert host.run(put_products(listings=tuple(reversed(listed)))).changed == 0
    assert price_table(several) == {"wool-cap:Red": Money(1980, "JPY"), "wool-cap:Blue": Money(1980, "JPY")}
    assert opening_stock(several) == {"CAP-R": 7}


def test_names_the_ledger_cannot_carry_are_made_fit() -> None:
    """A SKU called A/1@x is counted as A-1-x, a variant without a SKU under its own name; a bad barcode is no GTIN."""
    odd = evolve(MUG, variants=(ShopifyVariant(sku="A/1@x", barcode="123", quantity=2),))
    assert opening_stock([odd]) == {"A-1-x": 2}
    (listing,) = listings([odd], language="en")
    assert listing.skus[0].gtin is None
    assert opening_stock([evolve(MUG, variants=(ShopifyVariant(quantity=1),))]) == {"mug": 1}
    with pytest.raises(Malformed):
        listings([evolve(MUG, handle="x" * 200)], language="en")
