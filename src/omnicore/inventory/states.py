"""Where at a node do goods stand, why are they thrown away, and how does a transfer go on?"""

from enum import StrEnum

from omnicore.kernel.machine import Machine


class Shelf(StrEnum):
    """Where at a node goods stand: ready to be promised, or set aside until somebody has looked at them."""

    ON_HAND = "on-hand"
    QUARANTINE = "quarantine"


class ScrapReason(StrEnum):
    """Why goods are thrown away."""

    DAMAGED = "damaged"
    EXPIRED = "expired"
    RECALLED = "recalled"


class TransferState(StrEnum):
    """How a transfer stands."""

    ON_ITS_WAY = "on_its_way"
    ARRIVED = "arrived"


class TransferMove(StrEnum):
    """What happens to a transfer: a part of it arrives or is given up for lost, or the last of it is."""

    ARRIVE_IN_PART = "arrive_in_part"
    ARRIVE = "arrive"


TRANSFER: Machine[TransferState, TransferMove] = Machine(
    "transfer",
    initial=TransferState.ON_ITS_WAY,
    table={
        TransferState.ON_ITS_WAY: {
            TransferMove.ARRIVE_IN_PART: TransferState.ON_ITS_WAY,
            TransferMove.ARRIVE: TransferState.ARRIVED,
        },
        TransferState.ARRIVED: {},
    },
)
