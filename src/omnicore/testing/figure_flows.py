"""What do the processes of a figure do? Small commands that leave a trace for every time they were really done."""

from omnicore.kernel.errors import Refused
from omnicore.kernel.flow import Given, balances, flow, question, write
from omnicore.kernel.ledger import Account, Hold, Post
from omnicore.kernel.store import Writes
from omnicore.testing.bench import CUSTOMER, NOTES, SHELF, SUPPLIER, UNIT, Note, Noted

BANK = "money:JPY"
OUTSIDE = "issuer/bank"


@flow("figures.stock")
async def stock(given: Given, *, amount: int) -> None:
    """Put goods on the shelf."""
    await write(
        Writes(
            moves=(
                Post(id=given.new_id(), unit=UNIT, source=SUPPLIER.path, target=SHELF.path, amount=amount, fact=True),
            )
        )
    )


@flow("figures.take")
async def take(given: Given) -> str:
    """Take one piece from the shelf under an id that is new at every try, and say which."""
    shelf = (await balances([SHELF]))[SHELF]
    if shelf.available < 1:
        raise Refused(available=shelf.available)
    taken = Post(id=given.new_id(), unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=1)
    await write(Writes(moves=(taken,)))
    return taken.id


@flow("figures.buy")
async def buy(given: Given, *, buyer: str) -> str:
    """Hold a piece, write an order under an id that is new at every try, and tell of it."""
    shelf = (await balances([SHELF]))[SHELF]
    if shelf.available < 1:
        raise Refused(available=shelf.available)
    order = given.new_id()
    held = Hold(id=f"hold/{order}", unit=UNIT, source=SHELF.path, target=CUSTOMER.path, amount=1)
    note = NOTES.put(Note(key=order, tags=(buyer,)))
    await write(Writes(changes=(note,), moves=(held,), events=(Noted(about=order, text=buyer),)))
    return order


def bank_account(number: int) -> Account:
    """Name one of the bank's accounts."""
    return Account(BANK, f"bank/{number}")


@flow("figures.deposit")
async def deposit(given: Given, *, accounts: tuple[Account, ...], amount: int) -> None:
    """Put money into accounts, as much into each."""
    await write(
        Writes(
            moves=tuple(
                Post(id=given.new_id(), unit=BANK, source=OUTSIDE, target=each.path, amount=amount) for each in accounts
            )
        )
    )


@flow("figures.transfer")
async def transfer(given: Given, *, source: Account, target: Account, amount: int) -> None:
    """Move money from one account to another.

    Raises: Refused where it is not there.
    """
    there = (await balances([source]))[source].available
    if there < amount:
        raise Refused(available=there)
    sent = Post(id=given.new_id(), unit=BANK, source=source.path, target=target.path, amount=amount)
    await write(Writes(moves=(sent,)))


@flow("figures.pay")
async def pay(given: Given, *, source: Account, target: Account, amount: int) -> None:
    """Move money from one account to another by way of the world outside: two moves of one write."""
    there = (await balances([source]))[source].available
    if there < amount:
        raise Refused(available=there)
    out = Post(id=given.new_id(), unit=BANK, source=source.path, target=OUTSIDE, amount=amount)
    back = Post(id=given.new_id(), unit=BANK, source=OUTSIDE, target=target.path, amount=amount)
    await write(Writes(moves=(out, back)))


@question("figures.total")
async def total(_given: Given, *, accounts: tuple[Account, ...]) -> int:
    """Add accounts up, reading one after the other as a careless question does."""
    found = 0
    for account in accounts:
        found += (await balances([account]))[account].posted
    return found
