"""What is each thing called by, and where do new names come from?

An id is a text that passed the gate once; its type says of what. New ids come from a port, so that a test or a resumed
process gets the same ones again.
"""

from collections.abc import Callable
from threading import Lock
from typing import Final, NewType, Protocol

from omnicore.kernel.codec_scalars import identifier
from omnicore.kernel.errors import Malformed
from omnicore.kernel.time import Instant

MAX_ID: Final = 128
"""Characters of an id that is let in; the codec keeps 255, so that a name made of an id and a number still fits."""

ShopId = NewType("ShopId", str)
ActorId = NewType("ActorId", str)
SubjectId = NewType("SubjectId", str)
CustomerId = NewType("CustomerId", str)
AccountId = NewType("AccountId", str)
IdentityId = NewType("IdentityId", str)
CompanyId = NewType("CompanyId", str)
ChannelId = NewType("ChannelId", str)
NodeId = NewType("NodeId", str)
ProductId = NewType("ProductId", str)
VariantId = NewType("VariantId", str)
SkuId = NewType("SkuId", str)
PriceListId = NewType("PriceListId", str)
PromotionId = NewType("PromotionId", str)
CartId = NewType("CartId", str)
QuoteId = NewType("QuoteId", str)
OrderId = NewType("OrderId", str)
LineId = NewType("LineId", str)
HoldId = NewType("HoldId", str)
PaymentId = NewType("PaymentId", str)
TransactionId = NewType("TransactionId", str)
ParcelId = NewType("ParcelId", str)
ReturnId = NewType("ReturnId", str)
DocumentId = NewType("DocumentId", str)
SubscriptionId = NewType("SubscriptionId", str)

_RANDOM_BITS: Final = 62
_STEP_BITS: Final = 32


def checked_id(text: str, path: str) -> str:
    """Let an id in unchanged: 1 to 128 printable characters, without a space at either end.

    Law: what is let in can be stored.

    Raises:
        Malformed: anything else.
    """
    try:
        return identifier(text, limit=MAX_ID)
    except Malformed as bad:
        raise Malformed(path, bad.reason) from None


def uuid7(at_micros: int, random_bits: int) -> str:
    """Write a UUID of version 7 (RFC 9562) from microseconds since 1970 and 62 random bits.

    The 12 bits after the millisecond hold its fraction (RFC 9562, 6.2, method 3), so nothing of the time is lost.

    Law: the texts sort as (at_micros, random_bits) do.

    Raises:
        Malformed: a time outside 1970 to 10889, or more than 62 bits.
    """
    millis, micros = divmod(at_micros, 1000)
    if not 0 <= millis < 1 << 48:
        raise Malformed("$.at_micros", "must be microseconds since 1970 that fit in 48 bits of milliseconds")
    if not 0 <= random_bits < 1 << _RANDOM_BITS:
        raise Malformed("$.random_bits", f"must be {_RANDOM_BITS} bits")
    fraction = micros * 4096 // 1000
    number = millis << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random_bits
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class NewId(Protocol):
    """The port for new ids. Law: never the same one twice."""

    def __call__(self) -> str:
        """Give a new id."""
        ...


class Uuid7:
    """New ids in rising order, from a clock and a source of random bits (``random.getrandbits`` has its shape).

    Law: each id is greater than the one before, also when the clock stands still or steps back, and whichever thread
    asks. The same clock and bits give the same ids.
    """

    __slots__ = ("_at_micros", "_bits", "_lock", "_now", "_random")

    def __init__(self, *, now: Callable[[], Instant], random: Callable[[int], int]) -> None:
        """Take the clock, and a function that gives as many random bits as it is asked for."""
        self._now = now
        self._random = random
        self._at_micros = -1
        self._bits = 0
        self._lock = Lock()

    def __call__(self) -> str:
        """Give an id greater than all before."""
        with self._lock:
            at_micros = self._now().micros
            bits = self._bits + 1 + self._random(_STEP_BITS)
            if at_micros > self._at_micros or bits >> _RANDOM_BITS:
                at_micros = max(at_micros, self._at_micros + 1)
                bits = self._random(_RANDOM_BITS)
            else:
                at_micros = self._at_micros
            self._at_micros, self._bits = at_micros, bits
            return uuid7(at_micros, bits)
