"""May items leave their node, and what do they write on the ledger?

An item leaves when its hold still stands and the goods are on the shelf. That settles the hold; what is left of it
stays promised for the next parcel.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from omnicore.fulfilment.errors import NotOnShelf, NotPromised
from omnicore.fulfilment.model import Item
from omnicore.kernel.ledger import Account, Balance, Held, Rest, Settle
from omnicore.kernel.time import Instant
from omnicore.kernel.verdict import Verdict, all_of


def still_promised(items: Sequence[Item], *, held: Mapping[str, Held], at: Instant) -> Verdict:
    """Judge whether every item's hold still stands, for as much as leaves."""
    asked: Counter[tuple[str, str]] = Counter()
    for item in items:
        asked[item.hold, item.unit] += item.amount
    verdicts = []
    for (hold, unit), amount in sorted(asked.items()):
        known = held.get(hold)
        left = known.left if known is not None and known.unit == unit and known.live(at) else 0
        verdict = Verdict.yes if amount <= left else Verdict.no
        sku = unit.removeprefix("sku:")
        verdicts.append(verdict("fulfilment.hold_stands", hold=hold, sku=sku, asked=amount, left=left))
    return all_of(verdicts)


def on_shelf(items: Sequence[Item], *, held: Mapping[str, Held], balances: Mapping[Account, Balance]) -> Verdict:
    """Judge whether the accounts behind the holds have what is to leave, promised or not."""
    asked: Counter[Account] = Counter()
    for item in items:
        asked[held[item.hold].account] += item.amount
    verdicts = []
    for account, amount in sorted(asked.items()):
        posted = balances[account].posted
        verdict = Verdict.yes if amount <= posted else Verdict.no
        sku = account.unit.removeprefix("sku:")
        verdicts.append(verdict("fulfilment.on_shelf", sku=sku, place=account.path, asked=amount, on_hand=posted))
    return all_of(verdicts)


def settle(
    leaving: Sequence[tuple[str, Item]],
    *,
    held: Mapping[str, Held],
    balances: Mapping[Account, Balance],
    at: Instant,
) -> tuple[Settle, ...]:
    """Give the moves of items that leave, each under a name of its own in what it leaves in, so that it leaves once.

    Law: decided over all items together, so a hold that two parcels share is not used up twice.

    Raises: NotPromised, NotOnShelf.
    """
    items = [item for _, item in leaving]
    still_promised(items, held=held, at=at).or_refuse(NotPromised)
    on_shelf(items, held=held, balances=balances).or_refuse(NotOnShelf)
    return tuple(Settle(id=name, hold=item.hold, amount=item.amount, rest=Rest.KEEP) for name, item in leaving)
