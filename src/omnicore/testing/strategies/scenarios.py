"""What may be bought in the shop of ``omnicore.testing.shop``, imported into it, or told of its past?"""

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from omnicore.kernel.ids import CartId, ChannelId, LineId, VariantId
from omnicore.kernel.personal import Personal
from omnicore.kernel.time import Instant
from omnicore.ordering import Cart, CartLine
from omnicore.parties import Details, IdentityKind, Seen, Teller, ToldIdentity
from omnicore.scenarios.history import PastDocument, PastLine
from omnicore.scenarios.order_import import ToldLine, ToldOrder
from omnicore.testing.clock import NOON
from omnicore.testing.shop import GIFT, MARKET, WEB, prices, rows

VARIANTS: Final = (*(VariantId(row["sku"]) for row in rows()), GIFT)
_PAST: Final = Instant.parse("2010-12-01T08:00:00Z")


_MODEST = 3
_SCARCEST = 6
"""So many of the scarcest variant may be promised on the web."""


def baskets(*, most_lines: int = 4, most_units: int = 3) -> st.SearchStrategy[tuple[tuple[VariantId, int], ...]]:
    """Give variants with quantities, the bundle and the same variant twice among them.

    With at most 3 units a line, the shop has what a basket asks for; with more it may not.
    """
    line = st.tuples(st.sampled_from((*VARIANTS, GIFT, GIFT)), st.integers(1, most_units))
    found = st.lists(line, min_size=1, max_size=most_lines).map(tuple)
    return found.filter(_there) if most_units <= _MODEST else found


def _there(wanted: tuple[tuple[VariantId, int], ...]) -> bool:
    return all(sum(count for other, count in wanted if other == variant) <= _SCARCEST for variant, _ in wanted)


def carts(*, id: str = "cart", channel: ChannelId = WEB, most_units: int = 3) -> st.SearchStrategy[Cart]:
    """Give carts that are to be delivered."""

    def cart(wanted: Sequence[tuple[VariantId, int]]) -> Cart:
        return Cart(
            id=CartId(id),
            channel=channel,
            lines=tuple(
                CartLine(id=LineId(f"L{number}"), variant=variant, quantity=quantity)
                for number, (variant, quantity) in enumerate(wanted)
            ),
        )

    return baskets(most_units=most_units).map(cart)


def told_buyers(*, number: int, anonymous: bool, told_at: Instant) -> Seen:
    """Give what a marketplace tells of its buyer of a number: all of it, or the buyer's id alone."""
    identity = ToldIdentity(kind=IdentityKind.MARKETPLACE_BUYER, value=Personal(f"buyer-{number}"), realm=MARKET)
    details = Details() if anonymous else Details(name=Personal(f"買い手 {number}"))
    return Seen(told_at=told_at, by=Teller.CHANNEL, basis=f"market-{number}", identities=(identity,), details=details)


def told_orders(*, most_orders: int = 3, most_revisions: int = 3) -> st.SearchStrategy[tuple[ToldOrder, ...]]:
    """Give orders of the marketplace as it tells them: several revisions of each, the later ones anonymised at times.

    A later revision changes what the lines cost, never which lines there are.
    """
    yen = prices()

    def order(
        number: int, wanted: Sequence[tuple[VariantId, int]], off: Sequence[int], hidden: Sequence[bool]
    ) -> list[ToldOrder]:
        return [
            ToldOrder(
                external_id=f"R-{number}",
                revision=revision,
                placed_at=NOON,
                lines=tuple(
                    ToldLine(
                        id=LineId(str(place)),
                        variant=variant,
                        units=units,
                        unit_price=yen[variant],
                        total=max(yen[variant] * units - cut, 0),
                    )
                    for place, (variant, units) in enumerate(wanted)
                ),
                seen=told_buyers(number=number % 2, anonymous=anonymous, told_at=NOON.plus(minutes=revision)),
            )
            for revision, (cut, anonymous) in enumerate(zip(off, hidden, strict=True))
        ]

    def parts(number: int) -> st.SearchStrategy[list[ToldOrder]]:
        return st.integers(1, most_revisions).flatmap(
            lambda size: st.builds(
                order,
                st.just(number),
                baskets(most_lines=2, most_units=2),
                st.lists(st.integers(0, 500), min_size=size, max_size=size),
                st.lists(st.booleans(), min_size=size, max_size=size),
            )
        )

    several = st.integers(1, most_orders).flatmap(lambda size: st.tuples(*map(parts, range(size))))
    return several.map(lambda orders: tuple(told for revisions in orders for told in revisions))


def past_lines() -> st.SearchStrategy[PastLine]:
    """Give lines of a past export: sales and cancellations of few variants at few prices, so that they meet."""
    amounts = {"sale": (1, 9), "cancellation": (-9, -1), "charge": (1, 1), "adjustment": (-3, 3)}
    return st.sampled_from(("sale", "sale", "cancellation", "charge", "adjustment")).flatmap(
        lambda kind: st.builds(
            PastLine,
            kind=st.just(kind),
            variant=st.sampled_from(("22423", "85123A")).map(VariantId),
            title=st.just("CAKESTAND"),
            units=st.integers(*amounts[kind]).filter(bool),
            price_micros=st.sampled_from((2_550_000, 1_250_000)),
        )
    )


def past_documents(*, most: int = 8) -> st.SearchStrategy[tuple[PastDocument, ...]]:
    """Give documents of the past in the order they were made, several at one instant and under one number too."""
    document = st.builds(
        lambda days, number, customer, lines: (days, number, customer, lines),
        st.integers(0, 3),
        st.integers(0, 5),
        st.sampled_from(("17850", "13047", None)),
        st.lists(past_lines(), min_size=1, max_size=3),
    )
    return st.lists(document, min_size=1, max_size=most).map(
        lambda drawn: tuple(
            PastDocument(number=f"5363{number}", at=_PAST.plus(days=days), customer=customer, lines=tuple(lines))
            for days, number, customer, lines in sorted(drawn, key=lambda each: each[0])
        )
    )
