import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.personal import Personal
from omnicore.parties import IdentityKind, ToldIdentity, normal_form
from omnicore.testing.strategies import parties as drawn
from omnicore.testing.strategies.kernel import texts


@given(st.sampled_from(IdentityKind), texts(), st.sampled_from(("", "JP", "GB", "XX")))
def test_normalising_twice_is_normalising_once(kind: IdentityKind, text: str, realm: str) -> None:
    """The normal form of a normal form is itself (C3)."""
    try:
        normal = normal_form(kind, text, realm=realm)
    except Malformed:
        return
    assert normal_form(kind, normal, realm=realm) == normal


@given(drawn.told_identities())
def test_an_identity_survives_its_own_normal_form(told: ToldIdentity) -> None:
    """Somebody who types the normal form is recognised as the same."""
    normal = normal_form(told.kind, told.value.reveal(), realm=told.realm)
    again = ToldIdentity(kind=told.kind, value=Personal(normal), realm=told.realm)
    assert again.mark(str) == told.mark(str)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (IdentityKind.EMAIL, "Hanako@Example.COM", "ｈａｎａｋｏ＠example.com"),
        (IdentityKind.EMAIL, "a@例え.jp", "a@xn--r8jz45g.jp"),
        (IdentityKind.PHONE, "090-1234-5678", "+81 90 1234 5678"),
        (IdentityKind.PHONE, "０９０ー１２３４ー５６７８", "09012345678"),
        (IdentityKind.MEMBER_CARD, "ab-12 34", "ＡＢ1234"),
    ],
)
def test_spellings_of_one_identity_meet(kind: IdentityKind, one: str, other: str) -> None:
    """Case, width and separators make no difference to whom an e-mail, phone number or card belongs."""
    assert normal_form(kind, one, realm="JP") == normal_form(kind, other, realm="JP")


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (IdentityKind.EMAIL, "a.b@example.com", "ab@example.com"),
        (IdentityKind.EMAIL, "a@example.com", "а@example.com"),  # the second is Cyrillic
        (IdentityKind.OIDC, "abc", "ABC"),
        (IdentityKind.MARKETPLACE_BUYER, "A-1", "A1"),
    ],
)
def test_what_only_looks_alike_stays_apart(kind: IdentityKind, one: str, other: str) -> None:
    """Dots of an address, look-alike letters and somebody else's ids are never joined (C3)."""
    assert normal_form(kind, one) != normal_form(kind, other)


@pytest.mark.parametrize(
    "text", ["", "  ", "no-at-sign", "a@b", "@example.com", "a@@example.com", "a\u200b@example.com"]
)
def test_a_doubtful_address_is_no_identity(text: str) -> None:
    """An address that is none, or that hides a character, recognises nobody."""
    with pytest.raises(Malformed):
        normal_form(IdentityKind.EMAIL, text)


def test_the_same_digits_in_two_countries_are_two_numbers() -> None:
    """020 7946 0000 in London is not 020 7946 0000 in Japan."""
    london, japan = (
        ToldIdentity(kind=IdentityKind.PHONE, value=Personal("02079460000"), realm=c) for c in ("GB", "JP")
    )
    assert london.mark(str) != japan.mark(str)


def test_one_buyer_id_in_two_marketplaces_is_two_buyers() -> None:
    """A buyer id means something in its own channel only."""
    one, other = (
        ToldIdentity(kind=IdentityKind.MARKETPLACE_BUYER, value=Personal("77"), realm=realm) for realm in ("m1", "m2")
    )
    assert one.mark(str) != other.mark(str)
