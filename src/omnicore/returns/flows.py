"""How is a return asked for, approved, denied and called off, where no stock and no money moves yet?

Receiving and settling touch stock and payments, so they are scenarios' to write, in one write with both. Rules of the
host's own (``Custom``) are functions and so no arguments of a flow: who has them writes a flow over ``decide``.
"""

from omnicore.kernel.flow import Given, find, flow, get, question, write
from omnicore.kernel.ids import OrderId, ReturnId
from omnicore.kernel.records import Stored
from omnicore.returns.decide import approve, cancel_return, deny, request_return
from omnicore.returns.errors import UnknownReturn
from omnicore.returns.kinds import RETURN_BOOKS
from omnicore.returns.model import Purchase, ReturnBook, ReturnRequest
from omnicore.returns.policy import ReturnPolicy


async def load_book(order: OrderId) -> Stored[ReturnBook] | None:
    """Load an order's returns, inside a flow; None if it has none yet."""
    return await get(RETURN_BOOKS, order)


async def load_book_of(return_id: ReturnId) -> Stored[ReturnBook]:
    """Load the book a return stands in, inside a flow.

    Raises: UnknownReturn.
    """
    found = await find(RETURN_BOOKS, "return", equal=(return_id,), limit=1)
    if not found.items:
        raise UnknownReturn(return_id=return_id)
    return found.items[0]


@flow("returns.ask")
async def ask_for_return(
    given: Given, *, return_id: ReturnId, request: ReturnRequest, purchase: Purchase, policy: ReturnPolicy
) -> ReturnId:
    """Ask for goods to be taken back: approved at once, or waiting for a person, as the policy says.

    Raises: as ``request_return``.
    """
    stored = await load_book(purchase.order)
    await write(
        request_return(stored, return_id=return_id, request=request, purchase=purchase, policy=policy, at=given.at)
    )
    return return_id


@flow("returns.approve")
async def approve_return(given: Given, *, return_id: ReturnId, purchase: Purchase) -> None:
    """Approve what a return still waits for.

    Raises: as ``approve``.
    """
    await write(approve(await load_book_of(return_id), return_id=return_id, purchase=purchase))


@flow("returns.deny")
async def deny_return(given: Given, *, return_id: ReturnId) -> None:
    """Say no to what a return still waits for.

    Raises: as ``deny``.
    """
    await write(deny(await load_book_of(return_id), return_id=return_id))


@flow("returns.call_off")
async def call_off_return(given: Given, *, return_id: ReturnId) -> None:
    """Call off what has not come back yet.

    Raises: as ``cancel_return``.
    """
    await write(cancel_return(await load_book_of(return_id), return_id=return_id))


@question("returns.of_order")
async def returns_of(given: Given, *, order: OrderId) -> ReturnBook:
    """Give every return of an order; an empty book if it has none."""
    stored = await load_book(order)
    return ReturnBook(order=order) if stored is None else stored.value
