import pytest
from attrs import evolve
from hypothesis import given

from omnicore.kernel import codec
from omnicore.kernel.address import PostalAddress
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import AccountId, CustomerId
from omnicore.kernel.personal import Personal
from omnicore.kernel.time import Instant
from omnicore.parties import (
    Account,
    Customer,
    Details,
    Evidence,
    Identity,
    IdentityKind,
    IdentityValue,
    Link,
    LinkEnd,
    Profile,
    Seen,
    Teller,
    ToldIdentity,
)
from omnicore.testing.strategies import parties as drawn


@given(drawn.customers(), drawn.accounts(), drawn.identities())
def test_the_three_masters_are_stored_as_they_are(customer: Customer, account: Account, identity: Identity) -> None:
    """A customer, an account and an identity come back from the books as they went in, and hold nothing personal."""
    assert codec.loads(codec.dumps(customer, as_=Customer), as_=Customer) == customer
    assert codec.loads(codec.dumps(account, as_=Account), as_=Account) == account
    assert codec.loads(codec.dumps(identity, as_=Identity), as_=Identity) == identity
    assert not any(codec.personal_fields(kind) for kind in (Customer, Account, Identity))


@given(drawn.profiles(), drawn.identity_values())
def test_the_vault_holds_what_was_typed(profile: Profile, value: IdentityValue) -> None:
    """What a person typed comes back from the vault letter for letter."""
    assert codec.loads(codec.dumps(profile, as_=Profile, vault=True), as_=Profile) == profile
    assert codec.loads(codec.dumps(value, as_=IdentityValue, vault=True), as_=IdentityValue) == value


def test_nothing_shows_a_person() -> None:
    """Whatever holds a name, a log shows a mask (C9)."""
    details = Details(name=Personal("Hanako"), email=Personal("hanako@example.com"))
    assert "anako" not in f"{details!r} {details} {Profile(customer=CustomerId('C1'), details=details)!r}"


def test_what_could_not_be_kept_is_refused() -> None:
    """Personal parts must be marked as such, and nothing is longer, later or more than can be kept."""
    address = Personal(PostalAddress(country="JP"))
    link = Link(to=LinkEnd.CUSTOMER, id="C", since=Instant(5), evidence=Evidence.ORDER, basis="o")
    mail = ToldIdentity(kind=IdentityKind.EMAIL, value=Personal("a@example.com"))
    seen = Seen(told_at=Instant(0), by=Teller.GUEST, basis="o")
    for bad in (
        lambda: Details(name="Hanako"),  # type: ignore[arg-type]  # what an untyped caller may do
        lambda: Details(name=Personal("x" * 201)),
        lambda: Details(name=Personal("a\nb")),
        lambda: Details(addresses=(address,) * 21),
        lambda: Details(addresses=(PostalAddress(country="JP"),)),  # type: ignore[arg-type]  # as above
        lambda: Link(
            to=LinkEnd.CUSTOMER, id="C", since=Instant(5), until=Instant(4), evidence=Evidence.ORDER, basis="o"
        ),
        lambda: Customer(id=CustomerId("C"), since=Instant(0), links=(link,) * 201),
        lambda: evolve(mail, kind="email"),  # type: ignore[arg-type]  # as above
        lambda: evolve(mail, value="a@example.com"),  # type: ignore[arg-type]  # as above
        lambda: ToldIdentity(kind=IdentityKind.MARKETPLACE_BUYER, value=Personal("B1")),
        lambda: ToldIdentity(kind=IdentityKind.MEMBER_CARD, value=Personal("--")),
        lambda: ToldIdentity(kind=IdentityKind.PHONE, value=Personal("call me")),
        lambda: evolve(seen, identities=(mail,) * 21),
        lambda: evolve(seen, by=Teller.HOLDER),
        lambda: evolve(seen, account=AccountId("A")),
        lambda: evolve(seen, customer=CustomerId(" ")),
    ):
        with pytest.raises(Malformed):
            bad()
    assert not Details()
    assert Details(note=Personal("two\nlines"))
