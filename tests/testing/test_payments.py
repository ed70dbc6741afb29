"""Does the provider that tests use keep to what a provider may say?"""

from omnicore.kernel.ids import OrderId, TransactionId
from omnicore.kernel.money import Money
from omnicore.payments import Authorise, Cancel, Cancelled, NeedsAction, ProviderName, Refund, Refunded, TenderMethod
from omnicore.testing.payments import Behaviour, FakeProvider

ORDER = OrderId("O1")
FAKE = ProviderName("fake")
YEN = Money(100, "JPY")


def test_a_buyer_is_asked_to_act_only_when_they_pay() -> None:
    """Told to ask for action, it does so for a payment; giving back and letting go need no buyer and are done."""
    provider = FakeProvider()
    provider.will(*[Behaviour.NEED_ACTION] * 3)
    pay = Authorise(order=ORDER, transaction=TransactionId("T1"), provider=FAKE, method=TenderMethod.CARD, amount=YEN)
    back = Refund(
        order=ORDER,
        transaction=TransactionId("T2"),
        provider=FAKE,
        method=TenderMethod.CARD,
        amount=YEN,
        captured="fake-1",
    )
    let_go = Cancel(order=ORDER, transaction=TransactionId("T3"), provider=FAKE, method=TenderMethod.CARD, amount=YEN)
    assert isinstance(provider.authorise("a", pay), NeedsAction)
    assert isinstance(provider.refund("b", back), Refunded)
    assert isinstance(provider.cancel("c", let_go), Cancelled)
    assert provider.taken_minor(ORDER) == -100
    provider.close()
