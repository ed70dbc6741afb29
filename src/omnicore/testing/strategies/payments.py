"""Which values may the types of payments have?"""

from typing import assert_never

from hypothesis import strategies as st

from omnicore.kernel.ids import OrderId, TransactionId
from omnicore.kernel.money import Money, total
from omnicore.payments import (
    Amounts,
    Answer,
    Authorise,
    Authorised,
    Cancel,
    Cancelled,
    Capture,
    Captured,
    Declined,
    NeedsAction,
    Payment,
    ProviderName,
    Refund,
    Refunded,
    RefundOrder,
    Remainder,
    Request,
    Step,
    Tender,
    TenderId,
    TenderMethod,
    Transaction,
    TransactionState,
)
from omnicore.testing.strategies.kernel import instants, moneys

_MOST = 10**9


def plain_ids() -> st.SearchStrategy[str]:
    """Give ids as providers and tills make them."""
    return st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)


def _amounts_due(currency: str) -> st.SearchStrategy[Money]:
    return moneys(currency=currency, least=1, most=_MOST)


def tender_methods() -> st.SearchStrategy[TenderMethod]:
    """Give every means of payment."""
    return st.sampled_from(TenderMethod)


def refund_orders() -> st.SearchStrategy[RefundOrder]:
    """Give every order of refunds."""
    return st.sampled_from(RefundOrder)


def provider_names() -> st.SearchStrategy[ProviderName]:
    """Give names of providers."""
    return st.sampled_from(("stripe", "till-1", "konbini", "yamato")).map(ProviderName)


@st.composite
def tenders(draw: st.DrawFn, *, currency: str = "JPY") -> Tender:
    """Give tenders of any method."""
    return Tender(
        id=TenderId(draw(plain_ids())),
        method=draw(tender_methods()),
        amount=draw(_amounts_due(currency)),
        provider=draw(provider_names()),
        token=draw(st.sampled_from(("", "tok_1"))),
    )


def tender_lists(*, currency: str = "JPY", most: int = 4) -> st.SearchStrategy[tuple[Tender, ...]]:
    """Give the tenders of one payment, each with an id of its own; none, for an order that costs nothing."""
    return st.lists(tenders(currency=currency), max_size=most, unique_by=lambda tender: tender.id).map(tuple)


@st.composite
def transactions(draw: st.DrawFn, *, tender: TenderId | None = None, currency: str = "JPY") -> Transaction:
    """Give transactions in any state, not of any payment in particular."""
    state = draw(st.sampled_from(TransactionState))
    told = state is not TransactionState.PENDING
    return Transaction(
        id=TransactionId(draw(plain_ids())),
        tender=TenderId(draw(plain_ids())) if tender is None else tender,
        step=draw(st.sampled_from(Step)),
        amount=draw(_amounts_due(currency)),
        begun=draw(instants()),
        of=draw(st.none() | plain_ids().map(TransactionId)),
        state=state,
        reference=draw(plain_ids()) if told else None,
        told=draw(instants()) if told else None,
        reason="insufficient_funds" if state is TransactionState.DECLINED else None,
    )


@st.composite
def payments(draw: st.DrawFn) -> Payment:
    """Give payments with transactions in any state; for storing and reading, not for their history."""
    means = draw(tender_lists())
    names = [tender.id for tender in means]
    steps = st.sampled_from(names).flatmap(lambda name: transactions(tender=name)) if names else st.nothing()
    return Payment(
        order=OrderId(draw(plain_ids())),
        due=total((tender.amount for tender in means), "JPY"),
        tenders=means,
        transactions=tuple(draw(st.lists(steps, max_size=4, unique_by=lambda each: each.id))) if names else (),
    )


@st.composite
def amounts(draw: st.DrawFn) -> Amounts:
    """Give what a payment's transactions may come to: refunds never exceed captures."""
    captured = draw(st.integers(0, 2_000))
    refunded = draw(st.integers(0, captured))
    return Amounts(
        due=Money(draw(st.integers(0, 1_000)), "JPY"),
        authorised=Money(draw(st.integers(0, 1_000)), "JPY"),
        captured=Money(captured, "JPY"),
        refunded=Money(refunded, "JPY"),
        refunding=Money(draw(st.integers(0, captured - refunded)), "JPY"),
        action_needed=draw(st.booleans()),
        declined=draw(st.booleans()),
        cancelled=draw(st.booleans()),
    )


def remainders() -> st.SearchStrategy[Remainder]:
    """Give what may be left to pay."""
    parts = st.tuples(st.integers(0, _MOST), st.integers(0, _MOST))
    return parts.map(lambda two: Remainder(net=Money(two[0], "JPY"), gross=Money(sum(two), "JPY")))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Give what a provider may be asked."""
    of = draw(st.none() | plain_ids())
    order, transaction = OrderId(draw(plain_ids())), TransactionId(draw(plain_ids()))
    provider, method, amount = draw(provider_names()), draw(tender_methods()), draw(_amounts_due("JPY"))
    step = draw(st.sampled_from(Step))
    match step:
        case Step.AUTHORISE:
            return Authorise(order=order, transaction=transaction, provider=provider, method=method, amount=amount)
        case Step.CAPTURE:
            return Capture(
                order=order, transaction=transaction, provider=provider, method=method, amount=amount, authorised=of
            )
        case Step.REFUND:
            return Refund(
                order=order,
                transaction=transaction,
                provider=provider,
                method=method,
                amount=amount,
                captured=of or "r",
            )
        case Step.CANCEL:
            return Cancel(
                order=order, transaction=transaction, provider=provider, method=method, amount=amount, authorised=of
            )
        case _:
            assert_never(step)


def answers(*, step: Step | None = None) -> st.SearchStrategy[Answer]:
    """Give what a provider may answer; with ``step``, only what fits it."""
    success: dict[Step, st.SearchStrategy[Answer]] = {
        Step.AUTHORISE: st.builds(Authorised, reference=plain_ids(), at=instants()),
        Step.CAPTURE: st.builds(Captured, reference=plain_ids(), at=instants()),
        Step.REFUND: st.builds(Refunded, reference=plain_ids(), at=instants()),
        Step.CANCEL: st.builds(Cancelled, reference=plain_ids(), at=instants()),
    }
    reasons = st.sampled_from(("insufficient_funds", "expired_card"))
    no: st.SearchStrategy[Answer] = st.builds(
        Declined, reason=reasons, at=instants(), reference=st.none() | plain_ids()
    )
    url = st.just("https://pay.example/1")
    act: st.SearchStrategy[Answer] = st.builds(NeedsAction, reference=plain_ids(), url=url, at=instants())
    if step is None:
        return st.one_of(*success.values(), no, act)
    return success[step] | no | act if step in {Step.AUTHORISE, Step.CAPTURE} else success[step] | no
