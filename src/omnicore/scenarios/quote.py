"""What would this cart cost, with its tax, and until when does that stand?

Catalogue, prices and tax meet: every line gets its title, its one resolved price and its share of a tax that was
rounded once where the policy says. Nothing is promised of stock; that is the checkout's.

Law: the quote's lines and charges add up to the tax summary's gross (tax included) or net (excluded), to the yen.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen

from omnicore.catalog import PUBLICATIONS, NotOffered, ProductUnknown, Sold, load_sold, publication_key, visible_at
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Given, flow, get, load, write
from omnicore.kernel.ids import LineId, QuoteId, VariantId
from omnicore.kernel.money import Money, Price
from omnicore.kernel.time import Instant
from omnicore.network import CHANNELS, Channel, ChannelUnknown
from omnicore.ordering import Cart, Charge, ChargeKind, OrderLine, Quote, RateTotal, Totals
from omnicore.ordering import decide as ordering
from omnicore.pricing import prices
from omnicore.tax import (
    JAPAN,
    JAPAN_INVOICE,
    STANDARD,
    RateTable,
    Sale,
    SaleLine,
    TaxCategory,
    TaxPolicy,
    TaxSummary,
    assess,
)

SHIPPING = LineId("shipping")


@frozen(kw_only=True)
class Quoted:
    """What was offered: under which name, for how much in all (tax included), of which tax, and until when."""

    quote: QuoteId
    gross: Money
    tax: Money
    expires: Instant


@flow("scenarios.quote")
async def quote(
    given: Given,
    *,
    cart: Cart,
    shipping: Money | None = None,
    place: str = "JP",
    rates: RateTable = JAPAN,
    policy: TaxPolicy = JAPAN_INVOICE,
    language: str = "ja",
    good_for_minutes: int = 30,
) -> Quoted:
    """Price a cart and keep the offer; ``shipping`` is on the tax basis in which the channel shows prices.

    Raises: ChannelUnknown, ProductUnknown, NotOffered, NoPrice, NoRate; Malformed for shipping in another currency.
    """
    offered = await price(
        cart,
        given=given,
        shipping=shipping,
        place=place,
        rates=rates,
        policy=policy,
        language=language,
        expires=given.at.plus(minutes=good_for_minutes),
    )
    await write(ordering.offer(offered))
    return Quoted(
        quote=offered.id,
        gross=offered.gross,
        tax=Money(offered.totals.tax, offered.currency),
        expires=offered.expires,
    )


async def price(
    cart: Cart,
    *,
    given: Given,
    shipping: Money | None,
    place: str,
    rates: RateTable,
    policy: TaxPolicy,
    language: str,
    expires: Instant,
) -> Quote:
    """Read what pricing a cart needs, eight statements whatever its length, and give the offer.

    Raises: as ``quote``.
    """
    if (channel := await get(CHANNELS, cart.channel)) is None:
        raise ChannelUnknown(channel=cart.channel)
    if shipping is not None and shipping.currency != channel.value.currency:
        raise Malformed("$.shipping", "must be in the currency of the channel")
    wanted: dict[VariantId, int] = {}
    for line in cart.lines:
        wanted[line.variant] = wanted.get(line.variant, 0) + line.quantity
    sold = await load_sold(wanted)
    for variant in sorted(wanted.keys() - sold.keys()):
        raise ProductUnknown(product=variant)
    await _check_offered(sold, cart, at=given.at)
    resolved = await prices(variants=wanted, channel=cart.channel, currency=channel.value.currency)
    return quote_of(
        cart,
        channel=channel.value,
        sold=sold,
        price_of={each.variant: each.required() for each in resolved},
        shipping=shipping,
        place=place,
        rates=rates,
        policy=policy,
        language=language,
        id=QuoteId(given.new_id()),
        at=given.at,
        expires=expires,
    )


async def _check_offered(sold: Mapping[VariantId, Sold], cart: Cart, *, at: Instant) -> None:
    products = sorted({each.product.id for each in sold.values()})
    published = await load(PUBLICATIONS, [publication_key(product, cart.channel) for product in products])
    for product in products:
        stored = published.get(publication_key(product, cart.channel))
        verdict = visible_at(None if stored is None else stored.value, at=at)
        verdict.or_refuse(NotOffered, product=product, channel=cart.channel)


def quote_of(
    cart: Cart,
    *,
    channel: Channel,
    sold: Mapping[VariantId, Sold],
    price_of: Mapping[VariantId, Price],
    shipping: Money | None,
    place: str,
    rates: RateTable,
    policy: TaxPolicy,
    language: str,
    id: QuoteId,
    at: Instant,
    expires: Instant,
) -> Quote:
    """Give the offer of a cart, purely; every price is on the basis the channel shows."""
    lines = [
        (line, sold[line.variant].product, price_of[line.variant].money.minor * line.quantity) for line in cart.lines
    ]
    sale_lines = [
        SaleLine(id=line.id, category=TaxCategory(product.tax_category), amount=amount, units=line.quantity)
        for line, product, amount in lines
    ]
    if shipping is not None:
        sale_lines.append(SaleLine(id=SHIPPING, category=STANDARD, amount=shipping.minor))
    sale = sale_of(sale_lines, channel=channel, place=place, at=at)
    summary = assess(sale, rates=rates, policy=policy)
    tax = {each.line: each.tax for each in summary.lines}
    return Quote(
        id=id,
        cart=cart.id,
        channel=cart.channel,
        customer=cart.customer,
        currency=channel.currency,
        basis=channel.shows,
        tax_policy=policy.name,
        lines=tuple(
            OrderLine(
                id=line.id,
                variant=line.variant,
                title=title_of(sold[line.variant], language=language),
                ordered=line.quantity,
                unit_price=price_of[line.variant].money.minor,
                total=amount,
                tax=tax[line.id],
                tax_category=product.tax_category,
                group=line.group,
            )
            for line, product, amount in lines
        ),
        charges=() if shipping is None else (_shipping_charge(shipping, tax=tax[SHIPPING]),),
        groups=cart.groups,
        totals=totals_of(summary),
        made_at=at,
        expires=expires,
    )


def _shipping_charge(shipping: Money, *, tax: int) -> Charge:
    return Charge(id=SHIPPING, kind=ChargeKind.SHIPPING, total=shipping.minor, tax=tax, tax_category=STANDARD)


def sale_of(lines: Sequence[SaleLine], *, channel: Channel, place: str, at: Instant) -> Sale:
    """Give what a channel sells at one moment, as the tax tables are asked about it."""
    return Sale(
        currency=channel.currency,
        basis=channel.shows,
        place=place,
        on=at.local_date(channel.zone),
        lines=tuple(lines),
    )


def title_of(sold: Sold, *, language: str) -> str:
    """Give what a line is called: the product's title and the options chosen."""
    chosen = "、".join(sold.variant.options) if language.startswith("ja") else ", ".join(sold.variant.options)
    title = sold.product.title.wording(language)
    return f"{title} ({chosen})" if chosen else title


def totals_of(summary: TaxSummary) -> Totals:
    """Give the figures of a tax summary as an order keeps them."""
    return Totals(
        net=summary.net.minor,
        tax=summary.tax.minor,
        rates=tuple(
            RateTotal(reason=row.rate.reason.value, rate=row.rate.rate, net=row.net, tax=row.tax)
            for row in summary.rates
        ),
    )
