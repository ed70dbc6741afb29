"""How are the kernel's own values written, where a text says it better than an object?"""

from omnicore.kernel import codec
from omnicore.kernel.text import Localized
from omnicore.kernel.time import Instant

codec.scalar(Instant, dump=Instant.iso, load=Instant.parse, schema={"format": "date-time"})
# Pairs, not an object: canonical JSON sorts keys, and the order of the texts is the order of the fallback.
codec.scalar(
    Localized,
    dump=lambda value: value.texts,
    load=lambda pairs: Localized(tuple((language, text) for language, text in pairs)),
    via=tuple[tuple[str, ...], ...],
)
