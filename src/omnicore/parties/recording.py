"""Which customer is each buyer, and what is learnt of them?

A buyer is recognised by the account they are logged in to, or else by the strongest identity the order names; never by
a chain of identities, because two people who share a phone are two people. An identity that has no customer yet gets a
new one, so an anonymised marketplace buyer is a customer without a name, found again by channel and buyer id.
"""

from collections.abc import Callable, Mapping, Sequence

from attrs import evolve, field, frozen

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import CustomerId, IdentityId, NewId
from omnicore.kernel.records import Change, Stored
from omnicore.kernel.store import Writes
from omnicore.kernel.time import Instant
from omnicore.parties.commands import Seen, ToldIdentity
from omnicore.parties.details import Key, Value, assemble, merge, values_by_mark
from omnicore.parties.errors import AccountUnknown, CustomerUnknown
from omnicore.parties.events import CustomerRecorded
from omnicore.parties.kinds import CUSTOMERS, IDENTITIES, IDENTITY_VALUES, PROFILES
from omnicore.parties.model import (
    NO_DETAILS,
    Account,
    Customer,
    Identity,
    IdentityValue,
    Link,
    Profile,
)
from omnicore.parties.states import DetailField, Evidence, LinkEnd

MAX_SEEN = 1_000
"""Orders recorded at once."""

Blind = Callable[[str], str]


@frozen(kw_only=True)
class Known:
    """What is stored of everybody a batch of orders names; ``load_known`` reads it in four statements."""

    identities: Mapping[str, Stored[Identity]] = field(factory=dict)
    accounts: Mapping[str, Stored[Account]] = field(factory=dict)
    customers: Mapping[str, Stored[Customer]] = field(factory=dict)
    profiles: Mapping[str, Stored[Profile]] = field(factory=dict)


@frozen(kw_only=True)
class Recorded:
    """What recording decided: for each ``Seen`` in its place the customer, None for nobody we could know again."""

    customers: tuple[CustomerId | None, ...]
    writes: Writes


def record_customers(seen: Sequence[Seen], *, known: Known, at: Instant, new_id: NewId, blind: Blind) -> Recorded:
    """Create and update the customers that orders tell of; what is known is never erased.

    Law: any order and any repetition of the same versions ends in the same profiles (C11), and a repetition writes
    nothing. Law: a guest changes no field of a customer who has an account; what was empty may be filled.

    Raises:
        AccountUnknown, CustomerUnknown: for an account or customer that does not exist.
        Malformed: too many at once.
    """
    book = _Book(known=known, at=at, new_id=new_id, blind=blind)
    customers = book.add_all(seen)
    return Recorded(customers=customers, writes=book.writes())


def profiles_to_read(seen: Sequence[Seen], *, known: Known, at: Instant, blind: Blind) -> tuple[CustomerId, ...]:
    """Name the customers whose profile will change, because of those alone it must be read first.

    Raises:
        AccountUnknown, CustomerUnknown, Malformed: as ``record_customers``.
    """
    book = _Book(known=known, at=at, new_id=_planned_ids(), blind=blind)
    book.add_all(seen)
    return tuple(key for key in book.changed() if key in known.customers)


class _Book:
    """The customers and identities of one batch while it is being decided."""

    def __init__(self, *, known: Known, at: Instant, new_id: NewId, blind: Blind) -> None:
        self.known = known
        self.at = at
        self.new_id = new_id
        self.blind = blind
        self.customers: dict[CustomerId, Customer] = {}
        self.told: dict[CustomerId, dict[Key, Value]] = {}
        self.links: dict[IdentityId, tuple[ToldIdentity, CustomerId, str]] = {}

    def add_all(self, seen: Sequence[Seen]) -> tuple[CustomerId | None, ...]:
        if len(seen) > MAX_SEEN:
            raise Malformed("$.seen", f"must be at most {MAX_SEEN} at once")
        return tuple(self.add(one) for one in seen)

    def add(self, seen: Seen) -> CustomerId | None:
        key = self.recognise(seen)
        if key is None:
            return None
        customer = self.customers.get(key) or self.known.customers[key].value
        values = values_by_mark(seen.details, blind=self.blind)
        details = merge(customer.details, values, told_at=seen.told_at, by=seen.by, held=bool(customer.accounts))
        self.customers[key] = evolve(customer, since=min(customer.since, seen.told_at), details=details)
        self.told.setdefault(key, {}).update(values)
        return key

    def recognise(self, seen: Seen) -> CustomerId | None:
        """Name the customer of one order, opening one in the book where an identity has none."""
        if seen.customer is not None:
            if seen.customer not in self.customers and seen.customer not in self.known.customers:
                raise CustomerUnknown(customer=seen.customer)
            return seen.customer
        if seen.account is not None:
            if (account := self.known.accounts.get(seen.account)) is None:
                raise AccountUnknown(account=seen.account)
            return account.value.customer
        for told in seen.by_strength():
            mark = told.mark(self.blind)
            stored = self.known.identities.get(mark)
            if told.until is not None and told.until <= seen.told_at:
                continue
            if stored is not None and not stored.value.usable(seen.told_at):
                continue
            if stored is not None and stored.value.customer is not None:
                return stored.value.customer
            if mark not in self.links:
                customer = Customer(id=CustomerId(self.new_id()), since=seen.told_at)
                self.customers[customer.id] = customer
                self.links[mark] = (told, customer.id, seen.basis)
            return self.links[mark][1]
        return None

    def changed(self) -> dict[CustomerId, tuple[DetailField, ...]]:
        """Give the customers of whom something was learnt, and what."""
        found = {}
        for key, customer in self.customers.items():
            before = {(d.field, d.mark) for d in self._before(key).details}
            differing = before ^ {(d.field, d.mark) for d in customer.details}
            if differing:
                found[key] = tuple(field for field in DetailField if any(field is each for each, _ in differing))
        return found

    def _before(self, key: CustomerId) -> Customer:
        stored = self.known.customers.get(key)
        return Customer(id=key, since=self.at) if stored is None else stored.value

    def writes(self) -> Writes:
        changed = self.changed()
        changes: list[Change] = []
        events = []
        for key, customer in sorted(self.customers.items()):
            stored = self.known.customers.get(key)
            if stored is None:
                changes.append(CUSTOMERS.put(customer))
            elif stored.value != customer:
                changes.append(stored.put(customer))
            if key in changed:
                changes.append(self._profile(customer))
            if stored is None or key in changed:
                events.append(CustomerRecorded(customer=key, new=stored is None, learnt=changed.get(key, ())))
        for mark, (told, customer_id, basis) in sorted(self.links.items()):
            changes += link_to_customer(
                told,
                mark=mark,
                stored=self.known.identities.get(mark),
                customer=customer_id,
                evidence=Evidence.ORDER,
                basis=basis,
                at=self.at,
            )
        return Writes(changes=tuple(changes), events=tuple(events))

    def _profile(self, customer: Customer) -> Change:
        stored = self.known.profiles.get(customer.id)
        before = NO_DETAILS if stored is None else stored.value.details
        values = values_by_mark(before, blind=self.blind) | self.told[customer.id]
        profile = Profile(customer=customer.id, details=assemble(customer.details, values))
        return PROFILES.put(profile) if stored is None else stored.put(profile)


def link_to_customer(
    told: ToldIdentity,
    *,
    mark: IdentityId,
    stored: Stored[Identity] | None,
    customer: CustomerId,
    evidence: Evidence,
    basis: str,
    at: Instant,
) -> list[Change]:
    """Give the changes that link an identity to a customer; with the first, the typed value goes into the vault."""
    link = Link(to=LinkEnd.CUSTOMER, id=customer, since=at, evidence=evidence, basis=basis)
    if stored is not None:
        changes: list[Change] = [stored.put(stored.value.linked(link))]
        if any(each.to is LinkEnd.CUSTOMER for each in stored.value.links):
            return changes
    else:
        identity = Identity(id=mark, kind=told.kind, realm=told.realm, since=at, until=told.until, links=(link,))
        changes = [IDENTITIES.put(identity)]
    return [*changes, IDENTITY_VALUES.put(IdentityValue(identity=mark, customer=customer, value=told.value))]


def _planned_ids() -> NewId:
    """Give ids for a plan that is thrown away."""
    count = 0

    def next_id() -> str:
        nonlocal count
        count += 1
        return f"planned/{count}"

    return next_id
