"""What does a channel promise from, what is asked of it, and what has it promised?

Stock itself is nowhere here: every unit stands on an account of the ledger (``accounts`` names them), and how much
is promised is the ledger's to say. These values say *for whom* it is promised, and *from where* a channel may promise.
"""

from collections.abc import Mapping

from attrs import field, frozen

from omnicore.inventory.states import TransferState
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, LineId, NodeId, checked_id
from omnicore.kernel.ledger import MAX_AMOUNT

MAX_SKUS = 10_000
"""SKUs in one command or transfer."""
MAX_LINES = 5_000
"""Lines in one basket."""
MAX_COMPONENTS = 100
"""SKUs in one bundle."""
MAX_NODES = 1_000
"""Nodes in one pool."""
MAX_BUFFERS = 10_000
"""Buffers in one pool."""
MAX_ALLOCATIONS = 10_000
"""Allocations under one reservation."""


def checked_unit(unit: str, path: str) -> str:
    """Let the ledger's name of a SKU in unchanged: ``sku:TEE-M``, or ``sku:RICE@3`` where steps have 3 decimals.

    Raises: Malformed.
    """
    if type(unit) is not str or not unit.startswith("sku:"):
        raise Malformed(path, "must be a unit such as sku:TEE-M")
    checked_id(unit[4:], path)
    return unit


def checked_node(node: str, path: str) -> NodeId:
    """Let a node's id in unchanged; it stands in account paths, so it has no slash.

    Raises: Malformed.
    """
    if "/" in checked_id(node, path):
        raise Malformed(path, "must not contain a slash")
    return NodeId(node)


def checked_steps(steps: int, path: str, *, least: int = 1) -> int:
    """Let a number of a SKU's smallest steps in unchanged.

    Raises: Malformed.
    """
    if type(steps) is not int or not least <= steps <= MAX_AMOUNT:
        raise Malformed(path, f"must be a whole number from {least} to {MAX_AMOUNT}")
    return steps


def checked_units(units: Mapping[str, int], path: str, *, least: int = 1, most: int = MAX_SKUS) -> dict[str, int]:
    """Give a sorted copy of steps by unit.

    Raises: Malformed for anything but a mapping of 1 to ``most`` SKUs to whole numbers from ``least``.
    """
    given: object = units
    if not isinstance(given, Mapping) or not 0 < len(given) <= most:
        raise Malformed(path, f"must be a mapping of 1 to {most} SKUs")
    return {
        checked_unit(unit, path): checked_steps(units[unit], f"{path}.*", least=least)
        for unit in sorted(units, key=str)
    }


def checked_tuple(given: object, of: type, path: str, *, most: int) -> None:
    """Check that something is a tuple of at most ``most`` values of one class.

    Raises: Malformed.
    """
    if type(given) is not tuple or len(given) > most or any(type(each) is not of for each in given):
        raise Malformed(path, f"must be at most {most} values of {of.__name__}")


@frozen(kw_only=True)
class Need:
    """What a line of a basket needs: ``units`` times its ``components`` (steps per SKU), one SKU or a bundle."""

    line: LineId
    components: Mapping[str, int] = field(hash=False)
    units: int

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.line, "$.line")
        checked_steps(self.units, "$.units")
        components = checked_units(self.components, "$.components", most=MAX_COMPONENTS)
        object.__setattr__(self, "components", components)
        for steps in components.values():
            checked_steps(steps * self.units, "$.units")

    @property
    def steps(self) -> dict[str, int]:
        """Steps by SKU, for all units of the line."""
        return {unit: steps * self.units for unit, steps in self.components.items()}


@frozen(kw_only=True)
class Share:
    """So much of a line's SKU from one node: what sourcing decides and a hold is asked for."""

    line: LineId
    unit: str
    node: NodeId
    amount: int

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.line, "$.line")
        checked_unit(self.unit, "$.unit")
        checked_node(self.node, "$.node")
        checked_steps(self.amount, "$.amount")


@frozen(kw_only=True)
class Allocation:
    """A share that has been granted: ``hold`` is its promise in the ledger, which says how much of it is left."""

    hold: str
    share: Share


@frozen(kw_only=True)
class Reservation:
    """Everything promised for one cart or order: the ledger knows how much, this knows for which line.

    ``id`` is the cart's or order's own; ``issued`` counts the holds ever made under it, so that no id comes twice.
    An allocation stays listed when its hold has been shipped or has ended by time; it goes when released or moved.
    ``reference`` is what it was promised by, where there could be several: the quote of a cart.
    """

    id: str
    channel: ChannelId
    allocations: tuple[Allocation, ...] = ()
    issued: int = 0
    reference: str | None = None

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.id, "$.id")
        checked_id(self.channel, "$.channel")
        checked_tuple(self.allocations, Allocation, "$.allocations", most=MAX_ALLOCATIONS)
        checked_steps(self.issued, "$.issued", least=len(self.allocations))
        if self.reference is not None:
            checked_id(self.reference, "$.reference")

    def find(self, hold: str) -> Allocation | None:
        """Give the allocation of a hold."""
        return next((each for each in self.allocations if each.hold == hold), None)


@frozen(kw_only=True)
class Buffer:
    """So many steps a channel may not promise, of one SKU or any, at one node or any."""

    steps: int
    unit: str | None = None
    node: NodeId | None = None

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_steps(self.steps, "$.steps", least=0)
        if self.unit is not None:
            checked_unit(self.unit, "$.unit")
        if self.node is not None:
            checked_node(self.node, "$.node")


@frozen(kw_only=True)
class Pool:
    """From which nodes a channel promises, in order of preference, and how much it leaves in each."""

    channel: ChannelId
    nodes: tuple[NodeId, ...]
    buffers: tuple[Buffer, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Check the parts; a node stands once, and no two buffers are for the same SKU and node.

        Raises: Malformed.
        """
        checked_id(self.channel, "$.channel")
        checked_tuple(self.nodes, str, "$.nodes", most=MAX_NODES)
        for node in self.nodes:
            checked_node(node, "$.nodes[]")
        if len(set(self.nodes)) != len(self.nodes):
            raise Malformed("$.nodes", "must name each node once")
        checked_tuple(self.buffers, Buffer, "$.buffers", most=MAX_BUFFERS)
        if len({(buffer.unit, buffer.node) for buffer in self.buffers}) != len(self.buffers):
            raise Malformed("$.buffers", "must have one buffer for each SKU and node")


@frozen(kw_only=True)
class Transfer:
    """Goods on their way from one node to another; what has not arrived yet stands on the transfer's own account."""

    id: str
    source: NodeId
    target: NodeId
    units: Mapping[str, int] = field(hash=False)
    state: TransferState = TransferState.ON_ITS_WAY

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_node(self.id, "$.id")
        checked_node(self.source, "$.source")
        checked_node(self.target, "$.target")
        if self.source == self.target:
            raise Malformed("$.target", "must differ from the source")
        object.__setattr__(self, "units", checked_units(self.units, "$.units"))
        if type(self.state) is not TransferState:
            raise Malformed("$.state", "must be a state of a transfer")


@frozen(kw_only=True)
class Stock:
    """How a SKU stands at a node, in steps. Law: ``available`` is what any channel without a buffer may promise."""

    unit: str
    node: NodeId
    on_hand: int
    held: int
    available: int
    quarantine: int


@frozen(kw_only=True)
class Risk:
    """A hold that its node can no longer cover whole: ``short`` of the ``left`` steps are not there.

    ``reservation`` and ``line`` say whose it is, as far as a reservation knows the hold.
    """

    hold: str
    unit: str
    node: NodeId
    left: int
    short: int
    reservation: str | None = None
    line: LineId | None = None
