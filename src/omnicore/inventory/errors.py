"""How does stock say no? Every refusal is built from the verdict that a question would have shown."""

from omnicore.kernel.errors import Refused


class OutOfStock(Refused):
    """Less can be promised than was asked; facts: ``sku``, ``asked``, ``available`` (what could be promised)."""

    code = "inventory.out_of_stock"


class NoPool(Refused):
    """The channel has no pool, so it may promise nothing; facts: ``channel``."""

    code = "inventory.no_pool"
    status = 404


class NoReservation(Refused):
    """Nothing is held under this name; facts: ``reservation``."""

    code = "inventory.no_reservation"
    status = 404


class HoldEnded(Refused):
    """The hold has been shipped, released or ended by time, or has less left; facts: ``hold``, ``asked``, ``left``."""

    code = "inventory.hold_ended"


class NotOnShelf(Refused):
    """Nothing leaves a node that is not there; facts: ``sku``, ``node``, ``asked``, ``on_hand``."""

    code = "inventory.not_on_shelf"


class NoTransfer(Refused):
    """There is no such transfer; facts: ``transfer``."""

    code = "inventory.no_transfer"
    status = 404


class NotInTransit(Refused):
    """More is said to have arrived than is on its way; facts: ``sku``, ``asked``, ``in_transit``."""

    code = "inventory.not_in_transit"
