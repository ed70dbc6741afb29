"""How is the life of a shop lived from a seed, looked at again and again, and brought to a close?"""

import random  # noqa: TID251 - the world is drawn from a seed, so that a failing run can be run again
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Final

from attrs import field, frozen

from omnicore.adapters.memory import Memory
from omnicore.host import Host
from omnicore.kernel.store import Database
from omnicore.testing.clock import SECRET, Clock, Ids
from omnicore.testing.payments import FakeProvider
from omnicore.testing.shop import GIFT, NODES, open_shop, rows, unit
from omnicore.testing.world import buyers, goods, people
from omnicore.testing.world.auditor import Auditor
from omnicore.testing.world.stage import HOLD_MINUTES, Stage, made_of

WORKLOAD: Final[tuple[tuple[int, Callable[[Stage], None]], ...]] = (
    (22, buyers.fill_a_cart),
    (3, buyers.come_back_to_a_cart),
    (4, buyers.act),
    (2, buyers.wonder),
    (4, buyers.be_imported),
    (2, buyers.be_promised_at_last),
    (3, people.ask_who),
    (2, people.prove_and_claim),
    (9, goods.come_in),
    (3, goods.be_counted),
    (2, goods.be_thrown_away),
    (3, goods.go_out_to_another_node),
    (3, goods.arrive_from_another_node),
    (7, goods.be_sold_at_a_till),
    (3, goods.be_saved),
    (10, goods.be_packed_and_picked),
    (8, goods.be_sent),
    (4, goods.be_delivered),
    (3, goods.go_back_on_sale),
    (8, goods.come_back),
    (1, goods.be_asked_after),
    (4, Stage.repeat),
    (1, Stage.reuse),
    (8, Stage.pass_time),
    (8, Stage.work),
)
"""What the dice choose from, with weights."""

_ROUNDS: Final = 200
_LEASE_SECONDS: Final = 60


class WorldBroken(AssertionError):  # noqa: N818 - a law that is broken, as every kit here says it
    """A law of the world is broken; ``seed`` and ``step`` say when, and live it again."""

    def __init__(self, message: str, *, seed: int, step: int) -> None:
        """Say what is broken and how to see it again."""
        super().__init__(f"{message}\nseed {seed}, step {step}: live it again with world({seed}, {step})")
        self.seed = seed
        self.step = step


@frozen(kw_only=True)
class Lived:
    """What a life came to: how many commands and questions were accepted by name, refusals by code, journal rows."""

    seed: int
    steps: int
    done: Mapping[str, int] = field(hash=False)
    refused: Mapping[str, int] = field(hash=False)
    events: int


def world(
    seed: int,
    steps: int,
    *,
    make: Callable[[], Database] = Memory,
    provider: Callable[[Clock], FakeProvider] = lambda clock: FakeProvider(clock=clock),
    every: int = 250,
) -> Lived:
    """Live ``steps`` steps of the life that a seed draws; the auditor looks after ``every`` of them and at the end.

    Raises: WorldBroken.
    """
    clock, ids = Clock(), Ids("world")
    host = Host(
        make(),
        secret=SECRET,
        clock=clock,
        new_id=ids,
        providers=[provider_ := provider(clock)],
        lease_seconds=_LEASE_SECONDS,
    )
    units = tuple(sorted(unit(row["sku"]) for row in rows()))
    names = [*(row["sku"] for row in rows()), GIFT]
    auditor = Auditor(units, NODES, {name: made_of(name) for name in names}, HOLD_MINUTES)
    dice = random.Random(seed)  # noqa: S311 - as the import
    stage = Stage(host=host, clock=clock, provider=provider_, dice=dice, auditor=auditor)
    weights = tuple(accumulate(weight for weight, _ in WORKLOAD))
    deeds = [deed for _, deed in WORKLOAD]
    step = 0
    try:
        open_shop(host)
        for node in NODES:
            auditor.stock.tell("received", {unit(row["sku"]): int(row[node]) for row in rows()})
        for step in range(1, steps + 1):
            (deed,) = dice.choices(deeds, cum_weights=weights)
            deed(stage)
            if step % every == 0:
                host.work()
                auditor.check(host, provider_, at=clock())
        close(stage)
    except Exception as broken:
        raise WorldBroken(f"{type(broken).__name__}: {broken}", seed=seed, step=step) from broken
    finally:
        provider_.close()
        host.close()
    return Lived(seed=seed, steps=steps, done=dict(stage.done), refused=dict(stage.refused), events=auditor.heard)


def close(stage: Stage) -> None:
    """Let everything that is under way come to its end, then look at every order.

    Raises: AssertionError.
    """
    for _ in range(_ROUNDS):
        stage.clock.advance(hours=1)
        worked = stage.host.work()
        for stuck in stage.host.stuck():
            stage.host.retry(stuck.id)
        if not worked.resumed and not worked.failed:
            break
    else:
        raise AssertionError("runs do not come to an end")
    assert not stage.host.stuck(), "a run is stuck"
    assert not stage.provider.doubled(), "a provider was made to do something twice"
    stage.auditor.check(stage.host, stage.provider, at=stage.clock(), at_the_end=True)


def shortest(seed: int, steps: int, *, make: Callable[[], Database] = Memory, every: int = 250) -> WorldBroken | None:
    """Find the shortest beginning of a life that is broken when the auditor looks at its end; None if it is sound.

    A life is judged at its end too, so halving finds the step: about as much work as living it twice.
    """
    worst: WorldBroken | None = None
    sound, broken = 0, steps + 1
    while broken - sound > 1:
        length = steps if worst is None else (sound + broken) // 2
        try:
            world(seed, length, make=make, every=max(every, length))
            if worst is None:
                return None
            sound = length
        except WorldBroken as found:
            worst, broken = found, min(found.step, length) or 1
    return worst
