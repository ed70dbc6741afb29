"""What has happened to prices? From these, in order, price history is told."""

from attrs import frozen

from omnicore.kernel.ids import PriceListId, VariantId
from omnicore.kernel.journal import event
from omnicore.pricing.model import Break, PriceList


@event("pricing.list_set.v1")
@frozen
class PriceListSet:
    """A price list has been made, or counts for others or at other times than before."""

    list: PriceList

    @property
    def about(self) -> str:
        """The list's id."""
        return self.list.id


@frozen
class NewPrice:
    """One variant's price, as set."""

    variant: VariantId
    breaks: tuple[Break, ...]


@event("pricing.prices_set.v1")
@frozen(kw_only=True)
class PricesSet:
    """Prices on a list have been set; only those that are new or other than before."""

    list: PriceListId
    prices: tuple[NewPrice, ...]

    @property
    def about(self) -> str:
        """The list's id."""
        return self.list
