"""How are the kernel's own values written, where a text says it better than an object?"""

from omnicore.kernel import codec
from omnicore.kernel.time import Instant

codec.scalar(Instant, dump=Instant.iso, load=Instant.parse, schema={"format": "date-time"})
