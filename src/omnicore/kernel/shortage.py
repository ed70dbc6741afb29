"""Whom does it hit when an account holds less than was promised?"""

from collections.abc import Iterable

from attrs import frozen

from omnicore.kernel.ledger import Balance, Held
from omnicore.kernel.time import Instant


@frozen(kw_only=True)
class AtRisk:
    """A hold that an overcommitted account can no longer cover whole, and by how much it is short."""

    hold: str
    short: int


def holds_at_risk(balance: Balance, holds: Iterable[Held], at: Instant) -> tuple[AtRisk, ...]:
    """Name the holds at risk on a short account: earlier promises are served first.

    ``holds`` are the account's open holds in promise order; those that time has ended are left out.
    A floor below zero is a capped backorder, so it covers; a floor above zero is goods that are there, so no risk.

    Law: the shortfalls add up to live holds less what covers them, where that is positive.
    """
    left = max(balance.posted - min(balance.floor, 0), 0)
    found = []
    for held in holds:
        if held.lapsed(at):
            continue
        served = min(left, held.left)
        left -= served
        if served < held.left:
            found.append(AtRisk(hold=held.id, short=held.left - served))
    return tuple(found)
