"""Do the kit's random steps find what no law names, and show it briefly?"""

import pytest

from omnicore.adapters.memory import Memory, MemoryStore
from omnicore.adapters.memory_rows import Shop
from omnicore.kernel.store import Batch
from omnicore.testing import check_store, store_kit
from omnicore.testing.store_steps import Forget, Number, Wait, Write, draw, shortened


class Rare(MemoryStore):
    """Loses the third of three moves."""

    def write(self, batch: Batch) -> None:
        super().write(batch)
        if len(batch.moves) >= 3 and self._shop.holds:
            self._shop.holds.popitem()


class RareMemory(Memory):
    @staticmethod
    def store(shop: Shop, *, writable: bool) -> MemoryStore:
        return Rare(shop, writable=writable)


def test_random_steps_find_what_no_law_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake that only shows in rare writes is found by comparing with the model, and shown as a short run."""
    monkeypatch.setattr(store_kit, "LAWS", ())
    with pytest.raises(AssertionError, match="differs from Memory after these steps") as caught:
        check_store(RareMemory, unless=frozenset({"threads"}))
    shown = [line for line in str(caught.value).splitlines() if line.startswith("  ") and "Write(" in line]
    assert 1 <= len(shown) <= 3


def test_threads_can_be_left_out() -> None:
    """A database that is used from one thread says so, and the result says what was not checked."""
    checked = check_store(Memory, examples=1, unless=frozenset({"threads"}))
    assert "snapshot" not in checked.laws
    assert checked.left_out == {"threads"}
    assert checked.steps == 16


def test_steps_are_drawn_alike(fresh_seed: int) -> None:
    """The same seed draws the same steps, of every sort."""
    import random  # noqa: PLC0415, TID251 - seeded, for this test alone

    steps = draw(random.Random(fresh_seed), length=400)  # noqa: S311 - as above
    assert steps == draw(random.Random(fresh_seed), length=400)  # noqa: S311 - as above
    assert {type(step) for step in steps} == {Write, Wait, Number, Forget}


def test_a_run_is_shortened_to_what_it_needs() -> None:
    """Of a failing run of steps, those are left out that the failure does not need."""
    steps = [Wait(seconds=number) for number in range(30)]
    needed = {Wait(seconds=7), Wait(seconds=21)}
    short = shortened(list(steps), lambda run: needed <= set(run))
    assert short == [Wait(seconds=7), Wait(seconds=21)]
