"""Payments: ``tender`` cases by ``omnicore.payments``."""

from omnicore.kernel.money import Money
from omnicore.payments import left_to_pay
from tests.acceptance.comparing import Named
from tests.acceptance.kinds_distribute import one_step
from tests.acceptance.reading import Case


def tender(case: Case) -> Named:
    """Pay a part with a gift card and say what is left."""
    with case.givens().reading() as given, one_step(case).reading() as step:
        currency = given.text("currency")

        def money(name: str) -> Money:
            return Money(given.whole(name), currency)

        net, gross, balance = money("total"), money("total_with_tax"), money("gift_card_balance")
        asked = Money(step.whole("apply_gift_card"), currency)
    left = left_to_pay(net=net, gross=gross, tendered=min(asked, balance))
    return Named(remaining=left.net.minor, remaining_with_tax=left.gross.minor)
