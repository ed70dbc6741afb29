"""When does ordering say no?"""

from omnicore.kernel.errors import Refused


class OrderUnknown(Refused):
    """There is no such order; facts: ``order``."""

    code = "ordering.order_unknown"
    status = 404


class LineUnknown(Refused):
    """The order has no such line; facts: ``order``, ``line``."""

    code = "ordering.line_unknown"
    status = 404


class TooMany(Refused):
    """More units than there are to move; facts: ``order``, ``line``, ``move``, ``asked``, ``left``."""

    code = "ordering.too_many"


class NothingChosen(Refused):
    """No units were named; facts: ``order``."""

    code = "ordering.nothing_chosen"
    status = 422


class NothingOpen(Refused):
    """There is nothing left to cancel; facts: ``order``."""

    code = "ordering.nothing_open"


class EmptyOrder(Refused):
    """A cart, quote or order without a line; facts: ``cart`` or ``order``."""

    code = "ordering.empty_order"
    status = 422


class AlreadyPlaced(Refused):
    """The cart, or the channel's order, has become an order before; facts: ``order``, the one there is."""

    code = "ordering.already_placed"


class QuoteUnknown(Refused):
    """There is no such quote; facts: ``quote``."""

    code = "ordering.quote_unknown"
    status = 404


class QuoteExpired(Refused):
    """The offer has ended; facts: ``quote``, ``expired``."""

    code = "ordering.quote_expired"
    status = 410


class PriceChanged(Refused):
    """The buyer was shown another total than the quote's; facts: ``quote``, ``shown``, ``total`` in minor units."""

    code = "ordering.price_changed"


class AlreadyClaimed(Refused):
    """The order belongs to another customer; facts: ``order``."""

    code = "ordering.already_claimed"


class ImportContradicts(Refused):
    """A newer import takes away what has happened to a line; facts: ``order``, ``line``."""

    code = "ordering.import_contradicts"


class OverAdjusted(Refused):
    """An adjustment would make the order worth less than nothing; facts: ``order``, ``left`` in minor units."""

    code = "ordering.over_adjusted"
