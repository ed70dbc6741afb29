"""What has happened to a return, as the journal keeps it?"""

from attrs import frozen

from omnicore.kernel.ids import LineId, NodeId, OrderId, ReturnId
from omnicore.kernel.journal import event
from omnicore.kernel.money import Money
from omnicore.returns.states import Condition, Disposition, ReturnMove


@event("returns.requested.v1")
@frozen(kw_only=True)
class ReturnRequested:
    """A buyer wants to give goods back; judged by this version of the policy, for these conditions."""

    return_id: ReturnId
    order: OrderId
    policy: str
    approved: bool
    because: tuple[str, ...]

    @property
    def about(self) -> str:
        """The return."""
        return self.return_id


@event("returns.decided.v1")
@frozen(kw_only=True)
class ReturnDecided:
    """A return was approved, denied or cancelled, as far as it was open."""

    return_id: ReturnId
    order: OrderId
    move: ReturnMove

    @property
    def about(self) -> str:
        """The return."""
        return self.return_id


@event("returns.received.v1")
@frozen(kw_only=True)
class UnitsReceived:
    """Units have come back; ``disposition`` says where they went."""

    return_id: ReturnId
    order: OrderId
    line: LineId
    units: int
    node: NodeId
    condition: Condition | None
    disposition: Disposition

    @property
    def about(self) -> str:
        """The return."""
        return self.return_id


@event("returns.inspected.v1")
@frozen(kw_only=True)
class UnitsInspected:
    """Units that were here were looked at."""

    return_id: ReturnId
    order: OrderId
    line: LineId
    units: int
    condition: Condition
    disposition: Disposition
    accepted: bool

    @property
    def about(self) -> str:
        """The return."""
        return self.return_id


@event("returns.settled.v1")
@frozen(kw_only=True)
class ReturnSettled:
    """The value of what was accepted was decided; ``refund`` is the money, ``credit`` the value exchanged."""

    return_id: ReturnId
    order: OrderId
    refund: Money
    fee: Money
    shipping: Money
    credit: Money

    @property
    def about(self) -> str:
        """The return."""
        return self.return_id
