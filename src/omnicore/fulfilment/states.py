"""Which way does a parcel go to its buyer, and a buyer's goods over the counter?"""

from enum import StrEnum

from omnicore.kernel.machine import Machine


class ParcelState(StrEnum):
    """How a parcel stands."""

    PLANNED = "planned"
    PACKED = "packed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    LOST = "lost"
    CANCELLED = "cancelled"


class ParcelMove(StrEnum):
    """What happens to a parcel."""

    PACK = "pack"
    SHIP = "ship"
    DELIVER = "deliver"
    LOSE = "lose"
    CANCEL = "cancel"


PARCEL: Machine[ParcelState, ParcelMove] = Machine(
    "parcel",
    initial=ParcelState.PLANNED,
    table={
        ParcelState.PLANNED: {ParcelMove.PACK: ParcelState.PACKED, ParcelMove.CANCEL: ParcelState.CANCELLED},
        ParcelState.PACKED: {ParcelMove.SHIP: ParcelState.SHIPPED, ParcelMove.CANCEL: ParcelState.CANCELLED},
        ParcelState.SHIPPED: {ParcelMove.DELIVER: ParcelState.DELIVERED, ParcelMove.LOSE: ParcelState.LOST},
        ParcelState.DELIVERED: {},
        ParcelState.LOST: {},
        ParcelState.CANCELLED: {},
    },
)


class PickupState(StrEnum):
    """How a pickup stands."""

    PLANNED = "planned"
    PICKED = "picked"
    READY = "ready"
    COLLECTED = "collected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class PickupMove(StrEnum):
    """What happens to a pickup."""

    PICK = "pick"
    MAKE_READY = "make_ready"
    COLLECT = "collect"
    EXPIRE = "expire"
    CANCEL = "cancel"


PICKUP: Machine[PickupState, PickupMove] = Machine(
    "pickup",
    initial=PickupState.PLANNED,
    table={
        PickupState.PLANNED: {PickupMove.PICK: PickupState.PICKED, PickupMove.CANCEL: PickupState.CANCELLED},
        PickupState.PICKED: {PickupMove.MAKE_READY: PickupState.READY, PickupMove.CANCEL: PickupState.CANCELLED},
        PickupState.READY: {
            PickupMove.COLLECT: PickupState.COLLECTED,
            PickupMove.EXPIRE: PickupState.EXPIRED,
            PickupMove.CANCEL: PickupState.CANCELLED,
        },
        PickupState.COLLECTED: {},
        PickupState.EXPIRED: {},
        PickupState.CANCELLED: {},
    },
)
