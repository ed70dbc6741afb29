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
    """Lines of the source that stand together under one number: who bought, when, and in which words."""

    number: str
    at: Instant
    customer: str | None
    lines: tuple[PastLine, ...]

    def key(self, channel: ChannelId) -> str:
        """Name the document by its contents: the same lines again are the same document."""
        body = codec.canonical(codec.dump(self, as_=PastDocument))
        return hashlib.sha256(f"{channel}\n{body}".encode()).hexdigest()

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


def split_long(document: PastDocument) -> tuple[PastDocument, ...]:
    """Cut a document into parts that an order can hold."""
    lines = document.lines
    return tuple(evolve(document, lines=lines[start : start + MAX_LINES]) for start in range(0, len(lines), MAX_LINES))
