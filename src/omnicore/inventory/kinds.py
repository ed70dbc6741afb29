"""What does inventory store beside the ledger?"""

from omnicore.inventory.model import Pool, Reservation, Transfer
from omnicore.kernel.records import Index, Kind

POOLS: Kind[Pool] = Kind(name="inventory.pool", type=Pool, key=lambda pool: pool.channel, steady=True)

RESERVATIONS: Kind[Reservation] = Kind(
    name="inventory.reservation", type=Reservation, key=lambda reservation: reservation.id
)

TRANSFERS: Kind[Transfer] = Kind(
    name="inventory.transfer",
    type=Transfer,
    key=lambda transfer: transfer.id,
    # What a node has to expect, and what it has sent.
    indexes=(
        Index("target", lambda transfer: ((transfer.target, transfer.state.value),)),
        Index("source", lambda transfer: ((transfer.source, transfer.state.value),)),
    ),
)
