from collections.abc import Iterator

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore import pricing
from omnicore.adapters.memory import Memory
from omnicore.host import Host, Observation
from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, PriceListId, VariantId
from omnicore.kernel.money import TaxBasis
from omnicore.kernel.records import Stored
from omnicore.kernel.time import Instant
from omnicore.pricing import LIST_PRICE, ListPrice, PriceList, flat
from omnicore.testing.strategies import pricing as some

WEB, TEE = ChannelId("web"), VariantId("TEE-M")
NOW = Instant.parse("2026-11-21T03:00:00Z")
BASE = PriceList(id=PriceListId("base"), currency="JPY", basis=TaxBasis.INCLUDED)
SEEN: list[Observation] = []


@pytest.fixture
def shop() -> Iterator[Host]:
    """Give a shop with one empty price list."""
    SEEN.clear()
    host = Host(Memory(), clock=lambda: NOW, observe=SEEN.append)
    host.run(pricing.put_lists(lists=(BASE,)))
    yield host
    host.close()


def test_a_price_set_is_the_price_asked_for(shop: Host) -> None:
    """The price a shop sets is the price its channels are told, and the channel's own list comes first."""
    shop.run(pricing.put_prices(price_list=BASE.id, prices={TEE: flat(500)}))
    web = evolve(BASE, id=PriceListId("web"), channel=WEB)
    shop.run(pricing.put_lists(lists=(web,)))
    shop.run(pricing.put_prices(price_list=web.id, prices={TEE: flat(450)}))
    told = {
        channel: shop.run(pricing.prices(variants={TEE: 1}, channel=ChannelId(channel), currency="JPY"))[0]
        for channel in ("web", "store")
    }
    assert {channel: found.required().money.minor for channel, found in told.items()} == {"web": 450, "store": 500}
    unknown = shop.run(pricing.prices(variants={VariantId("?"): 1, TEE: 1}, channel=WEB, currency="JPY", at=NOW))
    assert [found.list for found in unknown] == [None, "web"]
    assert not shop.verify().differences


def test_prices_of_many_cost_as_many_reads_as_of_one(shop: Host) -> None:
    """A page of a hundred articles is priced with the same three reads as one article."""
    many = {VariantId(f"V{at}"): flat(at) for at in range(100)}
    shop.run(pricing.put_prices(price_list=BASE.id, prices=many))
    SEEN.clear()
    shop.run(pricing.prices(variants={VariantId("V1"): 1}, channel=WEB, currency="JPY"))
    shop.run(pricing.prices(variants=dict.fromkeys(many, 1), channel=WEB, currency="JPY"))
    assert len({seen.statements for seen in SEEN}) == 1


def test_prices_need_a_list(shop: Host) -> None:
    """A price cannot be put on a list that does not exist."""
    with pytest.raises(pricing.ListUnknown):
        shop.run(pricing.put_prices(price_list=PriceListId("none"), prices={TEE: flat(1)}))


def test_a_list_keeps_its_currency_and_basis(shop: Host) -> None:
    """Changing a list may not silently turn 500 yen into 500 pounds, or tax in into tax out."""
    for other in (evolve(BASE, currency="GBP"), evolve(BASE, basis=TaxBasis.EXCLUDED)):
        with pytest.raises(Malformed):
            shop.run(pricing.put_lists(lists=(other,)))
    shop.run(pricing.put_lists(lists=(evolve(BASE, precedence=1),)))


def test_too_much_at_once_is_refused(shop: Host) -> None:
    """One command sets 5,000 prices and one question asks for 1,000, not more."""
    many = {VariantId(f"V{at}"): flat(1) for at in range(5_001)}
    with pytest.raises(Malformed):
        shop.run(pricing.put_prices(price_list=BASE.id, prices=many))
    with pytest.raises(Malformed):
        shop.run(pricing.prices(variants=dict.fromkeys(many, 1), channel=WEB, currency="JPY"))
    lists = tuple(evolve(BASE, id=PriceListId(f"L{at}"), channel=WEB) for at in range(500))
    shop.run(pricing.put_lists(lists=lists))
    with pytest.raises(Malformed):
        shop.run(pricing.prices(variants={TEE: 1}, channel=WEB, currency="JPY"))
    assert shop.run(pricing.prices(variants={TEE: 1}, channel=ChannelId("store"), currency="JPY"))


@given(st.lists(some.list_prices(), max_size=8, unique_by=lambda price: price.key))
def test_the_same_prices_again_write_nothing(prices: list[ListPrice]) -> None:
    """Sending the price file twice changes nothing the second time."""
    assert len(pricing.decide.put_prices(prices, stored={}).changes) == len(prices)
    stored = {price.key: Stored(value=price, version=1, kind=LIST_PRICE) for price in prices}
    assert not pricing.decide.put_prices(prices, stored=stored)


def test_one_command_names_a_thing_once(shop: Host) -> None:
    """A file that gives one article two prices, or one list two meanings, is refused whole."""
    price = ListPrice(list=BASE.id, variant=TEE, breaks=flat(1))
    with pytest.raises(Malformed):
        pricing.decide.put_prices([price, evolve(price, breaks=flat(2))], stored={})
    with pytest.raises(Malformed):
        shop.run(pricing.put_lists(lists=(BASE, BASE)))
