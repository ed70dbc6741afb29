"""Who tells whom they are, proves it, and asks who somebody is?"""

from omnicore.kernel.personal import Personal
from omnicore.ordering import claim as claim_order
from omnicore.ordering import read_buyers
from omnicore.parties import (
    NO_DETAILS,
    IdentityKind,
    ToldIdentity,
    claim,
    open_account,
    verify_identity,
    who_is,
)
from omnicore.testing.world.auditor import CANARY
from omnicore.testing.world.stage import Stage

_AT_MOST = 40


def email_of(stage: Stage) -> str:
    """Give an address to buy with: a new one, or one that has bought before."""
    if stage.emails and stage.chance(0.5):
        return stage.dice.choice(stage.emails)
    stage.emails = [*stage.emails[-_AT_MOST:], f"{CANARY}{stage.number()}@example.jp"]
    return stage.emails[-1]


def ask_who(stage: Stage) -> None:
    """Look at somebody's data, with a purpose, and try without."""
    host = stage.stranger if stage.chance(0.3) else None
    if stage.placed and stage.chance(0.5):
        shown = stage.run(read_buyers(orders=(stage.dice.choice(stage.placed),)), by=host) or ()
        for buyer in shown:
            stage.auditor.looked["ordering.read_buyers", buyer.subject] += 1
    elif stage.customers:
        customer = stage.dice.choice(stage.customers)
        who = stage.run(who_is(customer=customer), by=host)
        if who is not None and who.details != NO_DETAILS:
            stage.auditor.looked["parties.who_is", customer] += 1


def prove_and_claim(stage: Stage) -> None:
    """Prove an address, open an account with it, and claim what was bought as a guest; or try without a proof."""
    if not stage.emails:
        return
    told = ToldIdentity(kind=IdentityKind.EMAIL, value=Personal(stage.dice.choice(stage.emails)))
    proof = f"mail-{stage.number()}"
    if stage.chance(0.8):
        stage.run(verify_identity(told=told, proof=proof))
    opened = stage.run(open_account(told=told, proof=proof), key=stage.chance(0.5))
    if opened is not None:
        stage.run(claim(account=opened.account, told=told))
        if stage.placed and stage.chance(0.5):
            stage.run(claim_order(order=stage.dice.choice(stage.placed), customer=opened.customer))
