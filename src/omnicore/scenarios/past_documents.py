"""What does the past hold: documents of lines, each line of a class, known by what stands in them?"""

import hashlib
from enum import StrEnum

from attrs import evolve, frozen

from omnicore.kernel import codec
from omnicore.kernel.ids import ChannelId, OrderId, VariantId
from omnicore.kernel.records import Index, Kind
from omnicore.kernel.rounding import Rounding, round_div
from omnicore.kernel.time import Instant
from omnicore.ordering import MAX_LINES, Take

_MICROS_PER_MINOR = 10_000
"""Source prices are exact millionths; orders keep hundredths (the currencies of history have two digits)."""


class PastLineClass(StrEnum):
    """What became of a line of history; every line ends in exactly one class."""

    SALE = "sale"
    CANCELLATION_MATCHED = "cancellation_matched"
    CANCELLATION_UNMATCHED = "cancellation_unmatched"
    CHARGE = "charge"
    ADJUSTMENT = "adjustment"
    REFUSED = "refused"


@frozen(kw_only=True)
class PastLine:
    """A line of the source: ``kind`` is what it is before earlier sales are looked at (``cancellation`` included)."""

    kind: str
    variant: VariantId
    title: str
    units: int
    price_micros: int


@frozen(kw_only=True)
class PastDocument:
    """Lines of the source that stand together under one number: who bought, when, and in which words.

    ``repeat`` counts the documents before it in the same source that say exactly the same: what a source says twice
    happened twice, and what is told again by another run happened once.
    """

    number: str
    at: Instant
    customer: str | None
    lines: tuple[PastLine, ...]
    repeat: int = 0

    def key(self, channel: ChannelId) -> str:
        """Name the document by its contents: the same lines again are the same document."""
        lines: list[codec.JsonValue] = [
            [line.kind, line.variant, line.title, line.units, line.price_micros] for line in self.lines
        ]
        body = codec.canonical([channel, self.number, self.at.micros, self.customer, self.repeat, *lines])
        return hashlib.sha256(body.encode()).hexdigest()

    def continued(self, channel: ChannelId) -> str:
        """Name the order of lines that came later under a number that has one already."""
        return f"{self.number}~{self.key(channel)[:12]}"


@frozen(kw_only=True)
class ImportedDocument:
    """A document as it was taken in: ``classes`` names each line's class in order, ``order`` what its sales became."""

    key: str
    channel: ChannelId
    number: str
    at: Instant
    classes: tuple[PastLineClass, ...]
    order: OrderId | None
    takes: tuple[Take, ...] = ()


DOCUMENTS = Kind(
    name="scenarios.past_document",
    type=ImportedDocument,
    key=lambda document: document.key,
    indexes=(Index("number", lambda document: [(document.channel, document.number)]),),
)


def minor(micros: int) -> int:
    """Round exact millionths to the minor units an order keeps, half up."""
    return round_div(micros, _MICROS_PER_MINOR, Rounding.HALF_UP)


def finer(micros: int) -> str:
    """Say what rounding to minor units loses of a unit price, for the id of an order's line: nothing, or ``@1231000``.

    An order keeps hundredths, but 1.231 and 1.229 are two prices when a cancellation looks for its sale.
    """
    return f"@{micros}" if micros % _MICROS_PER_MINOR else ""


def split_long(document: PastDocument) -> tuple[PastDocument, ...]:
    """Cut a document into parts that an order can hold."""
    lines = document.lines
    return tuple(evolve(document, lines=lines[start : start + MAX_LINES]) for start in range(0, len(lines), MAX_LINES))
