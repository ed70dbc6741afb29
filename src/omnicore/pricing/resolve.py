"""Which one of several prices counts, and what became of the others?

A total order decides: the list of the channel before that of all channels, then the higher precedence, then the lower
unit price, then the list's id. So the answer never depends on the order in which lists were read, and the trace names
every list with what became of it.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from attrs import frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, PriceListId, VariantId
from omnicore.kernel.money import Money, Price
from omnicore.kernel.time import Instant
from omnicore.pricing.errors import NoPrice
from omnicore.pricing.model import ListPrice, PriceList


class Outcome(StrEnum):
    """What became of a list."""

    CHOSEN = "chosen"
    LESS_SPECIFIC = "less_specific"
    LOWER_PRECEDENCE = "lower_precedence"
    DEARER = "dearer"
    LATER_ID = "later_id"
    """Equal in everything; the list whose id sorts first was chosen."""
    NO_ENTRY = "no_entry"
    OTHER_CHANNEL = "other_channel"
    OTHER_CURRENCY = "other_currency"
    NOT_YET = "not_yet"
    ENDED = "ended"


@frozen(kw_only=True)
class Step:
    """What became of one list; ``unit`` is its price in minor units where it has one for the variant."""

    list: PriceListId
    outcome: Outcome
    unit: int | None = None


@frozen(kw_only=True)
class Resolved:
    """The price that counts for a quantity of a variant (None: there is none), and how it was found.

    Law: the trace names each list once, in the order of their ids, and exactly the one the price is from as chosen.
    """

    variant: VariantId
    quantity: int
    price: Price | None
    list: PriceListId | None
    trace: tuple[Step, ...]

    def required(self) -> Price:
        """Give the price.

        Raises:
            NoPrice: there is none.
        """
        if self.price is None:
            because = tuple(f"{step.list}:{step.outcome}" for step in self.trace[:8])
            raise NoPrice(variant=self.variant, quantity=self.quantity, because=because)
        return self.price


@frozen
class PriceBook:
    """Lists with their prices, as data: ``prices`` may lack what is not asked for."""

    lists: tuple[PriceList, ...]
    prices: tuple[ListPrice, ...]

    def __attrs_post_init__(self) -> None:
        """Refuse two lists of one id, or two prices of one variant on one list.

        Raises: Malformed.
        """
        if len({found.id for found in self.lists}) != len(self.lists):
            raise Malformed("$.lists", "must have an id each")
        if len({found.key for found in self.prices}) != len(self.prices):
            raise Malformed("$.prices", "must have one price for a variant on a list")


def resolve(
    variant: VariantId, *, quantity: int = 1, book: PriceBook, channel: ChannelId, currency: str, at: Instant
) -> Resolved:
    """Give the price of one variant; see ``resolve_all``."""
    return resolve_all({variant: quantity}, book=book, channel=channel, currency=currency, at=at)[variant]


def resolve_all(
    wanted: Mapping[VariantId, int], *, book: PriceBook, channel: ChannelId, currency: str, at: Instant
) -> dict[VariantId, Resolved]:
    """Give the price of each variant for its quantity, in a channel and currency, at an instant.

    Law: the order of lists and prices in the book changes nothing; more units never cost more each.
    """
    entries = {(each.variant, each.list): each for each in book.prices}
    lists = sorted(book.lists, key=lambda each: each.id)
    standing = [(each, _standing(each, channel=channel, currency=currency, at=at)) for each in lists]
    return {
        variant: _resolve(variant, quantity, [(each, out, entries.get((variant, each.id))) for each, out in standing])
        for variant, quantity in wanted.items()
    }


def _standing(found: PriceList, *, channel: ChannelId, currency: str, at: Instant) -> Outcome | None:
    """Say why a list does not count here and now; None if it does."""
    if found.channel is not None and found.channel != channel:
        return Outcome.OTHER_CHANNEL
    if found.currency != currency:
        return Outcome.OTHER_CURRENCY
    if found.valid.contains(at):
        return None
    since = found.valid.since
    return Outcome.NOT_YET if since is not None and at < since else Outcome.ENDED


def _resolve(
    variant: VariantId, quantity: int, lists: Iterable[tuple[PriceList, Outcome | None, ListPrice | None]]
) -> Resolved:
    steps: dict[PriceListId, Step] = {}
    counting: list[tuple[PriceList, int]] = []
    for found, out, entry in lists:
        unit = None if entry is None else entry.unit_at(quantity)
        steps[found.id] = Step(list=found.id, outcome=out or Outcome.NO_ENTRY, unit=unit)
        if out is None and unit is not None:
            counting.append((found, unit))
    if not counting:
        return Resolved(variant=variant, quantity=quantity, price=None, list=None, trace=tuple(steps.values()))
    best, price = min(counting, key=lambda each: _rank(*each))
    for found, unit in counting:
        steps[found.id] = Step(list=found.id, outcome=_beaten(found, unit, best=best, price=price), unit=unit)
    return Resolved(
        variant=variant,
        quantity=quantity,
        price=Price(Money(price, best.currency), best.basis),
        list=best.id,
        trace=tuple(steps.values()),
    )


def _rank(found: PriceList, unit: int) -> tuple[bool, int, int, str]:
    return found.channel is None, -found.precedence, unit, found.id


def _beaten(found: PriceList, unit: int, *, best: PriceList, price: int) -> Outcome:
    """Name the first thing in which a list is behind the chosen one."""
    if found.id == best.id:
        return Outcome.CHOSEN
    places = zip(_rank(found, unit), _rank(best, price), strict=True)
    why = (Outcome.LESS_SPECIFIC, Outcome.LOWER_PRECEDENCE, Outcome.DEARER, Outcome.LATER_ID)
    return next(outcome for outcome, (its, that) in zip(why, places, strict=True) if its != that)
