"""When does tax say no?"""

from omnicore.kernel.errors import Refused


class NoRate(Refused):
    """The table has no rate for a category at a place on a day; facts: ``place``, ``category``, ``on``."""

    code = "tax.no_rate"
    status = 422
