"""Which values may the types of parties have? One strategy for each, also for the awkward corners."""

from hypothesis import strategies as st

from omnicore.kernel.ids import AccountId, CustomerId, IdentityId
from omnicore.kernel.personal import Personal
from omnicore.parties import (
    NO_DETAILS,
    Account,
    Customer,
    Detail,
    DetailField,
    Details,
    Evidence,
    Identity,
    IdentityKind,
    IdentityState,
    IdentityValue,
    Link,
    LinkEnd,
    Profile,
    Seen,
    Teller,
    ToldIdentity,
)
from omnicore.testing.strategies.kernel import ids, instants, postal_addresses, texts

_NAMES = ("佐藤 花子", "サトウ", "ｻﾄｳ", "Ann", "O'Neil")


def told_identities() -> st.SearchStrategy[ToldIdentity]:
    """Give identities of every kind as people write them, often the same one in another spelling."""
    mails = st.sampled_from(("hanako@example.com", "Hanako@Example.COM", "ｈａｎａｋｏ@example.com", "a.b+c@例え.jp"))
    phones = st.sampled_from(("090-1234-5678", "０９０１２３４５６７８", "+81 90 1234 5678", "03(1234)5678"))
    foreign = st.sampled_from((IdentityKind.MARKETPLACE_BUYER, IdentityKind.OIDC, IdentityKind.STORE_TOKEN))
    codes = st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True).map(Personal)
    return st.one_of(
        st.builds(ToldIdentity, kind=st.just(IdentityKind.EMAIL), value=mails.map(Personal)),
        st.builds(ToldIdentity, kind=st.just(IdentityKind.PHONE), value=phones.map(Personal), realm=st.just("JP")),
        st.builds(ToldIdentity, kind=foreign, value=codes, realm=st.sampled_from(("mall", "app"))),
        st.builds(ToldIdentity, kind=st.sampled_from((IdentityKind.MEMBER_CARD, IdentityKind.LINE)), value=codes),
    )


def details() -> st.SearchStrategy[Details]:
    """Give what an order may tell of a person: nothing, some parts or all."""
    line = (st.just("") | st.sampled_from(_NAMES) | texts(limit=20)).map(Personal)
    addresses = st.lists(postal_addresses().map(Personal), max_size=3, unique=True).map(tuple)
    told = st.builds(Details, name=line, kana=line, email=line, phone=line, note=line, addresses=addresses)
    return st.just(NO_DETAILS) | told


def known_details() -> st.SearchStrategy[Detail]:
    """Give marks of something known."""
    return st.builds(
        Detail,
        field=st.sampled_from(DetailField),
        mark=st.from_regex(r"[0-9a-f]{8}", fullmatch=True),
        told_at=instants(),
        by=st.sampled_from(Teller),
    )


def links(*, to: LinkEnd | None = None) -> st.SearchStrategy[Link]:
    """Give links, ended ones too."""
    return st.builds(
        Link,
        to=st.sampled_from(LinkEnd) if to is None else st.just(to),
        id=ids(),
        since=instants(last_year=2000),
        evidence=st.sampled_from(Evidence),
        basis=ids(),
        until=st.none() | instants(first_year=2001),
    )


def customers() -> st.SearchStrategy[Customer]:
    """Give customers, named or not, with accounts or without."""
    known = st.lists(known_details(), max_size=4).map(tuple)
    own = st.lists(links(to=LinkEnd.ACCOUNT), max_size=3).map(tuple)
    return st.builds(Customer, id=ids().map(CustomerId), since=instants(), details=known, links=own)


def accounts() -> st.SearchStrategy[Account]:
    """Give accounts."""
    return st.builds(Account, id=ids().map(AccountId), customer=ids().map(CustomerId), since=instants())


def identities() -> st.SearchStrategy[Identity]:
    """Give identities in every state."""
    return st.builds(
        Identity,
        id=st.from_regex(r"[0-9a-f]{64}", fullmatch=True).map(IdentityId),
        kind=st.sampled_from(IdentityKind),
        realm=texts(limit=10),
        since=instants(),
        until=st.none() | instants(),
        state=st.sampled_from(IdentityState),
        proof=st.none() | ids(),
        links=st.lists(links(), max_size=3).map(tuple),
    )


def profiles() -> st.SearchStrategy[Profile]:
    """Give profiles; vault documents."""
    return st.builds(Profile, customer=ids().map(CustomerId), details=details())


def identity_values() -> st.SearchStrategy[IdentityValue]:
    """Give what identities look like; vault documents."""
    return st.builds(
        IdentityValue,
        identity=st.from_regex(r"[0-9a-f]{64}", fullmatch=True).map(IdentityId),
        customer=ids().map(CustomerId),
        value=texts(limit=20).map(Personal),
    )


def seen(*, by: Teller | None = None) -> st.SearchStrategy[Seen]:
    """Give what an order tells of its buyer, by a guest or a channel."""
    return st.builds(
        Seen,
        told_at=instants(first_year=2020, last_year=2030),
        by=st.sampled_from((Teller.GUEST, Teller.CHANNEL)) if by is None else st.just(by),
        basis=ids(),
        identities=st.lists(told_identities(), max_size=3).map(tuple),
        details=details(),
    )
