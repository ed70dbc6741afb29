"""Laws of personal data: it is shown nowhere and written only to the vault."""

import copy
import pickle
from collections.abc import Mapping

import attrs
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel import codec
from omnicore.kernel.codec import dump, keyed_hash, load, personal_fields
from omnicore.kernel.errors import Malformed
from omnicore.kernel.personal import MASK, Personal, PersonalOutsideVault
from omnicore.testing.strategies.json import json_texts

KEY = b"k" * 16


@frozen
class Name:
    family: Personal[str]
    kana: Personal[str] | None


@frozen
class Buyer:
    id: str
    name: Name
    others: tuple[Name, ...]
    notes: Mapping[str, Personal[str]]
    friend: "Buyer | None"


@frozen
class Wrapped:
    name: Name


@frozen
class Call:
    by: Name


@frozen
class Mail:
    to: str


codec.scalar(Wrapped, dump=lambda wrapped: wrapped.name, load=Wrapped, via=Name)
codec.tagged(Call | Mail, {"call": Call, "mail": Mail})

names = st.builds(Name, st.builds(Personal, json_texts()), st.none() | st.builds(Personal, json_texts()))
buyers = st.builds(
    Buyer,
    json_texts(),
    names,
    st.lists(names, max_size=2).map(tuple),
    st.dictionaries(json_texts(), st.builds(Personal, json_texts()), max_size=2),
    st.none(),
)


def test_a_person_is_never_shown() -> None:
    """A name in a log, a message or an error report is a mask."""
    secret = Personal("Yamada")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", format(secret, "s"), repr(Name(secret, None))]
    shown += [repr(attrs.asdict(Name(secret, secret))), repr([secret]), "%s %r" % (secret, secret)]  # noqa: UP031 - the old way of logging shows nothing either
    assert not any("Yamada" in each for each in shown)
    assert all(MASK in each for each in shown)
    assert not hasattr(secret, "__dict__")
    assert secret.reveal() == "Yamada"


def test_a_person_is_not_pickled() -> None:
    """Personal data does not slip into a queue or a cache by way of pickle; a copy is the same thing."""
    secret = Personal("Yamada")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(PersonalOutsideVault):
            pickle.dumps(secret, protocol)
    with pytest.raises(PersonalOutsideVault):
        secret.__getstate__()
    assert copy.copy(secret) is secret
    assert copy.deepcopy(secret) is secret


def test_a_person_is_frozen() -> None:
    """What has been wrapped cannot be exchanged."""
    secret = Personal("Yamada")
    with pytest.raises(AttributeError):
        secret._value = "Sato"
    with pytest.raises(AttributeError):
        del secret._value
    assert secret == Personal("Yamada")
    assert hash(secret) == hash(Personal("Yamada"))
    assert secret != Personal("Sato")
    assert secret != "Yamada"


@given(buyer=buyers)
def test_the_vault_keeps_what_it_is_given(buyer: Buyer) -> None:
    """Personal data comes back from the vault as it went in."""
    assert load(dump(buyer, as_=Buyer, vault=True), as_=Buyer) == buyer


@given(buyer=buyers)
def test_only_the_vault_is_given_personal_data(buyer: Buyer) -> None:
    """An event, an answer or an audit row cannot hold a name, not even by mistake."""
    with pytest.raises(PersonalOutsideVault, match=r"\$\.name\.family"):
        dump(buyer, as_=Buyer)
    with pytest.raises(PersonalOutsideVault):
        dump((buyer,), as_=tuple[Buyer, ...] | None)


def test_personal_fields_are_listed() -> None:
    """Every place that holds personal data is on one list, which access, masking, export and erasure go by."""
    assert personal_fields(Buyer) == (
        "$.name.family",
        "$.name.kana",
        "$.others[].family",
        "$.others[].kana",
        "$.notes.*",
    )
    assert personal_fields(Wrapped) == ("$.family", "$.kana")
    assert personal_fields(Call | Mail) == ("$.by.family", "$.by.kana")
    assert personal_fields(Mail) == ()


@given(one=buyers, other=buyers)
def test_a_keyed_hash_tells_equal_from_different_and_nothing_else(one: Buyer, other: Buyer) -> None:
    """Two requests can be compared without keeping what was in them."""
    hashed = keyed_hash(one, as_=Buyer, key=KEY)
    assert (hashed == keyed_hash(other, as_=Buyer, key=KEY)) is (one == other)
    assert hashed != keyed_hash(one, as_=Buyer, key=b"other" * 4)
    assert len(hashed) == 64


@pytest.mark.parametrize("key", [b"short", "k" * 16])
def test_a_weak_key_is_refused(key: bytes) -> None:
    """A hash under a guessable key would give the person away."""
    with pytest.raises(Malformed):
        keyed_hash(1, as_=int, key=key)
