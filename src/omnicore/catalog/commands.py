"""What may this context be told?"""

from attrs import frozen

from omnicore.catalog.model import MAX_VARIANTS, Product, Sku, Variant
from omnicore.kernel.errors import Malformed


@frozen(kw_only=True)
class Listing:
    """One product with variants and SKUs of it, as a feed or a file gives them.

    SKUs that its compositions name may also be listed elsewhere in the same call, or have been listed before.

    Raises:
        Malformed: a variant of another product, a variant or SKU twice, or options that do not fit the product's.
    """

    product: Product
    variants: tuple[Variant, ...] = ()
    skus: tuple[Sku, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if type(self.variants) is not tuple or len(self.variants) > MAX_VARIANTS:
            raise Malformed("$.variants", f"must be at most {MAX_VARIANTS}")
        for place, variant in enumerate(self.variants):
            if variant.product != self.product.id:
                raise Malformed(f"$.variants[{place}].product", "must be the product it is listed with")
            if len(variant.options) != len(self.product.options):
                raise Malformed(f"$.variants[{place}].options", "must choose a value for each option of the product")
        if len({variant.id for variant in self.variants}) < len(self.variants):
            raise Malformed("$.variants", "must list each variant once")
        if len({sku.id for sku in self.skus}) < len(self.skus):
            raise Malformed("$.skus", "must list each SKU once")
