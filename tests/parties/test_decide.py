import pytest
from attrs import evolve
from hypothesis import given

from omnicore.kernel.ids import AccountId, CustomerId, IdentityId
from omnicore.kernel.personal import Personal
from omnicore.kernel.records import Stored
from omnicore.kernel.store import Writes
from omnicore.parties import (
    CUSTOMERS,
    IDENTITIES,
    IDENTITY,
    Customer,
    Evidence,
    Identity,
    IdentityKind,
    IdentityMove,
    IdentityNotProven,
    IdentityRevoked,
    IdentityState,
    Link,
    LinkEnd,
    ToldIdentity,
)
from omnicore.parties.decide import claim, open_account, revoke, verify
from omnicore.testing.clock import NOON, Ids
from omnicore.testing.strategies import parties as drawn

MAIL = ToldIdentity(kind=IdentityKind.EMAIL, value=Personal("hanako@example.com"))


def stored(identity: Identity) -> Stored[Identity]:
    """Give an identity as it is read from the books."""
    return Stored(value=identity, version=1, kind=IDENTITIES)


@given(drawn.identities())
def test_decisions_agree_with_the_table(identity: Identity) -> None:
    """An identity is verified or revoked if and only if its state allows the move."""
    identity = evolve(identity, links=())
    if IdentityMove.VERIFY in IDENTITY.moves(identity.state):
        verify(MAIL, proof="code", identity=stored(identity), account=None, at=NOON, blind=str)
    else:
        with pytest.raises(IdentityRevoked):
            verify(MAIL, proof="code", identity=stored(identity), account=None, at=NOON, blind=str)
    writes = revoke(MAIL, reason="lost", identity=stored(identity), at=NOON, blind=str)
    assert bool(writes) is (IdentityMove.REVOKE in IDENTITY.moves(identity.state))


def test_there_may_be_nothing_to_claim() -> None:
    """A proven identity that leads to no customer, or to one that another account holds, brings nothing."""
    link = Link(to=LinkEnd.ACCOUNT, id="A1", since=NOON, evidence=Evidence.CHALLENGE, basis="code")
    identity = Identity(
        id=IdentityId("i"),
        kind=IdentityKind.EMAIL,
        realm="",
        since=NOON,
        state=IdentityState.VERIFIED,
        proof="code",
        links=(link,),
    )
    held = Customer(id=CustomerId("C"), since=NOON, links=(evolve(link, id="A2"),))
    for customer in (None, Stored(value=held, version=1, kind=CUSTOMERS)):
        found = claim(account=AccountId("A1"), identity=stored(identity), customer=customer, at=NOON)
        assert (found.customer, found.writes) == (None, Writes())
    revoked = evolve(identity, state=IdentityState.REVOKED)
    with pytest.raises(IdentityNotProven):
        claim(account=AccountId("A1"), identity=stored(revoked), customer=None, at=NOON)


def test_a_held_customer_is_not_opened_for_another() -> None:
    """Whoever opens an account with an identity that leads to somebody else's customer begins with a new one."""
    link = Link(to=LinkEnd.CUSTOMER, id="C", since=NOON, evidence=Evidence.ORDER, basis="o")
    identity = Identity(
        id=IdentityId("i"),
        kind=IdentityKind.EMAIL,
        realm="",
        since=NOON,
        state=IdentityState.VERIFIED,
        proof="code",
        links=(link,),
    )
    held = Customer(id=CustomerId("C"), since=NOON, links=(evolve(link, to=LinkEnd.ACCOUNT, id="A2"),))
    customer = Stored(value=held, version=1, kind=CUSTOMERS)
    opened = open_account(MAIL, proof="code", identity=stored(identity), customer=customer, at=NOON, new_id=Ids())
    assert opened.customer != "C"
