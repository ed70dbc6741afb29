"""In which shop are orders placed and holds made, and what do they look like?

The shop of ``omnicore.testing``, with as much stock as is asked for. An offer has its prices, discounts and tax
already, as a priced cart does; deciding promotions is measured where promotions are.
"""

from collections.abc import Callable, Sequence

from omnicore.host import Host, Observation
from omnicore.inventory import OutOfStock, receive
from omnicore.inventory.accounts import CUSTOMER, on_hand
from omnicore.kernel.flow import Given, balances, flow, write
from omnicore.kernel.ids import CartId, LineId, NodeId, QuoteId, VariantId
from omnicore.kernel.ledger import Hold
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.rounding import Rate
from omnicore.kernel.store import Database, Writes
from omnicore.kernel.time import Instant
from omnicore.ordering import OrderLine, Quote, RateTotal, Totals
from omnicore.parties import Seen, Teller
from omnicore.scenarios.order_import import ToldLine, ToldOrder
from omnicore.testing.clock import SECRET
from omnicore.testing.shop import DC, MARKET, open_shop, rows, unit

SKUS = tuple(row["sku"] for row in rows())
THREE = ("SOCKS-GRY", "SOCKS-NVY", "TENU-WAVE")
PLENTY = 10**9
EACH, TAX = 3080, 280
TEN_PERCENT = Rate.percent("10")


def opened(database: Database, *, stock: int = PLENTY, observe: Callable[[Observation], None] | None = None) -> Host:
    """Open the shop with so much of every SKU at its distribution centre."""
    host = Host(database, observe=observe, secret=SECRET)
    open_shop(host)
    host.run(receive(node=DC, units={unit(sku): stock for sku in SKUS}), command="plenty")
    return host


def skus_of(lines: int) -> tuple[str, ...]:
    """Give a SKU for each line: three different ones, or as many as there are, over and over."""
    return THREE if lines == len(THREE) else tuple(SKUS[nth % len(SKUS)] for nth in range(lines))


def offer(number: int, skus: Sequence[str], at: Instant) -> Quote:
    """Give the n-th priced cart, a line for each SKU."""
    lines = tuple(
        OrderLine(
            id=LineId(str(nth)),
            variant=VariantId(sku),
            title=sku,
            ordered=2,
            unit_price=1540,
            total=EACH,
            tax=TAX,
            tax_category="standard",
        )
        for nth, sku in enumerate(skus)
    )
    gross, tax = EACH * len(lines), TAX * len(lines)
    return Quote(
        id=QuoteId(f"offer-{number}"),
        cart=CartId(f"cart-{number}"),
        channel=MARKET,
        currency="JPY",
        basis=TaxBasis.INCLUDED,
        tax_policy="as agreed",
        lines=lines,
        totals=Totals(
            net=gross - tax,
            tax=tax,
            rates=(RateTotal(reason="standard", rate=TEN_PERCENT, net=gross - tax, tax=tax),),
        ),
        made_at=at,
        expires=at.plus(days=1),
    )


def told(number: int, skus: Sequence[str], at: Instant) -> ToldOrder:
    """Give the n-th order as a marketplace tells it."""
    lines = tuple(
        ToldLine(id=LineId(str(nth)), variant=VariantId(sku), units=2, unit_price=1540, total=EACH)
        for nth, sku in enumerate(skus)
    )
    seen = Seen(told_at=at, by=Teller.CHANNEL, basis=f"N{number}")
    return ToldOrder(external_id=f"N{number}", placed_at=at, lines=lines, seen=seen)


@flow("benchmarks.hold_one")
async def hold_one(given: Given, *, sku: str, node: NodeId) -> str:
    """Hold one unit at a node, and nothing else: the smallest flow that promises stock.

    Raises: OutOfStock.
    """
    account = on_hand(sku, node)
    if (await balances([account]))[account].available < 1:
        raise OutOfStock(sku=sku)
    held = Hold(id=given.new_id(), unit=sku, source=account.path, target=CUSTOMER, amount=1)
    await write(Writes(moves=(held,)))
    return held.id
