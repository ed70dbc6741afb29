import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from omnicore.kernel.errors import Malformed
from omnicore.kernel.ids import ChannelId, PriceListId, VariantId
from omnicore.kernel.money import Money, Price, TaxBasis
from omnicore.kernel.time import Instant, Period
from omnicore.pricing import Break, ListPrice, NoPrice, Outcome, PriceBook, PriceList, flat, resolve, resolve_all
from omnicore.testing.strategies import kernel
from omnicore.testing.strategies import pricing as some

WEB, TEE = ChannelId("web"), VariantId("TEE-M")
NOW = Instant.parse("2026-11-21T03:00:00Z")


def listed(
    name: str, unit: int, *, channel: ChannelId | None = None, precedence: int = 0, valid: Period | None = None
) -> tuple[PriceList, ListPrice]:
    """Make a list with one price for the T-shirt."""
    found = PriceList(
        id=PriceListId(name),
        channel=channel,
        currency="JPY",
        basis=TaxBasis.INCLUDED,
        precedence=precedence,
        valid=valid or Period(),
    )
    return found, ListPrice(list=found.id, variant=TEE, breaks=flat(unit))


def book(*pairs: tuple[PriceList, ListPrice]) -> PriceBook:
    """Bind lists and prices together."""
    return PriceBook(tuple(found for found, _ in pairs), tuple(price for _, price in pairs))


@given(some.price_books(), st.data(), kernel.instants(), st.integers(1, 50))
def test_the_order_of_rows_changes_no_price(
    given_book: PriceBook, data: st.DataObject, at: Instant, units: int
) -> None:
    """However the lists come out of the database, the price and its explanation are the same."""
    other = PriceBook(data.draw(st.permutations(given_book.lists).map(tuple)), given_book.prices[::-1])
    wanted = dict.fromkeys(some.VARIANTS, units)
    ask = [resolve_all(wanted, book=each, channel=WEB, currency="JPY", at=at) for each in (given_book, other)]
    assert ask[0] == ask[1]


@given(some.price_books(), kernel.instants(), st.integers(1, 50), st.integers(0, 50))
def test_the_trace_tells_the_whole_story(given_book: PriceBook, at: Instant, units: int, more: int) -> None:
    """Every list is named once, one of them as chosen, nothing counts outside its time, and more is never dearer."""
    for variant in some.VARIANTS:
        found = resolve(variant, quantity=units, book=given_book, channel=WEB, currency="JPY", at=at)
        assert [step.list for step in found.trace] == sorted(each.id for each in given_book.lists)
        chosen = [step.list for step in found.trace if step.outcome is Outcome.CHOSEN]
        assert chosen == ([] if found.list is None else [found.list])
        if found.price is not None:
            source = next(each for each in given_book.lists if each.id == found.list)
            assert source.valid.contains(at)
            assert source.channel in {None, WEB}
            assert (found.price.basis, found.price.money.currency) == (source.basis, "JPY")
            with_more = resolve(variant, quantity=units + more, book=given_book, channel=WEB, currency="JPY", at=at)
            assert with_more.required().money <= found.price.money


@given(some.price_books(), kernel.instants(), st.integers(1, 50))
def test_the_first_thing_that_differs_decides(given_book: PriceBook, at: Instant, units: int) -> None:
    """The channel's own list beats the general one, then precedence, then the lower price."""
    lists = {each.id: each for each in given_book.lists}
    found = resolve(TEE, quantity=units, book=given_book, channel=WEB, currency="JPY", at=at)
    if found.list is None or found.price is None:
        return
    best = lists[found.list]
    for step in found.trace:
        beaten = lists[step.list]
        if step.outcome is Outcome.LESS_SPECIFIC:
            assert beaten.channel is None
            assert best.channel == WEB
        elif step.outcome is Outcome.LOWER_PRECEDENCE:
            assert beaten.precedence < best.precedence
        elif step.outcome is Outcome.DEARER:
            assert step.unit is not None
            assert step.unit > found.price.money.minor


def test_each_reason_is_told() -> None:
    """Staff read in one trace why the web sale price counts and what became of every other list."""
    lists = book(
        listed("base", 500),
        listed("base-2", 500),
        listed("dear", 600),
        listed("high", 700, precedence=1),
        listed("sale", 300, channel=WEB, valid=Period(NOW, NOW.plus(days=1))),
        listed("soon", 200, channel=WEB, valid=Period(NOW.plus(micros=1), None)),
        listed("past", 100, channel=WEB, valid=Period(None, NOW)),
        listed("till", 50, channel=ChannelId("store")),
    )
    pounds = evolve(lists.lists[0], id=PriceListId("gbp"), currency="GBP")
    empty = evolve(lists.lists[0], id=PriceListId("none"))
    whole = PriceBook((*lists.lists, pounds, empty), lists.prices)
    found = resolve(TEE, book=whole, channel=WEB, currency="JPY", at=NOW)
    assert found.price == Price(Money(300, "JPY"), TaxBasis.INCLUDED) == found.required()
    assert {step.list: step.outcome.value for step in found.trace} == {
        "base": "less_specific",
        "base-2": "less_specific",
        "dear": "less_specific",
        "gbp": "other_currency",
        "high": "less_specific",
        "none": "no_entry",
        "past": "ended",
        "sale": "chosen",
        "soon": "not_yet",
        "till": "other_channel",
    }
    general = resolve(TEE, book=whole, channel=ChannelId("phone"), currency="JPY", at=NOW)
    assert {step.list: step.outcome.value for step in general.trace if step.list in {"base", "dear", "high"}} == {
        "base": "lower_precedence",
        "dear": "lower_precedence",
        "high": "chosen",
    }
    equal = resolve(TEE, book=book(*[listed(name, 5) for name in "ab"]), channel=WEB, currency="JPY", at=NOW)
    assert [step.outcome for step in equal.trace] == [Outcome.CHOSEN, Outcome.LATER_ID]
    cheap = resolve(TEE, book=book(listed("a", 6), listed("b", 5)), channel=WEB, currency="JPY", at=NOW)
    assert [step.outcome for step in cheap.trace] == [Outcome.DEARER, Outcome.CHOSEN]


def test_thirteen_pieces_get_the_price_for_thirteen() -> None:
    """Thirteen pieces get the break from ten on, nine do not."""
    base, _ = listed("base", 0)
    tiers = ListPrice(list=base.id, variant=TEE, breaks=(Break(1, 100), Break(10, 90), Break(20, 80)))
    units = {
        quantity: resolve(
            TEE, quantity=quantity, book=PriceBook((base,), (tiers,)), channel=WEB, currency="JPY", at=NOW
        )
        for quantity in (9, 13, 20)
    }
    assert [found.required().money.minor for found in units.values()] == [100, 90, 80]


def test_no_price_says_why() -> None:
    """What has no price cannot be sold, and the refusal names what became of each list."""
    found = resolve(TEE, book=book(listed("past", 1, valid=Period(None, NOW))), channel=WEB, currency="JPY", at=NOW)
    with pytest.raises(NoPrice) as caught:
        found.required()
    assert caught.value.facts == {"variant": "TEE-M", "quantity": 1, "because": ("past:ended",)}


def test_a_book_answers_once() -> None:
    """Two lists of one name, or two prices of one variant on a list, make no book."""
    pair = listed("base", 1)
    with pytest.raises(Malformed):
        PriceBook((pair[0], pair[0]), ())
    with pytest.raises(Malformed):
        PriceBook((), (pair[1], pair[1]))
