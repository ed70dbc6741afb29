"""With which code does a buyer collect, and how is it recognised without being known?

A code is 12 letters and digits of Crockford's base 32: 60 random bits, far beyond guessing, easy to read out (no I, L,
O or U; a typed O is read as 0, I and L as 1). It goes to the buyer and is stored nowhere; the pickup keeps its
``mark``, a keyed hash that is different for every pickup. Marks are compared as bytes, in constant time.
"""

import hmac
import unicodedata
from collections.abc import Callable
from typing import Final

from omnicore.fulfilment.model import PickupId
from omnicore.kernel.errors import Malformed
from omnicore.kernel.personal import Personal

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS: Final = 12
_LONGEST: Final = 64
_AS_READ: Final = str.maketrans("OIL", "011", " -")


def draw_code(random: Callable[[int], int]) -> Personal[str]:
    """Draw a code from a source of random bits (``secrets.randbits`` has its shape), as ``7Q2M-X0AB-9KTR``."""
    bits = random(5 * _LETTERS)
    letters = [_ALPHABET[bits >> 5 * place & 31] for place in range(_LETTERS)]
    return Personal("-".join("".join(letters[start : start + 4]) for start in range(0, _LETTERS, 4)))


def read_code(code: Personal[str]) -> Personal[str]:
    """Give a code as it is compared: upper case, half width, without spaces and hyphens, look-alikes made one.

    Raises: Malformed when it cannot be a code.
    """
    typed: object = code.reveal() if type(code) is Personal else None
    if type(typed) is not str or len(typed) > _LONGEST:
        raise Malformed("$.code", "must be a code")
    letters = unicodedata.normalize("NFKC", typed).upper().translate(_AS_READ)
    if len(letters) != _LETTERS or set(letters) - set(_ALPHABET):
        raise Malformed("$.code", f"must be {_LETTERS} letters and digits")
    return Personal(letters)


def mark_of(code: Personal[str], *, pickup: PickupId, blind: Callable[[str], str]) -> str:
    """Give the mark of a code for one pickup; ``blind`` is the host's keyed hash.

    Raises: Malformed when it cannot be a code.
    """
    return blind(f"fulfilment.pickup/{pickup}/{read_code(code).reveal()}")


def same_mark(one: str | None, other: str | None) -> bool:
    """Say whether two marks are of the same code; nothing is learnt from how long it takes."""
    if one is None or other is None:
        return False
    return hmac.compare_digest(one.encode(), other.encode())
