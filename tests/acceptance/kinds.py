"""Who runs which kind of case? A kind that is not here is "not built"."""

from collections.abc import Mapping
from typing import Final

from tests.acceptance.judging import Adapter
from tests.acceptance.kinds_cart import cart
from tests.acceptance.kinds_customers import identity
from tests.acceptance.kinds_distribute import distribute
from tests.acceptance.kinds_inventory import availability, hold_sell, promise, source_selection, stock_ops
from tests.acceptance.kinds_lifecycle import lifecycle
from tests.acceptance.kinds_orders import derive_state
from tests.acceptance.kinds_payments import tender
from tests.acceptance.kinds_returns import default_refund, eligibility, return_item
from tests.acceptance.kinds_tax import tax_amount

KINDS: Final[Mapping[str, Adapter]] = {
    "allocate": promise,
    "availability": availability,
    "cart": cart,
    "derive_state": derive_state,
    "distribute": distribute,
    "hold_sell": hold_sell,
    "identity": identity,
    "lifecycle": lifecycle,
    "refund_amount": default_refund,
    "reserve": promise,
    "return_eligibility": eligibility,
    "return_item": return_item,
    "source_selection": source_selection,
    "stock_ops": stock_ops,
    "tax_amount": tax_amount,
    "tender": tender,
}
