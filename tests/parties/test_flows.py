import pytest

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.access import PurposeMissing
from omnicore.kernel.flow import Shopper, Staff
from omnicore.kernel.ids import AccountId, CustomerId
from omnicore.kernel.personal import Personal
from omnicore.kernel.time import Instant
from omnicore.parties import (
    IDENTITY_VALUES,
    PROFILES,
    AccountUnknown,
    CustomerUnknown,
    Details,
    IdentityKind,
    IdentityNotProven,
    IdentityRevoked,
    IdentityTaken,
    Seen,
    Teller,
    ToldIdentity,
    claim,
    customers_of,
    open_account,
    record_customers,
    revoke_identity,
    verify_identity,
    who_is,
)
from omnicore.testing.clock import Clock, Ids

MAIL = ToldIdentity(kind=IdentityKind.EMAIL, value=Personal("Hanako@Example.com"))
OTHER = ToldIdentity(kind=IdentityKind.EMAIL, value=Personal("h.sato@example.com"))
CARD = ToldIdentity(kind=IdentityKind.MEMBER_CARD, value=Personal("1234-5678"))


@pytest.fixture
def host() -> Host:
    """Give an empty shop."""
    return Host(Memory(), clock=Clock(), new_id=Ids()).acting(Staff("S1"), purpose="service")


def bought(host: Host, told: ToldIdentity, *, by: Teller = Teller.GUEST) -> CustomerId | None:
    """Record an order that names an identity."""
    details = Details(name=Personal("Hanako"))
    seen = Seen(told_at=Instant(0), by=by, basis="order-1", identities=(told,), details=details)
    return host.run(record_customers(seen=(seen,)))[0]


def opened(host: Host, told: ToldIdentity) -> tuple[AccountId, CustomerId]:
    """Prove an identity and open an account with it."""
    host.run(verify_identity(told=told, proof="code"))
    account = host.run(open_account(told=told, proof="code"))
    return account.account, account.customer


def test_yesterdays_guest_is_todays_holder(host: Host) -> None:
    """A guest who opens an account with the order's e-mail has the order in it; claiming it again changes nothing."""
    guest = bought(host, MAIL)
    account, customer = opened(host, MAIL)
    assert customer == guest
    before = host.verify()
    assert host.run(claim(account=account, told=MAIL)) == guest
    assert host.run(customers_of(account=account)) == (guest,)
    assert host.verify() == before


def test_a_second_address_brings_its_orders(host: Host) -> None:
    """A holder who proves another address claims the orders made with it, and keeps both."""
    guest = bought(host, OTHER)
    account, own = opened(host, MAIL)
    with pytest.raises(IdentityNotProven):
        host.run(claim(account=account, told=OTHER))
    host.run(verify_identity(told=OTHER, proof="code-2", account=account))
    assert host.run(claim(account=account, told=OTHER)) == guest
    assert host.run(customers_of(account=account)) == (own, guest)
    assert host.verify().differences == ()


def test_an_unproven_claim_learns_nothing(host: Host) -> None:
    """Whoever claims without proof gets the same answer whether there is an order, an account, or nothing at all."""
    account, _ = opened(host, MAIL)
    bought(host, OTHER)
    unknown = ToldIdentity(kind=IdentityKind.EMAIL, value=Personal("nobody@example.com"))
    answers = []
    for told, who in ((OTHER, account), (unknown, account), (MAIL, AccountId("A?"))):
        with pytest.raises(IdentityNotProven) as refused:
            host.run(claim(account=who, told=told))
        answers.append(refused.value.problem())
    assert answers[0] == answers[1] == answers[2]


def test_an_account_needs_the_proof_it_was_proven_with(host: Host) -> None:
    """An address proven by one challenge opens no account for somebody who names another, or none."""
    with pytest.raises(IdentityNotProven):
        host.run(open_account(told=MAIL, proof="code"))
    host.run(verify_identity(told=MAIL, proof="code"))
    with pytest.raises(IdentityNotProven):
        host.run(open_account(told=MAIL, proof="guess"))


def test_a_login_opens_one_account(host: Host) -> None:
    """Every identity opens exactly one account (C1)."""
    account, _ = opened(host, MAIL)
    with pytest.raises(IdentityTaken):
        host.run(open_account(told=MAIL, proof="code"))
    second, _ = opened(host, OTHER)
    with pytest.raises(IdentityTaken):
        host.run(verify_identity(told=MAIL, proof="code-3", account=second))
    assert account != second


def test_nobody_claims_an_others_customer(host: Host) -> None:
    """A customer that an account holds is not there for another account to claim."""
    guest = bought(host, MAIL)
    opened(host, MAIL)
    host.run(revoke_identity(told=MAIL, reason="stolen"))
    account, own = opened(host, OTHER)
    with pytest.raises(IdentityNotProven):
        host.run(claim(account=account, told=MAIL))
    assert own != guest


def test_a_card_read_at_the_till_knows_its_holder(host: Host) -> None:
    """A member card given to an account makes the till recognise its holder as the same customer."""
    account, customer = opened(host, MAIL)
    host.run(verify_identity(told=CARD, proof="issued-1", account=account))
    assert bought(host, CARD, by=Teller.CHANNEL) == customer


def test_a_lost_card_recognises_nobody(host: Host) -> None:
    """A revoked card opens nothing, recognises nobody and cannot be proven again; revoking twice is once."""
    account, customer = opened(host, MAIL)
    host.run(verify_identity(told=CARD, proof="issued-1", account=account))
    host.run(revoke_identity(told=CARD, reason="lost"))
    before = host.verify()
    host.run(revoke_identity(told=CARD, reason="lost"))
    assert host.verify() == before
    assert bought(host, CARD, by=Teller.CHANNEL) is None
    with pytest.raises(IdentityRevoked):
        host.run(verify_identity(told=CARD, proof="again"))
    assert host.run(customers_of(account=account)) == (customer,)


def test_proving_twice_with_one_challenge_is_once(host: Host) -> None:
    """A challenge reported twice leaves one trace."""
    host.run(verify_identity(told=MAIL, proof="code"))
    before = host.verify()
    host.run(verify_identity(told=MAIL, proof="code"))
    assert host.verify() == before


def test_who_is_who_needs_a_purpose_and_leaves_a_trace(host: Host) -> None:
    """Staff see who a customer is for a stated purpose only, and each look is in the journal, without values."""
    customer = bought(host, MAIL)
    assert customer is not None
    with pytest.raises(PurposeMissing):
        host.acting(Shopper("B1")).run(who_is(customer=customer))
    events = host.verify().events
    who = host.run(who_is(customer=customer))
    assert who.details.name == Personal("Hanako")
    assert who.values == (Personal("Hanako@Example.com"),)
    assert host.verify().events == events + 2
    with pytest.raises(CustomerUnknown):
        host.run(who_is(customer=CustomerId("C?")))


def test_an_unknown_account_is_refused(host: Host) -> None:
    """No identity is linked to an account that does not exist."""
    with pytest.raises(AccountUnknown):
        host.run(verify_identity(told=MAIL, proof="code", account=AccountId("A?")))
    with pytest.raises(AccountUnknown):
        host.run(customers_of(account=AccountId("A?")))
    assert host.verify().documents == 0


def test_no_trace_of_a_person_leaves_the_vault(host: Host) -> None:
    """After all this, the journal and every document outside the vault hold no name and no address."""
    database = Memory()
    shop = Host(database, clock=Clock(), new_id=Ids()).acting(Staff("S1"), purpose="service")
    bought(shop, MAIL)
    opened(shop, MAIL)
    with database.reading("main") as store:
        inside = vars(store)["_shop"]
    vault = {PROFILES.name, IDENTITY_VALUES.name}
    documents = [document for document in inside.documents.values() if document.kind not in vault]
    assert "anako" not in repr((documents, inside.journal, inside.rows))
