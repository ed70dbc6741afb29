"""What has happened to the catalogue?"""

from attrs import frozen

from omnicore.kernel.ids import ChannelId, ProductId, VariantId
from omnicore.kernel.journal import event
from omnicore.kernel.time import Period


@event("catalog.product_listed.v1")
@frozen(kw_only=True)
class ProductListed:
    """A product was listed (``new``), or it or some of its variants are described anew; ``variants`` changed."""

    product: ProductId
    new: bool
    variants: tuple[VariantId, ...]

    @property
    def about(self) -> str:
        """The product."""
        return self.product


@event("catalog.product_published.v1")
@frozen(kw_only=True)
class ProductPublished:
    """A product is offered in a channel for a time, from now on this one."""

    product: ProductId
    channel: ChannelId
    period: Period

    @property
    def about(self) -> str:
        """The product."""
        return self.product
