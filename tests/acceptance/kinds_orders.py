"""Orders: ``derive_state`` cases: summary statuses are computed from facts by ``omnicore.ordering``."""

from collections.abc import Callable, Mapping
from typing import Final

from omnicore.kernel.ids import LineId, VariantId
from omnicore.ordering import (
    FulfilmentStatus,
    MoneyFacts,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    fulfilment_status,
    order_status,
    payment_status,
)
from tests.acceptance.comparing import Named
from tests.acceptance.kinds_distribute import one_step
from tests.acceptance.reading import Case, Fields, NotBuilt

_MONEY_WORDS: Final[Mapping[str, Mapping[PaymentStatus, str]]] = {
    "Sylius": {
        PaymentStatus.AWAITING: "awaiting_payment",
        PaymentStatus.AUTHORISED: "authorized",
        PaymentStatus.PARTIALLY_PAID: "partially_paid",
        PaymentStatus.PAID: "paid",
        PaymentStatus.PARTIALLY_REFUNDED: "partially_refunded",
        PaymentStatus.REFUNDED: "refunded",
    },
    "Solidus": {
        PaymentStatus.AWAITING: "balance_due",
        PaymentStatus.PARTIALLY_PAID: "balance_due",
        PaymentStatus.PAID: "paid",
        PaymentStatus.CREDIT_OWED: "credit_owed",
        PaymentStatus.VOID: "void",
    },
}
"""What a peer calls our statuses; what is not here it does not tell apart as we do."""
_GOODS_WORDS: Final[Mapping[str, Mapping[FulfilmentStatus, str]]] = {
    "Sylius": {
        FulfilmentStatus.UNFULFILLED: "ready",
        FulfilmentStatus.PARTIALLY_SHIPPED: "partially_shipped",
        FulfilmentStatus.SHIPPED: "shipped",
        FulfilmentStatus.CANCELLED: "cancelled",
    },
    "Saleor": {
        FulfilmentStatus.UNFULFILLED: "unfulfilled",
        FulfilmentStatus.PARTIALLY_SHIPPED: "partially_fulfilled",
        FulfilmentStatus.SHIPPED: "fulfilled",
        FulfilmentStatus.PARTIALLY_RETURNED: "partially_returned",
        FulfilmentStatus.RETURNED: "returned",
    },
}
_COMES_TO: Final[Mapping[str, str]] = {
    "new": "pending",
    "processing": "pending",
    "failed": "pending",
    "authorized": "authorised",
    "completed": "captured",
    "refunded": "refunded",
}
"""What a payment in a peer's state has brought."""


def derive_state(case: Case) -> Named:
    """Derive a status of an order: of its money, of its goods, or of the whole."""
    with one_step(case).reading() as step:
        which = step.text("derive")
    deriving: Mapping[str, Callable[[Case, Fields], Named]] = {
        "payment_state": _payment_state,
        "shipping_state": _shipping_state,
        "order_state": _order_state,
    }
    if which not in deriving:
        raise NotBuilt(f"deriving {which}")
    with case.givens().reading() as given:
        return deriving[which](case, given)


def _word(
    case: Case,
    words: Mapping[str, Mapping[PaymentStatus, str]] | Mapping[str, Mapping[FulfilmentStatus, str]],
    status: object,
) -> str:
    word = {str(ours): theirs for ours, theirs in words.get(case.peer, {}).items()}.get(str(status))
    if word is None:
        raise NotBuilt(f"what {case.peer} calls {status}")
    return word


def _payment_state(case: Case, given: Fields) -> Named:
    given.text("currency", "")
    with given.within("order").reading() as order:
        agreed, cancelled = order.whole("total"), order.text("state", "") == "cancelled"
    sums, failed = dict.fromkeys(_COMES_TO.values(), 0), False
    for row in given.rows("payments"):
        with row.reading():
            state = row.text("state")
            if state not in _COMES_TO:
                raise NotBuilt(f"a payment that is {state}")
            sums[_COMES_TO[state]] += row.whole("amount")
            failed = failed or state == "failed"
    captured = given.whole("paid_total", sums["captured"] + sums["refunded"])
    if sums["refunded"] > 0 and captured < agreed:
        raise NotBuilt("money given back on an order that was never paid whole")
    if failed and case.peer == "Solidus":
        raise NotBuilt("a failed payment that shows on the order")
    if 0 < sums["authorised"] < agreed - captured:
        raise NotBuilt("a partly authorised payment")
    if cancelled and case.peer != "Solidus":
        raise NotBuilt(f"the payment of a cancelled order of {case.peer}")
    facts = MoneyFacts(
        agreed=agreed,
        due=0 if cancelled else agreed,
        authorised=sums["authorised"],
        captured=captured,
        refunded=sums["refunded"],
    )
    return Named(payment_state=_word(case, _MONEY_WORDS, payment_status(facts)))


def _line(number: int, *, shipped: int = 0, returned: int = 0, cancelled: int = 0) -> OrderLine:
    return OrderLine(
        id=LineId(f"line-{number}"),
        variant=VariantId("V"),
        title="V",
        ordered=2,
        unit_price=0,
        total=0,
        tax_category="standard",
        shipped=shipped,
        returned=returned,
        cancelled=cancelled,
    )


def _shipping_state(case: Case, given: Fields) -> Named:
    """Let every shipment carry a line of its own."""
    states = [str(state) for state in given.items("shipments")]
    counts = {"ready": {}, "shipped": {"shipped": 2}, "cancelled": {"cancelled": 2}}
    if unknown := set(states) - counts.keys():
        raise NotBuilt(f"a shipment that is {', '.join(sorted(unknown))}")
    if {"shipped", "cancelled"} <= set(states):
        raise NotBuilt("a cancelled shipment that counts as one to come")
    lines = [_line(number, **counts[state]) for number, state in enumerate(states)]
    return Named(shipping_state=_word(case, _GOODS_WORDS, fulfilment_status(lines)))


def _order_state(case: Case, given: Fields) -> Named:
    if "fulfilments" in given:
        return _fulfilments(case, given)
    money = {word: status for status, word in _MONEY_WORDS.get(case.peer, {}).items()}
    goods = {word: status for status, word in _GOODS_WORDS.get(case.peer, {}).items()}
    shipped, paid = given.text("shipping_state"), given.text("payment_state")
    if shipped not in goods or paid not in money:
        raise NotBuilt(f"an order that is {shipped} and {paid}")
    return Named(fulfilled=order_status(goods[shipped], money[paid]) is OrderStatus.COMPLETED)


def _fulfilments(case: Case, given: Fields) -> Named:
    """Count the one line of an order: of what its fulfilments cover, how much has left and come back?"""
    share = {"all": 2, "part": 1}
    shipped = returned = 0
    for row in given.rows("fulfilments"):
        with row.reading():
            state, covers = row.text("state"), row.text("covers")
            if state not in {"waiting_for_approval", "fulfilled", "returned"} or covers not in share:
                raise NotBuilt(f"a fulfilment that is {state} and covers {covers}")
            shipped += share[covers] if state in {"fulfilled", "returned"} else 0
            returned += share[covers] if state == "returned" else 0
    if shipped > share["all"]:
        raise NotBuilt("fulfilments that cover a unit twice")
    status = fulfilment_status([_line(0, shipped=shipped, returned=returned)])
    return Named(order_state=_word(case, _GOODS_WORDS, status))
