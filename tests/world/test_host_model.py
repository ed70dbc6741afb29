"""Does a whole shop agree with an auditor's naive books, over ten thousand commands, on every database?"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from attrs import evolve

from omnicore.adapters import sqlite
from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.adapters.memory_rows import Shop
from omnicore.kernel.ledger import Settle
from omnicore.kernel.store import Batch, Database
from omnicore.payments import Refund, Refunded
from omnicore.testing import SABOTAGED
from omnicore.testing.payments import FakeProvider
from omnicore.testing.world import WorldBroken, shortest, world

COMMANDS = {
    "fulfilment.deliver",
    "inventory.arrive",
    "inventory.count",
    "inventory.dispatch",
    "inventory.receive",
    "inventory.scrap",
    "parties.claim",
    "repeated",
    "scenarios.checkout",
    "scenarios.checkout unanswered",
    "scenarios.collect",
    "scenarios.confirm",
    "scenarios.import_orders",
    "scenarios.lapse",
    "scenarios.promise_again",
    "scenarios.quote",
    "scenarios.rescue",
    "scenarios.return_in_store",
    "scenarios.sell_at_till",
    "scenarios.send",
}
REFUSALS = {
    "fulfilment.not_expired",
    "fulfilment.wrong_code",
    "host.key_reused",
    "inventory.not_in_transit",
    "inventory.out_of_stock",
    "kernel.purpose_missing",
    "ordering.price_changed",
    "ordering.quote_expired",
    "parties.identity_not_proven",
    "payments.payment_declined",
    "returns.not_returnable",
    "returns.too_many_returned",
    "scenarios.checkout_under_way",
    "scenarios.not_paid",
}


@pytest.mark.parametrize(("seed", "steps"), [(1, 3000), (2, 2000), (3, 1000), (4, 1000)])
def test_a_shop_agrees_with_its_auditor(seed: int, steps: int, *, deep: bool) -> None:
    """Whatever clerks, buyers and providers do, stock, promises, orders and money are what naive books say."""
    lived = world(seed, steps * 10 if deep else steps, every=1000)
    assert lived.done["refusals looked into"] >= 5
    assert lived.done["repeats looked into"] >= 3
    if steps > 2000:
        assert not COMMANDS - lived.done.keys()
        assert not REFUSALS - lived.refused.keys()


def on_disk(folder: Path) -> Callable[[], Database]:
    """Open an empty database file; that it survives a power cut is for others to show, so it need not be waited for."""
    return lambda: sqlite.open(folder / "shop.db", migrate=True, synchronous="NORMAL")


@pytest.mark.parametrize("seed", [1, 5])
def test_a_shop_on_disk_agrees_with_its_auditor(tmp_path: Path, seed: int, *, deep: bool) -> None:
    """The books are right on a database file as they are in memory."""
    world(seed, 10_000 if deep else 1000, make=on_disk(tmp_path), every=1000)


def test_a_shop_nobody_has_seen_agrees_with_its_auditor(fresh_seed: int, *, deep: bool) -> None:
    """The books are right in a life drawn for this run alone; its seed is in the header of the run."""
    world(fresh_seed, 10_000 if deep else 1000, every=1000)


def test_a_life_is_the_same_on_every_database(tmp_path: Path) -> None:
    """The same seed gives the same answers and refusals in memory and on disk."""
    assert world(6, 250) == world(6, 250, make=on_disk(tmp_path))


# Controls: what must be caught


@pytest.mark.parametrize(
    "name", ["AnswerLost", "ExpiredTwice", "FactGuarded", "GuardForgotten", "RefusalKept", "UniqueForgotten"]
)
def test_a_sabotaged_database_is_caught(name: str) -> None:
    """A shop on a database with one mistake is found out, and the same life on a sound one is not."""
    with pytest.raises(WorldBroken) as broken:
        world(3, 300, make=SABOTAGED[name], every=50)
    assert f"world(3, {broken.value.step})" in str(broken.value)


def broken_by(kind: type[MemoryStore]) -> Callable[[], Database]:
    """Make a database of a store that leaves something out of what is written, whatever `verify` says of the rest."""

    class Broken(Memory):
        @staticmethod
        def store(shop: Shop, *, writable: bool) -> MemoryStore:
            return kind(shop, writable=writable)

    return Broken


class MoneyForgotten(MemoryStore):
    """Ships without ever asking for the money."""

    def write(self, batch: Batch) -> None:
        changes = tuple(change for change in batch.changes if not change.key.startswith("scenarios.settle/parcel"))
        super().write(evolve(batch, changes=changes))


class GoodsForgotten(MemoryStore):
    """Ships without taking goods off the shelf."""

    def write(self, batch: Batch) -> None:
        left = tuple(move for move in batch.moves if not isinstance(move, Settle) or "parcel/" not in move.id)
        super().write(evolve(batch, moves=left))


class LooksForgotten(MemoryStore):
    """Shows personal data without a word about it."""

    def write(self, batch: Batch) -> None:
        kept = tuple(row for row in batch.envelopes if row.type != "kernel.accessed.v1")
        super().write(evolve(batch, envelopes=kept))


class DeedForgotten(MemoryStore):
    """Takes units back without telling the journal."""

    def write(self, batch: Batch) -> None:
        kept = tuple(row for row in batch.envelopes if row.type != "ordering.units_returned.v1")
        super().write(evolve(batch, envelopes=kept))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (MoneyForgotten, "kept of"),
        (GoodsForgotten, "on hand"),
        (LooksForgotten, "is logged 0 times"),
        (DeedForgotten, "returned: line"),
    ],
)
def test_a_sabotaged_flow_is_caught(kind: type[MemoryStore], said: str) -> None:
    """What is left out of a write is found by the auditor, though the database agrees with itself."""
    with pytest.raises(WorldBroken, match=said):
        world(3, 400, make=broken_by(kind), every=100)


class PaysTwice(FakeProvider):
    """Sends every refund twice."""

    def refund(self, key: str, request: Refund) -> Refunded:
        answer = super().refund(key, request)
        with suppress(Exception):
            super().refund(f"{key}/again", request)
        assert isinstance(answer, Refunded)
        return answer


def test_a_refund_sent_twice_is_caught() -> None:
    """Money that leaves twice is found in the provider's own record."""
    with pytest.raises(WorldBroken, match="twice"):
        world(3, 400, provider=lambda clock: PaysTwice(clock=clock), every=100)


def test_a_broken_life_is_shortened() -> None:
    """The shortest beginning that is broken is found, and is as broken when it is lived again."""
    found = shortest(3, 300, make=SABOTAGED["ExpiredTwice"], every=50)
    assert found is not None
    assert 1 < found.step < 200
    with pytest.raises(WorldBroken):
        world(found.seed, found.step, make=SABOTAGED["ExpiredTwice"])
    world(found.seed, found.step - 1, make=SABOTAGED["ExpiredTwice"])
    assert shortest(3, 20) is None


def test_a_life_can_be_lived_again() -> None:
    """One seed is one life."""
    assert world(7, 120) == world(7, 120)
    assert world(7, 120) != world(8, 120)
