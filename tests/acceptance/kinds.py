"""Who runs which kind of case? A kind that is not here is "not built"."""

from collections.abc import Mapping
from typing import Final

from tests.acceptance.judging import Adapter
from tests.acceptance.kinds_cart import cart
from tests.acceptance.kinds_distribute import distribute
from tests.acceptance.kinds_tax import tax_amount

KINDS: Final[Mapping[str, Adapter]] = {
    "cart": cart,
    "distribute": distribute,
    "tax_amount": tax_amount,
}
