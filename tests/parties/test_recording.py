from collections.abc import Sequence
from itertools import permutations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.address import PostalAddress
from omnicore.kernel.errors import Malformed
from omnicore.kernel.flow import Staff
from omnicore.kernel.ids import AccountId, CustomerId
from omnicore.kernel.personal import Personal
from omnicore.kernel.time import Instant
from omnicore.parties import (
    AccountUnknown,
    CustomerUnknown,
    Details,
    IdentityKind,
    Seen,
    Teller,
    ToldIdentity,
    open_account,
    record_customers,
    verify_identity,
    who_is,
)
from omnicore.testing.clock import Clock, Ids
from omnicore.testing.strategies import parties as drawn

MAIL = ToldIdentity(kind=IdentityKind.EMAIL, value=Personal("hanako@example.com"))
BUYER = ToldIdentity(kind=IdentityKind.MARKETPLACE_BUYER, value=Personal("B-77"), realm="mall")


def a_host() -> Host:
    """Give an empty shop."""
    return Host(Memory(), clock=Clock(), new_id=Ids()).acting(Staff("S1"), purpose="order import")


def documents(database: Memory) -> dict[tuple[str, str], object]:
    """Give every document with its version, as stored."""
    with database.reading("main") as store:
        return dict(vars(store)["_shop"].documents)


def order(second: int, *told: ToldIdentity, by: Teller = Teller.CHANNEL, **parts: str) -> Seen:
    """Give what an order of that second tells."""
    details = Details(**{name: Personal(text) for name, text in parts.items()})  # type: ignore[arg-type]  # no addresses
    return Seen(told_at=Instant(second * 1_000_000), by=by, basis="order-1", identities=told, details=details)


def known(host: Host, customer: CustomerId | None) -> Details:
    """Give what is known of a customer."""
    assert customer is not None
    return host.run(who_is(customer=customer)).details


@given(st.lists(drawn.details(), min_size=1, max_size=4), st.data())
def test_imports_in_any_order_end_alike(versions: list[Details], data: st.DataObject) -> None:
    """The versions of one buyer, imported in any order and any number of times, end in one customer who is the same."""
    told = [
        Seen(told_at=Instant(at), by=Teller.CHANNEL, basis="o", identities=(BUYER,), details=details)
        for at, details in enumerate(versions)
    ]
    ends = []
    for _ in range(2):
        host = a_host()
        batch = data.draw(st.permutations(told)) + data.draw(st.lists(st.sampled_from(told), max_size=3))
        customers = {host.run(record_customers(seen=(one,)))[0] for one in batch}
        assert len(customers) == 1
        ends.append(host.run(who_is(customer=customers.pop() or CustomerId("-"))))
    assert ends[0].details == ends[1].details
    assert ends[0].customer == ends[1].customer


def test_the_newest_version_wins_field_by_field() -> None:
    """A name corrected last stays corrected, whatever arrives last; a version without it erases nothing."""
    versions = [order(1, BUYER, name="Sato", phone="03"), order(2, BUYER, name="Satoh"), order(3, BUYER)]
    for batch in permutations(versions):
        host = a_host()
        customer, *_ = [host.run(record_customers(seen=(one,)))[0] for one in batch]
        assert known(host, customer) == Details(name=Personal("Satoh"), phone=Personal("03"))


@given(st.lists(drawn.seen(), max_size=6))
def test_a_second_run_writes_nothing(batch: list[Seen]) -> None:
    """Importing the same orders again writes no document and no event, and reads nobody's personal data."""
    database = Memory()
    host = Host(database, clock=Clock(), new_id=Ids()).acting(Staff("S1"), purpose="order import")
    first = host.run(record_customers(seen=tuple(batch)))
    before, versions = host.verify(), documents(database)
    assert host.run(record_customers(seen=tuple(batch))) == first
    assert (host.verify(), documents(database)) == (before, versions)
    assert before.differences == ()


@given(st.lists(drawn.seen(), max_size=6))
def test_many_at_once_is_one_after_another(batch: list[Seen]) -> None:
    """Fifty orders recorded together make the customers that they make one by one."""
    together, apart = a_host(), a_host()
    at_once = together.run(record_customers(seen=tuple(batch)))
    singly = [apart.run(record_customers(seen=(one,)))[0] for one in batch]
    same = dict(zip(at_once, singly, strict=True))
    assert [same[one] for one in at_once] == singly
    for one, other in same.items():
        if one is not None:
            assert known(together, one) == known(apart, other)


def test_a_hidden_buyer_is_one_customer_without_a_name() -> None:
    """A marketplace that hides its buyers still has them: one customer for each buyer id, pseudonymous."""
    host = a_host()
    first, second = host.run(record_customers(seen=(order(1, BUYER), order(2, BUYER))))
    assert first == second
    assert first is not None
    assert not host.run(who_is(customer=first)).customer.named


def test_nobody_to_recognise_is_no_customer() -> None:
    """A cash sale to somebody unknown makes no customer."""
    assert a_host().run(record_customers(seen=(order(1, name="Sato"),))) == (None,)


def test_two_who_share_a_phone_are_two() -> None:
    """A buyer is recognised by the strongest identity alone: a family's phone does not make its members one."""
    host = a_host()
    phone = ToldIdentity(kind=IdentityKind.PHONE, value=Personal("03-1234-5678"), realm="JP")
    other = ToldIdentity(kind=IdentityKind.EMAIL, value=Personal("taro@example.com"))
    one, two = host.run(record_customers(seen=(order(1, MAIL, phone), order(2, phone, other))))
    assert one != two


def test_an_earlier_version_settles_the_customer() -> None:
    """An order that was booked on a customer stays there, though a later version names no identity."""
    host = a_host()
    (customer,) = host.run(record_customers(seen=(order(1, MAIL, name="Sato"),)))
    later = evolve(order(2, kana="サトウ"), customer=customer)
    assert host.run(record_customers(seen=(later,))) == (customer,)
    assert known(host, customer) == Details(name=Personal("Sato"), kana=Personal("サトウ"))


def test_an_expired_token_recognises_nobody() -> None:
    """A store's token that has run out is no proof of who is there."""
    token = ToldIdentity(kind=IdentityKind.STORE_TOKEN, value=Personal("t"), realm="app", until=Instant(5_000_000))
    assert a_host().run(record_customers(seen=(order(5, token),))) == (None,)


@pytest.fixture
def holder() -> tuple[Host, AccountId, CustomerId]:
    """Give a shop with a guest who has opened an account."""
    host = a_host()
    host.run(record_customers(seen=(order(1, MAIL, by=Teller.GUEST, name="Sato", phone="03"),)))
    host.run(verify_identity(told=MAIL, proof="code-1"))
    opened = host.run(open_account(told=MAIL, proof="code-1"))
    return host, opened.account, opened.customer


def test_a_guest_cannot_rewrite_an_account_holder(holder: tuple[Host, AccountId, CustomerId]) -> None:
    """Somebody who types a holder's e-mail at checkout changes nothing that is known, and fills only what was empty."""
    host, _, customer = holder
    told = order(9, MAIL, by=Teller.GUEST, name="Mallory", kana="サトウ")
    assert host.run(record_customers(seen=(told,))) == (customer,)
    assert known(host, customer) == Details(name=Personal("Sato"), phone=Personal("03"), kana=Personal("サトウ"))


@given(st.lists(drawn.details(), max_size=4))
def test_no_guest_changes_any_known_field(told: list[Details]) -> None:
    """No unproven command changes any field of a record linked to an account beyond adding what was empty."""
    host = a_host()
    full = order(1, MAIL, by=Teller.GUEST, name="n", kana="k", email="e", phone="p", note="x")
    (customer,) = host.run(record_customers(seen=(full,)))
    host.run(verify_identity(told=MAIL, proof="code-1"))
    host.run(open_account(told=MAIL, proof="code-1"))
    before = known(host, customer)
    several = tuple(
        Seen(told_at=Instant(2_000_000 + at), by=Teller.GUEST, basis="o", identities=(MAIL,), details=one)
        for at, one in enumerate(told)
    )
    host.run(record_customers(seen=several))
    assert evolve(known(host, customer), addresses=()) == before


def test_the_holder_outweighs_a_newer_channel(holder: tuple[Host, AccountId, CustomerId]) -> None:
    """What the holder says when logged in stays, though a marketplace tells something else later."""
    host, account, customer = holder
    own = evolve(order(3, name="Satoh"), by=Teller.HOLDER, account=account)
    for batch in ((own, order(9, MAIL, name="S.")), (order(9, MAIL, name="S."), own)):
        assert set(host.run(record_customers(seen=batch))) == {customer}
        assert known(host, customer).name == Personal("Satoh")


def test_unknown_accounts_and_customers_are_refused() -> None:
    """An order of an account, or of a customer, that does not exist is refused and changes nothing."""
    host = a_host()
    told: Sequence[tuple[Seen, type[Exception]]] = (
        (evolve(order(1), by=Teller.HOLDER, account=AccountId("A?")), AccountUnknown),
        (evolve(order(1), customer=CustomerId("C?")), CustomerUnknown),
    )
    for one, refusal in told:
        with pytest.raises(refusal):
            host.run(record_customers(seen=(order(1, MAIL), one)))
    assert host.verify().documents == 0


def test_an_order_links_what_was_proven_before() -> None:
    """An e-mail proven before its first order recognises that order's customer from then on."""
    host = a_host()
    host.run(verify_identity(told=MAIL, proof="code-1"))
    first, second = (host.run(record_customers(seen=(order(at, MAIL, name="Sato"),)))[0] for at in (1, 2))
    assert first == second
    assert first is not None
    assert host.run(who_is(customer=first)).values == (Personal("hanako@example.com"),)


def test_only_the_latest_addresses_are_kept() -> None:
    """A buyer who has moved often keeps the twenty addresses told last, whichever order they arrive in."""
    moves = [
        Seen(
            told_at=Instant(at),
            by=Teller.CHANNEL,
            basis="o",
            identities=(BUYER,),
            details=Details(addresses=(Personal(PostalAddress(country="JP", building=str(at))),)),
        )
        for at in range(25)
    ]
    for batch in (moves, moves[::-1]):
        host = a_host()
        customers = {host.run(record_customers(seen=(one,)))[0] for one in batch}
        addresses = known(host, customers.pop()).addresses
        assert [address.reveal().building for address in addresses] == [str(at) for at in range(24, 4, -1)]


def test_too_much_at_once_is_refused() -> None:
    """A call is bounded, so that no transaction is."""
    with pytest.raises(Malformed):
        a_host().run(record_customers(seen=(order(1, MAIL),) * 1001))
