"""Who ordered, and where do the goods go, as it was at that moment?

The one vault kind of ordering. A later edit of the customer's address book never reaches a placed order.
"""

from collections.abc import Mapping

from attrs import field, frozen

from omnicore.kernel.address import PostalAddress
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import CustomerId, OrderId, checked_id
from omnicore.kernel.personal import Personal
from omnicore.kernel.text import clean_text
from omnicore.ordering.model.terms import MAX_GROUPS

_MAX_FIELD = 320  # the longest e-mail address


@frozen(kw_only=True)
class Buyer:
    """The party of one order (購入者); ``ship_to`` is the address of each delivery group that has one.

    ``customer`` is whose data it is: the customer, or, as long as nobody is known, the order itself.
    """

    order: OrderId
    customer: CustomerId | None = None
    name: Personal[str] | None = None
    phone: Personal[str] | None = None
    email: Personal[str] | None = None
    address: Personal[PostalAddress] | None = None
    ship_to: Mapping[str, Personal[PostalAddress]] = field(factory=dict, hash=False)

    def __attrs_post_init__(self) -> None:
        """Check the parts.

        Raises: Malformed.
        """
        checked_id(self.order, "$.order")
        if self.customer is not None:
            checked_id(self.customer, "$.customer")
        for name, value in (("name", self.name), ("phone", self.phone), ("email", self.email)):
            if value is not None:
                clean_text(value.reveal(), path=f"$.{name}", limit=_MAX_FIELD)
        if len(self.ship_to) > MAX_GROUPS:
            raise Malformed("$.ship_to", f"must be at most {MAX_GROUPS}")

    @property
    def subject(self) -> str:
        """Whose personal data this is, for export and erasure."""
        return f"order:{self.order}" if self.customer is None else self.customer
