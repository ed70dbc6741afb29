"""Carts: ``cart`` cases that need prices, charges and tax. What a promotion gives is "not built"."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from attrs import field, frozen

from omnicore.kernel.money import TaxBasis
from omnicore.kernel.rounding import Rate, Rounding
from omnicore.tax import LineTax, Sale, SaleLine, TaxCategory, TaxSummary, assess, gross_of, net_of
from tests.acceptance.comparing import Named, Rows
from tests.acceptance.kinds_tax import HOME, Rates, basis_of, place_of, policy_of
from tests.acceptance.reading import Case, Fields, NotBuilt

_TODAY: Final = date(2026, 1, 1)
_SHIPPING: Final = "shipping/"
_REPRICES: Final = ("Solidus", "Vendure")
"""Peers that change an inclusive price where the buyer's rate is another than at home."""
_NET_UNITS: Final = ("Vendure",)
"""Peers whose unit price is the one without tax."""


@frozen(kw_only=True)
class Thing:
    """A product, a shipping method or a surcharge: a price with its basis, and a tax category."""

    price: int
    category: TaxCategory
    basis: TaxBasis


@frozen(kw_only=True)
class Shop:
    """What is given."""

    currency: str
    home: str
    on: date
    rates: Rates
    products: Mapping[str, Thing]
    shipping: Mapping[str, Thing]
    surcharges: tuple[Thing, ...]
    default_shipping: str | None
    shipping_lines: int = 1


@frozen
class Cart:
    """What the steps lead to."""

    units: dict[str, int] = field(factory=dict)
    shipping: list[str] = field(factory=list)
    place: list[str] = field(factory=list)


def cart(case: Case) -> Named:
    """Fill a cart and say what it comes to."""
    with case.givens().reading() as given:
        shop = _shop(given)
    basket = Cart()
    for step in case.steps():
        with step.reading():
            _walk(basket, step)
    return _Totals(case, shop, basket).facts()


def _shop(given: Fields) -> Shop:
    rates = Rates(given)
    included = given.flag("prices_include_tax") if "prices_include_tax" in given else None
    if "tax_lines_for_every_line" in given:
        everywhere = [_tax_line(row) for row in given.rows("tax_lines_for_every_line")]
        if len(everywhere) != 1:
            raise NotBuilt("several rates on one line")
        everything = rates.at_percent(TaxCategory("everything"), everywhere[0][1])
        rates.codes[rates.rate(everything, HOME, _TODAY)] = everywhere[0][0]
    else:
        everything = None
    products = {row.text("sku"): _thing(row, rates, included, everything) for row in given.rows("products")}
    shipping_percent = given.take("shipping_tax", None)
    methods = {row.text("code"): _thing(row, rates, included, None, shipping_percent) for row in given.rows("shipping_methods")}
    default = given.text("default_shipping") if "default_shipping" in given else None
    count = 1
    if "shipping" in given:
        with given.within("shipping").reading() as row:
            count = row.whole("lines", 1)
            methods[""], default = _thing(row, rates, included, None), ""
    surcharges = tuple(_surcharge(row, rates) for row in given.rows("surcharges"))
    if given.items("promotions") or given.items("catalog_promotions"):
        raise NotBuilt("promotions")
    home = given.text("home_country") if "home_country" in given else given.text("default_tax_zone", HOME)
    return Shop(
        currency=given.text("currency"),
        home=place_of(home),
        on=date.fromisoformat(given.text("now", _TODAY.isoformat())),
        rates=rates,
        products=products,
        shipping=methods,
        surcharges=surcharges,
        default_shipping=default,
        shipping_lines=count,
    )


def _tax_line(row: Fields) -> tuple[str, str]:
    with row.reading():
        return row.text("code"), row.text("percent")


def _thing(
    row: Fields, rates: Rates, included: object, everything: TaxCategory | None, shipping_percent: object = None
) -> Thing:
    with row.reading():
        if shipping_percent is not None:
            percent = Fields(shipping_percent, "shipping_tax").text("percent") if shipping_percent != "weighted_by_items" else ""
            if not percent:
                raise NotBuilt("shipping tax weighted by items")
            category = rates.at_percent(TaxCategory(f"shipping{percent}"), percent)
        else:
            category = everything or rates.category(row, prefix="percent")
        inclusions = rates.inclusions.get(category, {TaxBasis.EXCLUDED})
        if included is None and len(inclusions) > 1:
            raise NotBuilt("a category with rates on both bases")
        basis = next(iter(inclusions)) if included is None else basis_of(included=included is True)
        return Thing(price=row.whole("price"), category=category, basis=basis)


def _surcharge(row: Fields, rates: Rates) -> Thing:
    with row.reading():
        row.text("code")
        basis = basis_of(included=row.flag("price_includes_tax"))
        return Thing(price=row.whole("price"), category=rates.category(row, prefix="percent"), basis=basis)


def _walk(basket: Cart, step: Fields) -> None:
    match step.names()[:1]:
        case ["add"]:
            sku = step.text("add")
            basket.units[sku] = basket.units.get(sku, 0) + step.whole("qty")
        case ["set_qty"]:
            basket.units[step.text("set_qty")] = step.whole("qty")
        case ["remove"]:
            del basket.units[step.text("remove")]
        case ["select_shipping"]:
            basket.shipping[:] = [step.text("select_shipping")]
        case ["set_address"]:
            basket.place[:] = [place_of(step.text("set_address"))]
        case _:
            raise NotBuilt(f"the step {', '.join(step.names())}")


class _Totals:
    """Assess a cart, one sale per basis, and name what comes out."""

    def __init__(self, case: Case, shop: Shop, basket: Cart) -> None:
        self.case, self.shop, self.basket = case, shop, basket
        self.place = basket.place[0] if basket.place else shop.home
        things = {sku: (shop.products[sku], units) for sku, units in basket.units.items() if units}
        method = basket.shipping[0] if basket.shipping else shop.default_shipping
        if method is not None and things:
            things |= {f"{_SHIPPING}{at}": (shop.shipping[method], 1) for at in range(shop.shipping_lines)}
        things |= {f"surcharge/{at}": (thing, 1) for at, thing in enumerate(shop.surcharges)}
        self.things = things
        self.summaries = {basis: self._assess(basis) for basis in TaxBasis}
        self.lines = {line.line: line for summary in self.summaries.values() for line in summary.lines}

    def _assess(self, basis: TaxBasis) -> TaxSummary:
        lines = tuple(
            SaleLine(id=name, category=thing.category, amount=thing.price * units, units=units)
            for name, (thing, units) in self.things.items()
            if thing.basis is basis
        )
        shop, policy = self.shop, policy_of(self.case, basis)
        if len({thing.basis for thing, _ in self.things.values()}) > 1 and policy.round_at.value not in {"line", "unit"}:
            raise NotBuilt("prices on both bases in one document rounded once")
        for line in lines:
            there, here = (shop.rates.rate(line.category, place, shop.on) for place in (self.place, shop.home))
            if basis is TaxBasis.INCLUDED and self.case.peer in _REPRICES and there != here:
                raise NotBuilt("inclusive prices across a border")
        sale = Sale(currency=shop.currency, basis=basis, place=self.place, on=shop.on, lines=lines)
        categories = {line.category for line in lines}
        return assess(sale, rates=shop.rates.table(categories, self.place, shop.on), policy=policy)

    def facts(self) -> Named:
        """Give every fact a case may ask for."""
        goods = [line for name, line in self.lines.items() if not name.startswith(_SHIPPING)]
        freight = [line for name, line in self.lines.items() if name.startswith(_SHIPPING)]
        net, gross = sum(line.net for line in self.lines.values()), sum(line.gross for line in self.lines.values())
        facts = Named(
            total=net if "total_with_tax" in self.case.then else gross,
            total_with_tax=gross,
            subtotal=sum(line.net for line in goods),
            subtotal_with_tax=sum(line.gross for line in goods),
            shipping_total=self._stated(freight),
            shipping_total_with_tax=sum(line.gross for line in freight),
            tax_additional=self._tax(TaxBasis.EXCLUDED),
            tax_included=self._tax(TaxBasis.INCLUDED),
            shipping_tax_additional=self._tax(TaxBasis.EXCLUDED, only=_SHIPPING),
            shipping_tax_included=self._tax(TaxBasis.INCLUDED, only=_SHIPPING),
            lines=Rows({sku: self._line(sku) for sku in self.basket.units if sku in self.lines}),
        )
        if self.shop.rates.codes:
            facts["tax_summary"] = [
                Named(code=self.shop.rates.codes.get(row.rate, ""), percent=_percent(row.rate.rate), base=row.net, tax=row.tax)
                for summary in self.summaries.values()
                for row in summary.rates
            ]
        return facts

    def _tax(self, basis: TaxBasis, *, only: str = "") -> int:
        return sum(line.tax for line in self.summaries[basis].lines if line.line.startswith(only))

    def _stated(self, lines: list[LineTax]) -> int:
        """Say what lines come to as the shop states its prices; peers that keep the net say that."""
        if self.case.peer in _NET_UNITS:
            return sum(line.net for line in lines)
        return sum(thing.price * units for name, (thing, units) in self.things.items() if name.startswith(_SHIPPING))

    def _line(self, sku: str) -> Named:
        (thing, _), line = self.things[sku], self.lines[sku]
        included, rate = thing.basis is TaxBasis.INCLUDED, line.rate.rate
        net_unit = net_of(thing.price, rate=rate, rounding=Rounding.HALF_UP) if included else thing.price
        gross_unit = thing.price if included else gross_of(thing.price, rate=rate, rounding=Rounding.HALF_UP)
        return Named(
            unit_price=net_unit if self.case.peer in _NET_UNITS else thing.price,
            unit_price_with_tax=gross_unit,
            tax=line.tax,
            tax_included=line.tax if included else 0,
            tax_additional=0 if included else line.tax,
            net=line.net,
            total_with_tax=line.gross,
            tax_entries=1,
        )


def _percent(rate: Rate) -> str:
    """Write a rate as a case writes a percentage: 8 % as ``8``."""
    return str(rate * Rate(100))
