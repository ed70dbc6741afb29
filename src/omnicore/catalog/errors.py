"""What does this context say no to?"""

from omnicore.kernel.errors import Refused


class ScaleFixed(Refused):
    """A SKU's scale does not change once it is listed, because the ledger counts in its steps: list another SKU."""

    code = "catalog.scale_fixed"


class GtinTaken(Refused):
    """The GTIN names another SKU; one trade item is one SKU."""

    code = "catalog.gtin_taken"


class VariantTaken(Refused):
    """The variant belongs to another product, and stays there, because orders refer to it."""

    code = "catalog.variant_taken"


class OptionsTaken(Refused):
    """Another variant of the product has the same options chosen; a buyer could not tell them apart."""

    code = "catalog.options_taken"


class SkuUnknown(Refused):
    """A composition names a SKU that is not listed."""

    code = "catalog.sku_unknown"
    status = 404


class ProductUnknown(Refused):
    """There is no such product."""

    code = "catalog.product_unknown"
    status = 404


class NotOffered(Refused):
    """The product is not published in this channel at this time."""

    code = "catalog.not_offered"
