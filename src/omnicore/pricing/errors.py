"""When does pricing say no?"""

from omnicore.kernel.errors import Refused


class NoPrice(Refused):
    """No price list gives a price; facts: ``variant``, ``quantity``, ``because`` (what became of each list)."""

    code = "pricing.no_price"
    status = 422


class ListUnknown(Refused):
    """There is no price list of that id; facts: ``list``."""

    code = "pricing.list_unknown"
    status = 404
