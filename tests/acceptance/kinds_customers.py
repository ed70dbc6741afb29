"""Customers: ``identity`` cases of guests and accounts, by ``omnicore.parties``.

A guest who gives an account's e-mail address is booked on its customer; registration, log-in and other policies for
guests are "not built".
"""

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.ids import AccountId, CustomerId
from omnicore.kernel.personal import Personal
from omnicore.parties import (
    IdentityKind,
    Seen,
    Teller,
    ToldIdentity,
    customers_of,
    open_account,
    record_customers,
    verify_identity,
)
from omnicore.testing.clock import Clock
from tests.acceptance.comparing import Named
from tests.acceptance.kinds_distribute import one_step
from tests.acceptance.reading import Case, NotBuilt


class Register:
    """A shop on the memory adapter, and its accounts by the name a case gives them."""

    def __init__(self) -> None:
        """Open the shop."""
        self.clock = Clock()
        self.host = Host(Memory(), clock=self.clock)
        self.accounts: dict[str, AccountId] = {}
        self._visits = 0

    def open(self, name: str, email: str) -> None:
        """Open an account with a proven address."""
        told = _told(email)
        self.host.run(verify_identity(told=told, proof=f"challenge-{name}"))
        self.accounts[name] = self.host.run(open_account(told=told, proof=f"challenge-{name}")).account

    def order(self, email: str, *, account: str | None = None) -> CustomerId:
        """Book an order on whoever gave the address, or on the holder of an account."""
        self._visits += 1
        holder = None if account is None else self.accounts[account]
        seen = Seen(
            told_at=self.clock(),
            by=Teller.GUEST if holder is None else Teller.HOLDER,
            basis=f"order-{self._visits}",
            identities=(_told(email),),
            account=holder,
        )
        (customer,) = self.host.run(record_customers(seen=(seen,)))
        assert customer is not None, "an e-mail address names somebody"
        return customer

    def owner(self, customer: CustomerId) -> str | None:
        """Name the account that may see a customer's orders."""
        for name, account in self.accounts.items():
            if customer in self.host.run(customers_of(account=account)):
                return name
        return None


def identity(case: Case) -> Named:
    """Let somebody order as a guest, or open an account."""
    register = Register()
    with case.givens().reading() as given, one_step(case).reading() as step:
        for row in given.rows("accounts"):
            with row.reading():
                register.open(row.text("id"), row.text("email"))
        if "guest_checkout" in step:
            if not given.flag("allow_guest", default=True) or not given.flag(
                "allow_guest_for_registered", default=True
            ):
                raise NotBuilt("guests who are not allowed")
            return Named(order_customer=register.owner(register.order(step.text("guest_checkout"))))
        customers = []
        for number, row in enumerate(given.rows("orders")):
            with row.reading():
                email, owner = row.text("email"), row.take("customer")
                if isinstance(owner, str) and owner not in register.accounts:
                    register.open(owner, f"other{number}@example.com")
                customers.append(register.order(email, account=owner if isinstance(owner, str) else None))
        email = step.text("confirm_account")
        register.open(email.partition("@")[0], email)
        return Named(owners=[register.owner(customer) for customer in customers])


def _told(email: str) -> ToldIdentity:
    return ToldIdentity(kind=IdentityKind.EMAIL, value=Personal(email))
