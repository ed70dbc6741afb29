"""What is a promise of stock made of, and does it still stand?"""

from collections.abc import Mapping, Sequence

from omnicore.inventory.accounts import CUSTOMER, hold_id, on_hand, sku_of
from omnicore.inventory.model import Allocation, Reservation, Share
from omnicore.kernel.ledger import Account, Balance, Held, Hold
from omnicore.kernel.time import Instant
from omnicore.kernel.verdict import Verdict, all_of


def may_use(hold: str, known: Held | None, *, amount: int, at: Instant) -> Verdict:
    """Judge whether so much of a hold is still promised."""
    left = known.left if known is not None and known.live(at) else 0
    verdict = Verdict.yes if amount <= left else Verdict.no
    return verdict("inventory.hold_stands", hold=hold, asked=amount, left=left)


def on_shelves(leaving: Mapping[Account, int], balances: Mapping[Account, Balance]) -> Verdict:
    """Judge whether accounts have what is to leave them, promised or not."""
    verdicts = []
    for account, asked in sorted(leaving.items()):
        posted = balances[account].posted
        verdict = Verdict.yes if asked <= posted else Verdict.no
        facts = {"sku": sku_of(account.unit), "node": account.path.split("/")[1]}
        verdicts.append(verdict("inventory.on_shelf", asked=asked, on_hand=posted, **facts))
    return all_of(verdicts)


def named(reservation: Reservation, shares: Sequence[Share]) -> tuple[Allocation, ...]:
    """Give each share the next hold of its reservation."""
    first = reservation.issued + 1
    return tuple(
        Allocation(hold=hold_id(reservation.id, number), share=share) for number, share in enumerate(shares, first)
    )


def as_hold(allocation: Allocation, *, expires: Instant | None, floor: int | None) -> Hold:
    """Give the ledger's move that makes an allocation true; ``floor`` is the channel's buffer at the node."""
    share = allocation.share
    return Hold(
        id=allocation.hold,
        unit=share.unit,
        source=on_hand(share.unit, share.node).path,
        target=CUSTOMER,
        amount=share.amount,
        expires=expires,
        floor=floor,
    )
