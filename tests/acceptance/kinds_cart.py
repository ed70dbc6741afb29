"""Carts: ``cart`` cases that need prices, charges and tax. What a promotion gives is "not built"."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from attrs import field, frozen

from omnicore.kernel.money import TaxBasis
from omnicore.kernel.rounding import Rate, Rounding
from omnicore.tax import LineTax, RoundAt, Sale, SaleLine, TaxCategory, TaxSummary, assess, gross_of, net_of
from tests.acceptance.comparing import Named, Rows
from tests.acceptance.kinds_tax import HOME, Rates, basis_of, place_of, policy_of
from tests.acceptance.reading import Case, Fields, Misshapen, NotBuilt

_SHIPPING: Final = "shipping/"
_MOST: Final = 100
"""Shipping lines of a cart."""
_REPRICES: Final = ("Solidus", "Vendure")
"""Peers that change an inclusive price where the buyer's rate is another than at home."""
_NET_UNITS: Final = ("Vendure",)
"""Peers whose unit price is the one without tax."""


@frozen(kw_only=True)
class Thing:
    """A product, a shipping method or a surcharge: a price with its basis, and a tax category."""

    price: int
    category: TaxCategory
    basis: TaxBasis | None
    """None: as its rate says."""


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
    shipping_lines: int
    rate_names: Mapping[str, str]
    """What a case calls a rate, by its percentage."""


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
    if unknown := [*(basket.units.keys() - shop.products.keys()), *(set(basket.shipping) - shop.shipping.keys())]:
        raise Misshapen(f"nothing is called {', '.join(unknown)}")
    return _Totals(case, shop, basket).facts()


def _shop(given: Fields) -> Shop:
    rates = Rates(given)
    included = given.flag("prices_include_tax") if "prices_include_tax" in given else None
    basis = None if included is None else basis_of(included=included)
    everything, named = None, {}
    if "tax_lines_for_every_line" in given:
        code, percent = _tax_line(given)
        everything, named = rates.at_percent(percent), {percent: code}
    products = {row.text("sku"): _thing(row, rates, basis, everything) for row in given.rows("products")}
    on_shipping = _shipping_category(given, rates)
    methods = {row.text("code"): _thing(row, rates, basis, on_shipping) for row in given.rows("shipping_methods")}
    default = given.text("default_shipping") if "default_shipping" in given else None
    count = 1
    if "shipping" in given:
        with given.within("shipping").reading() as row:
            count = min(row.whole("lines", 1), _MOST)
            methods[""], default = _thing(row, rates, basis, on_shipping), ""
    surcharges = tuple(_surcharge(row, rates) for row in given.rows("surcharges"))
    if given.items("promotions") or given.items("catalog_promotions"):
        raise NotBuilt("promotions")
    home = given.text("home_country") if "home_country" in given else given.text("default_tax_zone", HOME)
    return Shop(
        currency=given.text("currency"),
        home=place_of(home),
        on=date.fromisoformat(given.text("now", "2026-01-01")),
        rates=rates,
        products=products,
        shipping=methods,
        surcharges=surcharges,
        default_shipping=default,
        shipping_lines=count,
        rate_names=named,
    )


def _tax_line(given: Fields) -> tuple[str, str]:
    rows = given.rows("tax_lines_for_every_line")
    if len(rows) != 1:
        raise NotBuilt("several rates on one line")
    with rows[0].reading() as row:
        return row.text("code"), row.text("percent")


def _shipping_category(given: Fields, rates: Rates) -> TaxCategory | None:
    if "shipping_tax" not in given:
        return None
    if given.peek("shipping_tax") == "weighted_by_items":
        raise NotBuilt("shipping tax weighted by items")
    with given.within("shipping_tax").reading() as row:
        return rates.at_percent(row.text("percent"))


def _thing(row: Fields, rates: Rates, basis: TaxBasis | None, category: TaxCategory | None) -> Thing:
    with row.reading():
        return Thing(price=row.whole("price"), category=category or rates.category(row), basis=basis)


def _surcharge(row: Fields, rates: Rates) -> Thing:
    with row.reading():
        row.text("code")
        basis = basis_of(included=row.flag("price_includes_tax"))
        return Thing(price=row.whole("price"), category=rates.category(row), basis=basis)


def _walk(basket: Cart, step: Fields) -> None:
    match step.first:
        case "add":
            sku = step.text("add")
            basket.units[sku] = basket.units.get(sku, 0) + step.whole("qty")
        case "set_qty":
            basket.units[step.text("set_qty")] = step.whole("qty")
        case "remove":
            basket.units[step.text("remove")] = 0
        case "select_shipping":
            basket.shipping[:] = [step.text("select_shipping")]
        case "set_address":
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
        self.bases = {name: self._basis(thing) for name, (thing, _) in things.items()}
        self.summaries = {basis: self._assess(basis) for basis in TaxBasis}
        self.lines = {line.line: line for summary in self.summaries.values() for line in summary.lines}

    def _basis(self, thing: Thing) -> TaxBasis:
        """Say where the tax is; an inclusive price that would change on its way to the buyer is not built."""
        rates, on = self.shop.rates, self.shop.on
        basis = thing.basis or rates.basis(thing.category, self.place, on)
        if self.case.peer in _REPRICES and basis is TaxBasis.INCLUDED and thing.category not in rates.everywhere:
            entries = {rates.entry(thing.category, place, on) for place in (self.place, self.shop.home)}
            if len(entries) > 1 or (self.case.peer in _NET_UNITS and self.place != self.shop.home):
                raise NotBuilt("inclusive prices across a border")
        return basis

    def _assess(self, basis: TaxBasis) -> TaxSummary:
        lines = tuple(
            SaleLine(id=name, category=thing.category, amount=thing.price * units, units=units)
            for name, (thing, units) in self.things.items()
            if self.bases[name] is basis
        )
        shop, policy = self.shop, policy_of(self.case, basis)
        if len(set(self.bases.values())) > 1 and policy.round_at not in {RoundAt.LINE, RoundAt.UNIT}:
            raise NotBuilt("prices on both bases in one document rounded once")
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
        if self.shop.rate_names:
            facts["tax_summary"] = [
                Named(code=self.shop.rate_names.get(percent, ""), percent=percent, base=row.net, tax=row.tax)
                for summary in self.summaries.values()
                for row in summary.rates
                for percent in (str(row.rate.rate * Rate(100)),)
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
        included, rate = self.bases[sku] is TaxBasis.INCLUDED, line.rate.rate
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
