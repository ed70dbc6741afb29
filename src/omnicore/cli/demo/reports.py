"""What does the shop look like in the evening? Tables of stock, money and people, from questions anybody may ask."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import frozen

from omnicore.host import Host
from omnicore.inventory import Stock, stock
from omnicore.kernel.access import Access, Accessed
from omnicore.kernel.flow import Given, find, load, question
from omnicore.kernel.ids import ChannelId, CustomerId
from omnicore.kernel.records import MAX_PAGE
from omnicore.ordering import ORDER
from omnicore.parties import CUSTOMERS, who_is
from omnicore.payments import PAYMENTS, amounts_of
from omnicore.testing.shop import CHANNELS, NODES, rows, unit

SHOWN: Final = ("UMB-NVY", "UMB-BEI", "SHIRT-IND-M", "TEA-SEN-100", "CUP-CEL", "SOCKS-NVY")


@frozen(kw_only=True)
class ChannelMoney:
    """What a channel's orders come to, in minor units."""

    channel: ChannelId
    orders: int
    agreed: int
    tax: int
    captured: int
    refunded: int


@frozen(kw_only=True)
class Person:
    """One customer: their name as known, their account if they have one, and the kinds of their identities."""

    customer: CustomerId
    name: str
    account: str
    identities: tuple[str, ...]


def stock_by_node(host: Host) -> dict[str, dict[str, Stock]]:
    """Give how every SKU stands at every node: by SKU, then by node."""
    units = tuple(unit(row["sku"]) for row in rows())
    found: dict[str, dict[str, Stock]] = {}
    for each in host.run(stock(units=units, nodes=NODES)):
        found.setdefault(each.unit.removeprefix("sku:"), {})[each.node] = each
    return found


@question("cli.money_by_channel")
async def money_by_channel(given: Given) -> tuple[ChannelMoney, ...]:
    """Add up what the orders of each channel come to."""
    page = await find(ORDER, "placed", limit=MAX_PAGE)
    orders = [stored.value for stored in page.items]
    payments = await load(PAYMENTS, [order.id for order in orders])
    found = []
    for channel in CHANNELS:
        mine = [order for order in orders if order.channel == channel]
        paid = [amounts_of(payments[order.id].value) for order in mine if order.id in payments]
        found.append(
            ChannelMoney(
                channel=channel,
                orders=len(mine),
                agreed=sum(order.totals.gross for order in mine),
                tax=sum(order.totals.tax for order in mine),
                captured=sum(each.captured.minor for each in paid),
                refunded=sum(each.refunded.minor for each in paid),
            )
        )
    return tuple(found)


@question("cli.customers")
async def every_customer(given: Given) -> tuple[CustomerId, ...]:
    """Name every customer, the earliest known first."""
    page = await find(CUSTOMERS, "since", limit=MAX_PAGE)
    return tuple(stored.value.id for stored in page.items)


def people(host: Host) -> Sequence[Person]:
    """Show who is who; every reading names its purpose and is kept in the journal."""
    found = []
    for customer in host.run(every_customer()):
        who = host.run(who_is(customer=customer))
        found.append(
            Person(
                customer=customer,
                name=who.details.name.reveal(),
                account=", ".join(who.customer.accounts),
                identities=tuple(each.kind.value for each in who.identities),
            )
        )
    return found


def readings(host: Host) -> int:
    """Count the readings of personal data that the journal holds."""
    host.work()
    return sum(
        isinstance(happened, Accessed) and happened.access is Access.READ
        for happened in (envelope.read() for envelope in host.journal())
    )


def totals(table: Mapping[str, Mapping[str, Stock]]) -> Counter[str]:
    """Add up what is on hand at each node."""
    return Counter({node: sum(row[node].on_hand for row in table.values()) for node in NODES})
