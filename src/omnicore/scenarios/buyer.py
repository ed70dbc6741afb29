"""Who is buying, and where do the goods go? Told before a checkout, kept in the vault, known to it by ids alone.

One telling meets two masters: ``parties`` learns of a customer (found again by e-mail or phone, or the holder of the
account that is logged in), and ``ordering`` keeps the buyer of this order as they are at this moment.
"""

from omnicore.kernel.address import PostalAddress
from omnicore.kernel.flow import Given, flow, get, write
from omnicore.kernel.ids import AccountId, CartId, CustomerId
from omnicore.kernel.personal import Personal
from omnicore.kernel.store import Writes
from omnicore.ordering import BUYER, Buyer, order_of_cart
from omnicore.parties import Details, IdentityKind, Seen, Teller, ToldIdentity, decide_customers, load_known


@flow("scenarios.tell_buyer")
async def tell_buyer(
    given: Given,
    *,
    cart: CartId,
    name: Personal[str],
    email: Personal[str] | None = None,
    phone: Personal[str] | None = None,
    address: Personal[PostalAddress] | None = None,
    account: AccountId | None = None,
) -> CustomerId | None:
    """Say who buys a cart; gives their customer, None where nothing was told by which they could be known again.

    Telling again replaces what was told for this cart. Reading what is known needs a purpose.

    Raises: AccountUnknown, Malformed.
    """
    order = order_of_cart(cart)
    nothing = Personal("")
    told = [(IdentityKind.EMAIL, email), (IdentityKind.PHONE, phone)]
    country = "JP" if address is None else address.reveal().country
    seen = Seen(
        told_at=given.at,
        by=Teller.GUEST if account is None else Teller.HOLDER,
        basis=order,
        identities=tuple(
            ToldIdentity(kind=kind, value=value, realm=country if kind is IdentityKind.PHONE else "")
            for kind, value in told
            if value is not None
        ),
        account=account,
        details=Details(
            name=name,
            email=email or nothing,
            phone=phone or nothing,
            addresses=() if address is None else (address,),
        ),
    )
    known = await load_known([seen], at=given.at, blind=given.blind)
    before = await get(BUYER, order)
    recorded = decide_customers([seen], known=known, at=given.at, new_id=given.new_id, blind=given.blind)
    (customer,) = recorded.customers
    buyer = Buyer(order=order, customer=customer, name=name, email=email, phone=phone, address=address)
    change = BUYER.put(buyer) if before is None else before.put(buyer)
    await write(recorded.writes + Writes(changes=(change,)))
    return customer
