"""Which commands on parcels and pickups can be run as they are? Each reads, lets ``decide`` judge, and writes.

What also frees stock (cancelling, expiring) or money belongs to a scenario, which merges the same decisions.
"""

from collections.abc import Mapping

from omnicore.fulfilment import decide
from omnicore.fulfilment.collection import mark_of
from omnicore.fulfilment.kinds import SOURCING_POLICIES
from omnicore.fulfilment.model import PickupId, Tracking
from omnicore.fulfilment.questions import behind, parcels_under, pickups_under
from omnicore.fulfilment.rules import SourcingPolicy
from omnicore.kernel.flow import Given, flow, get, write
from omnicore.kernel.ids import ParcelId
from omnicore.kernel.personal import Personal
from omnicore.kernel.time import Window


@flow("fulfilment.set_sourcing")
async def set_sourcing(_given: Given, *, policy: SourcingPolicy) -> None:
    """Say from where a channel is served from now on."""
    await write(decide.set_sourcing(policy, stored=await get(SOURCING_POLICIES, policy.channel)))


@flow("fulfilment.pack")
async def pack(_given: Given, *, parcels: tuple[ParcelId, ...]) -> None:
    """Note that parcels have been packed.

    Raises: NoParcel, IllegalMove.
    """
    await write(decide.pack(await parcels_under(parcels)))


@flow("fulfilment.ship")
async def ship(given: Given, *, parcels: Mapping[ParcelId, Tracking]) -> None:
    """Hand packed parcels to their carriers, each under its number; their goods leave the books.

    Raises: NoParcel, IllegalMove, NotPromised, NotOnShelf.
    """
    stored = await parcels_under(parcels)
    held, balances = await behind(item for each in stored for item in each.value.items)
    await write(decide.ship(stored, tracking=parcels, held=held, balances=balances, at=given.at))


@flow("fulfilment.deliver")
async def deliver(given: Given, *, parcels: tuple[ParcelId, ...]) -> None:
    """Note that parcels have reached their buyers.

    Raises: NoParcel, IllegalMove.
    """
    await write(decide.deliver(await parcels_under(parcels), at=given.at))


@flow("fulfilment.lose")
async def lose(_given: Given, *, parcels: tuple[ParcelId, ...]) -> None:
    """Note that parcels will not arrive.

    Raises: NoParcel, IllegalMove.
    """
    await write(decide.lose(await parcels_under(parcels)))


@flow("fulfilment.pick")
async def pick(_given: Given, *, pickups: tuple[PickupId, ...]) -> None:
    """Note that goods have been taken from the shelf for collection.

    Raises: NoPickup, IllegalMove.
    """
    await write(decide.pick(await pickups_under(pickups)))


@flow("fulfilment.make_ready")
async def make_ready(given: Given, *, pickup: PickupId, code: Personal[str], window: Window) -> None:
    """Set picked goods aside until the window ends, for whoever brings the code.

    The caller draws the code (``draw_code``) and sends it to the buyer: it is not in any answer, event or document.

    Raises: NoPickup, IllegalMove; Malformed when it cannot be a code.
    """
    (stored,) = await pickups_under([pickup])
    await write(decide.make_ready(stored, mark=mark_of(code, pickup=pickup, blind=given.blind), window=window))


@flow("fulfilment.collect")
async def collect(given: Given, *, pickup: PickupId, code: Personal[str]) -> None:
    """Hand goods over to whoever has the code; they leave the books.

    Raises: NoPickup, NotReady, WrongCode, PickupExpired, NotPromised, NotOnShelf; Malformed when it cannot be a code.
    """
    (stored,) = await pickups_under([pickup])
    held, balances = await behind(stored.value.items)
    mark = mark_of(code, pickup=pickup, blind=given.blind)
    await write(decide.collect(stored, mark=mark, held=held, balances=balances, at=given.at))
