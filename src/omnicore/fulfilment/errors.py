"""How does fulfilment say no? Every refusal is built from the verdict that a question would have shown."""

from omnicore.kernel.errors import Refused


class CannotSource(Refused):
    """The nodes of the rule have too little together; facts: ``sku``, ``asked``, ``available``."""

    code = "fulfilment.cannot_source"


class NoSourcingPolicy(Refused):
    """Nobody has said from where this channel is served; facts: ``channel``."""

    code = "fulfilment.no_sourcing_policy"
    status = 404


class NoParcel(Refused):
    """There is no such parcel; facts: ``parcel``."""

    code = "fulfilment.no_parcel"
    status = 404


class NoPickup(Refused):
    """There is no such pickup; facts: ``pickup``."""

    code = "fulfilment.no_pickup"
    status = 404


class NotReady(Refused):
    """The goods are not set aside for collection yet; facts: ``pickup``, ``state``."""

    code = "fulfilment.not_ready"


class WrongCode(Refused):
    """The code is not this pickup's; facts: ``pickup``."""

    code = "fulfilment.wrong_code"
    status = 403


class PickupExpired(Refused):
    """The last day to collect is over; facts: ``pickup``, ``until`` (the first day that is too late)."""

    code = "fulfilment.pickup_expired"


class NotExpired(Refused):
    """The buyer may still come; facts: ``pickup``, ``until``."""

    code = "fulfilment.not_expired"


class NotPromised(Refused):
    """The goods are no longer held for this order; facts: ``hold``, ``sku``, ``asked``, ``left``."""

    code = "fulfilment.not_promised"


class NotOnShelf(Refused):
    """Nothing leaves a node that is not there; facts: ``sku``, ``place``, ``asked``, ``on_hand``."""

    code = "fulfilment.not_on_shelf"
